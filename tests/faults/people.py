"""Who takes part in a round: a server that is restarted when it dies, and people at machines."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import threading
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from otv_client import StateFolder
from tests.cli.conftest import Otv
from tests.conftest import RunningServer, start_server
from tests.faults.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.wire import Moment

MOST_RESTARTS = 8  # no plan kills as often
KILLED = -signal.SIGKILL
TABLES = ("shares", "links", "manifests", "openings", "parts", "orphans")
NOWHERE = "http://127.0.0.1:1"  # no port that a system hands out
PATIENCE_S = 90  # for one command, restarts of its server included


class Service:
    """A server that is started again whenever it is killed, as a supervisor would.

    Args:
        folder: for its data and its log.
        settings: as ``otv-server`` names them.
    """

    def __init__(self, folder: Path, settings: dict[str, int]) -> None:
        self._folder, self._settings = folder, settings
        self._lock = threading.Lock()
        self._wires: list[Wire] = []
        self._running = self._start()

    def _start(self) -> RunningServer:
        return start_server(self._folder / "data", self._folder / "server.log", **self._settings)

    def kill(self) -> bool:
        """Kill it and start it again, on another port; the wires follow."""
        with self._lock:
            # Its port may be a stranger's before the next one is up.
            for wire in self._wires:
                wire.target = NOWHERE
            self._running.stop(signal.SIGKILL)
            self._running = self._start()
            for wire in self._wires:
                wire.target = self._running.url
        return True

    def wire(self, watch: Callable[[Moment], None] = lambda _: None) -> Wire:
        """A wire to wherever it is."""
        made = Wire(self._running.url, watch)
        self._wires.append(made)
        return made

    def close(self) -> None:
        """End it, and every wire to it."""
        for wire in self._wires:
            wire.close()
        with self._lock:
            self._running.stop()

    @property
    def blobs(self) -> list[Path]:
        """Every file of ciphertext."""
        return [path for path in (self._folder / "data/blobs").rglob("*") if path.is_file()]

    @property
    def log(self) -> str:
        """Everything that it printed, in all its lives."""
        return (self._folder / "server.log").read_text()

    def left(self) -> dict[str, int]:
        """What stands in its tables and folders, and the room that is not given back."""
        with closing(sqlite3.connect(self._folder / "data/otv.db", timeout=20)) as database:
            counts = {
                table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  # the names stand above
                for table in TABLES
            }
            reserved, stored = database.execute("SELECT reserved, stored FROM usage").fetchone()
        counts |= {"reserved": reserved, "stored": stored, "blobs": len(self.blobs)}
        return {name: count for name, count in counts.items() if count}


@dataclass
class Person:
    """Someone at a machine: a client with state and a folder, and the process that runs there."""

    otv: Otv
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def at(cls, folder: Path) -> Person:
        """Someone new, who works in ``folder``."""
        folder.mkdir()
        return cls(Otv("", folder / "state", folder))

    def kill(self) -> bool:
        """Kill what runs; False where nothing does."""
        if self.process is None or self.process.poll() is not None:
            return False
        self.process.kill()
        return True

    def run(self, wire: Wire, *args: str) -> subprocess.CompletedProcess[bytes]:
        """One command over a wire, to its end, which may be a kill."""
        self.process = self.otv.using(server=wire.url).start(*args)
        stdout, stderr = self.process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(list(args), self.process.returncode, stdout, stderr)

    def run_until_done(self, wire: Wire, *args: str) -> subprocess.CompletedProcess[bytes]:
        """The same command again, for as long as it is killed before it has said anything."""
        done = self.run(wire, *args)
        for _ in range(MOST_RESTARTS):
            if done.returncode != KILLED or done.stdout:
                break
            done = self.run(wire, *args)
        return done

    @property
    def state(self) -> StateFolder:
        """What this machine remembers."""
        return StateFolder(self.otv.state)

    def received(self) -> list[bytes]:
        """The digests of all files that have final names."""
        files = [path for path in (self.otv.folder / "out").glob("*") if path.is_file()]
        return [sha256(path.read_bytes()).digest() for path in files]

    def left(self) -> list[str]:
        """What an opening that is over must not leave: hidden folders, records, locks."""
        hidden = (self.otv.folder / "out").glob(".otv-partial-*")
        return [path.name for path in (*hidden, *(self.otv.state / "openings").glob("*"))]
