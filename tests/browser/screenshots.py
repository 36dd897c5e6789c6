"""A picture of every state of the page, in both colour schemes and every width.

Run as ``python -m tests.browser.screenshots FOLDER [PART-OF-A-NAME…]``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser.drivers.with_playwright import PlaywrightBrowser
from tests.browser.stage import Stage, State, stage_server
from tests.browser.states import SCHEMES, STATES, WIDTHS_PX
from tests.javascript import build_page
from tests.programs import program

HEIGHT_PX = 800
# What lies below the window is painted late at times, so the window grows over all of the page; but
# not around the viewer, which fills whatever window there is.
NEEDED_PX = """return document.querySelector("dialog[open]")
  ? 0 : document.documentElement.scrollHeight"""


def take(stage: Stage, state: State, folder: Path) -> None:
    """``NAME.SCHEME.WIDTH.png`` of one state."""
    tab = state.bring(stage)
    for scheme in SCHEMES:
        tab.page.emulate_media(color_scheme=scheme)
        for width in WIDTHS_PX:
            tab.resize(width, HEIGHT_PX)
            tab.resize(width, max(HEIGHT_PX, tab.script(NEEDED_PX)))
            tab.screenshot(folder / f"{state.name}.{scheme}.{width}.png")
    stage.clear()


def main(folder: Path, parts: list[str]) -> None:
    """Take the pictures of the states whose name holds one of the parts, or of all."""
    build_page()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as made, stage_server(Path(made)) as url:
        browser = PlaywrightBrowser("chromium", program("chromium", "chromium"), Path(made))
        try:
            stage = Stage(browser, url, Path(made))
            for state in STATES:
                if not parts or any(part in state.name for part in parts):
                    take(stage, state, folder)
            stage.close()
        finally:
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
