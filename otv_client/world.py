"""What sending and opening take from outside, in one place, so that tests can give their own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import random as any_fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otv_client.state import StateFolder

Progress = Callable[[int, int | None], None]
"""Called, from any thread, with bytes done and, where it is known, bytes in all."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class World:
    """Randomness, the wall clock, memory, and who is told what.

    Attributes:
        random: that many unpredictable bytes.
        now: an aware datetime.
        state: where records are kept, or None to keep none.
        tell: takes sentences that aren't errors: what was renamed, skipped, not delivered.
        progress: takes bytes done and bytes in all.
        monotonic: seconds, for patience and pace.
        pause: waits so many seconds before another attempt; None waits so that a stop of the
            operation ends it.
        jitter: from 0 up to 1.
        vouch: asked, once, about a server whose key nobody vouches for: its address, and its pin
            as text. Whether this is the right key.
    """

    random: Callable[[int], bytes] = secrets.token_bytes
    now: Callable[[], datetime] = _utc_now
    state: StateFolder | None = None
    tell: Callable[[str], None] = lambda _sentence: None
    progress: Progress = lambda _done, _total: None
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float], bool] | None = None
    jitter: Callable[[], float] = any_fraction
    vouch: Callable[[str, str], bool] = lambda _server, _pin: False
