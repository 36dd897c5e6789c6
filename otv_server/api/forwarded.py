"""Who a request comes from, where proxies pass it on. Pure.

Anyone can write forwarded headers, so they count only where the peer is a proxy that the operator
named. From anyone else they say one thing: that this caller may not be where it seems to be.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORWARDED_FOR = b"x-forwarded-for"
# What proxies, tunnels and content networks add.
_SIGNS = {
    FORWARDED_FOR,
    b"cf-connecting-ip",
    b"fastly-client-ip",
    b"forwarded",
    b"true-client-ip",
    b"via",
    b"x-client-ip",
    b"x-cluster-client-ip",
    b"x-forwarded",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-proto",
    b"x-forwarded-server",
    b"x-original-forwarded-for",
    b"x-real-ip",
}
# Some proxies name the port, too.
_WITH_PORT = re.compile(r"(?:([0-9.]{7,15})|\[([0-9A-Fa-f:.]{2,45})\])(?::[0-9]{1,5})?")
MOST_HOPS = 20


def is_forwarded(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request passed through something; names are in lower case, as ASGI has them."""
    return any(name in _SIGNS for name, _ in headers)


def is_trusted(address: Address, proxies: Sequence[Network]) -> bool:
    """Whether an address is one of the operator's proxies."""
    return any(address in each for each in proxies if each.version == address.version)


def origin_of(
    peer: Address, headers: Iterable[tuple[bytes, bytes]], proxies: Sequence[Network]
) -> tuple[Address, bool]:
    """Where a request comes from, and whether that is known.

    Behind trusted proxies it is the last address in ``X-Forwarded-For`` that is none of theirs:
    each proxy appends the one that it saw, and what stands before is the caller's own invention.
    Where a trusted proxy names none, or nonsense, and where a stranger says that it forwards, the
    peer's address is all there is, and it proves nothing.
    """
    if not is_trusted(peer, proxies):
        return peer, not is_forwarded(headers)
    named = b",".join(value for name, value in headers if name == FORWARDED_FOR)
    for hop in reversed(named.decode("latin-1").split(",")[-MOST_HOPS:]):
        address = _parsed(hop.strip())
        if address is None:
            break
        if not is_trusted(address, proxies):
            return address, True
    return peer, False


def _parsed(text: str) -> Address | None:
    match = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address(text if match is None else match[1] or match[2])
    except ValueError:
        return None
    return without_mapping(address)


def without_mapping(address: Address) -> Address:
    """An IPv4 address that came in IPv6's clothes, as itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
