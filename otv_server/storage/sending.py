"""``SendingRepository`` on SQL."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from otv_server.domain.errors import Conflict, DigestMismatch, Over, SlowDown, Unavailable
from otv_server.domain.limits import DAY_S, PART_BYTES, Limits, check_part, content_root
from otv_server.domain.share import Link, LinkReport, Share, ShareState
from otv_server.storage.endings import change_usage, hold_orphans, hold_room, release, reserve
from otv_server.storage.manifests import store
from otv_server.storage.revoking import forgive, revoke
from otv_server.storage.rows import (
    AnyRow,
    find_share,
    hold_share,
    hold_share_if_any,
    parts_of,
    state_of,
    to_share,
)
from otv_server.storage.tables import links, orphans, parts, shares
from otv_server.storage.tokens import bind_share, bound_bytes, hold_token, spend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otv_server.domain.ports import NewPart
    from otv_server.domain.share import Instant, NewLink, NewShare, Part, Sealing
    from otv_server.domain.tokens import UploadToken
    from otv_server.storage.database import Database, Transaction

# Parts of one share on their way at the same time. Clients send four; without a bound, one
# owner's many slow copies of one part would fill the disk past what was reserved.
MAX_ARRIVING = 32

_INSERT_SHARE = insert(shares).returning(shares.c.key)
_INSERT_LINK = insert(links).returning(links.c.key)
_UNSEALED = select(func.count()).where(shares.c.uploader == bindparam("uploader"))
_ARRIVING = select(func.count()).where(
    orphans.c.share_key == bindparam("share"), orphans.c.due_at > bindparam("now")
)
_PART_DIGEST = select(parts.c.digest).where(
    parts.c.share_key == bindparam("share"), parts.c.index == bindparam("number")
)
_ANNOUNCE = insert(orphans)
_TAKE_ANNOUNCED = delete(orphans).where(
    orphans.c.blob == bindparam("name"), orphans.c.due_at > bindparam("now")
)
_LET_GO = update(orphans).where(orphans.c.blob == bindparam("name")).values(taken_until=0)
_INSERT_PART = insert(parts)
_PART_OF = select(parts.c.share_key).where(parts.c.blob == bindparam("name"))
_GROW = (
    update(shares)
    .where(shares.c.key == bindparam("share"))
    .values(reserved=shares.c.reserved + bindparam("more"))
)
_COUNT_PART = (
    update(shares)
    .where(shares.c.key == bindparam("share"))
    .values(stored=shares.c.stored + bindparam("more"), due_at=bindparam("idle_at"))
)


class SqlSending:
    """Shares as their senders see them; the contract stands in ``domain.ports``."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    async def create(self, new: NewShare, free_bytes: int | None) -> tuple[Share, bool]:
        """See ``SendingRepository.create``."""
        return await self._database.write(partial(self._create, new, free_bytes))

    def _create(self, new: NewShare, free_bytes: int | None, tx: Transaction) -> tuple[Share, bool]:
        # Before the share is looked for: the same request again waits here, and then finds it.
        token = None if new.token is None else hold_token(tx, new.token)
        row = hold_share_if_any(tx, new.id, new.owner)
        if row is not None:
            if row.body != new.body:
                raise Conflict
            return to_share(tx, row), False
        return self._insert_share(tx, new, token, free_bytes), True

    def _insert_share(
        self, tx: Transaction, new: NewShare, token: UploadToken | None, free_bytes: int | None
    ) -> Share:
        is_live = bool(new.links)
        reserved = (new.content_bytes or 0) + new.manifest_bytes
        paying = None if new.token is None else spend(tx, token, reserved)
        state = ShareState.SEALED if is_live else ShareState.UPLOADING
        # Where the very same request is under way elsewhere, this is done again, and finds it.
        key = tx.connection.scalar(
            _INSERT_SHARE,
            {
                "id": new.id,
                "owner": new.owner,
                "state": state,
                "body": new.body,
                "declared": new.content_bytes,
                "reserved": reserved,
                "stored": new.manifest_bytes,
                "live_links": len(new.links),
                "uploader": None if is_live else new.uploader,
                "created_at": tx.now,
                "due_at": None if is_live else self._idle_at(tx.now, tx.now),
                "last_expiry": _last_expiry(new.links, tx.now),
            },
        )
        assert key is not None
        if paying is not None and new.content_bytes is None:
            bind_share(tx, paying, key)
        made = _insert_links(tx, key, new.links, content_bytes=0)
        room = hold_room(tx)
        if not is_live:
            self._check_unsealed(tx, new.uploader)
        reserve(tx, room, reserved, free_bytes, self._limits, arrived=new.manifest_bytes)
        return Share(new.id, state, new.content_bytes or 0, (), made, tx.now)

    def _check_unsealed(self, tx: Transaction, uploader: str) -> None:
        """Count them, this one included, while no other can begin."""
        mine = tx.connection.scalar(_UNSEALED, {"uploader": uploader})
        if (mine or 0) > self._limits.max_unsealed_per_address:
            raise SlowDown("Too many unfinished uploads from this address.")

    def _idle_at(self, created_at: Instant, now: Instant) -> Instant:
        return min(now + 1000 * self._limits.idle_upload_s, created_at + 1000 * DAY_S)

    async def find(self, share_id: bytes, owner: bytes) -> Share:
        """See ``SendingRepository.find``."""
        return await self._database.read(lambda tx: to_share(tx, find_share(tx, share_id, owner)))

    async def recognise(self, share_id: bytes, owner: bytes) -> None:
        """See ``SendingRepository.recognise``."""
        await self._database.read(lambda tx: find_share(tx, share_id, owner))

    async def begin_part(self, part: NewPart, free_bytes: int | None) -> bool:
        """See ``SendingRepository.begin_part``."""
        return await self._database.write(partial(self._begin_part, part, free_bytes))

    def _begin_part(self, part: NewPart, free_bytes: int | None, tx: Transaction) -> bool:
        share = hold_share(tx, part.share_id, part.owner)
        if _is_there_already(tx, share, part):
            return False
        check_part(part.index, part.size, share.declared, self._limits_of(tx, share))
        _check_arriving(tx, share.key)
        reserved = part.size if share.declared is None else 0
        tx.connection.execute(
            _ANNOUNCE,
            {
                "blob": part.blob,
                "share_key": share.key,
                "reserved": reserved,
                "due_at": tx.now + 1000 * self._limits.idle_upload_s,
            },
        )
        if reserved:
            tx.connection.execute(_GROW, {"share": share.key, "more": reserved})
            reserve(tx, hold_room(tx), reserved, free_bytes, self._limits)
        return True

    def _limits_of(self, tx: Transaction, share: AnyRow) -> Limits:
        """The operator's; where nothing was declared, a token's too."""
        bound = bound_bytes(tx, share.key) if share.declared is None else None
        if bound is None or bound >= self._limits.max_share_bytes:
            return self._limits
        return replace(self._limits, max_share_bytes=bound)

    async def finish_part(self, part: NewPart) -> bool:
        """See ``SendingRepository.finish_part``."""
        return await self._database.write(partial(self._finish_part, part))

    def _finish_part(self, part: NewPart, tx: Transaction) -> bool:
        share = hold_share(tx, part.share_id, part.owner)
        if _is_there_already(tx, share, part):
            return False
        announced = {"name": part.blob, "now": tx.now}
        if not tx.connection.execute(_TAKE_ANNOUNCED, announced).rowcount:
            raise Unavailable  # it took longer than an upload may idle; the sweep has the blob
        tx.connection.execute(
            _INSERT_PART,
            {
                "share_key": share.key,
                "index": part.index,
                "size": part.size,
                "digest": part.digest,
                "blob": part.blob,
            },
        )
        idle_at = self._idle_at(share.created_at, tx.now)
        tx.connection.execute(
            _COUNT_PART, {"share": share.key, "more": part.size, "idle_at": idle_at}
        )
        change_usage(tx, reserved=0, stored=part.size)
        return True

    async def abandon_part(self, blob: str) -> None:
        """See ``SendingRepository.abandon_part``."""
        await self._database.write(partial(_abandon, blob))

    async def seal(self, share_id: bytes, owner: bytes, sealing: Sealing) -> Share:
        """See ``SendingRepository.seal``."""
        return await self._database.write(partial(self._seal, share_id, owner, sealing))

    def _seal(self, share_id: bytes, owner: bytes, sealing: Sealing, tx: Transaction) -> Share:
        row = hold_share(tx, share_id, owner)
        if row.seal_body == sealing.body:
            return to_share(tx, row)
        self._seal_once(tx, row, sealing)
        sealed = to_share(tx, hold_share(tx, share_id, owner))
        # No free space is asked for: a manifest is small, and refusing here would waste the upload.
        size = sealing.manifest_bytes
        reserve(tx, hold_room(tx), size, None, self._limits, arrived=size)
        return sealed

    def _seal_once(self, tx: Transaction, row: AnyRow, sealing: Sealing) -> None:
        state = state_of(tx, row)
        was_inline = row.declared == 0
        if state is ShareState.GONE and row.seal_body is None and not was_inline:
            raise Over
        if state is not ShareState.UPLOADING:
            raise Conflict("This share was sealed with other words.")
        _check_whole(parts_of(tx, row.key), row.declared, sealing)
        tx.connection.execute(
            update(shares)
            .where(shares.c.key == row.key)
            .values(
                state=ShareState.SEALED,
                seal_body=sealing.body,
                declared=sealing.content_bytes,
                root=sealing.root,
                reserved=shares.c.reserved + sealing.manifest_bytes,
                stored=shares.c.stored + sealing.manifest_bytes,
                live_links=len(sealing.links),
                uploader=None,
                due_at=None,
                last_expiry=_last_expiry(sealing.links, tx.now),
            )
        )
        _insert_links(tx, row.key, sealing.links, content_bytes=sealing.content_bytes)

    async def forgive_guesses(self, share_id: bytes, owner: bytes, link_id: bytes) -> None:
        """See ``SendingRepository.forgive_guesses``."""
        await self._database.write(partial(forgive, share_id, owner, link_id))

    async def revoke(self, share_id: bytes, owner: bytes, link_id: bytes | None) -> None:
        """See ``SendingRepository.revoke``."""
        await self._database.write(partial(revoke, share_id, owner, link_id, self._limits))


def _last_expiry(new: Sequence[NewLink], now: Instant) -> Instant:
    return max((now + 1000 * (link.delay_s + link.ttl_s) for link in new), default=now)


def _insert_links(
    tx: Transaction, share_key: int, new: Sequence[NewLink], *, content_bytes: int
) -> tuple[LinkReport, ...]:
    made = [_new_link(tx.now, share_key, link, content_bytes) for link in new]
    return tuple(
        LinkReport(_insert_link(tx, link, given), ()) for link, given in zip(made, new, strict=True)
    )


def _new_link(now: Instant, share_key: int, given: NewLink, content_bytes: int) -> Link:
    opens_at = now + 1000 * given.delay_s
    return Link(
        key=0,  # the database's to say
        share_key=share_key,
        id=given.id,
        content_bytes=content_bytes,
        opens=given.opens,
        opens_left=given.opens,
        opens_at=opens_at,
        expires_at=opens_at + 1000 * given.ttl_s,
    )


def _insert_link(tx: Transaction, link: Link, given: NewLink) -> Link:
    values = {
        "share_key": link.share_key,
        "id": link.id,
        "access": given.access,
        "content_bytes": link.content_bytes,
        "opens": link.opens,
        "opens_left": link.opens_left,
        "opens_at": link.opens_at,
        "expires_at": link.expires_at,
        "guesses": 0,
        "guesses_in_all": 0,
        "leases": 0,
        "over": 0,
        "due_at": link.expires_at,
    }
    try:
        key = tx.connection.scalar(_INSERT_LINK, values)
    except IntegrityError as error:
        raise Conflict("This link exists already.") from error
    assert key is not None
    store(tx, key, given)
    return replace(link, key=key)


def _is_there_already(tx: Transaction, share: AnyRow, part: NewPart) -> bool:
    """Whether this very part is stored; ``Over`` or ``Conflict`` where it can't be any more."""
    state = state_of(tx, share)
    if state is ShareState.GONE:
        raise Over
    digest = tx.connection.scalar(_PART_DIGEST, {"share": share.key, "number": part.index})
    if digest is None and state is ShareState.UPLOADING:
        return False
    if digest != part.digest:
        raise Conflict
    return True


def _check_arriving(tx: Transaction, share_key: int) -> None:
    arriving = tx.connection.scalar(_ARRIVING, {"share": share_key, "now": tx.now})
    if (arriving or 0) >= MAX_ARRIVING:
        raise SlowDown("Too many parts of this share at the same time.")


def _check_whole(stored: Sequence[Part], declared: int | None, sealing: Sealing) -> None:
    """Refuse a seal over anything but all the parts that it speaks of."""
    if [part.index for part in stored] != list(range(sealing.parts)):
        raise Conflict("Parts are missing, or there are more than that.")
    if any(part.size != PART_BYTES for part in stored[:-1]):
        raise Conflict("Only the last part may be short.")
    if sum(part.size for part in stored) != sealing.content_bytes:
        raise Conflict("The parts hold another number of bytes.")
    if declared not in (None, sealing.content_bytes):
        raise Conflict("Another number of bytes was declared.")
    if content_root(sealing.content_bytes, [p.digest for p in stored]) != sealing.root:
        raise DigestMismatch("The root is not that of these parts.")


def _abandon(blob: str, tx: Transaction) -> None:
    """The blob is an orphan due now, whatever the sweep has done to its announcement."""
    held = hold_orphans(tx, [blob])
    if not held:
        if tx.connection.execute(_PART_OF, {"name": blob}).first():
            return  # it was named after all, and stays
        tx.connection.execute(_ANNOUNCE, {"blob": blob, "reserved": 0, "due_at": 0})
    release(tx, held)
    # Whoever is at deleting it may have done so before its bytes came: it is deleted once more.
    tx.connection.execute(_LET_GO, {"name": blob})
