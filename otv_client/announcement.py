"""What a server says of itself on the local network (protocol section 12), read strictly (pure).

Anybody on the network can announce anything. What is read here says where a key may be found,
and which; that the key is really there shows when it is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from otv_client.b64 import b64decode
from otv_client.pins import PIN_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SERVICE = "_otv._tcp.local."
_VERSION = b"1"
_MOST_ADDRESSES = 8  # a machine of many networks; more are somebody's joke
_LONGEST_NAME = 63  # bytes, as DNS has it
_PORTS = range(1, 1 << 16)


@dataclass(frozen=True, slots=True)
class Announced:
    """A server as it was announced.

    Attributes:
        name: what it calls itself; not to be trusted, nor printed as it is.
        servers: its addresses as ``https://host:port``, IPv4 first; at least one.
        pin: of its key, 15 bytes.
    """

    name: str
    servers: tuple[str, ...]
    pin: bytes


def read_announcement(
    instance: str, port: int | None, addresses: Iterable[str], properties: Mapping[bytes, object]
) -> Announced:
    """Read a service record and its TXT record.

    Args:
        instance: the service's whole name, ``Name._otv._tcp.local.``.
        port: of the SRV record.
        addresses: as text; those that no link can hold are left out.
        properties: keys and values of the TXT record.

    Raises:
        ValueError: no announcement of a server that speaks this protocol.
    """
    name = instance.removesuffix(f".{SERVICE}")
    if not name or name == instance or len(name.encode(errors="replace")) > _LONGEST_NAME:
        raise ValueError("no name")
    if port not in _PORTS:
        raise ValueError("no port")
    if properties.get(b"v") != _VERSION:
        raise ValueError("another version")
    servers = tuple(f"https://{host}:{port}" for host in _hosts(addresses))
    if not servers:
        raise ValueError("no address")
    return Announced(name, servers, _pin(properties.get(b"pin")))


def _pin(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("no pin")  # noqa: TRY004 - a stranger's record, not a caller's mistake
    return b64decode(value.decode("ascii"), PIN_BYTES)  # a UnicodeDecodeError is a ValueError


def _hosts(addresses: Iterable[str]) -> list[str]:
    """Hosts as a URL writes them, IPv4 first: it is what most local networks give everyone."""
    found = [address for text in addresses if (address := _usable(text))]
    ordered = sorted(dict.fromkeys(found), key=lambda address: address.version)
    return [
        f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        for address in ordered[:_MOST_ADDRESSES]
    ]


def _usable(text: str) -> IPv4Address | IPv6Address | None:
    """An address that another machine can be reached at; not one that takes a scope (``%eth0``)."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return None
    return None if isinstance(address, IPv6Address) and address.is_link_local else address


def merged(announced: Iterable[Announced]) -> list[Announced]:
    """One for each key, in the order of names: a server may go by several."""
    by_pin: dict[bytes, Announced] = {}
    for each in sorted(announced, key=lambda one: (one.name, one.servers)):
        first = by_pin.get(each.pin, each)
        servers = tuple(dict.fromkeys((*first.servers, *each.servers)))[:_MOST_ADDRESSES]
        by_pin[each.pin] = Announced(first.name, servers, each.pin)
    return list(by_pin.values())
