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
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Literal, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError

from otv_server.domain.errors import NoRoom, OtvError, Unavailable
from otv_server.storage.blobs import MARKER, NAME_BYTES
from otv_server.storage.gathering import Gathering, in_thread, reading_memory
from otv_server.storage.troubles import (
    FAILURES,
    ClockOff,
    Missing,
    NotOffered,
    StoreFull,
    Trouble,
    Unreachable,
    trouble_of,
)

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Sequence,
    )

    from obstore import GetResult, ObjectMeta
    from obstore.store import ObjectStore

    from otv_server.domain.ports import Inspection
    from otv_server.storage.places import Bucket

OURS = re.compile(r"[0-9a-f]{32}")  # other objects under the prefix are somebody else's
CALLS_AT_ONCE = 32
# Of 8 MiB each, in memory and on their way. More wait: they would not make a store faster.
PUTS_AT_ONCE = 16
# For a turn. Clients wait a minute for an answer; this, and what a call may take, is less.
PATIENCE_S = 25.0
GROUP = 1000  # names: what one request of a listing brings
GROUP_PAUSE_S = 1.0
MOST_SKEW_S = 60
Result = TypeVar("Result")


class ObjectBlobs:
    """Blobs as objects of one store, whose prefix is this program's alone.

    Args:
        bucket: what the store is called where something is wrong with it.
        store: with its prefix; its timeouts and retries bound each call.
        random: draws n random bytes.
        clock: seconds since the epoch.
        pause: sleeps that many seconds.
        settled_s: how old a blob is before ``names`` tells of it.
        patience_s: how long a call may wait for its turn.
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
        self._memory = reading_memory()
        # Threads, for what obstore does for asyncio aborts the process when it ends soon after.
        self._pool = ThreadPoolExecutor(CALLS_AT_ONCE, "otv-store")
        self._turns = asyncio.Semaphore(CALLS_AT_ONCE)
        self._puts = asyncio.Semaphore(PUTS_AT_ONCE)

    async def open(self) -> None:
        """Try everything that will be needed: put, get, list, delete; and compare the clocks.

        Raises:
            WrongPlace: what is wrong, and what to do.
        """
        try:
            await in_thread(self._try_everything, self.new_name(), pool=self._pool)
        except FAILURES as error:
            raise self._bucket.complaint(trouble_of(error).sentence) from None
        except Trouble as trouble:
            raise self._bucket.complaint(trouble.sentence) from None

    def _try_everything(self, blob: str) -> None:
        before = self._clock()
        obstore.put(self._store, blob, blob.encode(), use_multipart=False)
        after = self._clock()
        found = obstore.get(self._store, blob)
        if bytes(found.bytes()) != blob.encode():
            raise Missing
        next(iter(obstore.list(self._store, chunk_size=1)), None)
        obstore.delete(self._store, blob)
        stored_at = found.meta["last_modified"].timestamp()  # whole seconds
        if not before - MOST_SKEW_S - 1 <= stored_at <= after + MOST_SKEW_S + 1:
            raise ClockOff

    async def owner(self) -> str | None:
        """Whose blobs these are; None where nobody's were here before.

        Raises:
            Unavailable: it can't be told now.
        """
        try:
            return await self._call(self._get_marker)
        except Unavailable as error:
            if not isinstance(error.__cause__, Missing):
                raise
        return None

    async def mark(self, database_id: str) -> None:
        """From here on these blobs are that database's, unless somebody was first.

        Not every store refuses to put twice: there the second one's mark stays, of two that start
        at once on an empty prefix, and the first one is refused at its next start.

        Raises:
            Unavailable: it can't be written now.
        """
        try:
            await self._call(self._put_marker, database_id, "create")
        except Unavailable as error:
            if not isinstance(error.__cause__, NotOffered):
                raise
            if await self.owner() is None:
                await self._call(self._put_marker, database_id, "overwrite")

    def _get_marker(self) -> str:
        held = bytes(obstore.get(self._store, MARKER).bytes())
        return held.decode(errors="replace").strip()  # a person may have put it there

    def _put_marker(self, database_id: str, mode: Literal["create", "overwrite"]) -> None:
        held = database_id.encode()
        with suppress(AlreadyExistsError):
            obstore.put(self._store, MARKER, held, use_multipart=False, mode=mode)

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
        async with self._turn(self._puts):
            await self._call(self._put_whole, blob, file, full=NoRoom)

    def _put_whole(self, blob: str, file: int) -> None:
        whole = os.pread(file, os.fstat(file).st_size, 0)
        obstore.put(self._store, blob, whole, use_multipart=False)

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
        found = await self._call(self._get, blob, start, stop)
        with self._memory.shared():
            chunks = iter(found.stream(min_chunk_size=self._memory.bytes()))
            while start < stop:
                chunk = await self._call(next, chunks, b"")
                if not chunk:
                    raise Unavailable from Missing()
                start += len(chunk)
                yield chunk

    def _get(self, blob: str, start: int, stop: int) -> GetResult:
        return obstore.get(self._store, blob, options={"range": (start, stop)})

    async def delete(self, blob: str) -> None:
        """See ``BlobStore.delete``."""
        try:
            await self._call(obstore.delete, self._store, blob)
        except Unavailable as error:
            if not isinstance(error.__cause__, Missing):
                raise

    async def names(self) -> AsyncIterator[Sequence[str]]:
        """See ``BlobStore.names``: one request of a listing at a time, with rests in between."""
        groups = iter(obstore.list(self._store, chunk_size=GROUP))
        nothing: Sequence[ObjectMeta] = ()
        while True:
            group = await self._call(next, groups, nothing)
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

    async def _call(
        self,
        work: Callable[..., Result],
        *args: object,
        full: type[OtvError] = Unavailable,
    ) -> Result:
        """One call of obstore's in a thread; its errors as those of the port."""
        async with self._turn(self._turns):
            try:
                return await in_thread(work, *args, pool=self._pool)
            except FAILURES as error:
                trouble = trouble_of(error)
                raise (full if isinstance(trouble, StoreFull) else Unavailable) from trouble

    @asynccontextmanager
    async def _turn(self, turns: asyncio.Semaphore) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._patience_s):
                await turns.acquire()
        except TimeoutError:
            raise Unavailable from Unreachable()
        try:
            yield
        finally:
            turns.release()
