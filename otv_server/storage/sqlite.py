"""``Database`` on SQLite: everything about SQLite that is not SQL.

A transaction runs whole in a thread of the database, so that the event loop hands over once a
transaction and not once a statement (docs/decisions/0002). One thread writes: waiting in its
queue is cheaper than SQLite's busy polling. ``BEGIN IMMEDIATE`` takes the one write lock of the
file before the first read and keeps it until the commit, so "the link's row is held" is true of
every process on the file. Commits are durable (``synchronous=FULL``) before they return.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import NullPool

from otv_server.domain.errors import Unavailable
from otv_server.storage.database import Transaction
from otv_server.storage.schema import bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from otv_server.domain.share import Instant

READERS = 4
BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_TIMEOUT_MS = 50

# Locked for too long, full, not readable; or no database at all. Their siblings are bugs. The
# driver's own come where it is asked without SQLAlchemy.
_CANT_NOW = (OperationalError, DatabaseError, sqlite3.DatabaseError)

Result = TypeVar("Result")


class SqliteDatabase:
    """One SQLite file.

    Args:
        path: the file; its folder exists.
        clock: milliseconds since the epoch.
    """

    def __init__(self, path: Path, clock: Callable[[], Instant]) -> None:
        self._path = path
        self._clock = clock
        self._writing = _Threads(_engine(path, begin="BEGIN IMMEDIATE"), 1, "otv-write")
        self._reading = _Threads(_engine(path, begin="BEGIN"), READERS, "otv-read")

    async def write(self, work: Callable[[Transaction], Result]) -> Result:
        """See ``Database.write``; ``work`` holds the write lock."""
        return await self._writing.run(partial(self._transact, work))

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """See ``Database.read``."""
        return await self._reading.run(partial(self._transact, work))

    def _transact(self, work: Callable[[Transaction], Result], connection: Connection) -> Result:
        with connection.begin():
            return work(Transaction(connection, lambda _: self._clock()))

    async def open(self) -> int:
        """See ``Database.open``."""
        self._path.touch(mode=0o600)
        self._check_writable()
        return await self.write(lambda tx: bring_up_to_date(tx, self._path.name))

    def _check_writable(self) -> None:
        """SQLite would find out with the first row that it writes, and that may be tomorrow."""
        for path in (self._path.parent, *self._path.parent.glob(f"{self._path.name}*")):
            if not os.access(path, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    async def is_sound(self) -> bool:
        """See ``Database.is_sound``. Reads all of the file."""
        query = "PRAGMA quick_check(1)"
        try:
            return await self.read(lambda tx: tx.connection.exec_driver_sql(query).scalar() == "ok")
        except Unavailable:
            return False

    async def warnings(self) -> Sequence[str]:
        """See ``Database.warnings``."""
        return ()

    async def erase_traces(self) -> bool:
        """Copy the write-ahead log into the file and empty it; False: a reader was in the way.

        Until then erased pages stand in the log as they were (SQLite, "Write-Ahead Logging").
        """
        log = self._path.with_name(f"{self._path.name}-wal")
        if not log.exists() or log.stat().st_size == 0:
            return True
        return await self._reading.run(_checkpoint)

    async def close(self) -> None:
        """See ``Database.close``."""
        for threads in (self._writing, self._reading):
            threads.close()


class _Threads:
    """Threads that each keep a connection open: to take one costs more than most transactions."""

    def __init__(self, engine: Engine, count: int, name: str) -> None:
        self._engine = engine
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._own = threading.local()
        self._open: set[Connection] = set()

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` whole, in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, work)

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        try:
            return work(self._connection())
        except _CANT_NOW as error:
            # Whatever was wrong may be wrong with the connection: the next one is a fresh one.
            self._forget()
            if isinstance(error, DatabaseError) and type(error) not in _CANT_NOW:
                raise
            raise Unavailable from error

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._engine.connect()
            self._open.add(connection)
        return connection

    def _forget(self) -> None:
        connection: Connection | None = getattr(self._own, "connection", None)
        self._own.connection = None
        if connection is not None:
            self._open.discard(connection)
            connection.invalidate()
            connection.close()

    def close(self) -> None:
        """Finish what runs and close every connection."""
        self._executor.shutdown()
        for connection in self._open:
            connection.close()
        self._engine.dispose()


def _checkpoint(connection: Connection) -> bool:
    # The driver's own connection: a checkpoint runs outside of any transaction.
    driver = connection.connection.driver_connection
    assert driver is not None
    try:
        # While it waits for readers it keeps writers out, so it must not wait for long: a backup
        # tool may read for minutes.
        driver.execute(f"PRAGMA busy_timeout={CHECKPOINT_TIMEOUT_MS}")
        is_busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
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
