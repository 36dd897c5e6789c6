"""Threads that are never left behind, whoever stops waiting for them."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from otv_server.storage.blobs import DiskBlobs
from otv_server.storage.gathering import READ_BYTES, READING_BYTES, in_thread
from tests.contract.inspecting import Seen
from tests.contract.test_sweep import bytes_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that uvicorn runs."""
    return "asyncio"


async def test_readers_who_rest_share_the_memory(tmp_path: Path) -> None:
    """Else whoever asks three thousand times and takes nothing fills gigabytes."""
    blobs = DiskBlobs(tmp_path, os.urandom, time.time, settled_s=60)
    await blobs.open()
    blob, readers = blobs.new_name(), 256
    await blobs.put(blob, bytes_of(bytes(READ_BYTES)), Seen())

    reading = [blobs.read(blob, 0, READ_BYTES) for _ in range(readers)]
    held = [len(await anext(each)) for each in reading]
    for each in reading:
        await each.aclose()
    (alone,) = [len(chunk) async for chunk in blobs.read(blob, 0, READ_BYTES)]

    assert sum(held) < 4 * READING_BYTES
    assert alone == READ_BYTES


async def test_caller_who_leaves_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a store that hangs, and a reader who gives up, take a whole core."""
    waits = 0
    wait = asyncio.wait

    async def counted(running: list[asyncio.Future[bool]]) -> object:
        nonlocal waits
        waits += 1
        return await wait(running)

    monkeypatch.setattr(asyncio, "wait", counted)
    go_on = threading.Event()
    asyncio.get_running_loop().call_later(0.2, go_on.set)

    with anyio.move_on_after(0.05) as scope:
        await in_thread(go_on.wait)

    assert scope.cancelled_caught
    assert waits <= 3


async def test_error_that_nobody_waits_for_is_not_printed() -> None:
    """Else the words of a library, with addresses and names of files, stand in the log."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    go_on = threading.Event()

    def fail() -> None:
        go_on.wait()
        raise OSError("a name that nobody should read")

    task = asyncio.create_task(in_thread(fail))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()
    await asyncio.sleep(0)

    assert told == []
