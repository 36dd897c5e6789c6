"""The claim, in the order in which it decides (protocol section 8)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import (
    Api,
    RawLink,
    b64,
    bearer,
    hashed,
    new_secret,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    import httpx

    from tests.server.timed import Clock

MINUTE_S = 60
HOUR_S = 3600


def post_claim(
    api: Api, link: RawLink, body: dict[str, str], proof: bytes | None
) -> httpx.Response:
    """A claim with any body, with or without a proof."""
    headers = {} if proof is None else bearer(proof)
    return api.http.post(f"/links/{b64(link.id)}/claim", json=body, headers=headers)


def without_now(claim: httpx.Response) -> dict[str, Any]:
    """A Claim but for the instant at which it was answered."""
    return {name: value for name, value in claim.json().items() if name != "now"}


def lock(api: Api, link: RawLink) -> None:
    """Ten wrong passwords."""
    for _ in range(10):
        api.claim(link, new_secret(), unlock=new_secret())


def test_claim_gives_everything_to_read_with(timed: Api) -> None:
    """Else a recipient would spend an opening and have nothing."""
    share = send_content(timed, [b"content"])

    claim = timed.claim(share.link, new_secret()).json()

    assert claim == {
        "manifest": b64(share.link.manifest),
        "bytes": 7,
        "digests": [b64(hashed(b"content"))],
        "lease_until": "2026-11-22T15:00:00.000Z",
        "now": "2026-11-22T14:00:00.000Z",
    }


@pytest.mark.section9("a claim without A")
def test_claim_without_a_spends_nothing(api: Api) -> None:
    """Else whoever sees a URL without its fragment could spend the opening."""
    share = send_small(api)
    body = {"unlock": b64(share.link.unlock), "lease": b64(new_secret())}

    refused = post_claim(api, share.link, body, None)

    assert verdict(refused) == (404, "unknown")
    assert api.look(share.link).json()["opens_left"] == 1


@pytest.mark.section9("A without U")
def test_claim_without_u_spends_nothing(api: Api) -> None:
    """Else a link alone would be enough where there is a password."""
    share = send_small(api)

    refused = post_claim(api, share.link, {"lease": b64(new_secret())}, share.link.access)
    wrong = api.claim(share.link, new_secret(), unlock=share.link.access)

    assert verdict(refused) == (400, "malformed")
    assert verdict(wrong) == (403, "wrong_password")
    assert api.look(share.link).json()["opens_left"] == 1


@pytest.mark.section9("U without A")
def test_u_in_place_of_a_spends_nothing(api: Api) -> None:
    """Else a password alone would be enough, whatever the link."""
    share = send_small(api)
    body = {"unlock": b64(share.link.unlock), "lease": b64(new_secret())}

    refused = post_claim(api, share.link, body, share.link.unlock)

    assert verdict(refused) == (404, "unknown")
    assert api.look(share.link).json()["opens_left"] == 1


@pytest.mark.section9("GET and HEAD on a claim")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
def test_only_post_claims(api: Api, method: str) -> None:
    """Else a link preview, a prefetch or a crawler could spend the opening."""
    share = send_small(api)

    refused = api.http.request(
        method, f"/links/{b64(share.link.id)}/claim", headers=bearer(share.link.access)
    )

    assert refused.status_code == 405
    assert api.look(share.link).json()["opens_left"] == 1


@pytest.mark.section9("too early")
def test_claim_before_its_time_spends_nothing(timed: Api, clock: Clock) -> None:
    """Else "opens at nine" would be a wish."""
    link = RawLink(delay_s=HOUR_S)
    send_small(timed, link)
    clock.forward(HOUR_S - 0.001)

    refused = timed.claim(link, new_secret())
    wrong = timed.claim(link, new_secret(), unlock=new_secret())
    clock.forward(0.001)

    assert verdict(refused) == verdict(wrong) == (403, "not_yet")
    assert refused.json()["opens_at"] == "2026-11-22T15:00:00.000Z"
    assert timed.look(link).json()["guesses_left"] == 10
    assert timed.claim(link, new_secret()).status_code == 200


@pytest.mark.section9("too late")
def test_claim_after_expiry_is_over(timed: Api, clock: Clock) -> None:
    """Else a link would open after the time that its sender gave it."""
    link = RawLink(ttl_s=MINUTE_S)
    send_small(timed, link)
    clock.forward(MINUTE_S)

    answers = [timed.claim(link, new_secret(), unlock=u) for u in (None, new_secret())]

    for refused in answers:
        assert verdict(refused) == (410, "over")
        assert refused.json()["state"] == "expired"
        assert refused.json()["since"] == "2026-11-22T14:01:00Z"


def test_claim_in_the_last_millisecond_is_in_time(timed: Api, clock: Clock) -> None:
    """Else a recipient would lose what the countdown still promised."""
    link = RawLink(ttl_s=MINUTE_S)
    send_small(timed, link)
    clock.forward(MINUTE_S - 0.001)

    assert timed.claim(link, new_secret()).status_code == 200


@pytest.mark.section9("a second T")
def test_second_lease_is_told_who_was_first(api: Api) -> None:
    """Else a link would open twice."""
    share = send_small(api)
    api.claim(share.link, new_secret())

    refused = api.claim(share.link, new_secret())

    assert verdict(refused) == (410, "over")
    assert refused.json()["state"] == "taken"
    assert len(share.report()["links"][0]["openings"]) == 1


def test_each_opening_is_taken_once(api: Api) -> None:
    """Else "opens three times" would be more, or fewer."""
    share = send_small(api, RawLink(opens=3))

    statuses = [api.claim(share.link, new_secret()).status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 410, 410]


@pytest.mark.section9("racing claims past the number of openings")
def test_racing_claims_take_no_more_than_there_is(api: Api) -> None:
    """Else two readers who click at once would both read."""
    share = send_small(api, RawLink(opens=2))

    with ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda _: api.claim(share.link, new_secret()), range(16))

    assert sorted(answer.status_code for answer in answers) == [200, 200, *[410] * 14]


def test_racing_retries_of_one_lease_take_one_opening(api: Api) -> None:
    """Else an impatient client would use up what was meant for others."""
    share, lease = send_small(api, RawLink(opens=3)), new_secret()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: api.claim(share.link, lease), range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert api.look(share.link).json()["opens_left"] == 2


def test_known_lease_gets_the_same_claim_as_long_as_it_lives(timed: Api, clock: Clock) -> None:
    """Else a lost answer, or an expiry in the middle, would cost the recipient the file."""
    share, lease = send_content(timed, [b"content"], RawLink(ttl_s=MINUTE_S)), new_secret()
    first = timed.claim(share.link, lease)

    clock.forward(2 * MINUTE_S)
    after_expiry = timed.claim(share.link, lease)
    clock.forward(HOUR_S - 2 * MINUTE_S - 0.001)
    at_the_end = timed.claim(share.link, lease)

    assert without_now(first) == without_now(after_expiry) == without_now(at_the_end)
    assert at_the_end.json()["now"] == "2026-11-22T14:59:59.999Z"
    assert len(share.report()["links"][0]["openings"]) == 1


@pytest.mark.section9("T after the end")
@pytest.mark.parametrize("end", ["lapsed", "opened", "rejected", "revoked"])
@pytest.mark.parametrize("opens", [1, 2])
def test_known_lease_that_has_ended_is_over(timed: Api, clock: Clock, end: str, opens: int) -> None:
    """Else one lease could read for ever, or take a second opening by asking again."""
    share, lease = send_small(timed, RawLink(opens=opens)), new_secret()
    timed.claim(share.link, lease)
    match end:
        case "lapsed":
            clock.forward(HOUR_S)
        case "revoked":
            timed.revoke(share.sid, share.owner)
        case outcome:
            timed.ack(share.link, lease, outcome)

    for unlock in (None, new_secret()):
        assert verdict(timed.claim(share.link, lease, unlock)) == (410, "over")

    (report,) = share.report()["links"]
    assert report["opens_left"] == opens - 1
    assert report["guesses"] == 0


def test_lease_that_ended_on_a_live_link_names_no_state_of_the_link(timed: Api) -> None:
    """Else a client would tell a person that the link is over when it is not."""
    link, lease = RawLink(opens=2), new_secret()
    send_small(timed, link)
    timed.claim(link, lease)
    timed.ack(link, lease)

    refused = timed.claim(link, lease).json()

    assert refused["code"] == "over"
    assert not {"state", "since"} & set(refused)


def test_known_lease_with_a_wrong_u_is_a_guess(api: Api) -> None:
    """Else whoever found a T could try passwords without end."""
    share, lease = send_small(api), new_secret()
    api.claim(share.link, lease)

    wrong = api.claim(share.link, lease, unlock=new_secret())

    assert verdict(wrong) == (403, "wrong_password")
    assert wrong.json()["guesses_left"] == 9
    assert share.report()["links"][0]["guesses"] == 1


def test_known_lease_on_a_locked_link_still_reads(api: Api) -> None:
    """Else a guesser could take the file away from who is reading it."""
    share, lease = send_small(api, RawLink(opens=2)), new_secret()
    api.claim(share.link, lease)
    lock(api, share.link)

    right = api.claim(share.link, lease)
    wrong = api.claim(share.link, lease, unlock=new_secret())
    other = api.claim(share.link, new_secret())

    assert right.status_code == 200
    assert verdict(wrong) == (423, "locked")
    assert verdict(other) == (423, "locked")


def test_lease_of_one_link_is_a_new_one_on_another(api: Api) -> None:
    """Else a recipient of two links who draws one T would be refused one of them."""
    first, second, lease = send_small(api), send_small(api), new_secret()

    answers = [api.claim(share.link, lease) for share in (first, second)]

    assert [answer.json()["manifest"] for answer in answers] == [
        b64(share.link.manifest) for share in (first, second)
    ]


def test_locked_link_that_expires_is_expired(timed: Api, clock: Clock) -> None:
    """Else a recipient would wait for an unlocking that can't come."""
    link = RawLink(ttl_s=MINUTE_S)
    send_small(timed, link)
    lock(timed, link)
    clock.forward(MINUTE_S)

    refused = timed.claim(link, new_secret())

    assert verdict(refused) == (410, "over")
    assert refused.json()["state"] == "expired"
