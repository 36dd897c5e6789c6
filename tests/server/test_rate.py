"""How often one address may come without a right proof (protocol section 7, errors)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otv_server.api.limiter import MOST_BUCKETS, Buckets
from tests.server.timed import timed_api
from tests.support import Api, new_id, new_secret, send_small, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

TOO_OFTEN = (429, "slow_down")


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Api]:
    """A server that lets one address come twice a second."""
    with timed_api(tmp_path, rate=2, max_unsealed=1000) as api:
        yield api


def exhaust(api: Api) -> httpx.Response:
    """Come without a proof until told to slow down."""
    for _ in range(200):
        answer = api.http.get("/nothing")
        if answer.status_code == 429:
            return answer
    raise AssertionError("200 requests in a row were answered")


def test_wrong_proofs_are_told_to_slow_down(limited: Api) -> None:
    """Else a guesser would get as many tries as the line carries."""
    link = send_small(limited).link
    link.access = new_secret()

    answers = [limited.look(link) for _ in range(50)]

    refused = [answer for answer in answers if verdict(answer) == TOO_OFTEN]
    assert len(refused) >= 30
    assert {int(answer.headers["Retry-After"]) for answer in refused} == {1}
    assert {verdict(answer) for answer in answers} == {TOO_OFTEN, (404, "unknown")}


def test_limit_does_not_tell_how_near_it_is(limited: Api) -> None:
    """Else a guesser could run just below it."""
    refused = exhaust(limited)

    names = [*refused.headers, *limited.http.get("/info").headers]
    assert not [name for name in names if "ratelimit" in name]


def test_right_proofs_are_never_slowed_down(limited: Api) -> None:
    """Else anyone behind the same address could keep a recipient from reading."""
    share, lease = send_small(limited), new_secret()
    limited.claim(share.link, lease)
    exhaust(limited)

    answers = [
        answer
        for _ in range(20)
        for answer in (
            limited.look(share.link),
            limited.claim(share.link, lease),
            limited.content(share.link, lease),
            limited.share(share.sid, share.owner),
        )
    ]

    assert {answer.status_code for answer in answers} == {200}


def test_error_after_a_right_proof_is_not_slowed_down(limited: Api) -> None:
    """Else a person who mistypes a password would be told of something else."""
    link = send_small(limited).link
    exhaust(limited)

    answers = [limited.claim(link, new_secret(), unlock=new_secret()) for _ in range(12)]

    assert {verdict(answer) for answer in answers} == {(403, "wrong_password"), (423, "locked")}


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.create(new_id(), new_secret(), 100),
        lambda api: api.http.get("/info"),
        lambda api: api.http.put("/info"),
        lambda api: api.http.get("/shares/x"),
    ],
    ids=["new share", "info", "wrong method", "bad id"],
)
def test_whatever_needs_no_proof_is_counted(
    limited: Api, ask: Callable[[Api], httpx.Response]
) -> None:
    """Else one address could keep the server busy for nothing."""
    exhaust(limited)

    assert TOO_OFTEN in {verdict(ask(limited)) for _ in range(20)}


class Seconds:
    """A clock that never jumps, turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def allowed(limiter: Buckets, bucket: str, times: int) -> int:
    """How many of so many requests pass."""
    return sum(limiter.allows(bucket) for _ in range(times))


def test_bucket_holds_one_second_of_requests() -> None:
    """Else a page that loads all at once would be slowed down, or a flood would not."""
    assert allowed(Buckets(5, Seconds()), "a", 9) == 5


def test_bucket_fills_with_time_and_no_further() -> None:
    """Else a patient caller would be kept out, or an idle one could save up for a flood."""
    seconds = Seconds()
    limiter = Buckets(5, seconds)
    allowed(limiter, "a", 9)

    seconds.now += 0.6
    after_a_moment = allowed(limiter, "a", 9)
    seconds.now += 3600
    after_an_hour = allowed(limiter, "a", 9)

    assert (after_a_moment, after_an_hour) == (3, 5)


def test_each_address_has_its_own() -> None:
    """Else one caller could slow down all others."""
    limiter = Buckets(5, Seconds())
    allowed(limiter, "a", 9)

    assert allowed(limiter, "b", 9) == 5


def test_no_rate_is_no_limit() -> None:
    """Else an operator could not leave this to a proxy."""
    assert allowed(Buckets(0, Seconds()), "a", 1000) == 1000


def test_memory_is_bounded() -> None:
    """Else a flood from many addresses would fill the server's memory."""
    limiter = Buckets(1, Seconds())

    for number in range(MOST_BUCKETS + 1):
        limiter.allows(str(number))

    # The first was forgotten, so it passes again; the second is known, and has used its one.
    assert not limiter.allows(str(1))
    assert limiter.allows(str(0))
