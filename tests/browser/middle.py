"""Sending and opening as far as the middle, and on from there."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from tests.browser import steps

if TYPE_CHECKING:
    from pathlib import Path

    from otv_client import Client, SentShare
    from tests.browser.drivers.tab import Tab
    from tests.browser.lines import Line

MIB = 1 << 20
FILM_BYTES = 2 * steps.PART + MIB // 2  # three parts
# What browsers say on the console of a connection that broke.
BROKEN = ("net::ERR_", "network connection was lost", "NetworkError")


def begin_sending(tab: Tab, line: Line, film: Path) -> None:
    """Send as far as the line goes: the last part, and something of the two before it."""
    steps.compose(tab, line.url, film)
    line.hold(up=MIB)
    tab.find("button", "Create link").click()
    tab.until(lambda: line.held == 2, "two parts that are held", patience_s=steps.TRANSFER_S)
    assert percent(tab) < 100


def begin_opening(tab: Tab, line: Line, link: str, *, at_least: int = 9 * MIB) -> None:
    """Open so far that the page says that half of it is there, and let no more through."""
    steps.look(tab, link)
    limits = itertools.count(at_least, MIB // 16)
    line.hold(down=next(limits))
    tab.find("button", "Open").click()
    tab.until(lambda: line.held, "content that is held", patience_s=steps.TRANSFER_S)

    def is_half() -> bool:
        # The page tells its progress as bytes come, and not each time: some more have to come.
        line.hold(down=next(limits))
        return percent(tab) >= 50

    tab.until(is_half, "half of the content")


def percent(tab: Tab) -> int:
    """How far the progress bar says that it is."""
    return int(tab.find("progressbar").attribute("aria-valuenow") or 0)


def go_on(tab: Tab) -> None:
    """Go on with an opening that was begun here."""
    button = tab.find("button", "Open")
    assert "It goes on where it stopped" in tab.text()
    button.click()
    steps.wait_opened(tab)


def assert_opened_once(client: Client, sent: SentShare) -> None:
    """However often it was begun, one opening was taken, and its receipt fits."""
    (opening,) = client.status(sent).links[0].openings
    assert (opening.outcome, opening.receipt) == ("opened", "verified")
