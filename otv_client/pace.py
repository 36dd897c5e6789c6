"""The slowest that a server may answer: a deadline that every byte moves on a little.

httpx bounds each single wait on a socket, so a server that sends a byte a minute
could hold a client for ever. Here every answer has a deadline: a minute, and for
each byte that arrives a thousandth of a second more, but never more than a minute
from now. What stands before an answer's body is bounded in bytes, too, as servers
may send interim answers without end.

Sending needs no such deadline. Before each piece the kernel waits until a third
of its buffer has been taken, so a server that takes a byte a minute already
fails the single wait.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from otv_client.problems import nonsense

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

GRACE_S = 60.0
LEAST_BYTES_PER_S = 1024
HEAD_BYTES = 1 << 20  # httpx reads on by at most 64 KiB beyond the head itself
BODY_BYTES = 256 << 10  # httpcore asks for 64 KiB at a time; fewer and larger reads cost less
_SHORTEST_S = 0.001  # a time limit of 0 would be none


class Pace:
    """How long a peer may still take.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """The wait for an answer begins: a whole grace from now."""
        self._due = self._clock() + GRACE_S

    def moved(self, size: int) -> None:
        """So many bytes went by."""
        self._due = min(self._due + size / LEAST_BYTES_PER_S, self._clock() + GRACE_S)

    def limit(self, timeout: float | None) -> float:
        """The seconds that one wait may take: ``timeout``, or what is left where that is less."""
        left = self._due - self._clock()
        return max(left if timeout is None else min(left, timeout), _SHORTEST_S)


class PacedStream:
    """A network stream of httpcore's, kept to a pace; it serves one request at a time."""

    def __init__(self, stream: Any, clock: Callable[[], float]) -> None:
        self._stream, self._clock = stream, clock
        self._pace = Pace(clock)
        self._is_reading = False
        self._is_head, self._head_bytes = True, 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to so many bytes; of a body, more.

        Raises:
            Unreachable: the head of an answer has no end.
        """
        if not self._is_reading:
            self._is_reading = True
            self._is_head, self._head_bytes = True, HEAD_BYTES
            self._pace.restart()
        wanted = max_bytes if self._is_head else max(max_bytes, BODY_BYTES)
        data: bytes = self._stream.read(wanted, timeout=self._pace.limit(timeout))
        self._pace.moved(len(data))
        if self._is_head:
            self._head_bytes -= len(data)
            if self._head_bytes < 0:
                raise nonsense("a head without an end")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it."""
        self._is_reading = False
        # As a view: httpcore cuts off what was sent, which would copy the rest each time.
        self._stream.write(memoryview(buffer), timeout=timeout)

    def expect_body(self) -> None:
        """The head is here; what follows is bounded by whoever reads it."""
        self._is_head = False

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def start_tls(self, *args: Any, **named: Any) -> PacedStream:
        """The same under TLS; Python bounds the whole handshake."""
        return PacedStream(self._stream.start_tls(*args, **named), self._clock)

    def get_extra_info(self, info: str) -> Any:
        """See httpcore."""
        return self._stream.get_extra_info(info)


class _PacedBackend:
    """Connects as the backend that it stands before."""

    def __init__(self, backend: Any, clock: Callable[[], float]) -> None:
        self._backend, self._clock = backend, clock

    def connect_tcp(self, *args: Any, **named: Any) -> PacedStream:
        """See httpcore."""
        return PacedStream(self._backend.connect_tcp(*args, **named), self._clock)


def keep_pace(http: httpx.Client, clock: Callable[[], float] = time.monotonic) -> None:
    """Let every connection that ``http`` will open keep to the pace.

    httpx offers no way to name the network backend that httpcore would take, so
    this reaches into both; ``tests/client/test_pace.py`` sees whether it still works.
    """
    transports: list[Any] = [http._transport, *http._mounts.values()]  # noqa: SLF001 - see above
    for transport in filter(None, transports):  # None: not by a proxy (NO_PROXY)
        pool = transport._pool  # noqa: SLF001 - see above
        pool._network_backend = _PacedBackend(pool._network_backend, clock)  # noqa: SLF001 - see above
