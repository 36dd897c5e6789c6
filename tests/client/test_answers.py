"""A server's answers are read strictly: what is wrong with one never gets further in."""

from __future__ import annotations

from typing import Any

import pytest

from otv_client import answers
from otv_client.answers import Nonsense
from otv_client.exchange import json_object

ID = "AAECAwQFBgcICQoL"
HASH = "A" * 43
NOW = "2026-11-22T15:30:00Z"
VIEW: dict[str, Any] = {
    "id": ID,
    "state": "ready",
    "since": None,
    "opens_left": 1,
    "opens_at": NOW,
    "expires_at": NOW,
    "bytes": 0,
    "guesses_left": 10,
    "now": NOW,
}
CLAIM: dict[str, Any] = {
    "manifest": "AAAA",
    "bytes": 0,
    "digests": [HASH],
    "lease_until": NOW,
    "now": NOW,
}
OPENING: dict[str, Any] = {
    "lease": HASH,
    "claimed_at": NOW,
    "ended_at": None,
    "outcome": "leased",
    "bytes_read": 0,
    "mac": None,
    "address": None,
}


def test_unknown_fields_are_ignored() -> None:
    """A newer server would shut out every older client."""
    assert answers.link_view({**VIEW, "later": [1]}).state == "ready"


@pytest.mark.parametrize("field", sorted(VIEW))
def test_a_missing_field_is_refused(field: str) -> None:
    """A half answer would be taken for a whole one."""
    with pytest.raises(Nonsense):
        answers.link_view({key: value for key, value in VIEW.items() if key != field})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "short"),
        ("id", ID[:-1] + "="),
        ("id", 5),
        ("state", None),
        ("state", "x" * 1025),
        ("since", 0),
        ("opens_left", True),
        ("opens_left", -1),
        ("opens_left", 1.0),
        ("bytes", 2**53),
        ("opens_at", "2026-11-22"),
        ("opens_at", "2026-11-22T15:30:00"),
        ("opens_at", "2026-13-22T15:30:00Z"),
        ("opens_at", "9999-12-31T23:59:59-23:59"),
        ("expires_at", "0001-01-01T00:00:00Z"),
        ("expires_at", "2026-W47-7T15:30:00Z"),
        ("now", 1_700_000_000),
    ],
)
def test_a_wrong_type_or_range_is_refused(field: str, value: object) -> None:
    """What comes from outside would crash the client somewhere deep."""
    with pytest.raises(Nonsense):
        answers.link_view({**VIEW, field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("manifest", "A"),
        ("manifest", "AA=="),
        ("digests", HASH),
        ("digests", [HASH[:-1]]),
        ("digests", [None]),
        ("digests", {"0": HASH}),
    ],
)
def test_bytes_are_canonical_and_of_their_length(field: str, value: object) -> None:
    """A digest of another length would shift the border of the next."""
    with pytest.raises(Nonsense):
        answers.claim({**CLAIM, field: value})


@pytest.mark.parametrize("mac", ["", "AAAA", 1])
def test_a_receipt_is_32_bytes_or_null(mac: object) -> None:
    """A cut receipt would be compared as if it were one."""
    with pytest.raises(Nonsense):
        answers.opening({**OPENING, "mac": mac})


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b"[]", b"null", b"\xff", b"[" * 100_000, b"1" * 10_000]
)
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    """A proxy's page, or a bomb, would end in a traceback."""
    with pytest.raises(Nonsense):
        json_object(raw)
