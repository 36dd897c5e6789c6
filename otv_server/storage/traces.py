"""What was erased leaves PostgreSQL's files: its tables are written anew.

A deleted row stays in its page until something else needs the room, and plain VACUUM only says
that the room is free (docs/decisions/0016). So each transaction that erases notes it in
``erasures``, and one process at a time has the tables written anew, which stops claims for as long
as that takes. The more there is to write, the longer it waits. In a table beyond ``MOST_BYTES``
the room is only made free, and overwritten by what comes next: of manifests, noise stays there
without the headers, which reach that size with some 750,000 live links.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from otv_server.storage.tables import erasures, headers, manifests

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from otv_server.domain.share import Instant
    from otv_server.storage.database import Transaction

ERASING = 7_021_969  # advisory locks: one process at a time
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"
LOCK_MS = 500  # whoever claims meanwhile waits behind this
VACUUM_MS = 60_000
MOST_BYTES = 128 << 20  # of one table
ERASING_S = 4 * VACUUM_MS // 1000  # for all of it
HEADER_ROW_BYTES = 175  # with its share of the index
# Who claims has waited behind a try in vain: the next comes later each time, up to so many
# seconds; and much later after one that failed, for lack of room or of time.
AGAIN_S, MOST_AGAIN_S, AFTER_FAILURE_S = 5, 60, 300
MOST_NOTES = 10_000  # at once; a statement takes some 30,000 values
BYTES_PER_S = 16 << 20  # on the average; an idle disk writes ten times as much

# Whoever began before a row was deleted may still read it, so that it is kept even when the table
# is written anew. An age is how many transactions ago that was; ages count from the statement's
# beginning, so that both sides stand in one. A standby's reader belongs to no database.
_IS_COVERED = text("""
    age(erasures.xmin) > (
        SELECT max(age) FROM (
            SELECT age(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS xid))
            UNION ALL
            SELECT greatest(age(backend_xmin), age(backend_xid)) FROM pg_stat_activity
            WHERE pid <> pg_backend_pid()
                AND (datname = current_database() OR datname IS NULL)
            UNION ALL SELECT age(xmin) FROM pg_replication_slots
            UNION ALL SELECT age(transaction) FROM pg_prepared_xacts
        ) AS ages (age)
    )
""")
_RIPE = select(erasures.c.key, erasures.c.erased_at).where(_IS_COVERED).limit(MOST_NOTES)
_ALIVE = text("SELECT count(*) FROM (SELECT FROM headers LIMIT :most) AS alive")
_TABLES = (headers.name, manifests.name)  # what matters first


def note_erasure(tx: Transaction) -> None:
    """This transaction erased a manifest."""
    tx.connection.execute(insert(erasures), {"erased_at": tx.now})


def waits_since(tx: Transaction) -> int:
    """For how many seconds what was erased first has waited; 0 where nothing waits."""
    first: Instant | None = tx.connection.scalar(select(func.min(erasures.c.erased_at)))
    return 0 if first is None else (tx.now - first) // 1000


async def is_any_left(connection: AsyncConnection) -> bool:
    """Whether anything was erased that may still stand in the files."""
    return await connection.scalar(select(erasures.c.key).limit(1)) is not None


class Traces:
    """What was erased, in the files of one database.

    Args:
        most_bytes: how large a table may be and still be written anew.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._not_before: Instant = 0
        self._again_s = AGAIN_S

    async def erase(self, connection: AsyncConnection, now: Instant) -> bool:
        """Write the tables anew where something was erased; False: not yet, or not all.

        Larger ones are only vacuumed. ``connection`` commits each statement by itself: VACUUM
        runs in no transaction.
        """
        if now < self._not_before:
            return False
        if not await connection.scalar(select(func.pg_try_advisory_lock(ERASING))):
            return False  # another process is at it
        try:
            return await self._erase(connection, now)
        except DBAPIError as error:
            if not error.connection_invalidated:
                self._not_before = now + 1000 * AFTER_FAILURE_S
            raise
        finally:
            with suppress(SQLAlchemyError):  # a connection that broke holds no lock
                await connection.execute(select(func.pg_advisory_unlock(ERASING)))

    async def _erase(self, connection: AsyncConnection, now: Instant) -> bool:
        ripe = (await connection.execute(_RIPE)).all()
        if not ripe:
            return False
        sizes = {name: await self._size(connection, name) for name in _TABLES}
        since = min(note.erased_at for note in ripe)
        work = sum(min(size, self._most_bytes) for size in sizes.values())
        if now - since < 1000 * work // BYTES_PER_S:
            return False
        for name, size in sizes.items():
            is_full = size <= self._most_bytes
            # To vacuum is what PostgreSQL does by itself, too, when it is in our way.
            if not await _is_vacuumed(connection, name, is_full=is_full) and is_full:
                self._not_before = now + 1000 * self._again_s
                self._again_s = min(2 * self._again_s, MOST_AGAIN_S)
                return False
        self._again_s = AGAIN_S
        # These and no others: what was noted meanwhile may still stand in the table.
        await connection.execute(delete(erasures).where(erasures.c.key.in_([n.key for n in ripe])))
        return not await is_any_left(connection)

    async def _size(self, connection: AsyncConnection, name: str) -> int:
        """How much there is to write.

        Of headers the dead are left out, who may be the most of them after a long backup. What
        PostgreSQL believes of their number is too old to decide this.
        """
        size = await connection.scalar(select(func.pg_total_relation_size(name))) or 0
        if name != headers.name or size <= self._most_bytes:
            return size
        most = self._most_bytes // HEADER_ROW_BYTES + 1
        return HEADER_ROW_BYTES * (await connection.scalar(_ALIVE, {"most": most}) or 0)


async def _is_vacuumed(connection: AsyncConnection, name: str, *, is_full: bool) -> bool:
    """Do it; False: others used the table all the time, or much is only to be made free."""
    await connection.execute(text(f"SET statement_timeout = {VACUUM_MS}"))
    await connection.execute(text(f"SET lock_timeout = {LOCK_MS}"))
    how = "(FULL)" if is_full else "(INDEX_CLEANUP ON)"
    try:
        await connection.execute(text(f"VACUUM {how} {name}"))
    except DBAPIError as error:
        may_wait = (LOCK_NOT_AVAILABLE,) if is_full else (LOCK_NOT_AVAILABLE, QUERY_CANCELED)
        if getattr(error.orig, "sqlstate", None) not in may_wait:
            raise
        return False
    finally:
        with suppress(SQLAlchemyError):  # of a connection that broke
            await connection.execute(text("RESET statement_timeout"))
            await connection.execute(text("RESET lock_timeout"))
    return True
