"""How things end: links settle, manifests are erased, shares go, room is given back.

All of it happens in the transaction that caused it: no moment exists in which a link is over
and its manifest is still there. Deleting blobs is the only thing left for afterwards; their
names wait in ``orphans`` until that is done.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import BindParameter, bindparam, case, delete, func, insert, literal, select, update

from otv_server.domain.errors import NoRoom
from otv_server.domain.share import End, Link, ShareState
from otv_server.storage.tables import links, manifests, openings, orphans, parts, shares, usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import UpdateBase

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
_ERASE = delete(manifests).where(manifests.c.link_key == bindparam("link"))
_COUNT_DOWN = (
    update(shares)
    .where(shares.c.key == bindparam("share"))
    .values(live_links=shares.c.live_links - bindparam("ended"))
    .returning(shares.c.live_links)
)

# --- the end of a share, in this order --------------------------------------------------------

_SHARE: BindParameter[int] = bindparam("share")
_DROP_ARRIVING = update(orphans).where(orphans.c.share_key == _SHARE).values(reserved=0, due_at=0)
# Due since ever: a clock that is set back must not delay it.
_DROP_PARTS = insert(orphans).from_select(
    ["blob", "share_key", "reserved", "due_at"],
    select(parts.c.blob, parts.c.share_key, literal(0), literal(0)).where(
        parts.c.share_key == _SHARE
    ),
)
_FORGET_PARTS = delete(parts).where(parts.c.share_key == _SHARE)
_GIVE_BACK = update(usage).values(
    {
        column: column
        - select(shares.c[column.name]).where(shares.c.key == _SHARE).scalar_subquery()
        for column in (usage.c.reserved, usage.c.stored)
    }
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
_ALL_END = (_GIVE_BACK, _GONE)

# --- room -------------------------------------------------------------------------------------

_CHANGE_USAGE = update(usage).values(
    reserved=usage.c.reserved + bindparam("more_reserved"),
    stored=usage.c.stored + bindparam("more_stored"),
)
_USAGE = select(usage.c.reserved, usage.c.stored).with_for_update()


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
        tx.connection.execute(_ERASE, [{"link": key} for key in over_keys])
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
        for key, count in ended.items()
        if tx.connection.scalar(_COUNT_DOWN, {"share": key, "ended": count}) == 0
    }
    end_shares(tx, sorted(finished - inline), limits)
    _end(tx, sorted(finished & inline), _ALL_END, limits)


def end_shares(tx: Transaction, share_keys: Sequence[int], limits: Limits) -> None:
    """Make shares gone: parts and parts about to arrive become orphans, their room is free."""
    _end(tx, share_keys, (*_PARTS_END, *_ALL_END), limits)


def _end(
    tx: Transaction, share_keys: Sequence[int], steps: Sequence[UpdateBase], limits: Limits
) -> None:
    if not share_keys:
        return
    kept = {"now": tx.now, "retention": 1000 * limits.retention_s}
    for step in steps:
        needed = kept if step is _GONE else {}
        tx.connection.execute(step, [{"share": key, **needed} for key in share_keys])


def change_usage(tx: Transaction, *, reserved: int, stored: int = 0) -> None:
    """Move the two counters of room, in bytes."""
    tx.connection.execute(_CHANGE_USAGE, {"more_reserved": reserved, "more_stored": stored})


def reserve(
    tx: Transaction, size: int, free_bytes: int | None, limits: Limits, *, arrived: int = 0
) -> None:
    """Promise ``size`` bytes, or say now that there is no room; ``arrived`` of them are here.

    ``free_bytes`` is what the blob store has left; what is promised and has not arrived is
    taken off first, so that two uploads can't both be promised the last of it.
    """
    reserved, stored = tx.connection.execute(_USAGE).one()
    if limits.max_total_bytes is not None and reserved + size > limits.max_total_bytes:
        raise NoRoom
    if free_bytes is not None and free_bytes - (reserved - stored) - size < limits.min_free_bytes:
        raise NoRoom
    change_usage(tx, reserved=size, stored=arrived)


def release(tx: Transaction, blobs: Sequence[str]) -> None:
    """These blobs will never be parts: due for deletion now, what they reserved given back."""
    held = tx.connection.execute(
        select(orphans.c.share_key, orphans.c.reserved).where(
            orphans.c.blob.in_(blobs), orphans.c.reserved > 0
        )
    ).all()
    for share_key, reserved in held:
        tx.connection.execute(
            update(shares)
            .where(shares.c.key == share_key)
            .values(reserved=shares.c.reserved - reserved)
        )
        change_usage(tx, reserved=-reserved)
    # Instant 0 lies before every transaction: no part may take these names from here on.
    tx.connection.execute(
        update(orphans).where(orphans.c.blob.in_(blobs)).values(reserved=0, due_at=0)
    )
