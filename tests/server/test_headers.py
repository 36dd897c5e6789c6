"""Untrusted headers and texts, each read by one pure function; no server here."""

from __future__ import annotations

import json
from ipaddress import ip_address

import pytest

from otv_server.api import wire
from otv_server.api.caller import Caller, KeepAddresses
from otv_server.api.headers import Span, bearer, content_digest, content_length, etag, span
from otv_server.domain.errors import BadRange, LengthRequired, Malformed, TooLarge, Unknown
from tests.support import b64, digest_header, hashed

PROOF = bytes(range(32))
TOKEN = b64(PROOF)
TAG = '"tag"'
PART = 8 << 20


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_one_bearer_is_a_proof(scheme: str) -> None:
    """Else nobody with the right proof could come in."""
    assert bearer([f"{scheme} {TOKEN}"]) == PROOF


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["Bearer"],
        ["Bearer "],
        [TOKEN],
        [f"Basic {TOKEN}"],
        [f"Bearer  {TOKEN}"],
        [f"Bearer\t{TOKEN}"],
        [f" Bearer {TOKEN}"],
        [f"Bearer {TOKEN} "],
        [f"Bearer {TOKEN}\n"],
        [f"Bearer {TOKEN}="],
        [f"Bearer {TOKEN[:-1]}"],
        [f"Bearer {TOKEN[:-1]}9"],  # bits that must be zero
        [f"Bearer {TOKEN[:-1]}+"],
        [f"Bearer {TOKEN}, Bearer {TOKEN}"],
        [f"Bearer {TOKEN}"] * 2,
    ],
)
def test_any_other_authorization_is_unknown(values: list[str]) -> None:
    """Else two readers of one request could take it for two different proofs."""
    with pytest.raises(Unknown):
        bearer(values)


def test_one_sha_256_is_a_digest() -> None:
    """Else no part could be sent."""
    assert content_digest([digest_header(b"data")["Content-Digest"]]) == hashed(b"data")


@pytest.mark.parametrize("change", ["missing", "twice", "list", "upper", "cut", "bits", "bare"])
def test_any_other_digest_is_malformed(change: str) -> None:
    """Else one digest would have two spellings."""
    text = digest_header(b"data")["Content-Digest"]
    values = {
        "missing": [],
        "twice": [text, text],
        "list": [f"{text}, {text}"],
        "upper": [text.replace("sha", "SHA")],
        "cut": [text[:-1]],
        "bits": ["sha-256=:" + "A" * 42 + "B=:"],
        "bare": [text.replace(":", "")],
    }[change]

    with pytest.raises(Malformed):
        content_digest(values)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ([], LengthRequired),
        (["-1"], Malformed),
        (["1.0"], Malformed),
        (["0x10"], Malformed),
        (["\u0663"], Malformed),
        ([""], Malformed),
        (["1", "1"], Malformed),
        (["1, 1"], Malformed),
        (["9" * 16], Malformed),
        ([str(PART + 1)], TooLarge),
    ],
)
def test_length_that_no_part_has(values: list[str], error: type[Exception]) -> None:
    """Else a part could come that nobody has room for."""
    with pytest.raises(error):
        content_length(values)


@pytest.mark.parametrize("length", [0, 1, PART])
def test_length_of_a_part(length: int) -> None:
    """Else parts at the limits would be refused."""
    assert content_length([str(length)]) == length


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=0-100", 0, 100),
        ("bytes=99-99", 99, 100),
        ("bytes=99-", 99, 100),
        ("bytes=0-", 0, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-100", 0, 100),
        ("bytes=-101", 0, 100),
        (" bytes=5-6 ", 5, 7),
    ],
)
def test_one_satisfiable_range(asked: str, start: int, stop: int) -> None:
    """Else resuming would give other bytes than are missing."""
    assert span([asked], [], size=100, tag=TAG) == Span(start, stop, is_partial=True)


@pytest.mark.parametrize(
    "asked",
    ["bytes=100-", "bytes=2-1", "bytes=-0", "bytes=-", "bytes=", "bytes=0-0,1-1", "items=0-0", ""],
)
def test_any_other_range_is_refused_with_the_size(asked: str) -> None:
    """Else a reader could be given bytes that it did not ask for."""
    with pytest.raises(BadRange) as caught:
        span([asked], [], size=100, tag=TAG)

    assert caught.value.content_bytes == 100


def test_no_range_is_everything() -> None:
    """Else a plain read would fail."""
    assert span([], [], size=100, tag=TAG) == Span(0, 100, is_partial=False)
    assert span([], [], size=0, tag=TAG) == Span(0, 0, is_partial=False)


def test_nothing_of_nothing_can_be_asked_for() -> None:
    """Else an inline share would answer 206 without a byte, which no client may take."""
    for asked in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        with pytest.raises(BadRange):
            span([asked], [], size=0, tag=TAG)


@pytest.mark.parametrize(
    ("if_range", "is_partial"),
    [([TAG], True), (["W/" + TAG], False), (['"x"'], False), ([TAG, TAG], False), ([""], False)],
)
def test_if_range_is_this_tag_or_none(if_range: list[str], *, is_partial: bool) -> None:
    """Else a reader would join the ends of two different contents."""
    assert span(["bytes=0-0"], if_range, size=9, tag=TAG).is_partial is is_partial


def test_if_range_that_does_not_match_makes_any_range_harmless() -> None:
    """Else a range that can't be satisfied would keep a reader from starting anew."""
    assert span(["bytes=99-"], ['"x"'], size=9, tag=TAG) == Span(0, 9, is_partial=False)


def test_tag_is_the_root() -> None:
    """Else a resume could not be tied to the content that the manifest names."""
    assert etag(PROOF) == f'"{TOKEN}"'


@pytest.mark.parametrize("text", ["A", "AAA=", "AA==", "A-+", "AB", " AA", "AA\n", "É"])
def test_b64_that_is_not_canonical(text: str) -> None:
    """Else one field would have two spellings."""
    with pytest.raises(Malformed):
        wire.unb64(text)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 12, 32, 4202])
def test_b64_there_and_back(length: int) -> None:
    """Else what was sent is not what is handed out."""
    data = bytes(number % 256 for number in range(length))

    assert wire.unb64(wire.b64(data), length) == data


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("9", 9), ("10", 10), ("99", 99)])
def test_part_number(text: str, number: int) -> None:
    """Else parts would be refused."""
    assert wire.parse_index(text, 99) == number


@pytest.mark.parametrize(
    "text", ["", "00", "01", "+1", "-1", " 1", "1 ", "1\n", "100", "1_0", "\u0663"]
)
def test_no_part_number(text: str) -> None:
    """Else one part could stand under two numbers."""
    with pytest.raises(Malformed):
        wire.parse_index(text, 99)


def test_same_fields_have_one_digest() -> None:
    """Else a retry that spells its body in another way would be refused."""
    fields = {"unlock": TOKEN, "lease": b64(bytes(32))}
    reordered = json.dumps(dict(reversed(fields.items())), indent=2).encode()

    first = wire.parse(json.dumps(fields).encode(), wire.ClaimBody)
    second = wire.parse(reordered, wire.ClaimBody)

    assert wire.digest_of(first) == wire.digest_of(second)


@pytest.mark.parametrize(
    ("at", "whole", "minute"),
    [
        (0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z"),
        (1_795_356_059_999, "2026-11-22T14:00:59.999Z", "2026-11-22T14:00:00Z"),
        (1_795_356_060_000, "2026-11-22T14:01:00.000Z", "2026-11-22T14:01:00Z"),
    ],
)
def test_instants_as_the_protocol_writes_them(at: int, whole: str, minute: str) -> None:
    """Else clients that read the one form that there is would refuse the answer."""
    assert (wire.instant(at), wire.minute(at), wire.minute(None)) == (whole, minute, None)


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ],
)
def test_limits_count_what_one_host_can_move_in(address: str, bucket: str) -> None:
    """Else one host with a /64 would have 2^64 addresses to come from."""
    assert Caller(ip_address(address)).bucket == bucket


def test_caller_without_an_address_is_kept_as_none() -> None:
    """Else a unix socket's path could end up in a report."""
    caller = Caller(None)

    assert [caller.kept(how) for how in KeepAddresses] == [None, None, None]
