"""A server over an object store that is misconfigured, or away for a while."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import obstore
import pytest

from otv_server.storage.blobs import MARKER
from otv_server.storage.places import WrongPlace, parse
from tests.conftest import running_server
from tests.faults.people import NOWHERE, Person
from tests.faults.wire import Moment, Stage, Wire
from tests.object_store import BUCKET
from tests.support import PART, Api, RawLink, eventually, new_secret, send_content, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from obstore.store import S3Store

    from tests.conftest import RunningServer
    from tests.object_store import S3

MIB = 1 << 20
OUTAGE_S = 10
NEVER = "http://127.0.0.1:1"
SETTINGS = {"min_free_bytes": 0, "rate": 0, "min_ttl": 1}


@pytest.fixture
def environment(object_store: S3, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What a server finds in its environment: the way to the store."""
    for name, value in object_store.environment().items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def told(command: str, tmp_path: Path, blobs: str) -> str:
    """What ``otv-server`` says of a store that it can't use: one sentence, exit code 2."""
    done = subprocess.run(
        [sys.executable, "-m", "otv_server", command, "--data", str(tmp_path), "--blobs", blobs],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("otv: error: blobs") or "AWS_" in done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


# --- settings that are wrong ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "blobs", "named"),
    [
        ({"AWS_ENDPOINT_URL": NEVER}, f"s3://{BUCKET}/x", "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL": "store:9000"}, f"s3://{BUCKET}/x", "AWS_ENDPOINT_URL"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, f"s3://{BUCKET}/x", "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, f"s3://{BUCKET}/x", "AWS_ACCESS_KEY_ID"),
        ({"AWS_ACCESS_KEY_ID": None}, f"s3://{BUCKET}/x", "AWS_ACCESS_KEY_ID"),
        ({}, "s3://nowhere/x", "nowhere"),
        ({}, "az://container/x", "AZURE_STORAGE_ACCOUNT_NAME"),
        ({}, "ftp://container/x", "s3://"),
    ],
    ids=[
        "unreachable",
        "no URL",
        "wrong secret",
        "wrong key",
        "no key",
        "no bucket",
        "no account",
        "no store",
    ],
)
def test_what_is_wrong_with_the_store_is_said(
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    changed: dict[str, str | None],
    blobs: str,
    named: str,
) -> None:
    """Else the server starts, and senders find out; or the operator searches for hours."""
    for name, value in changed.items():
        if value is None:
            environment.delenv(name)
        else:
            environment.setenv(name, value)

    said = told("check", tmp_path, blobs)

    assert named in said
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in said


@pytest.mark.parametrize("command", ["serve", "sweep"])
def test_server_does_not_start_on_a_store_that_is_wrong(
    environment: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    """Else it takes uploads that it can't keep, and nobody looks at ``check``."""
    del environment

    assert "nowhere" in told(command, tmp_path, "s3://nowhere/x")


@pytest.mark.parametrize(
    "blobs",
    [
        "s3://",
        "s3:bucket",
        f"s3://{BUCKET}//x",
        f"s3://{BUCKET}/../x",
        f"s3://{BUCKET}/x?y",
        f"s3://{BUCKET}/a b",
        f"s4://{BUCKET}/x",
        f"http://{BUCKET}/x",
        "file://host/folder",
        BUCKET,
        "",
    ],
)
def test_address_of_no_store_is_refused(blobs: str) -> None:
    """Else ciphertext goes somewhere else than was meant."""
    with pytest.raises(WrongPlace):
        parse(blobs)


def test_secret_in_an_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """Else it stands in lists of processes, and in whatever logs a failed start."""
    said = told("check", tmp_path, f"s3://key:hidden@{BUCKET}/x")

    assert "AWS_SECRET_ACCESS_KEY" in said
    assert "hidden" not in said


@pytest.mark.parametrize("kind", ["file", "s3"])
@pytest.mark.usefixtures("environment")
def test_place_of_another_database_is_refused(kind: str, tmp_path: Path) -> None:
    """Else two installations on one prefix delete each other's files within the hour."""
    prefix = f"s3://{BUCKET}/{secrets.token_hex(8)}"
    place = prefix if kind == "s3" else (tmp_path / "blobs").as_uri()
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    for _ in range(2):
        with running_server(first, **SETTINGS, blobs=place):
            pass  # it has started: what is there is its own

    said = told("check", second, place)

    assert "another database" in said
    assert MARKER in said


def test_folder_by_address(tmp_path: Path) -> None:
    """Else the ciphertext can't have a disk of its own."""
    folder = tmp_path / "another disk"
    with running_server(tmp_path, **SETTINGS, blobs=folder.as_uri()) as server:
        api = Api.of(server.url)
        send_content(api, [b"content"])
        api.http.close()

    assert [path.read_bytes() for path in folder.glob("*/*")] == [b"content"]
    assert {path.name for path in folder.iterdir() if path.is_file()} == {MARKER}
    assert not (server.data / "blobs").exists()


# --- a store that is away -------------------------------------------------------------------------


@dataclass
class Far:
    """A server whose store is at the far end of a wire, and what the store holds."""

    server: RunningServer
    wire: Wire
    store: S3Store

    @property
    def names(self) -> list[str]:
        """Everything in the store but whose it is."""
        found = {found["path"] for group in obstore.list(self.store) for found in group}
        return sorted(found - {MARKER})

    def cut(self) -> None:
        """From now on nobody gets through to the store."""
        self.wire.target = NOWHERE
        self.wire.cut()

    def mend(self, object_store: S3) -> None:
        """And now everybody does."""
        self.wire.target = object_store.url


@pytest.fixture
def far(object_store: S3, environment: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Far]:
    """A server on the store, with a prefix of its own."""
    prefix = secrets.token_hex(8)
    wire = Wire(object_store.url)
    environment.setenv("AWS_ENDPOINT_URL", wire.url)
    with running_server(tmp_path, **SETTINGS, blobs=f"s3://{BUCKET}/{prefix}") as server:
        yield Far(server, wire, object_store.client(prefix))
    wire.close()


def test_nothing_is_lost_and_nothing_opened_twice_while_the_store_is_away(
    far: Far, object_store: S3, tmp_path: Path
) -> None:
    """Else ten seconds without a store cost people what they sent, or who may open it once."""
    first, second = os.urandom(3 * PART), os.urandom(3 * PART)
    sender, reader = Person.at(tmp_path / "sender"), Person.at(tmp_path / "reader")
    (sender.otv.folder / "first").write_bytes(first)
    (sender.otv.folder / "second").write_bytes(second)
    people = Wire(far.server.url)
    link = sender.run(people, "put", "first").stdout.decode().strip()

    def cut_in_the_middle(moment: Moment) -> None:
        if moment.call == "content" and moment.stage is Stage.DOWN:
            people.watch = lambda _: None
            far.cut()

    people.watch = cut_in_the_middle
    with ThreadPoolExecutor(2) as pool:
        getting = pool.submit(reader.run, people, "get", link, "-o", "out")
        assert eventually(lambda: far.wire.target == NOWHERE, 20)
        putting = pool.submit(sender.run, people, "put", "second")
        time.sleep(OUTAGE_S)  # the outage itself
        are_waiting = not getting.done() and not putting.done()
        far.mend(object_store)
        got, sent = getting.result(), putting.result()
    again = Person.at(tmp_path / "again").run(people, "get", link)
    other = reader.run(people, "get", sent.stdout.decode().strip(), "-o", "other")
    people.close()

    assert are_waiting
    assert (got.returncode, sent.returncode, other.returncode) == (0, 0, 0), got.stderr
    assert (reader.otv.folder / "out/first").read_bytes() == first
    assert (reader.otv.folder / "other/second").read_bytes() == second
    assert again.returncode == 4
    assert eventually(lambda: not far.names, 20)
    assert "Traceback" not in far.server.log_text()


def test_store_that_is_away_is_told_as_such(far: Far, object_store: S3) -> None:
    """Else clients give up, or come again at once and all together."""
    api, lease = Api.of(far.server.url), new_secret()
    share = send_content(api, [b"content"])
    api.claim(share.link, lease)
    sid, owner = secrets.token_bytes(12), new_secret()
    api.create(sid, owner, 5)
    far.cut()

    answers = [api.part(sid, owner, 0, b"bytes"), api.content(share.link, lease)]
    others = [api.look(share.link), api.share(sid, owner)]
    far.mend(object_store)
    later = [api.part(sid, owner, 0, b"bytes"), api.content(share.link, lease)]
    api.http.close()

    assert [verdict(answer) for answer in answers] == [(503, "unavailable")] * 2
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert [answer.status_code for answer in others] == [200, 200]
    assert [answer.status_code for answer in later] == [201, 200]
    assert "Unreachable" in far.server.log_text()


def test_links_end_while_the_store_is_away_and_deleting_waits(far: Far, object_store: S3) -> None:
    """Else manifests outlive their links, or ciphertext stays for good."""
    api = Api.of(far.server.url)
    revoked = send_content(api, [b"content"])
    expiring = send_content(api, [b"content"], RawLink(ttl_s=2))
    far.cut()

    api.revoke(revoked.sid, revoked.owner)
    is_over = eventually(lambda: api.look(expiring.link).json()["state"] == "expired", 10)
    is_erased = eventually(
        lambda: (
            b"".join(path.read_bytes() for path in far.server.data.glob("otv.db*")).find(
                expiring.link.manifest
            )
            < 0
        ),
        10,
    )
    kept = len(far.names)
    far.mend(object_store)
    api.http.close()

    assert (is_over, is_erased, kept) == (True, True, 2)
    assert eventually(lambda: not far.names, 30)


def test_sweep_finds_what_no_row_names(
    object_store: S3, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else what a store finished after everybody had given up stays for ever."""
    del environment
    prefix = secrets.token_hex(8)
    place = f"s3://{BUCKET}/{prefix}"
    with running_server(tmp_path, blobs=place) as server:
        pass  # the prefix is its database's
    store = object_store.client(prefix)
    for name in (secrets.token_hex(16), "kept.txt"):
        obstore.put(store, name, b"x")
    time.sleep(2.1)  # the store's own clock tells the age, in whole seconds

    done = subprocess.run(
        [
            *(sys.executable, "-m", "otv_server", "sweep", "--data", str(server.data)),
            *("--blobs", place, "--idle-upload", "1"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "deleted=1" in done.stdout
    left = {found["path"] for group in obstore.list(store) for found in group}
    assert left == {MARKER, "kept.txt"}
