"""This machine's addresses, as others on its networks reach it.

Left out: loopback, what only this machine's own containers reach, and IPv6 link-local addresses,
which mean nothing in a URL without naming an interface of the reader's machine.
"""

from __future__ import annotations

import re
import socket
from contextlib import closing
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import ifaddr

from otv_server.domain.places import is_local

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = IPv4Address | IPv6Address

_OF_CONTAINERS = re.compile(r"(docker|podman|br-|virbr|vmnet|vboxnet|lxcbr|lxdbr|cni|flannel)\S*")
_OF_VPN = re.compile(r"(tun|tap|utun|wg|ppp|tailscale|zt|nordlynx|proton|ipsec)\S*")
# A documentation address (RFC 5737): connecting a datagram socket sends nothing, and
# tells which of its own addresses this machine would send from.
_SOMEWHERE = "192.0.2.1"


class Network(IntEnum):
    """What kind of network an interface leads to; what is shown first comes first."""

    LAN = 0
    VPN = 1


@dataclass(frozen=True, slots=True)
class Reachable:
    """One address that others reach this machine at."""

    address: Address
    interface: str
    network: Network

    @property
    def host(self) -> str:
        """As it stands in a URL."""
        text = str(self.address)
        return f"[{text}]" if self.address.version == 6 else text  # noqa: PLR2004  # IP versions are 4 and 6


def sort_out(found: Iterable[tuple[str, str]], default: str | None = None) -> list[Reachable]:
    """Of pairs of an interface and an address those that others reach, the likeliest first.

    Args:
        found: names of interfaces, and addresses in text; an IPv6 address may name its zone.
        default: the address that this machine sends from, where it knows the way out.
    """
    kept = {}
    for interface, text in found:
        address = ip_address(text.partition("%")[0])
        if _is_reachable(interface, address):
            kept[address] = Reachable(address, interface, _network_of(interface))
    return sorted(kept.values(), key=lambda each: _rank(each, default))


def _is_reachable(interface: str, address: Address) -> bool:
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return False
    if isinstance(address, IPv6Address) and address.is_link_local:
        return False
    return not _OF_CONTAINERS.fullmatch(interface)


def _network_of(interface: str) -> Network:
    return Network.VPN if _OF_VPN.fullmatch(interface) else Network.LAN


def _rank(each: Reachable, default: str | None) -> tuple[object, ...]:
    """A phone on the same network is the likeliest reader; it has IPv4, and a private address."""
    address = each.address
    return (
        each.network,
        address.version,
        not is_local(address),
        address.is_link_local,
        str(address) != default,
        each.interface,
        address.packed,
    )


def current() -> list[Reachable]:
    """The addresses of this moment; none where there is no network."""
    found = [
        (adapter.nice_name, ip.ip if isinstance(ip.ip, str) else ip.ip[0])
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    ]
    return sort_out(found, _sends_from())


def _sends_from() -> str | None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as unsent:
        try:
            unsent.connect((_SOMEWHERE, 9))
        except OSError:
            return None
        address: str = unsent.getsockname()[0]
        return address
