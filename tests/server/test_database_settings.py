"""A database that is set wrong: ``check`` and the start say which setting, and what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from otv_server.storage.database import CantOpen
from otv_server.storage.postgres import PostgresDatabase
from otv_server.storage.tables import SCHEMA_VERSION
from tests.conftest import running_server
from tests.postgres import GUARDED
from tests.support import Api, new_secret, send_small

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres import Cluster

PASSWORD = "correct-horse-battery"
WRONG = "wrong-horse-battery"


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that uvicorn runs."""
    return "asyncio"


@pytest.fixture
def guarded(cluster: Cluster) -> Iterator[str]:
    """A database whose owner is asked for a password."""
    cluster.sql(f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'")
    with cluster.database() as url:
        name = url.rpartition("/")[2]
        cluster.sql(f"ALTER DATABASE {name} OWNER TO {GUARDED}")
        yield name
    cluster.sql(f"DROP ROLE {GUARDED}")


def told(command: str, url: str, folder: Path) -> str:
    """What a command that must not start says in one sentence."""
    done = run(command, url, folder)
    assert done.returncode == 2
    assert done.stderr.startswith("otv: error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def run(command: str, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``otv-server`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "otv_server", command, "--data", str(folder), "--port", "0"],
        env={**os.environ, "OTV_DATABASE": url, "OTV_MIN_FREE_BYTES": "0"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def nowhere(_cluster: Cluster, _name: str) -> str:
    """A port at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"postgresql://{GUARDED}:{WRONG}@127.0.0.1:{found.getsockname()[1]}/otv"


def read_only(cluster: Cluster, name: str) -> str:
    """A database that says of itself what a standby says."""
    cluster.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    return cluster.url(name)


CASES: dict[str, tuple[Callable[[Cluster, str], str], str]] = {
    "unreachable": (nowhere, "does not answer"),
    "password": (lambda cluster, name: cluster.url(name, GUARDED, WRONG), "password of guarded"),
    "missing": (lambda cluster, _: cluster.url("nothing"), "no database nothing"),
    "user": (lambda cluster, name: cluster.url(name, "nobody_known"), "nobody_known"),
    "standby": (read_only, "only reads"),
    "no TLS": (lambda cluster, name: f"{cluster.url(name)}?sslmode=require", "No TLS"),
    "no root": (
        lambda cluster, name: f"{cluster.url(name)}?sslmode=verify-full&sslrootcert=/nowhere.pem",
        "after ?",
    ),
    "not asyncpg's": (lambda cluster, name: f"{cluster.url(name)}?connect_timeout=5", "after ?"),
    "no value": (lambda cluster, name: f"{cluster.url(name)}?sslmode", "after ?"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", ["check", "serve"])
def test_wrong_setting_is_named(
    cluster: Cluster, guarded: str, tmp_path: Path, case: str, command: str
) -> None:
    """Else an operator reads a stack of three libraries, with the password somewhere in it."""
    url_of, words = CASES[case]

    said = told(command, url_of(cluster, guarded), tmp_path)

    assert words in said
    assert "`database`" in said
    assert WRONG not in said


def test_database_of_someone_else_is_named(cluster: Cluster, tmp_path: Path) -> None:
    """Else a role without the right to make tables looks like a broken program."""
    cluster.sql("CREATE ROLE visitor LOGIN")
    with cluster.database() as url:
        name = url.rpartition("/")[2]
        cluster.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC", database=name)

        said = told("check", cluster.url(name, "visitor"), tmp_path)

    cluster.sql("DROP ROLE visitor")
    assert "visitor may not make tables" in said


@pytest.mark.parametrize(
    "url", ["mysql://secretly@here/db", "postgresql://u:secretly@here:port/db", "secretly"]
)
def test_address_of_another_kind_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    """Else a typing error prints a password into a log."""
    said = told("check", url, tmp_path)

    assert "postgresql://" in said
    assert "secretly" not in said


def test_folder_of_another_database_is_refused(database_url: str, tmp_path: Path) -> None:
    """Else whoever moves to PostgreSQL, and back, finds the files of live links deleted."""
    with running_server(tmp_path, min_free_bytes=0):
        pass  # it has started: the folder is its database's

    said = told("check", database_url, tmp_path / "data")

    assert "another database" in said


def test_newer_schema_is_named(cluster: Cluster, database_url: str, tmp_path: Path) -> None:
    """Else a server that was forgotten in a rollout goes on with tables that it can't read."""
    assert run("check", database_url, tmp_path).returncode == 0
    name = database_url.rpartition("/")[2]
    cluster.sql("UPDATE schema SET version = 99", database=name)

    said = [told(command, database_url, tmp_path) for command in ("check", "serve", "upgrade")]

    assert all("schema 99" in each for each in said)


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [-61, 61])
async def test_clock_that_is_off_is_named(database_url: str, seconds: int) -> None:
    """Else a machine whose clock is wrong tells callers instants that never come."""
    database = PostgresDatabase(database_url, wall=lambda: time.time_ns() + seconds * 10**9)

    with pytest.raises(CantOpen, match="clocks"):
        await database.open()

    await database.close()


def test_check_says_what_an_operator_should_know(database_url: str, tmp_path: Path) -> None:
    """Else a database that forgets in a crash, and one that never forgets, look fine."""
    done = run("check", database_url, tmp_path)

    assert done.returncode == 0
    assert "fsync=off" in done.stderr
    assert "wal_recycle=on" in done.stderr


def test_start_says_it_too(database_url: str, tmp_path: Path) -> None:
    """Else whoever never runs ``check`` never hears of it."""
    with running_server(tmp_path, database=database_url, min_free_bytes=0) as server:
        said = server.log_text()

    assert "wal_recycle=on" in said


def test_tables_of_someone_else_are_named(cluster: Cluster, guarded: str, tmp_path: Path) -> None:
    """Else nothing that is over ever leaves the files: PostgreSQL passes over the tables."""
    assert run("upgrade", cluster.url(guarded), tmp_path).returncode == 0
    cluster.sql(
        f"GRANT ALL ON SCHEMA public TO {GUARDED}",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {GUARDED}",
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {GUARDED}",
        database=guarded,
    )

    said = told("check", cluster.url(guarded, GUARDED, PASSWORD), tmp_path)

    assert f"Make {GUARDED} their owner" in said


def test_upgrade_by_hand_says_from_where(database_url: str, tmp_path: Path) -> None:
    """Else an operator can't see whether it was done."""
    first, again = (run("upgrade", database_url, tmp_path) for _ in range(2))

    assert (first.returncode, again.returncode) == (0, 0)
    assert first.stdout.endswith("before=0\n")
    assert again.stdout == f"schema={SCHEMA_VERSION} before={SCHEMA_VERSION}\n"


def test_password_stands_in_no_process_list_and_no_log(
    cluster: Cluster, guarded: str, tmp_path: Path
) -> None:
    """Else every user of the machine can read the database."""
    url = cluster.url(guarded, GUARDED, PASSWORD)
    with running_server(tmp_path, database=url, workers=2, min_free_bytes=0) as server:
        api = Api.of(server.url)
        share = send_small(api)
        claimed = api.claim(share.link, new_secret()).status_code
        api.http.close()
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout

    assert claimed == 200
    assert PASSWORD.encode() not in listed
    assert PASSWORD not in server.log_text()
