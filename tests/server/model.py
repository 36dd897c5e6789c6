"""Protocol section 8 as a small model: plain values, no database, written from the specification.

The model decides what a server must answer; ``test_model.py`` asks the server the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LEASE_MS = 3600 * 1000  # what small contents get
LOCKS_AFTER, ENDS_AFTER = 10, 100

Verdict = tuple[int, str | None]
UNKNOWN: Verdict = (404, "unknown")
OVER: Verdict = (410, "over")
OK: Verdict = (200, None)
DONE: Verdict = (204, None)


@dataclass
class Opening:
    """One lease and what became of it."""

    lease: bytes
    until: int
    outcome: str = "leased"

    def at(self, now: int) -> str:
        """Its outcome, a lapse included that nobody wrote down."""
        return "lapsed" if self.outcome == "leased" and now >= self.until else self.outcome


@dataclass
class Link:
    """One link. ``end`` is what ended it, but for expiry, which the clock decides."""

    opens: int
    opens_at: int
    expires_at: int
    left: int = 0
    guesses: int = 0
    guesses_in_all: int = 0
    end: str | None = None
    openings: list[Opening] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = self.opens

    # --- what it is -------------------------------------------------------------------------

    def end_at(self, now: int) -> str | None:
        """What has ended it by now."""
        return self.end or ("expired" if now >= self.expires_at else None)

    def leases(self, now: int) -> list[Opening]:
        """The openings that may still read."""
        return [opening for opening in self.openings if opening.at(now) == "leased"]

    def guesses_left(self) -> int:
        """Wrong passwords until it locks or ends."""
        return max(0, min(LOCKS_AFTER - self.guesses, ENDS_AFTER - self.guesses_in_all))

    def state(self, now: int) -> str:
        """The first that fits, in the order of the specification."""
        end = self.end_at(now)
        if end in ("revoked", "guessed", "expired"):
            return end
        if end == "spent":
            outcomes = {opening.outcome for opening in self.openings}
            return "opened" if "opened" in outcomes else "taken"
        if not self.guesses_left():
            return "locked"
        return "scheduled" if now < self.opens_at else "ready"

    # --- what may be done with it -----------------------------------------------------------

    def claim(self, lease: bytes, now: int, *, is_right: bool) -> Verdict:
        """The claim, in the order of the specification."""
        known = self.find(lease)
        if known is not None:
            return self._claim_again(known, now, is_right=is_right)
        if self.end_at(now):
            return OVER
        if now < self.opens_at:
            return 403, "not_yet"
        if not self.guesses_left():
            return 423, "locked"
        if not is_right:
            return self._guess()
        self._settle_expiry(now)
        self.left -= 1
        self.end = "spent" if not self.left else self.end
        self.openings.append(Opening(lease, now + LEASE_MS))
        return OK

    def _claim_again(self, known: Opening, now: int, *, is_right: bool) -> Verdict:
        if known.at(now) != "leased":
            return OVER
        if is_right:
            return OK
        return self._guess() if self.guesses_left() else (423, "locked")

    def _guess(self) -> Verdict:
        self.guesses += 1
        self.guesses_in_all += 1
        if self.guesses_in_all == ENDS_AFTER:
            self.end = self.end or "guessed"
        return 403, "wrong_password"

    def read(self, lease: bytes, now: int) -> Verdict:
        """The content, as long as the lease lives."""
        known = self.find(lease)
        if known is None:
            return UNKNOWN
        return OK if known.at(now) == "leased" else OVER

    def acknowledge(self, lease: bytes, outcome: str, now: int) -> Verdict:
        """The reader's last word, once."""
        known = self.find(lease)
        if known is None:
            return UNKNOWN
        if known.at(now) in ("lapsed", "revoked"):
            return OVER
        if known.outcome not in ("leased", outcome):
            return 409, "conflict"
        self._settle_expiry(now)
        known.outcome = outcome
        return DONE

    def reset(self, now: int) -> Verdict:
        """Forgive the guesses so far, but not all there ever were."""
        if self.end_at(now):
            return OVER
        self.guesses = 0
        return DONE

    def revoke(self, now: int) -> None:
        """End it, unless it is over: then it keeps the end that it had."""
        if self.end_at(now) and not self.leases(now):
            return
        for opening in self.leases(now):
            opening.outcome = "revoked"
        self.end = "revoked"

    def find(self, lease: bytes) -> Opening | None:
        """The opening under this lease."""
        return next((opening for opening in self.openings if opening.lease == lease), None)

    def _settle_expiry(self, now: int) -> None:
        """What has expired stays so, whatever comes after."""
        self.end = self.end_at(now)
