"""What is received lands where it belongs, under names this file system takes, or not at all."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from otv_client.errors import LocalError
from otv_client.files import tree
from otv_client.files.plan import FileSystem, new_folder, place
from otv_client.files.saving import (
    PartialFolder,
    check_destination,
    new_partial_name,
    remove_partial,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAIN = FileSystem()
NO_CASE = FileSystem(ignores_case=True)
NO_FORM = FileSystem(ignores_normal_form=True)
STRICT = FileSystem(takes_every_character=False)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty destination."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def partial(out: Path) -> Iterator[PartialFolder]:
    """Two files, 5 and 3 bytes, written but not published."""
    with PartialFolder(out, new_partial_name(), [5, 3]) as folder:
        folder.start()
        folder.write(0, memoryview(b"hello"))
        folder.write(5, memoryview(b"you\0\0"))
        folder.sync()
        yield folder


def visible(out: Path) -> dict[str, bytes]:
    """What lies in the destination under final names."""
    files = (path for path in out.rglob("*") if path.is_file())
    found = {str(path.relative_to(out)): path for path in files}
    return {name: p.read_bytes() for name, p in found.items() if not name.startswith(".otv-")}


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "system", "expected"),
    [
        (["a.txt", "A.txt"], PLAIN, ["a.txt", "A.txt"]),
        (["a.txt", "A.txt", "a.TXT"], NO_CASE, ["a.txt", "A (2).txt", "a (3).TXT"]),
        (["a", "A (2)", "A"], NO_CASE, ["a", "A (2)", "A (3)"]),
        (["\u00e9", "e\u0301"], NO_FORM, ["\u00e9", "e\u0301 (2)"]),
        (["\u00e9", "e\u0301"], PLAIN, ["\u00e9", "e\u0301"]),
        (["a?b", 'a"b'], STRICT, ["a_b", "a_b (2)"]),
        (["x", "X/y"], NO_CASE, ["x (2)", "X/y"]),
        (["D/a", "d/b", "d/A"], NO_CASE, ["D/a", "d/b", "d/A (2)"]),
        (["stra\u00dfe", "STRASSE"], NO_CASE, ["stra\u00dfe", "STRASSE (2)"]),
    ],
)
def test_collisions_get_a_number(names: list[str], system: FileSystem, expected: list[str]) -> None:
    """One file of a share would overwrite another."""
    assert place(names, system) == expected


def test_a_share_with_a_dotfile_gets_a_folder_of_its_own() -> None:
    """A .profile would land beside the user's own files."""
    assert new_folder(["a", ".b"], "xyz") == "otv-xyz"
    assert new_folder([".git/config"], "xyz") == "otv-xyz"
    assert new_folder(["a/.b"], "xyz") == ""


# --- writing --------------------------------------------------------------------------------------


def test_nothing_has_a_final_name_before_publish(partial: PartialFolder, out: Path) -> None:
    """A program that watches the folder would take half a file."""
    assert visible(out) == {}

    partial.publish(["a", "deep/b"], force=False)
    partial.discard()

    assert visible(out) == {"a": b"hello", "deep/b": b"you"}
    assert sorted(path.name for path in out.iterdir()) == ["a", "deep"]


def test_modes_are_private_whatever_the_umask(out: Path) -> None:
    """Others on the machine would read along, or the user not at all."""
    old = os.umask(0o777)
    try:
        with PartialFolder(out, new_partial_name(), [1]) as folder:
            folder.start()
            folder.write(0, memoryview(b"x"))
            folder.publish(["closed"], force=False)
            folder.discard()
        os.umask(0)
        with PartialFolder(out, new_partial_name(), [1]) as folder:
            folder.start()
            inside = stat.S_IMODE((out / folder.name).stat().st_mode)
            folder.publish(["d/open"], force=False)
            folder.discard()
    finally:
        os.umask(old)

    assert stat.S_IMODE((out / "closed").stat().st_mode) == 0
    assert stat.S_IMODE((out / "d" / "open").stat().st_mode) == 0o600
    assert stat.S_IMODE((out / "d").stat().st_mode) == 0o700
    assert inside == 0o700


def test_a_failure_halfway_takes_back_what_was_moved(partial: PartialFolder, out: Path) -> None:
    """Half of a share would look like all of it."""
    (out / "b").write_bytes(b"mine")

    with pytest.raises(LocalError):
        partial.publish(["a", "b"], force=False)

    assert visible(out) == {"b": b"mine"}
    partial.publish(["a", "c"], force=False)
    assert visible(out) == {"a": b"hello", "b": b"mine", "c": b"you"}


def test_without_hard_links_nothing_is_replaced_either(
    partial: PartialFolder, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a memory stick (FAT) the careful way would fail, or overwrite."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr("otv_client.files.saving.os.link", refuse)
    (out / "b").write_bytes(b"mine")

    with pytest.raises(LocalError):
        partial.publish(["a", "b"], force=False)

    assert visible(out) == {"b": b"mine"}
    partial.publish(["a", "c"], force=False)
    assert visible(out) == {"a": b"hello", "b": b"mine", "c": b"you"}


def test_force_replaces_files_but_not_folders(partial: PartialFolder, out: Path) -> None:
    """A folder full of files would be gone for one of the same name."""
    (out / "a").write_bytes(b"old")
    (out / "b").mkdir()

    with pytest.raises(LocalError):
        partial.check_free(["a", "b"], force=True)
    partial.publish(["a", "c"], force=True)

    assert visible(out) == {"a": b"hello", "c": b"you"}
    assert (out / "b").is_dir()


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("path", ["trap", "trap/in", "dir/trap/in"])
@pytest.mark.parametrize("method", ["check_free", "publish"])
def test_symbolic_links_are_never_followed(
    partial: PartialFolder, out: Path, tmp_path: Path, path: str, method: str, *, force: bool
) -> None:
    """A planted link would send the file to wherever its maker wants."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (out / "dir").mkdir()
    (out / "trap").symlink_to(elsewhere)
    (out / "dir" / "trap").symlink_to(elsewhere)

    with pytest.raises(LocalError):
        getattr(partial, method)([path, "other"], force=force)

    assert list(elsewhere.iterdir()) == []
    assert visible(out) == {}


def test_a_file_where_a_folder_must_be_is_in_the_way(partial: PartialFolder, out: Path) -> None:
    """The error would be a number of the system's, or the file be replaced."""
    (out / "dir").write_bytes(b"mine")

    with pytest.raises(LocalError):
        partial.check_free(["dir/a", "b"], force=True)

    assert visible(out) == {"dir": b"mine"}


def test_no_room_is_told_before_the_download(partial: PartialFolder) -> None:
    """An hour of download would end in a full disk."""
    partial.check_room(1)

    with pytest.raises(LocalError):
        partial.check_room(1 << 60)


# --- going on -------------------------------------------------------------------------------------


def test_another_process_goes_on_in_the_same_folder(partial: PartialFolder, out: Path) -> None:
    """What was downloaded before a crash would be downloaded again."""
    with PartialFolder(out, partial.name, [5, 3]) as later:
        assert later.resume()
        later.publish(["a", "b"], force=False)

    assert visible(out) == {"a": b"hello", "b": b"you"}


@pytest.mark.parametrize("fault", ["absent", "link", "open to others", "file gone", "file cut"])
def test_a_folder_that_is_not_as_it_was_is_not_trusted(
    partial: PartialFolder, out: Path, fault: str
) -> None:
    """Bytes that somebody else wrote would be handed on as verified."""
    path = out / partial.name
    if fault == "absent":
        remove_partial(out, partial.name)
    elif fault == "link":
        path.rename(out / "moved")
        path.symlink_to(out / "moved")
    elif fault == "open to others":
        path.chmod(0o755)
    elif fault == "file gone":
        (path / "1").unlink()
    else:
        os.truncate(path / "0", 4)

    with PartialFolder(out, partial.name, [5, 3]) as later:
        assert not later.resume()


def test_file_system_without_modes_is_gone_on_with(
    partial: PartialFolder, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else on a memory stick, where all folders look open, every download starts anew."""
    real_stat, real_fstat = os.stat, os.fstat

    def shown(status: os.stat_result) -> os.stat_result:
        return os.stat_result((status.st_mode | 0o055, *status[1:]))

    monkeypatch.setattr(os, "stat", lambda *args, **named: shown(real_stat(*args, **named)))
    monkeypatch.setattr(os, "fstat", lambda handle: shown(real_fstat(handle)))

    with PartialFolder(out, partial.name, [5, 3]) as later:
        assert later.resume()


def test_removing_follows_no_name_but_its_own(out: Path, tmp_path: Path) -> None:
    """An edited record would make the client delete a folder of the user's."""
    (out / "precious").mkdir()
    (tmp_path / "precious").mkdir()
    (out / ".otv-partial-0123456789abcdef").symlink_to(tmp_path / "precious")

    for name in ("precious", "../precious", "", ".", ".otv-partial-0123456789abcdef"):
        remove_partial(out, name)

    assert (out / "precious").exists()
    assert (tmp_path / "precious").exists()


def test_a_destination_that_can_not_be_is_told_before_anything_is_spent(out: Path) -> None:
    """The link would be spent before the folder turns out to be a file."""
    (out / "file").write_bytes(b"")

    with pytest.raises(LocalError):
        check_destination(out / "file")
    with pytest.raises(LocalError):
        check_destination(out / "file" / "below")
    check_destination(out / "new" / "below")


def test_errors_of_the_system_become_sentences() -> None:
    """A full disk would end in a traceback."""
    with pytest.raises(LocalError, match="no room left"), tree.told("can't write"):
        raise OSError(28, "No space left on device")
