"""Nothing is acknowledged before what was received is where its reader will find it."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

import pytest

from otv_client.cli.main import run
from otv_client.transport import Transport

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Here

RESULTS = {"a note": [], "a stream": ["-o", "-"], "JSON": ["--json", "-o", "out"]}


def durable_when_acknowledged(
    path: Path, stream: str, monkeypatch: pytest.MonkeyPatch, *args: str
) -> list[bool]:
    """Run a command with a file in a stream's place; for each receipt whether that was synced."""
    synced: set[int] = set()
    told: list[bool] = []
    real_sync, real_acknowledge = os.fsync, Transport.acknowledge

    def sync(handle: int) -> None:
        real_sync(handle)
        synced.add(os.fstat(handle).st_ino)

    def acknowledge(*given: object) -> None:
        told.append(path.stat().st_ino in synced and path.stat().st_size > 0)
        real_acknowledge(*given)  # type: ignore[arg-type]  # as they came

    with monkeypatch.context() as patch, path.open("w") as file:
        patch.setattr(os, "fsync", sync)
        patch.setattr(Transport, "acknowledge", acknowledge)
        patch.setattr(sys, stream, file)
        assert run(args) == 0
    return told


@pytest.mark.parametrize("size", [5, 100_000], ids=["inline", "parts"])
@pytest.mark.parametrize("kind", RESULTS)
def test_result_in_a_file_is_durable_before_the_receipt(
    here: Here, monkeypatch: pytest.MonkeyPatch, kind: str, size: int
) -> None:
    """Else `get -o - > key.bin` before a power cut leaves an empty file and a spent link."""
    (here.folder / "f").write_bytes(os.urandom(size))
    link = here.put(*(["--text", "x" * (size // 2)] if kind == "a note" else ["f"]))

    told = durable_when_acknowledged(
        here.folder / "result", "stdout", monkeypatch, "get", link, *RESULTS[kind]
    )

    assert told == [True]


def test_result_that_a_file_loses_is_not_acknowledged(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a disk that tells only at the end that it is full costs the note and the link."""
    link = here.put("--text", "precious")
    result = here.folder / "result"
    real = os.fsync

    def full(handle: int) -> None:
        if os.path.samestat(os.fstat(handle), result.stat()):
            raise OSError(errno.ENOSPC, "full")
        real(handle)

    with monkeypatch.context() as patch, result.open("w") as file:
        patch.setattr(os, "fsync", full)
        patch.setattr(sys, "stdout", file)
        code = run(["get", link])
    again = here.run("get", link)

    assert code == 9
    assert (again.code, again.out) == (0, b"precious\n")


def test_note_in_a_log_is_durable_before_the_receipt(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the note beside a file is lost with what `2>> log` had not written yet."""
    (here.folder / "f").write_bytes(b"file")
    link = here.put("f", "--note", "precious")

    told = durable_when_acknowledged(
        here.folder / "log", "stderr", monkeypatch, "get", link, "-o", "out"
    )

    assert told == [True]
