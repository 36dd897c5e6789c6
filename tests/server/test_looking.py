"""Looking at a link: it tells what is, and spends nothing (protocol sections 7 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import (
    Api,
    RawLink,
    b64,
    bearer,
    eventually,
    new_secret,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    from tests.server.timed import Clock


def state_of(api: Api, link: RawLink) -> tuple[str, str | None, int]:
    """``state``, ``since`` and ``opens_left`` of the LinkView."""
    view = api.look(link).json()
    return view["state"], view["since"], view["opens_left"]


def test_looking_spends_nothing(api: Api) -> None:
    """Else a preview bot with the whole link could spend an opening."""
    share = send_small(api)

    views = [api.look(share.link).json() for _ in range(20)]

    assert {view["opens_left"] for view in views} == {1}
    assert share.report()["links"][0]["openings"] == []
    assert api.claim(share.link, new_secret()).status_code == 200


def test_view_tells_no_more_than_the_protocol_lists(api: Api) -> None:
    """Else whoever finds a dead link would learn who opened it, and how."""
    share = send_small(api)

    assert set(api.look(share.link).json()) == {
        "id",
        "state",
        "since",
        "opens_left",
        "opens_at",
        "expires_at",
        "bytes",
        "guesses_left",
        "now",
    }


def test_scheduled_link_becomes_ready_at_its_instant(timed: Api, clock: Clock) -> None:
    """Else a link would open a moment early, or the page would count down to nothing."""
    link = RawLink(delay_s=60)
    send_small(timed, link)

    before = state_of(timed, link)
    clock.forward(59.999)
    just_before = state_of(timed, link)
    clock.forward(0.001)

    assert before == just_before == ("scheduled", None, 1)
    assert state_of(timed, link) == ("ready", None, 1)


def test_link_expires_at_its_instant(timed: Api, clock: Clock) -> None:
    """Else a link would live longer than its sender said, until some sweep came by."""
    link = RawLink(ttl_s=90)
    send_small(timed, link)

    clock.forward(89.999)
    before = state_of(timed, link)
    clock.forward(0.001)

    assert before == ("ready", None, 1)
    assert state_of(timed, link) == ("expired", "2026-11-22T14:01:00Z", 1)


def test_taken_link_says_since_when(timed: Api, clock: Clock) -> None:
    """Else who comes late could not tell "someone else has it" from an error."""
    link = RawLink(opens=2)
    send_small(timed, link)

    clock.forward(61)
    timed.claim(link, new_secret())
    after_first = state_of(timed, link)
    clock.forward(60)
    timed.claim(link, new_secret())

    assert after_first == ("ready", None, 1)
    assert state_of(timed, link) == ("taken", "2026-11-22T14:02:00Z", 0)


def test_opened_link_says_since_when(timed: Api, clock: Clock) -> None:
    """Else who comes late is not told "opened at 14:03" (promise 7)."""
    link, lease = RawLink(), new_secret()
    send_small(timed, link)

    timed.claim(link, lease)
    clock.forward(3 * 60 + 5)
    timed.ack(link, lease)

    assert state_of(timed, link) == ("opened", "2026-11-22T14:03:00Z", 0)


def test_opened_counts_from_the_last_claim_where_that_came_later(timed: Api, clock: Clock) -> None:
    """Else a link of two openings would look used up before it was."""
    link, first = RawLink(opens=2), new_secret()
    send_small(timed, link)

    timed.claim(link, first)
    timed.ack(link, first)
    between = state_of(timed, link)
    clock.forward(120)
    timed.claim(link, new_secret())

    assert between == ("ready", None, 1)
    assert state_of(timed, link) == ("opened", "2026-11-22T14:02:00Z", 0)


def test_rejected_opening_leaves_a_taken_link(timed: Api) -> None:
    """Else a broken transfer would be told to the sender as a success."""
    link, lease = RawLink(), new_secret()
    send_small(timed, link)

    timed.claim(link, lease)
    timed.ack(link, lease, "rejected")

    assert state_of(timed, link)[0] == "taken"


def test_lapsed_opening_leaves_a_taken_link(timed: Api, clock: Clock) -> None:
    """Else an opening would come back, and the link would open twice."""
    link = RawLink()
    send_small(timed, link)

    timed.claim(link, new_secret())
    clock.forward(86_400)

    assert state_of(timed, link) == ("taken", "2026-11-22T14:00:00Z", 0)


@pytest.mark.parametrize("before", ["nothing", "claimed", "acknowledged", "expired"])
def test_revoked_comes_first_unless_the_link_was_over(
    timed: Api, clock: Clock, before: str
) -> None:
    """Else a sender could not tell whether the revocation came in time."""
    share = send_small(timed, RawLink(ttl_s=60))
    lease = new_secret()
    if before in ("claimed", "acknowledged"):
        timed.claim(share.link, lease)
    if before == "acknowledged":
        timed.ack(share.link, lease)
    if before == "expired":
        clock.forward(60)

    timed.revoke(share.sid, share.owner)

    expected = {"acknowledged": "opened", "expired": "expired"}.get(before, "revoked")
    assert state_of(timed, share.link)[0] == expected


def test_revoked_says_since_when(timed: Api, clock: Clock) -> None:
    """Else the recipient could not tell the sender which message to look at."""
    share = send_small(timed)
    clock.forward(125)

    timed.revoke(share.sid, share.owner)
    clock.forward(7200)

    assert state_of(timed, share.link) == ("revoked", "2026-11-22T14:02:00Z", 1)


def test_view_says_how_much_there_is(api: Api) -> None:
    """Else a person on a slow line could not decide whether to open now."""
    share = send_content(api, [b"twelve bytes"])

    assert api.look(share.link).json()["bytes"] == 12


def test_ended_link_is_forgotten_after_its_retention(timed: Api, clock: Clock) -> None:
    """Else the server would keep for ever who opened what, and when."""
    share = send_small(timed, RawLink(ttl_s=60))

    clock.forward(60)
    assert eventually(lambda: share.report()["state"] == "gone")
    clock.forward(7 * 86_400 - 1)
    assert timed.look(share.link).status_code == 200
    clock.forward(1)

    def is_forgotten() -> bool:
        answers = (timed.look(share.link), timed.share(share.sid, share.owner))
        return {verdict(answer) for answer in answers} == {(404, "unknown")}

    assert eventually(is_forgotten)


def test_head_on_a_link_says_nothing(api: Api) -> None:
    """Else a link checker could learn that an id exists."""
    share = send_small(api)

    answers = [
        api.http.head(f"/links/{b64(share.link.id)}", headers=headers)
        for headers in ({}, bearer(share.link.access))
    ]

    assert [answer.status_code for answer in answers] == [405, 405]
