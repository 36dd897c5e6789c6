"""Which addresses are of this machine or of its own networks, and where others reach it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

# Loopback; private (RFC 1918); link-local (RFC 3927, RFC 4291); unique local (RFC 4193). Python's
# own `is_private` counts more: addresses for documentation, tests and carriers.
_LOCAL = [
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fe80::/10",
        "fc00::/7",
    )
]


@dataclass(frozen=True, slots=True)
class Reach:
    """Where others reach this server.

    Attributes:
        address: scheme, host and port.
        pin: of the key that it shows there, where no authority vouches for it.
    """

    address: str
    pin: bytes | None = None


def is_local(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is this machine's, or of the kind that no router passes on."""
    return any(address in network for network in _LOCAL if network.version == address.version)
