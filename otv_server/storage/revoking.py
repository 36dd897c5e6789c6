"""Forgiving wrong passwords and revoking: what an owner does to links that are live."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from otv_server.domain.errors import Unknown
from otv_server.domain.share import End, Outcome, ShareState, over
from otv_server.storage.database import Raced
from otv_server.storage.endings import end_shares, settle
from otv_server.storage.rows import find_share, hold_share, state_of, to_link
from otv_server.storage.tables import links, openings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otv_server.domain.limits import Limits
    from otv_server.domain.share import Instant, Link
    from otv_server.storage.database import Transaction


def forgive(share_id: bytes, owner: bytes, link_id: bytes, tx: Transaction) -> None:
    """See ``SendingRepository.forgive_guesses``."""
    share = find_share(tx, share_id, owner)
    for link in _links_of(tx, share.key, link_id):
        if link.end_at(tx.now) is not None:
            raise over(link, tx.now)
        tx.connection.execute(update(links).where(links.c.key == link.key).values(guesses=0))


def revoke(
    share_id: bytes, owner: bytes, link_id: bytes | None, limits: Limits, tx: Transaction
) -> None:
    """See ``SendingRepository.revoke``."""
    share = find_share(tx, share_id, owner)
    if link_id is None and share.state == ShareState.UPLOADING:
        _end_upload(tx, share_id, owner, limits)
        return
    named = _links_of(tx, share.key, link_id)
    live = _not_over(tx, named)
    _end_leases(tx, live)
    settle(tx, [_revoked(link, tx.now) for link in live], limits)


def _end_upload(tx: Transaction, share_id: bytes, owner: bytes, limits: Limits) -> None:
    share = hold_share(tx, share_id, owner)
    if share.state != ShareState.UPLOADING:
        raise Raced  # sealed meanwhile: its links are to be held first, and the share after
    if state_of(tx, share) is ShareState.UPLOADING:
        end_shares(tx, [share.key], limits)


def _links_of(tx: Transaction, share_key: int, link_id: bytes | None) -> list[Link]:
    query = select(links).where(links.c.share_key == share_key).order_by(links.c.key)
    if link_id is not None:
        query = query.where(links.c.id == link_id)
    rows = tx.connection.execute(query.with_for_update()).all()
    if link_id is not None and not rows:
        raise Unknown
    return [to_link(row) for row in rows]


def _not_over(tx: Transaction, named: Sequence[Link]) -> list[Link]:
    """Those that can still be claimed or read: what is over keeps the end that it had."""
    alive = tx.connection.scalars(
        select(openings.c.link_key).where(
            openings.c.link_key.in_([link.key for link in named]),
            openings.c.outcome == Outcome.LEASED,
            openings.c.lease_until > tx.now,
        )
    ).all()
    return [link for link in named if link.end_at(tx.now) is None or link.key in alive]


def _end_leases(tx: Transaction, revoked: Sequence[Link]) -> None:
    leased = openings.c.link_key.in_([link.key for link in revoked]) & (
        openings.c.outcome == Outcome.LEASED
    )
    ran_out = openings.c.lease_until <= tx.now
    tx.connection.execute(
        update(openings)
        .where(leased, ran_out)
        .values(outcome=Outcome.LAPSED, ended_at=openings.c.lease_until, due_at=None)
    )
    tx.connection.execute(
        update(openings).where(leased).values(outcome=Outcome.REVOKED, ended_at=tx.now, due_at=None)
    )


def _revoked(link: Link, now: Instant) -> Link:
    """A link that is not over yet shows ``revoked`` first, whatever had ended it."""
    return replace(link, leases=0, end=End.REVOKED, ended_at=now)
