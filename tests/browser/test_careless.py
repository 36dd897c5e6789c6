"""What devices and people do that nobody plans for costs nobody what was sent.

Clocks that are wrong, networks that go, storage that is cleared or never answers, a hasty "Done".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from otv_client import Client, Terms
from tests.browser.drivers.tab import Ability
from tests.browser.drivers.with_playwright import PlaywrightTab
from tests.conftest import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.drivers.tab import Browser, Tab
    from tests.conftest import RunningServer

HOUR_MS = 3_600_000
SAVED_BYTES = 20_000_000  # long enough to be cut

# Runs ahead of the page's own scripts, so in Chromium and Firefox alone.
WRONG_CLOCK = """
const Right = Date;
globalThis.Date = class extends Right {
  constructor(...given) { given.length ? super(...given) : super(Right.now() + SHIFT); }
  static now() { return Right.now() + SHIFT; }
};
"""
# Those of the page's waits that take so long are over in a sixtieth of the time, and no others.
HURRY = """
const wait = setTimeout;
globalThis.setTimeout = (call, ms = 0, ...given) =>
  wait(call, ms === LONG ? ms / 60 : ms, ...given);
"""
# Only the wall clock knows that a device slept; the page looks at it each half minute.
SLEEP = f"""{HURRY.replace("LONG", "30_000")}
globalThis.asleep = 0;
const Awake = Date;
globalThis.Date = class extends Awake {{
  constructor(...given) {{ given.length ? super(...given) : super(Awake.now() + asleep); }}
  static now() {{ return Awake.now() + asleep; }}
}};
"""
PRIVATE_FILES = """
const names = [];
const top = await navigator.storage.getDirectory();
for await (const name of (await top.getDirectoryHandle("otv")).keys()) names.push(name);
return names;
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


def file(folder: Path, content: bytes, name: str = "a.txt") -> Path:
    """A file to send."""
    (folder / name).write_bytes(content)
    return folder / name


# --- clocks ------------------------------------------------------------------------------------


@early
@pytest.mark.parametrize("shift_ms", [HOUR_MS, -HOUR_MS], ids=["fast", "slow"])
def test_wrong_clock_waits_as_long_as_the_right_one(
    browser: Browser, server: RunningServer, client: Client, shift_ms: int
) -> None:
    """A fast clock asked forty times a second; a slow one let people wait for an hour."""
    tab = new_tab(browser, WRONG_CLOCK.replace("SHIFT", str(shift_ms)))
    asked: list[str] = []
    tab.open(server.url)  # a new profile's first page may take seconds
    tab.until(lambda: tab.field("Expires after").value(), "limits")
    tab.page.on("request", lambda request: asked.append(request.url))
    opens_at = datetime.now(UTC) + timedelta(seconds=9)
    link = client.send("later", Terms(opens_at=opens_at)).links[0].link

    tab.open(link)

    tab.wait_text(re.compile("In [1-9] seconds?"))
    assert len([url for url in asked if "/api/" in url]) == 1
    tab.find("heading", "Something was sent to you")


@early
def test_sleep_ends_with_the_lease(browser: Browser, client: Client, tmp_path: Path) -> None:
    """Timers stand still on a device that sleeps: what was read lay there for a night longer."""
    tab = new_tab(browser, SLEEP)
    opened(tab, client.send([file(tmp_path, b"read")]).links[0].link)
    tab.wait_text(re.compile("It goes by itself (at|on [^,]+,) [0-9]{2}:[0-9]{2}"))

    tab.script(f"asleep = {2 * HOUR_MS}")

    tab.find("heading", "Its time here is over")
    assert tab.script(f"return (async () => {{ {PRIVATE_FILES} }})()") == []


# --- "Done" ------------------------------------------------------------------------------------


def opened(tab: Tab, link: str) -> Tab:
    """The link's page, once it is opened."""
    tab.open(link)
    tab.find("button", "Open").click()
    tab.find("heading", "Here it is", patience_s=60)
    return tab


@early
def test_done_waits_for_no_network(browser: Browser, client: Client, tmp_path: Path) -> None:
    """What was read stayed on the device for minutes, and the button seemed dead."""
    tab = new_tab(browser)
    tab.profile.context.route("**/ack", lambda route: route.abort("connectionfailed"))
    opened(tab, client.send([file(tmp_path, b"read")]).links[0].link)

    tab.find("button", "Done").click()

    tab.find("heading", "Done", patience_s=30)


@pytest.mark.parametrize("button", ["Save", "Save all as ZIP"])
def test_done_at_once_cuts_no_saving(
    browser: Browser, client: Client, tmp_path: Path, button: str
) -> None:
    """Chromium cancelled the download, and what opens only once was gone for good."""
    content = bytes(range(256)) * (SAVED_BYTES // 256)
    files = [file(tmp_path, content, "a large one.bin"), file(tmp_path, b"small", "b.txt")]
    tab = opened(browser.new_tab(), client.send(files).links[0].link)

    tab.script(
        "const named = (name) => [...document.querySelectorAll('button')]"
        ".find(({ textContent }) => textContent === name);"
        f"named({button!r}).click(); setTimeout(() => named('Done').click());"
    )

    tab.find("heading", "Done", patience_s=60)
    if button == "Save":
        assert tab.downloaded("a large one.bin").read_bytes() == content
    else:
        with ZipFile(tab.downloaded("one-time-view.zip")) as archive:
            assert archive.read("a large one.bin") == content
            assert archive.read("b.txt") == b"small"


def test_done_can_be_had_without_waiting(browser: Browser, client: Client, tmp_path: Path) -> None:
    """Whoever is in a hurry to have it gone is not made to wait."""
    tab = opened(browser.new_tab(), client.send([file(tmp_path, b"small")]).links[0].link)
    save = tab.find("button", "Save")
    for _ in range(10):  # the page lets each take two seconds
        save.click()

    tab.find("button", "Done").click()
    tab.find("button", "Wipe now").click()

    tab.find("heading", "Done", patience_s=10)


# --- what fails under the page -----------------------------------------------------------------

CLEAR = """
const top = await navigator.storage.getDirectory();
await top.removeEntry("otv", { recursive: true });
"""
NO_ANSWER = f"""{HURRY.replace("LONG", "10_000")}
IDBFactory.prototype.open = () => new EventTarget();
"""


def test_mistakes_take_nothing_away(browser: Browser, client: Client) -> None:
    """One stray error emptied the page, and with it the only copy of a note that opens once."""
    tab = opened(browser.new_tab(), client.send("the only copy").links[0].link)

    tab.script("setTimeout(() => { throw new Error('stray') }); Promise.reject(new Error('stray'))")

    tab.wait_text("a mistake of ours")
    tab.wait_text("the only copy")
    tab.find("button", "Done").click()
    tab.find("heading", "Done")


@pytest.mark.needs(Ability.PRIVATE_FILES)
def test_cleared_storage_takes_no_note_away(
    browser: Browser, client: Client, tmp_path: Path
) -> None:
    """Browsers clear what sites store when they please, or when somebody asks them to."""
    files = [file(tmp_path, b"a", f"{number}.txt") for number in range(210)]
    tab = opened(browser.new_tab(), client.send(files, Terms(note="a note")).links[0].link)
    tab.script(f"return (async () => {{ {CLEAR} }})()")

    tab.find("button", "and 10 more files").click()

    tab.until(lambda: len(tab.every("listitem")) == 210, "rows")
    tab.wait_text("a note")
    assert "mistake" not in tab.text()


@early
def test_database_without_answer_leaves_no_blank_page(browser: Browser, client: Client) -> None:
    """Some browsers' databases never answer; the page stayed blank for ever."""
    tab = new_tab(browser, NO_ANSWER)

    tab.open(client.send("read all the same").links[0].link)

    tab.find("button", "Open", patience_s=30).click()
    tab.wait_text("read all the same")


# --- composing ---------------------------------------------------------------------------------

SLOW_FOLDER = """
const file = new File(["in it"], "in it.txt");
const entry = { isFile: true, fullPath: "/folder/in it.txt", file: (found) => {
  globalThis.finishReading = () => found(file);
} };
let reads = 0;
const reader = { readEntries: (found) => found(reads++ ? [] : [entry]) };
const folder = { isDirectory: true, fullPath: "/folder", createReader: () => reader };
DataTransferItem.prototype.webkitGetAsEntry = () => folder;
const dataTransfer = new DataTransfer();
dataTransfer.items.add(new File([""], "folder"));
document.dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
"""


def test_folder_that_is_read_slowly_loses_nothing(
    browser: Browser, server: RunningServer, tmp_path: Path
) -> None:
    """What was chosen while a dropped folder was read went without a word; or the folder did."""
    tab = browser.new_tab()
    tab.open(server.url)
    tab.until(lambda: tab.field("Expires after").value(), "limits")
    tab.script(SLOW_FOLDER)
    tab.wait_text("still being read")
    tab.field("Choose files").choose(file(tmp_path, b"chosen", "chosen.txt"))
    tab.find("button", "Create link").click()
    tab.until(lambda: "still being read" in tab.find("alert").text(), "refusal")

    tab.script("finishReading()")

    tab.wait_text("folder/in it.txt")
    tab.wait_text("chosen.txt")
    tab.find("button", "Create link").click()
    tab.find("heading", "Your link is ready")


def test_words_of_people_are_for_no_translator(
    browser: Browser, client: Client, tmp_path: Path
) -> None:
    """Browsers that translate a page send its words to their maker."""
    shared = [file(tmp_path, b"x", "ein Name.txt")]
    link = client.send(shared, Terms(note="eine Nachricht")).links[0].link
    tab = opened(browser.new_tab(), link)

    for words in ("ein Name.txt", "eine Nachricht"):
        script = (
            "const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);"
            f"while (walker.nextNode()) if (walker.currentNode.data.includes({words!r}))"
            " return walker.currentNode.parentElement.translate;"
        )
        assert tab.script(script) is False
