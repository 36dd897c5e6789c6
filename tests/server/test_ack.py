"""The acknowledgement, and what the sender is told of it (protocol section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server import raw
from tests.server.timed import timed_api
from tests.support import (
    Api,
    RawLink,
    RawShare,
    b64,
    bearer,
    eventually,
    hashed,
    new_secret,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.timed import Clock


@pytest.fixture
def share(api: Api) -> RawShare:
    """A share with content, whose link opens twice."""
    return send_content(api, [b"content"], RawLink(opens=2))


def claimed(share: RawShare) -> bytes:
    """A new lease on its only link."""
    lease = new_secret()
    assert share.api.claim(share.link, lease).status_code == 200
    return lease


@pytest.mark.parametrize("outcome", ["opened", "rejected"])
def test_acknowledgement_reaches_the_sender(timed: Api, clock: Clock, outcome: str) -> None:
    """Else the sender has no receipt, or one that proves nothing."""
    share = send_content(timed, [b"content"])
    clock.forward(60)
    lease = claimed(share)
    timed.content(share.link, lease)
    clock.forward(1.5)

    answer = timed.ack(share.link, lease, outcome)

    assert (answer.status_code, answer.content) == (204, b"")
    assert share.report() == {
        "id": b64(share.sid),
        "state": "gone",
        "bytes": 7,
        "parts": [],
        "links": [
            {
                "id": b64(share.link.id),
                "state": "opened" if outcome == "opened" else "taken",
                "opens": 1,
                "opens_left": 0,
                "opens_at": "2026-11-22T14:00:00.000Z",
                "expires_at": "2026-11-22T14:10:00.000Z",
                "guesses": 0,
                "openings": [
                    {
                        "lease": b64(hashed(lease)),
                        "claimed_at": "2026-11-22T14:01:00.000Z",
                        "ended_at": "2026-11-22T14:01:01.500Z",
                        "outcome": outcome,
                        "bytes_read": 7,
                        "mac": b64(hashed(lease + outcome.encode())),
                        "address": "127.0.0.0/24",
                    }
                ],
            }
        ],
        "now": "2026-11-22T14:01:01.500Z",
    }


def test_opening_before_its_end_says_so(timed: Api) -> None:
    """Else a sender would take "being read" for "read"."""
    share = send_small(timed)
    claimed(share)

    (opening,) = share.report()["links"][0]["openings"]

    assert (opening["outcome"], opening["ended_at"], opening["mac"]) == ("leased", None, None)


def test_lapsed_opening_ended_when_its_lease_did(timed: Api, clock: Clock) -> None:
    """Else the sender would be told the time of a sweep."""
    share = send_small(timed)
    claimed(share)
    clock.forward(7200)

    (opening,) = share.report()["links"][0]["openings"]

    assert (opening["outcome"], opening["ended_at"]) == ("lapsed", "2026-11-22T15:00:00.000Z")


def test_openings_stand_in_the_order_of_their_claims(timed: Api, clock: Clock) -> None:
    """Else the sender could not tell who came first."""
    share = send_small(timed, RawLink(opens=3))
    leases = []
    for _ in range(3):
        leases.append(claimed(share))
        clock.forward(1)

    openings = share.report()["links"][0]["openings"]

    assert [opening["lease"] for opening in openings] == [b64(hashed(t)) for t in leases]


def test_same_outcome_again_is_fine_and_the_first_mac_stands(share: RawShare) -> None:
    """Else a lost answer would look like a refusal, or a receipt could be replaced."""
    lease = claimed(share)
    share.api.ack(share.link, lease)

    again = share.api.http.post(
        f"/links/{b64(share.link.id)}/ack",
        json={"outcome": "opened", "mac": b64(new_secret())},
        headers=bearer(lease),
    )

    assert again.status_code == 204
    (opening,) = share.report()["links"][0]["openings"]
    assert opening["mac"] == b64(hashed(lease + b"opened"))


@pytest.mark.parametrize("first", ["opened", "rejected"])
def test_other_outcome_is_refused(share: RawShare, first: str) -> None:
    """Else a recipient could take back what the sender was told."""
    lease = claimed(share)
    share.api.ack(share.link, lease, first)

    refused = share.api.ack(share.link, lease, "rejected" if first == "opened" else "opened")

    assert verdict(refused) == (409, "conflict")
    (opening,) = share.report()["links"][0]["openings"]
    assert opening["outcome"] == first


@pytest.mark.section9("an acknowledgement with a wrong T")
def test_acknowledgement_needs_the_lease(share: RawShare) -> None:
    """Else anyone with the link could end another's reading, or forge a receipt."""
    lease = claimed(share)

    for proof in (new_secret(), share.link.access, share.link.unlock, hashed(lease), share.owner):
        assert verdict(share.api.ack(share.link, proof)) == (404, "unknown")

    (opening,) = share.report()["links"][0]["openings"]
    assert opening["outcome"] == "leased"
    assert share.api.content(share.link, lease).content == b"content"


def test_acknowledgement_ends_the_lease(share: RawShare) -> None:
    """Else a link would stay readable on a device that said it is done."""
    lease = claimed(share)

    share.api.ack(share.link, lease)

    assert verdict(share.api.content(share.link, lease)) == (410, "over")


def test_acknowledgement_ends_no_other_lease(share: RawShare) -> None:
    """Else one of two recipients would lose the file to the other's speed."""
    first, second = claimed(share), claimed(share)

    share.api.ack(share.link, first)

    assert share.api.content(share.link, second).content == b"content"
    assert share.report()["state"] == "sealed"


@pytest.mark.parametrize("end", ["lapsed", "revoked"])
def test_acknowledgement_after_the_end_is_over(timed: Api, clock: Clock, end: str) -> None:
    """Else a receipt could be made for what was taken back before."""
    share = send_small(timed)
    lease = claimed(share)
    if end == "lapsed":
        clock.forward(3600)
    else:
        timed.revoke(share.sid, share.owner)

    refused = timed.ack(share.link, lease)

    assert verdict(refused) == (410, "over")
    (opening,) = share.report()["links"][0]["openings"]
    assert (opening["outcome"], opening["mac"]) == (end, None)


def test_acknowledgement_after_expiry_within_the_lease_counts(timed: Api, clock: Clock) -> None:
    """Else a slow reader's receipt would be lost."""
    share = send_small(timed, RawLink(ttl_s=60))
    lease = claimed(share)
    clock.forward(3599)

    assert timed.ack(share.link, lease).status_code == 204
    assert share.report()["links"][0]["state"] == "opened"


def test_parts_go_with_the_last_acknowledgement(tmp_path: Path, clock: Clock) -> None:
    """Else ciphertext would pile up on the server's disk."""
    content = b"content of a share that is over"
    with timed_api(tmp_path, clock) as api:
        share = send_content(api, [content])
        lease = claimed(share)
        assert raw.is_stored(tmp_path / "data", content)

        api.ack(share.link, lease)

        assert share.report()["state"] == "gone"
        assert eventually(lambda: not raw.is_stored(tmp_path / "data", content))


@pytest.mark.parametrize(
    ("keep", "address", "told"),
    [
        ("truncated", "203.0.113.77", "203.0.113.0/24"),
        ("truncated", "2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("truncated", "::ffff:203.0.113.77", "203.0.113.0/24"),
        ("full", "203.0.113.77", "203.0.113.77"),
        ("full", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        ("off", "203.0.113.77", None),
    ],
)
def test_address_is_kept_as_the_operator_says(
    tmp_path: Path, keep: str, address: str, told: str | None
) -> None:
    """Else the server would keep more about a recipient than it says."""
    with timed_api(tmp_path, keep_addresses=keep) as sender:
        share = send_small(sender)
    with timed_api(tmp_path, address=address, keep_addresses=keep) as reader:
        reader.claim(share.link, new_secret())
        share.api = reader

        (opening,) = share.report()["links"][0]["openings"]

    assert opening["address"] == told
