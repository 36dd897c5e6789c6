"""``Database`` on SQLite: everything about SQLite that is not SQL.

A transaction runs in a thread of the database, with whatever else waits for that thread
(``threads``, docs/decisions/0002). One thread writes: waiting in its queue is cheaper than SQLite's
busy polling. ``BEGIN IMMEDIATE`` takes the one write lock of the file before the first read and
keeps it until the commit, so "the link's row is held" is true of every process on the file. Commits
are durable (``synchronous=FULL``) before they return.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from otv_server.domain.errors import Unavailable
from otv_server.storage.database import Transaction
from otv_server.storage.schema import bring_up_to_date
from otv_server.storage.threads import DatabaseThread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from otv_server.domain.share import Instant

BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_TIMEOUT_S = 0.05

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
        self._writing = DatabaseThread(_engine(path, begin="BEGIN IMMEDIATE"), "otv-write")
        self._reading = DatabaseThread(_engine(path, begin="BEGIN"), "otv-read")

    @property
    def place(self) -> str:
        """See ``Database.place``."""
        return str(self._path)

    async def write(self, work: Callable[[Transaction], Result]) -> Result:
        """See ``Database.write``; ``work`` holds the write lock."""
        return await self._writing.run(partial(self._at_now, work))

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """See ``Database.read``."""
        return await self._reading.run(partial(self._at_now, work))

    def _at_now(self, work: Callable[[Transaction], Result], connection: Connection) -> Result:
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
        try:
            return await asyncio.to_thread(_checkpoint, self._path)
        except sqlite3.DatabaseError as error:
            raise Unavailable from error

    async def close(self) -> None:
        """See ``Database.close``."""
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
