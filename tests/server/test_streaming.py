"""A stream ends with the request that it answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from otv_server.api.recipient import begun

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator


class Answering:
    """A request whose answer is cut before its end."""

    def __init__(self) -> None:
        self.is_taken, self.is_closed = asyncio.Event(), asyncio.Event()
        self.streams: list[AsyncIterator[bytes]] = []  # held, so that nobody collects them

    async def chunks(self) -> AsyncGenerator[bytes]:
        """More than anybody takes."""
        try:
            while True:
                yield b"chunk"
        finally:
            self.is_closed.set()

    async def request(self, taken: int) -> None:
        """Take so many, and then hang."""
        stream = await begun(self.chunks(), asyncio.Event().wait)  # type: ignore[arg-type]  # which never returns
        self.streams.append(stream)
        for _ in range(taken):
            await anext(stream)
        self.is_taken.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_stream_that_is_cut_is_closed(taken: int) -> None:
    """Else what it read stays charged and its file open, until memory is collected."""

    async def run() -> None:
        answering = Answering()
        task = asyncio.create_task(answering.request(taken))
        await answering.is_taken.wait()
        task.cancel()
        async with asyncio.timeout(10):
            await answering.is_closed.wait()

    asyncio.run(run())
