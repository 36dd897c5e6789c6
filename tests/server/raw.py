"""HTTP by hand, for what a well-behaved client never sends or never does."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from select import select
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support import b64, bearer, digest_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.support import RawLink, RawShare

PATIENCE_S = 20


def call(url: str, receive_buffer: int | None = None) -> socket.socket:
    """A connection; a small ``receive_buffer`` makes a reader that the server must wait for."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    line = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    line.settimeout(PATIENCE_S)
    line.connect((parts.hostname, parts.port))
    return line


def head(method: str, path: str, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """The head of a request under ``/api/v1``, exactly these headers and ``Host``."""
    named = headers.items() if hasattr(headers, "items") else headers
    lines = [
        f"{method} /api/v1{path} HTTP/1.1",
        "Host: localhost",
        *(f"{k}: {v}" for k, v in named),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def part_head(share: RawShare, index: int, data: bytes, **changed: str) -> bytes:
    """The head that announces ``data`` as a part; ``changed`` replaces headers."""
    headers = {"Content-Length": str(len(data))} | bearer(share.owner) | digest_header(data)
    named = {name.replace("_", "-").title(): text for name, text in changed.items()}
    return head("PUT", f"/shares/{b64(share.sid)}/parts/{index}", headers | named)


def content_head(link: RawLink, lease: bytes, **headers: str) -> bytes:
    """The head that asks for content."""
    return head("GET", f"/links/{b64(link.id)}/content", bearer(lease) | headers)


@dataclass
class Answer:
    """The head of an answer, and what of its body came with it."""

    status: int
    headers: dict[str, str]
    begun: bytes


def answer(line: socket.socket) -> Answer:
    """Read an answer's head."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = line.recv(4096)
        assert more, "the server closed the connection without an answer"
        data += more
    top, begun = data.split(b"\r\n\r\n", 1)
    first, *lines = top.decode().split("\r\n")
    named = dict(text.lower().split(": ", 1) for text in lines)
    return Answer(int(first.split()[1]), named, begun)


def whole_answer(line: socket.socket) -> Answer:
    """Read an answer to its end, so that the connection is at the next one."""
    found = answer(line)
    while len(found.begun) < int(found.headers["content-length"]):
        more = line.recv(4096)
        assert more, "the server closed the connection in the middle of an answer"
        found.begun += more
    return found


def answered(lines: Sequence[socket.socket]) -> list[socket.socket]:
    """Those on which something has come already."""
    return select(lines, [], [], 0)[0]


def is_stored(data: Path, content: bytes) -> bool:
    """Whether a file of the data folder holds exactly these bytes, or begins so and is cut."""
    for path in (data / "blobs").glob("*/*"):
        try:
            if path.is_file() and content.startswith(path.read_bytes()):
                return True
        except FileNotFoundError:  # deleted while this looked
            continue
    return False
