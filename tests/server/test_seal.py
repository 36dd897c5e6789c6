"""Closing an upload (protocol section 7, sending)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support import (
    PART,
    Api,
    RawLink,
    RawShare,
    b64,
    begin,
    new_secret,
    root_of,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    from tests.server.timed import Clock

DATA = b"the only part"


def uploaded(api: Api, parts: list[bytes], *, declared: bool = True) -> RawShare:
    """A share whose parts are all there; one link waits for the seal."""
    share = begin(api, sum(map(len, parts)) if declared else None)
    share.links, share.parts = [RawLink()], parts
    for index, part in enumerate(parts):
        assert api.part(share.sid, share.owner, index, part).status_code == 201
    return share


@pytest.fixture
def share(api: Api) -> RawShare:
    """A share of one short part, uploaded and not sealed."""
    return uploaded(api, [DATA])


def test_seal_puts_links_live(share: RawShare) -> None:
    """Else a recipient could claim what is not all there yet."""
    before = share.api.look(share.link)

    sealed = share.api.seal(share.sid, share.owner, share.parts, share.links)

    assert verdict(before) == (404, "unknown")
    assert sealed.json()["state"] == "sealed"
    assert share.api.look(share.link).json()["bytes"] == len(DATA)


def test_times_count_from_the_seal(timed: Api, clock: Clock) -> None:
    """Else a link would die by as much as its upload took."""
    share = uploaded(timed, [DATA])
    share.links = [RawLink(delay_s=60, ttl_s=600)]
    clock.forward(1000)

    timed.seal(share.sid, share.owner, share.parts, share.links)
    view = timed.look(share.link).json()

    assert view["opens_at"] == "2026-11-22T14:17:40.000Z"
    assert view["expires_at"] == "2026-11-22T14:27:40.000Z"


def test_same_seal_again_is_fine(share: RawShare) -> None:
    """Else a lost answer would cost the sender the whole upload."""
    first = share.api.seal(share.sid, share.owner, share.parts, share.links)
    again = share.api.seal(share.sid, share.owner, share.parts, share.links)
    share.api.revoke(share.sid, share.owner)
    late = share.api.seal(share.sid, share.owner, share.parts, share.links)

    assert [answer.status_code for answer in (first, again, late)] == [200, 200, 200]
    assert late.json()["state"] == "gone"


@pytest.mark.section9("the same share or link sent twice with different bodies")
def test_another_seal_is_refused(share: RawShare) -> None:
    """Else links could be slipped into a share that is live."""
    share.api.seal(share.sid, share.owner, share.parts, share.links)

    refused = share.api.seal(share.sid, share.owner, share.parts, [*share.links, RawLink()])

    assert verdict(refused) == (409, "conflict")
    assert len(share.report()["links"]) == 1


@pytest.mark.section9("a seal with a wrong root")
def test_wrong_root_is_refused(share: RawShare) -> None:
    """Else sender and server could mean different contents by one share."""
    root = b64(root_of([DATA[::-1]]))

    refused = share.api.seal(share.sid, share.owner, share.parts, share.links, root=root)

    assert verdict(refused) == (400, "digest_mismatch")
    assert share.report()["state"] == "uploading"
    assert share.api.seal(share.sid, share.owner, share.parts, share.links).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"parts": 2},
        {"parts": 0},
        {"bytes": len(DATA) + 1},
        {"bytes": len(DATA) - 1},
        {"bytes": PART + len(DATA), "parts": 2},
    ],
    ids=["more parts", "fewer parts", "more bytes", "fewer bytes", "another part"],
)
@pytest.mark.section9("a part missing")
def test_other_numbers_are_refused(share: RawShare, changed: dict[str, int]) -> None:
    """Else a share could go live with a hole in it."""
    refused = share.api.seal(share.sid, share.owner, share.parts, share.links, **changed)

    assert verdict(refused) == (409, "conflict")
    assert verdict(share.api.look(share.link)) == (404, "unknown")


@pytest.mark.section9("a part missing")
def test_missing_first_part_is_refused(api: Api) -> None:
    """Else a share could go live with a hole in it."""
    share = begin(api, PART + 1)
    share.links = [RawLink()]
    api.part(share.sid, share.owner, 1, b"\0")

    refused = api.seal(share.sid, share.owner, [b"\0"], share.links, bytes=PART + 1)

    assert verdict(refused) == (409, "conflict")


def test_part_beyond_those_named_is_refused(api: Api) -> None:
    """Else bytes that no digest in the claim speaks of would be kept for as long as the share."""
    share = uploaded(api, [secrets.token_bytes(PART), DATA], declared=False)

    refused = api.seal(share.sid, share.owner, share.parts[:1], share.links)

    assert verdict(refused) == (409, "conflict")


def test_short_part_in_the_middle_is_refused(api: Api) -> None:
    """Else a range of the content would be cut from the wrong bytes."""
    share = uploaded(api, [DATA, DATA], declared=False)

    refused = api.seal(share.sid, share.owner, share.parts, share.links)

    assert verdict(refused) == (409, "conflict")


def test_declared_bytes_bind(api: Api) -> None:
    """Else a sender could declare little, and keep much."""
    first = secrets.token_bytes(PART)
    share = begin(api, PART + 1)
    share.links = [RawLink()]
    api.part(share.sid, share.owner, 0, first)

    refused = api.seal(share.sid, share.owner, [first], share.links)

    assert verdict(refused) == (409, "conflict")


def test_undeclared_bytes_are_what_came(api: Api) -> None:
    """Else a sender that pipes could not send."""
    share = uploaded(api, [secrets.token_bytes(PART), DATA], declared=False)

    before = share.report()
    sealed = api.seal(share.sid, share.owner, share.parts, share.links)

    assert before["bytes"] == PART + len(DATA)
    assert sealed.json()["bytes"] == PART + len(DATA)


@pytest.mark.parametrize(
    "links",
    [[], [RawLink(opens=0)], [RawLink(ttl_s=1)], [RawLink(manifest=b"")]],
    ids=["none", "no openings", "too short a life", "no manifest"],
)
def test_seal_with_bad_links_is_refused(share: RawShare, links: list[RawLink]) -> None:
    """Else content would be kept that nothing opens, or limits would hold for small shares only."""
    refused = share.api.seal(share.sid, share.owner, share.parts, links)

    assert verdict(refused) == (400, "malformed")
    assert share.report()["state"] == "uploading"


def test_seal_with_a_link_that_exists_is_refused_whole(share: RawShare) -> None:
    """Else one link could open two shares, or half of a seal would be live."""
    taken = send_small(share.api).link

    refused = share.api.seal(share.sid, share.owner, share.parts, [share.link, taken])

    assert verdict(refused) == (409, "conflict")
    assert verdict(share.api.look(share.link)) == (404, "unknown")
    assert share.report()["state"] == "uploading"


def test_revoked_upload_takes_no_seal(share: RawShare) -> None:
    """Else what the sender took back could go live."""
    share.api.revoke(share.sid, share.owner)

    refused = share.api.seal(share.sid, share.owner, share.parts, share.links)

    assert verdict(refused) == (410, "over")


def test_upload_that_idled_out_takes_no_seal(timed: Api, clock: Clock) -> None:
    """Else a share without parts could go live."""
    share = uploaded(timed, [DATA])
    clock.forward(3600)

    refused = timed.seal(share.sid, share.owner, share.parts, share.links)

    assert verdict(refused) == (410, "over")


@pytest.mark.parametrize("is_gone", [pytest.param(False, id="live"), pytest.param(True, id="gone")])
def test_an_inline_share_takes_no_seal(api: Api, *, is_gone: bool) -> None:
    """Else its owner could put more links live than were counted."""
    share = send_small(api)
    if is_gone:
        api.revoke(share.sid, share.owner)

    refused = api.seal(share.sid, share.owner, [DATA], [RawLink()])

    assert verdict(refused) == (409, "conflict")


def test_sealed_share_that_is_gone_takes_no_other_seal(api: Api) -> None:
    """Else a retry with other links could be taken for an answer to the first."""
    share = send_content(api, [DATA])
    api.revoke(share.sid, share.owner)

    refused = api.seal(share.sid, share.owner, share.parts, [RawLink()])

    assert verdict(refused) == (409, "conflict")


def test_links_of_one_share_are_claimed_one_by_one(api: Api) -> None:
    """Else a personal link could open another's share of the openings."""
    first, second = RawLink(), RawLink()
    send_content(api, [DATA], first, second)

    api.claim(first, new_secret())

    assert api.look(first).json()["state"] == "taken"
    assert api.look(second).json()["state"] == "ready"
    assert api.claim(second, new_secret()).json()["manifest"] == b64(second.manifest)
