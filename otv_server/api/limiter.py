"""How often one address may come without a right proof.

Each process counts in its memory. Where there are several, what one of them lets pass all of
them count in the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otv_server.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from otv_server.domain.ports import RateRepository

MOST_BUCKETS = 10_000


class Limiter:
    """The limit on one address, over one process or many.

    Args:
        local: what this process counts.
        shared: what all of them count; None where this is the only one.
    """

    def __init__(self, local: Buckets, shared: RateRepository | None = None) -> None:
        self._local = local
        self._shared = shared

    async def allows(self, caller: str) -> bool:
        """Count one request; False where the caller must slow down."""
        if not self._local.allows(caller):
            return False  # a flood at one process is no flood at the database
        if self._shared is None:
            return True
        try:
            return await self._shared.take(caller)
        except Unavailable:
            return True  # whatever was asked for says so itself


class Buckets:
    """One token bucket an address: ``rate`` a second, as many at once.

    Args:
        rate: tokens a second; 0 switches the limit off.
        monotonic: seconds of a clock that never jumps.
    """

    def __init__(self, rate: float, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}

    def allows(self, bucket: str) -> bool:
        """Take one token; False where there is none."""
        if self._rate <= 0:
            return True
        now = self._monotonic()
        tokens, then = self._buckets.pop(bucket, (self._rate, now))
        tokens = min(self._rate, tokens + (now - then) * self._rate)
        is_allowed = tokens >= 1
        self._buckets[bucket] = (tokens - 1 if is_allowed else tokens, now)
        self._forget_oldest()
        return is_allowed

    def _forget_oldest(self) -> None:
        # A dict keeps its order: the first is the one not heard of for longest. It is full again
        # by then, unless ten thousand addresses came within a second.
        if len(self._buckets) > MOST_BUCKETS:
            del self._buckets[next(iter(self._buckets))]
