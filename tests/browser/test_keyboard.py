"""The whole way by keyboard alone: what is sent, what comes of it, and back out of the viewer.

Choosing files is left out: no driver can press keys in the system's own window for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from otv_client import Client, Terms
from tests.browser.drivers.tab import PATIENCE_S, Ability

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.drivers.tab import Tab
    from tests.conftest import RunningServer

ARGON2_S = 60.0  # a second or two, on a machine that is busy
STOPS = 60  # of the Tab key; a date alone is seven
PASSWORD = "under the maps"

# The element that has the focus: its name, whether it can be seen, and whether a ring is around it.
# A file input lies unseen on its label, which is drawn for it.
FOCUSED = """
const at = document.activeElement;
if (!at || at === document.body) return null;
const seen = at.type === "file" ? at.parentElement : at;
const { outlineStyle, outlineWidth } = getComputedStyle(seen);
const { top, bottom, width } = seen.getBoundingClientRect();
return {
  name: at.getAttribute("aria-label") ?? (at.labels?.[0] ?? at).innerText ?? at.title,
  tag: at.localName,
  isSeen: width > 0 && bottom > 0 && top < innerHeight,
  isRinged: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
};
"""


@dataclass
class Keyboard:
    """Keys pressed in a tab, one after the other.

    Attributes:
        stops: the names of what had the focus after each Tab.
    """

    tab: Tab
    stops: list[str] = field(default_factory=list)

    def focused(self) -> Any:
        """What ``FOCUSED`` says, or None where nothing has the focus."""
        return self.tab.script(FOCUSED)

    def wait_focused(self, name: str, *, patience_s: float = PATIENCE_S) -> None:
        """Wait until the focus is on what has this name, without a key being pressed."""

        def is_there() -> bool:
            at = self.focused()
            return at is not None and at["name"].strip() == name

        self.tab.until(is_there, f"focus on {name!r}", patience_s=patience_s)

    def go(self, name: str) -> None:
        """Press Tab until the focus is there; on its way it is always to be seen."""
        for _ in range(STOPS):
            if self._go_on() == name:
                return
        raise AssertionError(f"no {name!r} on the way: {self.stops[-STOPS:]}")

    def leave(self) -> None:
        """Press Tab until the focus is out of the page, in the browser's own bars."""
        for _ in range(STOPS):
            if self._go_on() is None:
                return
        raise AssertionError(f"the focus goes round: {self.stops[-STOPS:]}")

    def _go_on(self) -> str | None:
        self.tab.press("Tab")
        at = self.focused()
        if at is None:
            return None
        assert at["isSeen"], f"the focus is on {at}, out of sight"
        assert at["isRinged"], f"the focus is on {at}, and nothing shows it"
        self.stops.append(at["name"].strip())
        return self.stops[-1]

    def write(self, text: str) -> None:
        """Press a key for each character."""
        for char in text:
            self.tab.press("Space" if char == " " else char)


@pytest.fixture
def keyboard(tab: Tab) -> Keyboard:
    """Keys for the tab of the test."""
    return Keyboard(tab)


pytestmark = pytest.mark.needs(Ability.KEYS)


def test_sends(keyboard: Keyboard, tab: Tab, page_server: RunningServer) -> None:
    """Else whoever can't use a mouse could send nothing, or not see what became of it."""
    tab.open(page_server.url)
    tab.until(lambda: tab.field("Expires after").value(), "expiry to choose")
    keyboard.wait_focused("Send something that opens once")
    before = tab.field("Expires after").value()

    keyboard.go("Secret text")
    keyboard.write("door code 4471")
    keyboard.go("Expires after")
    tab.press("ArrowDown")
    keyboard.go("Password")
    keyboard.write(PASSWORD)
    keyboard.go("Openings")
    tab.press("ArrowUp")
    keyboard.go("View only")
    tab.press("Space")
    assert tab.field("Expires after").value() != before
    assert tab.field("Password").value() == PASSWORD
    assert tab.field("Openings").value() == "2"
    keyboard.go("Create link")
    tab.press("Enter")

    keyboard.wait_focused("Your link is ready", patience_s=ARGON2_S)
    keyboard.go("Link")
    keyboard.go("Copy link")
    keyboard.go("Show QR code")
    tab.press("Enter")
    tab.find("img", "QR code of the link")
    keyboard.go("Revoke")
    tab.press("Space")
    tab.wait_text("Revoked.")
    tab.until(
        lambda: "Revoked." in (keyboard.focused() or {"name": ""})["name"],
        "focus on what became of it",
    )
    keyboard.go("Send something else")
    tab.press("Enter")
    keyboard.wait_focused("Send something that opens once")


def test_opens(keyboard: Keyboard, tab: Tab, page_server: RunningServer, tmp_path: Path) -> None:
    """Else whoever can't use a mouse could open nothing, or not get out of the viewer again."""
    (tmp_path / "letter.txt").write_text("Dear Ana")
    link = _link_to(page_server.url, tmp_path / "letter.txt")
    tab.open(link)
    keyboard.wait_focused("Something was sent to you")

    keyboard.go("Password")
    keyboard.write("wrong")
    tab.press("Enter")
    tab.find("alert", patience_s=ARGON2_S)
    keyboard.wait_focused("Password")
    tab.press("Control+a")
    keyboard.write(PASSWORD)
    tab.press("Enter")

    keyboard.wait_focused("Here it is", patience_s=ARGON2_S)
    keyboard.go("View")
    for way_out in ("button", "frame"):
        tab.press("Enter")
        tab.find("dialog", "letter.txt")
        tab.until(lambda: "Getting the preview ready" not in tab.text(), "preview")
        if way_out == "frame":
            tab.until(lambda: _is_in_frame(keyboard), "focus in the frame")
        tab.press("Escape")
        tab.wait_gone("dialog", "letter.txt")
        keyboard.wait_focused("View")
    keyboard.go("Done")
    tab.press("Enter")
    keyboard.wait_focused("Done")


def _link_to(url: str, what: Path | str) -> str:
    with Client(url) as client:
        return client.send(what, Terms(password=PASSWORD)).links[0].link


def _is_in_frame(keyboard: Keyboard) -> bool:
    """Press Tab once, and look whether the focus went into the viewer."""
    keyboard.tab.press("Tab")
    at = keyboard.focused()
    return at is not None and at["tag"] == "iframe"


@pytest.mark.parametrize(
    ("first", "last"),
    [("Send something that opens once", "Create link"), ("Something was sent to you", "Open")],
    ids=["sending", "opening"],
)
def test_no_step_holds_the_focus(
    keyboard: Keyboard, tab: Tab, first: str, last: str, page_server: RunningServer
) -> None:
    """Else the focus would go round in a part of the page, and never come out of it."""
    tab.open(page_server.url if last == "Create link" else _link_to(page_server.url, "x"))
    keyboard.wait_focused(first)

    keyboard.leave()

    assert keyboard.stops[-1] == last
