"""Taking it back (protocol sections 7 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server import raw
from tests.support import (
    Api,
    RawLink,
    begin,
    eventually,
    new_secret,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    from tests.conftest import RunningServer


def test_revoked_share_opens_no_more(api: Api) -> None:
    """Else "take it back" would come to nothing."""
    links = [RawLink(), RawLink()]
    share = send_content(api, [b"content"], *links)

    answer = api.revoke(share.sid, share.owner)

    assert (answer.status_code, answer.content) == (204, b"")
    for link in links:
        refused = api.claim(link, new_secret())
        assert verdict(refused) == (410, "over")
        assert refused.json()["state"] == "revoked"
    assert share.report()["state"] == "gone"


def test_revoked_share_leaves_no_part(server: RunningServer, api: Api) -> None:
    """Else ciphertext that nobody may read any more would stay on the disk."""
    content = new_secret() * 100
    share = send_content(api, [content])
    assert raw.is_stored(server.data, content)

    api.revoke(share.sid, share.owner)

    assert share.report()["parts"] == []
    assert eventually(lambda: not raw.is_stored(server.data, content))


def test_one_link_is_revoked_alone(api: Api) -> None:
    """Else taking back one recipient's link would take all of them."""
    revoked, other = RawLink(), RawLink()
    share = send_content(api, [b"content"], revoked, other)

    answer = api.revoke(share.sid, share.owner, revoked)

    assert (answer.status_code, answer.content) == (204, b"")
    assert verdict(api.claim(revoked, new_secret())) == (410, "over")
    lease = new_secret()
    assert api.claim(other, lease).status_code == 200
    assert api.content(other, lease).content == b"content"
    assert [link["state"] for link in share.report()["links"]] == ["revoked", "taken"]


def test_last_link_takes_the_share_along(api: Api) -> None:
    """Else parts would be kept that nothing opens."""
    first, second = RawLink(), RawLink()
    share = send_content(api, [b"content"], first, second)

    states = []
    for link in (first, second):
        api.revoke(share.sid, share.owner, link)
        states.append(share.report()["state"])

    assert states == ["sealed", "gone"]


def test_revoking_again_is_fine(api: Api) -> None:
    """Else a lost answer would look like a refusal."""
    share = send_small(api)

    answers = [
        api.revoke(share.sid, share.owner, link) for link in (share.link, share.link, None, None)
    ]

    assert [answer.status_code for answer in answers] == [204] * 4


def test_revoking_ends_live_leases(api: Api) -> None:
    """Else who has claimed could go on reading for an hour."""
    share, lease = send_content(api, [b"content"], RawLink(opens=2)), new_secret()
    api.claim(share.link, lease)

    api.revoke(share.sid, share.owner, share.link)

    assert verdict(api.content(share.link, lease)) == (410, "over")
    assert verdict(api.claim(share.link, lease)) == (410, "over")
    (opening,) = share.report()["links"][0]["openings"]
    assert opening["outcome"] == "revoked"
    assert opening["ended_at"] is not None


def test_revoking_what_was_opened_changes_nothing(api: Api) -> None:
    """Else a sender could make a receipt look like a revocation that came in time."""
    share, lease = send_small(api), new_secret()
    api.claim(share.link, lease)
    api.ack(share.link, lease)
    before = share.report()["links"]

    answer = api.revoke(share.sid, share.owner)

    assert answer.status_code == 204
    assert share.report()["links"] == before


def test_upload_is_taken_back(server: RunningServer, api: Api) -> None:
    """Else Ctrl-C in the middle would leave the server full of halves."""
    content = new_secret() * 100
    share = begin(api, len(content))
    api.part(share.sid, share.owner, 0, content)

    answer = api.revoke(share.sid, share.owner)

    assert answer.status_code == 204
    assert share.report()["state"] == "gone"
    assert eventually(lambda: not raw.is_stored(server.data, content))


@pytest.mark.parametrize("whose", ["access", "unlock", "lease", "other owner"])
def test_only_the_owner_revokes(api: Api, whose: str) -> None:
    """Else a recipient could take a link away from the others."""
    share, lease = send_small(api, RawLink(opens=2)), new_secret()
    api.claim(share.link, lease)
    proof = {
        "access": share.link.access,
        "unlock": share.link.unlock,
        "lease": lease,
        "other owner": send_small(api).owner,
    }[whose]

    answers = [api.revoke(share.sid, proof, link) for link in (None, share.link)]

    assert {verdict(answer) for answer in answers} == {(404, "unknown")}
    assert api.look(share.link).json()["state"] == "ready"


def test_link_of_another_share_is_not_revoked(api: Api) -> None:
    """Else every sender could revoke every link."""
    mine, theirs = send_small(api), send_small(api)

    answer = api.revoke(mine.sid, mine.owner, theirs.link)

    assert verdict(answer) == (404, "unknown")
    assert api.look(theirs.link).json()["state"] == "ready"
