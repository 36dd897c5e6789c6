"""From what a server refuses to what this client raises: one table (protocol section 7).

No text of the server's reaches a message: its ``code`` chooses among sentences
that stand here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from otv_client import answers
from otv_client.errors import (
    Locked,
    NotYet,
    OtvError,
    Over,
    Refused,
    Unknown,
    Unreachable,
    WrongPassword,
)
from otv_client.instants import local_text, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

Problem = dict[str, Any]

_ENDINGS = {
    "opened": "this link has been opened already{at}",
    "taken": "someone else has taken this link{at}",
    "expired": "this link has expired{at}",
    "revoked": "the sender has revoked this link{at}",
    "guessed": "this link was ended by wrong passwords{at}",
}
_ENDING_HINTS = {
    "opened": "if that wasn't you, tell the sender that someone else has read it",
    "taken": "if that wasn't you, tell the sender that someone else is reading it",
    "guessed": "ask the sender for a new link",
}


def over(state: str, since: datetime | None, now: datetime) -> Over:
    """The error for a link that has ended.

    Args:
        state: opened, taken, expired, revoked or guessed; anything else is told as "over".
        since: when it ended, or None.
        now: to say ``14:03`` for today and a date for any other day.
    """
    at = f", at {local_text(since, now)}" if since else ""
    return Over(
        _ENDINGS.get(state, "this is over{at}").format(at=at),
        state=state if state in _ENDINGS else "over",
        since=rfc3339(since) if since else None,
        hint=_ENDING_HINTS.get(state),
    )


def locked() -> Locked:
    """The error for a link that takes no more guesses."""
    return Locked(
        "too many wrong passwords: this link is locked",
        hint="the sender can unlock it",
    )


def not_yet(opens_at: datetime, now: datetime) -> NotYet:
    """The error for a link that opens later."""
    return NotYet(
        f"this link opens later, at {local_text(opens_at, now)}", opens_at=rfc3339(opens_at)
    )


def nonsense(detail: str = "") -> Unreachable:
    """The error for an answer that isn't one."""
    tail = f" ({detail})" if detail else ""
    return Unreachable(
        f"the server's answer makes no sense{tail}",
        hint="is this the address of a one-time view server?",
    )


def _maybe(read: Callable[[Problem, str], Any], problem: Problem, key: str) -> Any:
    """An extra field of a problem; a problem without a usable one is still that problem."""
    try:
        return answers.optional(read, problem, key)
    except answers.Nonsense:
        return None


def _over(problem: Problem) -> OtvError:
    state = _maybe(answers.text, problem, "state") or "over"
    return over(state, _maybe(answers.instant, problem, "since"), datetime.now(UTC))


def _wrong_password(problem: Problem) -> OtvError:
    left = _maybe(answers.whole, problem, "guesses_left")
    told = "" if left is None else f"; {left} more before the link locks"
    return WrongPassword(f"wrong password{told}", guesses_left=left, hint="nothing was spent")


def _not_yet(problem: Problem) -> OtvError:
    opens_at = _maybe(answers.instant, problem, "opens_at")
    if opens_at is None:
        return nonsense("not open yet, but no time")
    return not_yet(opens_at, datetime.now(UTC))


def _unknown(_: Problem) -> OtvError:
    return Unknown(
        "the server knows no such link or share",
        hint="it may have ended long ago, or the link may be of another server",
    )


def _refused(reason: str, message: str, hint: str | None = None) -> Callable[[Problem], OtvError]:
    def build(_: Problem) -> OtvError:
        return Refused(message, reason=reason, hint=hint)

    return build


def _upload_token(_: Problem) -> OtvError:
    return Refused(
        "the server wants an upload token, and takes none that is wrong, revoked or over",
        reason="upload_token",
        hint="ask whoever runs it, and give it with --upload-token-file or OTV_UPLOAD_TOKEN",
    )


# Section 7's table of codes; a test holds it complete.
PROBLEMS: dict[str, Callable[[Problem], OtvError]] = {
    "malformed": _refused("malformed", "the server doesn't understand this client"),
    "digest_mismatch": _refused("digest_mismatch", "the upload was damaged on its way"),
    "upload_token": _upload_token,
    "wrong_password": _wrong_password,
    "not_yet": _not_yet,
    "egress_spent": _refused("egress_spent", "this opening has read all that it may"),
    "cross_origin": _refused("cross_origin", "the server takes this for another site's page"),
    "unknown": _unknown,
    "method": _refused("method", "the server doesn't know this call"),
    "length_required": _refused("length_required", "the server misses the upload's length"),
    "too_large": _refused("too_large", "this is larger than the server allows"),
    "range": _refused("range", "the server doesn't have the range asked for"),
    "conflict": _refused("conflict", "the server holds something else under this id"),
    "over": _over,
    "wrong_host": _refused(
        "wrong_host",
        "the server doesn't go by the name that it was called by",
        "use its address, or ask whoever runs it to add the name",
    ),
    "locked": lambda _: locked(),
    "slow_down": _refused("slow_down", "the server asks to slow down", "try again in a minute"),
    "unavailable": lambda _: Unreachable("the server can't answer at the moment"),
    "no_room": _refused("no_room", "the server has no room for this", "try again later"),
}

_REDIRECTIONS = range(300, 400)  # RFC 9110
_SERVER_ERRORS = 500
# What a proxy in front of a server says without a code of the protocol's.
_BY_STATUS = {413: "too_large", 429: "slow_down", 503: "unavailable", 507: "no_room"}


def error_of(status: int, problem: Problem | None) -> OtvError:
    """The exception for a refusal: by its code, else by its status."""
    code = (problem or {}).get("code")
    if not isinstance(code, str) or code not in PROBLEMS:
        code = _BY_STATUS.get(status)
    if code is not None:
        return PROBLEMS[code](problem or {})
    if status >= _SERVER_ERRORS:
        return Unreachable(f"the server failed (status {status})")
    if status in _REDIRECTIONS:
        return Unreachable(
            "the server answers with a redirection, which this client doesn't follow",
            hint="give the address that it redirects to",
        )
    return nonsense(f"status {status}")
