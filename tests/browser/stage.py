"""What a state of the page is made with: Chromium, a real server, and a client to send and open."""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from otv_client import Client, Terms
from otv_client.b64 import b64decode, b64encode
from otv_client.envelope.keys import derive_keys
from otv_client.link import Kdf, parse_link
from tests.browser.drivers.with_playwright import PlaywrightBrowser, PlaywrightTab
from tests.conftest import running_server
from tests.support import Api, RawLink, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Route

    from otv_client import SentShare

# What a browser without a private file system says: WebKitGTK, or any in a private window.
NO_PRIVATE_FILES = """
if (globalThis.StorageManager) StorageManager.prototype.getDirectory =
  () => Promise.reject(new DOMException("", "SecurityError"));
"""
FAILED_REQUEST = "^Failed to load resource"
# What browsers take for another machine over plain HTTP; and what Chromium says there.
PLAIN = "http://plain.test"
NO_OPENER_POLICY = "^The Cross-Origin-Opener-Policy header has been ignored"
_CHECKSUM_BYTES = 5


@dataclass(frozen=True)
class State:
    """One state of the page.

    Attributes:
        name: tells it among the screenshots.
        bring: brings a new tab there.
        says: a pattern of what Chromium may tell the console by itself on the way there.
    """

    name: str
    bring: Callable[[Stage], PlaywrightTab]
    says: str | None


class States(list[State]):
    """The states of one part of the page, in the order in which people meet them."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def state(
        self, *, says: str | None = None
    ) -> Callable[[Callable[[Stage], PlaywrightTab]], Callable[[Stage], PlaywrightTab]]:
        """Lists a function as what brings a state; its name becomes the state's."""

        def listed(bring: Callable[[Stage], PlaywrightTab]) -> Callable[[Stage], PlaywrightTab]:
            name = f"{self.part}-{bring.__name__.replace('_', '-')}"
            self.append(State(name, bring, says))
            return bring

        return listed


@contextmanager
def stage_server(folder: Path) -> Iterator[str]:
    """The address of a server on which a link can expire within a test."""
    with running_server(
        folder, min_free_bytes=0, rate=0, max_unsealed=10_000, min_ttl=1, max_ttl=7 * 86_400
    ) as server:
        yield server.url


@dataclass
class Stage:
    """Everything that a state needs from outside of the page.

    Attributes:
        browser: Chromium.
        url: of a server with the page, as ``stage_server`` starts it.
        folder: for the files that are sent.
    """

    browser: PlaywrightBrowser
    url: str
    folder: Path
    client: Client = field(init=False)
    api: Api = field(init=False)
    held: list[Route] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = Client(self.url)
        self.api = Api.of(self.url)

    def close(self) -> None:
        """End everything that was begun for a state, but the browser and the server."""
        self.clear()
        self.client.close()
        self.api.http.close()

    def clear(self) -> None:
        """End every tab, and answer what still waits for an answer."""
        while self.held:  # the page may ask again while it is told
            self.held.pop().abort()
        for profile in self.browser.profiles:
            profile.context.unroute_all(behavior="ignoreErrors")
        self.browser.end_profiles()

    # --- tabs ------------------------------------------------------------------------------------

    def tab(self, before: str = "") -> PlaywrightTab:
        """A new profile's tab; ``before`` is a script that runs ahead of those of any page."""
        tab = self.browser.new_tab()
        assert isinstance(tab, PlaywrightTab)
        tab.page.emulate_media(reduced_motion="reduce")  # nothing is caught half-way
        if before:
            tab.profile.context.add_init_script(before)
        return tab

    def sender(self, before: str = "") -> PlaywrightTab:
        """The sending page, once it knows what the server allows."""
        return self.at_sender(self.tab(before))

    def at_sender(self, tab: PlaywrightTab) -> PlaywrightTab:
        """The same in a tab that is there."""
        tab.open(self.url)
        tab.until(lambda: tab.field("Expires after").value(), "expiry")
        return tab

    def opener(self, link: str, before: str = "") -> PlaywrightTab:
        """The page of a link, once it has been looked at."""
        return self.at_opener(self.tab(before), link)

    def at_opener(self, tab: PlaywrightTab, link: str) -> PlaywrightTab:
        """The same in a tab that is there."""
        tab.open(link)
        tab.find("heading")
        tab.wait_gone("heading", "Looking at the link")
        return tab

    def opened(self, link: str, before: str = "") -> PlaywrightTab:
        """The page of a link without a password, opened."""
        tab = self.opener(link, before)
        tab.find("button", "Open").click()
        tab.find("heading", "Here it is")
        return tab

    # --- what is sent ----------------------------------------------------------------------------

    def file(self, name: str, content: bytes | str = b"") -> Path:
        """A file of this name, in a folder of its own."""
        path = self.folder / secrets.token_hex(4) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def send(self, *files: Path, **terms: Any) -> SentShare:
        """Send files, or the note among the terms, with the command line's client."""
        return self.client.send([*files], Terms(**terms))

    def link_to(self, *files: Path, **terms: Any) -> str:
        """The only link to what is sent."""
        return self.send(*files, **terms).links[0].link

    # --- what becomes of it ----------------------------------------------------------------------

    def guess(self, link: str, times: int) -> None:
        """Claim a link with so many wrong passwords."""
        raw = raw_link(link)
        for _ in range(times):
            answer = self.api.claim(raw, secrets.token_bytes(32), secrets.token_bytes(32))
            assert answer.status_code == 403, answer.text

    def take(self, link: str) -> None:
        """Claim a link without a password and go no further."""
        answer = self.api.claim(raw_link(link), secrets.token_bytes(32))
        assert answer.status_code == 200, answer.text

    def wait_state(self, link: str, state: str) -> None:
        """Wait until the server says that a link is in this state."""
        raw = raw_link(link)
        assert eventually(lambda: self.api.look(raw).json()["state"] == state), state

    # --- the network -----------------------------------------------------------------------------

    def hold(self, tab: PlaywrightTab, method: str, path: str, *, after: int = 0) -> None:
        """Let so many requests of this kind pass, and leave the others without an answer."""
        passed = 0

        def handle(route: Route) -> None:
            nonlocal passed
            if route.request.method != method:
                route.fallback()
            elif passed < after:
                passed += 1
                route.fallback()
            else:
                self.held.append(route)

        tab.profile.context.route(path, handle)


def create_link(tab: PlaywrightTab) -> list[str]:
    """Press "Create link", and hand over the links once they are there."""
    tab.find("button", "Create link").click()
    tab.find("heading", re.compile("ready$"))
    found = tab.page.get_by_role("textbox", name=re.compile("^Link( [0-9]+|$)"))
    return [each.input_value() for each in found.all()]


def look_again(tab: PlaywrightTab) -> None:
    """Make the page ask the server now, as it does when it is shown again."""
    tab.script("document.dispatchEvent(new Event('visibilitychange'))")


def cut(tab: PlaywrightTab, path: str) -> None:
    """Let no request for this path reach the server."""
    tab.profile.context.route(path, lambda route: route.abort("connectionfailed"))


def wait_patiently(tab: PlaywrightTab, text: str) -> None:
    """Wait until this can be read, while the page's own clock runs ahead of ours."""
    tab.page.clock.install()

    def is_there() -> bool:
        tab.page.clock.run_for(1000)
        return text in tab.text()

    tab.until(is_there, f"text {text!r}")


def over_plain_http(stage: Stage, tab: PlaywrightTab, *, is_wanted: bool) -> None:
    """Let the server be at ``PLAIN`` too; ``is_wanted``: it wants its page used like that."""

    def answer(route: Route) -> None:
        # As from the server's own page, which this would be at such an address of the server's.
        moved = {
            name: value.replace(PLAIN, stage.url) for name, value in route.request.headers.items()
        }
        fetched = route.fetch(url=route.request.url.replace(PLAIN, stage.url), headers=moved)
        if route.request.url.endswith("/api/v1/info"):
            route.fulfill(response=fetched, json=fetched.json() | {"plain_http": is_wanted})
        else:
            route.fulfill(response=fetched)

    tab.profile.context.route(f"{PLAIN}/**", answer)


def change_answer(tab: PlaywrightTab, path: str, change: Callable[[Any], Any]) -> None:
    """Change the JSON that the server answers."""

    def handle(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=change(answer.json()))

    tab.profile.context.route(path, handle)


def raw_link(link: str) -> RawLink:
    """A link as the wire sees it; where it has a password, U is a wrong one."""
    parsed = parse_link(link)
    keys = derive_keys(parsed.id, parsed.secret, Kdf.NONE, None)
    return RawLink(id=parsed.id, access=keys.access, unlock=keys.unlock)


def with_fields(link: str, change: Callable[[bytes], bytes]) -> str:
    """A link whose fragment holds other fields, with a checksum that fits them."""
    address, _, fragment = link.partition("#")
    fields = change(b64decode(fragment)[:-_CHECKSUM_BYTES])
    check = sha256(b"otv/1 link\0" + parse_link(link).id + fields).digest()[:_CHECKSUM_BYTES]
    return f"{address}#{b64encode(fields + check)}"
