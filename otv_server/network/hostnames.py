"""The names that this machine goes by without anybody having set them up for this server."""

from __future__ import annotations

import socket

from otv_server.domain.origins import is_address, parse_host

LOCALHOST = "localhost"


def names_of(machine: str) -> frozenset[str]:
    """What a machine of this name is called: by itself, by mDNS (RFC 6762), by its domain."""
    found = parse_host(machine)
    if found is None or is_address(found[0]):
        return frozenset({LOCALHOST})
    name = found[0]
    first = name.partition(".")[0]
    return frozenset({LOCALHOST, name, first, f"{first}.local"})


def current() -> frozenset[str]:
    """The names of this machine."""
    return names_of(socket.gethostname())
