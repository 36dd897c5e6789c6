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
        answer_s: how long they may take.
    """

    def __init__(
        self,
        asks: Sequence[Callable[[], Awaitable[object]]],
        monotonic: Callable[[], float],
        answer_s: float = ANSWER_S,
    ) -> None:
        self._asks = asks
        self._monotonic = monotonic
        self._answer_s = answer_s
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
        asked = [asyncio.ensure_future(ask()) for ask in self._asks]
        # Not by a timeout around them: a call to a store ends when its thread does, and that can
        # be long after it is cancelled.
        done, late = await asyncio.wait(asked, timeout=self._answer_s)
        for each in late:
            each.cancel()
        return not late and all(_has_answered(each) for each in done)


def _has_answered(asked: asyncio.Future[object]) -> bool:
    try:
        asked.result()
    except Unavailable:
        return False
    return True
