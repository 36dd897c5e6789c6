"""Bytes that arrive, written to a file in batches, and threads that are never left behind."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from concurrent.futures import Executor

    from otv_server.domain.ports import Inspection

# Hops to a thread cost more than copies of small pieces: gather about this much for each write,
# but less of each where many come at once, as callers who stall hold what was gathered.
WRITE_BYTES = 1 << 20
LEAST_WRITE_BYTES = 64 << 10
GATHERED_BYTES = 32 << 20
Result = TypeVar("Result")
_MOST_AT_ONCE = os.sysconf("SC_IOV_MAX")


class Gathering:
    """Writes what arrives to files; knows how many arrive at once."""

    def __init__(self) -> None:
        self._arriving = 0

    async def write(self, file: int, chunks: AsyncIterator[bytes], inspection: Inspection) -> None:
        """Write all chunks to an open file; the inspection sees them first, in the same thread.

        Raises:
            OSError: it can't be written.
            Whatever ``chunks`` or the inspection raises.
        """
        self._arriving += 1
        try:
            async for batch in _batches(chunks, self._batch_bytes):
                await in_thread(_store, file, batch, inspection)
                batch.clear()  # or it would be held until the next one is whole
            inspection.finish()
        finally:
            self._arriving -= 1

    def _batch_bytes(self) -> int:
        share = GATHERED_BYTES // max(self._arriving, 1)
        return max(min(share, WRITE_BYTES), LEAST_WRITE_BYTES)


async def in_thread(
    work: Callable[..., Result],
    *args: object,
    undo: Callable[[Result], None] | None = None,
    pool: Executor | None = None,
) -> Result:
    """Run ``work`` in a thread, to its end even where the caller is cancelled.

    A thread that outlived its file descriptor would read or write whatever file got the number.
    ``undo`` takes back a result that a cancelled caller will never see. ``pool`` is the loop's
    own where none is given.
    """
    running = asyncio.get_running_loop().run_in_executor(pool, work, *args)
    cancelled = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if undo is not None and running.exception() is None:
            undo(running.result())
        raise cancelled
    return running.result()


async def _batches(
    chunks: AsyncIterator[bytes], batch_bytes: Callable[[], int]
) -> AsyncIterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    async for chunk in chunks:
        batch.append(chunk)
        size += len(chunk)
        if size >= batch_bytes():
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _store(file: int, batch: Sequence[bytes], inspection: Inspection) -> None:
    for piece in batch:
        inspection.update(piece)
    _write_all(file, batch)


def _write_all(file: int, batch: Sequence[bytes]) -> None:
    pieces = [memoryview(piece) for piece in batch]
    while pieces:
        written = os.writev(file, pieces[:_MOST_AT_ONCE])
        while pieces and written >= len(pieces[0]):
            written -= len(pieces.pop(0))
        if written:
            pieces[0] = pieces[0][written:]
