"""What stands between a browser and the network in tests, and hears every byte.

Plain HTTP on this machine, so that nothing is hidden by TLS.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import socketserver
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Self

_CHUNK = 1 << 16
_REFUSAL = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
    b"Connection: close\r\n\r\nno"
)
_TARGET = re.compile(rb"^[A-Z]+ (?:https?://)?([^/ :?]+(?::\d+)?)")


class Threads(socketserver.ThreadingTCPServer):
    """Listens on a free port of this machine; a thread for each connection, ended with it.

    Args:
        handler: what is done with a connection.
        host: which of this machine's addresses.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, handler: type[socketserver.BaseRequestHandler], host: str = "127.0.0.1"
    ) -> None:
        super().__init__((host, 0), handler)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers drop connections as they like; that is no failure of a test."""


class Recorder(Threads):
    """Passes on a server's connections, and keeps all that browsers send.

    Args:
        port: of the server, on this machine.
        host: the address to listen on.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        super().__init__(_Passing, host)
        self.upstream = port
        self.url = f"http://{host}:{self.port}"
        self._held = b""
        self._free = threading.Event()
        self._streams: list[bytearray] = []

    def stream(self) -> bytearray:
        """Where the bytes of a new connection are kept."""
        self._streams.append(bytearray())
        return self._streams[-1]

    @property
    def sent(self) -> bytes:
        """All that browsers have sent so far, one connection after the other."""
        return b"\n\n".join(bytes(stream) for stream in [*self._streams])

    def forget(self) -> bytes:
        """The same, and from now on only what comes later."""
        sent = self.sent
        for stream in self._streams:
            stream.clear()
        return sent

    @contextlib.contextmanager
    def holding(self, asked: bytes) -> Iterator[None]:
        """The server hears everything, and does not come through where this was asked."""
        self._held = asked
        try:
            yield
        finally:
            self._held = b""
            self._free.set()
            self._free = threading.Event()

    def wait(self, stream: bytearray) -> None:
        """Wait while an answer to what was asked here is held back."""
        if self._held and self._held in stream:
            self._free.wait()


class _Passing(socketserver.BaseRequestHandler):
    """One connection."""

    server: Recorder
    request: socket.socket

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.upstream)) as upstream:
            stream = self.server.stream()
            bring_back = threading.Thread(
                target=self._bring_back, args=(upstream, stream), daemon=True
            )
            bring_back.start()
            with contextlib.suppress(OSError):
                while data := self.request.recv(_CHUNK):
                    stream += data
                    upstream.sendall(data)
            _end(upstream)
            bring_back.join()

    def _bring_back(self, upstream: socket.socket, stream: bytearray) -> None:
        with contextlib.suppress(OSError):
            while data := upstream.recv(_CHUNK):
                self.server.wait(stream)
                self.request.sendall(data)
        _end(self.request)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Elsewhere(Threads):
    """A proxy to which everything is sent that is not for the server: it refuses and remembers."""

    def __init__(self) -> None:
        super().__init__(_Refusing)
        self.asked: list[bytes] = []

    def hosts(self) -> dict[str, bytes]:
        """All bytes that came, by whom they were for, with the port where one was named."""
        found: dict[str, bytes] = {}
        for request in [*self.asked]:
            match = _TARGET.match(request)
            host = match[1].decode() if match else "?"
            found[host] = found.get(host, b"") + request
        return found


class _Refusing(socketserver.BaseRequestHandler):
    """One connection."""

    server: Elsewhere
    request: socket.socket

    def handle(self) -> None:
        self.request.settimeout(10)
        with contextlib.suppress(OSError):
            if data := self.request.recv(_CHUNK):
                self.server.asked.append(data)
                self.request.sendall(_REFUSAL)


@dataclass(frozen=True)
class Answer:
    """What a browser gets for a request.

    Attributes:
        headers: `Content-Length` is made to fit, unless it is here or ``pieces`` are.
        pieces: what is sent in place of the body, for as long as there is any, and in chunks where
            no length was said.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: Iterable[bytes] | None = None

    def saying(self, body: bytes) -> Answer:
        """The same with another body."""
        headers = {name: text for name, text in self.headers.items() if name != "content-length"}
        return replace(self, body=body, headers=headers)


class Liar(Threads):
    """A server whose answers a test can change; all else is as the real one has it.

    Args:
        port: of the real one, on this machine.
        host: the address to listen on.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        super().__init__(_Lying, host)
        self.upstream = port
        self.url = f"http://{host}:{self.port}"
        self.lies: list[tuple[str, re.Pattern[str], Callable[[Answer], Answer]]] = []
        self.asked: list[str] = []

    def lie(self, method: str, path: str, change: Callable[[Answer], Answer]) -> None:
        """Change every answer to such requests; ``path`` is a pattern for its end."""
        self.lies.append((method, re.compile(f"{path}$"), change))

    def on(self, link: str) -> str:
        """The same link, as if this were its server."""
        return re.sub(r"^http://[^/]+", self.url, link)

    def changed(self, method: str, path: str, honest: Answer) -> Answer:
        """What is said in place of the truth."""
        for wanted, pattern, change in self.lies:
            if method == wanted and pattern.search(path):
                honest = change(honest)
        return honest


class _Lying(BaseHTTPRequestHandler):
    """One connection."""

    server: Liar
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        answer = self.server.changed(self.command, self.path, self._truth())
        with contextlib.suppress(OSError):
            self._say(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815  # the library's names

    def _truth(self) -> Answer:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            headers = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()

    def _say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        has_length = "content-length" in answer.headers
        is_chunked = answer.pieces is not None and not has_length
        for name, text in answer.headers.items():
            self.send_header(name, text)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif not has_length:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        for piece in (answer.body,) if answer.pieces is None else answer.pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece)
        self.close_connection = answer.pieces is not None

    def log_message(self, *_: object) -> None:
        pass
