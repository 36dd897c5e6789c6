"""What leaves a browser, byte by byte, and what stays in it, over a whole flow.

A sender chooses files with telling names, types a note and a password, and gets two links; a
recipient opens one, views, saves, and is done. Between browser and server sits a recorder;
whatever the browser wants from anywhere else goes to a proxy that remembers it. What stays in the
browser is read out of every store that a page has. Each search first has to find what was planted.
"""

from __future__ import annotations

import json
import re
import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from otv_client.b64 import b64decode, b64encode
from otv_client.envelope.keys import derive_keys
from otv_client.envelope.manifest import open_manifest
from otv_client.link import Kdf, draw_link, parse_link
from tests.browser import steps
from tests.browser.conftest import ABILITIES, launch, running
from tests.browser.drivers.tab import Ability, Proxy
from tests.browser.wires import Elsewhere, Recorder
from tests.searching import secrets_in, window_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.drivers.tab import Browser, Tab
    from tests.conftest import RunningServer

NOTE = "what nobody on the way may reäd"
PASSWORD = "correct horse pässword staple"
FOLDER = "divorce-papers-of-a-person"
TELLING = "passport-of-a-person"
RECIPIENT = "grandmother-of-a-person"
TEXT = "the diagnosis that nobody on the way may read\n"
PLAIN_BYTES = 1_200_000  # two segments

# Browsers ask their makers of their own accord, whatever page they show: for updates, for lists,
# for accounts, and by hashes what the fields of a form may be for.
OWN_BUSINESS = re.compile(
    r"((update|content-autofill)\.googleapis\.com|accounts\.google\.com|[a-z.-]+\.mozilla\.(com|org|net))"
    r"(:443)?"
)

STORES = """
const hex = (key, value) => value instanceof Uint8Array
  ? Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("") : value;
const told = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const database = async ({ name }) => {
  const opened = await told(indexedDB.open(name));
  const stores = [...opened.objectStoreNames].map(async (store) =>
    [store, await told(opened.transaction(store).objectStore(store).getAll())]);
  const all = await Promise.all(stores);
  opened.close();
  return [name, Object.fromEntries(all)];
};
const below = async (folder) => {
  const found = [];
  for await (const [name, entry] of folder.entries()) {
    found.push(name, ...(entry.kind === "directory" ? await below(entry) : []));
  }
  return found;
};
const top = await Promise.resolve(navigator.storage?.getDirectory?.()).catch(() => undefined);
return JSON.stringify({
  local: { ...localStorage },
  session: { ...sessionStorage },
  databases: Object.fromEntries(await Promise.all((await indexedDB.databases()).map(database))),
  files: top ? await below(top) : [],
  caches: await caches.keys(),
  workers: (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope),
  cookie: document.cookie,
  window: window.name,
}, hex);
"""
# The same, or null where a database doesn't answer.
ANSWERED = f"""
const late = new Promise((resolve) => setTimeout(() => resolve(null), 5000));
return Promise.race([late, (async () => {{ {STORES} }})()]);
"""
# All that the document holds, what stands in its inputs included, and how it came here.
DOCUMENT = """
const values = [...document.querySelectorAll("input, textarea")].map(({ value }) => value);
const entries = globalThis.navigation?.entries().map(({ url }) => url) ?? [];
const state = JSON.stringify([history.state, entries, document.title, document.referrer]);
return [document.documentElement.outerHTML, ...values, state].join("\\n");
"""
FIELDS = """
const fields = [...document.querySelectorAll("input, textarea")];
return fields.map(({ autocomplete, value }) => [autocomplete, value]);
"""
PLANT_IN_STORES = """
localStorage.setItem("a", text);
sessionStorage.setItem("b", text);
window.name = text;
document.cookie = `c=${encodeURIComponent(text)}`;
document.title = text;
history.replaceState(text, "");
await caches.open(text);
await new Promise((done) => {
  const request = indexedDB.open("planted");
  request.onupgradeneeded = () => request.result.createObjectStore("d").put(text, 1);
  request.onsuccess = () => { request.result.close(); done(); };
});
const top = await Promise.resolve(navigator.storage?.getDirectory?.()).catch(() => undefined);
const folder = await top?.getDirectoryHandle("e", { create: true });
await folder?.getFileHandle(text, { create: true });
"""


@dataclass
class Flow:
    """What a whole flow left behind in one browser.

    Attributes:
        known: every secret of it, by name.
        plaintext: of the larger file: noise, so that no run of it is a coincidence.
        sent: all bytes that went to the server.
        hosts: whom the browser wanted to reach besides, with all bytes that went there.
        stores: what the page's stores held, by the moment.
        documents: what the page's document held, by the moment.
        addresses: the address bar, by the moment.
        fields: of each input its ``autocomplete`` and what stands in it, by the moment.
        complaints: of the console and of the policy.
        escaped: a link whose # had become %23, and what was sent when it was opened.
        planted: what was sent, kept and wanted elsewhere when every secret was planted.
    """

    engine: str
    known: dict[str, bytes] = field(default_factory=dict)
    plaintext: bytes = b""
    sent: bytes = b""
    hosts: dict[str, bytes] = field(default_factory=dict)
    stores: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    fields: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    escaped: tuple[str, bytes] = ("", b"")
    planted: dict[str, bytes] = field(default_factory=dict)

    def look(self, moment: str, tab: Tab) -> None:
        """Keep what the browser holds at this moment."""
        # Now and then WebKit's database never answers, and does when it is asked again.
        self.stores[moment] = tab.until(lambda: run(tab, ANSWERED), "stores", patience_s=60)
        self.documents[moment] = tab.script(DOCUMENT)
        self.addresses[moment] = tab.url()
        self.fields[moment] = [(how, text) for how, text in tab.script(FIELDS)]

    def found(self, text: str) -> set[str]:
        """The names of the secrets that stand in a text."""
        return secrets_in(text.encode(), self.known)

    def records(self, moment: str) -> dict[str, list[dict[str, Any]]]:
        """The page's database at a moment."""
        database: dict[str, list[dict[str, Any]]]
        database = json.loads(self.stores[moment])["databases"].get("otv", {})
        return database


def run(tab: Tab, body: str) -> Any:
    """Run a script that waits."""
    return tab.script(f"return (async () => {{ {body} }})()")


@pytest.fixture(scope="module")
def flow(engine: str, page_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """The whole flow, once in each browser."""
    running.end()  # playwright runs one browser's event loop at a time
    folder = tmp_path_factory.mktemp(f"leaks-{engine}")
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(int(page_server.url.rpartition(":")[2])))
        elsewhere = stack.enter_context(Elsewhere())
        proxy = Proxy(elsewhere.port, direct=recorder.port)
        browser = launch(engine, folder, proxy)
        stack.callback(browser.close)
        flow = Flow(engine)
        sender, link = send(browser, recorder, flow, tmp_path_factory.mktemp("files"))
        recipient = receive(browser, recorder, flow, link)
        steps.sees(sender, "receipt checked")
        flow.look("told", sender)
        open_damaged(recipient, link)
        flow.sent, flow.hosts = recorder.forget(), elsewhere.hosts()
        flow.complaints = [*sender.complaints(), *recipient.complaints()]
        open_escaped(recipient, recorder, flow)
        plant(recipient, recorder, elsewhere, flow)
        return flow


def send(browser: Browser, recorder: Recorder, flow: Flow, folder: Path) -> tuple[Tab, str]:
    """Send a folder or files, with a note and a password, by two personal links."""
    flow.plaintext = secrets.token_bytes(PLAIN_BYTES).replace(b"\0", b"\1")
    (folder / FOLDER).mkdir()
    (folder / FOLDER / f"{TELLING}.bin").write_bytes(flow.plaintext)
    (folder / FOLDER / f"{TELLING}.txt").write_text(TEXT)
    tab = browser.new_tab()
    tab.open(recorder.url)
    tab.until(lambda: tab.field("Expires after").value(), "expiry to choose")
    if Ability.FOLDER in tab.abilities:
        tab.field("Choose a folder").choose(folder / FOLDER)
    else:
        tab.field("Choose files").choose(*sorted((folder / FOLDER).iterdir()))
    tab.field("Note").fill(NOTE)
    tab.field("Password").fill(PASSWORD)
    tab.field("Personal links").fill("2")
    tab.field("Name for link 1").fill(RECIPIENT)
    flow.look("composed", tab)
    tab.find("button", "Create link").click()
    tab.find("heading", "Your links are ready", patience_s=60)
    while buttons := tab.every("button", "Show QR code"):
        buttons[0].click()  # it is called "Hide QR code" then
    link = tab.field("Link 1").value()
    flow.known = secrets_of([link, tab.field("Link 2").value()], recorder.sent)
    tab.wait_text("Not opened yet")
    flow.look("sent", tab)
    return tab, link


def secrets_of(links: list[str], sent: bytes) -> dict[str, bytes]:
    """Everything that may never leave, by its name."""
    known = {
        "text": TEXT[:-1].encode(),
        "name": TELLING.encode(),
        "folder": FOLDER.encode(),
        "note": NOTE.encode(),
        "password": PASSWORD.encode(),
        "recipient": RECIPIENT.encode(),
    }
    for number, text in enumerate(links, 1):
        link = parse_link(text)
        keys = derive_keys(link.id, link.secret, link.kdf, PASSWORD)
        known[f"fragment {number}"] = text.partition("#")[2].encode()
        known[f"secret S {number}"] = link.secret
        known[f"manifest key M {number}"] = keys.manifest
        known[f"receipt key K {number}"] = keys.ack
        pattern = rb'"id":"%s".*?"manifest":"([\w-]+)"' % link.id_text.encode()
        sealed = re.search(pattern, sent, re.DOTALL)
        assert sealed is not None, "the recorder has not seen the manifest"
        blob = open_manifest(b64decode(sealed[1].decode()), keys.manifest, link.id).blob
        assert blob is not None
        known["content key"] = blob.key
    return known


def receive(browser: Browser, recorder: Recorder, flow: Flow, link: str) -> Tab:
    """Look, open, view, save one, save all, be done."""
    tab = browser.new_tab()
    tab.open(link)
    tab.field("Password").fill(PASSWORD)
    flow.look("looked", tab)
    with recorder.holding(b"/claim HTTP"):
        tab.find("button", "Open").click()
        tab.until(lambda: b"/claim HTTP" in recorder.sent, "claim", patience_s=60)
        flow.look("opening", tab)
    tab.find("heading", "Here it is", patience_s=60)
    steps.view(tab, f"{TELLING}.txt")
    tab.until(lambda: tab.script("return document.body.innerText", in_frame=True), "preview")
    tab.press("Escape")
    tab.wait_gone("dialog")
    tab.find("button", "Save", within=steps.row(tab, f"{TELLING}.txt")).click()
    assert tab.downloaded(f"{TELLING}.txt").read_text() == TEXT
    if Ability.PRIVATE_FILES not in tab.abilities:  # from memory only when all is saved
        tab.find("button", "Save all as ZIP").click()
    tab.until(lambda: "#" not in tab.url(), "address without its fragment")
    flow.look("opened", tab)
    tab.find("button", "Save all as ZIP").click()
    assert flow.plaintext[:1000] in tab.downloaded("one-time-view.zip").read_bytes()
    flow.look("saved", tab)
    tab.find("button", "Done").click()
    tab.find("heading", "Done")
    flow.look("done", tab)
    return tab


def open_damaged(tab: Tab, link: str) -> None:
    """Open a link whose last character is another."""
    tab.open(link[:-1] + ("A" if link[-1] != "A" else "B"))
    tab.find("heading", "This link is damaged")


def open_escaped(tab: Tab, recorder: Recorder, flow: Flow) -> None:
    """Open a link whose # has become %23 on its way."""
    link = draw_link(recorder.url, Kdf.NONE, secrets.token_bytes).url()
    tab.open(link.replace("#", "%23"))
    tab.find("heading", "The key of this link has leaked")
    tab.pause()
    flow.escaped = link.partition("#")[2], recorder.forget()


def plant(tab: Tab, recorder: Recorder, elsewhere: Elsewhere, flow: Flow) -> None:
    """Send every secret on purpose, keep it in every store, and want something from elsewhere."""
    window = flow.plaintext[7777:][:16]
    for secret in [*flow.known.values(), window]:
        body = f"body: Uint8Array.from({[*secret]}), method: 'POST'"
        tab.script(f"return fetch('/planted', {{ {body} }}).then(() => 0)")
    flow.planted["sent"] = recorder.forget()
    hidden = f"'/planted?{b64encode(b'?' + window)}'"
    tab.script(f"return fetch({hidden}).then(() => 0)")
    flow.planted["hidden"] = recorder.forget()
    run(tab, f"const text = {NOTE!r}; {PLANT_IN_STORES}")
    flow.look("planted", tab)
    tab.script("setTimeout(() => { location = 'http://elsewhere.test/?planted' })")
    tab.until(lambda: "elsewhere.test" in elsewhere.hosts(), "request to elsewhere")
    flow.planted["elsewhere"] = elsewhere.hosts()["elsewhere.test"]


# --- the searches find what is there -----------------------------------------------------------


def test_searches_find_what_is_planted(flow: Flow) -> None:
    """Else all that follows would pass, whatever left."""
    assert secrets_in(flow.planted["sent"], flow.known) == flow.known.keys()
    assert window_in(flow.planted["sent"], flow.plaintext)
    assert window_in(flow.planted["hidden"], flow.plaintext)
    assert b"GET http://elsewhere.test/?planted" in flow.planted["elsewhere"]


def test_stores_are_all_read(flow: Flow) -> None:
    """Else something could be kept where nobody looks."""
    stores = json.loads(flow.stores["planted"])
    has_files = Ability.PRIVATE_FILES in ABILITIES[flow.engine]
    expected = {"local", "session", "databases", "caches", "cookie", "window"}
    assert {
        name for name, held in stores.items() if flow.found(json.dumps(held, ensure_ascii=False))
    } == expected | ({"files"} if has_files else set())
    assert "note" in flow.found(flow.documents["planted"])


# --- what leaves -------------------------------------------------------------------------------


def test_no_secret_leaves(flow: Flow) -> None:
    """Else the server, or whoever listens, reads what was sent."""
    assert secrets_in(flow.sent, flow.known) == set()
    assert window_in(flow.sent, flow.plaintext) is None
    for number in (1, 2):
        assert window_in(flow.sent, flow.known[f"fragment {number}"]) is None


def test_nobody_else_is_asked(flow: Flow) -> None:
    """Else somebody would learn who opens what, and when; or more."""
    assert {host for host in flow.hosts if not OWN_BUSINESS.fullmatch(host)} == set()
    assert secrets_in(b"\n".join(flow.hosts.values()), flow.known) == set()


def test_requests_say_nothing_of_whence(flow: Flow) -> None:
    """Else the server's log could join what belongs to different people."""
    assert re.findall(rb"(?im)^(?:referer|cookie):.*$", flow.sent) == []
    assert len(re.findall(rb"(?m)^POST .*/links/[\w-]{16}/ack HTTP", flow.sent)) == 1


def test_link_that_is_none_asks_for_nothing(flow: Flow) -> None:
    """A key that has leaked on its way is at least not spread by the page itself."""
    fragment, sent = flow.escaped
    assert len(re.findall(rb"(?m)^GET [^ ]*%%23%s HTTP" % fragment.encode(), sent)) == 1
    assert sent.count(fragment.encode()) == 1
    assert b"/api/v1/links/" not in sent  # the sender's own tab goes on looking after its share


def test_nothing_goes_against_the_policy(flow: Flow) -> None:
    """Else the page would ask for more than it grants itself, or fail in silence."""
    assert flow.complaints == []


# --- what stays --------------------------------------------------------------------------------


def test_sender_keeps_what_receipts_need(flow: Flow) -> None:
    """Else a sender's disk would give away what was sent, or nobody could check a receipt."""
    kept = {"receipt key K 1", "receipt key K 2", "recipient"}
    for moment in ("sent", "told"):
        assert flow.found(flow.stores[moment]) == kept
    (share,) = flow.records("told")["shares"]
    assert share.keys() == {"server", "id", "owner", "createdAt", "links", "isTold"}


def test_composing_keeps_nothing(flow: Flow) -> None:
    """Else what somebody typed and thought better of would stay."""
    assert flow.found(flow.stores["composed"]) == set()
    assert flow.records("composed")["shares"] == []


@pytest.mark.parametrize("moment", ["looked", "opening", "opened", "saved", "done"])
def test_recipient_keeps_no_secret(flow: Flow, moment: str) -> None:
    """Else a shared computer would give away what somebody opened on it."""
    stores = json.loads(flow.stores[moment])
    assert flow.found(flow.stores[moment]) == set()
    assert (stores["local"], stores["caches"], stores["workers"], stores["cookie"]) == (
        {},
        [],
        [],
        "",
    )


def test_opening_is_kept_with_its_lease_alone(flow: Flow) -> None:
    """Else a reload would cost the file; or the record would open it by itself."""
    assert flow.records("looked")["openings"] == []
    (opening,) = flow.records("opening")["openings"]
    assert opening.keys() == {
        *("server", "id", "access", "lease", "leaseUntil", "file", "partsDone", "isOver"),
    }
    lease = b64encode(sha256(bytes.fromhex(opening["lease"])).digest())
    assert f'"lease":"{lease}"'.encode() in flow.sent
    for moment in ("opened", "saved", "done"):
        assert opening["lease"] not in flow.stores[moment]


def test_done_leaves_nothing(flow: Flow) -> None:
    """Else "Done" would be a word."""
    stores = json.loads(flow.stores["done"])
    assert flow.records("done")["openings"] == []
    assert [name for name in stores["files"] if name != "otv"] == []
    assert flow.found(flow.documents["done"]) == set()


@pytest.mark.parametrize("moment", ["opened", "saved", "done"])
def test_key_leaves_address_and_history(flow: Flow, moment: str) -> None:
    """Else the next person at this browser finds the key in the address bar, or behind "back"."""
    assert "#" not in flow.addresses[moment]
    shown = {"note", "name", "folder"} if moment != "done" else set()
    assert flow.found(flow.documents[moment]) <= shown


@pytest.mark.parametrize("moment", ["composed", "sent", "looked"])
def test_browsers_are_asked_to_remember_no_field(flow: Flow, moment: str) -> None:
    """Else they write what stands in it to disk, to fill it in again when they were closed."""
    assert flow.fields[moment]
    kept = [text for how, text in flow.fields[moment] if how != "off"]
    assert flow.found("\n".join(kept)) == set()


def test_titles_and_fields_tell_nothing(flow: Flow) -> None:
    """Else a link would stand in a list of windows; or what was typed in the document's source."""
    for moment, document in flow.documents.items():
        assert moment == "planted" or '"One-Time View",""]' in document.splitlines()[-1], moment
