"""What a request's head may take, in seconds and bytes, and what is sent on after an answer.

uvicorn waits for a head for ever, and httptools gathers one without end. Between two requests
uvicorn closes a connection after some idle seconds, but not a new one, and not one on which half a
head has come. Either holds a file descriptor, of which there are few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

if TYPE_CHECKING:
    import asyncio

HEAD_S = 10.0
# What a refused caller had begun to send: the whole of a part, on a slow line.
REST_S = 300.0
HEAD_BYTES = 64 << 10


class Pipelined(Exception):
    """A request came before the one before it was answered. No client of this protocol does."""


class PromptHeads(HttpToolsProtocol):
    """uvicorn's protocol on httptools; heads are bounded, silent connections are closed."""

    _is_head = True  # what comes next is a head, not a body
    _outside_bytes = 0  # received since the last byte of a body: of heads and trailers
    _limit_s: float | None = None
    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """A caller is here, and has still to say what it wants."""
        super().connection_made(transport)
        self._set_limit()

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, of a body, or of what nobody reads any more."""
        self._outside_bytes += len(data)
        super().data_received(data)
        if self._outside_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("A head without an end.")
        self._set_limit()

    def on_headers_complete(self) -> None:
        """A head is whole. One at a time: each that waits would take a hundred times its size."""
        if self._is_answering():
            raise Pipelined
        self._is_head, self._outside_bytes = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Bytes of a body, which the application bounds."""
        self._outside_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A whole request is here."""
        self._is_head, self._outside_bytes = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; an answer that is on its way would be garbled by saying so."""
        if self._is_answering():
            self.transport.close()
        else:
            super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to close."""
        super().connection_lost(exc)
        self._set_limit()

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = (
            self.cycle
        )  # uvicorn types it as if it were always there
        return cycle is not None and not cycle.response_complete

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
        if self.transport.is_closing() or self._is_answering():
            return None
        return HEAD_S if self._is_head else REST_S

    def _close(self) -> None:
        # A request may have begun since, and been answered: its limit is another one.
        if self._wanted_limit() == self._limit_s:
            self.transport.close()
