"""A lost network, a reload or a crash in the middle costs nobody the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.browser import steps
from tests.browser.drivers.tab import Ability
from tests.browser.middle import (
    BROKEN,
    FILM_BYTES,
    MIB,
    assert_opened_once,
    begin_opening,
    begin_sending,
    go_on,
)

if TYPE_CHECKING:
    from pathlib import Path

    from otv_client import Client, SentShare
    from tests.browser.drivers.tab import Browser, Tab
    from tests.browser.lines import Line

DURABLE = 8 * steps.PART  # the page makes its progress durable this often
LARGE = DURABLE + 2 * steps.PART


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose beginning is durable long before its end is there."""
    path = tmp_path_factory.mktemp("film") / "long film.bin"
    path.write_bytes(os.urandom(LARGE))
    return path


# --- the network ---------------------------------------------------------------------------------


def test_network_lost_while_sending(tab: Tab, line: Line, client: Client, film: Path) -> None:
    """Else whoever sends from a train would have to begin again at every tunnel."""
    begin_sending(tab, line, film)

    line.cut()
    tab.until(lambda: line.refused, "attempt without a network")
    line.mend()

    (link,) = steps.links_on(tab)
    client.open(link, into=film.parent / tab.engine)
    assert (film.parent / tab.engine / film.name).read_bytes() == film.read_bytes()
    steps.assert_clean(tab, *BROKEN)


def test_network_lost_while_opening(tab: Tab, line: Line, client: Client, film: Path) -> None:
    """Else a link that opens once would be used up by a tunnel."""
    sent = client.send(film)
    begin_opening(tab, line, line.on(sent.links[0].link))

    line.cut()
    tab.until(lambda: line.refused, "attempt without a network")
    before = line.down
    line.mend()
    steps.wait_opened(tab)

    assert (
        line.down - before < FILM_BYTES - steps.PART + MIB
    )  # a part that was here isn't fetched again
    assert steps.save(tab, film.name) == film.read_bytes()
    steps.wait_told(tab)
    assert_opened_once(client, sent)
    steps.assert_clean(tab, *BROKEN)


@pytest.mark.needs(Ability.OFFLINE)
def test_offline_while_sending(tab: Tab, line: Line, client: Client, film: Path) -> None:
    """Else people would not know why nothing moves, or have to start it again themselves."""
    begin_sending(tab, line, film)

    tab.set_offline(is_offline=True)
    tab.wait_text("No network. It goes on by itself")
    line.release()
    tab.set_offline(is_offline=False)

    (link,) = steps.links_on(tab)
    client.open(link, into=film.parent / f"{tab.engine} offline")
    assert (film.parent / f"{tab.engine} offline" / film.name).read_bytes() == film.read_bytes()
    steps.assert_clean(tab, *BROKEN)


@pytest.mark.needs(Ability.OFFLINE)
def test_offline_while_opening(tab: Tab, line: Line, client: Client, film: Path) -> None:
    """The same, the other way."""
    sent = client.send(film)
    begin_opening(tab, line, line.on(sent.links[0].link))

    tab.set_offline(is_offline=True)
    tab.wait_text("No network. It goes on by itself")
    line.release()
    tab.set_offline(is_offline=False)
    steps.wait_opened(tab)

    assert steps.save(tab, film.name) == film.read_bytes()
    steps.wait_told(tab)
    assert_opened_once(client, sent)
    steps.assert_clean(tab, *BROKEN)


# --- the page ------------------------------------------------------------------------------------


@pytest.mark.needs(Ability.PRIVATE_FILES)
def test_reloaded_opening_goes_on_where_it_stopped(
    tab: Tab, line: Line, client: Client, long_film: Path
) -> None:
    """Else a large file would have to be fetched from its beginning, as often as a phone sleeps."""
    sent = client.send(long_film)
    noted = begin_durably(tab, line, sent)

    tab.reload()
    line.cut()  # the old document's connections
    before = line.down
    line.mend()
    go_on(tab)

    assert line.down - before < LARGE - noted * steps.PART + MIB
    assert steps.save(tab, long_film.name) == long_film.read_bytes()
    steps.wait_told(tab)
    assert_opened_once(client, sent)
    steps.finish(tab)
    assert steps.private_files(tab) == {}
    steps.assert_clean(tab, *BROKEN)


def begin_durably(tab: Tab, line: Line, sent: SentShare) -> int:
    """Open until so much has arrived that the page has noted some; how many parts.

    Eight, or fewer where they come slowly: it also notes what a few seconds have brought.
    """
    link = line.on(sent.links[0].link)
    begin_opening(tab, line, link, at_least=DURABLE + steps.PART)

    def noted() -> int:
        return int(steps.records(tab, "openings")[0]["partsDone"])

    return tab.until(noted, "progress that is durable", patience_s=steps.TRANSFER_S)


def test_reloaded_opening_in_memory_takes_no_second_one(
    browser: Browser, line: Line, client: Client, film: Path
) -> None:
    """Else a reload in a private window would use the link up for nothing."""
    sent = client.send(film)
    tab = steps.without_private_files(browser)
    begin_opening(tab, line, line.on(sent.links[0].link))

    tab.reload()
    line.release()
    go_on(tab)

    assert steps.save(tab, film.name) == film.read_bytes()
    steps.wait_told(tab)
    assert_opened_once(client, sent)
    steps.assert_clean(tab, *BROKEN)


@pytest.mark.needs(Ability.CRASH)
def test_killed_browser_goes_on_where_it_stopped(
    browser: Browser, line: Line, client: Client, long_film: Path, tmp_path: Path
) -> None:
    """Else an empty battery would cost the file."""
    sent = client.send(long_film)
    tab = browser.kept_tab(tmp_path / "profile")
    noted = begin_durably(tab, line, sent)

    browser.kill(tmp_path / "profile")
    line.cut()
    before = line.down
    line.mend()
    tab = browser.kept_tab(tmp_path / "profile")
    tab.open(line.on(sent.links[0].link))
    go_on(tab)

    assert line.down - before < LARGE - noted * steps.PART + MIB
    assert steps.save(tab, long_film.name) == long_film.read_bytes()
    steps.wait_told(tab)
    assert_opened_once(client, sent)
    steps.assert_clean(tab)


def test_stopped_opening_goes_on(tab: Tab, line: Line, client: Client, film: Path) -> None:
    """Else whoever stops for a better network would have lost it."""
    sent = client.send(film)
    begin_opening(tab, line, line.on(sent.links[0].link))

    tab.find("button", "Stop").click()
    tab.wait_text("Stopped. Nothing is lost")
    line.release()
    tab.find("button", "Open").click()
    steps.wait_opened(tab)

    assert steps.save(tab, film.name) == film.read_bytes()
    steps.wait_told(tab)
    assert_opened_once(client, sent)
    steps.assert_clean(tab)


def test_second_tab_is_told_of_the_first(tab: Tab, line: Line, client: Client, film: Path) -> None:
    """Else two tabs would write into one file, and neither would have it."""
    sent = client.send(film)
    link = line.on(sent.links[0].link)
    begin_opening(tab, line, link)
    second = tab.another()

    steps.look(second, link).click()
    second.wait_text("Another tab of this browser is opening this link. Go on there.")
    line.release()
    steps.wait_opened(tab)

    assert steps.save(tab, film.name) == film.read_bytes()
    steps.wait_told(tab)
    assert_opened_once(client, sent)
    steps.assert_clean(tab)
