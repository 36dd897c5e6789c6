"""A wire between client and server that knows the protocol's calls, and can be meddled with.

``watch`` hears of everything that passes, from the threads that pass it on, so whoever listens may
stop or kill what stands at either end. ``faults`` answers a call in the server's place.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import urlsplit

from tests.listening import Listener

PIECE_BYTES = 256 << 10
_ID = rb"[A-Za-z0-9_-]{16}"
_CALLS = {
    "info": rb"GET /api/v1/info",
    "create": rb"PUT /api/v1/shares/" + _ID,
    "parts": rb"PUT /api/v1/shares/" + _ID + rb"/parts/\d+",
    "seal": rb"POST /api/v1/shares/" + _ID + rb"/seal",
    "report": rb"GET /api/v1/shares/" + _ID,
    "revoke": rb"DELETE /api/v1/shares/" + _ID + rb"(?:/links/" + _ID + rb")?",
    "view": rb"GET /api/v1/links/" + _ID,
    "claim": rb"POST /api/v1/links/" + _ID + rb"/claim",
    "content": rb"GET /api/v1/links/" + _ID + rb"/content",
    "ack": rb"POST /api/v1/links/" + _ID + rb"/ack",
}
_PATTERNS = {name: re.compile(pattern + rb" HTTP/1\.1\r\n") for name, pattern in _CALLS.items()}


class Stage(Enum):
    """Where on its way a call is."""

    ASKED = auto()  # its head is here and not yet passed on
    UP = auto()  # bytes of it were passed on
    ANSWERED = auto()  # the first bytes of the answer are here and not yet passed on
    DOWN = auto()  # bytes of the answer were passed on


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened on a wire."""

    call: str
    stage: Stage
    size: int = 0


@dataclass(frozen=True, slots=True)
class Meddling:
    """What a fault has in its hands: the client's end, what was asked, a way to the server."""

    client: socket.socket
    request: bytes
    connect: Callable[[], socket.socket]


Fault = Callable[[Meddling], None]


def call_of(data: bytes) -> str | None:
    """The call whose head begins here. Clients don't pipeline, so a head begins a piece."""
    return next((name for name, pattern in _PATTERNS.items() if pattern.match(data)), None)


class Wire(Listener):
    """Listens on a port of its own and passes connections on to ``target``, which may change.

    Args:
        target: the server's URL.
        watch: hears of every moment.
        faults: by call; each answers every such call until it is taken out.
    """

    def __init__(
        self,
        target: str,
        watch: Callable[[Moment], None] = lambda _: None,
        faults: dict[str, Fault] | None = None,
    ) -> None:
        super().__init__()
        self.target = target
        self.watch = watch
        self.faults = faults or {}
        self.asked: list[str] = []
        self.url = f"http://{self.address}"
        self._open: set[socket.socket] = set()
        self.listen()

    def close(self) -> None:
        """Cut everything and listen no more."""
        super().close()
        self.cut()

    def cut(self) -> None:
        """Cut what is connected now; whoever connects again is passed on as before."""
        for end in list(self._open):
            _cut(end)

    def _take(self, connection: socket.socket) -> None:
        self._open.add(connection)
        threading.Thread(target=_Line(self, connection).pass_up, daemon=True).start()

    def connect(self) -> socket.socket:
        """A connection to the server, wherever it is now."""
        parts = urlsplit(self.target)
        made = socket.create_connection((parts.hostname or "", parts.port or 80))
        self._open.add(made)
        return made

    def ended(self, *ends: socket.socket | None) -> None:
        """These are of no more use."""
        for end in ends:
            if end is not None:
                _cut(end)
                self._open.discard(end)


class _Line:
    """One connection of a client's, and the server's end of it once something was passed on."""

    def __init__(self, wire: Wire, client: socket.socket) -> None:
        self._wire, self._client = wire, client
        self._server: socket.socket | None = None
        self._call = ""
        self._is_answered = False

    def pass_up(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(PIECE_BYTES):
                if name := call_of(data):
                    self._begin(name)
                    if fault := self._wire.faults.get(name):
                        fault(Meddling(self._client, data, self._wire.connect))
                        break
                self._to_server().sendall(data)
                self._wire.watch(Moment(self._call, Stage.UP, len(data)))
        self._wire.ended(self._client, self._server)

    def _begin(self, name: str) -> None:
        self._call, self._is_answered = name, False
        self._wire.asked.append(name)
        self._wire.watch(Moment(name, Stage.ASKED))

    def _to_server(self) -> socket.socket:
        if self._server is None:
            self._server = self._wire.connect()
            threading.Thread(target=self._pass_down, args=(self._server,), daemon=True).start()
        return self._server

    def _pass_down(self, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(PIECE_BYTES):
                if not self._is_answered:
                    self._is_answered = True
                    self._wire.watch(Moment(self._call, Stage.ANSWERED))
                self._client.sendall(data)
                self._wire.watch(Moment(self._call, Stage.DOWN, len(data)))
        self._wire.ended(self._client, server)


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
