"""Shares, links, openings: what they are, what state they are in, how they change.

Everything here is a value; nothing knows a clock. The transitions (protocol section 8):

    share     uploading → sealed → gone
    link      ready → spent │ expired │ revoked │ guessed      over: ended, and no lease alive
    opening   leased → opened │ rejected │ lapsed │ revoked
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from otv_server.domain.errors import Locked, NotYet, OtvError, Over, WrongPassword
from otv_server.domain.limits import GUESSES_IN_ALL, GUESSES_PER_RESET, Limits

Instant = int
"""Milliseconds since 1970-01-01T00:00:00Z."""


class ShareState(StrEnum):
    """The life of a share."""

    UPLOADING = "uploading"
    SEALED = "sealed"
    GONE = "gone"


class LinkState(StrEnum):
    """What a link looks like from outside; several may fit, ``Link.state`` picks the first."""

    REVOKED = "revoked"
    GUESSED = "guessed"
    OPENED = "opened"
    TAKEN = "taken"
    EXPIRED = "expired"
    LOCKED = "locked"
    SCHEDULED = "scheduled"
    READY = "ready"


class End(StrEnum):
    """Why a link can't be claimed any more."""

    SPENT = "spent"
    EXPIRED = "expired"
    REVOKED = "revoked"
    GUESSED = "guessed"


class Outcome(StrEnum):
    """The life of an opening."""

    LEASED = "leased"
    OPENED = "opened"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a link: a lease, and what became of it."""

    lease: bytes = field(repr=False)  # H(T)
    claimed_at: Instant
    lease_until: Instant
    outcome: Outcome = Outcome.LEASED
    ended_at: Instant | None = None
    bytes_read: int = 0
    mac: bytes | None = None
    address: str | None = None

    def is_alive(self, now: Instant) -> bool:
        """Whether its lease may still read."""
        return self.outcome is Outcome.LEASED and now < self.lease_until

    def seen_at(self, now: Instant) -> Opening:
        """As it is at ``now``: a lease that ran out has lapsed, swept or not."""
        if self.outcome is Outcome.LEASED and not self.is_alive(now):
            return replace(self, outcome=Outcome.LAPSED, ended_at=self.lease_until)
        return self


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a share, as its row stands.

    ``guesses`` counts wrong passwords since the last reset, ``guesses_in_all`` all of them.
    ``leases`` counts its openings that are still leased. ``over`` says that its manifest is erased.
    """

    key: int  # the repository's own; never leaves it
    share_key: int
    id: bytes
    content_bytes: int
    opens: int
    opens_left: int
    opens_at: Instant
    expires_at: Instant
    guesses: int = 0
    guesses_in_all: int = 0
    leases: int = 0
    end: End | None = None
    ended_at: Instant | None = None
    opened_at: Instant | None = None  # the first acknowledgement that says "opened"
    over: bool = False

    def end_at(self, now: Instant) -> End | None:
        """Why it can't be claimed at ``now``, or None where it can or will be."""
        if self.end is None and now >= self.expires_at:
            return End.EXPIRED
        return self.end

    def state(self, now: Instant) -> LinkState:
        """The first that fits, in the order of protocol section 8."""
        match self.end_at(now):
            case End.REVOKED:
                return LinkState.REVOKED
            case End.GUESSED:
                return LinkState.GUESSED
            case End.SPENT:
                return LinkState.TAKEN if self.opened_at is None else LinkState.OPENED
            case End.EXPIRED:
                return LinkState.EXPIRED
            case None:
                return self._state_before_end(now)

    def _state_before_end(self, now: Instant) -> LinkState:
        if self.guesses_left == 0:
            return LinkState.LOCKED
        return LinkState.SCHEDULED if now < self.opens_at else LinkState.READY

    def since(self, now: Instant) -> Instant | None:
        """When its present state began, or None before the end."""
        end = self.end_at(now)
        if end is End.SPENT and self.ended_at is not None:
            return max(self.ended_at, self.opened_at or 0)
        return self.expires_at if end is End.EXPIRED else self.ended_at

    @property
    def guesses_left(self) -> int:
        """Wrong passwords until it locks or ends."""
        return max(0, min(GUESSES_PER_RESET - self.guesses, GUESSES_IN_ALL - self.guesses_in_all))

    def ended(self, end: End, at: Instant) -> Link:
        """The link with its end set; the first end stands."""
        return self if self.end is not None else replace(self, end=end, ended_at=at)


@dataclass(frozen=True, slots=True)
class Part:
    """One stored part of a share's ciphertext."""

    index: int
    size: int
    digest: bytes
    blob: str


@dataclass(frozen=True, slots=True)
class LinkReport:
    """A link with its openings, for the sender."""

    link: Link
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A share as its owner may see it, at the instant ``now``."""

    id: bytes
    state: ShareState
    content_bytes: int
    parts: tuple[Part, ...]
    links: tuple[LinkReport, ...]
    now: Instant


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that a sender asks for. ``access`` and ``unlock`` are H(A) and H(U)."""

    id: bytes
    access: bytes = field(repr=False)
    unlock: bytes = field(repr=False)
    manifest: bytes = field(repr=False)
    opens: int
    delay_s: int
    ttl_s: int


@dataclass(frozen=True, slots=True)
class NewShare:
    """A share that a sender asks for. ``content_bytes`` is C, 0 for inline, None for unknown.

    ``body`` is a digest of the whole request: the same again is answered, another refused.
    ``uploader`` is the address that its unsealed shares are counted under; ``token`` the digest
    of the upload token that pays for it, where one has to.
    """

    id: bytes
    owner: bytes = field(repr=False)
    content_bytes: int | None
    links: tuple[NewLink, ...]
    body: bytes
    uploader: str
    token: bytes | None = field(default=None, repr=False)

    @property
    def manifest_bytes(self) -> int:
        """Manifests count as bytes."""
        return sum(len(link.manifest) for link in self.links)


@dataclass(frozen=True, slots=True)
class Sealing:
    """The last word of an upload: what must be there, and the links that open it."""

    parts: int
    content_bytes: int
    root: bytes
    links: tuple[NewLink, ...]
    body: bytes

    @property
    def manifest_bytes(self) -> int:
        """Manifests count as bytes."""
        return sum(len(link.manifest) for link in self.links)


@dataclass(frozen=True, slots=True)
class ClaimAttempt:
    """What someone who holds a link brings. ``lease`` is H(T)."""

    lease: bytes = field(repr=False)
    address: str | None


@dataclass(frozen=True, slots=True)
class ClaimDecision:
    """What became of a claim: the link as it must now be stored, and an opening or an error.

    ``is_new`` says that ``opening`` takes an opening; otherwise it is the one known before.
    """

    link: Link
    opening: Opening | None = None
    is_new: bool = False
    error: OtvError | None = None


def over(link: Link, now: Instant) -> Over:
    """What to say of a link, or of a lease on it, that has ended."""
    return Over() if link.end_at(now) is None else Over(link.state(now), link.since(now))


def decide_claim(
    link: Link,
    known: Opening | None,
    attempt: ClaimAttempt,
    *,
    unlock_is_right: bool,
    now: Instant,
    limits: Limits,
) -> ClaimDecision:
    """Decide a claim on a link whose row is held, in the order of protocol section 8.

    ``known`` is the opening that already has this lease, if any. ``unlock_is_right`` is the
    outcome of a constant-time comparison, made before anything was decided.
    """
    if known is not None:
        return _claim_again(link, known, unlock_is_right=unlock_is_right, now=now)
    if link.end_at(now) is not None:
        return ClaimDecision(link, error=over(link, now))
    if now < link.opens_at:
        return ClaimDecision(link, error=NotYet(link.opens_at))
    if link.guesses_left == 0:
        return ClaimDecision(link, error=Locked())
    if not unlock_is_right:
        return _count_guess(link, now)
    return _take_opening(link, attempt, now=now, limits=limits)


def _claim_again(
    link: Link, known: Opening, *, unlock_is_right: bool, now: Instant
) -> ClaimDecision:
    """A lease that claims again gets the same answer or none, never a second opening."""
    if not known.is_alive(now):
        return ClaimDecision(link, error=over(link, now))
    if not unlock_is_right:
        return _count_guess(link, now) if link.guesses_left else ClaimDecision(link, error=Locked())
    return ClaimDecision(link, opening=known)


def _count_guess(link: Link, now: Instant) -> ClaimDecision:
    counted = replace(link, guesses=link.guesses + 1, guesses_in_all=link.guesses_in_all + 1)
    if counted.guesses_in_all >= GUESSES_IN_ALL:
        counted = counted.ended(End.GUESSED, now)
    return ClaimDecision(counted, error=WrongPassword(counted.guesses_left))


def _take_opening(
    link: Link, attempt: ClaimAttempt, *, now: Instant, limits: Limits
) -> ClaimDecision:
    taken = replace(link, opens_left=link.opens_left - 1, leases=link.leases + 1)
    if taken.opens_left == 0:
        taken = taken.ended(End.SPENT, now)
    opening = Opening(
        lease=attempt.lease,
        claimed_at=now,
        lease_until=now + 1000 * limits.lease_s(link.content_bytes),
        address=attempt.address,
    )
    return ClaimDecision(taken, opening=opening, is_new=True)


def end_lease(link: Link, opening: Opening, outcome: Outcome, at: Instant) -> tuple[Link, Opening]:
    """Both as they stand once this live lease has ended."""
    ended = replace(opening, outcome=outcome, ended_at=at)
    first_opened = at if outcome is Outcome.OPENED and link.opened_at is None else link.opened_at
    return replace(link, leases=link.leases - 1, opened_at=first_opened), ended
