"""A wire to the session's server, and ``otv-client`` on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from otv_client.cli.main import run
from tests.faults.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunningServer


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
