"""``BlobStore`` on an object store, by obstore: S3 and its kin, GCS, Azure, or memory.

A blob is one object, put by one request: it is there whole or not at all. What arrives waits in
an unlinked temporary file until it is complete and seen to be what was announced, so that memory
does not grow with callers who are slow; only so many blobs are in memory as are on their way to
the store (docs/decisions/0014).
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING

import obstore

from otv_server.domain.errors import NoRoom, OtvError, Unavailable
from otv_server.storage.gathering import Gathering, in_thread
from otv_server.storage.troubles import (
    FAILURES,
    ClockOff,
    Missing,
    StoreFull,
    Trouble,
    trouble_of,
)

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterator,
        Sequence,
    )

    from obstore import ObjectMeta
    from obstore.store import ObjectStore

    from otv_server.domain.ports import Inspection
    from otv_server.storage.places import Bucket

NAME_BYTES = 16
OURS = re.compile(r"[0-9a-f]{32}")  # other objects under the prefix are somebody else's
READ_BYTES = 1 << 20
# Of 8 MiB each, in memory and on their way; more wait, for a store is not made faster by more.
PUTS_AT_ONCE = 16
# Clients wait a minute for an answer to a part; this leaves them time to hear why there is none.
PATIENCE_S = 45.0
GROUP = 1000  # names: what one request of a listing brings
GROUP_PAUSE_S = 1.0
MOST_SKEW_S = 60


class ObjectBlobs:
    """Blobs as objects of one store, whose prefix is this program's alone.

    Args:
        bucket: what the store is called where something is wrong with it.
        store: with its prefix, its timeouts and its retries.
        random: draws n random bytes.
        clock: seconds since the epoch.
        pause: sleeps that many seconds.
        settled_s: how old a blob is before ``names`` tells of it.
        patience_s: how long one put, or the wait for the next bytes of a read, may take.
    """

    def __init__(
        self,
        bucket: Bucket,
        store: ObjectStore,
        random: Callable[[int], bytes],
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
        *,
        settled_s: int,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._bucket = bucket
        self._store = store
        self._random = random
        self._clock = clock
        self._pause = pause
        self._settled_s = settled_s
        self._patience_s = patience_s
        self._gathering = Gathering()
        self._puts = asyncio.Semaphore(PUTS_AT_ONCE)

    async def open(self) -> None:
        """Try everything that will be needed: put, get, list, delete; and compare the clocks.

        Raises:
            WrongPlace: what is wrong, and what to do.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                await self._try_everything(self.new_name())
        except FAILURES as error:
            raise self._bucket.complaint(trouble_of(error).sentence) from None
        except Trouble as trouble:
            raise self._bucket.complaint(trouble.sentence) from None

    async def _try_everything(self, blob: str) -> None:
        before = self._clock()
        await obstore.put_async(self._store, blob, blob.encode(), use_multipart=False)
        after = self._clock()
        found = await obstore.get_async(self._store, blob)
        if bytes(await found.bytes_async()) != blob.encode():
            raise Missing
        async for _ in obstore.list(self._store, chunk_size=1):
            break
        await obstore.delete_async(self._store, blob)
        stored_at = found.meta["last_modified"].timestamp()  # whole seconds
        if not before - MOST_SKEW_S - 1 <= stored_at <= after + MOST_SKEW_S + 1:
            raise ClockOff

    def new_name(self) -> str:
        """See ``BlobStore.new_name``."""
        return self._random(NAME_BYTES).hex()

    async def put(self, blob: str, chunks: AsyncIterator[bytes], inspection: Inspection) -> None:
        """See ``BlobStore.put``."""
        try:
            with tempfile.TemporaryFile(buffering=0) as file:
                await self._gathering.write(file.fileno(), chunks, inspection)
                await self._send(blob, file.fileno())
        except OSError as error:
            raise Unavailable from error

    async def _send(self, blob: str, file: int) -> None:
        with _told(full=NoRoom):
            async with asyncio.timeout(self._patience_s), self._puts:
                whole = await in_thread(os.pread, file, os.fstat(file).st_size, 0)
                await obstore.put_async(self._store, blob, whole, use_multipart=False)

    async def read(self, blob: str, start: int, stop: int) -> AsyncGenerator[bytes]:
        """See ``BlobStore.read``: streamed, and asked for again from where a stream broke.

        Requests have an end, however slowly a reader takes what they bring.
        """
        while start < stop:
            asked_from = start
            try:
                async with aclosing(self._stream(blob, start, stop)) as chunks:
                    async for chunk in chunks:
                        start += len(chunk)
                        yield chunk
            except Unavailable:
                if start == asked_from:
                    raise

    async def _stream(self, blob: str, start: int, stop: int) -> AsyncGenerator[bytes]:
        with _told():
            async with asyncio.timeout(self._patience_s):
                found = await obstore.get_async(self._store, blob, options={"range": (start, stop)})
        if found.range != (start, stop):
            raise Unavailable from Missing()
        chunks = found.stream(min_chunk_size=READ_BYTES)
        while start < stop:
            with _told():
                async with asyncio.timeout(self._patience_s):
                    chunk = await anext(chunks, b"")
            if not chunk:
                raise Unavailable from Missing()
            start += len(chunk)
            yield chunk

    async def delete(self, blob: str) -> None:
        """See ``BlobStore.delete``."""
        with _told(is_missing_fine=True):
            async with asyncio.timeout(self._patience_s):
                await obstore.delete_async(self._store, blob)

    async def names(self) -> AsyncIterator[Sequence[str]]:
        """See ``BlobStore.names``: one request of a listing at a time, with rests in between."""
        groups = obstore.list(self._store, chunk_size=GROUP)
        while True:
            with _told():
                async with asyncio.timeout(self._patience_s):
                    group: Sequence[ObjectMeta] = await anext(groups, [])
            yield [found["path"] for found in group if self._is_settled(found)]
            if len(group) < GROUP:
                break
            await self._pause(GROUP_PAUSE_S)

    def _is_settled(self, found: ObjectMeta) -> bool:
        age_s = self._clock() - found["last_modified"].timestamp()
        return OURS.fullmatch(found["path"]) is not None and age_s > self._settled_s

    async def free_bytes(self) -> int | None:
        """See ``BlobStore.free_bytes``: object stores don't say."""
        return None


@contextmanager
def _told(*, full: type[OtvError] = Unavailable, is_missing_fine: bool = False) -> Iterator[None]:
    """Tell errors of obstore's as the port's; a miss may be fine, but not of a whole bucket."""
    try:
        yield
    except FAILURES as error:
        trouble = trouble_of(error)
        if isinstance(trouble, Missing) and is_missing_fine:
            return
        raise (full if isinstance(trouble, StoreFull) else Unavailable) from trouble
