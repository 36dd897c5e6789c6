"""Trust without an authority: a server is its key, and whoever shows another hears nothing."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from otv_client import Client, StateFolder, Terms, World
from otv_client.b64 import b64encode
from otv_client.errors import UnknownKey, Unreachable, UsageError, WrongKey
from otv_client.exchange import http_client
from otv_client.link import parse_link
from otv_client.records import KeyRecord
from otv_client.retry import Patience
from otv_client.tls import OtherKey, pinned_context
from otv_client.trust import shown_pin
from tests.attackers import Attacker
from tests.certificates import self_signed
from tests.conftest import running_server
from tests.listening import Listener
from tests.support import moved
from tests.tls import TlsServer, tls_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HASTY = Patience(first_contact_s=1.0, total_s=1.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """A real server with a key of its own."""
    with tls_server(tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.fixture
def attacker(tmp_path: Path) -> Iterator[Attacker]:
    """Somebody with another key."""
    with closing(Attacker(self_signed(tmp_path / "attacker.pem").file)) as made:
        yield made


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """What this machine remembers."""
    return StateFolder(tmp_path / "state")


class Asked:
    """Somebody who is asked about keys, and gives one answer."""

    def __init__(self, *, answer: bool) -> None:
        self.answer = answer
        self.about: list[tuple[str, str]] = []

    def __call__(self, server: str, pin: str) -> bool:
        """Answer."""
        self.about.append((server, pin))
        return self.answer


def person(state: StateFolder | None = None, *, vouches: bool) -> tuple[World, Asked]:
    """A world with somebody in it."""
    asked = Asked(answer=vouches)
    return World(state=state, vouch=asked), asked


class Crossing(Listener):
    """A way to a server that is cut once, after so many bytes, and then leads to somebody else."""

    def __init__(self, server: str, other: str, *, cut_at: int) -> None:
        self._server, self._other, self._left = _address(server), _address(other), cut_at
        self._is_cut = False
        super().__init__()
        self.url = f"https://{self.address}"
        self.listen()

    def clear(self) -> None:
        """Lead to the server again, uncut."""
        self._other, self._left = self._server, 1 << 30

    def _take(self, connection: socket.socket) -> None:
        far = socket.create_connection(self._other if self._is_cut else self._server)
        for ends in ((connection, far), (far, connection)):
            threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(16_384):
                self._left -= len(data)
                if self._left < 0 and not self._is_cut:
                    self._is_cut = True
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 443


# --- the key is known -----------------------------------------------------------------------------


def test_pin_makes_links_that_carry_it(server: TlsServer) -> None:
    """A recipient elsewhere would have nothing to know the server by."""
    world, asked = person(vouches=False)
    with Client(server.url, pin=server.pin_text, world=world) as client:
        sent = client.send("over TLS", Terms(links=2))

    links = [parse_link(link.link) for link in sent.links]
    with Client(world=world) as recipient:
        opened = recipient.open(sent.links[0].link)

    assert [link.pin for link in links] == [server.pin] * 2
    assert opened.note == "over TLS"
    assert asked.about == [], "a link's pin is enough"


def test_large_files_travel_under_a_pin(server: TlsServer, tmp_path: Path) -> None:
    """Only the small way of one request would be protected."""
    content = bytes(range(256)) * 80_000
    with Client(server.url, pin=server.pin_text) as client:
        sent = client.send(content, name="big.bin")
        client.open(sent.links[0].link, tmp_path)
        status = client.status(sent)

    assert (tmp_path / "big.bin").read_bytes() == content
    assert status.links[0].openings[0].receipt == "verified"


def test_status_and_revoke_hold_to_the_key_of_the_share(
    server: TlsServer, attacker: Attacker, state: StateFolder
) -> None:
    """The right to end a share would be shown to whoever answers at the server's address."""
    with Client(server.url, pin=server.pin_text, state=state) as client:
        sent = client.send("x")
    (record,) = state.shares()
    state.save_share(replace(record, server=attacker.url))

    with Client(state=state, patience=HASTY) as client:
        for ask in (client.status, client.revoke):
            with pytest.raises(WrongKey):
                ask(sent.share)

    assert record.pin == server.pin
    assert attacker.handshakes
    assert attacker.heard == []


# --- the key is not known -------------------------------------------------------------------------


def test_unknown_key_is_refused_where_nobody_vouches(
    attacker: Attacker, state: StateFolder
) -> None:
    """A program without anybody before it would trust whoever answers first."""
    world, asked = person(vouches=False)
    with (
        Client(attacker.url, state=state, world=world, patience=HASTY) as client,
        pytest.raises(UnknownKey),
    ):
        client.send("secret")

    assert len(asked.about) == 1
    assert attacker.heard == []
    assert not list(state.path.rglob("*.json"))


def test_unknown_key_is_asked_about_once_and_remembered(
    server: TlsServer, state: StateFolder
) -> None:
    """People who are asked each time learn to say yes."""
    world, asked = person(vouches=True)
    with Client(server.url, state=state, world=world) as client:
        first = client.send("x")
        client.send("y")
    silent, unasked = person(vouches=False)
    with Client(server.url, state=state, world=silent) as client:
        client.send("z")

    assert asked.about == [(server.url, server.pin_text)]
    assert unasked.about == []
    assert parse_link(first.links[0].link).pin == server.pin


def test_without_memory_it_is_asked_once_for_each_client(server: TlsServer) -> None:
    """A library's user would be asked at each call."""
    world, asked = person(vouches=True)
    with Client(server.url, world=world) as client:
        client.send("x")
        client.send("y")

    assert len(asked.about) == 1


@pytest.mark.section9("another key than the one that is remembered")
def test_changed_key_is_refused_though_somebody_would_vouch(
    server: TlsServer, attacker: Attacker, state: StateFolder
) -> None:
    """Whoever takes a server's address would only have to wait for a yes out of habit."""
    _remember(state, attacker.url, server.pin)
    world, asked = person(vouches=True)

    with (
        Client(attacker.url, state=state, world=world, patience=HASTY) as client,
        pytest.raises(WrongKey),
    ):
        client.send("secret")

    assert asked.about == []
    assert attacker.handshakes
    assert attacker.heard == []


def _remember(state: StateFolder, server: str, pin: bytes) -> None:
    state.save_key(KeyRecord(server, pin))


def test_given_pin_replaces_what_is_remembered(server: TlsServer, state: StateFolder) -> None:
    """A server that was set up anew could never be trusted again."""
    _remember(state, server.url, bytes(15))
    with Client(server.url, pin=server.pin_text, state=state) as client:
        client.send("x")
    with Client(server.url, state=state) as client:
        client.send("y")


def test_pin_that_did_not_prove_right_is_not_remembered(
    server: TlsServer, state: StateFolder
) -> None:
    """A typing error would lock its maker out of the server."""
    with (
        Client(server.url, pin=b64encode(bytes(15)), state=state, patience=HASTY) as client,
        pytest.raises(WrongKey),
    ):
        client.send("x")

    assert state.key(server.url) is None


def test_link_asks_nothing_that_is_remembered(
    server: TlsServer, attacker: Attacker, state: StateFolder
) -> None:
    """A key that this machine was once talked into would open the way for whoever holds it."""
    with Client(server.url, pin=server.pin_text) as client:
        link = client.send("x").links[0].link
    _remember(state, attacker.url, shown_pin(attacker.url))

    with Client(state=state, patience=HASTY) as client, pytest.raises(WrongKey):
        client.open(moved(link, attacker.url))
    _remember(state, server.url, bytes(15))
    with Client(state=state) as client:
        assert client.open(link).note == "x"

    assert attacker.heard == []


# --- an attacker ----------------------------------------------------------------------------------


@pytest.mark.section9("another key than the link's pin")
def test_attacker_hears_no_byte(server: TlsServer, attacker: Attacker) -> None:
    """The proofs that open and end links would be given to whoever stands between."""
    with Client(server.url, pin=server.pin_text) as client:
        link = client.send("x").links[0].link

    with Client(patience=HASTY) as client, pytest.raises(WrongKey):
        client.open(moved(link, attacker.url))
    with (
        Client(attacker.url, pin=server.pin_text, patience=HASTY) as client,
        pytest.raises(WrongKey),
    ):
        client.send("secret")
    with Client() as client:
        assert client.open(link).note == "x", "nothing was spent"

    assert attacker.handshakes >= 2
    assert attacker.heard == []


def test_attacker_does_hear_whoever_checks_nothing(attacker: Attacker) -> None:
    """The tests above would pass against an attacker who is deaf."""
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    with http_client(attacker.url, unchecked) as http:
        http.get(attacker.url)

    (heard,) = attacker.heard
    assert heard.startswith(b"GET / HTTP/1.1")


def test_attacker_who_comes_in_the_middle_costs_nobody_the_file(
    server: TlsServer, attacker: Attacker, tmp_path: Path, state: StateFolder
) -> None:
    """An opening would be given up, and the file lost, because of one false answer."""
    with Client(server.url, pin=server.pin_text) as client:
        link = client.send(bytes(200_000), name="a.bin").links[0].link
    with closing(Crossing(server.url, attacker.url, cut_at=60_000)) as way:
        there = moved(link, way.url)
        with Client(state=state) as client, pytest.raises(WrongKey):
            client.open(there, tmp_path / "out")
        way.clear()
        with Client(state=state) as client:
            client.open(there, tmp_path / "out")

    assert (tmp_path / "out/a.bin").read_bytes() == bytes(200_000)
    assert attacker.handshakes
    assert attacker.heard == []


def test_key_is_checked_inside_the_tls_of_a_proxy_too(
    server: TlsServer, attacker: Attacker
) -> None:
    """Behind a proxy that is itself reached by TLS, any key would do."""
    handshake(server.url, pinned_context(server.pin))
    with pytest.raises(OtherKey):
        handshake(attacker.url, pinned_context(server.pin))

    assert attacker.heard == []


def handshake(url: str, context: ssl.SSLContext) -> None:
    """A handshake as httpcore makes it within another connection: over buffers in memory."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    inside = context.wrap_bio(incoming, outgoing)
    with socket.create_connection(_address(url)) as outside:
        while True:
            try:
                inside.do_handshake()
            except ssl.SSLWantReadError:
                outside.sendall(outgoing.read())
                incoming.write(outside.recv(65_536))
            else:
                return


# --- what can't be checked ------------------------------------------------------------------------


@pytest.mark.section9("a pin where there is no TLS")
def test_pin_without_tls_is_refused(state: StateFolder) -> None:
    """Somebody who asked for a key to be checked would get none."""
    with (
        Client("http://127.0.0.1:9", pin=b64encode(bytes(15)), state=state) as client,
        pytest.raises(UsageError),
    ):
        client.send("x")


def test_pin_through_a_client_of_ones_own_is_refused(server: TlsServer) -> None:
    """A pin that nobody checks is a lie."""
    with (
        httpx.Client() as http,
        Client(server.url, pin=server.pin_text, http=http) as client,
        pytest.raises(UsageError),
    ):
        client.send("x")


def test_link_and_pin_that_differ_are_refused(server: TlsServer) -> None:
    """One of two keys would be checked, and nobody would know which."""
    with Client(server.url, pin=server.pin_text) as client:
        link = client.send("x").links[0].link

    with Client(pin=b64encode(bytes(15))) as client, pytest.raises(UsageError):
        client.open(link)


def test_pin_is_for_its_server_alone(server: TlsServer, tmp_path: Path) -> None:
    """A pin would lock its user out of every other server."""
    with tls_server(tmp_path / "other") as other:
        with Client(other.url, pin=other.pin_text) as client:
            link = client.send("theirs").links[0].link
        with Client(server.url, pin=server.pin_text) as client:
            assert client.open(link).note == "theirs"


def test_looking_at_a_key_sends_nothing(attacker: Attacker) -> None:
    """The look that decides about trust would itself give something away."""
    assert len(shown_pin(attacker.url)) == 15
    assert attacker.heard == []


def test_server_without_tls_shows_no_key(tmp_path: Path) -> None:
    """A person would be asked to trust a key that is none."""
    with running_server(tmp_path) as plain, pytest.raises(Unreachable):
        shown_pin(plain.url.replace("http://", "https://"))


def test_authority_needs_no_pin(server: TlsServer) -> None:
    """Every server on the web would become a question."""
    context = ssl.create_default_context(cafile=server.certificate)
    world, asked = person(vouches=False)
    with Client(server.url, ssl_context=context, world=world) as client:
        sent = client.send("x")

    assert sent.record.pin is None
    assert parse_link(sent.links[0].link).pin is None
    assert asked.about == []
