"""A link, and the text it stands in (protocol section 2).

    https://host/s/<id>#<fragment>

The fragment carries the secret. Nothing here prints it except `Link.url`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from otv_client.b64 import b64decode, b64encode
from otv_client.errors import LinkDamaged, LinkTooNew, UsageError
from otv_client.pins import PIN_BYTES

ID_BYTES = 12
SECRET_BYTES = 32

_VERSION = 1
_CHECKSUM_BYTES = 5
_HEAD_BYTES = 2  # version, flags
_PIN_FLAG = 0x01
_RESERVED_FLAGS = 0x0E
# A draw is clean with a chance of one in three; a source that fails this often repeats itself.
_MAX_DRAWS = 10_000

# No user, query, escape or dot segment: what is joined here is what is asked for.
_SERVER = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*"
)

_LINK_PATH = re.compile(r"/s/[A-Za-z0-9_-]{16}\Z")

Random = Callable[[int], bytes]
"""Gives that many unpredictable bytes: `secrets.token_bytes`, or a fixed stream in tests."""


class Kdf(IntEnum):
    """What turns the password into key material (the high four bits of the flags)."""

    NONE = 0
    ARGON2ID = 1


@dataclass(frozen=True, slots=True)
class Link:
    """Everything a link says.

    Attributes:
        server: `https://host[:port][/base]`, without a trailing slash.
        id: 12 bytes; a locator, no credential.
        secret: S, 32 bytes; never leaves the two ends.
        kdf: whether there is a password.
        pin: 15 bytes of the server key's hash, or None.
    """

    server: str
    id: bytes
    secret: bytes = field(repr=False)
    kdf: Kdf
    pin: bytes | None = None

    @property
    def id_text(self) -> str:
        """The id as 16 base64url characters."""
        return b64encode(self.id)

    def url(self) -> str:
        """The link as text. It holds the secret: show it to the sender and to nobody else."""
        return f"{self.server}/s/{self.id_text}#{_fragment(self)}"


def parse_link(text: str) -> Link:
    """Read a link; surrounding white space is the caller's to strip.

    Raises:
        LinkDamaged: a character is missing, changed or added.
        LinkTooNew: a version or a flag that this program doesn't know.
    """
    if "%23" in text:
        raise LinkDamaged(
            "the # of this link was escaped as %23, so its key has reached a server",
            hint="ask the sender to revoke it and to send a new one another way",
        )
    address, mark, fragment = text.partition("#")
    if not mark or not fragment:
        raise LinkDamaged("this link has no key: the part after the # is missing")
    server, id_ = _parse_address(address)
    fields = _checked_fields(fragment, id_)
    kdf, has_pin = _parse_head(fields)
    if len(fields) != _HEAD_BYTES + SECRET_BYTES + (PIN_BYTES if has_pin else 0):
        raise _damaged()
    secret = fields[_HEAD_BYTES : _HEAD_BYTES + SECRET_BYTES]
    pin = fields[_HEAD_BYTES + SECRET_BYTES :] if has_pin else None
    return Link(server, id_, secret, kdf, pin)


def parse_server(text: str) -> str:
    """A server's address as a person gives it, without trailing slashes.

    Raises:
        UsageError: not `http(s)://host[:port][/base]`, or a link's address.
    """
    server = text.rstrip("/")
    if _LINK_PATH.search(server):  # a server answers it with its page, which is no answer to us
        raise UsageError(
            "this is the address of a link, not of a server", hint="leave out all from /s/ on"
        )
    if not _SERVER.fullmatch(server):
        raise UsageError(
            "the server's address must look like https://host[:port][/path]",
            hint="an international name is written in its xn-- form",
        )
    return server


def origin_of(server: str) -> str:
    """Scheme, host and port of a server's address, in one form: what has one key."""
    scheme, _, rest = server.lower().partition("://")
    host = rest.partition("/")[0]
    return f"{scheme}://{host.removesuffix(':443' if scheme == 'https' else ':80')}"


def is_loopback(server: str) -> bool:
    """Whether a server's address leads each machine to itself."""
    host = (urlsplit(server).hostname or "").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def draw_link(server: str, kdf: Kdf, random: Random, pin: bytes | None = None) -> Link:
    """Draw an id and a secret whose text chat programs and shells leave alone.

    Raises:
        UsageError: the server's address is none, or no link can carry this pin.
    """
    server = parse_server(server)
    if pin is not None and not pin_fits_links(pin):
        raise UsageError("the server's key can't stand in a link: it has to make itself another")
    id_ = draw_id(random)
    for _ in range(_MAX_DRAWS):
        link = Link(server, id_, random(SECRET_BYTES), kdf, pin)
        if _survives_chat(_fragment(link)):
            return link
    raise RuntimeError("the random source repeats itself")


def draw_id(random: Random) -> bytes:
    """Draw 12 bytes for an `id` or a `sid` whose text holds no `_` and begins with no `-`."""
    for _ in range(_MAX_DRAWS):
        id_ = random(ID_BYTES)
        if _is_calm(b64encode(id_)):
            return id_
    raise RuntimeError("the random source repeats itself")


def pin_fits_links(pin: bytes) -> bool:
    """Whether a fragment with this pin can be free of `_`.

    In a fragment the pin alone decides 19 characters, and drawing another secret does not change
    them: a server whose key fails this test (one in four) draws another key.
    """
    return len(pin) == PIN_BYTES and "_" not in b64encode(bytes(_HEAD_BYTES + SECRET_BYTES) + pin)


def _is_calm(text: str) -> bool:
    """Chat programs take `_` for italics, and programs a leading `-` for an option."""
    return "_" not in text and not text.startswith("-")


def _survives_chat(fragment: str) -> bool:
    """Programs that make links clickable leave a punctuation mark at the end out."""
    return _is_calm(fragment) and not fragment.endswith("-")


def _fragment(link: Link) -> str:
    flags = link.kdf << 4 | (_PIN_FLAG if link.pin is not None else 0)
    fields = bytes([_VERSION, flags]) + link.secret + (link.pin or b"")
    return b64encode(fields + _checksum(link.id, fields))


def _checksum(id_: bytes, fields: bytes) -> bytes:
    return hashlib.sha256(b"otv/1 link\0" + id_ + fields).digest()[:_CHECKSUM_BYTES]


def _parse_address(address: str) -> tuple[str, bytes]:
    server, mark, id_text = address.rpartition("/s/")
    if not mark or not _SERVER.fullmatch(server):
        raise _damaged()
    return server, _decode(id_text, ID_BYTES)


def _checked_fields(fragment: str, id_: bytes) -> bytes:
    """The fragment's fields, once its alphabet, its form and its checksum are right."""
    data = _decode(fragment)
    fields, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    # Not a secret comparison, but one habit is simpler to keep than two.
    if not fields or not hmac.compare_digest(checksum, _checksum(id_, fields)):
        raise _damaged()
    return fields


def _parse_head(fields: bytes) -> tuple[Kdf, bool]:
    """Version and flags; all that a version 1 reader can't read shows here."""
    if fields[0] != _VERSION:
        raise _too_new()
    if len(fields) < _HEAD_BYTES:
        raise _damaged()
    flags = fields[1]
    if flags & _RESERVED_FLAGS or flags >> 4 not in set(Kdf):
        raise _too_new()
    return Kdf(flags >> 4), bool(flags & _PIN_FLAG)


def _decode(text: str, length: int | None = None) -> bytes:
    try:
        return b64decode(text, length)
    except ValueError:
        raise _damaged() from None  # the cause could quote the link


def _damaged() -> LinkDamaged:
    return LinkDamaged(
        "this link is damaged: a character is missing, changed or added",
        hint="copy the whole link again; nothing was spent",
    )


def _too_new() -> LinkTooNew:
    return LinkTooNew(
        "this link was made by a newer version of One-Time View",
        hint="update this program; nothing was spent",
    )
