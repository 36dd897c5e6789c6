"""The sender's calls, against a real server (protocol section 7)."""

from __future__ import annotations

import secrets

from tests.support import PART, Api, send_content, send_small


def test_small_share_is_live_at_once(api: Api) -> None:
    """Else a secret of a few bytes would take three round trips."""
    share = send_small(api)

    view = api.look(share.link).json()

    assert (view["state"], view["bytes"], view["opens_left"]) == ("ready", 0, 1)


def test_parts_come_back_as_they_went(api: Api) -> None:
    """Else the recipient gets other bytes than were sent."""
    parts = [secrets.token_bytes(PART), secrets.token_bytes(12345)]
    share = send_content(api, parts)
    lease = secrets.token_bytes(32)

    claim = api.claim(share.link, lease).json()
    content = api.content(share.link, lease).content

    assert claim["bytes"] == PART + 12345
    assert len(claim["digests"]) == 2
    assert content == b"".join(parts)


def test_same_share_again_is_fine_and_another_is_not(api: Api) -> None:
    """Else a lost answer to a create would lose the share, or an id could be taken over."""
    sid, owner = secrets.token_bytes(12), secrets.token_bytes(32)

    statuses = [api.create(sid, owner, size).status_code for size in (100, 100, 101)]

    assert statuses == [201, 200, 409]
