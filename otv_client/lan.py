"""Servers on the local network: found by mDNS, and reached at the address that shows their key."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from otv_client.announcement import SERVICE, Announced, merged, read_announcement
from otv_client.b64 import b64encode
from otv_client.errors import Unreachable, WrongKey
from otv_client.failures import wrong_key
from otv_client.trust import shown_pin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zeroconf import ServiceInfo, Zeroconf

BROWSE_S = 2.0  # a question, its answers within 0.12 s, and once more for a network that loses some
_ASK_MS = 250
_MOST_NAMES = 16  # whoever floods the network with names is not waited for
_LOOK_S = 2.0


def find(
    seconds: float = BROWSE_S, *, wait: Callable[[float], object] = time.sleep
) -> tuple[list[Announced], int]:
    """The servers that answer within so many seconds, and how many announcements made no sense.

    Raises:
        Unreachable: this machine has no network that could be asked.
    """
    read = [_read(info) for info in _infos(seconds, wait)]
    found = [announced for announced in read if announced]
    return merged(found), len(read) - len(found)


def _read(info: ServiceInfo | None) -> Announced | None:
    if info is None:
        return None
    try:
        return read_announcement(
            info.name, info.port, info.parsed_scoped_addresses(), info.properties
        )
    except ValueError:
        return None


def reachable(announced: Announced, *, timeout: float = _LOOK_S) -> str:
    """The first of its addresses at which the server shows the announced key.

    Machines of several networks announce addresses that not everyone reaches.

    Raises:
        WrongKey: other keys are shown there.
        Unreachable: nobody answers there.
    """
    others: list[WrongKey] = []
    for server in announced.servers:
        try:
            pin = shown_pin(server, timeout)
        except Unreachable:
            continue
        if pin == announced.pin:
            return server
        others.append(wrong_key(server, b64encode(pin)))
    if others:
        raise others[0]
    raise Unreachable(
        "the server that was found on this network can't be reached",
        hint="does a firewall stand before it?",
    )


def _infos(seconds: float, wait: Callable[[float], object]) -> Iterator[ServiceInfo | None]:
    """What is said of each name; None for a name of which nothing, or nonsense, is said."""
    from zeroconf import Error, ServiceBrowser  # noqa: PLC0415 - 60 ms, only where it is needed

    names: set[str] = set()

    def heard(name: str, **_: Any) -> None:
        if len(names) < _MOST_NAMES:
            names.add(name)

    with _zeroconf() as network:
        browser = ServiceBrowser(network, SERVICE, handlers=[heard])
        wait(seconds)
        browser.cancel()
        for name in sorted(names):
            try:
                yield network.get_service_info(SERVICE, name, timeout=_ASK_MS)
            except (Error, ValueError):  # a name that zeroconf itself doesn't take
                yield None


@contextmanager
def _zeroconf() -> Iterator[Zeroconf]:
    import zeroconf  # noqa: PLC0415 - 60 ms, only where it is needed

    network = None
    for version in (zeroconf.IPVersion.All, zeroconf.IPVersion.V4Only):
        try:
            network = zeroconf.Zeroconf(ip_version=version)
            break
        except OSError:  # no IPv6, or no network at all
            continue
    if network is None:
        raise Unreachable("this machine has no network to look for a server on")
    try:
        yield network
    finally:
        network.close()
