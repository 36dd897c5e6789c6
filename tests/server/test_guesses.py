"""Wrong passwords: told before anything is spent, and counted (protocol section 8)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support import (
    Api,
    RawLink,
    b64,
    bearer,
    hashed,
    new_secret,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    import httpx

    from tests.server.timed import Clock


def guess(api: Api, link: RawLink) -> httpx.Response:
    """A claim with a wrong password."""
    return api.claim(link, new_secret(), unlock=new_secret())


def guess_to_the_hundredth(api: Api, share_sid: bytes, owner: bytes, link: RawLink) -> list[int]:
    """A hundred wrong passwords with a reset after each ten; what each was told is left."""
    told = []
    for number in range(100):
        if number and number % 10 == 0:
            assert api.reset(share_sid, owner, link).status_code == 204
        told.append(guess(api, link).json()["guesses_left"])
    return told


def test_wrong_password_spends_nothing(api: Api) -> None:
    """Else a typo would cost the recipient the file."""
    share = send_small(api)

    told = [guess(api, share.link) for _ in range(9)]

    assert {verdict(answer) for answer in told} == {(403, "wrong_password")}
    assert [answer.json()["guesses_left"] for answer in told] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert api.look(share.link).json()["guesses_left"] == 1
    assert share.report()["links"][0]["openings"] == []
    assert api.claim(share.link, new_secret()).status_code == 200


def test_tenth_wrong_password_locks(api: Api) -> None:
    """Else whoever has the link could try passwords until one fits."""
    share = send_small(api)

    told = [guess(api, share.link) for _ in range(11)]
    right = api.claim(share.link, new_secret())

    assert verdict(told[9]) == (403, "wrong_password")
    assert told[9].json()["guesses_left"] == 0
    assert verdict(told[10]) == (423, "locked")
    assert verdict(right) == (423, "locked")
    assert api.look(share.link).json()["state"] == "locked"
    assert share.report()["links"][0]["guesses"] == 10


@pytest.mark.section9("racing guesses past the limit")
def test_racing_guesses_count_to_ten(api: Api) -> None:
    """Else forty connections at once would get forty guesses."""
    share = send_small(api)

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: guess(api, share.link), range(40)))

    verdicts = sorted(verdict(answer) for answer in answers)
    assert verdicts == [*[(403, "wrong_password")] * 10, *[(423, "locked")] * 30]
    assert share.report()["links"][0]["guesses"] == 10


def test_reset_forgives(api: Api) -> None:
    """Else a recipient who mistyped ten times would need a new upload."""
    share = send_small(api)
    for _ in range(10):
        guess(api, share.link)

    reset = api.reset(share.sid, share.owner, share.link)

    assert (reset.status_code, reset.content) == (204, b"")
    view = api.look(share.link).json()
    assert (view["state"], view["guesses_left"]) == ("ready", 10)
    assert share.report()["links"][0]["guesses"] == 0
    assert api.claim(share.link, new_secret()).status_code == 200


def test_reset_is_the_owners_alone(api: Api) -> None:
    """Else a guesser would reset the count and go on."""
    share, other = send_small(api), send_small(api)

    answers = [
        api.reset(share.sid, share.link.access, share.link),
        api.reset(other.sid, other.owner, share.link),
        api.reset(share.sid, other.owner, share.link),
    ]

    assert {verdict(answer) for answer in answers} == {(404, "unknown")}


def test_reset_again_is_fine(api: Api) -> None:
    """Else a lost answer would look like a refusal."""
    share = send_small(api)
    guess(api, share.link)

    answers = [api.reset(share.sid, share.owner, share.link) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]


@pytest.mark.parametrize("end", ["expired", "taken", "revoked"])
def test_reset_of_what_has_ended_is_over(timed: Api, clock: Clock, end: str) -> None:
    """Else the sender would think that the recipient can try again."""
    share = send_small(timed, RawLink(ttl_s=60))
    match end:
        case "expired":
            clock.forward(60)
        case "taken":
            timed.claim(share.link, new_secret())
        case "revoked":
            timed.revoke(share.sid, share.owner, share.link)

    refused = timed.reset(share.sid, share.owner, share.link)

    assert verdict(refused) == (410, "over")
    assert refused.json()["state"] == end


def test_hundredth_wrong_password_ends_the_link(timed: Api, clock: Clock) -> None:
    """Else resets would give a guesser, ten at a time, all the guesses there are."""
    share = send_small(timed)
    clock.forward(60)

    told = guess_to_the_hundredth(timed, share.sid, share.owner, share.link)

    assert told == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0] * 10
    view = timed.look(share.link).json()
    assert (view["state"], view["since"]) == ("guessed", "2026-11-22T14:01:00Z")
    right = timed.claim(share.link, new_secret())
    assert verdict(right) == (410, "over")
    assert right.json()["state"] == "guessed"
    assert verdict(timed.reset(share.sid, share.owner, share.link)) == (410, "over")
    assert share.report()["state"] == "gone"


def test_link_ended_by_guesses_lets_its_reader_finish(timed: Api) -> None:
    """Else a guesser could take the file away from who is reading it."""
    share, lease = send_small(timed, RawLink(opens=2)), new_secret()
    timed.claim(share.link, lease)

    guess_to_the_hundredth(timed, share.sid, share.owner, share.link)

    assert timed.look(share.link).json()["state"] == "guessed"
    assert timed.claim(share.link, lease).status_code == 200
    assert verdict(timed.claim(share.link, lease, unlock=new_secret())) == (423, "locked")
    assert timed.ack(share.link, lease).status_code == 204
    assert share.report()["state"] == "gone"


def test_id_alone_can_count_no_guess(api: Api) -> None:
    """Else anyone who sees the URL without its fragment could lock the link (promise 5)."""
    share = send_small(api)
    body = {"unlock": b64(new_secret()), "lease": b64(hashed(new_secret()))}

    for proof in (new_secret(), share.owner, share.link.unlock, hashed(share.link.access)):
        for _ in range(10):
            refused = api.http.post(
                f"/links/{b64(share.link.id)}/claim", json=body, headers=bearer(proof)
            )
            assert verdict(refused) == (404, "unknown")

    assert api.look(share.link).json()["guesses_left"] == 10


def test_guesses_of_one_link_lock_no_other(api: Api) -> None:
    """Else one recipient's guesser would lock out all of them."""
    guessed, other = RawLink(), RawLink()
    send_small(api, guessed, other)

    for _ in range(10):
        guess(api, guessed)

    assert api.look(guessed).json()["state"] == "locked"
    assert api.claim(other, new_secret()).status_code == 200
