"""What ``domain.ports`` promises of a blob store, held against every adapter."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otv_server.domain.errors import Unavailable
from tests.contract.inspecting import Seen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.contract.conftest import Blobs

pytestmark = pytest.mark.anyio


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    """The data, ragged."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(blobs: Blobs, blob: str, start: int, stop: int) -> bytes:
    """A range, joined."""
    return b"".join([chunk async for chunk in blobs.read(blob, start, stop)])


@pytest.mark.parametrize("size", [1, 65_536, 1 << 20, (3 << 20) + 5])
async def test_bytes_come_back(blobs: Blobs, size: int) -> None:
    """Else the ciphertext that is served is not what was stored."""
    data, blob = secrets.token_bytes(size), blobs.new_name()

    seen = Seen()
    await blobs.put(blob, pieces(data, 65_521), seen)

    assert seen.data == data
    assert await read(blobs, blob, 0, size) == data
    assert await read(blobs, blob, size // 3, size // 2) == data[size // 3 : size // 2]


async def test_missing_or_short_blob_is_unavailable(blobs: Blobs) -> None:
    """Else a reader is handed less than was promised, as if that were all."""
    blob = blobs.new_name()
    await blobs.put(blob, pieces(b"12345", 5), Seen())

    with pytest.raises(Unavailable):
        await read(blobs, blobs.new_name(), 0, 1)
    with pytest.raises(Unavailable):
        await read(blobs, blob, 0, 6)


async def test_delete_leaves_nothing_and_may_be_repeated(blobs: Blobs) -> None:
    """Else ciphertext stays after the end, or a retried deletion never finishes."""
    blob = blobs.new_name()
    await blobs.put(blob, pieces(b"12345", 5), Seen())

    for _ in range(2):
        await blobs.delete(blob)

    with pytest.raises(Unavailable):
        await read(blobs, blob, 0, 1)
    assert not [name async for group in blobs.names() for name in group]


async def test_error_in_the_middle_comes_through(blobs: Blobs) -> None:
    """Else a part that is not what its digest says would be kept."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"begin"
        raise LookupError

    with pytest.raises(LookupError):
        await blobs.put(blobs.new_name(), broken(), Seen())


async def test_inspection_has_the_last_word(blobs: Blobs) -> None:
    """Else a part that is not what its digest says would be kept, were it only long enough."""
    blob = blobs.new_name()

    with pytest.raises(LookupError):
        await blobs.put(blob, pieces(b"12345", 2), Seen(refuses=True))

    with pytest.raises(Unavailable):
        await read(blobs, blob, 0, 1)


def open_files() -> int:
    """How many file descriptors this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_cancelled_calls_leave_no_file_open(blobs: Blobs) -> None:
    """Else readers that hang up use up the process's file descriptors, and it serves nobody."""
    blob = blobs.new_name()
    await blobs.put(blob, pieces(b"12345", 5), Seen())
    before = open_files()

    for _ in range(100):
        task = asyncio.ensure_future(read(blobs, blob, 0, 5))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    # A store's idle connections stay open; what leaks does so a hundred times.
    assert open_files() < before + 20
