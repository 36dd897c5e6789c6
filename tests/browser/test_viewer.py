"""The viewer: honest files are shown, hostile ones do nothing, damaged ones are said to be so.

Every file here goes the whole way: sent by the command-line client's library, opened and viewed
in the page.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from otv_client import Client
from tests.browser import files, steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.browser.drivers.tab import Element, Tab
    from tests.conftest import RunningServer

LARGE_TEXT_BYTES = 50_000_000
MANY_PAGES = 500
CANVAS_PIXELS = 4096 * 4096  # of one canvas, at most
HELD_CANVASES = 6  # a screen, what is within one of it, and a page that is being drawn


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What reached a server that nothing should reach, behind its own address."""
    asked: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked.append(f"http://127.0.0.1:{server.server_address[1]}")
    yield asked
    server.shutdown()
    server.server_close()


class Viewing:
    """A page on which a share was opened, with its files to view."""

    def __init__(self, tab: Tab, server: RunningServer, folder: Path) -> None:
        self.tab = tab
        self.server = server
        self.folder = folder

    def open(self, contents: Mapping[str, bytes]) -> None:
        """Send these files, and open what came."""
        for name, content in contents.items():
            (self.folder / name).write_bytes(content)
        with Client(self.server.url) as client:
            sent = client.send([self.folder / name for name in contents])
        self.tab.open(sent.links[0].link)
        self.tab.find("button", "Open").click()
        self.tab.find("list", "Files")

    def view(self, name: str) -> Element:
        """Press "View" beside a file, and wait until it is shown, or said not to be."""
        steps.view(self.tab, name)
        return self.tab.find("dialog", name)

    def close(self) -> None:
        """Press "Close"."""
        self.tab.find("button", "Close").click()
        self.tab.wait_gone("dialog")

    def inside(self, script: str) -> Any:
        """What a script in the viewer's document returns."""
        return self.tab.script(f"return {script}", in_frame=True)

    def wait_inside(self, script: str) -> None:
        """Wait until this is true in the viewer's document."""
        self.tab.until(lambda: self.inside(script), script)


@pytest.fixture
def viewing(tab: Tab, page_server: RunningServer, tmp_path: Path) -> Viewing:
    """A page to view files on."""
    return Viewing(tab, page_server, tmp_path)


def test_honest_files_are_shown(viewing: Viewing) -> None:
    """Else people would get a blank frame, or a file that they can only save."""
    shown = {
        "note.txt": ("Grüße\n\tan alle\n".encode(), "document.body.innerText.includes('Grüße')"),
        "data.json": (b'{"a": 1}', "document.body.innerText.includes('\"a\": 1')"),
        "picture.png": (files.png(40, 30), "document.images[0].naturalWidth === 40"),
        "sound.wav": (files.sound(), "document.querySelector('audio').duration === 0.5"),
        "film.webm": (files.WEBM, "document.querySelector('video').videoWidth === 32"),
        "paper.pdf": (
            files.pdf(3),
            "document.querySelector('[aria-label=\"Page 1 of 3\"] canvas')",
        ),
    }
    viewing.open({name: content for name, (content, _) in shown.items()})

    for name, (_, is_shown) in shown.items():
        viewing.view(name)
        viewing.wait_inside(f"!!({is_shown})")
        viewing.close()

    assert viewing.tab.complaints() == []


def test_hostile_files_do_nothing(viewing: Viewing, heard: list[str]) -> None:
    """Else whoever sends a file could run what they like, or learn who opens it, and when."""
    canary = heard[0]
    hostile = {
        "page.html": files.html(canary),
        "drawing.svg": files.svg(canary),
        "both.gif": files.gif_that_is_html(canary),
        "feed.xml": files.svg(canary),
        "script.js": f"top.name = 'pwned'; fetch('{canary}/js')".encode(),
        "script.pdf": files.pdf_with_script(canary),
        "unnamed": files.html(canary),
    }
    viewing.open(hostile)
    before = viewing.tab.script("return [document.title, location.pathname, history.length]")

    for name in hostile:
        dialog = viewing.view(name)
        assert not viewing.tab.every("alert", within=dialog), name
        assert viewing.inside("document.title") == "Preview"
        assert viewing.inside("location.pathname") == "/viewer.html"
        assert viewing.inside("window.origin") == "null"
        assert (
            viewing.inside("document.querySelectorAll('a, form, iframe, link, style').length") == 0
        )
        viewing.close()

    after = viewing.tab.script("return [document.title, location.pathname, history.length]")
    assert after[:2] == before[:2]
    assert viewing.tab.script("return window.name") == ""
    assert heard == [canary]
    assert viewing.tab.complaints() == []


@pytest.mark.section9("SVG, HTML and XML are never rendered as documents")
def test_what_a_browser_would_render_is_said_to_be_source(viewing: Viewing) -> None:
    """Else people would take a page's code for a mistake of ours."""
    viewing.open({"page.html": b"<h1>Title</h1>"})

    viewing.view("page.html")

    viewing.wait_inside("document.body.innerText.includes('Shown as source')")
    assert "<h1>Title</h1>" in viewing.inside("document.body.textContent")


def test_a_link_in_a_pdf_leads_nowhere(viewing: Viewing, heard: list[str]) -> None:
    """Else a press on a page could tell elsewhere that it was read."""
    viewing.open({"paper.pdf": files.pdf(1)})
    viewing.view("paper.pdf")
    viewing.wait_inside("!!document.querySelector('canvas')")

    viewing.inside("document.elementFromPoint(innerWidth / 2, innerHeight / 2).click()")

    assert viewing.inside("location.pathname") == "/viewer.html"
    assert viewing.inside("document.querySelectorAll('[href]').length") == 0
    assert heard == heard[:1]


def test_directions_and_controls_are_made_visible(viewing: Viewing) -> None:
    """Else a text could read as another than it is."""
    viewing.open({"turned.txt": files.OVERRIDES.encode()})

    viewing.view("turned.txt")

    viewing.wait_inside("document.body.innerText.includes('invoice')")
    text = viewing.inside("document.body.textContent")
    assert text.strip() == (
        r"invoice\u202efdp.exe\u202c \u2067right\u2069 \u200f\u200e\u061c \u001b[31m\u0007\u0000"
    )


def test_damaged_files_are_said_to_be(viewing: Viewing) -> None:
    """Else people would wait before an empty frame."""
    damaged = {
        "picture.png": files.shuffled(files.png(40, 30), 16),
        "film.mp4": files.damaged_film(),
        "sound.wav": files.shuffled(files.sound(), 12),
        "paper.pdf": files.shuffled(files.pdf(1), 9),
        "locked.pdf": files.locked_pdf(),
        "huge.png": files.png(60_000, 60_000),
    }
    viewing.open(damaged)

    for name in damaged:
        dialog = viewing.view(name)
        alert = viewing.tab.find("alert", within=dialog).text()
        assert ("password" in alert) == (name == "locked.pdf"), f"{name}: {alert}"
        viewing.close()


def test_a_large_text_is_cut_and_says_so(viewing: Viewing) -> None:
    """Else a log file would freeze the page."""
    viewing.open({"large.log": b"a line of a log, and another\n" * (LARGE_TEXT_BYTES // 29)})

    viewing.view("large.log")

    viewing.wait_inside("document.body.innerText.includes('Only the beginning')")
    assert viewing.inside("document.body.textContent.length") < 2_100_000


def test_many_pages_hold_little_memory(viewing: Viewing) -> None:
    """Else a long document would take a phone's browser down."""
    viewing.open({"long.pdf": files.pdf(MANY_PAGES)})
    viewing.view("long.pdf")
    viewing.wait_inside("!!document.querySelector('canvas')")
    canvases = "[...document.querySelectorAll('canvas')]"

    for page in (250, 251, MANY_PAGES):
        label = f"[aria-label='Page {page} of {MANY_PAGES}']"
        viewing.inside(
            f"void document.querySelector({label!r}.replaceAll('\\'', '\"')).scrollIntoView()"
        )
        viewing.wait_inside(f"!!document.querySelector(`{label} canvas`)")
        held = viewing.inside(f"{canvases}.map((each) => each.width * each.height)")
        assert len(held) <= HELD_CANVASES
        assert max(held) <= CANVAS_PIXELS

    viewing.wait_inside(f"document.body.innerText.includes('Page {MANY_PAGES} of {MANY_PAGES}')")
    assert viewing.inside("document.querySelectorAll('.page').length") == MANY_PAGES


def test_a_pdf_by_keyboard(viewing: Viewing) -> None:
    """Else whoever uses no mouse could read the first page alone."""
    viewing.open({"paper.pdf": files.pdf(12)})
    viewing.view("paper.pdf")
    width = "document.querySelector('.page').getBoundingClientRect().width"
    viewing.wait_inside("!!document.querySelector('canvas')")
    fitted = viewing.inside(width)

    viewing.tab.press("Tab")
    viewing.wait_inside("document.hasFocus()")
    viewing.tab.press("-")
    viewing.wait_inside(f"{width} < {fitted} - 1")
    viewing.tab.press("0")
    viewing.wait_inside(f"Math.abs({width} - {fitted}) < 1")
    viewing.tab.press("End")
    viewing.wait_inside("document.querySelector('output').textContent === 'Page 12 of 12'")
    viewing.tab.press("Home")
    viewing.wait_inside("document.querySelector('output').textContent === 'Page 1 of 12'")


def test_escape_closes_from_inside_and_gives_the_focus_back(viewing: Viewing) -> None:
    """Else the keyboard would be caught in the frame, or lost on the page."""
    viewing.open({"note.txt": b"words"})
    viewing.view("note.txt")
    viewing.wait_inside("document.body.innerText.includes('words')")

    viewing.tab.press("Tab")
    viewing.wait_inside("document.hasFocus()")
    viewing.tab.press("Escape")

    viewing.tab.wait_gone("dialog")
    assert viewing.tab.script("return document.activeElement.textContent") == "View"


def test_other_windows_are_not_heard(viewing: Viewing) -> None:
    """Else any page that holds a window of ours could show, or close, what it likes."""
    viewing.open({"note.txt": b"words"})
    viewing.view("note.txt")
    viewing.wait_inside("document.body.innerText.includes('words')")

    # To the viewer, from its own window; to the page, from its own.
    viewing.tab.script(
        "postMessage({ type: 'show', kind: 'text', mime: 'text/plain', name: 'x', "
        "file: new Blob(['other']), words: {} }, '*')",
        in_frame=True,
    )
    viewing.tab.script("postMessage({ type: 'leave' }, '*')")
    viewing.tab.script("postMessage({ type: 'failed', code: 'broken' }, '*')")
    viewing.tab.pause()

    assert viewing.tab.every("dialog")
    assert not viewing.tab.every("alert")
    assert viewing.inside("document.body.textContent").strip() == "words"


def test_the_viewer_cannot_call_home(viewing: Viewing, heard: list[str]) -> None:
    """Else a file that takes the viewer over could hand on what it shows."""
    viewing.open({"note.txt": b"words"})
    viewing.view("note.txt")
    viewing.wait_inside("document.body.innerText.includes('words')")
    canary = heard[0]

    viewing.tab.script(
        f"fetch('{canary}/fetch').catch(() => 0); fetch('/api/v1/info').catch(() => 0);"
        f"new Image().src = '{canary}/image';"
        f"const frame = document.createElement('iframe'); frame.src = '{canary}/frame';"
        "document.body.append(frame);"
        f"navigator.sendBeacon('{canary}/beacon');"
        f"try {{ open('{canary}/window') }} catch {{}}",
        in_frame=True,
    )
    viewing.tab.until(lambda: True, "a turn")
    viewing.tab.pause()

    assert heard == [canary]
    assert (
        viewing.inside("(() => { try { return localStorage.length } catch { return 'none' } })()")
        == "none"
    )
    assert (
        viewing.inside("(() => { try { return parent.document.title } catch { return 'none' } })()")
        == "none"
    )
