"""``Database`` on PostgreSQL: everything about PostgreSQL that is not SQL.

The functions that SQLite runs in a thread run here in a greenlet over asyncpg. Writing is READ
COMMITTED: each statement sees what was committed before it, so a row that was waited for is read
as it is, and what is decided over it stands (docs/decisions/0015 goes through the races one by
one). Reading is one snapshot that locks nothing. Now is the database's clock.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import asyncpg
from sqlalchemy import BigInteger, cast, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from otv_server.domain.errors import Unavailable
from otv_server.storage.database import CantOpen, Raced, Transaction
from otv_server.storage.postgres_errors import (
    Place,
    Trouble,
    in_words,
    is_in_the_way,
    not_owner,
    trouble_of,
)
from otv_server.storage.schema import bring_up_to_date
from otv_server.storage.traces import (
    ERASING_S,
    MOST_BYTES,
    Traces,
    is_any_left,
    note_erasure,
    waits_since,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from otv_server.domain.share import Instant

CONNECTIONS = 8  # of one process; PostgreSQL has 100 unless it is told otherwise
CONNECT_S = 5
STATEMENT_MS, LOCK_MS, IDLE_MS = 10_000, 5_000, 15_000
ANSWER_S = 20  # of a transaction; only a database that lives keeps to the limits above
UPGRADE_S = 600  # a step may write a whole table, and other starts wait for it
# What a step waits for a table that others use, as everyone who comes after waits behind it; then
# it lets them pass and tries again, so long.
UPGRADE_LOCK_MS, UPGRADE_PAUSE_S, UPGRADE_TRIES_S = 1_000, 1.0, 60
MOST_TRIES = 10
LONG_S = 600  # for what was erased to wait; a backup may take as long
MOST_SKEW_MS = 60_000
STARTING = 7_021_968  # advisory locks: one start at a time
SESSION = {
    "application_name": "otv-server",
    "TimeZone": "UTC",
    # Whatever role or database say: what was answered must survive a crash.
    "synchronous_commit": "on",
    "statement_timeout": str(STATEMENT_MS),
    "lock_timeout": str(LOCK_MS),
    "idle_in_transaction_session_timeout": str(IDLE_MS),
    # A server's machine that is gone without a word must not keep its locks for hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

_CLOCK = select(cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger))
_SETTINGS = text("SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'wal_recycle')")

# VACUUM passes over a stranger's table, and says nothing that a program would hear.
_IS_OWNER = text("""
    SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class
    WHERE oid IN (to_regclass('headers'), to_regclass('manifests'), to_regclass('rates'))
""")

Result = TypeVar("Result")


class PostgresDatabase:
    """One database of a PostgreSQL server.

    Args:
        url: ``postgresql://user:password@host:port/name``, and all else that libpq takes there.
        clock: milliseconds since the epoch; None takes the database's.
        wall: this machine's clock, in nanoseconds.
        most_bytes: how large a table may be and still be written anew after erasures.
        answer_s: how long a transaction may take; then its connection is given up.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], Instant] | None = None,
        wall: Callable[[], int] = time.time_ns,
        most_bytes: int = MOST_BYTES,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._wall = wall
        self._traces = Traces(most_bytes)
        self._answer_s = answer_s
        self._place = Place.of(url)
        self._clock: Callable[[Connection], Instant] = (
            database_clock if clock is None else lambda _: clock()
        )
        connect = partial(
            asyncpg.connect,
            url,
            server_settings=SESSION,
            timeout=CONNECT_S,
            target_session_attrs="read-write",  # in a failover the name may still be a standby's
        )
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            hide_parameters=True,  # rows hold proofs; errors and logs must not
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=CONNECT_S,
            isolation_level="READ COMMITTED",
        )
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @property
    def place(self) -> str:
        """See ``Database.place``."""
        return f"{self._place.database} at {self._place.server}"

    async def write(self, work: Callable[[Transaction], Result]) -> Result:
        """See ``Database.write``."""
        return await self._run(self._engine, work)

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """See ``Database.read``."""
        return await self._run(self._reading, work)

    async def _run(self, engine: AsyncEngine, work: Callable[[Transaction], Result]) -> Result:
        """Run it, and again where it surely was not done and others were only in the way."""
        cause: BaseException | None = None
        for _ in range(MOST_TRIES):
            attempt = _Attempt()
            try:
                async with asyncio.timeout(self._answer_s):
                    with _cancelled_as_such():
                        return await attempt.run(engine, work, self._clock)
            except Raced as raced:
                cause = raced
            except Exception as error:
                trouble = trouble_of(error)
                if trouble is None:
                    raise
                cause = error
                is_undone = trouble is Trouble.RACED or not attempt.has_begun_to_commit
                if trouble is Trouble.NOT_NOW or not is_undone:
                    break
        raise Unavailable from cause

    async def open(self) -> int:
        """See ``Database.open``."""
        try:
            found = await self._upgraded()
            async with self._outside() as connection:
                is_owner = await connection.scalar(_IS_OWNER)
                skew_ms = self._wall() // 1_000_000 - await connection.run_sync(database_clock)
        except Exception as error:
            words = in_words(error, self._place)
            if words is None:
                raise
            raise CantOpen(words) from None
        if not is_owner:
            raise CantOpen(not_owner(self._place))
        if abs(skew_ms) > MOST_SKEW_MS:
            raise CantOpen(
                f"The clocks of this machine and of the database at {self._place.server} are"
                f" {abs(skew_ms) // 1000} seconds apart: set both by the network's time."
            )
        return found

    async def _upgraded(self) -> int:
        """Take every step that is missing; none, and again, while others are in the way."""
        until = time.monotonic() + UPGRADE_TRIES_S
        while True:
            try:
                async with self._engine.begin() as connection:
                    return await connection.run_sync(self._bring_up_to_date)
            except DBAPIError as error:
                if not is_in_the_way(error) or time.monotonic() > until:
                    raise
            await asyncio.sleep(UPGRADE_PAUSE_S)

    def _bring_up_to_date(self, connection: Connection) -> int:
        for name in ("statement_timeout", "lock_timeout"):
            connection.execute(text(f"SET LOCAL {name} = {1000 * UPGRADE_S}"))
        connection.execute(select(func.pg_advisory_xact_lock(STARTING)))
        connection.execute(text(f"SET LOCAL lock_timeout = {UPGRADE_LOCK_MS}"))
        tx = Transaction(connection, self._clock)
        return bring_up_to_date(tx, f"The database {self._place.database}")

    async def is_sound(self) -> bool:
        """See ``Database.is_sound``: PostgreSQL looks after its own files; it answers."""
        return await self.read(lambda tx: tx.connection.scalar(select(1)) == 1)

    async def warnings(self) -> Sequence[str]:
        """See ``Database.warnings``."""
        rows = await self.read(lambda tx: tx.connection.execute(_SETTINGS).all())
        found: dict[str, str] = {row.name: row.setting for row in rows}
        said = {
            "fsync": "PostgreSQL runs with fsync=off: a crash of its machine loses what was sent.",
            "wal_recycle": (
                "PostgreSQL runs with wal_recycle=on: what was erased stays in its old log files"
                " until they are overwritten."
            ),
        }
        unwanted = {"fsync": "off", "wal_recycle": "on"}
        heard = [said[name] for name, value in unwanted.items() if found.get(name) == value]
        waits_s = await self.read(waits_since)
        if waits_s > LONG_S:
            heard.append(
                f"What was erased {waits_s // 60} minutes ago still stands in PostgreSQL's files:"
                " see who holds an old snapshot in pg_stat_activity, pg_replication_slots and"
                " pg_prepared_xacts."
            )
        return heard

    async def erase_traces(self) -> bool:
        """See ``Database.erase_traces``."""
        try:
            async with asyncio.timeout(self._answer_s) as limit:
                with _cancelled_as_such():
                    return await self._erase_traces(limit)
        except Exception as error:
            if trouble_of(error) is None:
                raise
            raise Unavailable from error

    async def _erase_traces(self, limit: asyncio.Timeout) -> bool:
        async with self._outside() as connection:
            now = await connection.run_sync(self._clock)
            if not await is_any_left(connection):
                return True
            limit.reschedule(asyncio.get_running_loop().time() + ERASING_S)
            return await self._traces.erase(connection, now)

    @asynccontextmanager
    async def _outside(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is a transaction of its own."""
        engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            yield connection

    async def close(self) -> None:
        """See ``Database.close``."""
        # Saying goodbye to a machine that is gone would last as long as TCP does.
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_S):
                await self._engine.dispose()


@contextmanager
def _cancelled_as_such() -> Iterator[None]:
    """Let a cancelled caller know that it is: SQLAlchemy may hide that behind an error of its own.

    Whoever took that for a failure would try again, and never end.
    """
    try:
        yield
    except Exception as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise


class _Attempt:
    """One run of a transaction, which knows whether it may have been committed."""

    def __init__(self) -> None:
        self.has_begun_to_commit = False

    async def run(
        self,
        engine: AsyncEngine,
        work: Callable[[Transaction], Result],
        clock: Callable[[Connection], Instant],
    ) -> Result:
        async with engine.connect() as connection:
            result = await connection.run_sync(lambda inner: _worked(work, inner, clock))
            self.has_begun_to_commit = True
            await connection.commit()
            return result


def _worked(
    work: Callable[[Transaction], Result],
    connection: Connection,
    clock: Callable[[Connection], Instant],
) -> Result:
    tx = Transaction(connection, clock)
    result = work(tx)
    if tx.has_erased:
        note_erasure(tx)
    return result


def database_clock(connection: Connection) -> Instant:
    """Milliseconds since the epoch, by the one clock that all servers share."""
    now = connection.scalar(_CLOCK)
    assert now is not None  # a row with one number
    return now
