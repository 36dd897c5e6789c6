"""What goes in comes out, once, whatever it is."""

from __future__ import annotations

import os
import random
import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Otv

MIB = 1 << 20


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that no two seeds share."""
    return random.Random(seed).randbytes(size)


def test_text_opens_once(otv: Otv) -> None:
    """A secret that could be read twice would be no one-time secret."""
    link = otv.put("--text", "the secret")

    first, second = otv.run("get", link), otv.run("get", link)

    assert (first.returncode, first.stdout) == (0, b"the secret\n")
    assert (second.returncode, second.stdout) == (4, b"")


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 20 * MIB])
def test_standard_input_of_unknown_length(otv: Otv, size: int) -> None:
    """A backup piped in would lose its end, or an empty one fail."""
    data = noise(size)
    link = otv.put("-", "--name", "dump.bin", stdin=data)

    received = otv.ok("get", link, "-o", "-")

    assert received == data


def test_three_files_of_25_mib_share_parts(otv: Otv) -> None:
    """Where a file begins in the middle of a part, a byte could go to its neighbour."""
    sizes = [9 * MIB + 1, 7 * MIB - 3, 9 * MIB + 2]
    contents = {f"{number}.bin": noise(size, number) for number, size in enumerate(sizes)}
    for name, content in contents.items():
        (otv.folder / name).write_bytes(content)
    link = otv.put(*contents)

    otv.ok("get", link, "-o", "out")

    assert {path.name: path.read_bytes() for path in (otv.folder / "out").iterdir()} == contents


def test_folder_arrives_as_it_was(otv: Otv) -> None:
    """A project sent as a folder would arrive flattened, or without its empty files."""
    contents = {"a.txt": b"a", "empty": b"", "deep/er/b.bin": noise(100), ".hidden": b"h"}
    for name, content in contents.items():
        path = otv.folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    link = otv.put("project")

    otv.ok("get", link, "-o", "out")

    out = otv.folder / "out" / "project"
    found = {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert found == contents


def test_names_in_any_script(otv: Otv) -> None:
    """Somebody's own language would be mangled on the way."""
    arabic, emoji, thai = "\u0645\u0644\u0641.txt", "\U0001f98a.png", "\u0e44\u0e1f\u0e25\u0e4c"
    names = {"r\u00e9sum\u00e9.txt", "\u6587\u4ef6.pdf", arabic, emoji, thai, "a b'c\"d", "-rf"}
    for name in names:
        (otv.folder / name).write_bytes(name.encode())
    link = otv.put("--", *names)

    otv.ok("get", link, "-o", "out")

    arrived = {path.name: path.read_bytes().decode() for path in (otv.folder / "out").iterdir()}
    assert arrived == {name: name for name in names}


def test_names_that_can_not_travel_are_changed_and_told(otv: Otv) -> None:
    """A file would vanish, or arrive under a name that the sender never heard of."""
    for name in ("CON.txt", "a\\b", "line\nfeed"):
        (otv.folder / name).write_bytes(b"x")
    done = otv.run("put", "CON.txt", "a\\b", "line\nfeed")

    otv.ok("get", done.stdout.decode().strip(), "-o", "out")

    names = {path.name for path in (otv.folder / "out").iterdir()}
    assert names == {"_CON.txt", "a_b", "line_feed"}
    assert done.stderr.count(b"otv: sent as") == 3
    assert b"line\nfeed" not in done.stderr


def test_what_is_not_sent_is_named(otv: Otv) -> None:
    """Somebody would believe that a link's target or an empty folder was sent."""
    folder = otv.folder / "folder"
    (folder / "empty").mkdir(parents=True)
    (folder / "kept").write_bytes(b"k")
    (folder / "link").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")

    done = otv.run("put", "folder")

    told = done.stderr.decode()
    assert done.returncode == 0
    assert all(f"folder/{name}" in told for name in ("empty", "link", "pipe"))


def test_files_arrive_for_the_owner_alone(otv: Otv) -> None:
    """A received secret would be readable for everybody on the machine, or run by a click."""
    source = otv.folder / "script.sh"
    source.write_bytes(b"#!/bin/sh\n")
    source.chmod(0o777)
    link = otv.put("script.sh")

    otv.ok("get", link, "-o", "out")

    assert stat.S_IMODE((otv.folder / "out" / "script.sh").stat().st_mode) == 0o600


@pytest.mark.section9("a top-level name that begins with a dot")
def test_a_dotfile_never_lands_in_the_current_folder(otv: Otv) -> None:
    """A sender could plant a .bashrc in the home of whoever opens a link there."""
    (otv.folder / "sent").mkdir()
    (otv.folder / "sent" / ".bashrc").write_bytes(b"evil")
    link = otv.using(folder=otv.folder / "sent").put(".bashrc")

    done = otv.run("get", link)

    assert done.returncode == 0
    assert not (otv.folder / ".bashrc").exists()
    (arrived,) = otv.folder.glob("otv-*/.bashrc")
    assert arrived.parent.name.encode() in done.stderr


def test_password_is_asked_for_and_nothing_spent_without(otv: Otv, tmp_path: Path) -> None:
    """A typing error in the password would cost the file."""
    secret = tmp_path / "password"
    secret.write_text("p\u00e4ssword\nsecond line\n")
    link = otv.put("--text", "x", "--password-file", secret)

    missing = otv.run("get", link)
    wrong = otv.using(env={"OTV_PASSWORD": "wrong"}).run("get", link)
    right = otv.using(env={"OTV_PASSWORD": "p\u00e4ssword"}).run("get", link)

    assert (missing.returncode, wrong.returncode, right.returncode) == (5, 5, 0)
    assert right.stdout == b"x\n"


def test_environment_password_is_ignored_for_a_link_without_one(otv: Otv) -> None:
    """Whoever keeps OTV_PASSWORD set couldn't open any other link."""
    link = otv.put("--text", "x")

    done = otv.using(env={"OTV_PASSWORD": "unneeded"}).run("get", link)

    assert done.stdout == b"x\n"


def test_personal_links_open_on_their_own(otv: Otv) -> None:
    """One recipient would use up the file of another."""
    (otv.folder / "big").write_bytes(noise(100_000))
    links = otv.ok("put", "big", "--links", "2").decode().split()

    codes = [otv.run("get", link, "-o", f"out{n}").returncode for n, link in enumerate(links * 2)]

    assert codes == [0, 0, 4, 4]


def test_link_from_standard_input(otv: Otv) -> None:
    """The link would have to stand in the list of processes."""
    link = otv.put("--text", "x")

    assert otv.ok("get", "-", stdin=f"  {link}\n".encode()) == b"x\n"


def test_text_from_standard_input_arrives_byte_for_byte(otv: Otv) -> None:
    """A key piped in would gain or lose a line end."""
    link = otv.put("--text", "-", stdin="k\u00e9y\n\n".encode())

    assert otv.ok("get", link, "-o", "-") == "k\u00e9y\n\n".encode()


def test_note_beside_files_stays_off_standard_output(otv: Otv) -> None:
    """A note in a pipe would corrupt the file."""
    (otv.folder / "f").write_bytes(b"content")
    link = otv.put("f", "--note", "mind\x1b[2J this")

    done = otv.run("get", link, "-o", "-")

    assert done.stdout == b"content"
    assert b"mind\\u001b[2J this" in done.stderr
