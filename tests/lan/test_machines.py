"""Machines on one network, nothing configured: what is found, trusted, and kept from strangers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from otv_client.b64 import b64encode
from otv_client.link import parse_link
from otv_client.pins import pin_of
from tests.cli.test_terminal import at_terminal
from tests.lan.conftest import HTTP_PORT, NAME, PORT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lan.conftest import Lan

FAR_HOME, FAR_STRANGER = "203.0.113.1", "203.0.113.2"  # public ones, on the same cable

# --- two machines: a server, and somebody who has set nothing -------------------------------------


def test_file_goes_from_one_machine_to_another_without_any_setting(lan: Lan) -> None:
    """Two people in one room would need an address, a certificate and a manual."""
    sender, recipient = lan.person(lan.laptop, "sender"), lan.person(lan.stranger, "recipient")
    (sender.folder / "photo.jpg").write_bytes(bytes(3_000_000))
    with lan.serving() as server:
        link = sender.put("photo.jpg", "--note", "from the sofa")
        recipient.ok("get", link)
        status = json.loads(sender.ok("status", "--json"))

    assert link.startswith(f"{server.url}/s/")
    assert parse_link(link).pin == server.pin
    assert (recipient.folder / "photo.jpg").read_bytes() == bytes(3_000_000)
    assert status["links"][0]["openings"][0]["receipt"] == "verified"


def test_server_is_found_with_its_key(lan: Lan) -> None:
    """A person could not compare the key with what the server prints."""
    somebody = lan.person(lan.laptop, "somebody")
    with lan.serving() as server:
        listed = json.loads(somebody.ok("find", "--json"))
        row = somebody.ok("find").decode()

    (found,) = listed["servers"]
    assert found == {
        "name": NAME,
        "address": server.url,
        "addresses": [server.url, f"https://[{lan.home.address6}]:{PORT}"],
        "pin": server.pin_text,
    }
    assert row.split() == [NAME, server.url, server.pin_text]
    assert server.printed_pin == server.pin_text
    for address in found["addresses"]:
        assert f"One-Time View serves {address}" in server.printed
    assert f"One-Time View serves http://localhost:{HTTP_PORT}" in server.printed


def test_server_is_reached_over_ipv6_alone(lan: Lan) -> None:
    """A network without IPv4 would have no server on it."""
    sender, recipient = lan.person(lan.laptop, "sender"), lan.person(lan.stranger, "recipient")
    for machine in (lan.home, lan.laptop, lan.stranger):
        machine.lose_ipv4()
    with lan.serving():
        link = sender.put("--text", "x")
        note = recipient.ok("get", link)

    assert link.startswith(f"https://[{lan.home.address6}]:{PORT}/s/")
    assert note == b"x\n"


def test_what_the_servers_own_machine_sends_opens_elsewhere(lan: Lan) -> None:
    """The first thing that a new user tries, a link from one machine to the next, would fail."""
    sender, recipient = lan.person(lan.home, "sender"), lan.person(lan.laptop, "recipient")
    with lan.serving() as server:
        link = sender.using(server=f"http://localhost:{HTTP_PORT}").put("--text", "x")
        note = recipient.ok("get", link)

    assert link.startswith(f"{server.url}/s/")
    assert parse_link(link).pin == server.pin
    assert note == b"x\n"


def test_network_without_a_server_is_told_as_such(lan: Lan) -> None:
    """A person would wait for a server that is not there, or read about a network error."""
    somebody = lan.person(lan.laptop, "somebody")

    sent, found = somebody.run("put", "--text", "x"), somebody.run("find")
    lan.laptop.unplug()
    alone = somebody.run("put", "--text", "x")

    assert (sent.returncode, found.returncode, alone.returncode) == (3, 3, 3)
    assert b"Traceback" not in sent.stderr + found.stderr + alone.stderr


# --- three machines: a stranger, who has a key of their own ---------------------------------------


def test_stranger_at_the_servers_address_hears_no_byte(lan: Lan) -> None:
    """Whoever takes the address of a server that is off would take openings, and end links."""
    sender, recipient = lan.person(lan.laptop, "sender"), lan.person(lan.laptop, "recipient")
    with lan.serving() as server:
        link = sender.put("--text", "x")
        lan.home.unplug()
        lan.stranger.take(lan.home.address)
        lan.laptop.forget_neighbours()
        with lan.attacking(lan.home.address) as overheard:
            opened = recipient.run("get", link)
            sent = sender.using(server=server.url).run("put", "--text", "secret")
            revoked = sender.run("revoke", link)
        lan.stranger.leave(lan.home.address)
        lan.home.plug_in()
        lan.laptop.forget_neighbours()
        afterwards = recipient.ok("get", link)

    assert (opened.returncode, sent.returncode, revoked.returncode) == (6, 6, 6)
    assert overheard.connections >= 3
    assert overheard.bytes == 0
    assert afterwards == b"x\n", "nothing was spent"


def test_stranger_who_announces_a_known_address_hears_no_byte(lan: Lan) -> None:
    """A known server would be replaced by whoever says its name while it is off."""
    sender = lan.person(lan.laptop, "sender")
    with lan.serving():
        sender.put("--text", "x")
    lan.home.unplug()
    lan.stranger.take(lan.home.address)
    lan.laptop.forget_neighbours()

    with lan.attacking(lan.home.address) as overheard:
        key = lan.folder / "stranger.pem"
        with lan.announcing(lan.stranger, NAME, _pin(key), lan.home.address):
            done = sender.run("put", "--text", "secret")

    assert done.returncode == 6
    assert overheard.bytes == 0


def test_stranger_who_announces_the_servers_key_hears_no_byte(lan: Lan) -> None:
    """A pin is public: whoever repeats it would be taken for the one whose it is."""
    sender = lan.person(lan.laptop, "sender")
    with (
        lan.serving() as server,
        lan.attacking(lan.stranger.address) as overheard,
        lan.announcing(lan.stranger, "A Home", server.pin_text, lan.stranger.address),
    ):
        link = sender.put("--text", "x")

    assert link.startswith(server.url)
    assert overheard.connections >= 1
    assert overheard.bytes == 0


@pytest.mark.section9("another key than the announced one")
def test_announced_key_that_nobody_shows_is_refused(lan: Lan) -> None:
    """An announcement would be believed more than the key itself."""
    sender, key = lan.person(lan.laptop, "sender"), lan.key("nobody")
    with (
        lan.attacking(lan.stranger.address) as overheard,
        lan.announcing(lan.stranger, "Home", key.pin_text, lan.stranger.address),
    ):
        done = sender.run("put", "--text", "secret")

    assert done.returncode == 6
    assert overheard.bytes == 0


def test_of_several_servers_a_person_chooses(lan: Lan) -> None:
    """A secret would go to whichever server answers first."""
    sender = lan.person(lan.laptop, "sender")
    with (
        lan.serving() as server,
        lan.attacking(lan.stranger.address) as overheard,
        lan.announcing(
            lan.stranger, "Another", _pin(lan.folder / "stranger.pem"), lan.stranger.address
        ),
    ):
        in_a_script = sender.run("put", "--text", "x")
        at_a_terminal, screen = at_terminal(sender, ["put", "--text", "x"], ["2"], "(1 to 2) ")
        by_pin = sender.put("--text", "x", "--pin", server.pin_text)

    assert in_a_script.returncode == 2
    assert at_a_terminal == 0
    assert f"{server.url}/s/" in screen
    assert by_pin.startswith(server.url)
    assert overheard.connections == 0


def test_odd_announcements_keep_nobody_from_the_server(lan: Lan) -> None:
    """One odd machine on a network would take the server away from everyone."""
    sender = lan.person(lan.laptop, "sender")
    with lan.serving() as server, lan.babbling():
        sent = sender.run("put", "--text", "x")
        found = sender.run("find")

    assert sent.returncode == found.returncode == 0, sent.stderr + found.stderr
    assert sent.stdout.decode().startswith(server.url)
    assert [line.split()[0] for line in found.stdout.splitlines()] == [NAME.encode()]
    assert b"\x1b" not in sent.stderr + found.stderr
    assert b"can't be read" in found.stderr, "the babble was heard"


def test_pages_learn_the_key_that_they_cant_see(lan: Lan) -> None:
    """Links that a phone's browser makes would tell command lines nothing to know the server by."""
    with lan.serving(lan_http=True) as server:
        plain = f"http://{lan.home.address}:{HTTP_PORT}/api/v1/info"
        over_tls = lan.ask(lan.laptop, "GET", f"{server.url}/api/v1/info")
        behind = lan.ask(
            lan.laptop, "GET", f"{server.url}/api/v1/info", **{"X-Forwarded-For": "192.0.2.1"}
        )
        over_http = lan.ask(lan.laptop, "GET", plain)

    told = [(body["address"], body["pin"]) for _, body in (over_tls, behind, over_http)]
    assert told == [(None, server.pin_text), (None, None), (None, None)]


# --- a stranger who asks without otv-client -------------------------------------------------------


def test_neighbours_may_send_and_whoever_may_be_none_needs_a_token(lan: Lan) -> None:
    """The people in the room could not send, or people elsewhere could."""
    lan.home.take(FAR_HOME)
    lan.stranger.take(FAR_STRANGER)
    share = f"/api/v1/shares/{b64encode(bytes(12))}"
    with lan.serving() as server:
        near = lan.ask(lan.laptop, "GET", f"{server.url}/api/v1/info")
        asked = {
            "from afar": lan.ask(lan.stranger, "PUT", f"https://{FAR_HOME}:{PORT}{share}"),
            "as if from home": lan.ask(
                lan.stranger, "PUT", server.url + share, **{"X-Forwarded-For": "127.0.0.1"}
            ),
            "from afar, as if near": lan.ask(
                lan.stranger,
                "PUT",
                f"https://{FAR_HOME}:{PORT}{share}",
                **{"X-Forwarded-For": lan.laptop.address},
            ),
        }

    assert (near[0], near[1]["upload_token"]) == (200, False)
    assert {how: (status, body["code"]) for how, (status, body) in asked.items()} == dict.fromkeys(
        asked, (401, "upload_token")
    )


def test_foreign_names_and_pages_are_refused(lan: Lan) -> None:
    """Any web page that a person opens would use this server as that person's machine."""
    with lan.serving() as server:
        info = f"{server.url}/api/v1/info"
        renamed = lan.ask(lan.stranger, "GET", info, Host="evil.example")
        from_a_page = lan.ask(lan.stranger, "GET", info, Origin="https://evil.example")

    assert (renamed[0], renamed[1]["code"]) == (421, "wrong_host")
    assert (from_a_page[0], from_a_page[1]["code"]) == (403, "cross_origin")


def _pin(pem: Path) -> str:
    """The pin of a certificate in a file."""
    certificate = x509.load_pem_x509_certificate(pem.read_bytes())
    return b64encode(pin_of(certificate.public_bytes(Encoding.DER)))
