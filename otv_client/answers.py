"""What a server answers, read strictly (protocol section 7).

Every function here is pure: JSON in, a frozen value or ``Nonsense`` out. Unknown
fields are ignored; a field that is missing, of another type, of another length
or out of range is refused, so that nothing further in has to doubt it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from otv_client.b64 import b64decode
from otv_client.errors import UsageError
from otv_client.link import ID_BYTES, parse_server
from otv_client.pins import PIN_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

HASH_BYTES = 32
LARGEST_INTEGER = 2**53 - 1
LARGEST_MANIFEST = 1 << 20  # a sealed manifest is at most 262,144 bytes and its envelope

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SANE_YEARS = range(1971, 9999)  # so that no later conversion to local time overflows

T = TypeVar("T")
Json = dict[str, Any]


class Nonsense(ValueError):
    """An answer that no server of this protocol gives."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server allows: sizes in bytes of ciphertext, durations in seconds."""

    share_bytes: int
    part_bytes: int
    min_ttl_s: int
    default_ttl_s: int
    max_ttl_s: int
    max_delay_s: int
    opens: int
    links: int
    idle_upload_s: int


@dataclass(frozen=True, slots=True)
class Info:
    """Answer to ``GET /info``."""

    name: str
    version: str
    protocol: int
    now: datetime
    upload_token: bool
    address: str | None
    pin: bytes | None
    limits: Limits


@dataclass(frozen=True, slots=True)
class OpeningReport:
    """One opening, as the server tells its sender (the protocol's ``Opening``)."""

    lease_hash: bytes
    claimed_at: datetime
    ended_at: datetime | None
    outcome: str
    bytes_read: int
    mac: bytes | None
    address: str | None


@dataclass(frozen=True, slots=True)
class LinkReport:
    """One link, as the server tells its sender."""

    id: str
    state: str
    opens: int
    opens_left: int
    opens_at: datetime
    expires_at: datetime
    guesses: int
    openings: tuple[OpeningReport, ...]


@dataclass(frozen=True, slots=True)
class ShareReport:
    """A share and its links (the protocol's ``Share``)."""

    id: str
    state: str
    links: tuple[LinkReport, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class LinkView:
    """What anybody with the link may see without spending it."""

    id: str
    state: str
    since: datetime | None
    opens_left: int
    opens_at: datetime
    expires_at: datetime
    bytes: int
    guesses_left: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """One opening: the sealed manifest, the ciphertext's length and the digests of its parts."""

    manifest: bytes
    digests: tuple[bytes, ...]
    bytes: int
    lease_until: datetime
    now: datetime


# --- fields -----------------------------------------------------------------------------------


def _field(answer: Json, key: str) -> Any:
    if key not in answer:
        raise Nonsense(f"no field {key}")
    return answer[key]


def text(answer: Json, key: str, *, longest: int = 1024) -> str:
    """A string of at most ``longest`` characters."""
    value = _field(answer, key)
    if not isinstance(value, str) or len(value) > longest:
        raise Nonsense(f"{key} is no string of at most {longest} characters")
    return value


def whole(answer: Json, key: str) -> int:
    """An integer from 0 to 2^53-1; ``true`` is no number."""
    value = _field(answer, key)
    if type(value) is not int or not 0 <= value <= LARGEST_INTEGER:
        raise Nonsense(f"{key} is no whole number")
    return value


def flag(answer: Json, key: str) -> bool:
    """``true`` or ``false``."""
    value = _field(answer, key)
    if not isinstance(value, bool):
        raise Nonsense(f"{key} is neither true nor false")
    return value


def instant(answer: Json, key: str) -> datetime:
    """RFC 3339, with an offset, as an instant in UTC."""
    value = text(answer, key, longest=64)
    if not _INSTANT.fullmatch(value):
        raise Nonsense(f"{key} is no instant")
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Nonsense(f"{key} is no instant") from error
    if moment.year not in _SANE_YEARS:
        raise Nonsense(f"{key} is out of range")
    return moment


def octets(answer: Json, key: str, length: int | None = None) -> bytes:
    """Bytes as b64, exactly ``length`` of them where that is given."""
    value = text(answer, key, longest=2 * LARGEST_MANIFEST)
    try:
        return b64decode(value, length)
    except ValueError as error:
        raise Nonsense(f"{key} is no b64 of the right length") from error


def identifier(answer: Json, key: str) -> str:
    """The text of an id: b64 of 12 bytes."""
    octets(answer, key, ID_BYTES)
    return text(answer, key)


def server(answer: Json, key: str) -> str:
    """A server's address, as links carry it."""
    try:
        return parse_server(text(answer, key))
    except UsageError as error:
        raise Nonsense(f"{key} is no server's address") from error


def optional(read: Callable[[Json, str], T], answer: Json, key: str) -> T | None:
    """``read``, or None where the field is null."""
    return None if _field(answer, key) is None else read(answer, key)


def items(answer: Json, key: str) -> list[Json]:
    """A list of objects."""
    value = _field(answer, key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Nonsense(f"{key} is no list of objects")
    return value


def _pin(answer: Json, key: str) -> bytes:
    return octets(answer, key, PIN_BYTES)


def _hash(answer: Json, key: str) -> bytes:
    return octets(answer, key, HASH_BYTES)


def _hashes(answer: Json, key: str) -> tuple[bytes, ...]:
    value = _field(answer, key)
    if not isinstance(value, list):
        raise Nonsense(f"{key} is no list")
    return tuple(_hash({key: item}, key) for item in value)


# --- answers ----------------------------------------------------------------------------------


def limits(answer: Json) -> Limits:
    """Decode ``Info.limits``."""
    return Limits(**{name: whole(answer, name) for name in Limits.__slots__})


def info(answer: Json) -> Info:
    """Decode an ``Info``."""
    allowed = _field(answer, "limits")
    if not isinstance(allowed, dict):
        raise Nonsense("limits is no object")
    return Info(
        name=text(answer, "name"),
        version=text(answer, "version"),
        protocol=whole(answer, "protocol"),
        now=instant(answer, "now"),
        upload_token=flag(answer, "upload_token"),
        address=optional(server, answer, "address"),
        pin=optional(_pin, answer, "pin"),
        limits=limits(allowed),
    )


def opening(answer: Json) -> OpeningReport:
    """Decode an ``Opening``."""
    return OpeningReport(
        lease_hash=_hash(answer, "lease"),
        claimed_at=instant(answer, "claimed_at"),
        ended_at=optional(instant, answer, "ended_at"),
        outcome=text(answer, "outcome"),
        bytes_read=whole(answer, "bytes_read"),
        mac=optional(_hash, answer, "mac"),
        address=optional(text, answer, "address"),
    )


def link_report(answer: Json) -> LinkReport:
    """Decode a ``LinkReport``."""
    return LinkReport(
        id=identifier(answer, "id"),
        state=text(answer, "state"),
        opens=whole(answer, "opens"),
        opens_left=whole(answer, "opens_left"),
        opens_at=instant(answer, "opens_at"),
        expires_at=instant(answer, "expires_at"),
        guesses=whole(answer, "guesses"),
        openings=tuple(opening(item) for item in items(answer, "openings")),
    )


def share(answer: Json) -> ShareReport:
    """Decode a ``Share``; its list of parts is the sender's own and not looked at."""
    return ShareReport(
        id=identifier(answer, "id"),
        state=text(answer, "state"),
        links=tuple(link_report(item) for item in items(answer, "links")),
        now=instant(answer, "now"),
    )


def link_view(answer: Json) -> LinkView:
    """Decode a ``LinkView``."""
    return LinkView(
        id=identifier(answer, "id"),
        state=text(answer, "state"),
        since=optional(instant, answer, "since"),
        opens_left=whole(answer, "opens_left"),
        opens_at=instant(answer, "opens_at"),
        expires_at=instant(answer, "expires_at"),
        bytes=whole(answer, "bytes"),
        guesses_left=whole(answer, "guesses_left"),
        now=instant(answer, "now"),
    )


def claim(answer: Json) -> Claim:
    """Decode a ``Claim``."""
    return Claim(
        manifest=octets(answer, "manifest"),
        bytes=whole(answer, "bytes"),
        digests=_hashes(answer, "digests"),
        lease_until=instant(answer, "lease_until"),
        now=instant(answer, "now"),
    )
