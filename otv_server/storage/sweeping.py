"""``SweepingRepository`` on SQL. Every query walks an index of what is due."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from otv_server.domain.ports import Swept
from otv_server.domain.share import Outcome, ShareState
from otv_server.storage.endings import end_shares, release, settle
from otv_server.storage.rows import to_link
from otv_server.storage.tables import links, openings, orphans, parts, shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table

    from otv_server.domain.limits import Limits
    from otv_server.storage.database import Database, Transaction


class SqlSweeping:
    """The sweep's view of the database; the contract stands in ``domain.ports``."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    async def sweep(self, batch: int) -> Swept:
        """See ``SweepingRepository.sweep``."""
        if not await self._database.read(_is_anything_due):
            return Swept()
        return await self._database.write(partial(self._sweep, batch))

    def _sweep(self, batch: int, tx: Transaction) -> Swept:
        # Leases first: a lease and its link often end at the same instant.
        lapsed = self._lapse(tx, batch)
        expired = self._expire(tx, batch)
        uploads_ended = self._end_uploads(tx, batch)
        forgotten = _forget(tx, batch)
        return Swept(
            expired=expired,
            lapsed=lapsed,
            uploads_ended=uploads_ended,
            forgotten=forgotten,
            is_complete=max(lapsed, expired, uploads_ended, forgotten) < batch,
        )

    def _lapse(self, tx: Transaction, batch: int) -> int:
        rows = tx.connection.execute(
            select(openings.c.key, openings.c.link_key)
            .where(openings.c.due_at <= tx.now)
            .order_by(openings.c.due_at)
            .limit(batch)
        ).all()
        if not rows:
            return 0
        tx.connection.execute(
            update(openings)
            .where(openings.c.key.in_([row.key for row in rows]))
            .values(outcome=Outcome.LAPSED, ended_at=openings.c.lease_until, due_at=None)
        )
        ended = Counter(row.link_key for row in rows)
        held = tx.connection.execute(
            select(links).where(links.c.key.in_(ended)).with_for_update()
        ).all()
        settle(
            tx,
            [replace(link, leases=link.leases - ended[link.key]) for link in map(to_link, held)],
            self._limits,
        )
        return len(rows)

    def _expire(self, tx: Transaction, batch: int) -> int:
        rows = tx.connection.execute(
            select(links)
            .where(links.c.due_at <= tx.now)
            .order_by(links.c.due_at)
            .limit(batch)
            .with_for_update(skip_locked=True)
        ).all()
        settle(tx, [to_link(row) for row in rows], self._limits)
        return len(rows)

    def _end_uploads(self, tx: Transaction, batch: int) -> int:
        keys = _due_shares(tx, ShareState.UPLOADING, batch)
        end_shares(tx, keys, self._limits)
        return len(keys)

    async def orphans(self, batch: int, after: str = "") -> Sequence[str]:
        """See ``SweepingRepository.orphans``."""
        if not await self._database.read(partial(_due_orphans, 1, after)):
            return []
        return await self._database.write(partial(_take_orphans, batch, after))

    async def forget_orphans(self, blobs: Sequence[str]) -> None:
        """See ``SweepingRepository.forget_orphans``."""
        gone = delete(orphans).where(orphans.c.blob.in_(blobs))
        await self._database.write(lambda tx: tx.connection.execute(gone))

    async def strangers(self, blobs: Sequence[str]) -> Sequence[str]:
        """See ``SweepingRepository.strangers``."""
        return await self._database.read(partial(_strangers, blobs))

    async def erase_traces(self) -> bool:
        """See ``SweepingRepository.erase_traces``."""
        return await self._database.truncate_log()


def _is_anything_due(tx: Transaction) -> bool:
    return any(_has_due(tx, table) for table in (openings, links, shares))


def _has_due(tx: Transaction, table: Table) -> bool:
    query = select(table.c.key).where(table.c.due_at <= tx.now).limit(1)
    return tx.connection.execute(query).first() is not None


def _due_shares(tx: Transaction, state: ShareState, batch: int) -> Sequence[int]:
    query = (
        select(shares.c.key)
        .where(shares.c.due_at <= tx.now, shares.c.state == state)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    return tx.connection.scalars(query).all()


def _forget(tx: Transaction, batch: int) -> int:
    keys = _due_shares(tx, ShareState.GONE, batch)
    if keys:
        tx.connection.execute(delete(shares).where(shares.c.key.in_(keys)))
    return len(keys)


def _due_orphans(batch: int, after: str, tx: Transaction) -> Sequence[str]:
    query = (
        select(orphans.c.blob)
        .where(orphans.c.due_at <= tx.now, orphans.c.blob > after)
        .order_by(orphans.c.blob)
        .limit(batch)
    )
    return tx.connection.scalars(query.with_for_update(skip_locked=True)).all()


def _take_orphans(batch: int, after: str, tx: Transaction) -> Sequence[str]:
    blobs = _due_orphans(batch, after, tx)
    release(tx, blobs)
    return blobs


def _strangers(blobs: Sequence[str], tx: Transaction) -> Sequence[str]:
    known: set[str] = set()
    for table in (parts, orphans):
        known.update(tx.connection.scalars(select(table.c.blob).where(table.c.blob.in_(blobs))))
    return [blob for blob in blobs if blob not in known]
