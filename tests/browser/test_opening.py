"""Looking spends nothing, nor does a wrong password; and nothing stays behind."""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from otv_client import Client, Terms
from tests.browser import steps
from tests.browser.drivers.tab import Ability
from tests.browser.stage import raw_link

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.drivers.tab import Browser, Tab
    from tests.conftest import RunningServer
    from tests.support import Api

MEMORY_LIMIT = 256 << 20  # of ciphertext, in a browser without private files
GUESSES_IN_A_ROW = 10  # wrong passwords until a link locks


def test_looking_spends_nothing(tab: Tab, client: Client) -> None:
    """Else a preview, a reload or a second thought would cost the secret."""
    sent = client.send("kept")

    steps.look(tab, sent.links[0].link)
    tab.reload()
    tab.find("button", "Open")

    assert "It opens once" in tab.text()
    (link,) = client.status(sent).links
    assert (link.state, link.openings) == ("ready", ())
    assert client.open(sent.links[0].link).note == "kept"
    steps.assert_clean(tab)


def test_wrong_passwords_spend_nothing(tab: Tab, client: Client, api: Api) -> None:
    """Else a typing error would cost the secret, or somebody could guess for ever."""
    password = "p\u00e4ssword"
    sent = client.send("the secret", Terms(password=password))
    api.claim(raw_link(sent.links[0].link), secrets.token_bytes(32))

    steps.look(tab, sent.links[0].link).click()
    tab.wait_text("Type the password first.")
    tab.field("Password").fill("pa\u00dfword")
    tab.find("button", "Open").click()
    tab.wait_text("wrong. Nothing was spent. 8 more tries", patience_s=steps.ARGON2_S)
    (link,) = client.status(sent).links
    assert (link.state, link.openings) == ("ready", ())
    tab.field("Password").fill(unicodedata.normalize("NFD", password))  # as some keyboards type it
    tab.find("button", "Open").click()
    steps.wait_opened(tab)

    assert steps.note_of(tab) == "the secret"
    steps.assert_clean(tab, "403")


def test_locked_link_is_unlocked_by_its_sender(
    tab: Tab, page_server: RunningServer, client: Client, api: Api
) -> None:
    """Else whoever has the link could keep its recipient from opening it for good."""
    steps.compose(tab, page_server.url, text="kept")
    tab.field("Password").fill("right")
    (link,) = steps.create_links(tab)
    for _ in range(GUESSES_IN_A_ROW):
        api.claim(raw_link(link), secrets.token_bytes(32))
    steps.sees(tab, "Locked by wrong passwords.")
    recipient = tab.another()
    recipient.open(link)
    recipient.find("heading", "This link is locked")

    tab.find("button", "Unlock").click()
    tab.wait_text("Not opened yet")

    recipient.reload()
    recipient.find("button", "Open")
    assert client.open(link, password="right").note == "kept"
    steps.assert_clean(recipient)


def test_scheduled_link_opens_by_itself(tab: Tab, page_server: RunningServer) -> None:
    """Else people would have to guess when to come again."""
    tab.open(page_server.url)  # a new profile's first page may take seconds
    at = datetime.now(UTC) + timedelta(seconds=9)
    link = steps.link_to(page_server.url, "at last", opens_at=at)

    tab.open(link)
    tab.find("heading", re.compile("^Not yet open: it opens (at|on)"))
    tab.wait_text(re.compile(r"In \d seconds?\."))
    tab.find("button", "Open").click()
    steps.wait_opened(tab)

    assert steps.note_of(tab) == "at last"
    steps.assert_clean(tab)


# --- what stays behind ---------------------------------------------------------------------------


def test_nothing_stays_after_done(tab: Tab, page_server: RunningServer, tmp_path: Path) -> None:
    """Else whoever sits at the same machine next could read it, or use the link."""
    (tmp_path / "kept.bin").write_bytes(os.urandom(300_000))
    link = steps.link_to(page_server.url, tmp_path / "kept.bin", note="with words")
    tab.open(page_server.url)  # somewhere to go back to
    steps.open_link(tab, link)
    steps.save(tab, "kept.bin")
    steps.wait_told(tab)

    steps.finish(tab)

    assert steps.private_files(tab) == {}
    assert steps.records(tab, "openings") == []
    tab.script("setTimeout(() => history.back())")
    tab.until(lambda: not tab.text().strip(), "blank page between the two")
    tab.script("setTimeout(() => history.forward())")
    tab.find("heading", re.compile("^(Done|Half of this link is missing)$"))  # kept, or anew
    assert tab.script("return location.href") == link.partition("#")[0]
    tab.reload()
    tab.find("heading", "Half of this link is missing")
    assert "with words" not in tab.text()
    steps.assert_clean(tab)


@pytest.mark.needs(Ability.PRIVATE_FILES)
def test_reloaded_tab_shows_again_what_came(
    tab: Tab, page_server: RunningServer, tmp_path: Path
) -> None:
    """Else a phone that reloads its tabs would cost what was opened, or any tab would show it."""
    content = os.urandom(300_000)
    (tmp_path / "kept.bin").write_bytes(content)
    link = steps.link_to(page_server.url, tmp_path / "kept.bin", note="with words")
    steps.open_link(tab, link)
    steps.wait_told(tab)

    tab.reload()
    steps.wait_opened(tab)
    other = tab.another()
    other.open(link)

    other.find("heading", re.compile("^This link was opened already"))
    assert steps.note_of(tab) == "with words"
    assert steps.save(tab, "kept.bin") == content
    steps.finish(tab)
    assert steps.private_files(tab) == {}
    steps.assert_clean(tab)


# --- without private files -----------------------------------------------------------------------


def test_content_in_memory_is_acknowledged_once_it_is_saved(
    browser: Browser, client: Client, tmp_path: Path
) -> None:
    """Else a page that is closed too soon would cost the file, and tell the sender that it came."""
    content = os.urandom(2 * steps.PART + 1)
    (tmp_path / "film.bin").write_bytes(content)
    sent = client.send(tmp_path / "film.bin")
    tab = steps.without_private_files(browser)

    steps.open_link(tab, sent.links[0].link)
    tab.wait_text(re.compile("only in this page.s memory"))
    (begun,) = client.status(sent).links[0].openings
    is_secret_kept = "#" in tab.url()
    saved = steps.save(tab, "film.bin")
    steps.wait_told(tab)

    (opening,) = client.status(sent).links[0].openings
    assert (begun.outcome, is_secret_kept, saved == content) == ("leased", True, True)
    assert (opening.outcome, opening.receipt) == ("opened", "verified")
    steps.assert_clean(tab)


@pytest.fixture(scope="session")
def memory_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A file of as much as goes into memory, and one of a little more."""
    folder = tmp_path_factory.mktemp("large")
    most, more = folder / "most.bin", folder / "more.bin"
    block = os.urandom(1 << 20)
    with most.open("wb") as file:
        file.writelines([block] * 252)  # padding makes nearly 256 of 253
    with more.open("wb") as file:
        file.truncate(MEMORY_LIMIT)
    return most, more


def test_too_large_for_memory_is_said_before_anything_is_spent(
    browser: Browser, page_server: RunningServer, memory_files: tuple[Path, Path], api: Api
) -> None:
    """Else a link would be used up by a browser that could never have opened it."""
    link = steps.link_to(page_server.url, memory_files[1])
    tab = steps.without_private_files(browser)

    steps.look(tab, link).click()

    tab.wait_text("It is too large for this browser")
    assert "Nothing was spent" in tab.text()
    assert api.look(raw_link(link)).json()["state"] == "ready"
    steps.assert_clean(tab)


@pytest.mark.lacks(Ability.PRIVATE_FILES)
def test_memory_takes_as_much_as_is_said(
    tab: Tab, page_server: RunningServer, memory_files: tuple[Path, Path]
) -> None:
    """Else a link below the limit that people are told would be used up for nothing."""
    path = memory_files[0]
    link = steps.link_to(page_server.url, path)

    steps.open_link(tab, link)
    saved = steps.save(tab, path.name)

    assert sha256(saved).digest() == sha256(path.read_bytes()).digest()
    steps.assert_clean(tab)
