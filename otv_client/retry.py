"""Trying again: exponential back-off with jitter, and an end to patience.

Every call of the protocol may be sent again as it is (section 7), so what may be
retried is decided here by the failure alone: no connection, no answer in time,
429, 503 and other 5xx. A 4xx is an answer and never retried.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from otv_client.errors import Interrupted, OtvError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
PROGRESS_BYTES = 64 << 10  # a server that drips makes none within anybody's patience


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on without any progress, in seconds.

    Attributes:
        first_contact_s: while the server has never answered; a mistyped address shows soon.
        total_s: once it has; long enough for a restart or a lost network.
        first_wait_s: before the second attempt; doubled each time.
        longest_wait_s: no wait is longer, whatever ``Retry-After`` says.
    """

    first_contact_s: float = 6.0
    total_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 20.0


class Transient(Exception):
    """An attempt that failed in a way that may pass.

    Attributes:
        final: what to raise when patience is at its end.
        retry_after: seconds that the server asks to wait, or None.
    """

    def __init__(self, final: OtvError, *, retry_after: float | None = None) -> None:
        super().__init__(final.message)
        self.final = final
        self.retry_after = retry_after


class Retrying:
    """Makes attempts until one succeeds, one fails for good, or patience ends.

    One object serves the threads of one operation; ``stop`` ends all of them.

    Args:
        patience: how long.
        clock: seconds, monotonic.
        pause: waits so many seconds, and says whether ``stop`` came meanwhile.
        random: from 0 up to 1, for jitter.
    """

    def __init__(
        self,
        patience: Patience,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self.patience = patience
        self.clock = clock
        self.random = random
        self._stopped = threading.Event()
        self.pause = pause or self._stopped.wait
        self.answered = False  # the server has answered at least once

    def stop(self) -> None:
        """End every attempt and every wait of this operation, from any thread."""
        self._stopped.set()

    def check_stopped(self) -> None:
        """Raise ``Interrupted`` after ``stop``."""
        if self._stopped.is_set():
            raise Interrupted("stopped")

    def run(self, attempt: Callable[[], T], backoff: Backoff | None = None) -> T:
        """The result of the first attempt that succeeds."""
        backoff = backoff or Backoff(self)
        while True:
            self.check_stopped()
            backoff.begin()
            try:
                return attempt()
            except Transient as failure:
                backoff.wait(failure)


class Backoff:
    """The waits of one call, and how long it has come no further.

    What a server takes in may be for nothing: ``sent`` pardons only the time that
    it took. What arrives stays: after enough of it patience is whole again.
    """

    def __init__(self, retrying: Retrying) -> None:
        self._retrying = retrying
        self._progress()

    def begin(self) -> None:
        """An attempt begins."""
        self._moved_at = self._retrying.clock()

    def sent(self) -> None:
        """The server has taken a piece: the time since the last one was no waiting."""
        now = self._retrying.clock()
        self._since += now - self._moved_at
        self._moved_at = now

    def arrived(self, size: int) -> None:
        """So many bytes are here for good."""
        self._arrived += size
        if self._arrived >= PROGRESS_BYTES:
            self._progress()

    def _progress(self) -> None:
        self._since = self._retrying.clock()
        self._attempts = self._arrived = 0

    def wait(self, failure: Transient) -> None:
        """Wait before the next attempt; at the end of patience raise what failed."""
        retrying, patience = self._retrying, self._retrying.patience
        total = patience.total_s if retrying.answered else patience.first_contact_s
        delay = self._delay(failure.retry_after)
        if retrying.clock() + delay - self._since > total:
            raise failure.final from failure
        self._attempts += 1
        if retrying.pause(delay):
            retrying.check_stopped()

    def _delay(self, retry_after: float | None) -> float:
        patience = self._retrying.patience
        delay: float = min(patience.first_wait_s * 2**self._attempts, patience.longest_wait_s)
        delay *= 0.5 + self._retrying.random() / 2
        return min(max(delay, retry_after or 0.0), patience.longest_wait_s)
