"""Hosts and origins, as URLs and headers name them. Pure; untrusted text is read here alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

_NAME = (
    r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)
_AUTHORITY = rf"(?P<host>{_NAME}\.?|\[[0-9A-Fa-f:.]{{2,45}}\])(?::(?P<port>[0-9]{{1,5}}))?"
_HOST = re.compile(_AUTHORITY)
_ORIGIN = re.compile(rf"(?P<scheme>https?)://{_AUTHORITY}")
_PORTS = {"http": 80, "https": 443}
MOST_CHARACTERS = 300  # a name has at most 253


@dataclass(frozen=True, slots=True)
class Origin:
    """What browsers hold apart (RFC 6454): scheme, host in lower case, port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def parse_host(text: str) -> tuple[str, int | None] | None:
    """The host and the port of a ``Host`` header; None where it is none.

    The host is in lower case, without a dot at its end; an IPv6 address keeps its brackets.
    """
    match = _HOST.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if match is None:
        return None
    host = match["host"].lower().removesuffix(".")
    if host.startswith("[") and not _is_ipv6(host):
        return None
    return host, None if match["port"] is None else int(match["port"])


def parse_origin(text: str) -> Origin | None:
    """An ``Origin`` header, or a URL without a path; None for anything else, "null" included."""
    match = _ORIGIN.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    found = None if match is None else parse_host(text.partition("://")[2])
    if match is None or found is None:
        return None
    host, port = found
    return Origin(match["scheme"], host, _PORTS[match["scheme"]] if port is None else port)


def is_address(host: str) -> bool:
    """Whether a host is an address, not a name: no name server can make it mean another machine."""
    if host.startswith("["):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_ipv6(bracketed: str) -> bool:
    try:
        IPv6Address(bracketed[1:-1])
    except ValueError:
        return False
    return True
