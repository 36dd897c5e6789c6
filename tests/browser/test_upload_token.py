"""A server that asks for permission to upload, and a page that can keep it.

The server's part is played in front of a real one: it takes one token, and no other.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import steps
from tests.browser.stage import change_answer

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Route

    from otv_client import Client
    from tests.browser.drivers.with_playwright import PlaywrightBrowser, PlaywrightTab
    from tests.conftest import RunningServer

TOKEN = "a-token-0123456789"
NOTE = "a note that took long to write"
KEPT = """
return new Promise((told) => {
  const opening = indexedDB.open("otv");
  opening.onsuccess = () => {
    const all = opening.result.transaction("tokens").objectStore("tokens").getAll();
    all.onsuccess = () => { opening.result.close(); told(all.result); };
  };
});
"""


# What the page's database was before there were tokens, with one share in it.
OLDER = """
return new Promise((told) => {
  const opening = indexedDB.open("otv", 1);
  opening.onupgradeneeded = () => {
    const shares = opening.result.createObjectStore("shares", { keyPath: "id" });
    opening.result.createObjectStore("openings", { keyPath: ["server", "id"] });
    const [owner, createdAt] = [new Uint8Array(32), 1];
    shares.put({ server: location.origin, id: "older", owner, createdAt, links: [], isTold: true });
  };
  opening.onsuccess = () => { opening.result.close(); told(); };
});
"""


class Door:
    """Asks every sender for a token.

    Attributes:
        valid: the tokens that it takes.
        shown: those that it was shown, in order.
        says_so: whether the page is told beforehand.
    """

    def __init__(self) -> None:
        self.valid = {TOKEN}
        self.shown: list[str | None] = []
        self.says_so = True

    def guard(self, tab: PlaywrightTab) -> None:
        """Stand between this tab's profile and the server."""
        change_answer(tab, "**/api/v1/info", lambda info: info | {"upload_token": self.says_so})
        tab.profile.context.route("**/api/v1/shares/*", self._let_in)

    def _let_in(self, route: Route) -> None:
        if route.request.method != "PUT":
            route.fallback()
            return
        self.shown.append(route.request.header_value("OTV-Upload-Token"))
        if self.shown[-1] in self.valid:
            route.fallback()
            return
        route.fulfill(
            status=401,
            content_type="application/problem+json",
            body=json.dumps({"status": 401, "code": "upload_token"}),
        )


@pytest.fixture
def door() -> Door:
    """Who asks for the token."""
    return Door()


@pytest.fixture
def sender(chromium: PlaywrightBrowser, door: Door) -> PlaywrightTab:
    """A tab in front of that door."""
    tab: Any = chromium.new_tab()
    door.guard(tab)
    return tab  # type: ignore[no-any-return]  # Chromium's driver has no other tabs


def test_right_token_lets_in(
    sender: PlaywrightTab, door: Door, page_server: RunningServer, client: Client
) -> None:
    """Else nobody could send where a token is needed."""
    steps.compose(sender, page_server.url, text=NOTE)
    sender.field("Upload token").fill(f" {TOKEN} ")

    (link,) = steps.create_links(sender)

    assert client.open(link).note == NOTE
    assert door.shown == [TOKEN]
    assert sender.script(KEPT) == []


@pytest.mark.parametrize("wrong", ["mistyped", "two words", "käse"])
def test_wrong_token_costs_nothing_that_was_typed(
    sender: PlaywrightTab, door: Door, page_server: RunningServer, tmp_path: Path, wrong: str
) -> None:
    """Else a slip in one field would cost everything in the others."""
    (tmp_path / "a.txt").write_text("a")
    steps.compose(sender, page_server.url, tmp_path / "a.txt", text=NOTE)
    sender.field("Password").fill("open sesame")
    sender.field("Openings").fill("3")
    sender.field("Upload token").fill(wrong)
    sender.find("button", "Create link").click()
    sender.until(lambda: told_beside(sender), "a sentence beside the field")

    sender.until(lambda: sender.script("return document.activeElement.id") == "token", "focus")
    assert sender.field("Note").value() == NOTE
    assert sender.field("Password").value() == "open sesame"
    assert sender.field("Openings").value() == "3"
    assert "a.txt" in sender.find("list", "Files to send").text()
    sender.field("Upload token").fill(TOKEN)
    steps.create_links(sender)
    assert door.shown[-1] == TOKEN


def told_beside(tab: PlaywrightTab) -> str | None:
    """What is said of the token that was typed, where it is wrong."""
    fields = tab.fields("Upload token")
    if not fields or fields[0].attribute("aria-invalid") is None:
        return None
    text: str = tab.script("return document.getElementById('token-told').textContent")
    return text


def test_token_is_kept_where_one_says_so_and_until_one_doesn_t(
    sender: PlaywrightTab, door: Door, page_server: RunningServer
) -> None:
    """Else it would be typed each time, or stay on a computer that isn't one's own."""
    steps.compose(sender, page_server.url, text=NOTE)
    sender.field("Upload token").fill(TOKEN)
    sender.find("checkbox", "Keep it in this browser").click()
    steps.create_links(sender)
    sender.until(lambda: sender.script(KEPT), "kept token")
    assert sender.script(KEPT) == [{"server": page_server.url, "token": TOKEN}]

    steps.compose(sender, page_server.url, text=NOTE)
    sender.until(lambda: sender.field("Upload token").value() == TOKEN, "token filled in")
    sender.find("checkbox", "Keep it in this browser").click()
    steps.create_links(sender)

    sender.until(lambda: not sender.script(KEPT), "token forgotten")
    assert door.shown == [TOKEN, TOKEN]


def test_wrong_token_is_never_kept(
    sender: PlaywrightTab, door: Door, page_server: RunningServer
) -> None:
    """Else a slip would be filled in for ever."""
    steps.compose(sender, page_server.url, text=NOTE)
    sender.field("Upload token").fill("mistyped")
    sender.find("checkbox", "Keep it in this browser").click()
    sender.find("button", "Create link").click()
    sender.until(lambda: told_beside(sender), "a sentence beside the field")

    assert door.shown == ["mistyped"]
    assert sender.script(KEPT) == []


def test_kept_token_that_was_revoked_is_told_of(
    sender: PlaywrightTab, door: Door, page_server: RunningServer
) -> None:
    """Else people would look for the mistake everywhere but there."""
    steps.compose(sender, page_server.url, text=NOTE)
    sender.field("Upload token").fill(TOKEN)
    sender.find("checkbox", "Keep it in this browser").click()
    steps.create_links(sender)
    sender.until(lambda: sender.script(KEPT), "kept token")
    door.valid = {"another"}
    steps.compose(sender, page_server.url, text=NOTE)
    sender.until(lambda: sender.field("Upload token").value() == TOKEN, "token filled in")

    sender.find("button", "Create link").click()

    sender.until(lambda: told_beside(sender), "a sentence beside the field")
    sender.field("Upload token").fill("another")
    steps.create_links(sender)
    sender.until(lambda: sender.script(KEPT)[0]["token"] == "another", "the new one is kept")


def test_token_that_is_wanted_only_later_is_asked_for(
    sender: PlaywrightTab, door: Door, page_server: RunningServer
) -> None:
    """Else somebody who went to another network meanwhile would have nowhere to type it."""
    door.says_so = False
    steps.compose(sender, page_server.url, text=NOTE)
    assert not sender.fields("Upload token")

    sender.find("button", "Create link").click()

    sender.until(lambda: told_beside(sender), "a sentence beside the field")
    sender.field("Upload token").fill(TOKEN)
    steps.create_links(sender)
    assert door.shown == [None, TOKEN]


def test_token_goes_nowhere_it_is_not_asked_for(
    sender: PlaywrightTab, door: Door, page_server: RunningServer
) -> None:
    """Else a server that asks for none would learn it."""
    steps.compose(sender, page_server.url, text=NOTE)
    sender.field("Upload token").fill(TOKEN)
    sender.find("checkbox", "Keep it in this browser").click()
    steps.create_links(sender)
    sender.until(lambda: sender.script(KEPT), "kept token")
    door.says_so, door.valid = False, {None}  # type: ignore[arg-type]  # no header at all

    steps.compose(sender, page_server.url, text=NOTE)
    assert not sender.fields("Upload token")
    steps.create_links(sender)

    assert door.shown == [TOKEN, None]
    assert len(sender.script(KEPT)) == 1


def test_browser_that_was_here_before_keeps_what_it_had(
    sender: PlaywrightTab, page_server: RunningServer
) -> None:
    """Else a newer page would lose the right to revoke what was sent from an older one."""
    sender.open(f"{page_server.url}/robots.txt")
    sender.script(OLDER)
    steps.compose(sender, page_server.url, text=NOTE)
    assert [each["id"] for each in steps.records(sender, "shares")] == ["older"]

    sender.field("Upload token").fill(TOKEN)
    sender.find("checkbox", "Keep it in this browser").click()
    steps.create_links(sender)

    sender.until(lambda: sender.script(KEPT), "kept token")
