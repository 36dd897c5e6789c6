"""Three machines on a network of the test's own, and people at them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.certificates import SelfSigned, self_signed
from tests.cli.conftest import Otv
from tests.conftest import running_server
from tests.lan.network import Machine, network
from tests.tls import TlsServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent.parent
HTTP_PORT, PORT = 8000, 8443  # where nothing is configured
NAME = socket.gethostname().partition(".")[0].lower()  # all namespaces share it
LAST_LINE = "Pin of its key, for otv-client: "


@dataclass
class Overheard:
    """What an attacker got, once they have gone: connections, and bytes inside TLS."""

    connections: int = -1
    bytes: int = -1


@dataclass(frozen=True)
class HomeServer(TlsServer):
    """``otv-server`` at home, and what it printed; the last line is its pin."""

    printed: tuple[str, ...]

    @property
    def printed_pin(self) -> str:
        """The pin, as people read it."""
        return self.printed[-1].removeprefix(LAST_LINE)


@dataclass
class Lan:
    """A server's machine, a laptop, and somebody else's."""

    folder: Path
    home: Machine
    laptop: Machine
    stranger: Machine

    def person(self, machine: Machine, name: str) -> Otv:
        """Somebody who has set nothing, at a machine that remembers nothing."""
        folder = self.folder / name
        folder.mkdir()
        return Otv("", folder / "state", folder, {"OTV_PATIENCE": "3"}, machine.inside)

    @contextmanager
    def serving(self, **settings: object) -> Iterator[HomeServer]:
        """``otv-server`` at home, with no more settings than these; the network knows of it."""
        (self.folder / "home").mkdir(exist_ok=True)
        plain = {"host": None, "port": None}
        with running_server(self.folder / "home", self.home.inside, **plain | settings) as server:
            printed = [f"One-Time View serves {server.url}"]
            while not printed[-1].startswith(LAST_LINE):
                printed.append(server.said())
                assert printed[-1], server.log_text()
            self._run(self.home, "tests.lan.hearer", NAME)
            certificate = server.data / "tls/certificate.pem"
            yield HomeServer(f"https://{self.home.address}:{PORT}", certificate, tuple(printed))

    def ask(self, machine: Machine, method: str, url: str, **headers: str) -> tuple[int, Any]:
        """A call from that machine: the status, and what came."""
        told = json.loads(self._run(machine, "tests.lan.asker", method, url, json.dumps(headers)))
        return told["status"], told["body"]

    @staticmethod
    def _run(machine: Machine, module: str, *arguments: str) -> str:
        """What one of these modules prints on that machine."""
        done = subprocess.run(
            [*machine.inside, sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def attacking(self, address: str) -> Iterator[Overheard]:
        """The stranger listens at an address with a key of their own."""
        key = self_signed(self.folder / "stranger.pem", address)
        overheard = Overheard()
        arguments = ("tests.attackers", str(key.file), address, str(PORT))
        with _running(self.stranger, arguments, "listens") as said:
            yield overheard
        overheard.connections, overheard.bytes = map(int, said[0].split())

    @contextmanager
    def announcing(self, machine: Machine, name: str, pin: str, address: str) -> Iterator[None]:
        """Somebody at ``machine`` says that a server is at ``address``."""
        with _running(machine, ("tests.lan.announcer", name, pin, address, str(PORT)), "announced"):
            yield

    @contextmanager
    def babbling(self) -> Iterator[None]:
        """The stranger sends records that no server sends."""
        process = subprocess.Popen(
            [
                *(*self.stranger.inside, sys.executable, "-m", "tests.lan.babbler"),
                self.stranger.address,
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
        )
        try:
            yield
        finally:
            process.communicate(timeout=20)

    def key(self, name: str) -> SelfSigned:
        """A key that nobody serves with."""
        return self_signed(self.folder / f"{name}.pem")


@contextmanager
def _running(machine: Machine, arguments: Sequence[str], ready: str) -> Iterator[list[str]]:
    """One of these modules on that machine, from when it says so; in the end, what it said last."""
    process = subprocess.Popen(
        [*machine.inside, sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"{ready}\n"
    said: list[str] = []
    try:
        yield said
    finally:
        said.append(process.communicate(timeout=20)[0])


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Lan]:
    """Three machines that know nothing of one another."""
    with network() as made:
        machines = [made.machine(name) for name in ("home", "laptop", "stranger")]
        yield Lan(tmp_path, *machines)
