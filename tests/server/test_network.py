"""Addresses, names and places to listen on: what is pure in being reached."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from otv_server.domain.origins import Origin, is_address, parse_host, parse_origin
from otv_server.domain.places import is_local
from otv_server.network import addresses
from otv_server.network.addresses import Network, sort_out
from otv_server.network.errors import CantServe
from otv_server.network.hostnames import names_of
from otv_server.network.listening import Place, address_of, listen, places


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("172.31.255.255", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("192.169.0.1", False),
        ("169.254.7.7", True),
        ("100.64.0.1", False),  # a carrier's, which strangers share
        ("192.0.2.1", False),
        ("0.0.0.0", False),
        ("203.0.113.9", False),
        ("::1", True),
        ("::", False),
        ("fd00::1", True),
        ("fe80::1", True),
        ("fec0::1", False),
        ("2001:db8::1", False),
    ],
)
def test_only_addresses_that_no_router_passes_on_are_near(address: str, *, expected: bool) -> None:
    """Else a stranger on the internet counts as somebody in the house."""
    assert is_local(ip_address(address)) is expected


def found(*pairs: tuple[str, str], default: str | None = None) -> list[str]:
    """The addresses that are shown, in order."""
    return [str(each.address) for each in sort_out(pairs, default)]


def test_addresses_that_others_cant_use_are_not_shown() -> None:
    """Else a person types an address that leads nowhere."""
    shown = found(
        ("lo", "127.0.0.1"),
        ("lo", "::1"),
        ("eth0", "fe80::1%eth0"),
        ("docker0", "172.17.0.1"),
        ("br-0123456789ab", "172.18.0.1"),
        ("virbr0", "192.168.122.1"),
        ("eth0", "192.168.1.5"),
    )

    assert shown == ["192.168.1.5"]


def test_likeliest_address_comes_first() -> None:
    """Else the QR code leads a phone to an address that it can't reach."""
    shown = found(
        ("tun0", "10.8.0.2"),
        ("eth0", "2001:db8::7"),
        ("eth0", "fd00::7"),
        ("eth1", "203.0.113.4"),
        ("eth0", "192.168.1.5"),
        ("wlan0", "192.168.2.5"),
        default="192.168.2.5",
    )

    assert shown == [
        "192.168.2.5",
        "192.168.1.5",
        "203.0.113.4",
        "fd00::7",
        "2001:db8::7",
        "10.8.0.2",
    ]


def test_a_vpn_that_is_the_way_out_is_not_taken_for_the_lan() -> None:
    """Else with a VPN on, the QR code leads to an address that the phone beside it can't reach."""
    shown = sort_out([("wg0", "10.8.0.2"), ("wlan0", "192.168.1.5")], "10.8.0.2")

    assert [each.network for each in shown] == [Network.LAN, Network.VPN]


def test_no_network_is_no_address() -> None:
    """Else a machine in a train can't even serve itself."""
    assert sort_out([("lo", "127.0.0.1")], None) == []


def test_this_machine_is_asked_without_a_failure() -> None:
    """Else whatever is odd about a machine's interfaces keeps the server from starting."""
    assert all(not each.address.is_loopback for each in addresses.current())


@pytest.mark.parametrize(
    ("machine", "names"),
    [
        ("laptop", {"localhost", "laptop", "laptop.local"}),
        ("Laptop.Example.ORG", {"localhost", "laptop", "laptop.example.org", "laptop.local"}),
        ("", {"localhost"}),
        ("büro", {"localhost"}),
        ("10.0.0.1", {"localhost"}),
    ],
)
def test_names_of_a_machine(machine: str, names: set[str]) -> None:
    """Else people who know the machine's name are refused, or a certificate can't be made."""
    assert names_of(machine) == names


THIS = [Place("http", "127.0.0.1", 8000), Place("http", "::1", 8000, is_optional=True)]
NETWORK = [Place("https", "0.0.0.0", 8443), Place("https", "::", 8443, is_optional=True)]


@pytest.mark.parametrize(
    ("host", "lan_http", "wanted"),
    [
        (None, False, THIS + NETWORK),
        ("127.0.0.1", False, [Place("http", "127.0.0.1", 8000)]),
        ("::1", True, [Place("http", "::1", 8000)]),
        ("192.168.1.5", False, [*THIS, Place("https", "192.168.1.5", 8443)]),
        (
            None,
            True,
            [
                Place("http", "0.0.0.0", 8000),
                Place("http", "::", 8000, is_optional=True),
                *NETWORK,
            ],
        ),
        ("0.0.0.0", False, [*THIS, Place("https", "0.0.0.0", 8443)]),
        (
            "0.0.0.0",
            True,
            [
                Place("http", "0.0.0.0", 8000),
                Place("http", "::1", 8000, is_optional=True),
                Place("https", "0.0.0.0", 8443),
            ],
        ),
        (
            "192.168.1.5",
            True,
            [Place("http", "192.168.1.5", 8000), *THIS, Place("https", "192.168.1.5", 8443)],
        ),
    ],
)
def test_what_is_listened_on(host: str | None, *, lan_http: bool, wanted: list[Place]) -> None:
    """Else a server is reached by plain HTTP from where nobody chose that, or not at all."""
    assert places(host, 8000, 8443, lan_http=lan_http) == wanted


def test_taken_port_closes_what_was_opened_already() -> None:
    """Else a second try finds the first one's port taken by itself."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        free = socket.socket()
        free.bind(("127.0.0.1", 0))
        other = free.getsockname()[1]
        free.close()

        with pytest.raises(CantServe, match="--https-port"):
            listen([Place("http", "127.0.0.1", other), Place("https", "127.0.0.1", port)])

    (again,) = listen([Place("http", "127.0.0.1", other)])
    again.socket.close()


def test_name_that_is_no_machine_is_one_sentence() -> None:
    """Else a typing error in --host is a traceback."""
    with pytest.raises(CantServe):
        address_of("no-such-host.invalid")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", ("localhost", None)),
        ("LOCALHOST:8000", ("localhost", 8000)),
        ("share.example.", ("share.example", None)),
        ("192.168.1.5:8443", ("192.168.1.5", 8443)),
        ("[FD00::2]:8443", ("[fd00::2]", 8443)),
        ("my_host", ("my_host", None)),
        ("", None),
        ("a b", None),
        ("user@host", None),
        ("host/path", None),
        ("host:", None),
        ("host:123456", None),
        ("::1", None),
        ("[::1", None),
        ("[:::]", None),
        ("[1.2.3.4]", None),
        (".example", None),
        ("a..b", None),
        ("-a.example", None),
        ("evil.example, localhost", None),
        ("a" * 301, None),
    ],
)
def test_host_header_is_read_strictly(text: str, expected: tuple[str, int | None] | None) -> None:
    """Else a name that is spelt oddly slips past the check of names."""
    assert parse_host(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://share.example", Origin("https", "share.example", 443)),
        ("http://LOCALHOST:8000", Origin("http", "localhost", 8000)),
        ("https://[::1]", Origin("https", "[::1]", 443)),
        ("null", None),
        ("file://", None),
        ("https://share.example/", None),
        ("https://share.example/path", None),
        ("https://user@share.example", None),
        ("HTTPS://share.example", None),
        ("chrome-extension://abc", None),
    ],
)
def test_origin_is_read_strictly(text: str, expected: Origin | None) -> None:
    """Else another site's page passes for this server's own."""
    assert parse_origin(text) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("[::1]", True), ("10.0.0.1", True), ("10.0.0", False), ("1e100.net", False)],
)
def test_names_are_not_taken_for_addresses(host: str, *, expected: bool) -> None:
    """Else a name that looks like an address could be made to point at this machine."""
    assert is_address(host) is expected
