"""Upload tokens: who may send although they are not near, how much, how often, until when. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from otv_server.domain.errors import SlowDown, TooLarge, UploadTokenNeeded

if TYPE_CHECKING:
    from otv_server.domain.share import Instant

HOUR_MS = 3_600_000
MOST_NAME_CHARACTERS = 100


class TokenState(StrEnum):
    """What a token is good for."""

    GOOD = "good"
    ENDED = "ended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """What a token allows; None is no limit of its own.

    Attributes:
        name: for whoever hands tokens out.
        share_bytes: of one share, the manifests of a small one included.
        shares_per_hour: so many at once, and then so many in an hour.
        ttl_s: how long it is good for, from when it is made.
    """

    name: str
    share_bytes: int | None = None
    shares_per_hour: int | None = None
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class UploadToken:
    """A token as the server keeps it; of its text only the hash.

    Attributes:
        busy_until: when all shares sent so far are paid for, at the rate that it allows.
        shares: how many were sent with it.
    """

    key: int
    name: str
    digest: bytes = field(repr=False)
    share_bytes: int | None
    shares_per_hour: int | None
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    busy_until: Instant
    shares: int

    def state_at(self, now: Instant) -> TokenState:
        """What it is good for at this instant."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        if self.expires_at is not None and now >= self.expires_at:
            return TokenState.ENDED
        return TokenState.GOOD


def check_token(token: UploadToken | None, now: Instant) -> UploadToken:
    """Refuse a token that is not known, or not good any more; who holds it is told which.

    Raises:
        UploadTokenNeeded: with the reason.
    """
    if token is None:
        raise UploadTokenNeeded("This server does not know this upload token.")
    match token.state_at(now):
        case TokenState.REVOKED:
            raise UploadTokenNeeded("This upload token was revoked.")
        case TokenState.ENDED:
            raise UploadTokenNeeded("The time of this upload token is up.")
        case TokenState.GOOD:
            return token


def pay_for_share(token: UploadToken, size: int, now: Instant) -> Instant:
    """One share more, of at least ``size`` bytes; the ``busy_until`` that it leaves.

    Each share costs its part of an hour, and an hour may be spent at once.

    Raises:
        TooLarge, SlowDown: it is more than the token allows.
    """
    if token.share_bytes is not None and size > token.share_bytes:
        raise TooLarge(f"With this upload token a share holds at most {token.share_bytes} bytes.")
    if token.shares_per_hour is None:
        return token.busy_until
    busy_until = max(token.busy_until, now) + HOUR_MS // token.shares_per_hour
    if busy_until > now + HOUR_MS:
        raise SlowDown(f"This upload token allows {token.shares_per_hour} shares an hour.")
    return busy_until
