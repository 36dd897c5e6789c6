"""The sweep: end what is due, delete what no row names, leave no trace of what was erased."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from otv_server.domain.errors import Unavailable
from otv_server.domain.ports import Swept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from otv_server.domain.ports import BlobStore, SweepingRepository

BATCH = 500
AT_ONCE = 10  # deletions: a store that answers after 50 ms still deletes 200 a second


class Undeletable(Exception):
    """Some blobs can't be deleted now; the cause is that of one of them, all others are gone."""


class Sweeping:
    """The sweep over a repository and a blob store; any number may run at once.

    Args:
        confirm: raises ``Unavailable`` where the blob store is no longer this database's.
    """

    def __init__(
        self,
        repository: SweepingRepository,
        blobs: BlobStore,
        confirm: Callable[[], Awaitable[None]],
    ) -> None:
        self._repository = repository
        self._blobs = blobs
        self._confirm = confirm

    async def sweep(self) -> Swept:
        """End what is due and delete what is over; the result counts what was done.

        Raises:
            Unavailable: the database does not answer; what was done stands.
            Undeletable: some blobs stay; all else was done.
        """
        ended = await self.end_due()
        await self.erase_traces()
        return replace(ended, deleted=await self.delete_orphans())

    async def end_due(self) -> Swept:
        """End what is due; that waits for no blob store.

        Raises:
            Unavailable: the database does not answer; what was done stands.
        """
        total = Swept(is_complete=False)
        while not total.is_complete:
            total = _sum(total, await self._repository.sweep(BATCH))
        return total

    async def erase_traces(self) -> None:
        """Leave no trace of what ended in the database; if others are in the way, next time.

        Raises:
            Unavailable: the database does not answer, or lacks the room or the time for it.
        """
        await self._repository.erase_traces()

    async def delete_orphans(self) -> int:
        """Delete the blobs that wait for it, and say how many went.

        Raises:
            Undeletable: some go on waiting.
        """
        deleted = 0
        trouble = None
        last = ""
        while blobs := await self._repository.orphans(BATCH, after=last):
            gone, kept = await self._delete(blobs)
            await self._repository.forget_orphans(gone)
            deleted += len(gone)
            trouble = kept or trouble
            last = blobs[-1]
        if trouble is not None:
            raise Undeletable from trouble.__cause__
        return deleted

    async def _delete(self, blobs: Sequence[str]) -> tuple[list[str], Unavailable | None]:
        """Those that are gone, and why others are not."""
        gone: list[str] = []
        trouble = None
        for start in range(0, len(blobs), AT_ONCE):
            some = blobs[start : start + AT_ONCE]
            failures = await asyncio.gather(*map(self._failure, some))
            gone += [blob for blob, failure in zip(some, failures, strict=True) if failure is None]
            trouble = next(filter(None, failures), trouble)
        return gone, trouble

    async def _failure(self, blob: str) -> Unavailable | None:
        try:
            await self._blobs.delete(blob)
        except Unavailable as error:
            return error
        return None

    async def delete_strangers(self) -> int:
        """Delete blobs that the database has never heard of, by listing the whole store.

        A process killed at the worst moment can leave one, and so can a database restored from
        a backup, and so can a store that finishes late what nobody waits for any more. Costs a
        listing, so it runs at the start and then rarely.

        Raises:
            Undeletable: some stay.
            Unavailable: the store can't be listed, or it is another database's by now.
        """
        await self._confirm()
        deleted = 0
        trouble = None
        async for group in self._blobs.names():
            for start in range(0, len(group), BATCH):
                strangers = await self._repository.strangers(group[start : start + BATCH])
                gone, kept = await self._delete(strangers)
                deleted += len(gone)
                trouble = kept or trouble
        if trouble is not None:
            raise Undeletable from trouble.__cause__
        return deleted


def _sum(one: Swept, other: Swept) -> Swept:
    return Swept(
        expired=one.expired + other.expired,
        lapsed=one.lapsed + other.lapsed,
        uploads_ended=one.uploads_ended + other.uploads_ended,
        forgotten=one.forgotten + other.forgotten,
        is_complete=other.is_complete,
    )
