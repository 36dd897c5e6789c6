"""What someone with a link can do: look, claim, read, acknowledge."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from otv_server.domain.errors import Unavailable
from otv_server.domain.limits import EGRESS_STEP_BYTES, PART_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from otv_server.domain.ports import BlobStore, Claimed, OpeningRepository, Reading
    from otv_server.domain.share import ClaimAttempt, Instant, Link, Outcome

# A slow line takes minutes for one charged step. So the lease is looked at this often beside the
# sending, and little is handed to the line at once: what it holds can't be taken back.
LOOK_AGAIN_S = 1.0
PIECE_BYTES = 256 << 10


class Opening:
    """The reader's use cases.

    Args:
        pause: sleeps that many seconds.
    """

    def __init__(
        self,
        repository: OpeningRepository,
        blobs: BlobStore,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._repository = repository
        self._blobs = blobs
        self._pause = pause
        self._refunds: set[asyncio.Task[None]] = set()

    async def recognise_access(self, link_id: bytes, access: bytes) -> None:
        """Raise ``Unknown`` unless there is such a link."""
        await self._repository.recognise_access(link_id, access)

    async def recognise_lease(self, link_id: bytes, lease: bytes) -> None:
        """Raise ``Unknown`` unless this link was claimed under this lease."""
        await self._repository.recognise_lease(link_id, lease)

    async def look(self, link_id: bytes, access: bytes) -> tuple[Link, Instant]:
        """The link in any state, and now. Spends nothing."""
        return await self._repository.find(link_id, access)

    async def claim(
        self, link_id: bytes, access: bytes, unlock: bytes, attempt: ClaimAttempt
    ) -> Claimed:
        """Take an opening, or get the same answer again under the same lease."""
        return await self._repository.claim(link_id, access, unlock, attempt)

    async def read(self, link_id: bytes, lease: bytes) -> Reading:
        """What this lease may read."""
        return await self._repository.read(link_id, lease)

    async def acknowledge(self, link_id: bytes, lease: bytes, outcome: Outcome, mac: bytes) -> None:
        """End the lease: the reader has everything, or refuses what came."""
        await self._repository.acknowledge(link_id, lease, outcome, mac)

    async def stream(self, reading: Reading, start: int, stop: int) -> AsyncGenerator[bytes]:
        """Yield the ciphertext from ``start`` to ``stop``, charging each step before it goes out.

        What was charged and did not go out is given back.

        Raises:
            Over: the lease ended, before or in the middle.
            EgressSpent: it has read all it may.
            Unavailable: the blob store does not answer.
        """
        while start < stop:
            step = min(EGRESS_STEP_BYTES, stop - start)
            await self._repository.charge(reading.lease_key, step)
            sent = 0
            try:
                async with aclosing(self._pieces(reading, start, start + step)) as pieces:
                    async for piece in pieces:
                        sent += len(piece)  # before: a reader that hangs up has had most of it
                        yield piece
            finally:
                if sent < step:
                    await self._refund(reading.lease_key, step - sent)
            start += step

    async def _pieces(self, reading: Reading, start: int, stop: int) -> AsyncGenerator[bytes]:
        while start < stop:
            part = reading.parts[start // PART_BYTES]
            base = part.index * PART_BYTES
            end = min(stop, base + part.size)
            async with aclosing(self._blobs.read(part.blob, start - base, end - base)) as chunks:
                async for chunk in chunks:
                    for at in range(0, len(chunk), PIECE_BYTES):
                        yield chunk[at : at + PIECE_BYTES]
            start = end

    async def wait_for_end(self, reading: Reading) -> None:
        """Return once the lease has ended: whoever streams under it must be cut."""
        while await self._may_be_alive(reading.lease_key):
            await self._pause(LOOK_AGAIN_S)

    async def _may_be_alive(self, lease_key: int) -> bool:
        try:
            return await self._repository.is_alive(lease_key)
        except Unavailable:
            return True  # a database that is busy for a moment ends nobody's download

    async def _refund(self, lease_key: int, size: int) -> None:
        # Streams end by being cancelled, so this runs on by itself.
        task = asyncio.create_task(self._repository.refund(lease_key, size))
        self._refunds.add(task)
        task.add_done_callback(self._refunds.discard)
        await asyncio.shield(task)
