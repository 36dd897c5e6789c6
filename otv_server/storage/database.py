"""Transactions on SQLite; everything about SQLite that is not SQL.

A transaction is one plain function over a ``Transaction``; it runs whole in a thread of the
database, with whatever else waits for that thread (``threads``, docs/decisions/0002). One thread
writes: waiting in its queue is cheaper than SQLite's busy polling. ``BEGIN IMMEDIATE`` takes the
one write lock of the file before the first read and keeps it until the commit, so "the link's row
is held" is true of every process on the file. Commits are durable (``synchronous=FULL``) before
they return.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, create_engine, event, insert, inspect, select
from sqlalchemy.pool import NullPool

from otv_server.domain.errors import Unavailable
from otv_server.storage.tables import LATER, SCHEMA_VERSION, metadata, schema, usage
from otv_server.storage.threads import DatabaseThread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from otv_server.domain.share import Instant

BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_TIMEOUT_S = 0.05

Result = TypeVar("Result")


class WrongSchema(Exception):
    """The database was made by another version of this program; the message says which."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction and its instant: every decision in it happens at the same time."""

    connection: Connection
    now: Instant


class Database:
    """One SQLite file.

    Args:
        path: the file; its folder exists.
        clock: milliseconds since the epoch.
    """

    def __init__(self, path: Path, clock: Callable[[], Instant]) -> None:
        self._path = path
        self._clock = clock
        self._writing = DatabaseThread(_engine(path, begin="BEGIN IMMEDIATE"), "otv-write")
        self._reading = DatabaseThread(_engine(path, begin="BEGIN"), "otv-read")

    async def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work`` holding the write lock; it commits when it returns, or nothing happened."""
        return await self._writing.run(partial(self._at_now, work))

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work`` on a consistent view; it must not write."""
        return await self._reading.run(partial(self._at_now, work))

    def _at_now(self, work: Callable[[Transaction], Result], connection: Connection) -> Result:
        return work(Transaction(connection, self._clock()))

    async def open(self) -> None:
        """Make the file and its tables, or check that they are this version's.

        Raises:
            WrongSchema: made by another version, or by another program.
            OSError: it may not be written.
        """
        self._path.touch(mode=0o600)
        self._check_writable()
        await self.write(self._prepare)

    def _check_writable(self) -> None:
        """SQLite would find out with the first row that it writes, and that may be tomorrow."""
        for path in (self._path.parent, *self._path.parent.glob(f"{self._path.name}*")):
            if not os.access(path, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def _prepare(self, tx: Transaction) -> None:
        metadata.create_all(tx.connection, tables=[schema])
        version = tx.connection.scalar(select(schema.c.version))
        if version is None:
            if inspect(tx.connection).get_table_names() != [schema.name]:
                raise WrongSchema(f"{self._path.name} was made by another program.")
            metadata.create_all(tx.connection)
            tx.connection.execute(insert(schema).values(version=SCHEMA_VERSION))
            tx.connection.execute(insert(usage).values(id=1, reserved=0, stored=0))
        elif version != SCHEMA_VERSION:
            raise WrongSchema(
                f"{self._path.name} has schema {version}, this program reads schema"
                f" {SCHEMA_VERSION}: start the version that made it, or use another data folder."
            )
        else:
            metadata.create_all(tx.connection, tables=LATER)

    async def is_sound(self) -> bool:
        """Whether SQLite finds nothing wrong with the file. Reads all of it."""
        query = "PRAGMA quick_check(1)"
        try:
            return await self.read(lambda tx: tx.connection.exec_driver_sql(query).scalar() == "ok")
        except Unavailable:
            return False

    async def truncate_log(self) -> bool:
        """Copy the write-ahead log into the file and empty it; False: a reader was in the way.

        Until then erased pages stand in the log as they were (SQLite, "Write-Ahead Logging").
        """
        log = self._path.with_name(f"{self._path.name}-wal")
        if not log.exists() or log.stat().st_size == 0:
            return True
        try:
            return await asyncio.to_thread(_checkpoint, self._path)
        except sqlite3.DatabaseError as error:
            raise Unavailable from error

    def close(self) -> None:
        """Finish what runs and close every connection."""
        for threads in (self._writing, self._reading):
            threads.close()


def _checkpoint(path: Path) -> bool:
    # A connection of its own: a checkpoint runs outside of any transaction. While it waits for
    # readers it keeps writers out, so it must not wait for long: a backup tool may read for
    # minutes.
    with closing(sqlite3.connect(path, timeout=CHECKPOINT_TIMEOUT_S)) as driver:
        is_busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


def _engine(path: Path, *, begin: str) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,  # threads keep their connections themselves
        hide_parameters=True,  # rows hold proofs; errors and logs must not
    )

    @event.listens_for(engine, "connect")
    def prepare(driver: Any, _record: object) -> None:
        driver.isolation_level = None  # the "begin" event below begins, not the driver
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "temp_store=MEMORY",
            "foreign_keys=ON",
        ):
            driver.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_explicitly(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(begin)  # SQLAlchemy's own way costs five times as much

    return engine
