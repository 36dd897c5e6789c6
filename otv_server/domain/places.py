"""Which addresses are of this machine or of its own networks. Pure."""

from __future__ import annotations

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


def is_local(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is this machine's, or of the kind that no router passes on."""
    return any(address in network for network in _LOCAL if network.version == address.version)
