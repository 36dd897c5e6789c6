"""Hostile senders and servers: what they make is shown as text or refused, and runs nowhere.

What the viewer does with hostile files stands in ``test_viewer.py``; what single readers refuse, in
the vectors. Here everything goes the whole way, through the page as it is served.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from itertools import repeat
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from tests.browser.drivers.with_playwright import PlaywrightTab
from tests.browser.forging import forge, forge_json
from tests.browser.wires import Answer, Liar, Recorder, Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from otv_client import Client
    from tests.browser.drivers.tab import Element, Tab
    from tests.browser.drivers.with_playwright import PlaywrightBrowser
    from tests.conftest import RunningServer
    from tests.support import Api

CANARY = "<img src=x onerror=\"top.canary='sung'\"><svg onload=top.canary='sung'>"
NOTE = (
    f"{CANARY}<script>top.canary='sung'</script>\n"
    "javascript:top.canary='sung' {{top.canary='sung'}} ${top.canary='sung'} &lt;b&gt;\n"
    "sunk\u202egnus \x1b[31mred\x00 \u2066"
)
NAMES = [
    "<img src=x onerror=top.canary='sung'>.txt",
    "<script>top.canary='sung'<",  # a folder of the next one, were there a slash
    "\" onmouseover=top.canary='sung' x=\".html",
    "__proto__",
    "constructor",
    "hasOwnProperty/toString",
    "%2e%2e%2fescaped.txt",
    "&#46;&#46;&#47;escaped.txt",
    "${top.canary='sung'}.js",
    "..hidden",
    "name with many          spaces.exe",
    "/".join(["x" * 200] * 4 + ["x" * 216 + ".txt"]),  # as long as a name may be
]
TYPES = ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "text/javascript"]
HTML = b"<!doctype html><script>top.canary='sung'</script><img src=x onerror=top.canary='sung'>"
PRIVATE_FILES = """
const found = {};
const top = await Promise.resolve(navigator.storage?.getDirectory?.()).catch(() => undefined);
const folder = await top?.getDirectoryHandle("otv");
for await (const name of folder?.keys() ?? []) {
  found[name] = (await (await folder.getFileHandle(name)).getFile()).size;
}
return found;
"""
PRESS = """
[...document.querySelectorAll("button")].find(({{ textContent }}) => textContent === {!r}).click();
"""
REFUSED = "What came is not what was sent"
NO_ANSWER = "No answer from the server"


@pytest.fixture(scope="module")
def liar(page_server: RunningServer) -> Iterator[Liar]:
    """The page's server, whose answers a test can change."""
    with Liar(int(page_server.url.rpartition(":")[2])) as server:
        yield server


@pytest.fixture(autouse=True)
def honest(liar: Liar) -> Iterator[None]:
    """No lie outlasts its test."""
    yield
    liar.lies.clear()
    liar.asked.clear()


def look(tab: Tab, link: str) -> Element:
    """Open a link's page; the button that spends it."""
    tab.open(link)
    return tab.find("button", "Open")


def wait_opened(tab: Tab) -> None:
    """Wait until what a link held is there."""
    tab.find("heading", "Here it is", patience_s=60)


def open_link(tab: Tab, link: str) -> None:
    """Open a link, and wait until what it held is there."""
    look(tab, link).click()
    wait_opened(tab)


def compose(tab: Tab, url: str, text: str) -> None:
    """Type a secret text on the sending page, once that knows what the server allows."""
    tab.open(url)
    tab.until(lambda: tab.field("Expires after").value(), "expiry to choose")
    tab.field("Secret text").fill(text)


def private_files(tab: Tab) -> dict[str, int]:
    """What lies in the private file system of the page's origin, with sizes in bytes."""
    found: dict[str, int] = tab.script(f"return (async () => {{ {PRIVATE_FILES} }})()")
    return found


def assert_nothing_ran(tab: Tab) -> None:
    """No script of a stranger's, and no element of one that could."""
    assert tab.script("return window.canary ?? top.canary ?? null") is None
    foreign = "main img, main script, main style, main link, main [onload], main [onerror]"
    assert tab.script(f"return document.querySelectorAll({foreign!r}).length") == 0


def assert_nothing_released(tab: Tab) -> None:
    """Nothing of it can be had, and nothing of it lies on the device."""
    assert tab.every("button", "Save") == []
    assert tab.every("button", "View") == []
    assert private_files(tab) == {}
    assert_nothing_ran(tab)
    assert tab.script("return new Promise((then) => setTimeout(() => then('awake')))") == "awake"


# --- hostile senders ---------------------------------------------------------------------------


@pytest.mark.section9("HTML in a name or a note stays text")
def test_names_and_notes_stay_text(tab: Tab, api: Api, page_server: RunningServer) -> None:
    """Else a sender would run a script in the recipient's page, with the recipient's files."""
    files = {name: b"content of " + name.encode() for name in NAMES}
    open_link(tab, forge(api, page_server.url, files, note=NOTE))

    shown = [row.text() for row in tab.every("listitem")]
    assert len(shown) == len(NAMES)
    for name, row in zip(NAMES, shown, strict=True):
        assert " ".join(name.split()) in " ".join(row.split())
    note = tab.find("region", "Note").text()
    assert CANARY in note
    for unseen in ("\\u202e", "\\u001b", "\\u0000", "\\u2066"):
        assert unseen in note
    assert not re.search("[\u202e\x1b\0\u2066]", note)
    assert_nothing_ran(tab)
    assert tab.complaints() == []


def test_archive_leads_nowhere_but_into_its_folder(
    tab: Tab, api: Api, page_server: RunningServer, tmp_path: Path
) -> None:
    """Else unpacking it would write where the sender likes ("zip slip")."""
    files = {name: b"content of " + name.encode() for name in NAMES}
    open_link(tab, forge(api, page_server.url, files))

    tab.find("button", "Save all as ZIP").click()

    with ZipFile(tab.downloaded("one-time-view.zip", patience_s=60)) as archive:
        assert {entry.filename for entry in archive.infolist()} == set(NAMES)
        assert all(archive.read(name) == files[name] for name in NAMES)
        archive.extractall(tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    assert_nothing_ran(tab)


def test_saved_names_have_no_folder(tab: Tab, api: Api, page_server: RunningServer) -> None:
    """Else a download would land elsewhere, or be something else than it is called."""
    files = {name: b"content of " + name.encode() for name in NAMES[:6]}
    open_link(tab, forge(api, page_server.url, files))

    for button in tab.every("button", "Save"):
        button.click()

    tab.until(lambda: len(tab.downloads()) == len(files), "six downloads")
    assert sorted(path.read_bytes() for path in tab.downloads()) == sorted(files.values())
    assert_nothing_ran(tab)


@pytest.mark.parametrize("type_", TYPES)
def test_nothing_is_handed_out_as_a_document(
    chromium: PlaywrightBrowser, api: Api, page_server: RunningServer, type_: str
) -> None:
    """Else "open in a new tab" would run the file on the page's own origin."""
    tab = chromium.new_tab()
    open_link(tab, forge(api, page_server.url, {"a": HTML, "b.html": HTML}, type_))
    tab.script(
        "globalThis.given = []; const create = URL.createObjectURL;"
        "URL.createObjectURL = (blob) => { given.push(blob.type); return create(blob); }"
    )

    for button in tab.every("button", "Save"):
        button.click()
    tab.find("button", "Save all as ZIP").click()
    tab.downloaded("one-time-view.zip")

    given = tab.script("return given")
    assert len(given) == 3
    assert set(given) <= {"application/octet-stream", "application/zip", ""}
    assert_nothing_ran(tab)


@pytest.mark.in_turn
@pytest.mark.parametrize(
    "name",
    [
        "invoice\u202efdp.exe",
        "../../.bashrc",
        "/etc/passwd",
        "C:\\Windows\\x",
        "nul.txt",
        "a\nb",
        "x" * 256,
    ],
)
def test_names_that_no_writer_makes_are_refused(
    tab: Tab, api: Api, page_server: RunningServer, name: str
) -> None:
    """Else a name would lie about what it is, or lead out of where it is saved."""
    link = forge(api, page_server.url, {"honest.txt": b"honest", name: b"hostile"})

    look(tab, link).click()

    tab.find("heading", REFUSED)
    assert_nothing_released(tab)


@pytest.mark.in_turn
@pytest.mark.parametrize(
    "json_",
    [
        b'{"v":1,"v":1,"note":"","view":false,"files":[],"blob":null}',
        b'{"v":1,"note":"","view":false,"files":[],"blob":null,"__proto__":{"view":true}}',
        b'{"v":1,"note":"x","view":1,"files":[],"blob":null}',
        b'{"v":1,"note":"x","view":false,"files":{"length":1},"blob":null}',
        b'{"v":1,"note":"x","view":false,"files":[],"blob":null,"x":'
        + b"[" * 60_000
        + b"]" * 60_000
        + b"}",
        b"<script>top.canary='sung'</script>",
    ],
    ids=["twice", "proto", "number", "length", "deep", "html"],
)
def test_descriptions_that_no_writer_makes_are_refused(
    tab: Tab, api: Api, page_server: RunningServer, json_: bytes
) -> None:
    """Else two readers would see two things in one share; or one would fail without a word."""
    look(tab, forge_json(api, page_server.url, json_)).click()

    tab.find("heading", REFUSED)
    assert_nothing_released(tab)


def test_one_file_too_many_is_refused(tab: Tab, api: Api, page_server: RunningServer) -> None:
    """Else a list of any length would stop the recipient's browser."""
    link = forge(api, page_server.url, {f"{number}": b"" for number in range(4097)})

    look(tab, link).click()

    tab.find("heading", REFUSED)
    assert_nothing_released(tab)


def test_as_many_files_as_there_may_be(tab: Tab, api: Api, page_server: RunningServer) -> None:
    """Else the largest share that may be sent could not be received."""
    files = {f"{number}.txt": b"%d" % number for number in range(4096)}
    open_link(tab, forge(api, page_server.url, files))
    # By the page itself: some drivers take minutes to find so many buttons by their names.
    rows = "return document.querySelectorAll('main li').length"
    assert tab.script(rows) == 200

    tab.script(PRESS.format("Save all as ZIP"))
    with ZipFile(tab.downloaded("one-time-view.zip", patience_s=120)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files

    if tab.engine != "webkit":  # which takes a minute to draw so many rows
        tab.script(PRESS.format("and 3,896 more files"))
        tab.until(lambda: tab.script(rows) == 4096, "rows")
    assert tab.complaints() == []


# --- hostile servers ---------------------------------------------------------------------------


def fields(**changed: Any) -> Callable[[Answer], Answer]:
    """The same JSON, with other fields."""

    def change(answer: Answer) -> Answer:
        return answer.saying(json.dumps(json.loads(answer.body) | changed).encode())

    return change


def always(answer: Answer) -> Callable[[Answer], Answer]:
    """Something else altogether."""
    return lambda _: answer


JSON_TYPE: Mapping[str, str] = {"content-type": "application/json"}
LIES: dict[str, Callable[[Answer], Answer]] = {
    "a page": always(Answer(headers={"content-type": "text/html"}, body=HTML)),
    "a page, called JSON": always(Answer(headers=JSON_TYPE, body=HTML)),
    "nine megabytes": lambda answer: answer.saying(answer.body + b" " * (9 << 20)),
    "nesting": fields(state=json.loads("[" * 500 + "]" * 500)),
    "nesting without end": always(Answer(headers=JSON_TYPE, body=b'{"state":' + b"[" * 4_000_000)),
    "a list": always(Answer(headers=JSON_TYPE, body=b"[]")),
    "nothing": always(Answer(204)),
    "a redirection": always(Answer(302, {"location": "/"})),
    "numbers as words": fields(bytes="5", opens_left="1"),
    "less than nothing": fields(bytes=-1),
    "a fraction": fields(bytes=0.5),
    "a time that is none": fields(expires_at="tomorrow"),
    "a day that is none": fields(expires_at="2026-02-31T00:00:00Z"),
    "a year that is none": fields(expires_at="9999-12-31T23:59:59Z"),
    "a state that is none": fields(state="free"),
    "a state that is a property": fields(state="constructor"),
    "a prototype": lambda answer: answer.saying(b'{"__proto__":' + answer.body + b"}"),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_looking_at_nonsense_says_so(tab: Tab, liar: Liar, client: Client, lie: Any) -> None:
    """Else a server could make the page hang, run what it says, or promise what isn't so."""
    link = liar.on(client.send("waiting").links[0].link)
    liar.lie("GET", r"/links/[\w-]+", lie)

    tab.open(link)

    tab.find("heading", NO_ANSWER, patience_s=30)
    tab.find("button", "Try again")
    assert_nothing_released(tab)


def test_server_that_only_fails_is_told_soon(tab: Tab, liar: Liar, client: Client) -> None:
    """A proxy answered, its server didn't, and people saw "Looking at the link" for minutes."""
    link = liar.on(client.send("waiting").links[0].link)
    liar.lie("GET", r"/links/[\w-]+", always(Answer(502, {"content-type": "text/html"}, HTML)))

    tab.open(link)

    tab.find("heading", NO_ANSWER, patience_s=25)
    liar.lies.clear()
    tab.find("button", "Try again").click()
    tab.find("button", "Open")


CLAIMS: dict[str, tuple[Callable[[Answer], Answer], str]] = {
    "a page": (always(Answer(headers=JSON_TYPE, body=HTML)), NO_ANSWER),
    "content where there is none": (fields(bytes=16_416, digests=["A" * 43]), REFUSED),
    "digests where there are none": (fields(digests=["A" * 43] * 100_000), REFUSED),
    "another manifest": (fields(manifest="A" * 5603), REFUSED),
    "no manifest": (fields(manifest=""), REFUSED),
    "a lease that is over": (fields(lease_until="2020-01-01T00:00:00Z"), NO_ANSWER),
    "a lease that is no time": (fields(lease_until=0), NO_ANSWER),
}


@pytest.mark.in_turn
@pytest.mark.parametrize(("lie", "heading"), CLAIMS.values(), ids=CLAIMS)
def test_claims_of_a_liar_release_nothing(
    tab: Tab, liar: Liar, client: Client, lie: Any, heading: str
) -> None:
    """Else a server could put something of its own in the place of what was sent."""
    link = liar.on(client.send(b"content", name="a.txt").links[0].link)
    liar.lie("POST", "/claim", lie)

    look(tab, link).click()

    tab.find("heading", heading, patience_s=30)
    assert_nothing_released(tab)


def test_other_bytes_release_nothing(tab: Tab, liar: Liar, client: Client) -> None:
    """Else a server could change what people receive."""
    link = liar.on(client.send(b"x" * 3_000_000, name="a.bin").links[0].link)
    liar.lie("GET", "/content", lambda answer: replace(answer, body=bytes(len(answer.body))))

    look(tab, link).click()

    tab.find("heading", REFUSED, patience_s=60)
    assert_nothing_released(tab)


def _longer(answer: Answer) -> Answer:
    length = str(len(answer.body) + 100)
    return replace(
        answer, body=answer.body + bytes(100), headers={**answer.headers, "content-length": length}
    )


def _endless(answer: Answer) -> Answer:
    headers = {name: text for name, text in answer.headers.items() if name != "content-length"}
    return replace(answer, headers=headers, pieces=repeat(bytes(1 << 16)))


STREAMS: dict[str, Callable[[Answer], Answer]] = {
    "longer": _longer,
    "without end": _endless,
    "encoded": lambda answer: replace(answer, headers={**answer.headers, "content-encoding": "br"}),
    "another range": lambda answer: replace(
        answer, status=206, headers={**answer.headers, "content-range": "bytes 5-9/10"}
    ),
    "a page": always(Answer(headers={"content-type": "text/html"}, body=HTML)),
    "a redirection": always(Answer(302, {"location": "/"})),
    "never": lambda answer: replace(answer, pieces=()),
}


@pytest.mark.in_turn
@pytest.mark.parametrize("lie", STREAMS.values(), ids=STREAMS)
def test_content_that_never_comes_right_can_be_stopped(
    tab: Tab, liar: Liar, client: Client, lie: Any
) -> None:
    """Else a server could keep a browser busy for ever, or fill its disk."""
    link = liar.on(client.send(b"x" * 3_000_000, name="a.bin").links[0].link)
    liar.lie("GET", "/content", lie)
    look(tab, link).click()
    tab.until(lambda: sum("/content" in asked for asked in liar.asked) > 1, "second attempt")

    tab.find("button", "Stop").click()

    tab.wait_text("Nothing is lost")
    asked = len(liar.asked)
    assert tab.every("button", "Save") == []
    assert sum(private_files(tab).values()) <= 3_000_000
    liar.lies.clear()
    tab.find("button", "Open").click()
    wait_opened(tab)
    assert len(liar.asked) > asked
    assert_nothing_ran(tab)


def test_sender_is_told_what_a_liar_says_as_text(tab: Tab, liar: Liar) -> None:
    """Else a server could run a script in the sender's page, which holds the link's key."""
    opening = {
        "lease": "A" * 43,
        "claimed_at": "2026-11-24T14:03:00Z",
        "ended_at": None,
        "outcome": CANARY,
        "bytes_read": 0,
        "mac": None,
        "address": CANARY,
    }

    def change(answer: Answer) -> Answer:
        share = json.loads(answer.body)
        links = [link | {"openings": [opening], "state": CANARY} for link in share["links"]]
        return answer.saying(json.dumps(share | {"links": links}).encode())

    liar.lie("GET", r"/shares/[\w-]+", change)
    compose(tab, liar.url, "secret")
    tab.find("button", "Create link").click()
    tab.find("heading", "Your link is ready", patience_s=60)

    tab.wait_text(f"from {CANARY}")

    assert_nothing_ran(tab)
    assert tab.complaints() == []


@pytest.mark.in_turn
@pytest.mark.parametrize("lie", [LIES["a page"], fields(limits={}), fields(limits=None)])
def test_limits_that_are_none_keep_what_was_typed(tab: Tab, liar: Liar, lie: Any) -> None:
    """Else somebody would lose a long text to a server that is broken for a minute."""
    liar.lie("GET", "/info", lie)
    tab.open(liar.url)
    tab.field("Secret text").fill("a long text")

    tab.find("button", "Create link").click()

    tab.wait_text(re.compile("server can.t be reached"))
    assert tab.field("Secret text").value() == "a long text"
    liar.lies.clear()
    tab.until(lambda: tab.field("Expires after").value(), "limits", patience_s=40)
    assert tab.field("Secret text").value() == "a long text"
    assert_nothing_ran(tab)


def test_share_that_is_not_taken_as_sent_is_taken_back(tab: Tab, liar: Liar) -> None:
    """Else a sender would hand out links that lead nowhere."""
    compose(tab, liar.url, "secret")
    liar.lie("PUT", r"/shares/[\w-]+", fields(links=[]))

    tab.find("button", "Create link").click()

    tab.wait_text("taken every link")
    tab.until(
        lambda: any(each.startswith("DELETE /api/v1/shares/") for each in liar.asked), "revoke"
    )
    assert tab.field("Secret text").value() == "secret"


# --- other windows -----------------------------------------------------------------------------


class Stranger(BaseHTTPRequestHandler):
    """Another site, with one page."""

    page: bytes

    def do_GET(self) -> None:
        """Answer with it."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def stranger(page: str) -> Threads:
    """A server of another origin."""
    return Threads(type("Other", (Stranger,), {"page": page.encode()}))


@pytest.mark.parametrize("path", ["/", "/s/AAAAAAAAAAAAAAAA", "/viewer.html"])
def test_other_sites_may_not_frame_the_page(
    tab: Tab, page_server: RunningServer, path: str
) -> None:
    """Else a stranger could lay a page of their own over the button that opens."""
    with (
        Recorder(int(page_server.url.rpartition(":")[2])) as recorder,
        stranger(f"<iframe src='{recorder.url}{path}'></iframe>") as other,
    ):
        tab.open(f"http://127.0.0.1:{other.port}/")
        tab.until(lambda: f"GET {path} ".encode() in recorder.sent, "frame")
        tab.pause()
        tab.open(f"http://127.0.0.1:{other.port}/")  # whatever the frame wanted it has asked for
        assert b"GET /assets/" not in recorder.sent


def test_other_sites_lose_hold_of_the_page(
    chromium: PlaywrightBrowser, page_server: RunningServer, client: Client
) -> None:
    """Else whoever opened the window could send it elsewhere once the key is in its address.

    The other drivers don't tell of a window whose opener has lost it.
    """
    link = client.send("secret").links[0].link
    tab = chromium.new_tab()
    assert isinstance(tab, PlaywrightTab)
    page = f"<button onclick=\"window.held = window.open('{link}')\">Go</button>"
    with stranger(page) as other:
        tab.open(f"http://127.0.0.1:{other.port}/")
        with tab.profile.context.expect_page() as opening:  # a popup's opener is gone already
            tab.find("button", "Go").click()
        popup = opening.value
        popup.get_by_role("button", name="Open").wait_for()
        tab.script("held.postMessage({ type: 'show', height: 1 }, '*')")

        assert popup.evaluate("() => window.opener") is None
        assert popup.evaluate("() => window.name") == ""
        tab.until(lambda: tab.script("return held.closed"), "window that is out of reach")
        assert page_server.url in popup.url


def test_viewer_by_itself_does_nothing(tab: Tab, page_server: RunningServer) -> None:
    """Else its address, with a message from whoever opened it, would show a stranger's file."""
    tab.open(f"{page_server.url}/viewer.html")

    tab.script(
        "const file = new Blob(['<b>shown</b>'], { type: 'text/html' });"
        "const kind = { kind: 'text', mime: 'text/html' };"
        "const show = { type: 'show', ...kind, name: 'a', file, words: {} };"
        "window.postMessage(show, '*');"
        "dispatchEvent(new MessageEvent('message', { data: show, source: window, origin }))"
    )
    tab.pause()

    assert tab.script("return document.body.childElementCount") == 0
    assert tab.text() == ""
    assert_nothing_ran(tab)
