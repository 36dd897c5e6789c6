"""A data folder that is damaged, another program's, or used by two servers at once."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otv_client import Client
from tests.conftest import running_server
from tests.support import Api, RawLink, new_secret, send_content, send_small, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import RunningServer


def told(command: str, data: Path) -> str:
    """What ``otv-server`` says of a folder that it must refuse: one sentence, exit code 2."""
    done = subprocess.run(
        [sys.executable, "-m", "otv_server", command, "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("otv: error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a server that has stopped."""
    with running_server(tmp_path_factory.mktemp("used"), min_free_bytes=0, rate=0) as server:
        api = Api.of(server.url)
        for _ in range(10):
            send_small(api)
        api.http.close()
    return server.data


@pytest.fixture
def used(left_behind: Path, tmp_path: Path) -> Path:
    """A data folder with some shares in it, and no server."""
    return Path(shutil.copytree(left_behind, tmp_path / "data"))


def overwrite(path: Path, start: int, size: int) -> None:
    """What a failing disk does."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(secrets.token_bytes(size))


@pytest.mark.parametrize("command", ["serve", "check", "sweep"])
def test_database_whose_head_is_damaged(used: Path, command: str) -> None:
    """Else a new and empty database takes its place, and every link is unknown."""
    overwrite(used / "otv.db", 0, 512)

    assert str(used) in told(command, used)


def test_database_damaged_somewhere_is_found_by_check(used: Path) -> None:
    """Else the operator is told that all is well, and recipients find out."""
    overwrite(used / "otv.db", 8 * 4096, 8 * 4096)

    assert "damaged" in told("check", used)


def test_database_cut_short_is_found_by_check(used: Path) -> None:
    """Else half a database, as a full backup disk leaves it, looks like one."""
    size = (used / "otv.db").stat().st_size
    with (used / "otv.db").open("r+b") as file:
        file.truncate(size // 2)

    assert str(used) in told("check", used)


def test_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    """Else a typing error mixes two programs' tables in one file."""
    with closing(sqlite3.connect(tmp_path / "otv.db")) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")

    assert "another program" in told("serve", tmp_path)

    with closing(sqlite3.connect(tmp_path / "otv.db")) as other:
        tables = other.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("recipes",)]


def test_database_of_a_newer_version_is_left_alone(used: Path) -> None:
    """Else an older program misreads, and destroys, what a newer one wrote."""
    with closing(sqlite3.connect(used / "otv.db")) as database:
        database.execute("UPDATE schema SET version = 9")
        database.commit()
    before = (used / "otv.db").read_bytes()

    said = [told(command, used) for command in ("serve", "check", "sweep")]

    assert all("schema 9" in each for each in said)
    assert (used / "otv.db").read_bytes() == before


def test_file_that_can_not_be_deleted_is_told_as_such(used: Path) -> None:
    """Else an operator is told that a sound database is damaged, and replaces it."""
    stuck = used / "blobs" / "ab" / f"ab{secrets.token_hex(15)}"
    stuck.mkdir()
    os.utime(stuck, (0, 0))  # of nobody's upload that still runs

    said = told("sweep", used)

    assert str(used / "blobs") in said
    assert "database" not in said


def test_database_damaged_while_it_serves_is_unavailable(tmp_path: Path) -> None:
    """Else callers see a traceback, or are told that their link is over."""
    with running_server(tmp_path, min_free_bytes=0, rate=0) as server:
        api = Api.of(server.url)
        shares = [send_small(api) for _ in range(30)]
        api.http.close()
    # The later pages are those of manifests; with the first ones damaged it would not start.
    half = (server.data / "otv.db").stat().st_size // 2
    overwrite(server.data / "otv.db", half, half)
    with running_server(tmp_path, min_free_bytes=0, rate=0) as damaged:
        api = Api.of(damaged.url)
        verdicts = {verdict(api.claim(share.link, new_secret())) for share in shares}
        api.http.close()
        log = damaged.log_text()

    assert (503, "unavailable") in verdicts
    assert verdicts <= {(503, "unavailable"), (404, "unknown"), (200, None)}
    assert "Traceback" not in log


def test_part_that_is_damaged_on_the_disk_is_found_by_its_reader(
    tmp_path: Path,
) -> None:
    """Else a file arrives changed, because a disk is old."""
    content = secrets.token_bytes(200_000)
    with running_server(tmp_path, min_free_bytes=0, rate=0) as server, Client(server.url) as client:
        link = client.send(content, name="a").links[0].link
        (blob,) = [path for path in (server.data / "blobs").glob("*/*") if path.is_file()]
        overwrite(blob, 1000, 1)

        done = subprocess.run(
            [sys.executable, "-m", "otv_client", "get", link, "-o", str(tmp_path / "out")],
            capture_output=True,
            text=True,
            env={"OTV_STATE": str(tmp_path / "state"), "PATH": ""},
            check=False,
        )

    assert done.returncode == 6
    assert not (tmp_path / "out").exists()


# --- two servers --------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[RunningServer]]:
    """Two servers on one data folder, each started as if it were alone."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(running_server(tmp_path, min_free_bytes=0, rate=0))
            for _ in range(2)
        ]


def test_two_servers_on_one_folder_open_nothing_twice(two: list[RunningServer]) -> None:
    """Else a restart that overlaps, as supervisors do it, gives two people one file."""
    apis = [Api.of(server.url) for server in two]
    for _ in range(10):
        link = RawLink(opens=3)
        share = send_small(apis[0], link)
        with ThreadPoolExecutor(8) as pool:
            claims = list(
                pool.map(lambda n: apis[n % 2].claim(share.link, new_secret()), range(16))  # noqa: B023  # mapped at once
            )
        assert sorted(claim.status_code for claim in claims) == [200] * 3 + [410] * 13
    for api in apis:
        api.http.close()


def test_what_one_server_took_the_other_gives_out(two: list[RunningServer]) -> None:
    """Else half of all recipients find nothing."""
    content = [secrets.token_bytes(100_000)]
    first, second = (Api.of(server.url) for server in two)
    share, lease = send_content(first, content), new_secret()

    claimed = second.claim(share.link, lease)
    two[0].stop(signal.SIGKILL)
    received = second.content(share.link, lease).content
    acknowledged = second.ack(share.link, lease)

    for api in (first, second):
        api.http.close()
    assert claimed.status_code == 200
    assert received == content[0]
    assert acknowledged.status_code == 204
