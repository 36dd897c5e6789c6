"""What is sent is what was there: walked once, named safely, and unchanged while it is read."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otv_client import names
from otv_client.envelope.manifest import is_type
from otv_client.errors import LocalError, UsageError
from otv_client.files.plan import numbered
from otv_client.files.sources import (
    MAX_FILES,
    Content,
    Source,
    collect,
    distinct,
    from_memory,
    guess_type,
    read_at_most,
)

if TYPE_CHECKING:
    from pathlib import Path


def ignore(_: str) -> None:
    """Take no notice."""


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A file of ten bytes."""
    path = tmp_path / "one"
    path.write_bytes(b"0123456789")
    return path


def test_a_link_named_on_the_command_line_is_followed(tmp_path: Path, one: Path) -> None:
    """Whoever asks for it by name wants the file."""
    (tmp_path / "link").symlink_to(one)

    (source,) = collect([tmp_path / "link"], ignore)

    assert (source.name, source.size) == ("link", 10)


def test_the_current_folder_is_sent_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`put .` would send files under no folder, or one called dot."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "f").write_bytes(b"")
    monkeypatch.chdir(folder)

    (source,) = collect([type(tmp_path)()], ignore)

    assert source.name == "project/f"


def test_files_come_in_a_stable_order(tmp_path: Path) -> None:
    """The same folder sent twice would be laid out differently."""
    for name in ("b", "a/z", "a/b/c", "c"):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(b"")

    found = [source.name for source in collect([tmp_path / "d"], ignore)]

    assert found == ["d/b", "d/c", "d/a/z", "d/a/b/c"]


def test_too_many_files_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    """A manifest that no reader takes would be found out after the upload."""
    for number in range(MAX_FILES + 1):
        (tmp_path / str(number)).touch()

    with pytest.raises(UsageError):
        collect([tmp_path], ignore)


def test_the_second_of_two_gets_a_number(one: Path) -> None:
    """One of two files of the same name would be lost."""
    told: list[str] = []

    sources = distinct(collect([one, one, one], ignore), told.append)

    assert [source.name for source in sources] == ["one", "one (2)", "one (3)"]
    assert len(told) == 2


def test_a_file_named_like_a_folder_gets_a_number() -> None:
    """No reader takes a share with a file where a folder must be."""
    sources = [from_memory(name, b"", ignore) for name in ("a", "a/b", "a/b/c")]

    renamed = [source.name for source in distinct(sources, ignore)]

    assert renamed == ["a (2)", "a/b (2)", "a/b/c"]
    names.check_names(renamed)


@given(st.lists(st.text(max_size=8), max_size=8))
def test_what_is_sent_passes_the_readers_rules(texts: list[str]) -> None:
    """A link would be refused by its reader, with the opening spent."""
    sources = distinct([from_memory(text, b"", ignore) for text in texts], ignore)

    names.check_names([source.name for source in sources])


@given(st.text(min_size=1, max_size=300).map(names.safe_name), st.integers(2, 9999))
def test_numbered_names_fit_their_component(name: str, number: int) -> None:
    """A long name would grow past what a file system takes."""
    last = numbered(name, number).rpartition("/")[2]

    assert len(last.encode()) <= 255
    assert f"({number})" in last


@pytest.mark.parametrize("name", ["a.txt", "a.tar.gz", "a.GZ", "a.unknown", "a", "a.html", "a.xz"])
def test_types_are_ones_that_readers_take(name: str) -> None:
    """A type that section 5 refuses would make the whole share unreadable."""
    assert is_type(guess_type(name))


@given(
    st.lists(st.binary(max_size=40), max_size=6),
    st.integers(0, 250),
    st.integers(0, 60),
)
def test_content_is_the_files_joined_then_zeros(
    pieces: list[bytes], start: int, length: int
) -> None:
    """A byte would go to the neighbour of the file it belongs to."""
    joined = b"".join(pieces)
    sources = [Source(str(n), len(piece), "", data=piece) for n, piece in enumerate(pieces)]
    content = Content(sources)

    read = content.read(start, start + length)

    assert content.total == len(joined)
    assert bytes(read) == joined[start : start + length].ljust(length, b"\0")


@pytest.mark.parametrize("change", ["grows", "shrinks", "is rewritten", "is replaced", "vanishes"])
def test_a_file_that_changes_is_not_sent(one: Path, change: str) -> None:
    """Half of the old file and half of the new one would arrive as one."""
    (source,) = collect([one], ignore)
    if change == "grows":
        one.write_bytes(b"0123456789a")
    elif change == "shrinks":
        one.write_bytes(b"0")
    elif change == "is rewritten":
        one.write_bytes(b"9876543210")
        os.utime(one, ns=(0, 1))
    elif change == "is replaced":
        other = one.with_name("other")
        other.write_bytes(b"9876543210")
        os.utime(other, ns=(0, one.stat().st_mtime_ns))
        other.replace(one)
    else:
        one.unlink()

    with pytest.raises(LocalError, match=str(one)):
        Content([source]).read(0, 10)


def test_a_stream_in_dribs_is_read_to_the_full() -> None:
    """A pipe that gives a byte at a time would end the upload early."""

    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 3))

    stream = Dribble(b"0123456789")

    assert bytes(read_at_most(stream, 8)) == b"01234567"
    assert bytes(read_at_most(stream, 8)) == b"89"
    assert bytes(read_at_most(stream, 8)) == b""


def test_a_file_swapped_for_a_link_is_not_followed(tmp_path: Path) -> None:
    """Who can write to a folder could have any file of the sender's sent along."""
    folder, secret = tmp_path / "folder", tmp_path / "secret"
    folder.mkdir()
    (folder / "f").write_bytes(b"sent")
    secret.write_bytes(b"kept")
    content = Content(collect([folder], ignore))
    (folder / "f").unlink()
    (folder / "f").symlink_to(secret)

    with pytest.raises(LocalError):
        content.read(0, 4)
