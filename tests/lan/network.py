"""Machines on one network, as network namespaces: each with an address, and nothing else in common.

A test makes its own and removes them. It takes root; elsewhere the tests skip and say so.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

_PORT = "eth0"  # of each machine
_BRIDGE = "br0"


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes:
        namespace: its name on this real one.
        address: IPv4.
        address6: IPv6, unique local.
    """

    namespace: str
    address: str
    address6: str

    @property
    def inside(self) -> tuple[str, ...]:
        """What, before a command, starts it on this machine."""
        return ("ip", "netns", "exec", self.namespace)

    def unplug(self) -> None:
        """Take it off the network."""
        _ip("-n", self.namespace, "link", "set", _PORT, "down")

    def plug_in(self) -> None:
        """Put it back."""
        _ip("-n", self.namespace, "link", "set", _PORT, "up")

    def take(self, address: str) -> None:
        """Have another's address, too."""
        _ip("-n", self.namespace, "address", "add", f"{address}/24", "dev", _PORT)

    def leave(self, address: str) -> None:
        """Give it back."""
        _ip("-n", self.namespace, "address", "del", f"{address}/24", "dev", _PORT)

    def lose_ipv4(self) -> None:
        """Keep the addresses of IPv6 alone."""
        _ip("-n", self.namespace, "-4", "address", "flush", "dev", _PORT)

    def forget_neighbours(self) -> None:
        """Ask again who has which address, as happens after a while."""
        _ip("-n", self.namespace, "neigh", "flush", "all")


class Network:
    """A network that machines are added to."""

    def __init__(self) -> None:
        self._prefix = f"otv-{secrets.token_hex(3)}"
        self._names: list[str] = []
        self._hub = self._namespace("hub")
        self._in_hub("link", "add", _BRIDGE, "type", "bridge")
        self._in_hub("link", "set", _BRIDGE, "up")

    def machine(self, name: str) -> Machine:
        """A new machine, plugged in."""
        number = len(self._names)
        machine = Machine(self._namespace(name), f"10.77.0.{number}", f"fd77::{number}")
        port = f"port{number}"
        peer = ("peer", "name", _PORT, "netns", machine.namespace)
        self._in_hub("link", "add", port, "type", "veth", *peer)
        self._in_hub("link", "set", port, "master", _BRIDGE, "up")
        inside = ("-n", machine.namespace)
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "address", "add", f"{machine.address}/24", "dev", _PORT)
        _ip(*inside, "address", "add", f"{machine.address6}/64", "dev", _PORT, "nodad")
        machine.plug_in()
        return machine

    def remove(self) -> None:
        """Remove all of it."""
        for name in self._names:
            _ip("netns", "del", name)

    def _namespace(self, name: str) -> str:
        whole = f"{self._prefix}-{name}"
        _ip("netns", "add", whole)
        self._names.append(whole)
        return whole

    def _in_hub(self, *arguments: str) -> None:
        _ip("-n", self._hub, *arguments)


@contextmanager
def network() -> Iterator[Network]:
    """A network for the length of a with block; a skip, with its reason, where none can be made."""
    program("ip", "iproute2")
    if os.geteuid() != 0:
        pytest.skip("network namespaces take root")
    try:
        _ip("netns", "add", probe := f"otv-{secrets.token_hex(3)}")
        _ip("netns", "del", probe)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace can be made here: {error.stderr.strip()}")
    made = Network()
    try:
        yield made
    finally:
        made.remove()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
