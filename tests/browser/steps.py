"""What people do on the page and see of it: the words that the flow tests are told in."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from otv_client import Client, Terms
from tests.browser.drivers.with_playwright import PlaywrightTab
from tests.browser.stage import NO_PRIVATE_FILES

if TYPE_CHECKING:
    from pathlib import Path

    from otv_client import SentShare
    from tests.browser.drivers.tab import Browser, Element, Tab

TRANSFER_S = 60.0  # for megabytes, on a machine that is busy
ARGON2_S = 60.0  # a second or two, on such a machine
PART = 8 << 20

# --- sending -------------------------------------------------------------------------------------


def compose(tab: Tab, url: str, *files: Path, text: str = "") -> None:
    """Open the sending page, choose files, and type a note or a secret text."""
    tab.open(url)
    tab.until(lambda: tab.field("Expires after").value(), "expiry to choose")
    if files:
        tab.field("Choose files").choose(*files)
        tab.find("list", "Files to send")
    if text:
        tab.field("Note" if files else "Secret text").fill(text)


def create_links(tab: Tab) -> list[str]:
    """Press "Create link", and read the links once they are there."""
    tab.find("button", "Create link").click()
    return links_on(tab)


def links_on(tab: Tab) -> list[str]:
    """The links, once they are there."""
    tab.find("heading", re.compile("^Your links? (is|are) ready$"), patience_s=TRANSFER_S)
    return [each.value() for each in tab.every("textbox", re.compile(r"^Link\b"))]


def send(tab: Tab, url: str, *files: Path, text: str = "") -> str:
    """Send from the page on the terms that it proposes; the one link."""
    compose(tab, url, *files, text=text)
    (link,) = create_links(tab)
    return link


def sees(sender: Tab, what: str) -> None:
    """Look again, as whoever comes back to the sender's tab does, until this is said."""
    sender.script("document.dispatchEvent(new Event('visibilitychange'))")
    sender.wait_text(what)


def post(url: str, what: Any, **terms: Any) -> SentShare:
    """Send with the command line's library, where how it was sent is not the point."""
    with Client(url) as client:
        return client.send(what, Terms(**terms))


def link_to(url: str, what: Any, **terms: Any) -> str:
    """The only link to it."""
    return post(url, what, **terms).links[0].link


# --- opening -------------------------------------------------------------------------------------


def look(tab: Tab, link: str) -> Element:
    """Open a link's page; the button that spends it."""
    tab.open(link)
    return tab.find("button", "Open")


def open_link(tab: Tab, link: str, password: str = "") -> None:
    """Open a link, and wait until what it held is there."""
    button = look(tab, link)
    if password:
        tab.field("Password").fill(password)
    button.click()
    wait_opened(tab)


def wait_opened(tab: Tab) -> None:
    """Wait until what a link held is there."""
    tab.find("heading", "Here it is", patience_s=TRANSFER_S)


def row(tab: Tab, name: str) -> Element:
    """The line of a file that came."""
    (found,) = (each for each in tab.every("listitem") if name in each.text())
    return found


def save(tab: Tab, name: str) -> bytes:
    """Press "Save" beside a file; what the browser saved."""
    line = row(tab, name)
    is_empty = re.search(r"\b0 bytes", line.text()) is not None
    tab.find("button", "Save", within=line).click()

    def saved() -> list[Path]:
        # Firefox makes an empty file first, and begins to fill it a while later.
        named = [path for path in tab.downloads() if path.name == name.rpartition("/")[2]]
        return [path for path in named if is_empty or path.stat().st_size]

    return tab.until(saved, f"download {name!r}", patience_s=TRANSFER_S)[-1].read_bytes()


def view(tab: Tab, name: str) -> Element:
    """Press "View" beside a file, and wait until it is shown, or said not to be.

    Before that nothing can be asked in the viewer's frame: its document is still on its way.
    """
    tab.find("button", "View", within=row(tab, name)).click()
    dialog = tab.find("dialog")
    tab.until(lambda: "Getting the preview ready" not in dialog.text(), f"view of {name}")
    return dialog


def note_of(tab: Tab) -> str:
    """What the region "Note" says below its heading and its button."""
    return tab.find("region", "Note").text().partition("Copy note")[2].strip()


def wait_told(tab: Tab) -> None:
    """Wait until the sender has been told: then the secret has left the address bar."""
    tab.until(lambda: "#" not in tab.url(), "address without a secret")


def finish(tab: Tab) -> None:
    """Press "Done"."""
    tab.find("button", "Done").click()
    tab.find("heading", "Done")


def without_private_files(browser: Browser) -> Tab:
    """The first tab of a profile in which content stays in memory."""
    tab = browser.new_tab()
    if isinstance(tab, PlaywrightTab):  # WebKitGTK has none anyway
        tab.profile.context.add_init_script(NO_PRIVATE_FILES)
    return tab


# --- what stays behind ---------------------------------------------------------------------------

_PRIVATE_FILES = """
return (async () => {
  let folder;
  try { folder = await navigator.storage.getDirectory(); } catch { return {}; }
  const found = {};
  for await (const name of (await folder.getDirectoryHandle("otv")).keys()) {
    const file = await (await folder.getDirectoryHandle("otv")).getFileHandle(name);
    found[name] = (await file.getFile()).size;
  }
  return found;
})()
"""
_RECORDS = """
return new Promise((resolve, reject) => {
  const opening = indexedDB.open("otv");
  opening.onerror = () => reject(opening.error);
  setTimeout(() => resolve(null), 5000);
  opening.onsuccess = () => {
    try {
      const transaction = opening.result.transaction(STORE);
      const records = transaction.objectStore(STORE).getAll();
      transaction.onabort = () => reject(transaction.error);
      transaction.oncomplete = () => {
        opening.result.close();
        resolve([records.result.map((each) => ({ ...each, lease: 0, owner: 0, links: 0 }))]);
      };
    } catch (error) {
      reject(error);
    }
  };
})
"""


def private_files(tab: Tab) -> dict[str, int]:
    """What lies in the private file system of the page's origin, with sizes in bytes."""
    found: dict[str, int] = tab.script(_PRIVATE_FILES)
    return found


def records(tab: Tab, store: str) -> list[dict[str, Any]]:
    """What the page keeps of "shares" or "openings"; without proofs and keys."""
    script = _RECORDS.replace("STORE", repr(store))
    # Now and then WebKit's database never answers, and does when it is asked again.
    (found,) = tab.until(lambda: tab.script(script), store, patience_s=60)
    return list(found)


def blobs(data: Path) -> set[Path]:
    """The files of ciphertext in a server's data folder."""
    return {path for path in (data / "blobs").glob("*/*") if path.is_file()}


def assert_clean(tab: Tab, *expected: str) -> None:
    """No error on the console and nothing against the policy, besides what holds one of these."""
    others = [told for told in tab.complaints() if not any(each in told for each in expected)]
    assert not others, others


# --- instants ------------------------------------------------------------------------------------


def about_now(told: str) -> bool:
    """Whether a sentence names the minute that is, or the one before, on this machine's clock."""
    now = datetime.now().astimezone()
    return any(f"{now - timedelta(minutes=back):%H:%M}" in told for back in (0, 1))
