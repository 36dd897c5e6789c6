"""What someone with a link can do: look, claim, read, acknowledge."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from otv_server.domain.errors import Over
from otv_server.domain.limits import EGRESS_STEP_BYTES, PART_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from otv_server.domain.ports import BlobStore, Claimed, OpeningRepository, Reading
    from otv_server.domain.share import ClaimAttempt, Instant, Link, Outcome

# A stream asks this often whether its lease is still alive, so that a revoke cuts it soon even
# where one charged step takes minutes on a slow line.
LOOK_AGAIN_S = 1.0


class Opening:
    """The reader's use cases.

    Args:
        monotonic: seconds of a clock that never jumps.
    """

    def __init__(
        self,
        repository: OpeningRepository,
        blobs: BlobStore,
        monotonic: Callable[[], float],
    ) -> None:
        self._repository = repository
        self._blobs = blobs
        self._monotonic = monotonic
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
                        yield piece
                        sent += len(piece)
            finally:
                if sent < step:
                    await self._refund(reading.lease_key, step - sent)
            start += step

    async def _pieces(self, reading: Reading, start: int, stop: int) -> AsyncGenerator[bytes]:
        looked = self._monotonic()
        while start < stop:
            part = reading.parts[start // PART_BYTES]
            base = part.index * PART_BYTES
            end = min(stop, base + part.size)
            async with aclosing(self._blobs.read(part.blob, start - base, end - base)) as chunks:
                async for chunk in chunks:
                    if self._monotonic() - looked > LOOK_AGAIN_S:
                        await self._look_again(reading)
                        looked = self._monotonic()
                    yield chunk
            start = end

    async def _look_again(self, reading: Reading) -> None:
        if not await self._repository.is_alive(reading.lease_key):
            raise Over

    async def _refund(self, lease_key: int, size: int) -> None:
        # Streams end by being cancelled, so this runs on by itself.
        task = asyncio.create_task(self._repository.refund(lease_key, size))
        self._refunds.add(task)
        task.add_done_callback(self._refunds.discard)
        await asyncio.shield(task)
