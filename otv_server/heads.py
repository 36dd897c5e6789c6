"""How long a request's head may take, and what is sent on after an answer. uvicorn waits for ever.

Between two requests uvicorn closes a connection after some idle seconds, but not a new one, and
not one on which half a head has come. Either holds a file descriptor, of which there are few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_S = 10.0
# What a refused caller had begun to send: the whole of a part, on a slow line.
REST_S = 300.0


class PromptHeads(H11Protocol):
    """uvicorn's protocol on h11; connections that say nothing, or nothing any more, are closed."""

    _limit_s: float | None = None
    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """A caller is here, and has still to say what it wants."""
        super().connection_made(transport)
        self._set_limit()

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, of a body, or of what nobody reads any more."""
        super().data_received(data)
        self._set_limit()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to close."""
        super().connection_lost(exc)
        self._set_limit()

    def _set_limit(self) -> None:
        """A limit runs from when its reason began; more bytes don't move it."""
        limit_s = self._wanted_limit()
        if limit_s == self._limit_s:
            return
        if self._closing is not None:
            self._closing.cancel()
        self._limit_s = limit_s
        self._closing = None if limit_s is None else self.loop.call_later(limit_s, self._close)

    def _wanted_limit(self) -> float | None:
        if self.transport.is_closing():
            return None
        if self.conn.their_state is h11.IDLE:
            return HEAD_S
        if self.conn.their_state is h11.SEND_BODY and self.cycle.response_complete:
            return REST_S
        return None

    def _close(self) -> None:
        # A request that waited behind another begins without a byte of its own.
        if self._wanted_limit() == self._limit_s:
            self.transport.close()
