"""What anybody on a network may announce: read strictly, or left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otv_client.announcement import Announced, merged, read_announcement
from otv_client.b64 import b64encode

PIN = bytes(range(15))
TEXT = {b"v": b"1", b"pin": b64encode(PIN).encode()}
NAME = "Laptop._otv._tcp.local."


def test_server_is_read() -> None:
    """Nobody would find the server that stands beside them."""
    read = read_announcement(NAME, 8443, ["fd00::2", "192.168.1.7"], TEXT)

    assert read == Announced("Laptop", ("https://192.168.1.7:8443", "https://[fd00::2]:8443"), PIN)


def test_later_versions_may_say_more() -> None:
    """A server of tomorrow would be unseen today for one word more."""
    more = {**TEXT, b"path": b"/x", b"flag": None}

    assert read_announcement(NAME, 8443, ["10.0.0.1"], more).pin == PIN


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1", "fe80::1%eth0", "x"],
)
def test_addresses_that_no_link_can_hold_are_left_out(address: str) -> None:
    """A link would lead its recipient to their own machine, or nowhere."""
    with pytest.raises(ValueError, match="no address"):
        read_announcement(NAME, 8443, [address], TEXT)
    assert read_announcement(NAME, 8443, [address, "10.0.0.1"], TEXT).servers == (
        "https://10.0.0.1:8443",
    )


@pytest.mark.parametrize(
    "text",
    [
        {},
        {b"v": b"2", b"pin": TEXT[b"pin"]},
        {b"v": None, b"pin": TEXT[b"pin"]},
        {b"v": b"1"},
        {b"v": b"1", b"pin": None},
        {b"v": b"1", b"pin": b""},
        {b"v": b"1", b"pin": TEXT[b"pin"][:-1]},
        {b"v": b"1", b"pin": TEXT[b"pin"] + b"A"},
        {b"v": b"1", b"pin": TEXT[b"pin"] + b"="},
        {b"v": b"1", b"pin": b"\xff" * 20},
        {b"v": b"1", b"pin": b64encode(bytes(16)).encode()},
    ],
)
def test_odd_records_are_refused(text: dict[bytes, bytes | None]) -> None:
    """A key that nobody announced would be taken for a server's."""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it, it is one refusal
        read_announcement(NAME, 8443, ["10.0.0.1"], text)


@pytest.mark.parametrize("port", [None, 0, -1, 65536])
def test_odd_ports_are_refused(port: int | None) -> None:
    """An address would be made that no program understands."""
    with pytest.raises(ValueError, match="port"):
        read_announcement(NAME, port, ["10.0.0.1"], TEXT)


@pytest.mark.parametrize(
    "name", ["", "Laptop", "._otv._tcp.local.", "L._http._tcp.local.", "L" * 64 + NAME[6:]]
)
def test_odd_names_are_refused(name: str) -> None:
    """Another service's record would be taken for ours."""
    with pytest.raises(ValueError, match="name"):
        read_announcement(name, 8443, ["10.0.0.1"], TEXT)


@given(
    st.text(),
    st.none() | st.integers(),
    st.lists(st.text() | st.ip_addresses().map(str), max_size=20),
    st.dictionaries(st.binary() | st.sampled_from([b"v", b"pin"]), st.none() | st.binary()),
)
def test_whatever_is_announced_is_a_server_or_a_refusal(
    name: str, port: int | None, addresses: list[str], text: dict[bytes, bytes | None]
) -> None:
    """One odd machine on the network would keep everybody from finding theirs."""
    for properties in (text, {**text, **TEXT}):
        try:
            read = read_announcement(f"{name}.{NAME[7:]}", port, addresses, properties)
        except ValueError:
            continue
        assert len(read.pin) == 15
        assert 1 <= len(read.servers) <= 8


def test_one_key_is_one_server() -> None:
    """Somebody with two networks would be asked to choose between a server and itself."""
    one = Announced("a", ("https://10.0.0.1:1",), PIN)
    same = Announced("b", ("https://10.0.0.1:1", "https://10.0.1.1:1"), PIN)
    other = Announced("c", ("https://10.0.0.9:1",), bytes(15))

    assert merged([other, same, one]) == [
        Announced("a", ("https://10.0.0.1:1", "https://10.0.1.1:1"), PIN),
        other,
    ]
