"""An address that browsers take for another machine's."""

from __future__ import annotations

import os
import secrets
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def lan_address() -> Iterator[str]:
    """An IPv4 address of this machine that isn't loopback, on an interface made for it."""
    ip = program("ip", "iproute2")
    if os.geteuid() != 0:
        pytest.skip("only root may make a network interface")
    # Servers take it for one of containers, which is nobody's way in: those of other tests keep
    # the addresses that they have.
    name = f"cni{secrets.token_hex(3)}"
    address = f"10.213.{secrets.randbelow(256)}.1"
    _run(ip, "link", "add", name, "type", "veth", "peer", "name", f"{name}p")
    try:
        _run(ip, "address", "add", f"{address}/30", "dev", name)
        _run(ip, "link", "set", name, "up")
        _run(ip, "link", "set", f"{name}p", "up")
        yield address
    finally:
        _run(ip, "link", "delete", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
