"""QR codes, read back by a program that knows nothing of ours."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import png  # type: ignore[import-untyped]  # it ships no types

from tests.programs import program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Otv

SCALE = 4
HALVES = {"\u2588": (1, 1), "\u2580": (1, 0), "\u2584": (0, 1), " ": (0, 0)}


def read_code(picture: Path) -> str:
    """What a scanner sees in a picture."""
    zbarimg = program("zbarimg", "zbar-tools")
    done = subprocess.run(
        [zbarimg, "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def photographed(lines: list[str], picture: Path) -> None:
    """What a camera would see of a light-on-dark terminal: a full block is light."""
    rows = []
    for line in lines:
        for half in (0, 1):
            row = [255 * HALVES[block][half] for block in line for _ in range(SCALE)]
            rows += [row] * SCALE
    png.from_array(rows, "L;8").save(str(picture))


def test_saved_code_is_the_link(otv: Otv) -> None:
    """Else the phone opens something else, or nothing."""
    link = otv.put("--text", "x", "--qr-file", "code.png")

    assert read_code(otv.folder / "code.png") == link


def test_code_on_the_terminal_is_the_link(otv: Otv, tmp_path: Path) -> None:
    """Else who holds a phone to the screen gets nothing."""
    link = otv.put("--text", "x")
    lines = otv.ok("qr", link).decode().splitlines()

    photographed(lines, tmp_path / "screen.png")

    assert read_code(tmp_path / "screen.png") == link
