"""The slowest that a server may be: bytes that drip hold nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from otv_client.errors import Unreachable
from otv_client.exchange import http_client
from otv_client.pace import GRACE_S, HEAD_BYTES, Pace, PacedStream
from otv_client.retry import PROGRESS_BYTES, Backoff, Patience, Retrying, Transient

if TYPE_CHECKING:
    from collections.abc import Callable


class Hands:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Slow:
    """A stream on which every read takes ``takes_s``; it notes the time limits."""

    def __init__(self, clock: Hands, takes_s: float) -> None:
        self.clock, self.takes_s = clock, takes_s
        self.limits: list[float] = []

    def read(self, max_bytes: int, timeout: float) -> bytes:
        """As many bytes as are asked for, late."""
        self.limits.append(timeout)
        if self.takes_s > timeout:
            raise httpx.ReadTimeout("late")
        self.clock.now += self.takes_s
        return bytes(max_bytes)

    def write(self, buffer: memoryview, timeout: float) -> None:
        """Take it at once."""


def read_for_ever(stream: PacedStream, size: int) -> None:
    """Read until the stream says that it is enough."""
    while True:
        stream.read(size, timeout=60)


def test_drip_ends_after_the_grace() -> None:
    """Else a server that sends a byte a second holds a client until somebody presses Ctrl-C."""
    clock = Hands()
    stream = PacedStream(Slow(clock, 1.0), clock)

    with pytest.raises(httpx.ReadTimeout):
        read_for_ever(stream, 1)

    assert GRACE_S - 1 <= clock.now - 1000 <= GRACE_S + 2


def test_slow_line_goes_on_for_ever() -> None:
    """Else who has a bad line can't receive anything."""
    clock = Hands()
    stream = PacedStream(Slow(clock, 1.0), clock)
    stream.read(1, timeout=60)
    stream.expect_body()

    for _ in range(1000):
        stream.read(1100, timeout=60)

    assert clock.now > 2000


def test_burst_earns_no_credit_for_later() -> None:
    """Else a server sends a megabyte and may then be silent for a quarter of an hour."""
    clock = Hands()
    pace = Pace(clock)

    pace.moved(1 << 30)

    assert pace.limit(None) == GRACE_S


def test_each_request_has_a_grace_of_its_own() -> None:
    """Else a connection that was idle for a minute could not be used again."""
    clock = Hands()
    inner = Slow(clock, 1.0)
    stream = PacedStream(inner, clock)
    stream.write(b"request", timeout=60)
    stream.read(10, timeout=60)
    clock.now += 3600

    stream.write(b"request", timeout=60)
    stream.read(10, timeout=60)

    assert min(inner.limits) > 1


def test_head_without_an_end_is_refused() -> None:
    """Else a server that sends interim answers at full speed holds a client for ever."""
    clock = Hands()
    inner = Slow(clock, 0.0)
    stream = PacedStream(inner, clock)

    with pytest.raises(Unreachable):
        read_for_ever(stream, 4096)

    assert len(inner.limits) == HEAD_BYTES // 4096 + 1


def test_both_ways_to_a_server_keep_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the limit is gone with the next version of httpx, or behind a proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")

    with http_client("http://127.0.0.1") as http:
        backends = [
            type(transport._pool._network_backend).__name__  # type: ignore[attr-defined]  # noqa: SLF001  # what keep_pace reaches into
            for transport in [http._transport, *filter(None, http._mounts.values())]  # noqa: SLF001  # as above
        ]

    assert len(backends) == 2
    assert set(backends) == {"_PacedBackend"}


# --- patience -----------------------------------------------------------------------------------


def broken() -> Transient:
    """A connection that broke."""
    return Transient(Unreachable("broken"))


def backoff_of(clock: Hands) -> Backoff:
    """The waits of one call to a server that has answered before."""

    def pause(seconds: float) -> bool:
        clock.now += seconds
        return False

    retrying = Retrying(Patience(), clock=clock, random=lambda: 1.0, pause=pause)
    retrying.answered = True
    return Backoff(retrying)


def attempts(attempt: Callable[[], None]) -> int:
    """How many are made until patience ends; a thousand are too many."""
    for made in range(1000):
        try:
            attempt()
        except Unreachable:
            return made
    return 1000


def test_slow_upload_survives_a_dropped_connection() -> None:
    """Else who needs more than a minute for a part loses the upload to the first hiccup."""
    clock = Hands()
    backoff = backoff_of(clock)

    for _ in range(3):
        backoff.begin()
        for _ in range(8):
            clock.now += 30
            backoff.sent()
        backoff.wait(broken())


def test_server_that_always_hangs_up_near_the_end_is_given_up() -> None:
    """Else the same part goes up for ever."""
    clock = Hands()
    backoff = backoff_of(clock)

    def send_most_of_it() -> None:
        backoff.begin()
        clock.now += 30
        backoff.sent()
        backoff.wait(broken())

    assert attempts(send_most_of_it) < 20


def test_download_that_drips_makes_no_progress() -> None:
    """Else a server that sends a byte for each request is asked for ever."""
    clock = Hands()
    backoff = backoff_of(clock)

    def receive_a_byte() -> None:
        backoff.begin()
        backoff.arrived(1)
        backoff.wait(broken())

    assert attempts(receive_a_byte) < 20


def test_download_that_comes_in_pieces_makes_progress() -> None:
    """Else a line that breaks every minute never brings a large file."""
    clock = Hands()
    backoff = backoff_of(clock)

    for _ in range(1000):
        backoff.begin()
        clock.now += 40
        backoff.arrived(PROGRESS_BYTES)
        backoff.wait(broken())
