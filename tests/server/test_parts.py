"""Parts on their way in (protocol section 7, sending)."""

from __future__ import annotations

import secrets
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
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
    begin,
    digest_header,
    eventually,
    hashed,
    new_id,
    new_secret,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.conftest import RunningServer

DATA = b"a part of a share"
SHA256 = b64encode(hashed(DATA)).decode()


def put_part(share: RawShare, headers: list[tuple[str, str]]) -> httpx.Response:
    """``DATA`` as part 0 under any headers."""
    proof = bearer(share.owner).items()
    return share.api.http.put(
        f"/shares/{b64(share.sid)}/parts/0", content=DATA, headers=[*proof, *headers]
    )


def test_a_part_is_answered_without_a_body(api: Api) -> None:
    """Else clients would have to read and parse what says nothing."""
    share = begin(api, None)

    answers = [api.part(share.sid, share.owner, 0, DATA) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 204]
    assert [answer.content for answer in answers] == [b"", b""]


@pytest.mark.section9("a part overwritten")
def test_first_part_stands(api: Api) -> None:
    """Else whoever has O could exchange what a recipient is about to read."""
    share = begin(api, None)
    api.part(share.sid, share.owner, 0, DATA)

    refused = api.part(share.sid, share.owner, 0, DATA[::-1])

    assert verdict(refused) == (409, "conflict")
    (part,) = share.report()["parts"]
    assert part == {"index": 0, "bytes": len(DATA), "digest": b64(hashed(DATA))}


def test_parts_come_in_any_order(api: Api) -> None:
    """Else uploads could not run side by side."""
    parts = [secrets.token_bytes(PART), secrets.token_bytes(100)]
    share = begin(api, PART + 100)
    share.links = [RawLink()]
    for index in (1, 0):
        assert api.part(share.sid, share.owner, index, parts[index]).status_code == 201

    sealed = api.seal(share.sid, share.owner, parts, share.links)

    assert [part["index"] for part in sealed.json()["parts"]] == [0, 1]


@pytest.mark.parametrize(
    ("index", "size", "expected"),
    [
        (0, 100, (400, "malformed")),  # not the last, so it has 8 MiB
        (1, 99, (400, "malformed")),
        (1, 101, (413, "too_large")),
        (2, 1, (413, "too_large")),
        (0, 0, (400, "malformed")),
        (2_147_483_648, 1, (400, "malformed")),
        (999_999_999, 1, (413, "too_large")),
        (1, 100, (201, None)),
    ],
)
@pytest.mark.section9("a part too large")
def test_declared_bytes_fix_every_length(
    api: Api, index: int, size: int, expected: tuple[int, str | None]
) -> None:
    """Else a share could take more room than was reserved for it."""
    share = begin(api, PART + 100)

    answered = api.part(share.sid, share.owner, index, bytes(size))

    assert verdict(answered) == expected


@pytest.mark.parametrize(
    ("index", "size", "expected"),
    [
        (0, 0, (400, "malformed")),
        (5, 1, (201, None)),
        (1407, PART, (201, None)),
        (1408, 1, (413, "too_large")),
    ],
)
def test_undeclared_bytes_end_where_info_says(
    api: Api, index: int, size: int, expected: tuple[int, str | None]
) -> None:
    """Else "I don't know yet" would be a way around the limit of 11 GiB (1,408 parts)."""
    share = begin(api, None)

    answered = api.part(share.sid, share.owner, index, bytes(size))

    assert verdict(answered) == expected


@pytest.mark.section9("a part too large")
def test_part_over_8_mib_is_refused_before_its_body(server: RunningServer, api: Api) -> None:
    """Else a stranger's terabyte would be read before it is refused."""
    share = begin(api, None)

    with raw.call(server.url) as line:
        line.sendall(raw.part_head(share, 0, b"", content_length=str(PART + 1)))
        answer = raw.answer(line)

    assert answer.status == 413


def test_part_without_a_length_is_refused(api: Api) -> None:
    """Else nobody could say whether it fits before it has come."""
    share = begin(api, None)

    refused = api.http.put(
        f"/shares/{b64(share.sid)}/parts/0",
        content=iter([DATA]),
        headers=bearer(share.owner) | digest_header(DATA),
    )

    assert verdict(refused) == (411, "length_required")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [f"sha-256=:{SHA256}:", f"sha-256=:{SHA256}:"],
        [f"sha-256=:{SHA256}:, sha-256=:{SHA256}:"],
        [f"sha-512=:{b64encode(bytes(64)).decode()}:"],
        [f"sha-256=:{SHA256}:, sha-512=:{b64encode(bytes(64)).decode()}:"],
        [f"sha-256=:{SHA256.rstrip('=')}:"],
        [f"sha-256={SHA256}"],
        [f"sha-256=:{b64(hashed(DATA))}=:"],
        ["sha-256=:" + "A" * 42 + "B=:"],
    ],
    ids=[
        "none",
        "two headers",
        "two in one",
        "other algorithm",
        "second algorithm",
        "no padding",
        "no colons",
        "base64url",
        "not canonical",
    ],
)
def test_digest_that_is_not_one_sha_256_is_refused(api: Api, headers: list[str]) -> None:
    """Else two readers of one request could take it for two different parts."""
    share = begin(api, None)

    refused = put_part(share, [("Content-Digest", text) for text in headers])

    assert verdict(refused) == (400, "malformed")
    assert share.report()["parts"] == []


@pytest.mark.section9("a part not what its digest says")
def test_part_that_is_not_its_digest_leaves_nothing(server: RunningServer, api: Api) -> None:
    """Else what broke on the way would be what the recipient gets."""
    share = begin(api, None)
    data = secrets.token_bytes(5000)

    refused = api.http.put(
        f"/shares/{b64(share.sid)}/parts/0",
        content=data,
        headers=bearer(share.owner) | digest_header(DATA),
    )

    assert verdict(refused) == (400, "digest_mismatch")
    assert share.report()["parts"] == []
    assert eventually(lambda: not raw.is_stored(server.data, data))


def test_part_that_breaks_off_leaves_nothing(server: RunningServer, api: Api) -> None:
    """Else every lost connection would cost the server room."""
    share = begin(api, None)
    data = secrets.token_bytes(3 << 20)

    with raw.call(server.url) as line:
        line.sendall(raw.part_head(share, 0, data) + data[: 2 << 20])
        assert eventually(lambda: raw.is_stored(server.data, data))

    assert eventually(lambda: not raw.is_stored(server.data, data))
    assert share.report()["parts"] == []
    assert api.part(share.sid, share.owner, 0, data).status_code == 201


def test_two_parts_racing_for_one_index(server: RunningServer, api: Api) -> None:
    """Else the bytes and the digest of a part could come from two requests."""
    share = begin(api, None)
    rivals = [secrets.token_bytes(1 << 20) for _ in range(8)]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(partial(api.part, share.sid, share.owner, 0), rivals))

    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [201, *[409] * 7]
    winner = rivals.pop(statuses.index(201))
    assert raw.is_stored(server.data, winner)
    assert share.report()["parts"][0]["digest"] == b64(hashed(winner))
    assert eventually(lambda: not any(raw.is_stored(server.data, loser) for loser in rivals))


def test_equal_parts_racing_for_one_index(api: Api) -> None:
    """Else a client that retries while its first request still runs would be told of a conflict."""
    share = begin(api, None)
    data = secrets.token_bytes(1 << 20)

    with ThreadPoolExecutor(6) as threads:
        answers = threads.map(lambda _: api.part(share.sid, share.owner, 0, data), range(6))

    assert sorted(answer.status_code for answer in answers) == [201, *[204] * 5]


def test_sealed_share_takes_no_other_part(api: Api) -> None:
    """Else content could change under a link that was handed out."""
    share = send_content(api, [DATA])

    answers = [
        api.part(share.sid, share.owner, index, data)
        for index, data in [(0, DATA), (0, DATA[::-1]), (1, DATA)]
    ]

    assert [verdict(answer) for answer in answers] == [
        (204, None),
        (409, "conflict"),
        (409, "conflict"),
    ]


@pytest.mark.parametrize("send", [partial(begin, size=None), partial(send_content, parts=[DATA])])
def test_share_that_is_gone_takes_no_part(api: Api, send: Callable[[Api], RawShare]) -> None:
    """Else an upload would go on into nothing, or bring a revoked share back."""
    share = send(api)
    api.revoke(share.sid, share.owner)

    refused = api.part(share.sid, share.owner, 0, DATA)

    assert verdict(refused) == (410, "over")


def test_share_revoked_while_a_part_arrives_does_not_keep_it(
    server: RunningServer, api: Api
) -> None:
    """Else "take it back" would leave behind whatever was on its way."""
    share = begin(api, None)
    data = secrets.token_bytes(3 << 20)

    with raw.call(server.url) as line:
        line.sendall(raw.part_head(share, 0, data) + data[:-1])
        assert eventually(lambda: raw.is_stored(server.data, data))
        api.revoke(share.sid, share.owner)
        line.sendall(data[-1:])
        answer = raw.answer(line)

    assert answer.status == 410
    assert eventually(lambda: not raw.is_stored(server.data, data))


def test_inline_share_takes_no_part(api: Api) -> None:
    """Else a live link could get content that its manifest knows nothing of."""
    share = send_small(api)

    refused = api.part(share.sid, share.owner, 0, DATA)

    assert verdict(refused) == (409, "conflict")


@pytest.mark.parametrize(
    "index", ["00", "01", "+1", "-1", "1.0", "1e3", "\u0663", "x", "1000000000"]
)
def test_part_number_has_one_spelling(api: Api, index: str) -> None:
    """Else one part could stand under two numbers."""
    share = begin(api, None)

    refused = api.http.put(
        f"/shares/{b64(share.sid)}/parts/{index}",
        content=DATA,
        headers=bearer(share.owner) | digest_header(DATA),
    )

    assert verdict(refused) == (400, "malformed")


def test_parts_on_their_way_at_once_are_bounded(server: RunningServer, api: Api) -> None:
    """Else one owner's slow copies of one part would fill the disk past what was reserved."""
    share = begin(api, None)

    with ExitStack() as lines:
        arriving = [lines.enter_context(raw.call(server.url)) for _ in range(36)]
        for index, line in enumerate(arriving):
            line.sendall(raw.part_head(share, index, DATA) + DATA[:5])
        assert eventually(lambda: len(raw.answered(arriving)) == 4)
        statuses = [raw.answer(line).status for line in raw.answered(arriving)]
        refused = api.part(share.sid, share.owner, 36, DATA)

    assert statuses == [429] * 4
    assert verdict(refused) == (429, "slow_down")
    assert int(refused.headers["Retry-After"]) > 0
    assert eventually(lambda: api.part(share.sid, share.owner, 36, DATA).status_code == 201)


def test_unknown_share_takes_no_part(api: Api) -> None:
    """Else anyone could store bytes here."""
    refused = api.part(new_id(), new_secret(), 0, DATA)

    assert verdict(refused) == (404, "unknown")
