"""Whether this server can do anything: its database and its blob store answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from otv_server.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

ANSWER_S = 3.0
# Anyone may ask, and a store may charge for being asked.
ASK_AGAIN_S = 2.0


class Health:
    """Asks, and remembers the answer for a moment.

    Args:
        asks: each returns when what it asks answers, or raises ``Unavailable``.
        monotonic: seconds of a clock that never jumps.
    """

    def __init__(
        self, asks: Sequence[Callable[[], Awaitable[object]]], monotonic: Callable[[], float]
    ) -> None:
        self._asks = asks
        self._monotonic = monotonic
        self._asked_at = -ASK_AGAIN_S
        self._is_ready = False
        self._turn = asyncio.Lock()

    async def check(self) -> None:
        """Return where all of them answer.

        Raises:
            Unavailable: one of them does not.
        """
        async with self._turn:
            if self._monotonic() - self._asked_at >= ASK_AGAIN_S:
                self._is_ready = await self._all_answer()
                self._asked_at = self._monotonic()
        if not self._is_ready:
            raise Unavailable

    async def _all_answer(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_S):
                await asyncio.gather(*(ask() for ask in self._asks))
        except (Unavailable, TimeoutError):
            return False
        return True
