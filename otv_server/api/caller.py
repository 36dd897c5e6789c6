"""Who is calling, and what they may do without a proof. The only readers of the peer's address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from otv_server.api.forwarded import Address, Network, origin_of, without_mapping
from otv_server.domain.origins import Origin
from otv_server.domain.places import is_local

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.types import Scope


class KeepAddresses(StrEnum):
    """How much of an opener's address the sender is told."""

    FULL = "full"
    TRUNCATED = "truncated"
    OFF = "off"


class Uploads(StrEnum):
    """Who may send."""

    LAN = "lan"
    TOKEN = "token"  # noqa: S105  # the name of a policy
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in, and under which names this server is called.

    Attributes:
        uploads: who may send.
        proxies: whose forwarded headers count.
        names: hosts in lower case, besides every address.
        public: where the internet reaches this server, if it does.
    """

    uploads: Uploads = Uploads.LAN
    proxies: tuple[Network, ...] = ()
    names: frozenset[str] = frozenset({"localhost"})
    public: Origin | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from.

    Attributes:
        address: None where the transport has none (a unix socket, a test).
        is_near: it is known to come from this machine or its own networks.
    """

    address: Address | None
    is_near: bool = False

    @property
    def is_here(self) -> bool:
        """It is known to come from this machine."""
        return self.is_near and self.address is not None and self.address.is_loopback

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


def _network(address: Address | None, *, v4: int, v6: int) -> str:
    if address is None:
        return "none"
    prefix = v4 if address.version == 4 else v6  # noqa: PLR2004  # IP versions are 4 and 6
    if prefix == address.max_prefixlen:
        return f"{address}/{prefix}"  # the same, at a tenth of the price
    return str(ip_network((address, prefix), strict=False))


def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """The peer of the socket, or who a trusted proxy says is behind it.

    ``otv-server serve`` keeps uvicorn from believing forwarded headers by itself; plain uvicorn
    has to be told so (``--no-proxy-headers``).
    """
    peer = peer_of(connection.scope)
    if peer is None:
        return Caller(None)
    access: Access = connection.app.state.access
    address, is_known = origin_of(peer, connection.scope["headers"], access.proxies)
    # A machine that calls itself by its own address is no stranger, whatever kind of address.
    is_own = address == peer == _address_of(connection.scope.get("server"))
    return Caller(address, is_near=is_known and (is_own or is_local(address)))


def peer_of(scope: Scope) -> Address | None:
    """The address at the other end of the socket."""
    return _address_of(scope.get("client"))


def _address_of(end: tuple[str, int | None] | None) -> Address | None:
    try:
        address = ip_address(end[0].partition("%")[0]) if end else None
    except ValueError:
        return None
    return None if address is None else without_mapping(address)


def needs_token(caller: Caller, uploads: Uploads) -> bool:
    """Whether this caller may send with an upload token only."""
    match uploads:
        case Uploads.OPEN:
            return False
        case Uploads.TOKEN:
            return True
        case Uploads.LAN:
            return not caller.is_near
