"""Links: what the vectors can't enumerate (protocol section 2)."""

from __future__ import annotations

import secrets
import traceback
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otv_client.b64 import b64decode, b64encode
from otv_client.errors import LinkDamaged, LinkError, UsageError
from otv_client.link import (
    Kdf,
    Link,
    Random,
    draw_id,
    draw_link,
    parse_link,
    parse_server,
    pin_fits_links,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

kdfs = st.sampled_from(Kdf)
ids, secrets_ = st.binary(min_size=12, max_size=12), st.binary(min_size=32, max_size=32)
pins = st.none() | st.binary(min_size=15, max_size=15)
links = st.builds(Link, st.just("https://host"), ids, secrets_, kdfs, pins)


@given(links)
def test_every_link_reads_back(link: Link) -> None:
    """Some links, by chance of their bytes, would open for nobody."""
    assert parse_link(link.url()) == link


@given(links, st.data())
def test_no_single_bit_of_a_link_can_flip(link: Link, data: st.DataObject) -> None:
    """A bit lost on the way would spend a guess, or ask the server for another link."""
    text = link.url().encode()
    start = text.index(b"/s/") + 3
    at = data.draw(st.integers(start, len(text) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = text[:at] + bytes([text[at] ^ 1 << bit]) + text[at + 1 :]

    with pytest.raises(LinkError):
        parse_link(flipped.decode("latin-1"))


def test_no_character_of_one_link_can_be_another() -> None:
    """A typing error anywhere in a link would cost the opening."""
    text = draw_link("https://host", Kdf.NONE, secrets.token_bytes).url()
    start = text.index("/s/") + 3
    positions = [at for at in range(start, len(text)) if text[at] != "#"]
    changed = [
        text[:at] + char + text[at + 1 :]
        for at in positions
        for char in ALPHABET
        if char != text[at]
    ]

    accepted = [other for other in changed if not is_refused(other)]

    assert len(changed) == 68 * 63
    assert accepted == []


def is_refused(text: str) -> bool:
    """Whether a link is refused as damaged or too new."""
    try:
        parse_link(text)
    except LinkError:
        return True
    return False


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    """Pasting something else would end in a traceback."""
    assert is_refused(text)
    assert is_refused(f"https://host/s/AAECAwQFBgcICQoL#{text}")


@given(kdfs, st.randoms(use_true_random=False), st.booleans())
def test_drawn_links_survive_chat_programs(kdf: Kdf, random: object, has_pin: bool) -> None:  # noqa: FBT001 - hypothesis draws it
    """Underscores turn into italics, leading dashes into options, trailing ones are left out."""
    draw: Random = random.randbytes  # type: ignore[attr-defined]  # hypothesis types it as object
    pin = next(pin for pin in iter(lambda: draw(15), b"") if pin_fits_links(pin))

    link = draw_link("https://host", kdf, draw, pin if has_pin else None)

    id_text, fragment = link.url().removeprefix("https://host/s/").split("#")
    assert "_" not in id_text + fragment
    assert not id_text.startswith("-")
    assert fragment[-1].isalnum()
    assert len(fragment) == (72 if has_pin else 52)
    assert parse_link(link.url()) == link


def test_a_pin_that_no_link_can_carry_is_told() -> None:
    """Drawing again would never end: the pin alone spells an underscore."""
    pin = b"\xff" * 15

    with pytest.raises(UsageError):
        draw_link("https://host", Kdf.NONE, secrets.token_bytes, pin)


@pytest.mark.parametrize("draw", [draw_id, lambda r: draw_link("https://host", Kdf.NONE, r)])
def test_a_source_that_repeats_itself_is_loud(
    draw: Callable[[Callable[[int], bytes]], object],
) -> None:
    """A broken source of randomness would hang the program, or give everyone the same secret."""
    with pytest.raises(RuntimeError):
        draw(lambda length: b"\xff" * length)


def test_a_link_shows_no_secret() -> None:
    """The secret would end up in a log or a traceback."""
    link = draw_link("https://host", Kdf.NONE, secrets.token_bytes)
    fragment = link.url().split("#")[1]

    shown = f"{link!r} {link}"

    assert fragment[4:40] not in shown
    assert repr(link.secret) not in shown
    assert link.secret.hex() not in shown


def test_a_refusal_shows_nothing_of_the_link() -> None:
    """A damaged link still holds most of its secret; errors are logged and pasted."""
    text = draw_link("https://host", Kdf.NONE, secrets.token_bytes).url()
    fragment = text.split("#")[1]
    damaged = [text[:-1], text[:-1] + "=", text[:-1] + "\u0434", text + "AAAA", text + "#"]

    for other in damaged:
        with pytest.raises(LinkDamaged) as refused:
            parse_link(other)
        logged = "".join(traceback.format_exception(refused.value))
        assert fragment[:8] not in logged + str(refused.value.hint)


def test_a_link_whose_mark_was_escaped_is_told_apart() -> None:
    """Nobody would learn that the key has reached a server, and that the link must be revoked."""
    text = draw_link("https://host", Kdf.NONE, secrets.token_bytes).url()

    with pytest.raises(LinkDamaged) as damaged:
        parse_link(text[:-1])
    with pytest.raises(LinkDamaged) as missing:
        parse_link(text.split("#")[0])
    with pytest.raises(LinkDamaged) as escaped:
        parse_link(text.replace("#", "%23"))

    assert escaped.value.message not in {damaged.value.message, missing.value.message}
    assert escaped.value.hint not in {damaged.value.hint, missing.value.hint}


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("http://[::1]:8000/a/b//", "http://[::1]:8000/a/b"),
    ],
)
def test_a_server_as_people_type_it(text: str, server: str) -> None:
    """A slash too many would give links that no program reads."""
    assert parse_server(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org",
        "ftp://example.org",
        "https://",
        "https://a b",
        "https://a?x",
        "https://a#",
        "https://me@a",
        "https://a/../b",
        "https://a/%2e",
        "https://a:port",
        "https://a\n",
    ],
)
def test_what_is_no_server_is_refused(text: str) -> None:
    """A link to nowhere would be handed out, or the request would go somewhere else."""
    with pytest.raises(UsageError):
        parse_server(text)


@given(st.binary())
def test_base64url_reads_back(data: bytes) -> None:
    """Some bytes would not survive being written down."""
    assert b64decode(b64encode(data), len(data)) == data


@given(st.text(alphabet=ALPHABET + "+/= \n\u0430", max_size=12))
def test_base64url_has_one_text_for_one_run_of_bytes(text: str) -> None:
    """Two texts for one id would be two names for one link."""
    try:
        data = b64decode(text)
    except ValueError:
        return
    assert b64encode(data) == text


def test_base64url_of_another_length_is_refused() -> None:
    """A short key would be taken for a whole one."""
    with pytest.raises(ValueError, match="length"):
        b64decode(b64encode(bytes(31)), 32)
