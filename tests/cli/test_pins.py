"""A person, a server with a key of its own, and a program that asks once."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from otv_client.link import parse_link
from otv_client.records import KeyRecord
from otv_client.state import StateFolder
from tests.attackers import Attacker
from tests.certificates import self_signed
from tests.cli.test_terminal import at_terminal
from tests.support import moved
from tests.tls import TlsServer, tls_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Otv

TRUST = "(yes/no) "


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """A real server with a key of its own."""
    with tls_server(tmp_path_factory.mktemp("tls")) as running:
        yield running


def test_person_is_shown_the_key_and_asked_once(otv: Otv, secure: TlsServer) -> None:
    """Nobody could compare the key with the one that the server prints."""
    mine = otv.using(server=secure.url)
    first, screen = at_terminal(mine, ["put", "--text", "x"], ["yes"], TRUST)
    again, silent = at_terminal(mine, ["put", "--text", "y"], [], TRUST)
    (link,) = [line.strip() for line in silent.splitlines() if line.startswith("https")]

    assert (first, again) == (0, 0)
    assert secure.pin_text in screen
    assert TRUST not in silent
    assert parse_link(link).pin == secure.pin
    assert mine.ok("get", link) == b"y\n"


@pytest.mark.parametrize("answer", ["no", "", "n", "YES!"])
def test_anything_but_yes_is_no(otv: Otv, secure: TlsServer, answer: str) -> None:
    """Somebody who only presses Enter would trust a stranger for good."""
    mine = otv.using(server=secure.url)

    code, screen = at_terminal(mine, ["put", "--text", "x"], [answer], TRUST)

    assert code == 3
    assert "https://127.0.0.1" in screen
    assert not list(mine.state.rglob("keys/*"))


def test_script_is_told_how_to_go_on(otv: Otv, secure: TlsServer) -> None:
    """A script would hang, or trust whoever answers; its author would not know what to write."""
    mine = otv.using(server=secure.url)

    done = mine.run("put", "--text", "x")
    shown = secure.pin_text
    sent = mine.put("--text", "x", "--pin", shown)

    assert done.returncode == 3
    assert done.stdout == b""
    assert shown.encode() in done.stderr
    assert mine.ok("get", sent) == b"x\n"
    assert mine.put("--text", "remembered")


def test_get_takes_a_pin_for_a_link_without_one(otv: Otv, secure: TlsServer) -> None:
    """A link from before a server was known by a pin could be opened by nobody but a browser."""
    link = parse_link(otv.using(server=secure.url).put("--text", "x", "--pin", secure.pin_text))
    plain = type(link)(link.server, link.id, link.secret, link.kdf).url()
    other = otv.using(state=otv.folder / "other")

    refused = other.run("get", plain)
    opened = other.ok("get", plain, "--pin", secure.pin_text)

    assert refused.returncode == 3
    assert opened == b"x\n"


def test_changed_key_is_told_loudly(otv: Otv, secure: TlsServer, tmp_path: Path) -> None:
    """A server whose key changed would look like one that is down."""
    mine = otv.using(server=secure.url)
    link = mine.put("--text", "x", "--pin", secure.pin_text)
    with closing(Attacker(self_signed(tmp_path / "other.pem").file)) as bad:
        # The same memory under the address at which somebody else is now.
        StateFolder(mine.state).save_key(KeyRecord(bad.url, secure.pin))

        at_a_terminal, screen = at_terminal(
            mine.using(server=bad.url), ["put", "--text", "x"], ["yes"], TRUST
        )
        in_a_script = mine.run("get", moved(link, bad.url))

    assert at_a_terminal == in_a_script.returncode == 6
    assert TRUST not in screen
    assert "DANGER" in screen
    assert bad.heard == []


def test_status_and_revoke_know_the_key(otv: Otv, secure: TlsServer) -> None:
    """A share could be sent and not be ended."""
    mine = otv.using(server=secure.url)
    link = mine.put("--text", "x", "--pin", secure.pin_text)
    for record in (mine.state / "keys").iterdir():
        record.unlink()

    listed = json.loads(mine.ok("list", "--json"))
    mine.ok("revoke", link)

    assert listed["links"][0]["state"] == "ready"
    assert mine.run("get", link).returncode == 4


def test_odd_pin_is_a_mistake_at_the_keyboard(otv: Otv, secure: TlsServer) -> None:
    """A typing error would be told as an attack."""
    mine = otv.using(server=secure.url)

    assert mine.run("put", "--text", "x", "--pin", "A" * 19).returncode == 2
    assert mine.run("get", mine.server + "/s/x", "--pin", "A" * 19).returncode == 2
