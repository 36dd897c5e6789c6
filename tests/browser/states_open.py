"""The states of a link's page that lead to what was sent, and of what came."""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING

from tests.browser import files, steps
from tests.browser.drivers.with_playwright import PlaywrightTab
from tests.browser.stage import (
    FAILED_REQUEST,
    NO_OPENER_POLICY,
    NO_PRIVATE_FILES,
    PLAIN,
    Stage,
    States,
    change_answer,
    over_plain_http,
)

if TYPE_CHECKING:
    from playwright.sync_api import Route

PART = 8 << 20
PASSWORD = "under the maps"
LETTER = """\
Dear Ana,

the door code is 4471. The alarm wants the same number again, and then “OK”.
The manual of the boiler is in the second drawer, under the maps.

See you in May,
Jo
"""
DRAWING = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">
  <script>alert("never")</script>
  <circle cx="20" cy="20" r="18" fill="teal"/>
</svg>
"""

OPENING = States("open")
CONTENTS = States("contents")
VIEWING = States("view")


def picture(width: int = 480, height: int = 320) -> bytes:
    """A BMP, the kind that is written by hand: dusk over hills. Its rows go from the bottom up."""
    edges = [height * (0.38 + 0.1 * math.sin(x / 70)) for x in range(width)]
    rows = bytearray()
    for y in range(height):
        sky = bytes((160 - 40 * y // height, 100 + 90 * y // height, 120 + 120 * y // height))
        hill = bytes((86, 55 + 40 * y // height, 13))
        rows += b"".join(sky if y > edge else hill for edge in edges)
    assert 3 * width % 4 == 0  # else every row would need padding
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54) + head + rows


# --- before it is open ---------------------------------------------------------------------------


@OPENING.state()
def looking(stage: Stage) -> PlaywrightTab:
    """The server hasn't answered yet."""
    tab = stage.tab()
    stage.hold(tab, "GET", "**/api/v1/links/*")
    tab.open(stage.link_to(note=LETTER))
    tab.find("heading", "Looking at the link")
    return tab


@OPENING.state()
def ready(stage: Stage) -> PlaywrightTab:
    """A link that opens once, to something large."""
    return stage.opener(stage.link_to(stage.file("film.mov", bytes(3 * PART))))


@OPENING.state(says=NO_OPENER_POLICY)
def ready_plain_http(stage: Stage) -> PlaywrightTab:
    """Over plain HTTP from another machine, where the server wants its page used like that."""
    tab = stage.tab()
    over_plain_http(stage, tab, is_wanted=True)
    link = stage.link_to(note=LETTER)
    return stage.at_opener(tab, link.replace(stage.url, PLAIN))


@OPENING.state()
def ready_again(stage: Stage) -> PlaywrightTab:
    """A link that opens several times, for a day, to something small."""
    return stage.opener(stage.link_to(note=LETTER, opens=5, expires_s=86_400))


@OPENING.state()
def ready_password(stage: Stage) -> PlaywrightTab:
    """A link with a password."""
    return stage.opener(stage.link_to(note=LETTER, password=PASSWORD))


@OPENING.state()
def missing_password(stage: Stage) -> PlaywrightTab:
    """Asked to open without one."""
    tab = ready_password(stage)
    tab.find("button", "Open").click()
    tab.find("alert")
    return tab


@OPENING.state(says=FAILED_REQUEST)
def wrong_password(stage: Stage) -> PlaywrightTab:
    """Another than the sender's, after some more."""
    link = stage.link_to(note=LETTER, password=PASSWORD)
    stage.guess(link, 4)
    tab = stage.opener(link)
    tab.field("Password").fill("behind the maps")
    tab.find("button", "Open").click()
    tab.wait_text("5 more tries")
    return tab


@OPENING.state()
def under_way(stage: Stage) -> PlaywrightTab:
    """A third of it is here."""
    tab = ready(stage)
    _stop_after(stage, tab, PART + 1000)
    tab.find("button", "Open").click()
    tab.wait_text(re.compile("[0-9] [kM]B of"))
    return tab


@OPENING.state()
def stopped(stage: Stage) -> PlaywrightTab:
    """Asked to stop in the middle."""
    tab = under_way(stage)
    tab.find("button", "Stop").click()
    tab.wait_text("Stopped")
    return tab


@OPENING.state()
def begun(stage: Stage) -> PlaywrightTab:
    """Come back to an opening that was left in the middle."""
    tab = stopped(stage)
    tab.reload()
    tab.wait_text("You have begun")
    return tab


@OPENING.state()
def busy(stage: Stage) -> PlaywrightTab:
    """Another tab of this browser is at it."""
    tab = under_way(stage)
    other = tab.another()
    assert isinstance(other, PlaywrightTab)
    other.page.emulate_media(reduced_motion="reduce")
    other.open(tab.url())
    other.find("button", "Open").click()
    other.wait_text("Another tab")
    return other


@OPENING.state()
def no_room(stage: Stage) -> PlaywrightTab:
    """The browser gives less room than it takes."""
    full = "StorageManager.prototype.estimate = async () => ({ quota: 9e6, usage: 8e6 });"
    link = stage.link_to(stage.file("film.mov", bytes(3 * PART)))
    tab = stage.opener(link, f"if (globalThis.StorageManager) {full}")
    tab.find("button", "Open").click()
    tab.wait_text("free space")
    return tab


@OPENING.state()
def too_large(stage: Stage) -> PlaywrightTab:
    """More than fits into memory, in a browser without private files."""
    tab = stage.tab(NO_PRIVATE_FILES)
    change_answer(tab, "**/api/v1/links/*", lambda view: view | {"bytes": 300 << 20})
    stage.at_opener(tab, stage.link_to(note=LETTER))
    tab.find("button", "Open").click()
    tab.wait_text("too large for this browser")
    return tab


def _stop_after(stage: Stage, tab: PlaywrightTab, size: int) -> None:
    """Break the content off after so many bytes, and then answer no more."""
    stage.hold(tab, "GET", "**/content", after=1)

    def break_off(route: Route) -> None:
        asked = route.request.headers
        answer = route.fetch(headers=asked | {"range": f"bytes=0-{size - 1}"})
        total = answer.headers["content-range"].partition("/")[2]
        promised = {
            "content-range": f"bytes 0-{int(total) - 1}/{total}",
            "content-length": total,
        }
        route.fulfill(response=answer, headers=answer.headers | promised)

    tab.profile.context.route("**/content", break_off, times=1)


# --- what came -----------------------------------------------------------------------------------


@CONTENTS.state()
def several(stage: Stage) -> PlaywrightTab:
    """A note and files of several kinds, in folders, one with a long name."""
    return stage.opened(
        stage.link_to(
            stage.file("Rosenthaler Strasse, second version with all appendices.pdf", files.pdf(2)),
            stage.file("dusk.bmp", picture()),
            stage.file("backup.tar.xz", bytes(range(256)) * 90),
            stage.file("letter.txt", LETTER),
            note=LETTER,
        )
    )


@CONTENTS.state()
def note_alone(stage: Stage) -> PlaywrightTab:
    """A secret text."""
    return stage.opened(stage.link_to(note="correct horse battery staple"))


@CONTENTS.state()
def one_file(stage: Stage) -> PlaywrightTab:
    """One file that can only be saved."""
    return stage.opened(stage.link_to(stage.file("backup.tar.xz", bytes(range(256)) * 90)))


@CONTENTS.state()
def view_only(stage: Stage) -> PlaywrightTab:
    """For looking only, and one of the files can't be shown."""
    return stage.opened(
        stage.link_to(
            stage.file("letter.txt", LETTER),
            stage.file("backup.tar.xz", bytes(range(256)) * 90),
            note="Please keep this to yourself.",
            view_only=True,
        )
    )


@CONTENTS.state()
def in_memory(stage: Stage) -> PlaywrightTab:
    """In a browser without private files: gone with the page unless it is saved."""
    link = stage.link_to(stage.file("letter.txt", LETTER), stage.file("dusk.bmp", picture()))
    return stage.opened(link, NO_PRIVATE_FILES)


@CONTENTS.state()
def saved(stage: Stage) -> PlaywrightTab:
    """A file was given to the browser to save."""
    tab = several(stage)
    tab.page.get_by_role("button", name="Save", exact=True).first.click()
    tab.wait_text("Your browser is saving it")
    return tab


@CONTENTS.state()
def waiting(stage: Stage) -> PlaywrightTab:
    """To be wiped as soon as the browser has saved what it was given."""
    tab = several(stage)
    tab.page.clock.install()  # so that the moment lasts
    tab.page.get_by_role("button", name="Save", exact=True).first.click()
    tab.find("button", "Done").click()
    tab.find("button", "Wipe now")
    return tab


@CONTENTS.state()
def packing(stage: Stage) -> PlaywrightTab:
    """An archive is being made of all files."""
    tab = several(stage)
    stage.hold(tab, "GET", "**/assets/worker-*")
    tab.find("button", "Save all as ZIP").click()
    tab.find("button", "Packing…")
    return tab


@CONTENTS.state(says=FAILED_REQUEST)
def untold(stage: Stage) -> PlaywrightTab:
    """The sender took the link back meanwhile, so nobody can be told that it arrived."""
    sent = stage.send(stage.file("letter.txt", LETTER))
    tab = stage.opened(sent.links[0].link, NO_PRIVATE_FILES)
    stage.client.revoke(sent)
    tab.find("button", "Save").click()
    tab.wait_text("be told that you opened it")
    return tab


@CONTENTS.state()
def hostile(stage: Stage) -> PlaywrightTab:
    """Names and words that would be something else if they could."""
    return stage.opened(
        stage.link_to(
            stage.file("<img src=x onerror=alert(1)>.txt", "x"),
            stage.file("a" * 200 + ".bin", bytes(range(256))),
            note=f"{files.OVERRIDES}\n<b>bold</b> {'w' * 300}",
        )
    )


@CONTENTS.state()
def done(stage: Stage) -> PlaywrightTab:
    """Nothing of it is left."""
    tab = note_alone(stage)
    tab.find("button", "Done").click()
    tab.find("heading", "Done")
    return tab


@CONTENTS.state()
def lapsed(stage: Stage) -> PlaywrightTab:
    """Left open for longer than it may stay on a device."""
    tab = stage.tab()
    tab.page.clock.install()
    stage.at_opener(tab, stage.link_to(stage.file("letter.txt", LETTER)))
    tab.find("button", "Open").click()
    tab.find("heading", "Here it is")
    tab.page.clock.fast_forward("25:00:00")
    tab.find("heading", "Its time here is over")
    return tab


# --- the viewer ----------------------------------------------------------------------------------


def _viewed(stage: Stage, name: str, content: bytes | str) -> PlaywrightTab:
    tab = stage.opened(stage.link_to(stage.file(name, content)))
    steps.view(tab, name)
    return tab


@VIEWING.state()
def text(stage: Stage) -> PlaywrightTab:
    """A letter."""
    return _viewed(stage, "letter.txt", LETTER)


@VIEWING.state()
def source(stage: Stage) -> PlaywrightTab:
    """A drawing with a script in it, shown as it is written."""
    return _viewed(stage, "drawing.svg", DRAWING)


@VIEWING.state()
def image(stage: Stage) -> PlaywrightTab:
    """A picture."""
    return _viewed(stage, "dusk over the hills behind the house, seen from the gate.bmp", picture())


@VIEWING.state()
def large_image(stage: Stage) -> PlaywrightTab:
    """A picture larger than the window, which can be seen at its own size."""
    return _viewed(stage, "dusk.bmp", picture(1000, 1250))


@VIEWING.state()
def audio(stage: Stage) -> PlaywrightTab:
    """Sound."""
    return _viewed(stage, "message.wav", files.sound())


@VIEWING.state()
def video(stage: Stage) -> PlaywrightTab:
    """A film."""
    return _viewed(stage, "drift.webm", files.WEBM)


@VIEWING.state()
def pdf(stage: Stage) -> PlaywrightTab:
    """A document of several pages."""
    tab = _viewed(stage, "letter.pdf", files.pdf(3))
    tab.until(lambda: tab.script("return document.querySelector('canvas')", in_frame=True), "page")
    return tab


@VIEWING.state()
def failure(stage: Stage) -> PlaywrightTab:
    """A picture that is damaged."""
    tab = _viewed(stage, "dusk.jpg", files.shuffled(b"\xff\xd8\xff" + bytes(5000), 3))
    tab.find("alert")
    return tab
