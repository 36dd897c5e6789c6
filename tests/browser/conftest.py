"""Three real browsers, and a server with the page of these sources."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

from otv_client import Client
from tests.browser.drivers import with_playwright, with_webkit
from tests.browser.lines import Line
from tests.browser.middle import FILM_BYTES
from tests.programs import program
from tests.support import Api

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from tests.browser.drivers.tab import Ability, Browser, Proxy, Tab
    from tests.conftest import RunningServer

ABILITIES = {**with_playwright.ABILITIES, "webkit": with_webkit.ABILITIES}


def launch(engine: str, folder: Path, proxy: Proxy | None = None) -> Browser:
    """Start a browser that keeps what it writes in ``folder``."""
    if engine == "webkit":
        driver = program("WebKitWebDriver", "webkit2gtk-driver")
        return with_webkit.WebKitBrowser(driver, program("Xvfb", "xvfb"), folder, proxy)
    package = {"chromium": "chromium", "firefox": "firefox-esr"}[engine]
    return with_playwright.PlaywrightBrowser(engine, program(package, package), folder, proxy)


@dataclass
class Running:
    """The one browser that runs. Starting takes seconds, so it goes on from test to test."""

    browsers: list[Browser] = field(default_factory=list)

    def get(self, engine: str, factory: pytest.TempPathFactory) -> Browser:
        """The browser of this engine; any other is ended."""
        if not (self.browsers and self.browsers[0].engine == engine):
            self.end()
            self.browsers.append(launch(engine, factory.mktemp(engine)))
        return self.browsers[0]

    def end(self) -> None:
        """End what runs."""
        while self.browsers:
            self.browsers.pop().close()


running = Running()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of a browser runs in every engine whose driver can do what the test needs.

    ``@pytest.mark.needs(Ability.FOLDER)`` says that it needs something that not every driver can;
    ``@pytest.mark.lacks(Ability.PRIVATE_FILES)``, that it is about those that can't.
    """
    if "engine" not in metafunc.fixturenames:
        return
    needed, lacking = _abilities(metafunc, "needs"), _abilities(metafunc, "lacks")
    able = [
        engine
        for engine, abilities in ABILITIES.items()
        if needed <= abilities and not lacking & abilities
    ]
    metafunc.parametrize("engine", able, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of what is the page's own, and no engine's, each case runs in one engine, in turn.

    All processes of a run have to choose alike, so that the choice is made by the name.
    """
    if os.environ.get("OTV_TEST_ENGINES") == "all":
        return
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        engine = item.callspec.params.get("engine") if hasattr(item, "callspec") else None
        if engine is not None and item.get_closest_marker("in_turn"):
            cases.setdefault(item.nodeid.replace(engine, ""), []).append(item)
    left = [
        item
        for name, turns in cases.items()
        for number, item in enumerate(turns)
        if number != crc32(name.encode()) % len(turns)
    ]
    config.hook.pytest_deselected(items=left)
    unwanted = set(left)
    items[:] = [item for item in items if item not in unwanted]


def _abilities(metafunc: pytest.Metafunc, marker: str) -> set[Ability]:
    return {each for mark in metafunc.definition.iter_markers(marker) for each in mark.args}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """Leave no browser to tests of other folders: playwright holds this thread's event loop."""
    yield
    if nextitem is None or item.path.parent not in nextitem.path.parents:
        running.end()


@pytest.fixture
def browser(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser without any profile; those that the test begins end with it."""
    started = running.get(engine, tmp_path_factory)
    yield started
    started.end_profiles()


@pytest.fixture
def chromium(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[with_playwright.PlaywrightBrowser]:
    """Chromium alone, for what needs to be looked at in one browser only."""
    started = running.get("chromium", tmp_path_factory)
    assert isinstance(started, with_playwright.PlaywrightBrowser)
    yield started
    started.end_profiles()


@pytest.fixture
def tab(browser: Browser) -> Tab:
    """The first tab of a new profile."""
    return browser.new_tab()


@pytest.fixture
def client(page_server: RunningServer) -> Iterator[Client]:
    """The command line's library, at the other end of what the page sends or opens."""
    with Client(page_server.url) as other:
        yield other


@pytest.fixture
def api(page_server: RunningServer) -> Iterator[Api]:
    """Calls to the page's server."""
    calls = Api.of(page_server.url)
    yield calls
    calls.http.close()


@pytest.fixture
def line(page_server: RunningServer) -> Iterator[Line]:
    """A line to the page's server."""
    made = Line(page_server.url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of several parts."""
    path = tmp_path_factory.mktemp("film") / "film.bin"
    path.write_bytes(os.urandom(FILM_BYTES))
    return path
