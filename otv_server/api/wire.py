"""The protocol's JSON as structs, and the strict ways between text and values (section 7).

Requests refuse unknown and duplicate fields and any b64 that is not canonical. Everything here
is pure; what does not parse is ``Malformed``.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from otv_server.domain.errors import Malformed
from otv_server.domain.limits import ID_BYTES, MANIFEST_MAX_BYTES, MOST_LINKS, PROOF_BYTES

if TYPE_CHECKING:
    from otv_server.domain.share import Instant

# No value of a request holds a colon, so their number bounds what parsing costs.
MOST_FIELDS = 8 * (MOST_LINKS + 1)
_EXAMPLE_HASH = "iM6H3G1zkxsYhzwBzkgrtA2wVEGsxzYu1YLzDX8ryXo"
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_INSTANT = "2026-11-22T14:03:00.000Z"

IdText = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9_-]{16}$", examples=["AAECAwQFBgcICQoL"], description="12 bytes."),
]
HashText = Annotated[
    str,
    Meta(
        # Of the last character's six bits two are no part of the 32 bytes: they are zero.
        pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$",
        examples=[_EXAMPLE_HASH],
        description="32 bytes.",
    ),
]
ManifestText = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]+$",
        max_length=-(-MANIFEST_MAX_BYTES * 4 // 3),
        examples=["AAAAEAAAAAAAIA"],
        description="The sealed manifest, at most 262,250 bytes (here cut short).",
    ),
]
PinText = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{20}$", description="15 bytes of a key's hash, base64url.")
]
InstantText = Annotated[str, Meta(examples=[_INSTANT], description="RFC 3339, UTC.")]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
AtLeastOne = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class Request(Struct, forbid_unknown_fields=True):
    """What a caller sends."""


class Answer(Struct):
    """What the server says."""


class LinkBody(Request, rename={"link_id": "id"}, kw_only=True):
    """A link to put live: ``access`` is H(A), ``unlock`` H(U)."""

    link_id: IdText
    access: HashText
    unlock: HashText
    manifest: ManifestText
    opens: AtLeastOne = 1
    delay_s: Count = 0
    ttl_s: AtLeastOne | UnsetType = UNSET


class CreateBody(Request, rename={"size": "bytes"}, kw_only=True):
    """A new share: H(O), and C in bytes, 0 where the links carry everything, null if unknown."""

    owner: HashText
    size: Count | None
    links: list[LinkBody] = []


class SealBody(Request, rename={"size": "bytes"}, kw_only=True):
    """The end of an upload: how many parts, C, the root, the links to put live."""

    parts: Count
    size: AtLeastOne
    root: HashText
    links: list[LinkBody]


class ClaimBody(Request, kw_only=True):
    """U, and H(T) of the lease that the caller made."""

    unlock: HashText
    lease: HashText


class AckBody(Request, kw_only=True):
    """What became of it at the reader's, signed with a key that the server never sees."""

    outcome: Literal["opened", "rejected"]
    mac: HashText


class InfoLimits(Answer, kw_only=True):
    """What this server allows."""

    share_bytes: int
    part_bytes: int
    min_ttl_s: int
    default_ttl_s: int
    max_ttl_s: int
    max_delay_s: int
    opens: int
    links: int
    idle_upload_s: int


class Info(Answer, kw_only=True):
    """What this server is.

    ``upload_token``: this caller needs one; ``plain_http``: its page may be used over plain HTTP;
    ``address``: where others reach it, for callers on its own machine by plain HTTP; ``pin``: of
    the key that it shows there, or to this caller.
    """

    name: str
    version: str
    protocol: int
    now: InstantText
    upload_token: bool
    plain_http: bool
    address: str | None
    pin: PinText | None
    limits: InfoLimits


class OpeningAnswer(Answer, kw_only=True):
    """One opening, as its sender sees it."""

    lease: HashText
    claimed_at: InstantText
    ended_at: InstantText | None
    outcome: Annotated[str, Meta(examples=["opened"])]
    bytes_read: int
    mac: HashText | None
    address: str | None


class LinkReportAnswer(Answer, rename={"link_id": "id"}, kw_only=True):
    """One link, as its sender sees it."""

    link_id: IdText
    state: Annotated[str, Meta(examples=["opened"])]
    opens: int
    opens_left: int
    opens_at: InstantText
    expires_at: InstantText
    guesses: int
    openings: list[OpeningAnswer]


class PartAnswer(Answer, rename={"size": "bytes"}, kw_only=True):
    """One stored part."""

    index: int
    size: int
    digest: HashText


class ShareAnswer(Answer, rename={"share_id": "id", "size": "bytes"}, kw_only=True):
    """A share, as its owner sees it."""

    share_id: IdText
    state: Annotated[str, Meta(examples=["sealed"])]
    size: int
    parts: list[PartAnswer]
    links: list[LinkReportAnswer]
    now: InstantText


class LinkViewAnswer(Answer, rename={"link_id": "id", "size": "bytes"}, kw_only=True):
    """A link, as whoever holds it may see it without spending anything."""

    link_id: IdText
    state: Annotated[str, Meta(examples=["ready"])]
    since: InstantText | None
    opens_left: int
    opens_at: InstantText
    expires_at: InstantText
    size: int
    guesses_left: int
    now: InstantText


class ClaimAnswer(Answer, rename={"size": "bytes"}, kw_only=True):
    """An opening: everything its holder needs to read."""

    manifest: ManifestText
    size: int
    digests: list[HashText]
    lease_until: InstantText
    now: InstantText


class Problem(Answer, rename={"kind": "type"}, omit_defaults=True, kw_only=True):
    """An error (RFC 9457); programs branch on ``code``."""

    kind: str = msgspec.field(default_factory=lambda: "about:blank")
    title: str
    status: int
    code: str
    detail: str
    guesses_left: int | UnsetType = UNSET
    opens_at: InstantText | UnsetType = UNSET
    state: str | UnsetType = UNSET
    since: InstantText | UnsetType | None = UNSET


Body = TypeVar("Body", bound=Request)


def parse(data: bytes, kind: type[Body]) -> Body:
    """One request body, strictly: UTF-8 JSON, every field known, each once, of its type."""
    if data.count(b":") > MOST_FIELDS:
        raise Malformed("The body has too many fields.")
    try:
        # Two readers. msgspec is quick to refuse what is not of the right shape, and so bounds
        # what the slow one, which sees what msgspec passes over, can be made to do.
        body = msgspec.json.decode(data, type=kind)
        json.loads(
            data.decode(),
            object_pairs_hook=_once,
            parse_int=_natural,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise Malformed("The body is not the JSON that this call takes.") from error
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError
    return fields


def _natural(text: str) -> int:
    """No field of any request is negative, not even minus nothing."""
    if text.startswith("-"):
        raise ValueError
    return int(text)


def _refuse(_text: str) -> None:
    """No field of any request is a fraction, an exponent, NaN or infinite."""
    raise ValueError


def digest_of(body: Request) -> bytes:
    """What tells "the same again" from "another body": the fields, not their spelling."""
    return sha256(msgspec.json.encode(body)).digest()


def unb64(text: str, length: int | None = None) -> bytes:
    """Canonical base64url without padding, and nothing else, to bytes."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise Malformed from error
    if b64(data) != text or (length is not None and len(data) != length):
        raise Malformed
    return data


def b64(data: bytes) -> str:
    """Bytes to base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def hashed(proof: bytes) -> bytes:
    """H of a proof: all that the server ever compares or keeps."""
    return sha256(proof).digest()


def parse_index(text: str, highest: int) -> int:
    """The number of a part, in canonical decimals."""
    if not _INDEX.fullmatch(text) or int(text) > highest:
        raise Malformed("A part's number is 0 or more, without leading zeros.")
    return int(text)


def parse_id(text: str) -> bytes:
    """An id of a share or a link."""
    return unb64(text, ID_BYTES)


def parse_proof(text: str) -> bytes:
    """A proof, or the hash of one."""
    return unb64(text, PROOF_BYTES)


def instant(at: Instant) -> str:
    """An instant as the protocol writes it."""
    text = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def minute(at: Instant | None) -> str | None:
    """An instant cut to its minute: whoever holds a dead link learns no more than that."""
    return None if at is None else instant(at - at % 60_000).replace(".000Z", "Z")
