"""How things end: links settle, manifests are erased, shares go, room is given back.

All of it happens in the transaction that caused it: no moment exists in which a link is over
and its manifest is still there. Deleting blobs is the only thing left for afterwards; their
names wait in ``orphans`` until that is done.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BindParameter,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from otv_server.domain.errors import NoRoom
from otv_server.domain.share import End, Link, ShareState
from otv_server.storage.manifests import erase
from otv_server.storage.tables import links, openings, orphans, parts, shares, usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otv_server.domain.limits import Limits
    from otv_server.storage.database import Transaction

_STORE_LINK = (
    update(links)
    .where(links.c.key == bindparam("link_key"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in (
                "opens_left",
                "guesses",
                "guesses_in_all",
                "leases",
                "end",
                "ended_at",
                "opened_at",
                "over",
                "due_at",
            )
        }
    )
)
_COUNT_DOWN = (
    update(shares)
    .where(shares.c.key == bindparam("share"))
    .values(live_links=shares.c.live_links - bindparam("ended"))
    .returning(shares.c.live_links)
)

# --- the end of a share, in this order --------------------------------------------------------

_SHARE: BindParameter[int] = bindparam("share")
# Not those that are released already: whoever deletes them forgets them in an order of his own.
_DROP_ARRIVING = (
    update(orphans)
    .where(orphans.c.share_key == _SHARE, orphans.c.due_at > 0)
    .values(reserved=0, due_at=0)
)
# Due since ever: a clock that is set back must not delay it.
_DROP_PARTS = insert(orphans).from_select(
    ["blob", "share_key", "reserved", "due_at"],
    select(parts.c.blob, parts.c.share_key, literal(0), literal(0)).where(
        parts.c.share_key == _SHARE
    ),
)
_FORGET_PARTS = delete(parts).where(parts.c.share_key == _SHARE)
_ROOM = select(func.sum(shares.c.reserved), func.sum(shares.c.stored)).where(
    shares.c.key.in_(bindparam("keys", expanding=True))
)
_LEASES_END = (
    select(func.coalesce(func.max(openings.c.ended_at), 0))
    .join(links, openings.c.link_key == links.c.key)
    .where(links.c.share_key == shares.c.key)
    .scalar_subquery()
)
# Records are kept from its last link's expiry or its last lease's end on; of an upload, from now.
_LAST_INSTANT = case(
    (shares.c.state == ShareState.UPLOADING, bindparam("now")),
    (shares.c.last_expiry < _LEASES_END, _LEASES_END),
    else_=shares.c.last_expiry,
)
_GONE = (
    update(shares)
    .where(shares.c.key == _SHARE)
    .values(
        state=ShareState.GONE,
        reserved=0,
        stored=0,
        uploader=None,
        due_at=_LAST_INSTANT + bindparam("retention"),
    )
)
_PARTS_END = (_DROP_ARRIVING, _DROP_PARTS, _FORGET_PARTS)  # an inline share never had any

# --- room -------------------------------------------------------------------------------------

_CHANGE_USAGE = update(usage).values(
    reserved=usage.c.reserved + bindparam("more_reserved"),
    stored=usage.c.stored + bindparam("more_stored"),
)
_USAGE = select(usage.c.reserved, usage.c.stored).with_for_update()
_BLOBS: BindParameter[list[str]] = bindparam("blobs", expanding=True)
_ORPHANS = select(orphans).where(orphans.c.blob.in_(_BLOBS)).order_by(orphans.c.blob)
HELD_ORPHANS = _ORPHANS.with_for_update()
_HELD_SHARES = (
    select(shares.c.key)
    .where(shares.c.key.in_(bindparam("keys", expanding=True)))
    .order_by(shares.c.key)
    .with_for_update()
)
_SHRINK = (
    update(shares)
    .where(shares.c.key == _SHARE)
    .values(reserved=shares.c.reserved - bindparam("less"))
)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A blob that no part names, held; what it reserves of which share's room."""

    blob: str
    share_key: int | None
    reserved: int


def settle(tx: Transaction, changed: Sequence[Link], limits: Limits) -> None:
    """Store links whose rows are held, and carry out what their new state means.

    A link that has ended and has no lease alive is over: its manifest is erased. A share whose
    last link is over is gone.
    """
    if not changed:
        return
    settled = [_expired(link, tx.now) for link in changed]
    over = [link for link in settled if link.end and not link.leases and not link.over]
    over_keys = {link.key for link in over}
    tx.connection.execute(
        _STORE_LINK, [_new_values(link, is_over=link.key in over_keys) for link in settled]
    )
    if over:
        erase(tx, over_keys)
        _count_down(tx, over, limits)


def _expired(link: Link, now: int) -> Link:
    return link.ended(End.EXPIRED, link.expires_at) if now >= link.expires_at else link


def _new_values(link: Link, *, is_over: bool) -> dict[str, object]:
    return {
        "link_key": link.key,
        "new_opens_left": link.opens_left,
        "new_guesses": link.guesses,
        "new_guesses_in_all": link.guesses_in_all,
        "new_leases": link.leases,
        "new_end": link.end,
        "new_ended_at": link.ended_at,
        "new_opened_at": link.opened_at,
        "new_over": int(link.over or is_over),
        # An ended link waits for its leases, and those have instants of their own.
        "new_due_at": None if link.end else link.expires_at,
    }


def _count_down(tx: Transaction, over: Sequence[Link], limits: Limits) -> None:
    ended = Counter(link.share_key for link in over)
    inline = {link.share_key for link in over if not link.content_bytes}
    finished = {
        key
        for key, count in sorted(ended.items())  # in one order: others count down the same shares
        if tx.connection.scalar(_COUNT_DOWN, {"share": key, "ended": count}) == 0
    }
    _end(tx, sorted(finished), sorted(finished - inline), limits)


def end_shares(tx: Transaction, share_keys: Sequence[int], limits: Limits) -> None:
    """Make shares gone whose rows are held; the last thing that a transaction does.

    Parts and parts about to arrive become orphans, their room is free.
    """
    _end(tx, share_keys, share_keys, limits)


def _end(
    tx: Transaction, share_keys: Sequence[int], with_parts: Sequence[int], limits: Limits
) -> None:
    if not share_keys:
        return
    reserved, stored = tx.connection.execute(_ROOM, {"keys": share_keys}).one()
    if with_parts:
        for step in _PARTS_END:
            tx.connection.execute(step, [{"share": key} for key in with_parts])
    kept = {"now": tx.now, "retention": 1000 * limits.retention_s}
    tx.connection.execute(_GONE, [{"share": key, **kept} for key in share_keys])
    change_usage(tx, reserved=-int(reserved), stored=-int(stored))


def change_usage(tx: Transaction, *, reserved: int, stored: int = 0) -> None:
    """Move the two counters of room, in bytes. Everybody waits for them: the last thing to do."""
    tx.connection.execute(_CHANGE_USAGE, {"more_reserved": reserved, "more_stored": stored})


@dataclass(frozen=True, slots=True)
class Room:
    """What is promised and what has arrived, in bytes; held until the transaction ends."""

    reserved: int
    stored: int


def hold_room(tx: Transaction) -> Room:
    """Take the counters. Everybody waits for them: whatever can be done before is done before."""
    reserved, stored = tx.connection.execute(_USAGE).one()
    return Room(reserved, stored)


def reserve(
    tx: Transaction,
    room: Room,
    size: int,
    free_bytes: int | None,
    limits: Limits,
    *,
    arrived: int = 0,
) -> None:
    """Promise ``size`` bytes, or say now that there is no room; ``arrived`` of them are here.

    ``free_bytes`` is what the blob store has left; what is promised and has not arrived is
    taken off first, so that two uploads can't both be promised the last of it.
    """
    if limits.max_total_bytes is not None and room.reserved + size > limits.max_total_bytes:
        raise NoRoom
    awaited = room.reserved - room.stored
    if free_bytes is not None and free_bytes - awaited - size < limits.min_free_bytes:
        raise NoRoom
    change_usage(tx, reserved=size, stored=arrived)


def hold_orphans(
    tx: Transaction, blobs: Sequence[str], query: Select[Any] = HELD_ORPHANS
) -> list[Orphan]:
    """Hold these, as far as they are orphans, and before them the shares whose room they take.

    ``query`` says which of ``blobs`` it still wants once it holds them.
    """
    known = tx.connection.execute(_ORPHANS, {"blobs": blobs})
    if owners := sorted({row.share_key for row in known if row.reserved}):
        tx.connection.execute(_HELD_SHARES, {"keys": owners}).all()
    rows = tx.connection.execute(query, {"blobs": blobs})
    return [Orphan(row.blob, row.share_key, row.reserved) for row in rows]


def release(tx: Transaction, held: Sequence[Orphan]) -> None:
    """These blobs will never be parts: due for deletion now, what they reserved given back."""
    # Instant 0 lies before every transaction: no part may take these names from here on.
    tx.connection.execute(
        update(orphans)
        .where(orphans.c.blob.in_([orphan.blob for orphan in held]))
        .values(reserved=0, due_at=0)
    )
    given_back = [orphan for orphan in held if orphan.reserved]
    for orphan in given_back:
        tx.connection.execute(_SHRINK, {"share": orphan.share_key, "less": orphan.reserved})
    if given_back:
        change_usage(tx, reserved=-sum(orphan.reserved for orphan in given_back))
