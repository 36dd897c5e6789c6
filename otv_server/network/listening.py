"""Sockets that listen: this machine by plain HTTP, its networks by HTTPS."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from otv_server.network.errors import CantServe

if TYPE_CHECKING:
    from collections.abc import Sequence

BACKLOG = 2048
UNSENT_BYTES = 128 << 10

HTTP, HTTPS = "http", "https"
_ANY_V4, _ANY_V6 = "0.0.0.0", "::"  # noqa: S104  # the whole point of serving a network
_THIS = ("127.0.0.1", "::1")
LOOPBACKS = frozenset(ip_address(each) for each in _THIS)
_MAY_LACK = (_ANY_V6, "::1")  # machines without IPv6
_NO_SUCH_FAMILY = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


@dataclass(frozen=True, slots=True)
class Place:
    """One address to listen on; where ``is_optional``, a machine may be without its kind."""

    scheme: str
    host: str
    port: int
    is_optional: bool = False

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone reaches it."""
        return ip_address(self.host).is_loopback


@dataclass(frozen=True, slots=True)
class Listener:
    """One place that is served: a bound socket, and the scheme spoken on it."""

    socket: socket.socket
    scheme: str = HTTP

    @property
    def address(self) -> IPv4Address | IPv6Address:
        """What it is bound to; unspecified for all of a family."""
        return ip_address(self.socket.getsockname()[0])

    @property
    def port(self) -> int:
        """Also where 0 was asked for."""
        port: int = self.socket.getsockname()[1]
        return port


def places(host: str | None, port: int, https_port: int, *, lan_http: bool = False) -> list[Place]:
    """What to listen on; ``host`` is an address, or None for this machine and all its networks.

    An address of this machine alone is served by plain HTTP, and nothing else is. Any other is
    served by HTTPS, with ``lan_http`` by plain HTTP too, and this machine by plain HTTP.
    """
    if host is not None and ip_address(host).is_loopback:
        return [Place(HTTP, host, port)]
    far = (_ANY_V4, _ANY_V6) if host is None else (host,)
    near = tuple(each for each in _THIS if not (lan_http and _includes(far, each)))
    plain = (*far, *near) if lan_http else near
    return [
        *(Place(HTTP, each, port, is_optional=each in _MAY_LACK) for each in plain),
        *(Place(HTTPS, each, https_port, is_optional=each in _MAY_LACK) for each in far),
    ]


def _includes(bound: Sequence[str], near: str) -> bool:
    """Whether one of these is all addresses of the same family."""
    return (_ANY_V6 if ":" in near else _ANY_V4) in bound


def address_of(host: str) -> str:
    """The address that a name or an address of this machine's stands for.

    Raises:
        CantServe: there is none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CantServe(f"Can't listen on {host}: {error.strerror}.") from None
    return str(found[0][4][0])


def listen(wanted: Sequence[Place]) -> list[Listener]:
    """Bind every place; several of one scheme share a port, also where 0 takes a free one.

    Raises:
        CantServe: an address is not this machine's, or a port is taken.
    """
    with ExitStack() as undoing:
        made: list[Listener] = []
        for place in wanted:
            chosen = {each.scheme: each.port for each in made}
            listener = _listener(place, place.port or chosen.get(place.scheme, 0))
            if listener is not None:
                undoing.callback(listener.socket.close)
                made.append(listener)
        undoing.pop_all()
    return made


def _listener(place: Place, port: int) -> Listener | None:
    try:
        return Listener(_socket(place.host, port), place.scheme)
    except OSError as error:
        if place.is_optional and error.errno in _NO_SUCH_FAMILY:
            return None
        raise CantServe(_sentence(place, port, error)) from None


def _sentence(place: Place, port: int, error: OSError) -> str:
    flag = "--port" if place.scheme == HTTP else "--https-port"
    help_ = ""
    if error.errno == errno.EADDRINUSE:
        help_ = f" Another program has it, perhaps another otv-server; {flag} chooses another."
    return f"Can't listen on {place.host} port {port}: {error.strerror}.{help_}"


def _socket(host: str, port: int) -> socket.socket:
    is_v6 = ":" in host
    family = socket.AF_INET6 if is_v6 else socket.AF_INET
    # With the protocol named: asyncio switches Nagle's delay off only where it sees TCP.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_v6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            # What waits in the kernel can't be cut any more when a link is revoked.
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound
