"""What other programs share with the installed page, in Chromium, which alone hands files over.

A form on a foreign page stands for the phone's share sheet: what the browser does with it from
then on is the same.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import steps
from tests.browser.wires import Recorder
from tests.searching import window_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Response, Worker

    from otv_client import Client
    from tests.browser.drivers.tab import Tab
    from tests.browser.drivers.with_playwright import PlaywrightBrowser, PlaywrightTab
    from tests.conftest import RunningServer

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 20
WORDS = "Look at this <b>photo</b>"
SCOPES = """
return navigator.serviceWorker.getRegistrations().then((all) =>
  all.filter(({ active }) => active?.state === "activated").map(({ scope }) => scope));
"""
# Everything that outlasts a page, and what the share worker still holds under an id.
STORES = """
return (async () => {
  const top = await navigator.storage.getDirectory();
  const files = [];
  for await (const name of top.keys()) files.push(name);
  const databases = (await indexedDB.databases()).map(({ name }) => name);
  return { caches: await caches.keys(), databases, files, local: { ...localStorage } };
})();
"""
HELD = """
return new Promise(async (told) => {
  const { active } = await navigator.serviceWorker.getRegistration("/share");
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => told(data === null ? null : data.files.length);
  active.postMessage(ID, [port2]);
});
"""


# What a window of an installed page says; Chromium's own emulation leaves this one out.
STANDALONE = """
const ask = matchMedia;
globalThis.matchMedia = (query) =>
  query === "(display-mode: standalone)" ? { matches: true } : ask(query);
"""
CAME_TO = "if (location.hash) window.cameTo = location.href"  # about:blank comes first
ASKS_NEVER = "navigator.serviceWorker.getRegistration = () => new Promise(() => {})"


@pytest.fixture
def wire(page_server: RunningServer) -> Iterator[Recorder]:
    """The line to the server, and all that was sent on it."""
    with Recorder(int(page_server.url.rpartition(":")[2])) as recorder:
        yield recorder


@pytest.fixture
def phone(chromium: PlaywrightBrowser, wire: Recorder) -> PlaywrightTab:
    """A browser in which the page was installed just now."""
    tab: Any = chromium.new_tab()
    tab.open(wire.url)
    tab.find("button", "Create link")
    tab.script("dispatchEvent(new Event('appinstalled'))")
    wait_prepared(tab)
    return tab  # type: ignore[no-any-return]  # Chromium's driver has no other tabs


def wait_prepared(tab: PlaywrightTab) -> None:
    """Wait for the share worker."""
    tab.until(lambda: tab.script(SCOPES), "share worker")


def share(tab: PlaywrightTab, server: str, *files: Path, **fields: str) -> None:
    """Share from the gallery."""
    tab.page.goto("about:blank")
    inputs = [f'<input name="{name}" value="{escape(text)}">' for name, text in fields.items()]
    tab.page.set_content(
        f'<form method="post" enctype="multipart/form-data" action="{server}/share">'
        f'<input type="file" name="files" multiple>{"".join(inputs)}<button>Share</button></form>'
    )
    tab.page.set_input_files("input[type=file]", files)
    tab.page.click("button")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(PHOTO)
    return path


def test_photo_goes_from_the_gallery_to_a_link(
    phone: PlaywrightTab, wire: Recorder, client: Client, photo: Path, tmp_path: Path
) -> None:
    """Else sending from a phone would take finding the file again; or the server would see it."""
    share(phone, wire.url, photo, text=WORDS, url="https://example.org/")
    phone.find("list", "Files to send")

    assert "photo.jpg" in phone.find("list", "Files to send").text()
    assert phone.field("Note").value() == f"{WORDS}\nhttps://example.org/"
    assert phone.url() == f"{wire.url}/"
    phone.until(lambda: phone.field("Expires after").value(), "expiry to choose")
    (link,) = steps.create_links(phone)
    opened = client.open(link, into=tmp_path / "there")
    assert opened.note == f"{WORDS}\nhttps://example.org/"
    assert (tmp_path / "there/photo.jpg").read_bytes() == PHOTO
    assert b"POST /share " not in wire.sent
    assert b"example.org" not in wire.sent
    assert window_in(wire.sent, PHOTO) is None
    steps.assert_clean(phone)


def test_share_is_kept_nowhere(phone: PlaywrightTab, wire: Recorder, photo: Path) -> None:
    """Else whoever uses the phone later would find the photo in this page's stores."""
    before = phone.script(STORES)

    share(phone, wire.url, photo)
    phone.find("list", "Files to send")

    assert phone.script(STORES) == before
    assert before["caches"] == []
    phone.reload()
    phone.find("button", "Create link")
    assert not phone.every("list", "Files to send")


def test_share_is_handed_over_once(phone: PlaywrightTab, wire: Recorder, photo: Path) -> None:
    """Else whoever presses "back" or opens another tab would find it again."""
    _, identity = share_untaken(phone, wire.url, photo)
    ask = HELD.replace("ID", repr(identity))

    assert phone.script(ask) == 1
    assert phone.script(ask) is None


def test_share_worker_knows_when_its_page_is_gone(
    phone: PlaywrightTab, wire: Recorder, photo: Path
) -> None:
    """Else it would hold a photo though nobody is there any more to take it."""
    tab, identity = share_untaken(phone, wire.url, photo)
    (worker,) = phone.profile.context.service_workers

    phone.until(lambda: is_there(worker, identity), "page that the worker knows")
    tab.close()

    phone.until(lambda: not is_there(worker, identity), "page that is gone")


def share_untaken(phone: PlaywrightTab, url: str, photo: Path) -> tuple[Tab, str]:
    """Share, with a page that never asks for it; that page, and what it is held under."""
    tab: Any = phone.another()
    tab.page.add_init_script(f"{CAME_TO}; {ASKS_NEVER}")
    share(tab, url, photo)
    came_to: str = tab.until(lambda: tab.script("return window.cameTo"), "page")
    return tab, came_to.partition("#shared=")[2]


def is_there(worker: Worker, identity: str) -> bool:
    """Whether the share worker can find this page."""
    found: bool = worker.evaluate("async (id) => (await clients.get(id)) !== undefined", identity)
    return found


def test_share_that_was_lost_is_told_of(phone: PlaywrightTab, wire: Recorder) -> None:
    """Else an empty form would look as if nothing had been shared."""
    phone.open(f"{wire.url}/#shared=00000000-0000-0000-0000-000000000000")

    phone.wait_text("arrive in this page")
    assert phone.url() == f"{wire.url}/"


def test_server_takes_no_share(chromium: PlaywrightBrowser, wire: Recorder, photo: Path) -> None:
    """Else a browser that has lost the share worker would hand the server what it must not read."""
    tab: Any = chromium.new_tab()
    share(tab, wire.url, photo)
    tab.wait_text("arrive in this page")
    wait_prepared(tab)  # so that the next one does arrive

    share(tab, wire.url, photo)

    assert "photo.jpg" in tab.find("list", "Files to send").text()


def test_visitors_have_no_share_worker(
    chromium: PlaywrightBrowser, page_server: RunningServer
) -> None:
    """Else every visit would leave a program behind."""
    tab = chromium.new_tab()
    link = steps.send(tab, page_server.url, text="x")
    steps.open_link(tab, link)

    assert tab.script(SCOPES) == []


def test_installed_page_has_its_share_worker(
    chromium: PlaywrightBrowser, page_server: RunningServer
) -> None:
    """Else a phone whose browser was emptied would never take a share again."""
    tab: Any = chromium.new_tab()
    tab.page.add_init_script(STANDALONE)

    tab.open(page_server.url)

    wait_prepared(tab)
    steps.assert_clean(tab)


def test_share_worker_sees_no_other_request(phone: PlaywrightTab, wire: Recorder) -> None:
    """Else it would stand between the page and its uploads, or could keep what passes."""
    assert phone.script(SCOPES) == [f"{wire.url}/share"]
    seen: list[str] = []

    def note(answer: Response) -> None:
        if answer.from_service_worker:
            seen.append(answer.url)

    phone.profile.context.on("response", note)
    link = steps.send(phone, wire.url, text="x")
    steps.open_link(phone, link)
    assert steps.note_of(phone) == "x"

    assert phone.script("return navigator.serviceWorker.controller") is None
    assert seen == []


def test_page_can_be_installed(phone: PlaywrightTab) -> None:
    """Else a browser would not offer it, and give no reason."""
    session = phone.profile.context.new_cdp_session(phone.page)

    manifest = session.send("Page.getAppManifest")
    reasons = session.send("Page.getInstallabilityErrors")["installabilityErrors"]

    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["share_target"]["method"] == "POST"
    assert {each["errorId"] for each in reasons} <= {"in-incognito"}  # as playwright's profiles are
