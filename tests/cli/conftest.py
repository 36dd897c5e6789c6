"""The real ``otv-client`` as a process, and a wire that can be stopped halfway."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.listening import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunningServer

TIMEOUT_S = 60


@dataclass(frozen=True)
class Otv:
    """Runs ``otv-client`` with a state folder and a working directory of its own.

    ``inside`` is what, before a command, starts it on another machine.
    """

    server: str
    state: Path
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    inside: tuple[str, ...] = ()

    def command(self, *args: str | Path) -> list[str]:
        """The whole command line."""
        return [*self.inside, sys.executable, "-m", "otv_client", *map(str, args)]

    def environment(self) -> dict[str, str]:
        """What the process sees: nothing of this machine's own settings."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OTV_")}
        ours = {"OTV_SERVER": self.server, "OTV_STATE": str(self.state), "OTV_PATIENCE": "20"}
        return {**kept, **ours, **self.env}

    def start(self, *args: str | Path, **options: object) -> subprocess.Popen[bytes]:
        """Start a command with pipes and leave it running."""
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # options vary
            self.command(*args),
            env=self.environment(),
            cwd=self.folder,
            **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | options,
        )

    def run(self, *args: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        process = self.start(*args)
        stdout, stderr = process.communicate(stdin, timeout=TIMEOUT_S)
        return subprocess.CompletedProcess(list(args), process.returncode, stdout, stderr)

    def ok(self, *args: str | Path, stdin: bytes = b"") -> bytes:
        """Run a command that must succeed; its standard output."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def put(self, *args: str | Path, stdin: bytes = b"") -> str:
        """Send; the one link."""
        return self.ok("put", *args, stdin=stdin).decode().strip()

    def using(self, **changes: object) -> Otv:
        """The same with another server, state, folder or environment."""
        return replace(self, **changes)  # type: ignore[arg-type]  # the fields' own types


@pytest.fixture
def otv(server: RunningServer, tmp_path: Path) -> Otv:
    """``otv-client`` against the session's server."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Otv(server.url, tmp_path / "state", folder)


class Valve(Listener):
    """A wire to a server that closes after so many bytes one way, for connections then open.

    ``reached`` is set when it has closed; connections made later pass freely. A request that
    holds ``refused`` is cut.
    """

    def __init__(self, target: str) -> None:
        super().__init__()
        parts = urlsplit(target)
        assert parts.hostname, "a server has a host"
        self._target = (parts.hostname, parts.port or 80)
        self.url = f"http://{self.address}"
        self.reached = threading.Event()
        self.limit_up: int | None = None
        self.limit_down: int | None = None
        self.refused: bytes | None = None
        self.down_bytes = 0
        self._up_bytes = 0
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.listen()

    def close(self) -> None:
        """Cut everything."""
        super().close()
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _take(self, connection: socket.socket) -> None:
        server = socket.create_connection(self._target)
        self._sockets += [connection, server]
        is_late = self.reached.is_set()
        for pump in (self._pump_up, self._pump_down):
            threading.Thread(target=pump, args=(connection, server, is_late), daemon=True).start()

    def _pump_up(self, client: socket.socket, server: socket.socket, is_late: bool) -> None:  # noqa: FBT001 - a thread's argument
        with suppress(OSError):
            while data := client.recv(65536):
                with self._lock:
                    self._up_bytes += len(data)
                    closes = self.limit_up is not None and self._up_bytes > self.limit_up
                if closes and not is_late:
                    self.reached.set()
                    return
                if self.refused is not None and self.refused in data:
                    client.shutdown(socket.SHUT_RDWR)
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _pump_down(self, client: socket.socket, server: socket.socket, is_late: bool) -> None:  # noqa: FBT001 - a thread's argument
        with suppress(OSError):
            while data := server.recv(65536):
                with self._lock:
                    self.down_bytes += len(data)
                    closes = self.limit_down is not None and self.down_bytes > self.limit_down
                if closes and not is_late:
                    self.reached.set()
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


@pytest.fixture
def valve(server: RunningServer) -> Iterator[Valve]:
    """A wire to the session's server."""
    made = Valve(server.url)
    yield made
    made.close()
