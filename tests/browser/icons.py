"""The icons of the installed page, drawn by Chromium from ``web/public/favicon.svg``.

Run as ``python -m tests.browser.icons`` after that picture has changed; what it draws is committed,
so that a build takes no browser.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.browser.drivers.with_playwright import PlaywrightBrowser, PlaywrightTab
from tests.javascript import WEB
from tests.programs import program

PUBLIC = WEB / "public"
# By name: pixels, and whether the ground goes to the edges. Systems cut such icons to shapes of
# their own, and promise to leave a circle of four fifths.
ICONS: Final = {
    "icon-192.png": (192, False),
    "icon-512.png": (512, False),
    "icon-maskable-512.png": (512, True),
    "icon-apple-180.png": (180, True),
}
GROUND = re.compile(r'(<rect width="32" height="32") rx="8"')


def picture(*, to_the_edges: bool) -> str:
    """The drawing, its corners round or not; the eye's 22 units of 32 lie inside the circle."""
    drawn = (PUBLIC / "favicon.svg").read_text()
    return GROUND.sub(r"\1", drawn) if to_the_edges else drawn


def draw(tab: PlaywrightTab, path: Path, pixels: int, *, to_the_edges: bool) -> None:
    """One icon, its outside left transparent."""
    tab.resize(pixels, pixels)
    style = "<style>body { margin: 0 } svg { display: block }</style>"
    tab.page.set_content(style + picture(to_the_edges=to_the_edges))
    tab.page.screenshot(path=path, omit_background=True)


def main(folder: Path) -> None:
    """Draw them all."""
    with TemporaryDirectory() as home:
        browser = PlaywrightBrowser("chromium", program("chromium", "chromium"), Path(home))
        try:
            tab = browser.new_tab()
            assert isinstance(tab, PlaywrightTab)
            for name, (pixels, to_the_edges) in ICONS.items():
                draw(tab, folder / name, pixels, to_the_edges=to_the_edges)
        finally:
            browser.close()


if __name__ == "__main__":
    main(PUBLIC)
