"""What a hostile server may do with one call, as faults of a wire."""

from __future__ import annotations

import json
import random
import re
import socket
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.faults.wire import Fault, Meddling

Json = dict[str, Any]
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_NOISE = random.Random(7).randbytes(4096)


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """A whole answer of the right length."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def saying(*pieces: bytes) -> Fault:
    """Answer with these bytes, whatever is asked, and hang up."""

    def fault(meddling: Meddling) -> None:
        for piece in pieces:
            meddling.client.sendall(piece)
        _hear_out(meddling.client)

    return fault


def flooding(head: bytes, piece: bytes) -> Fault:
    """Answer with a beginning and then the same piece for as long as anyone listens."""

    def fault(meddling: Meddling) -> None:
        with suppress(OSError):
            meddling.client.sendall(head)
            while True:
                meddling.client.sendall(piece)

    return fault


def dripping(data: bytes, every_s: float = 0.02, head: bytes = b"") -> Fault:
    """Answer ``head`` at once, and then ``data`` a byte at a time, over and over, without end."""

    def fault(meddling: Meddling) -> None:
        with suppress(OSError):
            meddling.client.sendall(head)
            while True:
                for byte in data:
                    meddling.client.sendall(bytes([byte]))
                    time.sleep(every_s)

    return fault


def sipping(every_s: float = 0.02) -> Fault:
    """Take what is sent a byte at a time."""

    def fault(meddling: Meddling) -> None:
        meddling.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with suppress(OSError):
            while meddling.client.recv(1):
                time.sleep(every_s)

    return fault


def altering(change: Callable[[Json], object]) -> Fault:
    """Ask the real server, and answer with its JSON changed."""

    def changed(body: bytes) -> bytes:
        value = json.loads(body)
        change(value)
        return json.dumps(value).encode()

    def fault(meddling: Meddling) -> None:
        status, _, body = asked(meddling)
        meddling.client.sendall(answer(status, changed(body), "Content-Type: application/json"))

    return fault


def garbling(change: Callable[[bytearray], object]) -> Fault:
    """Ask the real server for content, and answer with its bytes changed under its own head."""

    def fault(meddling: Meddling) -> None:
        _, head, body = asked(meddling)
        altered = bytearray(body)
        change(altered)
        with suppress(OSError):
            meddling.client.sendall(head + altered)
        _hear_out(meddling.client)

    return fault


def elsewhere(url: str) -> Fault:
    """Ask another server, and pass its answer on."""

    def fault(meddling: Meddling) -> None:
        head, body = _message(meddling.client, meddling.request)
        parts = urlsplit(url)
        with closing(socket.create_connection((parts.hostname or "", parts.port or 80))) as server:
            server.sendall(head + body)
            head, body = _message(server)
        meddling.client.sendall(head + body)

    return fault


def asked(meddling: Meddling) -> tuple[int, bytes, bytes]:
    """What the real server answers: status, head, whole body."""
    head, body = _message(meddling.client, meddling.request)
    with closing(meddling.connect()) as server:
        server.sendall(head + body)
        head, body = _message(server)
    return int(head.split()[1]), head, body


def _message(end: socket.socket, begun: bytes = b"") -> tuple[bytes, bytes]:
    """Head and body of a message that says its length, the first bytes of which are here."""
    data = bytearray(begun)
    while b"\r\n\r\n" not in data:
        data += _more(end)
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    named = _LENGTH.search(head)
    received = bytearray(body)
    while len(received) < (int(named[1]) if named else 0):
        received += _more(end)
    return head + b"\r\n\r\n", bytes(received)


def _more(end: socket.socket) -> bytes:
    data = end.recv(1 << 20)
    if not data:
        raise ConnectionAbortedError
    return data


def _hear_out(client: socket.socket) -> None:
    """Let the client finish: closed with bytes unread, a socket takes its answer back."""
    with suppress(OSError):
        client.shutdown(socket.SHUT_WR)
        while client.recv(1 << 16):
            pass


def json_of(value: object) -> bytes:
    """An answer of 200 with this JSON."""
    return answer(200, json.dumps(value).encode(), "Content-Type: application/json")


NONSENSE: dict[str, Iterable[bytes]] = {
    "nothing": [],
    "half a head": [b"HTTP/1.1 200 O"],
    "half a body": [answer(200, b"{" + b" " * 400)[:-200]],
    "noise": [_NOISE],
    "another protocol": [b"220 mail.example ESMTP\r\n"],
    "a page": [answer(200, b"<html>Log in, please</html>", "Content-Type: text/html")],
    "nothing in JSON": [answer(200)],
    "a list": [json_of([])],
    "other fields": [json_of({"now": 1, "id": [], "state": {}, "links": "x", "bytes": -1})],
    "a deep hole": [answer(200, b'{"a":' * 50_000)],
    "another encoding": [answer(200, _NOISE, "Content-Encoding: gzip")],
    "a redirection": [answer(302, b"", "Location: http://127.0.0.1:9/api/v1/info")],
    "no status of its own": [answer(299, b"{}")],
    "an unknown refusal": [answer(418, b'{"code":"teapot","detail":"run this"}')],
    "a length that is none": [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"],
    "two lengths": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"],
    "a long header": [b"HTTP/1.1 200 OK\r\nX: " + b"a" * (1 << 18) + b"\r\n\r\n"],
}


def floods() -> Iterator[tuple[str, Fault]]:
    """Answers without an end, each of which would fill a memory or hold a process."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b'"' * (1 << 20) + b"\r\n"
    yield "noise", flooding(b"", _NOISE * 16)
    yield "a header", flooding(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 65536)
    yield "headers", flooding(b"HTTP/1.1 200 OK\r\n", b"X: a\r\n" * 4096)
    yield "interim answers", flooding(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2048)
    yield "a body", flooding(chunked, chunk)
    yield "a refusal", flooding(chunked.replace(b"200 OK", b"409 No"), chunk)
    small = b'{"links":[' + b"{}," * 2_600_000 + b"{}]}"
    yield "many small values", saying(answer(200, small))
    yield "many texts", saying(answer(200, b'{"digests":[' + b'"a",' * 2_000_000 + b'""]}'))
    yield "a chunk's extension", flooding(chunked + b"1;", b"x" * 65536)
