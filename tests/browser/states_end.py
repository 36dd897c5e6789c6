"""The states in which there is nothing to open: each end, and what stands in the way."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.browser.stage import (
    FAILED_REQUEST,
    NO_OPENER_POLICY,
    PLAIN,
    Stage,
    States,
    cut,
    over_plain_http,
    wait_patiently,
    with_fields,
)

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from otv_client import SentShare
    from tests.browser.drivers.with_playwright import PlaywrightTab

NOTE = "The door code is 4471."
GUESSES = 100  # in all, until a link ends
GUESSES_IN_A_ROW = 10  # until it locks

MISTAKE_AT_ONCE = """
const Honest = URL;
globalThis.URL = class extends Honest {
  constructor(address, base) {
    if (String(address).endsWith("#mistake")) throw new Error("a mistake");
    super(address, base);
  }
};
"""

ENDS = States("end")


def _sent(stage: Stage) -> SentShare:
    return stage.send(note=NOTE)


@ENDS.state()
def opened(stage: Stage) -> PlaywrightTab:
    """Somebody was here before."""
    link = _sent(stage).links[0].link
    stage.client.open(link)
    return stage.opener(link)


@ENDS.state()
def taken(stage: Stage) -> PlaywrightTab:
    """Somebody is receiving it."""
    link = _sent(stage).links[0].link
    stage.take(link)
    return stage.opener(link)


@ENDS.state()
def expired(stage: Stage) -> PlaywrightTab:
    """Too late."""
    link = stage.link_to(note=NOTE, expires_s=1)
    stage.wait_state(link, "expired")
    return stage.opener(link)


@ENDS.state()
def revoked(stage: Stage) -> PlaywrightTab:
    """The sender took it back."""
    sent = _sent(stage)
    stage.client.revoke(sent)
    return stage.opener(sent.links[0].link)


@ENDS.state()
def locked(stage: Stage) -> PlaywrightTab:
    """Ten wrong passwords: the sender can unlock it."""
    link = stage.link_to(note=NOTE, password="under the maps")
    stage.guess(link, GUESSES_IN_A_ROW)
    return stage.opener(link)


@ENDS.state()
def guessed(stage: Stage) -> PlaywrightTab:
    """A hundred wrong passwords: it is over."""
    sent = stage.send(note=NOTE, password="under the maps")
    link = sent.links[0]
    for _ in range(GUESSES // GUESSES_IN_A_ROW - 1):
        stage.guess(link.link, GUESSES_IN_A_ROW)
        stage.client.forgive(sent, link.id)
    stage.guess(link.link, GUESSES_IN_A_ROW)
    return stage.opener(link.link)


@ENDS.state()
def scheduled(stage: Stage) -> PlaywrightTab:
    """Too early: it counts down."""
    opens_at = datetime.now(UTC) + timedelta(hours=1, minutes=30)
    tab = stage.opener(stage.link_to(note=NOTE, opens_at=opens_at))
    tab.wait_text("In 1 hour")
    return tab


@ENDS.state()
def scheduled_soon(stage: Stage) -> PlaywrightTab:
    """The last minute of the countdown."""
    opens_at = datetime.now(UTC) + timedelta(seconds=50)
    tab = stage.opener(stage.link_to(note=NOTE, opens_at=opens_at))
    tab.wait_text("seconds")
    return tab


@ENDS.state()
def damaged(stage: Stage) -> PlaywrightTab:
    """The last character is missing."""
    return stage.opener(_sent(stage).links[0].link[:-1])


@ENDS.state()
def no_key(stage: Stage) -> PlaywrightTab:
    """Everything from the # on is missing."""
    return stage.opener(_sent(stage).links[0].link.partition("#")[0])


@ENDS.state()
def escaped(stage: Stage) -> PlaywrightTab:
    """A scanner made %23 of the #."""
    return stage.opener(_sent(stage).links[0].link.replace("#", "%23"))


@ENDS.state()
def too_new(stage: Stage) -> PlaywrightTab:
    """A link of version 2."""
    link = with_fields(_sent(stage).links[0].link, lambda fields: b"\x02" + fields[1:])
    return stage.opener(link)


@ENDS.state(says=FAILED_REQUEST)
def unknown(stage: Stage) -> PlaywrightTab:
    """A whole link that this server has never seen."""
    link = with_fields(
        _sent(stage).links[0].link, lambda fields: fields[:2] + bytes(len(fields) - 2)
    )
    return stage.opener(link)


@ENDS.state()
def integrity(stage: Stage) -> PlaywrightTab:
    """A byte of the content was changed on the way."""
    tab = stage.opener(stage.link_to(stage.file("film.mov", bytes(1 << 20))))

    def change(route: Route) -> None:
        answer = route.fetch()
        body = bytearray(answer.body())
        body[-1] ^= 1
        route.fulfill(response=answer, body=bytes(body))

    tab.profile.context.route("**/content", change)
    tab.find("button", "Open").click()
    tab.find("heading", "What came is not what was sent")
    return tab


@ENDS.state(says=FAILED_REQUEST)
def unreachable(stage: Stage) -> PlaywrightTab:
    """No answer from the server."""
    tab = stage.tab()
    cut(tab, "**/api/v1/links/*")
    tab.open(_sent(stage).links[0].link)
    wait_patiently(tab, "No answer from the server")
    return tab


@ENDS.state(says=FAILED_REQUEST)
def refused(stage: Stage) -> PlaywrightTab:
    """The server doesn't give any more."""
    problem = {"type": "about:blank", "status": 403, "code": "egress_spent", "title": ""}
    tab = stage.opener(stage.link_to(stage.file("film.mov", bytes(1 << 20))))
    tab.profile.context.route(
        "**/content",
        lambda route: route.fulfill(
            status=403, json=problem, content_type="application/problem+json"
        ),
    )
    tab.find("button", "Open").click()
    tab.find("heading", "The server refuses")
    return tab


@ENDS.state(says="^a mistake$")
def own_mistake(stage: Stage) -> PlaywrightTab:
    """The page made a mistake, and shows what it showed before."""
    tab = stage.opener(_sent(stage).links[0].link)
    tab.script("setTimeout(() => { throw new Error('a mistake') })")
    tab.find("alert")
    return tab


@ENDS.state(says="^a mistake$")
def own_failure(stage: Stage) -> PlaywrightTab:
    """The page made a mistake before it showed anything."""
    tab = stage.tab(MISTAKE_AT_ONCE)
    tab.open(f"{stage.url}/#mistake")
    tab.find("heading", "Something went wrong in this page")
    return tab


@ENDS.state(says=NO_OPENER_POLICY)
def insecure(stage: Stage) -> PlaywrightTab:
    """Plain HTTP from another machine: browsers encrypt nothing there."""
    tab = stage.tab()
    over_plain_http(stage, tab, is_wanted=False)
    tab.open(PLAIN)
    tab.find("heading", re.compile("used safely$"))
    return tab
