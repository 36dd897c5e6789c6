"""Second thoughts in the middle: what is cancelled is taken back, and leaving is no accident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import steps
from tests.browser.drivers.tab import Ability
from tests.browser.middle import BROKEN, begin_sending
from tests.support import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.drivers.tab import Tab
    from tests.browser.lines import Line
    from tests.conftest import RunningServer


def test_cancelled_sending_is_taken_back(
    tab: Tab, line: Line, page_server: RunningServer, film: Path
) -> None:
    """Else what somebody decided not to send would lie on the server."""
    before = steps.blobs(page_server.data)
    begin_sending(tab, line, film)
    assert eventually(lambda: bool(steps.blobs(page_server.data) - before))

    tab.find("button", "Cancel").click()
    tab.wait_text("Cancelled. What was sent has been taken back.")

    assert eventually(lambda: not steps.blobs(page_server.data) - before)
    assert steps.records(tab, "shares") == []
    assert film.name in tab.find("list", "Files to send").text()
    steps.assert_clean(tab, *BROKEN)


def test_page_warns_before_it_is_left_in_the_middle(tab: Tab, line: Line, film: Path) -> None:
    """Else a slip of the finger would end an upload, or lose what is not saved yet."""
    begin_sending(tab, line, film)
    wait_until_it_warns(tab)
    line.release()
    (link,) = steps.links_on(tab)
    tab.until(lambda: not would_warn(tab), "end of the warning, once it is sent")

    steps.open_link(tab, link)
    wait_until_it_warns(tab)
    steps.save(tab, film.name)
    tab.until(lambda: not would_warn(tab), "end of the warning, once it is saved")

    steps.assert_clean(tab)


def wait_until_it_warns(tab: Tab) -> None:
    """A page takes hold a moment after it has shown what it holds on to."""
    tab.until(lambda: would_warn(tab), "warning")


def would_warn(tab: Tab) -> bool:
    """Whether the page holds on to a person who is about to leave it."""
    event = "new Event('beforeunload', { cancelable: true })"
    return bool(
        tab.script(f"const event = {event}; dispatchEvent(event); return event.defaultPrevented")
    )


@pytest.mark.needs(Ability.LEAVING)
def test_browser_asks_before_the_page_is_left(tab: Tab, line: Line, film: Path) -> None:
    """The same, as a person sees it."""
    begin_sending(tab, line, film)

    assert tab.asks_before_it_is_left()

    line.release()
    assert steps.links_on(tab)
    steps.assert_clean(tab)
    assert not tab.asks_before_it_is_left()
