"""Bytes on their way: gathered in little memory; threads that are never left behind."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from anyio import CancelScope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from concurrent.futures import Executor

    from otv_server.domain.ports import Inspection

# Hops to a thread cost more than copies of small pieces: gather about this much for each write,
# but less of each where many come at once, as callers who stall hold what was gathered.
WRITE_BYTES = 1 << 20
LEAST_WRITE_BYTES = 64 << 10
GATHERED_BYTES = 32 << 20
# The same the other way: a reader who takes nothing holds what was read for him.
READ_BYTES = 1 << 20
LEAST_READ_BYTES = 64 << 10
READING_BYTES = 32 << 20
Result = TypeVar("Result")
_MOST_AT_ONCE = os.sysconf("SC_IOV_MAX")


class Memory:
    """So many bytes for all who are at work at once: the more there are, the less has each.

    Args:
        total: which all of them share, as long as that leaves ``least`` for each.
        most: for one.
        least: for one.
    """

    def __init__(self, total: int, most: int, least: int) -> None:
        self._total, self._most, self._least = total, most, least
        self._at_work = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Be one of them."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    def bytes(self) -> int:
        """For each of them now."""
        return max(min(self._total // max(self._at_work, 1), self._most), self._least)


class Gathering:
    """Writes what arrives to files; knows how many arrive at once."""

    def __init__(self) -> None:
        self._memory = Memory(GATHERED_BYTES, WRITE_BYTES, LEAST_WRITE_BYTES)

    async def write(self, file: int, chunks: AsyncIterator[bytes], inspection: Inspection) -> None:
        """Write all chunks to an open file; the inspection sees them first, in the same thread.

        Raises:
            OSError: it can't be written.
            Whatever ``chunks`` or the inspection raises.
        """
        with self._memory.shared():
            async for batch in _batches(chunks, self._memory.bytes):
                await in_thread(_store, file, batch, inspection)
                batch.clear()  # or it would be held until the next one is whole
            inspection.finish()


def reading_memory() -> Memory:
    """What all readers of a store share."""
    return Memory(READING_BYTES, READ_BYTES, LEAST_READ_BYTES)


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
    try:
        await asyncio.wait([running])
    except asyncio.CancelledError:
        await _ended(running)
        # Asked in any case: of an error that nobody asks for asyncio logs the words.
        if running.exception() is None and undo is not None:
            undo(running.result())
        raise
    return running.result()


async def _ended(running: asyncio.Future[Result]) -> None:
    """Wait, however often the caller is cancelled meanwhile."""
    # Litestar streams in a scope of anyio's, which would cancel again at each turn of the loop.
    with CancelScope(shield=True):
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])


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
