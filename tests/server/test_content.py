"""Reading the content: whole, in ranges, and no more than the lease allows (sections 7 and 8)."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import pytest

from tests.server import raw
from tests.support import (
    PART,
    Api,
    RawLink,
    RawShare,
    b64,
    bearer,
    eventually,
    new_secret,
    root_of,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket

    from tests.conftest import RunningServer
    from tests.server.timed import Clock

MIB = 1 << 20
CHUNK = MIB  # the server reads and sends pieces of this size
C = PART + 1000


@pytest.fixture(scope="module")
def shared(server: RunningServer) -> Iterator[RawShare]:
    """A share of two parts that every test reads under a lease of its own."""
    api = Api.of(server.url)
    parts = [secrets.token_bytes(PART), secrets.token_bytes(1000)]
    yield send_content(api, parts, RawLink(opens=100))
    api.http.close()


@pytest.fixture
def lease(shared: RawShare) -> bytes:
    """A lease that has read nothing yet."""
    drawn = new_secret()
    assert shared.api.claim(shared.link, drawn).status_code == 200
    return drawn


def etag_of(share: RawShare) -> str:
    """The entity tag that its content must have."""
    return f'"{b64(root_of(share.parts))}"'


def bytes_read(share: RawShare) -> int:
    """What the last opening of the only link was charged."""
    (report,) = share.report()["links"]
    return int(report["openings"][-1]["bytes_read"])


def test_whole_content(shared: RawShare, lease: bytes) -> None:
    """Else a reader could neither check nor resume what it reads."""
    answer = shared.api.content(shared.link, lease)

    assert answer.status_code == 200
    assert answer.content == b"".join(shared.parts)
    assert {
        name: answer.headers[name]
        for name in ("content-type", "content-length", "etag", "accept-ranges", "cache-control")
    } == {
        "content-type": "application/octet-stream",
        "content-length": str(C),
        "etag": etag_of(shared),
        "accept-ranges": "bytes",
        "cache-control": "no-store, no-transform",
    }
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        (f"bytes={C - 1}-{C - 1}", C - 1, C - 1),
        (f"bytes={C - 1}-", C - 1, C - 1),
        ("bytes=-1", C - 1, C - 1),
        (f"bytes=-{C + 5}", 0, C - 1),
        ("bytes=0-", 0, C - 1),
        (f"bytes={PART - 1}-{PART}", PART - 1, PART),
        (f"bytes={PART}-", PART, C - 1),
        (f"bytes=0-{PART - 1}", 0, PART - 1),
        (f"bytes={PART - 500}-{C + 1000}", PART - 500, C - 1),
    ],
)
def test_one_range(shared: RawShare, lease: bytes, asked: str, first: int, last: int) -> None:
    """Else resuming would give other bytes than are missing."""
    answer = shared.api.content(shared.link, lease, range_=asked)

    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{C}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.headers["etag"] == etag_of(shared)
    assert answer.content == b"".join(shared.parts)[first : last + 1]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("bytes=0-1,5-6", marks=pytest.mark.section9("several ranges")),
        pytest.param("bytes=0-1,", marks=pytest.mark.section9("several ranges")),
        "bytes=5-4",
        f"bytes={C}-",
        f"bytes={C}-{C}",
        "bytes=-0",
        "bytes=-",
        "bytes=",
        "bytes=a-b",
        "bytes 0-1",
        "octets=0-1",
        "0-1",
        "bytes=0x1-2",
        "bytes=0-1-2",
        "bytes=" + "9" * 40 + "-",
    ],
)
def test_anything_but_one_range_is_refused(shared: RawShare, lease: bytes, asked: str) -> None:
    """Else a reader could be given bytes that it did not ask for."""
    answer = shared.api.content(shared.link, lease, range_=asked)

    assert verdict(answer) == (416, "range")
    assert answer.headers["content-range"] == f"bytes */{C}"


@pytest.mark.section9("several ranges")
def test_two_range_headers_are_refused(shared: RawShare, lease: bytes) -> None:
    """Else a proxy and the server could take different ones."""
    answer = shared.api.http.get(
        f"/links/{b64(shared.link.id)}/content",
        headers=[*bearer(lease).items(), ("Range", "bytes=0-0"), ("Range", "bytes=1-1")],
    )

    assert verdict(answer) == (416, "range")


def test_if_range_with_this_tag_lets_the_range_stand(shared: RawShare, lease: bytes) -> None:
    """Else no reader could resume."""
    answer = shared.api.content(shared.link, lease, range_="bytes=0-9", if_range=etag_of(shared))

    assert (answer.status_code, len(answer.content)) == (206, 10)


@pytest.mark.parametrize("tag", ['"other"', "W/{}", "Sun, 22 Nov 2026 14:00:00 GMT", ""], ids=str)
def test_any_other_if_range_gives_the_whole(shared: RawShare, lease: bytes, tag: str) -> None:
    """Else a reader would join the ends of two different contents."""
    answer = shared.api.content(
        shared.link, lease, range_="bytes=0-9", if_range=tag.format(etag_of(shared))
    )

    assert (answer.status_code, len(answer.content)) == (200, C)


def test_inline_share_has_an_empty_content(api: Api) -> None:
    """Else a reader that asks anyway would be told of an error."""
    share, lease = send_small(api), new_secret()
    api.claim(share.link, lease)

    whole = api.content(share.link, lease)
    part = api.content(share.link, lease, range_="bytes=0-")

    assert (whole.status_code, whole.content) == (200, b"")
    assert verdict(part) == (416, "range")
    assert part.headers["content-range"] == "bytes */0"


def test_all_that_goes_out_is_counted_for_the_sender(shared: RawShare, lease: bytes) -> None:
    """Else a sender could not tell a look from a full read."""
    shared.api.content(shared.link, lease, range_="bytes=0-99")
    shared.api.content(shared.link, lease, range_=f"bytes={PART - 50}-{PART + 49}")

    assert bytes_read(shared) == 200


def test_allowance_is_exact(timed: Api) -> None:
    """Else one lease could be used to pull traffic without end, or a resume would fail early."""
    size = 2 * MIB
    share, lease = send_content(timed, [secrets.token_bytes(size)]), new_secret()
    timed.claim(share.link, lease)
    budget = 3 * size + 64 * MIB

    for _ in range(budget // size):
        assert len(timed.content(share.link, lease).content) == size
    refused = timed.content(share.link, lease, range_="bytes=0-0")

    assert verdict(refused) == (403, "egress_spent")
    assert bytes_read(share) == budget


def test_what_is_left_of_the_allowance_can_be_read(timed: Api) -> None:
    """Else the last bytes that a slow reader needs would be refused with some left."""
    size = 2 * MIB
    share, lease = send_content(timed, [secrets.token_bytes(size)]), new_secret()
    timed.claim(share.link, lease)
    for _ in range((3 * size + 64 * MIB) // size - 1):
        timed.content(share.link, lease)
    timed.content(share.link, lease, range_=f"bytes=0-{size - 11}")

    too_much = timed.content(share.link, lease, range_="bytes=0-10")
    just_right = timed.content(share.link, lease, range_="bytes=0-9")
    nothing_left = timed.content(share.link, lease, range_="bytes=0-0")

    assert verdict(too_much) == (403, "egress_spent")
    assert (just_right.status_code, len(just_right.content)) == (206, 10)
    assert verdict(nothing_left) == (403, "egress_spent")


def test_reader_that_breaks_off_is_charged_for_what_went_out(
    server: RunningServer, api: Api
) -> None:
    """Else a bad line would use up the allowance with bytes that nobody got."""
    share, lease = send_content(api, [secrets.token_bytes(PART)] * 2), new_secret()
    api.claim(share.link, lease)

    with raw.call(server.url, receive_buffer=64 << 10) as line:
        line.sendall(raw.content_head(share.link, lease))
        got = len(raw.answer(line).begun)
        while got < 2 * MIB:
            got += len(line.recv(64 << 10))

    # What the two sockets buffered went out, too: a few MiB, of the 8 charged at a time.
    assert eventually(lambda: got - CHUNK <= bytes_read(share) <= got + 5 * MIB)
    assert api.content(share.link, lease, range_="bytes=0-0").status_code == 206


def test_reader_that_takes_nothing_is_charged_for_little(server: RunningServer, api: Api) -> None:
    """Else asking and hanging up, again and again, would end a lease in no time."""
    share, lease = send_content(api, [secrets.token_bytes(PART)] * 2), new_secret()
    api.claim(share.link, lease)

    for _ in range(20):  # 20 charges of 8 MiB would be 160, the allowance is 112
        with raw.call(server.url, receive_buffer=4096) as line:
            line.sendall(raw.content_head(share.link, lease, Range="bytes=0-"))
            assert raw.answer(line).status == 206

    assert eventually(lambda: api.content(share.link, lease, range_="bytes=0-0").status_code == 206)


@pytest.mark.parametrize("what", ["link", "share"])
def test_revoking_cuts_a_stream(server: RunningServer, api: Api, what: str) -> None:
    """Else "take it back" would not stop who is reading right now."""
    share, lease = send_content(api, [secrets.token_bytes(PART)] * 2), new_secret()
    api.claim(share.link, lease)

    with raw.call(server.url, receive_buffer=64 << 10) as line:
        line.sendall(raw.content_head(share.link, lease))
        got = len(raw.answer(line).begun)
        api.revoke(share.sid, share.owner, share.link if what == "link" else None)
        deadline = time.monotonic() + 15
        while more := _received(line):
            got += more
            time.sleep(0.03)  # at most 2 MiB a second: a slow line, not a test that waits
            assert time.monotonic() < deadline

    # Cut in the middle of the first 8 MiB, which were charged, and allowed, before the end came.
    assert got < PART
    assert verdict(api.content(share.link, lease)) == (410, "over")


def test_revoking_cuts_a_reader_who_takes_nothing(server: RunningServer, api: Api) -> None:
    """Else whoever stalls on purpose reads on after the end, when they like."""
    share, lease = send_content(api, [secrets.token_bytes(PART)] * 2), new_secret()
    api.claim(share.link, lease)

    with raw.call(server.url, receive_buffer=64 << 10) as line:
        line.sendall(raw.content_head(share.link, lease))
        got = len(raw.answer(line).begun)
        api.revoke(share.sid, share.owner)
        time.sleep(4)  # the server looks every second; nothing on this side shows that it has
        while more := _received(line):
            got += more

    assert got < 2 << 20  # what was under way; a whole step would be 8 MiB


def _received(line: socket) -> int:
    """How many bytes came; 0 at the end, however the server ended it."""
    try:
        return len(line.recv(64 << 10))
    except ConnectionResetError:
        return 0


@pytest.mark.section9("T after the end")
@pytest.mark.parametrize("end", ["lapsed", "opened", "rejected", "revoked"])
def test_no_stream_begins_under_a_dead_lease(timed: Api, clock: Clock, end: str) -> None:
    """Else a T found later, in a log or on a disk, would still read."""
    share, lease = send_content(timed, [b"content"]), new_secret()
    timed.claim(share.link, lease)
    match end:
        case "lapsed":
            clock.forward(3600)
        case "revoked":
            timed.revoke(share.sid, share.owner)
        case outcome:
            timed.ack(share.link, lease, outcome)

    refused = [timed.content(share.link, lease, **asked) for asked in ({}, {"range_": "bytes=9-"})]

    assert [verdict(answer) for answer in refused] == [(410, "over")] * 2


def test_lease_outlives_the_link(timed: Api, clock: Clock) -> None:
    """Else whoever claimed in the last minute would lose the file in the middle."""
    share, lease = send_content(timed, [b"content"], RawLink(ttl_s=60)), new_secret()
    timed.claim(share.link, lease)
    clock.forward(3599.999)

    assert timed.content(share.link, lease).content == b"content"
    assert timed.ack(share.link, lease).status_code == 204


def test_lease_of_another_opening_goes_on(timed: Api) -> None:
    """Else one recipient's "done" would cut off another."""
    share = send_content(timed, [b"content"], RawLink(opens=2))
    first, second = new_secret(), new_secret()
    for lease in (first, second):
        timed.claim(share.link, lease)

    timed.ack(share.link, first)

    assert timed.content(share.link, second).content == b"content"
