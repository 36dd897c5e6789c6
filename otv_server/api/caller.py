"""Who is calling, and what they may do without a proof. The only readers of the peer's address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection


class KeepAddresses(StrEnum):
    """How much of an opener's address the sender is told."""

    FULL = "full"
    TRUNCATED = "truncated"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Caller:
    """The peer's address, or None where the transport has none (a unix socket, a test)."""

    address: IPv4Address | IPv6Address | None

    @property
    def bucket(self) -> str:
        """What limits count under: one IPv4 address, or the /64 that one IPv6 host moves in."""
        return _network(self.address, v4=32, v6=64)

    def kept(self, how: KeepAddresses) -> str | None:
        """What may be stored of it: all, its /24 or /48, or nothing."""
        if self.address is None or how is KeepAddresses.OFF:
            return None
        if how is KeepAddresses.FULL:
            return str(self.address)
        return _network(self.address, v4=24, v6=48)


def _network(address: IPv4Address | IPv6Address | None, *, v4: int, v6: int) -> str:
    if address is None:
        return "none"
    prefix = v4 if address.version == 4 else v6  # noqa: PLR2004  # IP versions are 4 and 6
    if prefix == address.max_prefixlen:
        return f"{address}/{prefix}"  # the same, at a tenth of the price
    return str(ip_network((address, prefix), strict=False))


def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """The peer of the socket. Forwarded headers count for nothing: anyone can send them.

    ``otv-server serve`` keeps uvicorn from believing them; plain uvicorn has to be told so
    (``--no-proxy-headers``).
    """
    client = connection.scope.get("client")
    try:
        address = ip_address(client[0].partition("%")[0]) if client else None
    except ValueError:
        return Caller(None)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return Caller(mapped or address)


def may_upload(caller: Caller) -> bool:
    """Whether this caller may send without an upload token: so far, everyone on this machine."""
    return caller.address is not None and caller.address.is_loopback
