"""Threads that keep their connections open and run work whole (docs/decisions/0002).

One thread writes. What waits for it when it begins shares one transaction, and so one wait for the
disk: each piece of work in a savepoint of its own, none answered before all of it is durable.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


class _Connected:
    """One thread's connection: to open one costs more than most transactions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def use(self, work: Work[Result]) -> Result:
        """Run ``work``; ``Unavailable`` where the database can't do it now."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            return work(self._connection)
        except _CANT_NOW as error:
            # Whatever was wrong may be wrong with the connection: the next one is a fresh one.
            self.close()
            if isinstance(error, DatabaseError) and type(error) not in _CANT_NOW:
                raise
            raise Unavailable from error

    def close(self) -> None:
        """Give it up, with whatever it was in the middle of."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


class Readers:
    """Threads that read, each in transactions of its own."""

    def __init__(self, engine: Engine, count: int) -> None:
        self._engine = engine
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="otv-read")
        self._own = threading.local()
        self._all: list[_Connected] = []

    async def run(self, work: Work[Result]) -> Result:
        """The result of ``work`` in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._use, work)

    def _use(self, work: Work[Result]) -> Result:
        connected: _Connected | None = getattr(self._own, "connected", None)
        if connected is None:
            connected = self._own.connected = _Connected(self._engine)
            self._all.append(connected)
        return connected.use(work)

    def close(self) -> None:
        """Finish what runs and close every connection."""
        self._executor.shutdown()
        for connected in self._all:
            connected.close()


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
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


class Writer:
    """The one thread that writes."""

    def __init__(self, engine: Engine) -> None:
        self._connected = _Connected(engine)
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, work: Work[Result]) -> Result:
        """The result of ``work`` once it is durable; if it raises, nothing of it happened."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="otv-write", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._waiting.put(job)
        result: Result = await job.future
        return result

    def _serve(self) -> None:
        is_open = True
        while is_open:
            batch = [self._waiting.get()]
            with suppress(Empty):
                while batch[-1] is not None and len(batch) < MOST_TOGETHER:
                    batch.append(self._waiting.get_nowait())
            is_open = batch[-1] is not None
            _tell(self._outcomes([job for job in batch if job is not None]))
        self._connected.close()

    def _outcomes(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        try:
            return self._connected.use(partial(_together, jobs))
        except Exception as error:  # noqa: BLE001  # it belongs to whoever asked for the work
            if len(jobs) == 1:
                return [_Outcome(jobs[0], error=error)]
        # One of them spoilt it for all, and nothing happened: each on its own.
        return [outcome for job in jobs for outcome in self._outcomes([job])]

    def close(self) -> None:
        """Finish what waits and close the connection."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None


def _together(jobs: Sequence[_Job], connection: Connection) -> list[_Outcome]:
    """One transaction for all. A refusal undoes its own work; any other error undoes all."""
    driver = connection.connection.driver_connection
    assert driver is not None
    with connection.begin():
        return [_one(job, connection, driver) for job in jobs]


def _one(job: _Job, connection: Connection, driver: Any) -> _Outcome:
    # By the driver: SQLAlchemy's savepoints cost as much as the work in them.
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
