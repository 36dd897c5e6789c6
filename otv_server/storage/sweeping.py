"""``SweepingRepository`` on SQL. Every query walks an index of what is due.

Any number of processes sweep at once. What one of them holds, the others skip.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, BindParameter, Integer, bindparam, delete, select, update

from otv_server.domain.errors import Unavailable
from otv_server.domain.ports import Swept
from otv_server.domain.share import Outcome, ShareState
from otv_server.storage.endings import HELD_ORPHANS, end_shares, hold_orphans, release, settle
from otv_server.storage.rates import forget_callers, has_old_callers
from otv_server.storage.rows import to_link
from otv_server.storage.tables import links, openings, orphans, parts, shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table

    from otv_server.domain.limits import Limits
    from otv_server.storage.database import Database, Transaction

# How long a process may be at deleting what it took, before another one takes it.
TAKEN_S = 15

_NOW = bindparam("now", type_=BigInteger)
_KEYS: BindParameter[list[int]] = bindparam("keys", expanding=True)
_BATCH: BindParameter[int] = bindparam("batch", type_=Integer)
_DUE_LEASES = (
    select(openings.c.key, openings.c.link_key)
    .where(openings.c.due_at <= _NOW)
    .order_by(openings.c.due_at)
    .limit(_BATCH)
)
_HELD_LINKS = select(links).where(links.c.key.in_(_KEYS)).with_for_update(skip_locked=True)
_LAPSE = (
    update(openings)
    .where(
        openings.c.key.in_(_KEYS),
        openings.c.link_key.in_(bindparam("links", expanding=True)),
        openings.c.due_at <= _NOW,  # still: it may have been acknowledged just before
    )
    .values(outcome=Outcome.LAPSED, ended_at=openings.c.lease_until, due_at=None)
    .returning(openings.c.link_key)
)
_DUE_LINKS = (
    select(links)
    .where(links.c.due_at <= _NOW)
    .order_by(links.c.due_at)
    .limit(_BATCH)
    .with_for_update(skip_locked=True)
)
_DUE_SHARES = (
    select(shares.c.key)
    .where(shares.c.due_at <= _NOW, shares.c.state == bindparam("state"))
    .limit(_BATCH)
    .with_for_update(skip_locked=True)
)
_LINKS_OF = (
    select(links.c.key).where(links.c.share_key.in_(_KEYS)).order_by(links.c.key).with_for_update()
)
_ARE_DUE = orphans.c.due_at <= _NOW, orphans.c.taken_until <= _NOW
_DUE_ORPHANS = (
    select(orphans.c.blob)
    .where(*_ARE_DUE, orphans.c.blob > bindparam("after"))
    .order_by(orphans.c.blob)
    .limit(_BATCH)
)
_FREE_ORPHANS = HELD_ORPHANS.where(*_ARE_DUE).with_for_update(skip_locked=True)


class SqlSweeping:
    """The sweep's view of the database; the contract stands in ``domain.ports``."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    async def sweep(self, batch: int) -> Swept:
        """See ``SweepingRepository.sweep``: a transaction for each kind of end."""
        if not await self._database.read(_is_anything_due):
            return Swept()
        # Leases first: a lease and its link often end at the same instant.
        lapsed, expired, uploads_ended, forgotten = [
            await self._database.write(partial(end, batch))
            for end in (self._lapse, self._expire, self._end_uploads, _forget)
        ]
        await self._forget_callers()
        return Swept(
            expired=expired,
            lapsed=lapsed,
            uploads_ended=uploads_ended,
            forgotten=forgotten,
            is_complete=max(lapsed, expired, uploads_ended, forgotten) < batch,
        )

    async def _forget_callers(self) -> None:
        if await self._database.read(has_old_callers):
            with suppress(Unavailable):  # a backup reads them; the next sweep tries again
                await self._database.write(forget_callers)

    def _lapse(self, batch: int, tx: Transaction) -> int:
        due = tx.connection.execute(_DUE_LEASES, {"now": tx.now, "batch": batch}).all()
        if not due:
            return 0
        held = tx.connection.execute(_HELD_LINKS, {"keys": {row.link_key for row in due}}).all()
        keys = [link.key for link in held]
        lapsed = tx.connection.execute(
            _LAPSE, {"keys": [row.key for row in due], "links": keys, "now": tx.now}
        ).all()
        ended = Counter(row.link_key for row in lapsed)
        settle(
            tx,
            [replace(link, leases=link.leases - ended[link.key]) for link in map(to_link, held)],
            self._limits,
        )
        return len(lapsed)

    def _expire(self, batch: int, tx: Transaction) -> int:
        due = tx.connection.execute(_DUE_LINKS, {"now": tx.now, "batch": batch}).all()
        settle(tx, [to_link(row) for row in due], self._limits)
        return len(due)

    def _end_uploads(self, batch: int, tx: Transaction) -> int:
        keys = _due_shares(tx, ShareState.UPLOADING, batch)
        end_shares(tx, keys, self._limits)
        return len(keys)

    async def orphans(self, batch: int, after: str = "") -> Sequence[str]:
        """See ``SweepingRepository.orphans``."""
        due = await self._database.read(partial(_due_orphans, batch, after))
        return await self._database.write(partial(_take_orphans, due)) if due else []

    async def forget_orphans(self, blobs: Sequence[str]) -> None:
        """See ``SweepingRepository.forget_orphans``."""
        # But for those that were let go meanwhile, because bytes came after all.
        gone = delete(orphans).where(orphans.c.blob.in_(blobs), orphans.c.taken_until > 0)
        await self._database.write(lambda tx: tx.connection.execute(gone))

    async def strangers(self, blobs: Sequence[str]) -> Sequence[str]:
        """See ``SweepingRepository.strangers``."""
        return await self._database.read(partial(_strangers, blobs))

    async def erase_traces(self) -> bool:
        """See ``SweepingRepository.erase_traces``."""
        return await self._database.erase_traces()


def _is_anything_due(tx: Transaction) -> bool:
    return has_old_callers(tx) or any(_has_due(tx, table) for table in (openings, links, shares))


def _has_due(tx: Transaction, table: Table) -> bool:
    query = select(table.c.key).where(table.c.due_at <= tx.now).limit(1)
    return tx.connection.execute(query).first() is not None


def _due_shares(tx: Transaction, state: ShareState, batch: int) -> Sequence[int]:
    named = {"now": tx.now, "state": state, "batch": batch}
    return tx.connection.scalars(_DUE_SHARES, named).all()


def _forget(batch: int, tx: Transaction) -> int:
    keys = _due_shares(tx, ShareState.GONE, batch)
    if keys:
        # In the order in which revoking takes them; deleting would go by the index.
        tx.connection.execute(_LINKS_OF, {"keys": keys}).all()
        tx.connection.execute(delete(shares).where(shares.c.key.in_(keys)))
    return len(keys)


def _due_orphans(batch: int, after: str, tx: Transaction) -> Sequence[str]:
    named = {"now": tx.now, "after": after, "batch": batch}
    return tx.connection.scalars(_DUE_ORPHANS, named).all()


def _take_orphans(due: Sequence[str], tx: Transaction) -> Sequence[str]:
    held = hold_orphans(tx, due, _FREE_ORPHANS.params(now=tx.now))
    taken = [orphan.blob for orphan in held]
    until = tx.now + 1000 * TAKEN_S
    tx.connection.execute(
        update(orphans).where(orphans.c.blob.in_(taken)).values(taken_until=until)
    )
    release(tx, held)
    return taken


def _strangers(blobs: Sequence[str], tx: Transaction) -> Sequence[str]:
    known: set[str] = set()
    for table in (parts, orphans):
        known.update(tx.connection.scalars(select(table.c.blob).where(table.c.blob.in_(blobs))))
    return [blob for blob in blobs if blob not in known]
