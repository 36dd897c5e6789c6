"""Every end says which it is, and what was changed on the way is refused."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from otv_client import Client, Terms
from otv_client.link import Kdf, draw_link
from tests.browser import steps
from tests.browser.stage import raw_link, with_fields
from tests.conftest import running_server
from tests.support import Api, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.drivers.tab import Tab
    from tests.conftest import RunningServer

pytestmark = pytest.mark.in_turn

GUESSES = 100  # wrong passwords until a link ends
GUESSES_IN_A_ROW = 10  # until it locks


@dataclass(frozen=True)
class Ended:
    """A link that opens no more, and the heading that says so; with the time where ``is_timed``."""

    link: str
    heading: str
    is_timed: bool = False


@pytest.fixture(scope="session")
def ended_links(
    built_page: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Ended]]:
    """One of each."""
    assert built_page.is_dir()
    folder = tmp_path_factory.mktemp("ended")
    with (
        running_server(folder, min_free_bytes=0, rate=0, min_ttl=1) as server,
        Client(server.url) as client,
    ):
        api = Api.of(server.url)
        yield [*over(client, api), *not_whole(client.send("x").links[0].link, server.url)]
        api.http.close()


def over(client: Client, api: Api) -> Iterator[Ended]:
    """Links that have ended, as the server knows."""
    expired = client.send("x", Terms(expires_s=1)).links[0].link
    opened = client.send("x").links[0].link
    client.open(opened)
    yield Ended(opened, "This link was opened already", is_timed=True)
    taken = client.send("x").links[0].link
    assert api.claim(raw_link(taken), secrets.token_bytes(32)).status_code == 200
    yield Ended(taken, "Taken by someone else", is_timed=True)
    revoked = client.send("x")
    client.revoke(revoked)
    yield Ended(revoked.links[0].link, "The sender has revoked this link")
    yield Ended(guessed(client, api), "Ended by wrong passwords")
    assert eventually(lambda: api.look(raw_link(expired)).json()["state"] == "expired")
    yield Ended(expired, "This link has expired")


def guessed(client: Client, api: Api) -> str:
    """A link that too many wrong passwords have ended."""
    sent = client.send("x", Terms(password="right"))
    (link,) = sent.links
    for guess in range(GUESSES):
        if guess % GUESSES_IN_A_ROW == 0:
            client.forgive(sent, link.id)
        api.claim(raw_link(link.link), secrets.token_bytes(32))
    return link.link


def not_whole(link: str, url: str) -> Iterator[Ended]:
    """Links that were never whole, or are of nobody's making."""
    changed = "B" if link[-1] == "A" else "A"
    yield Ended(link[:-1] + changed, "This link is damaged")
    yield Ended(link[:-1], "This link is damaged")
    yield Ended(with_fields(link, lambda old: b"\2" + old[1:]), "This link is from a newer version")
    yield Ended(link.partition("#")[0], "Half of this link is missing")
    yield Ended(link.replace("#", "%23"), "The key of this link has leaked")
    other = draw_link(url, Kdf.NONE, secrets.token_bytes).url()
    yield Ended(other, "This link is unknown here")


def test_every_end_says_which_it_is(tab: Tab, ended_links: list[Ended]) -> None:
    """Else people would not know whether to wait, to ask again, or to raise an alarm."""
    for ended in ended_links:
        tab.open(ended.link)
        time = r" (at|on [^,]+,) \d\d:\d\d" if ended.is_timed else ""
        tab.find("heading", re.compile(f"^{ended.heading}{time}$"))
        assert not tab.every("button", "Open")
    steps.assert_clean(tab, "404")


def test_opened_already_names_the_minute(tab: Tab, page_server: RunningServer) -> None:
    """Else nobody could tell one's own opening from somebody else's."""
    link = steps.link_to(page_server.url, "x")
    steps.open_link(tab, link)
    steps.wait_told(tab)
    steps.finish(tab)

    tab.open(link)

    heading = tab.find("heading", re.compile("opened already")).text()
    assert steps.about_now(heading)


# --- damage --------------------------------------------------------------------------------------


def test_damaged_content_is_refused(
    tab: Tab, page_server: RunningServer, client: Client, tmp_path: Path
) -> None:
    """Else whoever holds the server could change what people receive."""
    before = steps.blobs(page_server.data)
    (tmp_path / "film.bin").write_bytes(os.urandom(steps.PART + 3_000_000))
    sent = client.send(tmp_path / "film.bin")
    last = min(steps.blobs(page_server.data) - before, key=lambda path: path.stat().st_size)
    flip_a_byte(last)

    steps.look(tab, sent.links[0].link).click()

    tab.find("heading", "What came is not what was sent", patience_s=steps.TRANSFER_S)
    assert steps.private_files(tab) == {}
    assert steps.records(tab, "openings") == []
    assert not tab.every("button", "Save")
    (opening,) = client.status(sent).links[0].openings
    assert (opening.outcome, opening.receipt) == ("rejected", "verified")
    steps.assert_clean(tab)


def test_sender_sees_that_it_was_refused(
    tab: Tab, page_server: RunningServer, tmp_path: Path
) -> None:
    """Else a sender would wait for somebody who got nothing."""
    before = steps.blobs(page_server.data)
    (tmp_path / "film.bin").write_bytes(os.urandom(100_000))
    link = steps.send(tab, page_server.url, tmp_path / "film.bin")
    (blob,) = steps.blobs(page_server.data) - before
    flip_a_byte(blob)
    recipient = tab.another()

    steps.look(recipient, link).click()

    recipient.find("heading", "What came is not what was sent")
    steps.sees(tab, "and refused, receipt checked")
    assert "Received damaged" in tab.text()
    steps.assert_clean(tab)


def flip_a_byte(path: Path) -> None:
    """One bit of a file is another."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
