"""Untrusted request headers, each by one small pure function; and those of every answer."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otv_server.api.wire import b64, parse_proof
from otv_server.domain.errors import (
    BadRange,
    LengthRequired,
    Malformed,
    TooLarge,
    Unknown,
    UploadTokenNeeded,
)
from otv_server.domain.limits import PART_BYTES
from otv_server.domain.origins import parse_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from litestar.types import Message, Scope

    from otv_server.domain.origins import Origin

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9_-]{43})")
_UPLOAD_TOKEN = re.compile(r"[!-~]{1,1024}")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_LENGTH = re.compile(r"[0-9]{1,15}")

ALWAYS = {
    b"cache-control": b"no-store",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-robots-tag": b"noindex",
}
# A year. Of this name alone: its neighbours are other people's.
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")


def bearer(values: Sequence[str]) -> bytes:
    """The proof in ``Authorization``; none, several or another kind are one and the same miss."""
    match = _BEARER.fullmatch(values[0]) if len(values) == 1 else None
    if match is None:
        raise Unknown
    try:
        return parse_proof(match[1])
    except Malformed:
        raise Unknown from None


def upload_token(values: Sequence[str]) -> bytes:
    """The one token in ``OTV-Upload-Token``; its form is checked, not what it is good for."""
    match = _UPLOAD_TOKEN.fullmatch(values[0].strip()) if len(values) == 1 else None
    if match is None:
        raise UploadTokenNeeded
    return match[0].encode()


def content_digest(values: Sequence[str]) -> bytes:
    """The one SHA-256 in ``Content-Digest`` (RFC 9530)."""
    match = _DIGEST.fullmatch(values[0].strip()) if len(values) == 1 else None
    if match is None:
        raise Malformed("One Content-Digest with one sha-256 is required.")
    digest = b64decode(match[1])
    if b64encode(digest).decode() != match[1]:
        raise Malformed("The Content-Digest is not canonical.")
    return digest


def content_length(values: Sequence[str], transfer_encoding: Sequence[str] = ()) -> int:
    """The length that a part says it has."""
    if values and transfer_encoding:
        raise Malformed("Content-Length and Transfer-Encoding contradict each other.")
    if not values:
        raise LengthRequired
    if len(values) != 1 or not _LENGTH.fullmatch(values[0]):
        raise Malformed("Content-Length does not parse.")
    if int(values[0]) > PART_BYTES:
        raise TooLarge(f"A part holds at most {PART_BYTES} bytes.")
    return int(values[0])


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes ``start`` to ``stop`` of a content; ``is_partial``: a range was asked for."""

    start: int
    stop: int
    is_partial: bool


def etag(root: bytes) -> str:
    """The entity tag of a content."""
    return f'"{b64(root)}"'


def span(ranges: Sequence[str], if_range: Sequence[str], *, size: int, tag: str) -> Span:
    """What to send of a content of ``size`` bytes (RFC 9110, sections 13 and 14).

    Raises:
        BadRange: anything but one satisfiable range of bytes.
    """
    if not ranges or (if_range and list(if_range) != [tag]):
        return Span(0, size, is_partial=False)
    match = _RANGE.fullmatch(ranges[0].strip()) if len(ranges) == 1 else None
    if match is None or match[1] == match[2] == "":
        raise BadRange(size)
    start, stop = _bounds(match[1], match[2], size)
    if start >= stop:
        raise BadRange(size)
    return Span(start, stop, is_partial=True)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1 if last else size)


def with_always(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer and those that every answer has; its own stand."""
    own = list(headers)
    present = {name.lower() for name, _ in own}
    return own + [(name, value) for name, value in ALWAYS.items() if name not in present]


async def add_headers(message: Message, scope: Scope) -> None:
    """Litestar's hook before anything is sent, errors of its own included."""
    if message["type"] == "http.response.start":
        secure = [STRICT_TRANSPORT] if _is_secure(scope) else []
        message["headers"] = with_always(message["headers"]) + secure


def _is_secure(scope: Scope) -> bool:
    """Whether the caller speaks TLS with this server, or with what is in front of its public name.

    A name proves nothing, and need not: browsers heed the header over TLS alone.
    """
    if scope["scheme"] == "https":
        return True
    public: Origin | None = scope["litestar_app"].state.access.public
    if public is None or public.scheme != "https":
        return False
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    found = parse_host(host.decode("latin-1"))
    return found is not None and found[0] == public.host
