"""Standard error that is full, or not there at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Otv

PLACES = {
    "full": ("sh", "-c", 'exec "$@" 2>/dev/full', "sh"),
    "closed": ("sh", "-c", 'exec "$@" 2>&-', "sh"),
}


@pytest.mark.parametrize("place", PLACES)
def test_note_that_nobody_could_read_is_not_acknowledged(otv: Otv, place: str) -> None:
    """Else a log on a full disk costs the note that stood beside a file, and nobody hears of it."""
    (otv.folder / "f").write_bytes(b"file")
    link = otv.put("f", "--note", "precious")

    first = otv.using(inside=PLACES[place]).run("get", link, "-o", "out")
    between = json.loads(otv.ok("status", link, "--json"))["links"][0]["openings"][0]
    second = otv.run("get", link, "-o", "out")

    assert (first.returncode, first.stdout) == (9, b"")
    assert between["receipt"] == "none"
    assert second.returncode == 0
    assert b"precious" in second.stderr
    assert (otv.folder / "out" / "f").read_bytes() == b"file"


@pytest.mark.parametrize("place", PLACES)
def test_result_is_the_same_without_standard_error(otv: Otv, place: str) -> None:
    """Else sentences for people stand in the middle of a file, or behind a link."""
    quiet = otv.using(inside=PLACES[place])
    (otv.folder / "f").write_bytes(b"exactly this")

    link = quiet.ok("put", "f", "--view-only", "--qr").decode()
    received = quiet.ok("get", link.strip(), "-o", "-")

    assert link.count("\n") == 1
    assert received == b"exactly this"
