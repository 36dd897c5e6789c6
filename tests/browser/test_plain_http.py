"""The page over plain HTTP from another machine, where browsers give it no cryptography.

It comes from an address that is not loopback, through a recorder that hears what anybody on that
network could hear.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import pytest

from otv_client import Client
from tests.browser import steps
from tests.browser.lan import lan_address
from tests.browser.wires import Answer, Liar, Recorder
from tests.conftest import running_server
from tests.searching import window_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.drivers.tab import Tab
    from tests.conftest import RunningServer

SEVERAL_PARTS = (8 << 20) + 300_000
NOTE = "what nobody on the way may reäd"
PASSWORD = "pässword of a person"
NO_OPENER_POLICY = "The Cross-Origin-Opener-Policy header has been ignored"  # Chromium's, here
WHERE = """
return [isSecureContext, crypto.subtle === undefined, location.protocol];
"""
FRAME_TEXT = "return document.body.innerText"
SELECTED = """
const field = document.activeElement;
return field.value.slice(field.selectionStart, field.selectionEnd);
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of another machine, as far as browsers know."""
    with lan_address() as made:
        yield made


@pytest.fixture(scope="module")
def plain_server(
    built_page: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server that wants its page used like that."""
    assert built_page.is_dir()
    folder = tmp_path_factory.mktemp("plain")
    with running_server(folder, min_free_bytes=0, rate=0, lan_http=True) as server:
        yield server


@pytest.fixture
def wire(address: str, plain_server: RunningServer) -> Iterator[Recorder]:
    """The network between, and all that was sent on it."""
    with Recorder(port_of(plain_server), address) as recorder:
        yield recorder


def port_of(server: RunningServer) -> int:
    """Where it listens on loopback."""
    return int(server.url.rpartition(":")[2])


def on(link: str, url: str) -> str:
    """The same link by way of another address."""
    return url + link.removeprefix(link.partition("/s/")[0])


def test_what_the_page_sends_the_command_line_opens(
    tab: Tab, wire: Recorder, tmp_path: Path
) -> None:
    """Else a phone on the LAN could not send, or would send what everybody there can read."""
    content = secrets.token_bytes(SEVERAL_PARTS)
    (tmp_path / "film.bin").write_bytes(content)
    steps.compose(tab, wire.url, tmp_path / "film.bin", text=NOTE)
    tab.field("Password").fill(PASSWORD)
    assert tab.script(WHERE) == [False, True, "http:"]
    assert "could change this page and read everything" in tab.text()

    (link,) = steps.create_links(tab)

    assert link.startswith(wire.url)
    with Client(wire.url) as client:
        opened = client.open(link, into=tmp_path / "there", password=PASSWORD)
    assert opened.note == NOTE
    assert (tmp_path / "there/film.bin").read_bytes() == content
    for secret in (NOTE, PASSWORD, "film.bin", link.partition("#")[2]):
        assert secret.encode() not in wire.sent
    assert window_in(wire.sent, content) is None
    steps.sees(tab, "receipt checked")
    steps.assert_clean(tab, NO_OPENER_POLICY)


def test_what_the_command_line_sends_the_page_opens(
    tab: Tab, wire: Recorder, plain_server: RunningServer, tmp_path: Path
) -> None:
    """Else a link from elsewhere would be lost on such a page, or spent by a slip."""
    content = secrets.token_bytes(SEVERAL_PARTS)
    (tmp_path / "film.bin").write_bytes(content)
    (tmp_path / "words.txt").write_text("words")
    files = [tmp_path / "film.bin", tmp_path / "words.txt"]
    sent = steps.link_to(plain_server.url, files, note=NOTE, password=PASSWORD)
    steps.look(tab, on(sent, wire.url))
    tab.field("Password").fill("another")
    tab.find("button", "Open").click()
    tab.wait_text("That password is wrong", patience_s=steps.ARGON2_S)
    tab.field("Password").fill(PASSWORD)
    tab.find("button", "Open").click()
    steps.wait_opened(tab)

    assert steps.note_of(tab) == NOTE
    assert "only in this page" in tab.text()
    steps.view(tab, "words.txt")
    tab.until(lambda: "words" in tab.script(FRAME_TEXT, in_frame=True), "preview")
    tab.press("Escape")
    tab.wait_gone("dialog")
    assert steps.save(tab, "film.bin") == content
    assert steps.save(tab, "words.txt") == b"words"
    steps.wait_told(tab)
    steps.finish(tab)
    assert PASSWORD.encode() not in wire.sent
    steps.assert_clean(tab, NO_OPENER_POLICY, "403")


def test_link_is_copied_by_selecting_it(tab: Tab, wire: Recorder) -> None:
    """Else "Copy link" would do nothing where there is no clipboard, and not say so."""
    link = steps.send(tab, wire.url, text=NOTE)

    tab.find("button", "Copy link").click()

    tab.until(lambda: tab.script(SELECTED) == link, "link selected")
    assert not tab.every("button", "Share")
    tab.wait_text("The link is selected")
    steps.assert_clean(tab, NO_OPENER_POLICY)


def test_without_the_setting_it_says_what_to_do(
    tab: Tab, address: str, page_server: RunningServer
) -> None:
    """Else people would see a page that fails, or spend a link that they can't read."""
    sent = steps.link_to(page_server.url, NOTE)
    with Recorder(port_of(page_server), address) as wire:
        link = on(sent, wire.url)
        tab.open(link)
        tab.find("heading", re.compile("used safely$"))
        ways = tab.every("link")

        secure = link.replace(f"http://{address}:{wire.port}", f"https://{address}:8443")
        assert secure in [each.attribute("href") for each in ways]
        assert b"/links/" not in wire.sent
    steps.assert_clean(tab, NO_OPENER_POLICY)


def test_everybody_else_loads_none_of_it(tab: Tab, page_server: RunningServer) -> None:
    """Else people on a slow line would wait for what they don't need."""
    with Recorder(port_of(page_server)) as wire:
        steps.send(tab, wire.url, text=NOTE)

        assert b"GET /assets/index-" in wire.sent
        assert b"GET /assets/javascript-" not in wire.sent
        assert b"GET /assets/plain-worker-" not in wire.sent


def test_a_changed_part_does_not_run(tab: Tab, address: str, plain_server: RunningServer) -> None:
    """Else integrity attributes would hold for all of the page but for its cryptography."""
    other = Answer(headers={"content-type": "text/javascript"}, body=b"document.title = 'changed'")
    with Liar(port_of(plain_server), address) as liar:
        liar.lie("GET", r"/assets/javascript-\w+\.js", lambda _: other)
        tab.open(liar.url)

        tab.find("heading", re.compile("^This browser can.t do it$"))
        assert tab.script("return document.title") == "One-Time View"
