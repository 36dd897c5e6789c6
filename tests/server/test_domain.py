"""States, limits and the decision over a claim, as plain values (protocol section 8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otv_server.domain.errors import (
    Locked,
    Malformed,
    NotYet,
    OtvError,
    Over,
    TooLarge,
    WrongPassword,
)
from otv_server.domain.limits import (
    PART_BYTES,
    Limits,
    check_part,
    content_root,
    egress_budget,
)
from otv_server.domain.share import (
    ClaimAttempt,
    ClaimDecision,
    End,
    Link,
    LinkState,
    NewLink,
    NewShare,
    Opening,
    Outcome,
    decide_claim,
    end_lease,
    over,
)
from tests.support import hashed, root_of

LIMITS = Limits()
OPENS_AT, EXPIRES_AT = 1_000_000, 2_000_000
LINK = Link(
    key=1,
    share_key=1,
    id=bytes(12),
    content_bytes=100,
    opens=2,
    opens_left=2,
    opens_at=OPENS_AT,
    expires_at=EXPIRES_AT,
)
LEASE = hashed(b"T")
ALIVE = Opening(lease=LEASE, claimed_at=OPENS_AT, lease_until=5_000_000)
ATTEMPT = ClaimAttempt(lease=LEASE, address="192.0.2.0/24")
LOCKED = replace(LINK, guesses=10, guesses_in_all=10)
SPENT = replace(LINK, opens_left=0, end=End.SPENT, ended_at=1_500_000)


@pytest.mark.parametrize(
    ("link", "now", "state", "since"),
    [
        (LINK, OPENS_AT - 1, LinkState.SCHEDULED, None),
        (LINK, OPENS_AT, LinkState.READY, None),
        (LINK, EXPIRES_AT - 1, LinkState.READY, None),
        (LINK, EXPIRES_AT, LinkState.EXPIRED, EXPIRES_AT),
        (LOCKED, OPENS_AT, LinkState.LOCKED, None),
        (LOCKED, OPENS_AT - 1, LinkState.LOCKED, None),
        (LOCKED, EXPIRES_AT, LinkState.EXPIRED, EXPIRES_AT),
        (SPENT, EXPIRES_AT, LinkState.TAKEN, 1_500_000),
        (replace(SPENT, opened_at=1_600_000), EXPIRES_AT, LinkState.OPENED, 1_600_000),
        (replace(SPENT, opened_at=1_400_000), EXPIRES_AT, LinkState.OPENED, 1_500_000),
        (replace(LINK, opened_at=1_400_000), 1_500_000, LinkState.READY, None),
        (replace(LINK, opened_at=1_400_000), EXPIRES_AT, LinkState.EXPIRED, EXPIRES_AT),
        (replace(LOCKED, end=End.REVOKED, ended_at=7), EXPIRES_AT, LinkState.REVOKED, 7),
        (replace(LOCKED, end=End.GUESSED, ended_at=8), EXPIRES_AT, LinkState.GUESSED, 8),
    ],
)
def test_first_state_that_fits(link: Link, now: int, state: LinkState, since: int | None) -> None:
    """Else people are told the wrong reason, and do the wrong thing about it."""
    assert (link.state(now), link.since(now)) == (state, since)


def test_first_end_stands() -> None:
    """Else a link opened in time would be shown as expired."""
    assert SPENT.ended(End.EXPIRED, EXPIRES_AT) == SPENT
    assert LINK.ended(End.EXPIRED, EXPIRES_AT).end is End.EXPIRED


@pytest.mark.parametrize(
    ("guesses", "in_all", "left"),
    [(0, 0, 10), (9, 9, 1), (10, 10, 0), (0, 95, 5), (4, 99, 1), (0, 100, 0), (12, 12, 0)],
)
def test_guesses_left_until_it_locks_or_ends(guesses: int, in_all: int, left: int) -> None:
    """Else a person would be told of a try that they don't have."""
    assert replace(LINK, guesses=guesses, guesses_in_all=in_all).guesses_left == left


def decide(
    link: Link,
    known: Opening | None = None,
    *,
    unlock_is_right: bool = True,
    now: int = 1_500_000,
) -> ClaimDecision:
    """The decision over ``ATTEMPT``."""
    return decide_claim(
        link, known, ATTEMPT, unlock_is_right=unlock_is_right, now=now, limits=LIMITS
    )


def test_right_claim_takes_one_opening() -> None:
    """Else a link would open more often than it may, or not at all."""
    decision = decide(LINK)

    assert decision.error is None
    assert decision.is_new
    assert (decision.link.opens_left, decision.link.leases, decision.link.end) == (1, 1, None)
    assert decision.opening == Opening(
        lease=LEASE,
        claimed_at=1_500_000,
        lease_until=1_500_000 + 3_600_000,
        address="192.0.2.0/24",
    )


def test_last_opening_ends_the_link() -> None:
    """Else a spent link would say that it is ready."""
    decision = decide(replace(LINK, opens_left=1))

    assert decision.link.opens_left == 0
    assert (decision.link.end, decision.link.ended_at) == (End.SPENT, 1_500_000)


@pytest.mark.parametrize(
    ("link", "now", "error"),
    [
        (LINK, OPENS_AT - 1, NotYet),
        (LINK, EXPIRES_AT, Over),
        (SPENT, 1_500_000, Over),
        (replace(LINK, end=End.REVOKED, ended_at=1), 1_500_000, Over),
        (LOCKED, 1_500_000, Locked),
        (LOCKED, OPENS_AT - 1, NotYet),
        (LOCKED, EXPIRES_AT, Over),
        (replace(LINK, guesses_in_all=100, end=End.GUESSED, ended_at=1), OPENS_AT - 1, Over),
    ],
)
def test_refusals_come_in_order_and_do_not_ask_for_u(
    link: Link, now: int, error: type[OtvError]
) -> None:
    """Else a guesser could test passwords on a link that is locked, early or over."""
    for is_right in (True, False):
        decision = decide(link, unlock_is_right=is_right, now=now)
        assert type(decision.error) is error
        assert decision.link == link
        assert decision.opening is None


def test_wrong_u_counts_and_spends_nothing() -> None:
    """Else a typo would cost the recipient the file, or a guesser nothing."""
    decision = decide(LINK, unlock_is_right=False)

    assert isinstance(decision.error, WrongPassword)
    assert decision.error.guesses_left == 9
    assert decision.link == replace(LINK, guesses=1, guesses_in_all=1)


def test_hundredth_wrong_u_ends_the_link() -> None:
    """Else resets would give a guesser all the guesses there are."""
    decision = decide(replace(LINK, guesses=4, guesses_in_all=99), unlock_is_right=False)

    assert isinstance(decision.error, WrongPassword)
    assert decision.error.guesses_left == 0
    assert (decision.link.end, decision.link.ended_at) == (End.GUESSED, 1_500_000)


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        SPENT,
        LOCKED,
        replace(LINK, end=End.EXPIRED, ended_at=EXPIRES_AT),
        replace(LINK, guesses_in_all=100, end=End.GUESSED, ended_at=1),
    ],
)
def test_live_lease_gets_its_opening_again_whatever_the_link(link: Link) -> None:
    """Else a lost answer would cost the recipient the file."""
    decision = decide(link, ALIVE, now=EXPIRES_AT + 1)

    assert (decision.opening, decision.is_new, decision.error) == (ALIVE, False, None)
    assert decision.link == link


@pytest.mark.parametrize(
    "known",
    [
        replace(ALIVE, lease_until=1_500_000),
        *(
            replace(ALIVE, outcome=outcome, ended_at=1)
            for outcome in Outcome
            if outcome is not Outcome.LEASED
        ),
    ],
)
def test_dead_lease_gets_nothing(known: Opening) -> None:
    """Else one T could take a second opening."""
    for is_right in (True, False):
        decision = decide(LINK, known, unlock_is_right=is_right)
        assert isinstance(decision.error, Over)
        assert decision.link == LINK


def test_live_lease_with_a_wrong_u_is_counted_or_locked() -> None:
    """Else whoever found a T could try passwords without end."""
    counted = decide(SPENT, ALIVE, unlock_is_right=False)
    locked = decide(LOCKED, ALIVE, unlock_is_right=False)

    assert isinstance(counted.error, WrongPassword)
    assert counted.link.guesses == 1
    assert counted.link.end is End.SPENT
    assert isinstance(locked.error, Locked)


def test_over_names_the_link_only_where_the_link_has_ended() -> None:
    """Else a person would be told that a link is over that others can still open."""
    alive, ended = over(LINK, 1_500_000), over(SPENT, 1_500_000)

    assert (alive.state, alive.since) == (None, None)
    assert (ended.state, ended.since) == (LinkState.TAKEN, 1_500_000)


def test_lease_lapses_by_itself() -> None:
    """Else what a report says would depend on when a sweep came by."""
    before, after = (ALIVE.seen_at(now) for now in (4_999_999, 5_000_000))

    assert before == ALIVE
    assert (after.outcome, after.ended_at) == (Outcome.LAPSED, 5_000_000)
    acknowledged = replace(ALIVE, outcome=Outcome.OPENED, ended_at=3)
    assert acknowledged.seen_at(9_000_000) == acknowledged


def test_first_opened_acknowledgement_is_the_one_that_counts() -> None:
    """Else "opened at" would move with every further reader."""
    leased = replace(LINK, leases=2)

    rejected, _ = end_lease(leased, ALIVE, Outcome.REJECTED, 10)
    opened, ended = end_lease(rejected, ALIVE, Outcome.OPENED, 20)
    again, _ = end_lease(opened, ALIVE, Outcome.OPENED, 30)

    assert [link.opened_at for link in (rejected, opened, again)] == [None, 20, 20]
    assert (ended.outcome, ended.ended_at, opened.leases) == (Outcome.OPENED, 20, 0)


@pytest.mark.parametrize(
    ("content_bytes", "seconds"),
    [
        (0, 3600),
        (25_166_624, 3600),
        (3600 << 16, 3600),
        ((3600 << 16) + 1, 3601),
        (86_400 << 16, 86_400),
        (11 << 30, 86_400),
    ],
)
def test_lease_lasts_as_long_as_a_slow_line_needs(content_bytes: int, seconds: int) -> None:
    """Else large files could not be read over slow lines."""
    assert LIMITS.lease_s(content_bytes) == seconds


def test_allowance_is_three_times_and_64_mib() -> None:
    """Else retries would fail, or one lease could pull traffic without end."""
    assert [egress_budget(size) for size in (0, 1, 11 << 30)] == [
        64 << 20,
        (64 << 20) + 3,
        (33 << 30) + (64 << 20),
    ]


@pytest.mark.parametrize(
    ("index", "length", "declared"),
    [
        (0, PART_BYTES, PART_BYTES),
        (0, PART_BYTES, PART_BYTES + 1),
        (1, 1, PART_BYTES + 1),
        (0, 1, 1),
        (0, 1, None),
        (7, 1, None),
        (1407, PART_BYTES, None),
    ],
)
def test_part_that_fits(index: int, length: int, declared: int | None) -> None:
    """Else an honest sender would be refused."""
    check_part(index, length, declared, LIMITS)


@pytest.mark.parametrize(
    ("index", "length", "declared", "error"),
    [
        (0, 0, 100, Malformed),
        (0, 0, None, Malformed),
        (0, PART_BYTES + 1, None, TooLarge),
        (0, PART_BYTES + 1, 1 << 30, TooLarge),
        (0, 101, 100, TooLarge),
        (1, 1, 100, TooLarge),
        (0, 99, 100, Malformed),
        (0, 1, PART_BYTES + 1, Malformed),
        (1408, 1, None, TooLarge),
        (2**31 - 1, PART_BYTES, None, TooLarge),
    ],
)
def test_part_that_can_not_belong(
    index: int, length: int, declared: int | None, error: type[OtvError]
) -> None:
    """Else a share could take more room than was reserved for it."""
    with pytest.raises(error):
        check_part(index, length, declared, LIMITS)


def test_root_is_the_protocols() -> None:
    """Else no client's seal would ever fit."""
    parts = [bytes(PART_BYTES), b"x"]

    assert content_root(PART_BYTES + 1, [hashed(part) for part in parts]) == root_of(parts)


def test_secrets_do_not_show_in_reprs() -> None:
    """Else one careless line of logging would give a proof away."""
    secret = b"a secret of thirty-two bytes abc"
    link = NewLink(
        id=bytes(12), access=secret, unlock=secret, manifest=secret, opens=1, delay_s=0, ttl_s=9
    )
    share = NewShare(
        id=bytes(12), owner=secret, content_bytes=0, links=(link,), body=b"", uploader="x"
    )
    values = [link, share, replace(ALIVE, lease=secret), ClaimAttempt(lease=secret, address=None)]

    assert "a secret" not in repr(values)
