"""A disk that fills while something is written to it, at either end."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.conftest import running_server
from tests.faults.conftest import Gate, Here
from tests.faults.test_hostile_server import sentence
from tests.faults.wire import Stage
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunningServer
    from tests.faults.conftest import Disk

MIB = 1 << 20
SIZE = 20 * MIB
NO_ROOM = ("no room", "No space left")


def content() -> bytes:
    """What is sent."""
    return random.Random(5).randbytes(SIZE)


def sent(here: Here) -> str:
    """A link to three parts."""
    (here.folder / "big").write_bytes(content())
    return here.put("big")


def says_no_room(text: str) -> bool:
    """Whether a sentence says what is wrong."""
    return any(words in text for words in NO_ROOM)


# --- the recipient's ----------------------------------------------------------------------------


def test_disk_that_fills_during_get_costs_nothing(here: Here, disk: Disk) -> None:
    """Else the opening is spent, or a file with a hole is taken for whole."""
    link = sent(here)
    gate = Gate("content", Stage.DOWN, after=SIZE // 2)
    here.wire.watch = gate.watch
    out = disk.folder / "out"

    with here.running("get", link, "-o", str(out)) as getting:
        with gate.held():
            disk.fill()
        said = getting.result()
    seen = [path.name for path in out.glob("[!.]*")]
    disk.clear()
    again = here.run("get", link, "-o", str(out))

    assert said.code == 9
    assert says_no_room(sentence(said))
    assert "nothing is lost" in said.err
    assert seen == []
    assert again.code == 0, again.err
    assert [path.name for path in out.iterdir()] == ["big"]
    assert (out / "big").read_bytes() == content()


def test_disk_without_room_is_said_before_a_byte_comes(here: Here, disk: Disk) -> None:
    """Else an hour of download ends in a full disk."""
    link = sent(here)
    disk.fill()
    here.wire.asked.clear()

    said = here.run("get", link, "-o", str(disk.folder / "out"))
    again = here.run("get", link, "-o", "out")

    assert said.code == 9
    assert says_no_room(sentence(said))
    assert "nothing is lost" in said.err
    assert here.wire.asked.count("content") == 1  # the second time
    assert again.code == 0, again.err


def test_state_that_can_not_be_written_spends_nothing(
    here: Here, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the claim is made, and its proof lost with the next crash."""
    link = sent(here)
    monkeypatch.setenv("OTV_STATE", str(disk.folder / "state"))
    disk.fill()
    here.wire.asked.clear()

    said = here.run("get", link, "-o", "out")
    disk.clear()
    again = here.run("get", link, "-o", "out")

    assert said.code == 9
    assert says_no_room(sentence(said))
    assert again.code == 0, again.err
    assert here.wire.asked.count("claim") == 1


def test_state_that_fills_during_get_costs_nothing(
    here: Here, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the disk of the records decides over files on another."""
    link = sent(here)
    monkeypatch.setenv("OTV_STATE", str(disk.folder / "state"))
    gate = Gate("content", Stage.DOWN, after=SIZE // 2)
    here.wire.watch = gate.watch

    with here.running("get", link, "-o", "out") as getting:
        with gate.held():
            disk.fill()
        said = getting.result()
    disk.clear()
    again = here.run("get", link, "-o", "out")

    assert said.code == 9
    assert says_no_room(sentence(said))
    assert again.code == 0, again.err
    assert here.seen() == ["big"]


def test_stream_without_room_to_verify_writes_nothing(
    here: Here, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else half a file goes down a pipe as if it were all."""
    link = sent(here)
    disk.fill()
    monkeypatch.setattr("tempfile.tempdir", str(disk.folder))

    said = here.run("get", link, "-o", "-")
    monkeypatch.setattr("tempfile.tempdir", None)
    again = here.run("get", link, "-o", "-")

    assert (said.code, said.out) == (9, b"")
    assert "TMPDIR" in said.err
    assert (again.code, again.out) == (0, content())


def test_file_larger_than_this_process_may_write(here: Here, tmp_path: Path) -> None:
    """Else a limit of the machine's shows as a failure of ours; and the opening is gone."""
    link = sent(here)
    limited = "import resource, sys; from otv_client.cli.main import run;"
    limited += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({10 * MIB}, {10 * MIB}));"
    limited += "sys.exit(run(sys.argv[1:]))"

    done = subprocess.run(
        [sys.executable, "-c", limited, "get", link, "-o", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    again = here.run("get", link, "-o", "out")

    assert done.returncode == 9
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert again.code == 0, again.err


# --- the sender's -------------------------------------------------------------------------------


def test_state_that_can_not_be_written_sends_nothing(
    here: Here, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a share goes up that nobody can revoke."""
    (here.folder / "big").write_bytes(content())
    monkeypatch.setenv("OTV_STATE", str(disk.folder / "state"))
    disk.fill()

    said = here.run("put", "big")

    assert (said.code, said.out) == (9, b"")
    assert says_no_room(sentence(said))
    assert here.wire.asked == ["info"]


# --- the server's -------------------------------------------------------------------------------


@pytest.fixture
def cramped(here: Here, disk: Disk) -> Iterator[RunningServer]:
    """A server whose data folder lies on the small disk; the wire leads to it."""
    with running_server(disk.folder, min_free_bytes=0, rate=0, min_ttl=1, idle_upload=6) as server:
        here.wire.target = server.url
        yield server


def blobs_of(server: RunningServer) -> list[Path]:
    """Every file of ciphertext."""
    return [path for path in (server.data / "blobs").glob("*/*") if path.is_file()]


def is_log_calm(server: RunningServer) -> bool:
    """Whether the server knew everything that happened to it."""
    return "Traceback" not in server.log_text() and '"internal"' not in server.log_text()


def test_server_disk_that_fills_during_a_part(
    here: Here, disk: Disk, cramped: RunningServer
) -> None:
    """Else the sender retries for ever, or half a part takes the last room for good."""
    (here.folder / "big").write_bytes(content())
    gate = Gate("parts", Stage.UP, after=3 * MIB)  # no part is whole yet
    here.wire.watch = gate.watch

    with here.running("put", "big") as putting:
        with gate.held():
            # One that had still to begin would find no room in the database: another answer.
            assert eventually(lambda: len(blobs_of(cramped)) == 3, 20)
            disk.fill()
        said = putting.result()
    disk.clear()
    is_empty = eventually(lambda: not blobs_of(cramped), 20)
    again = here.put("big")

    assert (said.code, said.out) == (7, b"")
    assert "no room" in sentence(said)
    assert is_empty
    assert here.run("get", again, "-o", "out").code == 0
    assert is_log_calm(cramped)


def test_server_disk_that_is_full_refuses_in_words(
    here: Here, disk: Disk, cramped: RunningServer
) -> None:
    """Else a person is told that the server can't be reached."""
    disk.fill()

    said = [here.run("put", "--text", "x"), here.run("put", "--text", "x")]
    disk.clear()
    here.put("--text", "x")

    assert [each.code for each in said] == [7, 7]
    assert all("no room" in sentence(each) for each in said)
    assert is_log_calm(cramped)


def test_claim_that_can_not_be_committed_spends_nothing(
    here: Here, disk: Disk, cramped: RunningServer
) -> None:
    """Else a full disk opens a link twice, or never."""
    link = here.put("--text", "secret")
    disk.fill()

    said = here.run("get", link)
    disk.clear()
    again = here.run("get", link)
    third = here.run("get", link)

    assert (said.code, said.out) == (3, b"")
    assert sentence(said)
    assert (again.code, again.out) == (0, b"secret\n")
    assert third.code == 4
    assert is_log_calm(cramped)


def test_sweep_goes_on_when_there_is_room_again(
    here: Here, disk: Disk, cramped: RunningServer
) -> None:
    """Else one full disk means that nothing is ever deleted any more."""
    (here.folder / "big").write_bytes(content())
    here.run("put", "big", "--expires", "3s")
    disk.fill()
    failed = eventually(lambda: "sweep failed" in cramped.log_text(), 20)
    kept = len(blobs_of(cramped))

    disk.clear()

    assert failed
    assert kept == 3
    assert eventually(lambda: not blobs_of(cramped), 20)
    assert is_log_calm(cramped)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Processes started meanwhile may not write a larger one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_server_that_may_not_write_a_whole_part(here: Here, tmp_path: Path) -> None:
    """Else a limit of the machine's is retried for a minute, and never told."""
    (here.folder / "big").write_bytes(content())
    folder = tmp_path / "limited"
    folder.mkdir()
    with ExitStack() as stack:
        with largest_file(3 * MIB):
            server = stack.enter_context(running_server(folder, min_free_bytes=0, rate=0))
        here.wire.target = server.url
        said = here.run("put", "big")
        here.put("--text", "x")

    assert said.code == 7
    assert "no room" in sentence(said)
    assert is_log_calm(server)
