"""What was erased leaves PostgreSQL's files: its tables are written anew.

A deleted row stays in its page until something else needs the room, and plain VACUUM only says
that the room is free (docs/decisions/0016). So each transaction that erases notes it in
``erasures``, and one process at a time has the tables written anew, which stops claims for as long
as that takes. The more there is to write, the longer it waits. In a table beyond ``MOST_BYTES``
the room is only made free, and overwritten by what comes next: of manifests, noise stays there
without the headers, which reach that size with a million live links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from otv_server.storage.tables import erasures, headers, manifests

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from otv_server.domain.share import Instant
    from otv_server.storage.database import Transaction

ERASING = 7_021_969  # advisory locks: one process at a time
LOCK_NOT_AVAILABLE = "55P03"
LOCK_MS = 500  # whoever claims meanwhile waits behind this
VACUUM_MS = 60_000
MOST_BYTES = 128 << 20  # of one table
MOST_NOTES = 10_000  # at once; a statement takes some 30,000 values
BYTES_PER_S = 16 << 20  # on the average; an idle disk writes ten times as much

# Whoever began before a row was deleted may still read it, so that it is kept even when the table
# is written anew. An age is how many transactions ago that was; ages count from the statement's
# beginning, so that both sides stand in one.
_IS_COVERED = text("""
    age(erasures.xmin) > (
        SELECT max(age) FROM (
            SELECT age(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS xid))
            UNION ALL
            SELECT greatest(age(backend_xmin), age(backend_xid)) FROM pg_stat_activity
            WHERE pid <> pg_backend_pid()
                AND (datname = current_database() OR backend_type = 'walsender')
            UNION ALL SELECT age(xmin) FROM pg_replication_slots
            UNION ALL SELECT age(transaction) FROM pg_prepared_xacts
        ) AS ages (age)
    )
""")
_RIPE = select(erasures.c.key, erasures.c.erased_at).where(_IS_COVERED).limit(MOST_NOTES)
_TABLES = (headers.name, manifests.name)  # what matters first


def note_erasure(tx: Transaction) -> None:
    """This transaction erased a manifest."""
    tx.connection.execute(insert(erasures), {"erased_at": tx.now})


async def erase_traces(connection: AsyncConnection, now: Instant, most_bytes: int) -> bool:
    """Write the tables anew where something was erased; False: not yet, or not all.

    Those above ``most_bytes`` are only vacuumed. ``connection`` commits each statement by itself:
    VACUUM runs in no transaction.
    """
    if await connection.scalar(select(erasures.c.key).limit(1)) is None:
        return True
    if not await connection.scalar(select(func.pg_try_advisory_lock(ERASING))):
        return False  # another process is at it
    try:
        return await _erase_traces(connection, now, most_bytes)
    finally:
        await connection.execute(select(func.pg_advisory_unlock(ERASING)))


async def _erase_traces(connection: AsyncConnection, now: Instant, most_bytes: int) -> bool:
    ripe = (await connection.execute(_RIPE)).all()
    sizes = {name: await _size(connection, name) for name in _TABLES}
    since = min((note.erased_at for note in ripe), default=now)
    work = sum(min(size, most_bytes) for size in sizes.values())
    if not ripe or now - since < 1000 * work // BYTES_PER_S:
        return False
    for name, size in sizes.items():
        if not await _is_vacuumed(connection, name, is_full=size <= most_bytes):
            return False
    # These and no others: what was noted meanwhile may still stand in the table.
    await connection.execute(delete(erasures).where(erasures.c.key.in_([n.key for n in ripe])))
    return await connection.scalar(select(erasures.c.key).limit(1)) is None


async def _size(connection: AsyncConnection, name: str) -> int:
    return await connection.scalar(select(func.pg_total_relation_size(name))) or 0


async def _is_vacuumed(connection: AsyncConnection, name: str, *, is_full: bool) -> bool:
    """Do it; False: others used the table all the time."""
    await connection.execute(text(f"SET statement_timeout = {VACUUM_MS}"))
    await connection.execute(text(f"SET lock_timeout = {LOCK_MS}"))
    how = "(FULL)" if is_full else "(INDEX_CLEANUP ON)"
    try:
        await connection.execute(text(f"VACUUM {how} {name}"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False
    finally:
        await connection.execute(text("RESET statement_timeout"))
        await connection.execute(text("RESET lock_timeout"))
    return True
