"""Who takes part in a round: servers that are restarted when they die, and people at machines."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import threading
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from otv_client import StateFolder
from tests.cli.conftest import Otv
from tests.conftest import RunningServer, start_server
from tests.faults.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.faults.wire import Moment
    from tests.postgres import Cluster

MOST_RESTARTS = 8  # no plan kills as often
KILLED = -signal.SIGKILL
TABLES = ("shares", "links", "manifests", "headers", "openings", "parts", "orphans")
NOWHERE = "http://127.0.0.1:1"  # no port that a system hands out
PATIENCE_S = 90  # for one command, restarts of its server included


class Tables(Protocol):
    """A database of a service's own."""

    settings: Mapping[str, str]

    def numbers(self, query: str) -> list[int]:
        """The numbers of a query's one row."""
        ...


class SqliteTables:
    """The file in the data folder."""

    settings: Mapping[str, str] = {}  # never changed

    def __init__(self, folder: Path) -> None:
        self._path = folder / "data/otv.db"

    def numbers(self, query: str) -> list[int]:
        """See ``Tables.numbers``."""
        with closing(sqlite3.connect(self._path, timeout=20)) as database:
            return list(map(int, database.execute(query).fetchone()))


class PostgresTables:
    """A new database of a cluster; it goes with the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._url = cluster.new_database()
        self.settings: Mapping[str, str] = {"database": self._url}

    def numbers(self, query: str) -> list[int]:
        """See ``Tables.numbers``."""
        row = self._cluster.sql(query, database=self._url.rpartition("/")[2])
        return list(map(int, row.split("|")))


class Service:
    """Servers behind one address, each started again whenever it is killed.

    Args:
        folder: for their data and their log.
        settings: as ``otv-server`` names them.
        tables: where their rows are; the data folder is theirs together.
        servers: how many. With one, callers wait until it is up again; with more, the next one
            takes over at once.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, object],
        tables: Tables | None = None,
        servers: int = 1,
    ) -> None:
        self._folder = folder
        self._tables = SqliteTables(folder) if tables is None else tables
        self._settings = {**settings, **self._tables.settings}
        self._lock = threading.Lock()
        self._wires: list[Wire] = []
        self._running = [self._start() for _ in range(servers)]

    def _start(self) -> RunningServer:
        return start_server(self._folder / "data", self._folder / "server.log", **self._settings)

    def kill(self, number: int = signal.SIGKILL) -> bool:
        """Kill the one that serves and start it again, on another port; the wires follow."""
        with self._lock:
            killed = self._running.pop(0)
            # Its port may be a stranger's before the next one is up.
            for wire in self._wires:
                wire.target = NOWHERE
            killed.stop(number)
            if self._running:
                self._lead_to(self._running[0])
            self._running.append(self._start())
            self._lead_to(self._running[0])
        return True

    def _lead_to(self, server: RunningServer) -> None:
        for wire in self._wires:
            wire.target = server.url

    def wire(self, watch: Callable[[Moment], None] = lambda _: None) -> Wire:
        """A wire to wherever it is."""
        made = Wire(self._running[0].url, watch)
        self._wires.append(made)
        return made

    def close(self) -> None:
        """End it, and every wire to it."""
        for wire in self._wires:
            wire.close()
        with self._lock:
            for server in self._running:
                server.stop()

    @property
    def blobs(self) -> list[Path]:
        """Every file of ciphertext."""
        return [path for path in (self._folder / "data/blobs").glob("*/*") if path.is_file()]

    @property
    def log(self) -> str:
        """Everything that it printed, in all its lives."""
        return (self._folder / "server.log").read_text()

    def left(self) -> dict[str, int]:
        """What stands in its tables and folders, and the room that is not given back."""
        queries = {table: f"SELECT count(*) FROM {table}" for table in TABLES}  # noqa: S608  # the names stand above
        queries |= {name: f"SELECT {name} FROM usage" for name in ("reserved", "stored")}  # noqa: S608  # as above
        # Asked at once: to ask takes a process, and a dozen rounds do so while they wait.
        asked = ", ".join(f"({query})" for query in queries.values())
        counts = dict(zip(queries, self._tables.numbers(f"SELECT {asked}"), strict=True))
        counts["blobs"] = len(self.blobs)
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
