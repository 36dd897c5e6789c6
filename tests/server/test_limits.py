"""Room, reserved before it is used and given back after (protocol section 7, sending)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.timed import timed_api
from tests.support import (
    Api,
    RawLink,
    RawShare,
    b64,
    bearer,
    begin,
    digest_header,
    eventually,
    new_id,
    new_secret,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.server.timed import Clock

TOTAL = 10_000
HOUR_S = 3600
DAY_S = 24 * HOUR_S


@pytest.fixture
def tight(tmp_path: Path, clock: Clock) -> Iterator[Api]:
    """A server with room for 10,000 bytes."""
    with timed_api(tmp_path, clock, max_total_bytes=TOTAL, max_share_bytes=TOTAL) as api:
        yield api


def tiny_link(ttl_s: int = 600) -> RawLink:
    """A link that takes 100 bytes."""
    return RawLink(manifest=bytes(100), ttl_s=ttl_s)


def declare(api: Api, size: int | None) -> httpx.Response:
    """Begin a share of this size."""
    return api.create(new_id(), new_secret(), size)


def test_more_than_a_share_may_hold_is_refused_at_once(tight: Api) -> None:
    """Else a sender would upload for an hour before being told."""
    answers = [declare(tight, size) for size in (TOTAL + 1, TOTAL)]

    assert [verdict(answer) for answer in answers] == [(413, "too_large"), (201, None)]


def test_declared_bytes_are_reserved_at_once(tight: Api) -> None:
    """Else two senders would be promised the same room, and one lose the upload."""
    answers = [declare(tight, size) for size in (6000, 4001, 4000)]

    assert [verdict(answer) for answer in answers] == [
        (201, None),
        (507, "no_room"),
        (201, None),
    ]
    assert int(answers[1].headers["Retry-After"]) > 0


def test_same_share_again_reserves_nothing(tight: Api) -> None:
    """Else retries would fill the server with nothing."""
    sid, owner = new_id(), new_secret()

    statuses = [tight.create(sid, owner, 6000).status_code for _ in range(3)]

    assert statuses == [201, 200, 200]
    assert declare(tight, 4000).status_code == 201


def test_manifests_count_as_bytes(tight: Api) -> None:
    """Else the limit could be passed by any number of small shares."""
    links = [RawLink(manifest=bytes(2500)) for _ in range(4)]

    full = tight.create(new_id(), new_secret(), 0, links)
    more = tight.create(new_id(), new_secret(), 0, [RawLink(manifest=b"x")])

    assert verdict(full) == (201, None)
    assert verdict(more) == (507, "no_room")


def test_manifests_of_a_seal_count_too(tight: Api) -> None:
    """Else the limit could be passed by the last request of an upload."""
    share = begin(tight, 7)
    tight.part(share.sid, share.owner, 0, b"content")
    declare(tight, TOTAL - 7 - 99)

    refused = tight.seal(share.sid, share.owner, [b"content"], [tiny_link()])

    assert verdict(refused) == (507, "no_room")
    assert share.report()["state"] == "uploading"


def test_undeclared_bytes_are_reserved_part_by_part(tight: Api) -> None:
    """Else a pipe of unknown length could not be sent, or would take what it likes."""
    share, rival = begin(tight, None), begin(tight, None)

    answers = [
        tight.part(share.sid, share.owner, 0, bytes(6000)),
        tight.part(rival.sid, rival.owner, 0, bytes(4001)),
        tight.part(rival.sid, rival.owner, 0, bytes(4000)),
    ]

    assert [verdict(answer) for answer in answers] == [
        (201, None),
        (507, "no_room"),
        (201, None),
    ]


def sealed(api: Api) -> RawShare:
    """A share that takes 6,100 bytes."""
    return send_content(api, [bytes(6000)], tiny_link(ttl_s=60))


@pytest.mark.parametrize("end", ["revoked", "opened", "expired", "lapsed"])
def test_room_is_given_back_when_it_is_over(tight: Api, clock: Clock, end: str) -> None:
    """Else the server would be full for ever after enough shares."""
    share, lease = sealed(tight), new_secret()
    assert verdict(declare(tight, TOTAL)) == (507, "no_room")
    match end:
        case "revoked":
            tight.revoke(share.sid, share.owner)
        case "opened":
            tight.claim(share.link, lease)
            tight.ack(share.link, lease)
        case "expired":
            clock.forward(60)
        case "lapsed":
            tight.claim(share.link, lease)
            clock.forward(HOUR_S)

    assert eventually(lambda: declare(tight, TOTAL).status_code == 201)


def test_room_is_kept_while_a_lease_lives(tight: Api, clock: Clock) -> None:
    """Else another upload could take the room of what is still being read."""
    share, lease = sealed(tight), new_secret()
    tight.claim(share.link, lease)
    clock.forward(60)

    assert verdict(declare(tight, TOTAL)) == (507, "no_room")
    assert tight.content(share.link, lease).content == bytes(6000)


@pytest.mark.parametrize("size", [6000, None], ids=["declared", "undeclared"])
def test_room_of_an_upload_is_given_back(tight: Api, clock: Clock, size: int | None) -> None:
    """Else senders who give up would fill the server."""
    share = begin(tight, size)
    tight.part(share.sid, share.owner, 0, bytes(6000))
    assert verdict(declare(tight, TOTAL)) == (507, "no_room")

    clock.forward(HOUR_S)

    assert eventually(lambda: declare(tight, TOTAL).status_code == 201)


def test_room_of_a_refused_part_is_given_back(tight: Api) -> None:
    """Else broken uploads would fill the server."""
    share = begin(tight, None)
    for _ in range(3):
        broken = tight.http.put(
            f"/shares/{b64(share.sid)}/parts/0",
            content=bytes(6000),
            headers=bearer(share.owner) | digest_header(b"other"),
        )
        assert verdict(broken) == (400, "digest_mismatch")

    assert declare(tight, TOTAL).status_code == 201


@pytest.mark.parametrize("size", [1, None, 0], ids=["declared", "undeclared", "inline"])
def test_disk_that_is_nearly_full_takes_nothing(tmp_path: Path, size: int | None) -> None:
    """Else the disk would run full, and every other program on it stop."""
    links = [tiny_link()] if size == 0 else None
    with timed_api(tmp_path, min_free_bytes=1 << 62) as api:
        refused = api.create(new_id(), new_secret(), size, links)

    assert verdict(refused) == (507, "no_room")


@pytest.mark.parametrize("then", ["sealed", "revoked", "idle"])
def test_unfinished_uploads_of_one_address_are_bounded(
    tmp_path: Path, clock: Clock, then: str
) -> None:
    """Else one caller could reserve all the room there is, for nothing."""
    with timed_api(tmp_path, clock, max_unsealed=2) as api:
        share = begin(api, 7)
        begin(api, 7)
        api.part(share.sid, share.owner, 0, b"content")

        refused = declare(api, 7)
        small = api.create(new_id(), new_secret(), 0, [tiny_link()])
        match then:
            case "sealed":
                api.seal(share.sid, share.owner, [b"content"], [tiny_link()])
            case "revoked":
                api.revoke(share.sid, share.owner)
            case "idle":
                clock.forward(HOUR_S)

        assert verdict(refused) == (429, "slow_down")
        assert int(refused.headers["Retry-After"]) > 0
        assert verdict(small) == (201, None)
        assert eventually(lambda: declare(api, 7).status_code == 201)


def test_other_addresses_have_uploads_of_their_own(tmp_path: Path) -> None:
    """Else one caller could keep everyone else from sending."""
    with timed_api(tmp_path, max_unsealed=1) as api:
        begin(api, 7)
        assert verdict(declare(api, 7)) == (429, "slow_down")

    with timed_api(tmp_path, max_unsealed=1, address="127.0.0.2") as api:
        assert declare(api, 7).status_code == 201


def test_upload_ends_when_it_idles(timed: Api, clock: Clock) -> None:
    """Else half an upload would keep its room until somebody looks."""
    share = begin(timed, None)
    clock.forward(HOUR_S - 1)
    timed.part(share.sid, share.owner, 0, b"x")
    clock.forward(HOUR_S - 0.001)
    before = share.report()["state"]

    clock.forward(0.001)

    assert (before, share.report()["state"]) == ("uploading", "gone")
    assert verdict(timed.part(share.sid, share.owner, 1, b"x")) == (410, "over")


def test_upload_ends_after_a_day_however_busy(timed: Api, clock: Clock) -> None:
    """Else a part an hour would keep a share, and its room, for ever."""
    share = begin(timed, None)
    for index in range(47):
        clock.forward(HOUR_S / 2)
        assert timed.part(share.sid, share.owner, index, b"x").status_code == 201

    clock.forward(HOUR_S / 2)

    assert verdict(timed.part(share.sid, share.owner, 47, b"x")) == (410, "over")
    assert share.report()["state"] == "gone"


def test_full_server_still_opens_what_it_has(tight: Api) -> None:
    """Else senders could keep recipients from reading."""
    share = send_small(tight, tiny_link())
    declare(tight, TOTAL - 100)

    assert tight.claim(share.link, new_secret()).status_code == 200
