"""Every state of the page can be read and used by everybody, on every screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser.judging import beyond, violations
from tests.browser.stage import Stage, State, stage_server
from tests.browser.states import STATES, WIDTHS_PX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.drivers.with_playwright import PlaywrightBrowser

HEIGHT_PX = 800
# axe-core takes half a second; colours don't depend on the width, so the two go together.
JUDGED: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 320), ("dark", 1280))


@pytest.fixture(scope="module")
def url(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on which a link can expire within a test."""
    assert built_page.is_dir()
    with stage_server(tmp_path_factory.mktemp("stage")) as address:
        yield address


@pytest.fixture
def stage(chromium: PlaywrightBrowser, url: str, tmp_path: Path) -> Iterator[Stage]:
    """What the states are made with."""
    made = Stage(chromium, url, tmp_path)
    yield made
    made.close()


def test_no_two_states_have_one_name() -> None:
    """Else a picture would hide another."""
    assert len({state.name for state in STATES}) == len(STATES)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_state(state: State, stage: Stage) -> None:
    """Else somebody who can't see, or has a small screen, would be lost right here."""
    tab = state.bring(stage)
    found = []
    for width in WIDTHS_PX:
        tab.resize(width, HEIGHT_PX)
        found += [f"beyond {width} px: {each}" for each in beyond(tab)]
    for scheme, width in JUDGED:
        tab.page.emulate_media(color_scheme=scheme)
        tab.resize(width, HEIGHT_PX)
        found += [f"{scheme}, {width} px: {each}" for each in violations(tab)]
    found += [f"console: {each}" for each in tab.complaints() if not _is_said(state, each)]

    assert not found, "\n".join(found)


def _is_said(state: State, complaint: str) -> bool:
    return state.says is not None and re.search(state.says, complaint) is not None
