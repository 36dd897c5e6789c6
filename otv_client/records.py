"""What this machine remembers, as values; and their JSON read back (pure).

The files are the user's own, but a cut or edited one must not be taken for a record:
reading one raises ValueError, KeyError, TypeError or AttributeError.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from otv_client.b64 import b64decode
from otv_client.pins import PIN_BYTES

PROOF_BYTES = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SentLinkRecord:
    """One link that was sent: its id and the key that its receipts are checked with."""

    id: str
    ack: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A share that this machine sent.

    Attributes:
        created_at: seconds since 1970.
        is_told: the user has been told that it is over. It can still be asked for, its receipts
            with it, until the server forgets it.
        pin: of the server's key, 15 bytes, where no certificate authority vouches for it.
        expires_at: when its last link expires, in seconds since 1970 by this machine's clock;
            None until the server has said so.
    """

    server: str
    id: str
    owner: bytes = field(repr=False)
    created_at: int
    links: tuple[SentLinkRecord, ...]
    is_told: bool = False
    pin: bytes | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class OpeningRecord:
    """An opening that this machine began.

    Attributes:
        lease: T, 32 bytes, stored before the claim.
        lease_until: seconds since 1970 by this machine's clock; a guess until the claim is
            answered.
        destination: the folder that the files go to, absolute; empty until one is chosen.
        partial: name of the hidden folder in it.
        parts_done: parts of the content that are written and durable, from the first on.
        saved: the files' paths within ``destination`` once all have their final names.
        access_hash: H(A) of the link: anyone may make another link with the same id. None in
            records of earlier versions.
    """

    server: str
    id: str
    lease: bytes = field(repr=False)
    lease_until: int = 0
    destination: str = ""
    partial: str = ""
    parts_done: int = 0
    saved: tuple[str, ...] | None = None
    access_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The key that a server must have.

    Attributes:
        server: ``https://host[:port]``.
        pin: 15 bytes (protocol section 2).
    """

    server: str
    pin: bytes


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(kind)
    return value


def read_share(value: dict[str, Any]) -> ShareRecord:
    """A share's record, of the JSON that ``StateFolder`` wrote."""
    pin, expires_at = value.get("pin"), value.get("expires_at")
    return ShareRecord(
        server=_of(str, value["server"]),
        id=_of(str, value["id"]),
        owner=b64decode(_of(str, value["owner"]), PROOF_BYTES),
        created_at=_of(int, value["created_at"]),
        links=tuple(
            SentLinkRecord(_of(str, link["id"]), b64decode(_of(str, link["ack"]), PROOF_BYTES))
            for link in value["links"]
        ),
        is_told=value.get("is_told") is True,
        pin=None if pin is None else b64decode(_of(str, pin), PIN_BYTES),
        expires_at=None if expires_at is None else _of(int, expires_at),
    )


def read_opening(value: dict[str, Any]) -> OpeningRecord:
    """An opening's record."""
    saved, access_hash = value["saved"], value.get("access_hash")
    return OpeningRecord(
        server=_of(str, value["server"]),
        id=_of(str, value["id"]),
        lease=b64decode(_of(str, value["lease"]), PROOF_BYTES),
        lease_until=_of(int, value["lease_until"]),
        destination=_of(str, value["destination"]),
        partial=_of(str, value["partial"]),
        parts_done=_of(int, value["parts_done"]),
        saved=None if saved is None else tuple(_of(str, path) for path in saved),
        access_hash=None if access_hash is None else b64decode(_of(str, access_hash), PROOF_BYTES),
    )


def read_key(value: dict[str, Any]) -> KeyRecord:
    """A server's key."""
    return KeyRecord(_of(str, value["server"]), b64decode(_of(str, value["pin"]), PIN_BYTES))
