"""The client's errors, and the exit code of each.

OtvError
├── UsageError            2   the call makes no sense; said before anything is sent
├── LinkError             2
│   ├── LinkDamaged           a character is missing, changed or added
│   └── LinkTooNew            made by a newer version of this program
├── Unreachable           3   no answer, or none that makes sense, after retries
│   ├── UnknownKey        3   a server of its own key, which nobody vouches for
│   └── WrongKey          6   another key than the one that the server must have
├── Over                  4   opened, taken, expired, revoked, guessed
├── Unknown               4   no such link or share, as far as the server tells
├── PasswordError         5
│   ├── PasswordMissing
│   ├── WrongPassword
│   └── Locked
├── IntegrityError        6   what came does not match the link
├── Refused               7   the server says no: upload token, size, room, rate
├── NotYet                8   scheduled, and too early
├── LocalError            9   this machine: no room, a file in the way, no permission
└── Interrupted         130

Messages are sentences for people and hold no secret: no key, no fragment, no
password, no proof. Programs branch on the class and on ``code``.
"""

from __future__ import annotations

from typing import ClassVar


class OtvError(Exception):
    """Anything that this client reports: one sentence, perhaps a hint, a stable code.

    Attributes:
        code: stable, lower case; for programs.
        message: one sentence for people, without a full stop at its end.
        hint: what to do next, or None.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(OtvError):
    """The call makes no sense; nothing was sent."""

    code = "usage"


class LinkError(OtvError):
    """A link that can't be used, told without asking the server."""

    code = "link"


class LinkDamaged(LinkError):
    """A character of the link is missing, changed or added."""

    code = "link_damaged"


class LinkTooNew(LinkError):
    """The link was made by a newer version of this program."""

    code = "link_too_new"


class Unreachable(OtvError):
    """No answer, or none that makes sense, after all retries."""

    code = "unreachable"


class UnknownKey(Unreachable):
    """Nobody vouches for the server's key, so nothing was sent to it."""

    code = "unknown_key"


class WrongKey(Unreachable):
    """Another key than the server's was shown: perhaps someone poses as it. Nothing was sent."""

    code = "wrong_key"


class Over(OtvError):
    """The link or share has ended.

    Attributes:
        state: opened, taken, expired, revoked or guessed; "over" where the server says no more.
        since: RFC 3339, to the minute, or None.
    """

    code = "over"

    def __init__(
        self, message: str, *, state: str, since: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.state = state
        self.since = since


class Unknown(OtvError):
    """The server knows no such link or share, or the proof was wrong: it won't tell which."""

    code = "unknown"


class PasswordError(OtvError):
    """Something about the password."""

    code = "password"


class PasswordMissing(PasswordError):
    """The link asks for a password and none was given."""

    code = "password_missing"


class WrongPassword(PasswordError):
    """The password is wrong; nothing was spent.

    Attributes:
        guesses_left: wrong passwords until the link locks, or None.
    """

    code = "wrong_password"

    def __init__(
        self, message: str, *, guesses_left: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.guesses_left = guesses_left


class Locked(PasswordError):
    """Too many wrong passwords; the sender can unlock it."""

    code = "locked"


class IntegrityError(OtvError):
    """What came does not match the link: altered, cut, reordered, repeated or mixed."""

    code = "integrity"


class Refused(OtvError):
    """The server says no.

    Attributes:
        reason: the server's own code: upload_token, too_large, no_room, slow_down, egress_spent, …
    """

    code = "refused"

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class NotYet(OtvError):
    """The link opens later.

    Attributes:
        opens_at: RFC 3339.
    """

    code = "not_yet"

    def __init__(self, message: str, *, opens_at: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.opens_at = opens_at


class LocalError(OtvError):
    """This machine: no room, a file in the way, no permission, a source that changed."""

    code = "local"


class Interrupted(OtvError):
    """The user stopped it."""

    code = "interrupted"


# One table from error to exit code; tests hold it complete.
EXIT_CODES: dict[type[OtvError], int] = {
    UsageError: 2,
    LinkError: 2,
    LinkDamaged: 2,
    LinkTooNew: 2,
    Unreachable: 3,
    UnknownKey: 3,
    WrongKey: 6,
    Over: 4,
    Unknown: 4,
    PasswordError: 5,
    PasswordMissing: 5,
    WrongPassword: 5,
    Locked: 5,
    IntegrityError: 6,
    Refused: 7,
    NotYet: 8,
    LocalError: 9,
    Interrupted: 130,
}


def exit_code(error: OtvError) -> int:
    """The exit code of an error, by its class."""
    return EXIT_CODES[type(error)]
