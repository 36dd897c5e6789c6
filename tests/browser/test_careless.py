"""What devices and people do that nobody plans for costs nobody what was sent.

Clocks that are wrong, networks that go, storage that is cleared or never answers, a hasty "Done".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from otv_client import Client, Terms
from tests.browser.drivers.tab import Ability
from tests.browser.drivers.with_playwright import PlaywrightTab
from tests.conftest import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.drivers.tab import Browser
    from tests.conftest import RunningServer

HOUR_MS = 3_600_000

# Runs ahead of the page's own scripts, so in Chromium and Firefox alone.
WRONG_CLOCK = """
const Right = Date;
globalThis.Date = class extends Right {
  constructor(...given) { given.length ? super(...given) : super(Right.now() + SHIFT); }
  static now() { return Right.now() + SHIFT; }
};
"""

early = pytest.mark.needs(Ability.EARLY)


@pytest.fixture(scope="module")
def server(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that takes any lifetime."""
    assert built_page.is_dir()
    folder = tmp_path_factory.mktemp("careless")
    with running_server(folder, min_free_bytes=0, rate=0, min_ttl=1) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    """Who sends."""
    with Client(server.url) as sender:
        yield sender


def new_tab(browser: Browser, before: str = "") -> PlaywrightTab:
    """A tab of a new profile, in which a script runs ahead of those of any page."""
    tab = browser.new_tab()
    assert isinstance(tab, PlaywrightTab)
    if before:
        tab.profile.context.add_init_script(before)
    return tab


# --- clocks ------------------------------------------------------------------------------------


@early
@pytest.mark.parametrize("shift_ms", [HOUR_MS, -HOUR_MS], ids=["fast", "slow"])
def test_wrong_clock_waits_as_long_as_the_right_one(
    browser: Browser, client: Client, shift_ms: int
) -> None:
    """A fast clock asked forty times a second; a slow one let people wait for an hour."""
    opens_at = datetime.now(UTC) + timedelta(seconds=8)
    link = client.send("later", Terms(opens_at=opens_at)).links[0].link
    tab = new_tab(browser, WRONG_CLOCK.replace("SHIFT", str(shift_ms)))
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))

    tab.open(link)

    tab.wait_text(re.compile("In [1-8] seconds?"))
    assert len([url for url in asked if "/api/" in url]) == 1
    tab.find("heading", "Something was sent to you")
