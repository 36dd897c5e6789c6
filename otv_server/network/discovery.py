"""Telling the network of this server by mDNS (RFC 6762, RFC 6763), with its pin in the record.

    <machine>._otv._tcp.local.   SRV  otv-<start of the pin>.local. <port of HTTPS>
                                 TXT  v=1, pin=<the 15 bytes in base64url>

Whoever is on the network can send any record, so it proves nothing: the pin is for clients to
check the connection by, before they send anything, and to notice when it changes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zeroconf import InterfaceChoice, IPVersion, ServiceInfo, Zeroconf

from otv_server.domain.origins import is_address, parse_host
from otv_server.network.addresses import Network
from otv_server.network.pins import host_name, pin_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otv_server.network.addresses import Reachable

SERVICE = "_otv._tcp.local."
VERSION = "1"
NAMELESS = "One-Time View"


def record(machine: str, pin: bytes, port: int, reachable: Sequence[Reachable]) -> ServiceInfo:
    """What is told: pure, but that zeroconf's record can be changed."""
    found = parse_host(machine)
    is_name = found is not None and not is_address(found[0])
    instance = found[0].partition(".")[0][:63] if found is not None and is_name else NAMELESS
    return ServiceInfo(
        SERVICE,
        f"{instance}.{SERVICE}",
        port=port,
        addresses=[each.address.packed for each in reachable],
        properties={"v": VERSION, "pin": pin_text(pin)},
        server=f"{host_name(pin)}.",
    )


class Announcement:
    """The record of this server on the networks that it is in, for as long as it runs.

    Args:
        machine: the name that people know it by.
        pin: of its key.
        port: of HTTPS.
    """

    def __init__(self, machine: str, pin: bytes, port: int) -> None:
        self._machine = machine
        self._pin = pin
        self._port = port
        self._told: Zeroconf | None = None
        logging.getLogger("zeroconf").setLevel(logging.CRITICAL)  # it names addresses

    def tell(self, reachable: Sequence[Reachable]) -> None:
        """Tell those networks, in place of those told before; not a VPN's whole company.

        Two machines of one name become "name" and "name-2".

        Raises:
            OSError, zeroconf.Error: it didn't work.
        """
        self.fall_silent()
        near = [each for each in reachable if each.network is Network.LAN]
        if not near:
            return
        self._told = _opened(near)
        info = record(self._machine, self._pin, self._port, near)
        self._told.register_service(info, allow_name_change=True)

    def fall_silent(self) -> None:
        """Say goodbye, so that nobody's list shows a server that is gone."""
        told, self._told = self._told, None
        if told is not None:
            told.unregister_all_services()
            told.close()


def _opened(near: Sequence[Reachable]) -> Zeroconf:
    v4 = [str(each.address) for each in near if each.address.version == 4]  # noqa: PLR2004  # IP versions are 4 and 6
    if v4:
        return Zeroconf(interfaces=v4, ip_version=IPVersion.V4Only)
    return Zeroconf(interfaces=InterfaceChoice.All, ip_version=IPVersion.V6Only)
