"""Every adapter under one suite. A new one is a line in ``params`` and a way to open it."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from obstore.store import MemoryStore
from sqlalchemy import text

from otv_server.domain.limits import Limits
from otv_server.domain.share import NewLink, NewShare, Sealing
from otv_server.service.sweeping import Sweeping
from otv_server.storage.blobs import DiskBlobs
from otv_server.storage.object_store import ObjectBlobs
from otv_server.storage.opening import SqlOpening
from otv_server.storage.ownership import Ownership
from otv_server.storage.places import Bucket
from otv_server.storage.postgres import PostgresDatabase
from otv_server.storage.sending import SqlSending
from otv_server.storage.sqlite import SqliteDatabase
from otv_server.storage.sweeping import SqlSweeping
from otv_server.storage.tables import metadata, schema, usage
from otv_server.storage.tokens import SqlTokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from obstore.store import ObjectStore

    from otv_server.storage.database import Database
    from tests.object_store import S3
    from tests.postgres import Cluster

Blobs = DiskBlobs | ObjectBlobs
START = 1_800_000_000_000
LIMITS = Limits(min_free_bytes=0, max_unsealed_per_address=3, retention_s=100)


@dataclass
class Clock:
    """Milliseconds that stand still until a test moves them."""

    now: int = START

    def __call__(self) -> int:
        """The present."""
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let time go by."""
        self.now += int(seconds * 1000)


@dataclass
class Repository:
    """One process's view of a database: the ports on it."""

    sending: SqlSending
    opening: SqlOpening
    sweeping: SqlSweeping
    tokens: SqlTokens
    database: Database

    @classmethod
    def on(cls, database: Database, limits: Limits) -> Repository:
        """All ports on one database."""
        return cls(
            SqlSending(database, limits),
            SqlOpening(database, limits),
            SqlSweeping(database, limits),
            SqlTokens(database),
            database,
        )


@dataclass
class Stored:
    """A database that several processes may open, and its clock."""

    clock: Clock
    connect: Callable[[], Any]
    deadlocks: Callable[[], int] = lambda: 0
    opened: list[Repository] = field(default_factory=list)

    async def open(self, limits: Limits = LIMITS) -> Repository:
        """Another process's view of the same database."""
        database: Database = self.connect()
        await database.open()
        repository = Repository.on(database, limits)
        self.opened.append(repository)
        return repository


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that uvicorn runs."""
    return "asyncio"


@pytest.fixture(scope="session")
def shared_url(cluster: Cluster) -> Iterator[str]:
    """A database that tests have one after the other: to make one takes longer than most tests."""
    with cluster.database() as url:
        yield url


ANEW = ("UPDATE usage SET reserved = 0, stored = 0", "UPDATE schema SET database_id = NULL")


@pytest.fixture
def emptied_url(cluster: Cluster, shared_url: str) -> str:
    """A database without a row of anybody's."""
    name = shared_url.rpartition("/")[2]
    filled = [table.name for table in metadata.sorted_tables if table not in (schema, usage)]
    if cluster.sql("SELECT to_regclass('usage')", database=name):
        empty = f"TRUNCATE {', '.join(filled)}"
        cluster.sql(empty, *ANEW, database=name)
    return shared_url


@pytest.fixture(params=["sqlite", "postgres"])
async def stored(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stored]:
    """An empty database."""
    clock = Clock()
    if request.param == "sqlite":
        found = Stored(clock, lambda: SqliteDatabase(tmp_path / "otv.db", clock))
    else:
        url: str = request.getfixturevalue("emptied_url")
        name, cluster = url.rpartition("/")[2], request.getfixturevalue("cluster")
        before = _deadlocks(cluster, name)
        found = Stored(
            clock,
            lambda: PostgresDatabase(url, clock),
            lambda: _deadlocks(cluster, name) - before,
        )
    yield found
    for repository in found.opened:
        await repository.database.close()


def _deadlocks(cluster: Cluster, name: str) -> int:
    """How often PostgreSQL had to end a transaction for the sake of another one."""
    cluster.sql("SELECT pg_stat_force_next_flush()", database=name)
    query = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'"  # noqa: S608  # ours
    return int(cluster.sql(query))


@pytest.fixture
async def repository(stored: Stored) -> Repository:
    """One process's view of an empty database."""
    return await stored.open()


@pytest.fixture(params=["disk", "memory", "s3"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """An empty blob store; its clock is an hour ahead, so that every blob is an old one."""
    match request.param:
        case "disk":
            disk = DiskBlobs(tmp_path / "blobs", secrets.token_bytes, an_hour_ahead, settled_s=60)
            await disk.open()
            return disk
        case "memory":
            return as_blobs(MemoryStore(), an_hour_ahead)
        case _:
            store: S3 = request.getfixturevalue("object_store")
            return as_blobs(store.client(secrets.token_hex(8)), an_hour_ahead)


def an_hour_ahead() -> float:
    """The clock that stores date blobs by, which no test can pass in, and an hour."""
    return time.time() + 3600


def as_blobs(
    store: ObjectStore, clock: Callable[[], float] = time.time, **changed: Any
) -> ObjectBlobs:
    """A blob store on one of obstore's, which never rests between groups of names."""
    bucket = Bucket("s3", "bucket", "")
    settings: dict[str, Any] = {"pause": pauseless, "settled_s": 60}
    return ObjectBlobs(bucket, store, secrets.token_bytes, clock, **settings | changed)


def ownership_of(repository: Repository, blobs: Blobs, **changed: Any) -> Ownership:
    """This database's claim to that blob store, as each new process makes it."""
    settings: dict[str, Any] = {"is_shared": False, "pause": pauseless}
    proposed = secrets.token_hex(16)
    return Ownership(repository.database, blobs, "here", proposed=proposed, **settings | changed)


def sweeping_of(repository: Repository, blobs: Blobs) -> Sweeping:
    """The sweep over both."""
    return Sweeping(repository.sweeping, blobs, ownership_of(repository, blobs).confirm)


async def pauseless(_seconds: float) -> None:
    """Sleep for no time at all."""


def new_link(**changed: Any) -> NewLink:
    """A link with random proofs; ``unlock`` is H(U) itself."""
    fields: dict[str, Any] = {
        "id": secrets.token_bytes(12),
        "access": secrets.token_bytes(32),
        "unlock": secrets.token_bytes(32),
        "manifest": secrets.token_bytes(4202),
        "opens": 1,
        "delay_s": 0,
        "ttl_s": 600,
    }
    return NewLink(**fields | changed)


def new_share(*links: NewLink, content_bytes: int | None = 0, **changed: Any) -> NewShare:
    """A share that carries its links, or that waits for parts."""
    fields: dict[str, Any] = {
        "id": secrets.token_bytes(12),
        "owner": secrets.token_bytes(32),
        "content_bytes": content_bytes,
        "links": links,
        "body": b"body",
        "uploader": "127.0.0.1/32",
    }
    return NewShare(**fields | changed)


def sealing(content_bytes: int, root: bytes, parts: int, *links: NewLink) -> Sealing:
    """A seal over this many parts."""
    return Sealing(parts, content_bytes, root, links, b"seal")


async def until_someone_waits(database: Database) -> None:
    """Until PostgreSQL has a transaction that waits for another one."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(500):
        if await database.read(lambda tx: tx.connection.scalar(waiting)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits")
