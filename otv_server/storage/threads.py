"""Threads that run work over a database, and what waits for one of them together.

Every hand-over between the event loop and a thread costs both: they wait for each other's turn in
the interpreter for longer than most transactions take. So a thread takes all that waits for it,
runs it in one transaction, each piece of work in a savepoint of its own, and answers once: one
hand-over and one wait for the disk for all. Nothing is answered before all of it is durable.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.exc import DatabaseError, OperationalError

from otv_server.domain.errors import OtvError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

MOST_TOGETHER = 32  # other processes wait for the write lock meanwhile

# Locked for too long, full, not readable; or no database at all. Their siblings are bugs. The
# driver's own come where it is asked without SQLAlchemy.
_CANT_NOW = (OperationalError, DatabaseError, sqlite3.DatabaseError)

Result = TypeVar("Result")
Work = Callable[["Connection"], Result]


@dataclass(frozen=True, slots=True)
class _Job:
    """Work, and who waits for it."""

    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a job is told in its own event loop."""

    job: _Job
    result: Any = None
    error: Exception | None = None

    def tell(self) -> None:
        if self.job.future.done():
            return  # whoever asked has gone away
        if self.error is None:
            self.job.future.set_result(self.result)
        else:
            self.job.future.set_exception(self.error)


class DatabaseThread:
    """One thread with one connection, which stays open: to open one costs more than most work.

    Args:
        engine: opens the connection, and decides how a transaction begins.
        name: the thread's.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._connection: Connection | None = None
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, work: Work[Result]) -> Result:
        """The result of ``work`` once it is durable; if it raises, nothing of it happened.

        ``work`` may be run again from its beginning, so it touches nothing but the database.

        Raises:
            Unavailable: the database can't do it now.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._waiting.put(job)
        result: Result = await job.future
        return result

    def close(self) -> None:
        """Finish what waits and close the connection."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None
        self._engine.dispose()

    def _serve(self) -> None:
        is_open = True
        while is_open:
            jobs = self._next_jobs()
            is_open = jobs[-1] is not None
            _tell(self._outcomes([job for job in jobs if job is not None]))
        self._disconnect()

    def _next_jobs(self) -> list[_Job | None]:
        """All that waits, at least one; None, at the end, asks to end."""
        jobs = [self._waiting.get()]
        with suppress(Empty):
            while jobs[-1] is not None and len(jobs) < MOST_TOGETHER:
                jobs.append(self._waiting.get_nowait())
        return jobs

    def _outcomes(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        if not jobs:
            return []
        try:
            return self._connected(partial(_together, jobs))
        except Unavailable as error:
            return [_Outcome(job, error=error) for job in jobs]
        except Exception as error:  # noqa: BLE001  # it belongs to whoever asked for the work
            if len(jobs) == 1:
                return [_Outcome(jobs[0], error=error)]
        # One of them spoilt it for all, and nothing happened: each on its own.
        return [outcome for job in jobs for outcome in self._outcomes([job])]

    def _connected(self, work: Work[Result]) -> Result:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            return work(self._connection)
        except _CANT_NOW as error:
            # Whatever was wrong may be wrong with the connection: the next one is a fresh one.
            self._disconnect()
            if isinstance(error, DatabaseError) and type(error) not in _CANT_NOW:
                raise
            raise Unavailable from error

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _together(jobs: Sequence[_Job], connection: Connection) -> list[_Outcome]:
    """One transaction for all. A refusal undoes its own work; any other error undoes all."""
    with connection.begin():
        if len(jobs) == 1:
            return [_Outcome(jobs[0], jobs[0].work(connection))]
        return [_saved(job, connection) for job in jobs]


def _saved(job: _Job, connection: Connection) -> _Outcome:
    # By the driver: SQLAlchemy's savepoints cost as much as the work in them.
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("SAVEPOINT work")
    try:
        outcome = _Outcome(job, job.work(connection))
    except OtvError as error:
        driver.execute("ROLLBACK TO work")
        outcome = _Outcome(job, error=error)
    driver.execute("RELEASE work")
    return outcome


def _tell(outcomes: Sequence[_Outcome]) -> None:
    """Wake each event loop once."""
    for loop in {outcome.job.loop for outcome in outcomes}:
        mine = [outcome for outcome in outcomes if outcome.job.loop is loop]
        with suppress(RuntimeError):  # it is closed: nobody waits there any more
            loop.call_soon_threadsafe(_tell_all, mine)


def _tell_all(outcomes: Sequence[_Outcome]) -> None:
    for outcome in outcomes:
        outcome.tell()
