"""The page comes up in every browser, and nothing in it goes against its own policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browser.drivers.tab import Tab
    from tests.conftest import RunningServer


def test_page_comes_up_without_a_complaint(tab: Tab, page_server: RunningServer) -> None:
    """Else people would see a blank page, or a part of it would be missing without a word."""
    tab.open(page_server.url)

    assert tab.find("heading").text()
    assert tab.complaints() == []
