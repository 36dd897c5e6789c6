"""Request bodies: one strict reading, or none (protocol section 7, conventions)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.server import raw
from tests.support import (
    Api,
    RawLink,
    b64,
    bearer,
    begin,
    hashed,
    new_id,
    new_secret,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    import httpx

    from tests.conftest import RunningServer

HASH = b64(bytes(32))
JSON_MAX = 8 << 20
NEW_SHARE: dict[str, Any] = {"owner": HASH, "bytes": 100, "links": []}


def put(api: Api, body: bytes) -> httpx.Response:
    """``PUT`` of a new share with any bytes for a body."""
    return api.http.put(f"/shares/{b64(new_id())}", content=body)


def inline(link: dict[str, Any]) -> bytes:
    """A NewShare with this one link."""
    return json.dumps({"owner": HASH, "bytes": 0, "links": [link]}).encode()


def padded(body: bytes, size: int) -> bytes:
    """The same JSON, in ``size`` bytes."""
    return body + b" " * (size - len(body))


WHOLE = json.dumps(NEW_SHARE).encode()

BROKEN = {
    "empty": b"",
    "no object": b"[]",
    "null": b"null",
    "text": b'"owner"',
    "cut": WHOLE[:-1],
    "trailing data": WHOLE + b"{}",
    "trailing comma": WHOLE[:-1] + b",}",
    "byte order mark": b"\xef\xbb\xbf" + WHOLE,
    "not UTF-8": WHOLE.replace(b"100", b'"\xff"'),
    "UTF-16": WHOLE.decode().encode("utf-16"),
    "comment": WHOLE + b"// no",
    "single quotes": WHOLE.replace(b'"', b"'"),
    "deep arrays": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "deep below a field": WHOLE.replace(b"[]", b"[" * 100_000 + b"]" * 100_000),
    "form": b"owner=x&bytes=100",
}


@pytest.mark.parametrize("how", BROKEN)
def test_body_that_is_no_json_object_is_refused(api: Api, how: str) -> None:
    """Else a broken request would be taken for another one, or stop the server."""
    assert verdict(put(api, BROKEN[how])) == (400, "malformed")


@pytest.mark.parametrize(
    "value",
    [
        b'"100"',
        b"100.0",
        b"1e2",
        b"true",
        b"[100]",
        b"{}",
        b"-1",
        b"-0",
        b"0100",
        b"+100",
        b"NaN",
        b"Infinity",
        b"9007199254740992",
        b"9" * 5000,
    ],
)
def test_number_of_another_kind_is_refused(api: Api, value: bytes) -> None:
    """Else two readers of one request could reserve different sizes."""
    assert verdict(put(api, WHOLE.replace(b"100", value))) == (400, "malformed")


@pytest.mark.parametrize("field", ["opens", "delay_s", "ttl_s"])
@pytest.mark.parametrize("value", ["1", 1.0, True, None, [1], 1e3, -1])
def test_numbers_of_a_link_are_as_strict(api: Api, field: str, value: object) -> None:
    """Else a link could open another number of times than its sender meant."""
    body = inline(RawLink().body | {field: value})

    assert verdict(put(api, body)) == (400, "malformed")


@pytest.mark.section9("unknown fields")
@pytest.mark.parametrize(
    "body",
    [
        json.dumps(NEW_SHARE | {"password": "x"}).encode(),
        json.dumps(NEW_SHARE | {"Owner": HASH}).encode(),
        json.dumps(NEW_SHARE | {"": 1}).encode(),
        inline(RawLink().body | {"note": "x"}),
    ],
    ids=["another", "other case", "no name", "in a link"],
)
def test_unknown_field_is_refused(api: Api, body: bytes) -> None:
    """Else a newer client would believe that the server does what it ignores."""
    assert verdict(put(api, body)) == (400, "malformed")


@pytest.mark.section9("duplicate fields")
@pytest.mark.parametrize(
    "body",
    [
        WHOLE[:-1] + b',"bytes":100}',
        WHOLE[:-1] + b',"bytes":200}',
        WHOLE[:-1] + b',"byte\\u0073":200}',
        inline(RawLink().body).replace(b'"opens": 1', b'"opens": 1, "opens": 2'),
    ],
    ids=["same value", "other value", "other spelling", "in a link"],
)
def test_duplicate_field_is_refused(api: Api, body: bytes) -> None:
    """Else a proxy that checks the first and a server that takes the last would disagree."""
    assert verdict(put(api, body)) == (400, "malformed")


@pytest.mark.parametrize("missing", ["owner", "bytes"])
def test_missing_field_is_refused(api: Api, missing: str) -> None:
    """Else the server would guess what the sender meant."""
    body = {name: value for name, value in NEW_SHARE.items() if name != missing}

    assert verdict(put(api, json.dumps(body).encode())) == (400, "malformed")


@pytest.mark.parametrize("missing", ["id", "access", "unlock", "manifest"])
def test_missing_field_of_a_link_is_refused(api: Api, missing: str) -> None:
    """Else a link could be live that nobody can open."""
    body = {name: value for name, value in RawLink().body.items() if name != missing}

    assert verdict(put(api, inline(body))) == (400, "malformed")


BAD_B64 = {
    "padded": HASH + "=",
    "short": HASH[:-1],
    "long": HASH + "A",
    "31 bytes": b64(bytes(31)),
    "33 bytes": b64(bytes(33)),
    "not canonical": HASH[:-1] + "B",
    "standard alphabet": "+" + HASH[1:],
    "white space": HASH[:-1] + " ",
    "line": HASH + "\n",
    "not ASCII": HASH[:-1] + "\uff21",
    "empty": "",
}


@pytest.mark.parametrize("how", BAD_B64)
@pytest.mark.parametrize("field", ["owner", "access", "unlock", "id"])
def test_b64_has_one_spelling(api: Api, field: str, how: str) -> None:
    """Else one proof could be two, and a hash could be compared that nothing has."""
    link, text = RawLink().body, BAD_B64[how]
    body = {"owner": HASH, "bytes": 0, "links": [link]}
    (body if field == "owner" else link)[field] = text

    assert verdict(put(api, json.dumps(body).encode())) == (400, "malformed")


@pytest.mark.parametrize("manifest", ["A", "AB", "AA==", "+A", "A A", "AA\n"])
def test_manifest_is_strict_b64(api: Api, manifest: str) -> None:
    """Else the recipient would get other bytes than the sender sealed."""
    body = inline(RawLink().body | {"manifest": manifest})

    assert verdict(put(api, body)) == (400, "malformed")


@pytest.mark.parametrize(
    "body",
    [
        {"unlock": HASH},
        {"lease": HASH},
        {"unlock": HASH, "lease": HASH, "opens": 2},
        {"unlock": HASH + "=", "lease": HASH},
        {"unlock": HASH, "lease": b64(bytes(31))},
        {"unlock": None, "lease": HASH},
    ],
)
def test_claim_that_does_not_parse_spends_nothing(api: Api, body: dict[str, object]) -> None:
    """Else a bug of a client would cost the recipient the file, or a guess."""
    share = send_small(api)

    refused = api.http.post(
        f"/links/{b64(share.link.id)}/claim", json=body, headers=bearer(share.link.access)
    )

    assert verdict(refused) == (400, "malformed")
    view = api.look(share.link).json()
    assert (view["opens_left"], view["guesses_left"]) == (1, 10)


@pytest.mark.parametrize(
    "body",
    [
        {"outcome": "opened"},
        {"outcome": "leased", "mac": HASH},
        {"outcome": "lapsed", "mac": HASH},
        {"outcome": "revoked", "mac": HASH},
        {"outcome": "Opened", "mac": HASH},
        {"outcome": "opened\n", "mac": HASH},
        {"outcome": 1, "mac": HASH},
        {"outcome": "opened", "mac": HASH[:-1]},
        {"outcome": "opened", "mac": HASH, "at": "now"},
    ],
)
def test_acknowledgement_that_does_not_parse_ends_nothing(
    api: Api, body: dict[str, object]
) -> None:
    """Else a recipient could tell the sender what only the server decides."""
    share, lease = send_small(api), new_secret()
    api.claim(share.link, lease)

    refused = api.http.post(f"/links/{b64(share.link.id)}/ack", json=body, headers=bearer(lease))

    assert verdict(refused) == (400, "malformed")
    assert share.report()["links"][0]["openings"][0]["outcome"] == "leased"


@pytest.mark.parametrize(
    "changed",
    [{"parts": "1"}, {"parts": -1}, {"bytes": 0}, {"root": HASH + "="}, {"owner": HASH}],
    ids=str,
)
def test_seal_that_does_not_parse_is_refused(api: Api, changed: dict[str, object]) -> None:
    """Else an upload could be closed over other numbers than its sender's."""
    share = begin(api, 7)
    api.part(share.sid, share.owner, 0, b"content")

    refused = api.seal(share.sid, share.owner, [b"content"], [RawLink()], **changed)

    assert verdict(refused) == (400, "malformed")
    assert share.report()["state"] == "uploading"


@pytest.mark.section9("a body over its limit")
def test_json_body_is_at_most_8_mib(api: Api) -> None:
    """Else one request could fill the server's memory."""
    fits, over = (put(api, padded(WHOLE, size)) for size in (JSON_MAX, JSON_MAX + 1))

    assert fits.status_code == 201
    assert verdict(over) == (413, "too_large")


@pytest.mark.section9("a body over its limit")
def test_declared_length_over_the_limit_is_refused_unread(server: RunningServer) -> None:
    """Else a stranger's terabyte would be read before it is refused."""
    path, headers = f"/shares/{b64(new_id())}", {"Content-Length": str(JSON_MAX + 1)}

    with raw.call(server.url) as line:
        line.sendall(raw.head("PUT", path, headers))
        answer = raw.answer(line)

    assert answer.status == 413


@pytest.mark.section9("a body over its limit")
@pytest.mark.parametrize("call", ["create", "claim"])
def test_body_without_a_length_is_limited_too(api: Api, call: str) -> None:
    """Else leaving out a header would be a way around the limit."""
    share = send_small(api)
    body = (b" " * (1 << 20) for _ in range(9))

    refused = (
        api.http.put(f"/shares/{b64(new_id())}", content=body)
        if call == "create"
        else api.http.post(
            f"/links/{b64(share.link.id)}/claim", content=body, headers=bearer(share.link.access)
        )
    )

    assert verdict(refused) == (413, "too_large")


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/msgpack", "?"]
)
def test_content_type_does_not_change_how_a_body_is_read(api: Api, kind: str | None) -> None:
    """Else one body could mean two things, by a header that proxies like to set."""
    headers = {} if kind is None else {"Content-Type": kind}

    answers = [
        api.http.put(f"/shares/{b64(new_id())}", content=body, headers=headers)
        for body in (WHOLE, b"\x80")  # an empty map in MessagePack
    ]

    assert [verdict(answer) for answer in answers] == [(201, None), (400, "malformed")]


def test_refusal_repeats_nothing_that_came_in(api: Api) -> None:
    """Else a secret sent to the wrong place would come back in a log of errors."""
    secret = b64(hashed(b"secret"))

    refused = put(api, json.dumps(NEW_SHARE | {secret: secret, "owner": secret}).encode())

    assert verdict(refused) == (400, "malformed")
    assert secret not in refused.text
