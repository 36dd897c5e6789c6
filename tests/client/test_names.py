"""Names: what the vectors can't enumerate (protocol section 5)."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otv_client.errors import IntegrityError
from otv_client.names import check_name, check_names, printable, safe_name

FORBIDDEN = {
    *range(0x20),
    *range(0x7F, 0xA0),
    0x061C,
    0x200E,
    0x200F,
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    ord("\\"),
    ord(":"),
    *range(0xD800, 0xE000),
}

# Any code point, and those that matter more often than chance would give them.
unlucky = st.text(st.characters() | st.sampled_from("/.: \\\u202e\0\u0301e$1\ud800"), max_size=60)
devices = st.sampled_from(["CON", "nul", "COM1", "lpt\u00b3", "CONIN$", ".", ".."])
names = st.lists(unlucky | devices | st.text("ab \u00e9.", min_size=250, max_size=270)).map(
    "/".join
)


def is_refused(name: str) -> bool:
    """Whether a reader refuses the name."""
    try:
        check_name(name)
    except IntegrityError:
        return True
    return False


@given(names)
@example("/".join(["x" * 255] * 5))
@example("x" * 250 + ".CON/" + "y" * 254 + " .txt")
def test_a_safe_name_is_one_that_every_reader_takes(name: str) -> None:
    """A sender would upload for an hour what no reader accepts."""
    safe = safe_name(name)

    check_name(safe)
    assert safe_name(safe) == safe
    assert unicodedata.is_normalized("NFC", safe)


@given(names)
def test_a_name_that_is_fine_stays_as_it_is(name: str) -> None:
    """Files would be renamed for no reason."""
    normal = unicodedata.normalize("NFC", name)

    if not is_refused(normal):
        assert safe_name(name) == normal


def test_exactly_the_listed_code_points_are_refused() -> None:
    """A reader on another version of Unicode would refuse what this one sends, or let it pass."""
    refused = {code for code in range(sys.maxunicode + 1) if is_refused(f"a{chr(code)}b")}

    assert refused == FORBIDDEN


@pytest.mark.parametrize("code", [c for c in sorted(FORBIDDEN) if not 0xD800 < c < 0xDFFF])
def test_each_of_them_is_replaced(code: int) -> None:
    """A sender could not send a file for one odd character in its name."""
    assert safe_name(f"a{chr(code)}b") == "a_b"


def test_many_deep_names_are_checked_quickly() -> None:
    """A manifest made to be slow would hold up whoever opens it."""
    folders = "/".join("a" * 100)
    many = [f"{folders}/{i}" for i in range(4096)]
    start = time.process_time()

    check_names(many)

    assert time.process_time() - start < 2  # 0.2 s here


@given(st.text(st.characters(), max_size=100))
def test_what_is_shown_is_one_visible_line(text: str) -> None:
    """A name could repaint the terminal, or show itself as another."""
    shown = printable(text)

    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode()
