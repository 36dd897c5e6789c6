"""What a sender can do: create, send parts, seal, look, forgive, revoke."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from otv_server.domain.errors import DigestMismatch, Malformed, TooLarge, Unavailable
from otv_server.domain.ports import NewPart

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from otv_server.domain.limits import Limits
    from otv_server.domain.ports import BlobStore, SendingRepository
    from otv_server.domain.share import NewLink, NewShare, Sealing, Share


class Sending:
    """The sender's use cases. A share is always named by its id and H(O)."""

    def __init__(self, repository: SendingRepository, blobs: BlobStore, limits: Limits) -> None:
        self._repository = repository
        self._blobs = blobs
        self._limits = limits

    async def create(self, new: NewShare) -> tuple[Share, bool]:
        """Begin an upload, or put a share without content live at once; True says it is new.

        Raises:
            Malformed, TooLarge, Conflict, NoRoom, SlowDown: see ``SendingRepository.create``.
        """
        if new.content_bytes == 0:
            self._check_links(new.links)
        elif new.links:
            raise Malformed("Links come with the seal, unless bytes is 0.")
        self._limits.check_share_bytes(new.content_bytes or 0)
        return await self._repository.create(new, await self._blobs.free_bytes())

    async def recognise(self, share_id: bytes, owner: bytes) -> None:
        """Raise ``Unknown`` unless this is the owner of such a share."""
        await self._repository.recognise(share_id, owner)

    async def receive_part(
        self,
        share_id: bytes,
        owner: bytes,
        index: int,
        size: int,
        digest: bytes,
        chunks: AsyncIterator[bytes],
    ) -> bool:
        """Store a part; False says that this very part was there already.

        The blob is durable before a row names it. Whatever goes wrong, the blob goes too: here,
        or by the sweep where this process dies first.
        """
        part = NewPart(share_id, owner, index, size, digest, self._blobs.new_name())
        if not await self._repository.begin_part(part, await self._blobs.free_bytes()):
            async for _ in chunks:  # an answer before the end would reset the connection
                pass
            return False
        is_named = False
        try:
            await self._blobs.put(part.blob, chunks, _Whole(part))
            is_named = await self._repository.finish_part(part)
        finally:
            if not is_named:
                # Due now; the sweep deletes the blob and then forgets its name. Where even that
                # can't be written, it does so when the announcement falls due.
                with suppress(Unavailable):
                    await self._repository.abandon_part(part.blob)
        return is_named

    async def seal(self, share_id: bytes, owner: bytes, sealing: Sealing) -> Share:
        """Close the upload and put its links live."""
        self._check_links(sealing.links)
        return await self._repository.seal(share_id, owner, sealing)

    async def report(self, share_id: bytes, owner: bytes) -> Share:
        """What became of it."""
        return await self._repository.find(share_id, owner)

    async def forgive_guesses(self, share_id: bytes, owner: bytes, link_id: bytes) -> None:
        """Forgive the wrong passwords counted so far."""
        await self._repository.forgive_guesses(share_id, owner, link_id)

    async def revoke(self, share_id: bytes, owner: bytes, link_id: bytes | None = None) -> None:
        """End the share, or one of its links, now."""
        await self._repository.revoke(share_id, owner, link_id)

    def _check_links(self, links: Sequence[NewLink]) -> None:
        self._limits.check_link_count(len(links))
        if len({link.id for link in links}) != len(links):
            raise Malformed("Two links have the same id.")
        for link in links:
            self._limits.check_opens(link.opens)
            self._limits.check_times(link.delay_s, link.ttl_s)


class _Whole:
    """Sees that what is stored is the part that was announced, all of it and nothing else."""

    def __init__(self, part: NewPart) -> None:
        self._part = part
        self._hashed = sha256()
        self._size = 0

    def update(self, piece: bytes) -> None:
        """See ``Inspection.update``."""
        self._size += len(piece)
        if self._size > self._part.size:
            raise TooLarge
        self._hashed.update(piece)

    def finish(self) -> None:
        """See ``Inspection.finish``."""
        if self._size != self._part.size:
            raise Malformed("The part is shorter than its Content-Length.")
        if self._hashed.digest() != self._part.digest:
            raise DigestMismatch
