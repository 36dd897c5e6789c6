"""Rows to values and back; the look-ups that every transaction begins with.

Statements stand ready, here and in this package: to build one anew costs five times as much as to
run it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, bindparam, select

from otv_server.domain.errors import Unknown
from otv_server.domain.share import (
    End,
    Link,
    LinkReport,
    Opening,
    Outcome,
    Part,
    Share,
    ShareState,
)
from otv_server.storage.tables import links, openings, parts, shares

if TYPE_CHECKING:
    from otv_server.storage.database import Transaction

AnyRow = Row[Any]

_SHARE = select(shares).where(shares.c.id == bindparam("id"), shares.c.owner == bindparam("owner"))
_LINK = select(links).where(links.c.id == bindparam("id"), links.c.access == bindparam("access"))
# Ids are the senders' choice, so two links may share one: the older opening has the lease.
_LEASED = (
    select(links, *(column.label(f"opening_{column.name}") for column in openings.c))
    .join(openings, openings.c.link_key == links.c.key)
    .where(openings.c.lease == bindparam("lease"), links.c.id == bindparam("id"))
    .order_by(openings.c.key)
    .limit(1)
)
_HELD_SHARE = _SHARE.with_for_update()
_HELD_LINK = _LINK.with_for_update()
_HELD_LEASED = _LEASED.with_for_update(of=links)
_OPENING = select(openings).where(
    openings.c.link_key == bindparam("link"), openings.c.lease == bindparam("lease")
)
_PARTS = select(parts).where(parts.c.share_key == bindparam("share")).order_by(parts.c.index)
_LINKS = select(links).where(links.c.share_key == bindparam("share")).order_by(links.c.key)
_OPENINGS = (
    select(openings)
    .join(links, openings.c.link_key == links.c.key)
    .where(links.c.share_key == bindparam("share"))
    .order_by(openings.c.key)
)


def find_share(tx: Transaction, share_id: bytes, owner: bytes) -> AnyRow:
    """The share's row, not held; ``Unknown`` on any miss."""
    return _only(tx, _SHARE, {"id": share_id, "owner": owner})


def hold_share(tx: Transaction, share_id: bytes, owner: bytes) -> AnyRow:
    """The share's row, held until the transaction ends; ``Unknown`` on any miss."""
    return _only(tx, _HELD_SHARE, {"id": share_id, "owner": owner})


def hold_share_if_any(tx: Transaction, share_id: bytes, owner: bytes) -> AnyRow | None:
    """The share's row, held until the transaction ends, if there is one."""
    named = {"id": share_id, "owner": owner}
    return tx.connection.execute(_HELD_SHARE, named).one_or_none()


def find_link(tx: Transaction, link_id: bytes, access: bytes) -> AnyRow:
    """The link's row, not held; ``Unknown`` on any miss."""
    return _only(tx, _LINK, {"id": link_id, "access": access})


def hold_link(tx: Transaction, link_id: bytes, access: bytes) -> AnyRow:
    """The link's row, held until the transaction ends; ``Unknown`` on any miss."""
    return _only(tx, _HELD_LINK, {"id": link_id, "access": access})


def find_lease(tx: Transaction, link_id: bytes, lease: bytes) -> tuple[Link, int, Opening]:
    """The link of one of its leases, that opening, and its key; nothing is held.

    ``Unknown`` on any miss.
    """
    row = _only(tx, _LEASED, {"id": link_id, "lease": lease})
    return to_link(row), row.opening_key, to_opening(row, "opening_")


def hold_lease(tx: Transaction, link_id: bytes, lease: bytes) -> tuple[Link, int, Opening]:
    """As ``find_lease``, with the link's row held, and so its openings' outcomes."""
    link = to_link(_only(tx, _HELD_LEASED, {"id": link_id, "lease": lease}))
    # Read again: the row that came with the link may be from before the wait for it.
    opening = opening_row(tx, link.key, lease)
    assert opening is not None  # an opening goes with its link, and that is held
    return link, opening.key, to_opening(opening)


def _only(tx: Transaction, query: Select[Any], named: dict[str, bytes]) -> AnyRow:
    row = tx.connection.execute(query, named).one_or_none()
    if row is None:
        raise Unknown
    return row


def opening_row(tx: Transaction, link_key: int, lease: bytes) -> AnyRow | None:
    """The opening of this link under this lease, if there is one; its link's row is held."""
    return tx.connection.execute(_OPENING, {"link": link_key, "lease": lease}).one_or_none()


def to_link(row: AnyRow) -> Link:
    """A row of ``links`` as a value."""
    return Link(
        key=row.key,
        share_key=row.share_key,
        id=row.id,
        content_bytes=row.content_bytes,
        opens=row.opens,
        opens_left=row.opens_left,
        opens_at=row.opens_at,
        expires_at=row.expires_at,
        guesses=row.guesses,
        guesses_in_all=row.guesses_in_all,
        leases=row.leases,
        end=None if row.end is None else End(row.end),
        ended_at=row.ended_at,
        opened_at=row.opened_at,
        over=bool(row.over),
    )


def to_opening(row: AnyRow, prefix: str = "") -> Opening:
    """A row of ``openings`` as a value; ``prefix`` stands before its columns' names."""
    named = row._mapping  # noqa: SLF001  # SQLAlchemy's public name for it
    return Opening(
        lease=named[f"{prefix}lease"],
        claimed_at=named[f"{prefix}claimed_at"],
        lease_until=named[f"{prefix}lease_until"],
        outcome=Outcome(named[f"{prefix}outcome"]),
        ended_at=named[f"{prefix}ended_at"],
        bytes_read=named[f"{prefix}bytes_read"],
        mac=named[f"{prefix}mac"],
        address=named[f"{prefix}address"],
    )


def parts_of(tx: Transaction, share_key: int) -> tuple[Part, ...]:
    """All parts of a share, in order."""
    rows = tx.connection.execute(_PARTS, {"share": share_key})
    return tuple(Part(row[1], row.size, row.digest, row.blob) for row in rows)


def state_of(tx: Transaction, share: AnyRow) -> ShareState:
    """The share's state now: an upload that idled too long is gone, swept or not."""
    state = ShareState(share.state)
    if state is ShareState.UPLOADING and share.due_at <= tx.now:
        return ShareState.GONE
    return state


def to_share(tx: Transaction, row: AnyRow) -> Share:
    """The share with its parts, links and openings as they are now."""
    stored = parts_of(tx, row.key)
    return Share(
        id=row.id,
        state=state_of(tx, row),
        content_bytes=sum(p.size for p in stored) if row.declared is None else row.declared,
        parts=stored,
        links=_reports(tx, row.key),
        now=tx.now,
    )


def _reports(tx: Transaction, share_key: int) -> tuple[LinkReport, ...]:
    mine = [to_link(row) for row in tx.connection.execute(_LINKS, {"share": share_key})]
    by_link: dict[int, list[Opening]] = {link.key: [] for link in mine}
    for row in tx.connection.execute(_OPENINGS, {"share": share_key}):
        by_link[row.link_key].append(to_opening(row).seen_at(tx.now))
    return tuple(LinkReport(link, tuple(by_link[link.key])) for link in mine)
