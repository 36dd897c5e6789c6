"""Files that change, vanish or are replaced while they are sent: refused, and named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.faults.conftest import Gate, Here
from tests.faults.test_hostile_server import sentence
from tests.faults.wire import Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 1 << 20


def grow(path: Path) -> None:
    """A log that somebody writes to."""
    with path.open("ab") as file:
        file.write(b"x")


def shrink(path: Path) -> None:
    """A file that is written anew."""
    os.truncate(path, 10)


def rewrite(path: Path) -> None:
    """A database: as long as before, and other bytes."""
    path.write_bytes(bytes([1]) * path.stat().st_size)


def replace(path: Path) -> None:
    """An editor that saves by renaming."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def link(path: Path) -> None:
    """Somebody who wants another file sent."""
    path.unlink()
    path.symlink_to("/etc/hostname")


def become_a_folder(path: Path) -> None:
    """An unpacked archive."""
    path.unlink()
    path.mkdir()


CHANGES: list[Callable[[Path], None]] = [
    grow,
    shrink,
    rewrite,
    replace,
    link,
    become_a_folder,
    os.unlink,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("first", [b"", bytes(40 * MIB)], ids=["small", "large"])
def test_file_that_is_not_the_one_that_was_walked(
    here: Here, change: Callable[[Path], None], first: bytes
) -> None:
    """Else a recipient gets half of yesterday and half of today, and nobody can tell."""
    folder = here.folder / "sent"
    folder.mkdir()
    (folder / "a").write_bytes(first)
    (folder / "changing").write_bytes(bytes(MIB))
    gate = Gate(*(("parts", Stage.UP) if first else ("create", Stage.ASKED)))
    here.wire.watch = gate.watch

    with here.running("put", "sent") as putting:
        with gate.held():
            change(folder / "changing")
        said = putting.result()

    assert (said.code, said.out) == (9, b"")
    assert "changing" in sentence(said)
    assert "revoke" in here.wire.asked
    assert list((here.folder / "state").glob("shares/*")) == []


@pytest.mark.parametrize("change", [grow, rewrite, os.unlink], ids=lambda change: change.__name__)
def test_small_file_that_changes_after_the_server_was_asked(
    here: Here, change: Callable[[Path], None]
) -> None:
    """Else what travels in one request is less well guarded than what travels in parts."""
    (here.folder / "changing").write_bytes(b"content")
    gate = Gate("info", Stage.ASKED)
    here.wire.watch = gate.watch

    with here.running("put", "changing") as putting:
        with gate.held():
            change(here.folder / "changing")
        said = putting.result()

    assert (said.code, said.out) == (9, b"")
    assert "changing" in sentence(said)
    assert "create" not in here.wire.asked
