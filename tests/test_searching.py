"""The search for what must not leave sees it in every spelling; a blind one would let all pass."""

from __future__ import annotations

import secrets
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.searching import WINDOW, secrets_in, window_in

if TYPE_CHECKING:
    from collections.abc import Callable

PLAINTEXT = secrets.token_bytes(5000).replace(b"\0", b"\1")
BINARY: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "hex": lambda data: data.hex().encode(),
    "upper hex": lambda data: data.hex().upper().encode(),
    "base64": b64encode,
    "base64 after one byte": lambda data: b64encode(b"." + data),
    "base64url after two": lambda data: urlsafe_b64encode(b".." + data).rstrip(b"="),
    "percent": lambda data: quote(data, safe="").encode(),
    "UTF-8 of single bytes": lambda data: data.decode("latin-1").encode(),
    "UTF-16 of single bytes": lambda data: data.decode("latin-1").encode("utf-16-le"),
}
WORDS: dict[str, Callable[[str], bytes]] = {
    "UTF-16, big-endian": lambda text: text.encode("utf-16-be"),
    "form": lambda text: quote(text, safe="").replace("%20", "+").encode(),
    "lower percent": lambda text: quote(text, safe="").replace("%C3%A4", "%c3%a4").encode(),
    "JSON": lambda text: text.replace("ä", "\\u00e4").encode(),
}


@pytest.mark.parametrize("spell", BINARY.values(), ids=BINARY)
@pytest.mark.parametrize("at", [0, 3, 4321, 5000 - WINDOW])
def test_window_is_found(spell: Callable[[bytes], bytes], at: int) -> None:
    """Sixteen bytes, wherever they were cut out."""
    window = PLAINTEXT[at : at + WINDOW]
    assert window_in(b"- " + spell(window) + b" -", PLAINTEXT)


def test_no_window_is_found_where_none_is() -> None:
    """Fifteen bytes, and ten thousand others."""
    assert window_in(PLAINTEXT[100:115] + secrets.token_bytes(10_000), PLAINTEXT) is None


@pytest.mark.parametrize("name", list(BINARY)[:7])
def test_secret_is_found(name: str) -> None:
    """A key, among others; as text in itself it is no secret's usual form."""
    spell = BINARY[name]
    key, other = secrets.token_bytes(32), secrets.token_bytes(32)
    assert secrets_in(b"- " + spell(key) + b" -", {"key": key, "other": other}) == {"key"}


@pytest.mark.parametrize("spell", WORDS.values(), ids=WORDS)
def test_words_are_found(spell: Callable[[str], bytes]) -> None:
    """A note, as a form, a log or a script may write it."""
    words = "nobody may reäd this"
    assert secrets_in(b"- " + spell(words) + b" -", {"note": words.encode()}) == {"note"}
