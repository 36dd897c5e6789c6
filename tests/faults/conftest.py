"""A wire to the session's server, and ``otv-client`` on it."""

from __future__ import annotations

import subprocess
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from otv_client.cli.main import run
from tests.faults.wire import Moment, Stage, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunningServer

PATIENCE_S = 30


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    code: int
    out: bytes
    err: str


class Here:
    """``otv-client`` in this process: the whole program but its interpreter's start.

    It tries everything once (``OTV_PATIENCE=0``), so that no test waits.
    """

    def __init__(self, wire: Wire, folder: Path, output: pytest.CaptureFixture[bytes]) -> None:
        self.wire, self.folder = wire, folder
        self._output = output

    def run(self, *args: str) -> Said:
        """One command line."""
        self._output.readouterr()
        code = run(args)
        out, err = self._output.readouterr()
        return Said(code, out, err.decode())

    @contextmanager
    def running(self, *args: str) -> Iterator[Future[Said]]:
        """One command line, and what is done meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(self.run, *args)

    def put(self, *args: str) -> str:
        """Send; the one link."""
        said = self.run("put", *args)
        assert said.code == 0, said.err
        return said.out.decode().strip()

    def seen(self) -> list[str]:
        """Everything in the folder of what was received, hidden or not."""
        return sorted(path.name for path in (self.folder / "out").glob("*"))


@pytest.fixture
def wire(server: RunningServer) -> Iterator[Wire]:
    """A wire to the session's server."""
    made = Wire(server.url)
    yield made
    made.close()


@pytest.fixture
def here(
    wire: Wire,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Here:
    """``otv-client`` on the wire, with a state and a folder of its own."""
    monkeypatch.chdir(tmp_path)
    chosen = {"SERVER": wire.url, "STATE": str(tmp_path / "state"), "PATIENCE": "0"}
    for name, value in chosen.items():
        monkeypatch.setenv(f"OTV_{name}", value)
    return Here(wire, tmp_path, capsysbinary)


@dataclass(frozen=True)
class Disk:
    """A file system with little room."""

    folder: Path

    def fill(self) -> None:
        """Take all the room there is."""
        with (self.folder / "filler").open("ab", buffering=0) as file, suppress(OSError):
            while file.write(bytes(1 << 20)):
                pass

    def clear(self) -> None:
        """Give it back."""
        (self.folder / "filler").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of 48 MiB. Mounting one takes root; tests that take no such disk run for everyone."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m,mode=0700", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Gate:
    """Stops what passes on a wire at one moment, until it is opened.

    Args:
        after: bytes of the call that pass before.
    """

    def __init__(self, call: str, stage: Stage, after: int = 0) -> None:
        self._call, self._stage, self._after = call, stage, after
        self._passed = 0
        self.reached, self._opened = threading.Event(), threading.Event()

    def watch(self, moment: Moment) -> None:
        """Hear of a moment; perhaps wait in it."""
        if (moment.call, moment.stage) != (self._call, self._stage):
            return
        self._passed += moment.size
        if self._passed >= self._after:
            self.reached.set()
            self._opened.wait(PATIENCE_S)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until it is reached, and open it afterwards."""
        try:
            assert self.reached.wait(PATIENCE_S)
            yield
        finally:
            self._opened.set()
