"""Three machines on a network of the test's own, and people at them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.certificates import SelfSigned, self_signed
from tests.cli.conftest import Otv
from tests.lan.network import Machine, network
from tests.tls import ROOT, TlsServer, tls_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORT = 8443


@dataclass
class Overheard:
    """What an attacker got, once they have gone: connections, and bytes inside TLS."""

    connections: int = -1
    bytes: int = -1


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
    def serving(self, *names: str, host: str | None = None) -> Iterator[TlsServer]:
        """A server at home."""
        with tls_server(
            self.folder / "home",
            *names,
            host=host or self.home.address,
            port=PORT,
            inside=self.home.inside,
        ) as server:
            yield server

    @contextmanager
    def attacking(self, address: str) -> Iterator[Overheard]:
        """The stranger listens at an address with a key of their own."""
        key = self_signed(self.folder / "stranger.pem", address)
        overheard = Overheard()
        process = subprocess.Popen(
            [
                *(*self.stranger.inside, sys.executable, "-m", "tests.attackers"),
                *(str(key.file), address, str(PORT)),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "listens\n"
        try:
            yield overheard
        finally:
            said, _ = process.communicate(timeout=20)
            overheard.connections, overheard.bytes = map(int, said.split())

    @contextmanager
    def announcing(self, machine: Machine, name: str, pin: str, address: str) -> Iterator[None]:
        """Somebody at ``machine`` says that a server is at ``address``."""
        process = subprocess.Popen(
            [
                *(*machine.inside, sys.executable, "-m", "tests.lan.announcer"),
                *(name, pin, address, str(PORT)),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "announced\n"
        try:
            yield
        finally:
            process.communicate(timeout=20)

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


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Lan]:
    """Three machines that know nothing of one another."""
    with network() as made:
        machines = [made.machine(name) for name in ("home", "laptop", "stranger")]
        yield Lan(tmp_path, *machines)
