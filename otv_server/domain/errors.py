"""What a caller can be told, as a tree; ``code`` is stable (protocol section 7, errors).

OtvError
├── Malformed          malformed         a body, header or id that does not parse
├── DigestMismatch     digest_mismatch   bytes that are not what their digest says
├── UploadTokenNeeded  upload_token
├── CrossOrigin        cross_origin      another site's page calls
├── WrongPassword      wrong_password    guesses_left
├── NotYet             not_yet           opens_at
├── EgressSpent        egress_spent      a lease has read all it may
├── Unknown            unknown           no such id with such a proof
├── MethodNotAllowed   method
├── LengthRequired     length_required
├── TooLarge           too_large
├── BadRange           range
├── Conflict           conflict          the same id with something else
├── Over               over              state, since
├── WrongHost          wrong_host        called by a name that is not this server's
├── Locked             locked
├── SlowDown           slow_down
├── Unavailable        unavailable
└── NoRoom             no_room

``api.problems`` holds the one table from code to HTTP status. Messages are for
people and never repeat an id, a proof or anything else that came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otv_server.domain.share import Instant, LinkState


class OtvError(Exception):
    """One clear sentence and a stable code."""

    code: ClassVar[str]
    sentence: ClassVar[str]

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or self.sentence)


class Malformed(OtvError):
    """A body, header or id does not parse, or breaks a limit on values."""

    code = "malformed"
    sentence = "The request does not parse."


class DigestMismatch(OtvError):
    """The bytes that came are not the bytes that the digest names."""

    code = "digest_mismatch"
    sentence = "The bytes do not match their digest."


class UploadTokenNeeded(OtvError):
    """The server asks this caller for an upload token, or does not know the one given."""

    code = "upload_token"
    sentence = "This server asks for an upload token here."


class CrossOrigin(OtvError):
    """A page of another origin makes this call, in somebody's browser."""

    code = "cross_origin"
    sentence = "Pages of other sites may not call this server."


class WrongPassword(OtvError):
    """The unlock proof is wrong; one guess was counted and nothing was spent."""

    code = "wrong_password"
    sentence = "The password is wrong."

    def __init__(self, guesses_left: int) -> None:
        super().__init__()
        self.guesses_left = guesses_left


class NotYet(OtvError):
    """The link is scheduled; it opens at ``opens_at``."""

    code = "not_yet"
    sentence = "The link does not open yet."

    def __init__(self, opens_at: Instant) -> None:
        super().__init__()
        self.opens_at = opens_at


class EgressSpent(OtvError):
    """The lease has read all the bytes it may."""

    code = "egress_spent"
    sentence = "This opening has read as much as it may."


class Unknown(OtvError):
    """No such id with such a proof: one and the same miss for every reason."""

    code = "unknown"
    sentence = "There is nothing here."


class MethodNotAllowed(OtvError):
    """The path exists, the method on it does not."""

    code = "method"
    sentence = "This method is not allowed here."

    def __init__(self, methods: Iterable[str] = ()) -> None:
        super().__init__()
        self.methods = sorted(set(methods) - {"OPTIONS"})


class LengthRequired(OtvError):
    """A part must say its length before it comes."""

    code = "length_required"
    sentence = "Content-Length is required."


class TooLarge(OtvError):
    """More bytes than the limit, or than the share declared."""

    code = "too_large"
    sentence = "That is more than may be sent."


class BadRange(OtvError):
    """Not one satisfiable byte range."""

    code = "range"
    sentence = "One satisfiable byte range, please."

    def __init__(self, content_bytes: int | None = None) -> None:
        super().__init__()
        self.content_bytes = content_bytes


class Conflict(OtvError):
    """The same id with another body, digest, number or outcome."""

    code = "conflict"
    sentence = "This contradicts what was sent before."


class Over(OtvError):
    """The link, share or lease has ended.

    ``state`` is the link's state, or None where a share or a lease ended; ``since`` is None
    where the moment is not kept.
    """

    code = "over"
    sentence = "This is over."

    def __init__(self, state: LinkState | None = None, since: Instant | None = None) -> None:
        super().__init__()
        self.state = state
        self.since = since


class WrongHost(OtvError):
    """The name in ``Host`` is none of this server's (DNS rebinding, or a name to be configured)."""

    code = "wrong_host"
    sentence = (
        "This server does not go by the name that it was called by. Its operator can add the name"
        " with --names."
    )


class Locked(OtvError):
    """Too many wrong passwords since the last reset; the sender can forgive them."""

    code = "locked"
    sentence = "Too many wrong passwords; the sender can unlock the link."


class SlowDown(OtvError):
    """Too many requests without a right proof, new shares or unsealed shares from one address."""

    code = "slow_down"
    sentence = "Too many requests; wait a moment."


class Unavailable(OtvError):
    """The database or the blob store does not answer now. Nothing is lost; try again."""

    code = "unavailable"
    sentence = "The server can't do this right now."


class NoRoom(OtvError):
    """The server has no room for this share."""

    code = "no_room"
    sentence = "The server has no room for this."
