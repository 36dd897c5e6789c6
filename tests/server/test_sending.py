"""Beginning a share, and small shares whole (protocol section 7)."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.timed import timed_api
from tests.support import (
    PART,
    Api,
    RawLink,
    b64,
    begin,
    hashed,
    new_id,
    new_secret,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.server.timed import Clock


def put(api: Api, sid: bytes, body: dict[str, Any]) -> httpx.Response:
    """``PUT /shares/{sid}`` with any body."""
    return api.http.put(f"/shares/{b64(sid)}", json=body)


def small(**changed: object) -> dict[str, Any]:
    """A NewShare with one link; ``changed`` replaces fields of the link, None leaves them out."""
    link = {k: v for k, v in (RawLink().body | changed).items() if v is not None}
    return {"owner": b64(hashed(new_secret())), "bytes": 0, "links": [link]}


def test_small_share_is_live_at_once(api: Api) -> None:
    """Else a secret of a few bytes would take three round trips."""
    share = send_small(api)

    view = api.look(share.link).json()

    assert (view["state"], view["bytes"], view["opens_left"]) == ("ready", 0, 1)
    assert share.report()["state"] == "sealed"


def test_parts_come_back_as_they_went(api: Api) -> None:
    """Else the recipient gets other bytes than were sent."""
    parts = [secrets.token_bytes(PART), secrets.token_bytes(12345)]
    share = send_content(api, parts)
    lease = new_secret()

    claim = api.claim(share.link, lease).json()
    content = api.content(share.link, lease).content

    assert claim["bytes"] == PART + 12345
    assert len(claim["digests"]) == 2
    assert content == b"".join(parts)


@pytest.mark.section9("the same share or link sent twice with different bodies")
def test_same_share_again_is_fine_and_another_is_not(api: Api) -> None:
    """Else a lost answer to a create would lose the share, or an id could be taken over."""
    sid, owner = new_id(), new_secret()

    statuses = [api.create(sid, owner, size).status_code for size in (100, 100, 101)]

    assert statuses == [201, 200, 409]


@pytest.mark.section9("the same share or link sent twice with different bodies")
def test_small_share_with_another_link_is_another_body(api: Api) -> None:
    """Else whoever repeats a sender's request could slip in a link of their own."""
    share = send_small(api)

    again = api.create(share.sid, share.owner, 0, share.links)
    other = api.create(share.sid, share.owner, 0, [*share.links, RawLink()])

    assert verdict(again) == (200, None)
    assert verdict(other) == (409, "conflict")
    assert len(share.report()["links"]) == 1


def test_same_share_again_is_fine_when_it_is_over(api: Api) -> None:
    """Else a retry that comes late would tell a sender that the share was never made."""
    share = send_small(api)
    api.revoke(share.sid, share.owner)

    again = api.create(share.sid, share.owner, 0, share.links)

    assert again.status_code == 200
    assert again.json()["state"] == "gone"


def test_spelling_of_a_body_does_not_matter(api: Api) -> None:
    """Else a client that orders its fields in another way on a retry would be refused."""
    sid, body = new_id(), small()
    put(api, sid, body)
    link = body["links"][0]
    reordered = {
        "links": [{key: link[key] for key in reversed(link) if key not in ("opens", "delay_s")}],
        "bytes": 0,
        "owner": body["owner"],
    }

    again = api.http.put(f"/shares/{b64(sid)}", content=json.dumps(reordered, indent=3).encode())

    assert again.status_code == 200


def test_time_to_live_left_out_is_not_one_written_out(api: Api) -> None:
    """Else a changed default would change what "the same again" means."""
    sid, body = new_id(), small(ttl_s=None)
    put(api, sid, body)
    body["links"][0]["ttl_s"] = 600

    again = put(api, sid, body)

    assert verdict(again) == (409, "conflict")


def test_same_id_of_another_owner_is_another_share(api: Api) -> None:
    """Else anyone who saw an id could keep its owner from sending."""
    sid, mine, theirs = new_id(), new_secret(), new_secret()
    api.create(sid, mine, 100)

    created = api.create(sid, theirs, 200)

    assert created.status_code == 201
    assert [api.share(sid, owner).json()["bytes"] for owner in (mine, theirs)] == [100, 200]


def test_same_id_under_another_access_is_another_link(api: Api) -> None:
    """Else anyone who saw a link's id could squat on it."""
    first = send_small(api).link

    second = send_small(api, RawLink(id=first.id)).link

    for link in (first, second):
        manifest = api.claim(link, new_secret()).json()["manifest"]
        assert manifest == b64(link.manifest)


@pytest.mark.section9("the same share or link sent twice with different bodies")
def test_link_that_exists_is_refused_with_the_whole_share(api: Api) -> None:
    """Else one link could open two shares, or half a share would be live."""
    taken, innocent = send_small(api).link, RawLink()
    sid, owner = new_id(), new_secret()

    refused = api.create(sid, owner, 0, [innocent, taken])

    assert verdict(refused) == (409, "conflict")
    assert verdict(api.share(sid, owner)) == (404, "unknown")
    assert verdict(api.look(innocent)) == (404, "unknown")


@pytest.mark.parametrize(
    ("size", "links"), [(0, []), (0, None), (100, [RawLink()]), (None, [RawLink()])]
)
def test_links_come_with_the_create_only_where_it_is_all(
    api: Api, size: int | None, links: list[RawLink] | None
) -> None:
    """Else a link would be live before the bytes that it opens are there."""
    refused = api.create(new_id(), new_secret(), size, links)

    assert verdict(refused) == (400, "malformed")


def test_one_id_twice_in_a_body_is_refused(api: Api) -> None:
    """Else which of the two an owner's call means would be left to chance."""
    link = RawLink()

    refused = api.create(new_id(), new_secret(), 0, [link, RawLink(id=link.id)])

    assert verdict(refused) == (400, "malformed")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("opens", 0),
        ("opens", 101),
        ("ttl_s", 9),
        ("ttl_s", 3601),
        ("delay_s", -1),
        ("delay_s", 86_401),
        ("manifest", ""),
        ("manifest", b64(bytes(262_251))),
    ],
)
def test_link_outside_of_what_info_allows_is_refused(api: Api, field: str, value: object) -> None:
    """Else the operator's limits would be words."""
    refused = put(api, new_id(), small(**{field: value}))

    assert verdict(refused) == (400, "malformed")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("opens", 100),
        ("ttl_s", 10),
        ("ttl_s", 3600),
        ("delay_s", 86_400),
        ("manifest", b64(b"\0")),
        ("manifest", b64(bytes(262_250))),
    ],
)
def test_link_at_the_limits_of_info_is_taken(api: Api, field: str, value: object) -> None:
    """Else senders that trust Info would be refused."""
    created = put(api, new_id(), small(**{field: value}))

    assert created.status_code == 201


def test_number_of_links_is_limited(api: Api) -> None:
    """Else one request could make rows without end."""
    statuses = [
        api.create(
            new_id(), new_secret(), 0, [RawLink(manifest=b"small") for _ in range(count)]
        ).status_code
        for count in (100, 101)
    ]

    assert statuses == [201, 400]


def test_times_count_from_going_live(timed: Api, clock: Clock) -> None:
    """Else links would open early or die early."""
    link = RawLink(delay_s=60, ttl_s=600)

    send_small(timed, link)
    clock.forward(1)
    view = timed.look(link).json()

    assert view["opens_at"] == "2026-11-22T14:01:00.000Z"
    assert view["expires_at"] == "2026-11-22T14:11:00.000Z"
    assert view["now"] == "2026-11-22T14:00:01.000Z"


def test_what_is_left_out_of_a_link_has_its_default(timed: Api) -> None:
    """Else a link whose sender said nothing would open twice, late, or for too long."""
    body = small(opens=None, delay_s=None, ttl_s=None)

    (link,) = put(timed, new_id(), body).json()["links"]

    assert link["opens"] == 1
    assert link["opens_at"] == "2026-11-22T14:00:00.000Z"
    assert link["expires_at"] == "2026-11-22T14:10:00.000Z"


def test_stranger_is_asked_for_a_token_before_the_body(tmp_path: Path) -> None:
    """Else anyone could make the server read and keep what it never agreed to."""
    with timed_api(tmp_path, address="203.0.113.7") as stranger:
        refused = stranger.http.put(f"/shares/{b64(new_id())}", content=b"{no json")
        info = stranger.http.get("/info").json()

    assert verdict(refused) == (401, "upload_token")
    assert info["upload_token"] is True


def test_token_is_asked_for_at_the_beginning_only(tmp_path: Path) -> None:
    """Else a sender who moves to another network could neither finish nor take back."""
    with timed_api(tmp_path) as here:
        share = begin(here, 7)

    with timed_api(tmp_path, address="203.0.113.7") as elsewhere:
        part = elsewhere.part(share.sid, share.owner, 0, b"content")
        sealed = elsewhere.seal(share.sid, share.owner, [b"content"], [RawLink()])

    assert (part.status_code, sealed.status_code) == (201, 200)


@pytest.mark.parametrize("token", ["anything", ""])
def test_token_is_ignored_where_none_is_asked_for(api: Api, token: str) -> None:
    """Else a client that always sends one could not use an open server."""
    created = api.http.put(
        f"/shares/{b64(new_id())}", json=small(), headers={"OTV-Upload-Token": token}
    )

    assert created.status_code == 201
