"""``OpeningRepository`` on SQL: the claim, the lease, the acknowledgement."""

from __future__ import annotations

from functools import partial
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, insert, select, update

from otv_server.domain.errors import Conflict, EgressSpent, OtvError, Over
from otv_server.domain.limits import Limits, content_root, egress_budget
from otv_server.domain.ports import Claimed, Reading
from otv_server.domain.share import ClaimDecision, Outcome, decide_claim, end_lease, over
from otv_server.storage.endings import settle
from otv_server.storage.manifests import find
from otv_server.storage.rows import (
    AnyRow,
    find_lease,
    find_link,
    hold_lease,
    hold_link,
    opening_row,
    parts_of,
    to_link,
    to_opening,
)
from otv_server.storage.tables import links, openings, shares

if TYPE_CHECKING:
    from otv_server.domain.share import ClaimAttempt, Instant, Link, Opening
    from otv_server.storage.database import Database, Transaction


_ROOT = select(shares.c.root).where(shares.c.key == bindparam("share"))
_INSERT_OPENING = insert(openings)
_LEASE = (
    select(openings, links.c.content_bytes)
    .join(links, openings.c.link_key == links.c.key)
    .where(openings.c.key == bindparam("lease_key"))
)
# Whoever ends a lease writes its row, so that this one is enough, and readers of one link don't
# wait for each other.
_HELD_LEASE = _LEASE.with_for_update(of=openings)
_END_LEASE = (
    update(openings)
    .where(openings.c.key == bindparam("lease_key"))
    .values(
        outcome=bindparam("ended_as"), ended_at=bindparam("at"), mac=bindparam("proof"), due_at=None
    )
)
_ADD_BYTES = (
    update(openings)
    .where(openings.c.key == bindparam("lease_key"))
    .values(bytes_read=openings.c.bytes_read + bindparam("more"))
)


class SqlOpening:
    """Links as their readers see them; the contract stands in ``domain.ports``."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    async def find(self, link_id: bytes, access: bytes) -> tuple[Link, Instant]:
        """See ``OpeningRepository.find``."""
        return await self._database.read(
            lambda tx: (to_link(find_link(tx, link_id, access)), tx.now)
        )

    async def recognise_access(self, link_id: bytes, access: bytes) -> None:
        """See ``OpeningRepository.recognise_access``."""
        await self._database.read(lambda tx: find_link(tx, link_id, access))

    async def recognise_lease(self, link_id: bytes, lease: bytes) -> None:
        """See ``OpeningRepository.recognise_lease``."""
        await self._database.read(lambda tx: find_lease(tx, link_id, lease))

    async def claim(
        self, link_id: bytes, access: bytes, unlock: bytes, attempt: ClaimAttempt
    ) -> Claimed:
        """See ``OpeningRepository.claim``."""
        # An error comes back as a value: raised inside, it would roll a counted guess back.
        answer = await self._database.write(partial(self._claim, link_id, access, unlock, attempt))
        if isinstance(answer, OtvError):
            raise answer
        return answer

    def _claim(
        self,
        link_id: bytes,
        access: bytes,
        unlock: bytes,
        attempt: ClaimAttempt,
        tx: Transaction,
    ) -> Claimed | OtvError:
        link = to_link(hold_link(tx, link_id, access))
        known = opening_row(tx, link.key, attempt.lease)
        secret = find(tx, link.key)
        decision = decide_claim(
            link,
            None if known is None else to_opening(known),
            attempt,
            unlock_is_right=secret is not None and compare_digest(secret.unlock, unlock),
            now=tx.now,
            limits=self._limits,
        )
        self._store(tx, link, decision)
        if decision.error is not None:
            return decision.error
        assert decision.opening is not None
        assert secret is not None  # erased only when no lease is alive and none can begin
        return _answer(tx, link, secret.manifest, decision.opening)

    def _store(self, tx: Transaction, before: Link, decision: ClaimDecision) -> None:
        if decision.is_new and decision.opening is not None:
            _insert_opening(tx, before.key, decision.opening)
        if decision.link != before:
            settle(tx, [decision.link], self._limits)

    async def read(self, link_id: bytes, lease: bytes) -> Reading:
        """See ``OpeningRepository.read``."""
        return await self._database.read(partial(_read, link_id, lease))

    async def charge(self, lease_key: int, size: int) -> None:
        """See ``OpeningRepository.charge``."""
        await self._database.write(partial(_charge, lease_key, size))

    async def is_alive(self, lease_key: int) -> bool:
        """See ``OpeningRepository.is_alive``."""
        return await self._database.read(lambda tx: _is_alive(tx, _lease(tx, _LEASE, lease_key)))

    async def refund(self, lease_key: int, size: int) -> None:
        """See ``OpeningRepository.refund``."""
        await self._database.write(partial(_refund, lease_key, size))

    async def acknowledge(self, link_id: bytes, lease: bytes, outcome: Outcome, mac: bytes) -> None:
        """See ``OpeningRepository.acknowledge``."""
        await self._database.write(partial(self._acknowledge, link_id, lease, outcome, mac))

    def _acknowledge(
        self, link_id: bytes, lease: bytes, outcome: Outcome, mac: bytes, tx: Transaction
    ) -> None:
        link, key, opening = hold_lease(tx, link_id, lease)
        opening = opening.seen_at(tx.now)
        if opening.outcome is outcome:
            return
        if opening.outcome in (Outcome.LAPSED, Outcome.REVOKED):
            raise over(link, tx.now)
        if opening.outcome is not Outcome.LEASED:
            raise Conflict
        settled, ended = end_lease(link, opening, outcome, tx.now)
        values = {
            "lease_key": key,
            "ended_as": ended.outcome,
            "at": ended.ended_at,
            "proof": mac,
        }
        tx.connection.execute(_END_LEASE, values)
        settle(tx, [settled], self._limits)


def _insert_opening(tx: Transaction, link_key: int, opening: Opening) -> None:
    tx.connection.execute(
        _INSERT_OPENING,
        {
            "link_key": link_key,
            "lease": opening.lease,
            "claimed_at": opening.claimed_at,
            "lease_until": opening.lease_until,
            "outcome": opening.outcome,
            "bytes_read": 0,
            "address": opening.address,
            "due_at": opening.lease_until,
        },
    )


def _answer(tx: Transaction, link: Link, manifest: bytes, opening: Opening) -> Claimed:
    stored = parts_of(tx, link.share_key) if link.content_bytes else ()
    return Claimed(
        manifest=manifest,
        content_bytes=link.content_bytes,
        digests=tuple(part.digest for part in stored),
        lease_until=opening.lease_until,
        now=tx.now,
    )


def _read(link_id: bytes, lease: bytes, tx: Transaction) -> Reading:
    link, key, opening = find_lease(tx, link_id, lease)
    if not opening.is_alive(tx.now):
        raise over(link, tx.now)
    root = tx.connection.scalar(_ROOT, {"share": link.share_key})
    return Reading(
        lease_key=key,
        content_bytes=link.content_bytes,
        root=root or content_root(0, ()),
        parts=parts_of(tx, link.share_key),
    )


def _lease(tx: Transaction, query: Select[Any], lease_key: int) -> AnyRow | None:
    return tx.connection.execute(query, {"lease_key": lease_key}).one_or_none()


def _is_alive(tx: Transaction, row: AnyRow | None) -> bool:
    return row is not None and to_opening(row).is_alive(tx.now)


def _charge(lease_key: int, size: int, tx: Transaction) -> None:
    row = _lease(tx, _HELD_LEASE, lease_key)
    if row is None or not _is_alive(tx, row):
        raise Over
    if row.bytes_read + size > egress_budget(row.content_bytes):
        raise EgressSpent
    _add_bytes(tx, lease_key, size)


def _refund(lease_key: int, size: int, tx: Transaction) -> None:
    _add_bytes(tx, lease_key, -size)


def _add_bytes(tx: Transaction, lease_key: int, size: int) -> None:
    tx.connection.execute(_ADD_BYTES, {"lease_key": lease_key, "more": size})
