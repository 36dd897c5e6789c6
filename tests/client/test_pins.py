"""A server's key and its pin: one pure function between a stranger's certificate and trust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otv_client.b64 import b64encode
from otv_client.errors import UsageError
from otv_client.pins import is_pinned, parse_pin, pin_of
from tests.vectors.reference import spki

CASES = json.loads((Path(__file__).parents[1] / "vectors/pins.json").read_text())["check"]
GOOD = bytes.fromhex(CASES[0]["certificate"])
PIN = bytes.fromhex(CASES[0]["pin"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_check(case: dict[str, Any]) -> None:
    """A stranger's server would be taken for the one of the link, or that one be refused."""
    certificate, pin = bytes.fromhex(case["certificate"]), bytes.fromhex(case["pin"])

    assert is_pinned(certificate, pin) is (case["result"] == "ok")


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_flipped_bit_never_gives_another_key_the_same_pin(position: int, bit: int) -> None:
    """A byte that the check skips is a byte that an attacker may choose within the key."""
    altered = bytearray(GOOD)
    altered[position] ^= 1 << bit
    start = GOOD.index(spki(GOOD))

    is_in_key = start <= position < start + len(spki(GOOD))

    assert not (is_in_key and is_pinned(bytes(altered), PIN))


@given(st.binary(max_size=400))
def test_noise_is_no_certificate(noise: bytes) -> None:
    """A server that shows nonsense would end the program with a traceback."""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it, it is one refusal
        pin_of(noise)
    assert not is_pinned(noise, PIN)


def test_pin_is_read_as_it_is_printed() -> None:
    """What a server prints could not be given to the client."""
    assert parse_pin(f" {b64encode(PIN)}\n") == PIN


@pytest.mark.parametrize(
    "text", ["", "AAAA", "A" * 19, "A" * 21, "A" * 19 + "=", "A" * 19 + "+", "ä" * 20]
)
def test_anything_else_is_no_pin(text: str) -> None:
    """A typing error would be taken for a key that no server has, and told as an attack."""
    with pytest.raises(UsageError):
        parse_pin(text)
