"""Telling the network of this server: real records over the loopback interface."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from contextlib import closing
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from zeroconf import IPVersion, ServiceInfo, Zeroconf

from otv_server.network.addresses import Network, Reachable
from otv_server.network.certificates import read_certificate, utc_now
from otv_server.network.discovery import NAMELESS, SERVICE, Announcement, record
from otv_server.network.errors import CantServe
from otv_server.network.identity import Files
from otv_server.network.keeper import Keeper, identify
from tests.conftest import running_server
from tests.support import eventually, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PIN = bytes(range(64, 79))
HERE = Reachable(ip_address("127.0.0.1"), "lo", Network.LAN)
THERE = Reachable(ip_address("192.168.7.7"), "eth0", Network.LAN)
TUNNEL = Reachable(ip_address("10.8.0.2"), "tun0", Network.VPN)


def heard(machine: str) -> ServiceInfo | None:
    """A machine's record, as another machine hears it.

    Opened anew each time: of several sockets on one port of one machine, the last gets what is sent
    to it alone.
    """
    with closing(Zeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)) as listener:
        return listener.get_service_info(SERVICE, f"{machine}.{SERVICE}", timeout=20_000)


def test_record_tells_port_pin_and_address() -> None:
    """Else a client finds nothing, or connects without knowing whom to expect."""
    announcement = Announcement("laptop-a", PIN, 8443)
    announcement.tell([HERE])
    try:
        found = heard("laptop-a")
    finally:
        announcement.fall_silent()

    assert found is not None
    assert found.port == 8443
    assert found.parsed_addresses() == ["127.0.0.1"]
    assert found.properties[b"v"] == b"1"
    assert urlsafe_b64decode(found.properties[b"pin"] or b"") == PIN
    assert found.server == "otv-4041424344.local."


def test_vpn_is_not_told() -> None:
    """Else a whole company's list shows what was meant for the room."""
    announcement = Announcement("laptop-b", PIN, 8443)
    announcement.tell([HERE, TUNNEL])
    try:
        found = heard("laptop-b")
    finally:
        announcement.fall_silent()

    assert found is not None
    assert found.parsed_addresses() == ["127.0.0.1"]


@pytest.mark.parametrize("machine", ["", "büro", "10.0.0.1", "a b"])
def test_machine_without_a_usable_name_is_told_all_the_same(machine: str) -> None:
    """Else an odd host name keeps a server from being found."""
    assert record(machine, PIN, 1, [HERE]).name == f"{NAMELESS}.{SERVICE}"
    assert record("Laptop.example.org", PIN, 1, [HERE]).name == f"laptop.{SERVICE}"


class Recorded:
    """A herald that remembers what it was told, and fails as often as it should."""

    def __init__(self, failures: int = 0) -> None:
        self.told: list[Sequence[Reachable]] = []
        self._failures = failures

    def tell(self, reachable: Sequence[Reachable]) -> None:
        """Remember, or fail."""
        self.told.append(reachable)
        if len(self.told) <= self._failures:
            raise OSError

    def fall_silent(self) -> None:
        """Remember that, too."""
        self.told.append([])


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A key and a certificate that knows no network yet."""
    files = Files(tmp_path / "tls")
    identify(files, frozenset(), [], utc_now())
    return files


def test_machine_that_moves_is_told_anew_with_a_certificate_to_match(files: Files) -> None:
    """Else a laptop in another network is found at the address of the last one."""
    network, herald = [HERE], Recorded()
    keeper = Keeper(files, frozenset(), herald, lambda: list(network))

    keeper.look_once()
    keeper.look_once()
    network.append(THERE)
    keeper.look_once()

    assert herald.told == [[HERE], [HERE, THERE]]
    certificate = read_certificate(files.certificate.read_bytes())
    assert THERE.address in certificate.subject.addresses


def test_failure_to_tell_is_tried_again_and_stops_nothing(files: Files) -> None:
    """Else a network that is down for a minute hides the server for good, or ends it."""
    herald = Recorded(failures=2)
    keeper = Keeper(files, frozenset(), herald, lambda: [HERE])

    for _ in range(4):
        keeper.look_once()

    assert herald.told == [[HERE]] * 3


@pytest.mark.parametrize("error", [OSError(), CantServe("no key")])
def test_network_that_cant_be_looked_at_stops_nothing(files: Files, error: Exception) -> None:
    """Else a server dies in the night because an interface went away."""

    def look() -> list[Reachable]:
        raise error

    herald = Recorded()
    Keeper(files, frozenset(), herald, look).look_once()

    assert herald.told == []


def test_stopping_takes_back_what_was_told(files: Files) -> None:
    """Else lists show a server that is gone for an hour."""
    herald = Recorded()
    keeper = Keeper(files, frozenset(), herald, lambda: [HERE], every_s=3600)
    keeper.start()
    assert eventually(lambda: bool(herald.told))

    keeper.stop()

    assert herald.told == [[HERE], []]


@pytest.mark.parametrize("discovery", [True, False])
def test_server_starts_and_ends_with_and_without_it(tmp_path: Path, *, discovery: bool) -> None:
    """Else a machine whose network knows no multicast can't serve at all."""
    with running_server(
        tmp_path,
        host=None,
        https_port=free_port(),
        discovery=str(discovery).lower(),
        min_free_bytes=0,
    ) as server:
        server.stop()

        assert server.process.returncode == 0
        assert "Traceback" not in server.log_text()
