"""The states of the sending page, and of what was sent from it."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.browser.stage import (
    FAILED_REQUEST,
    NO_OPENER_POLICY,
    PLAIN,
    Stage,
    States,
    change_answer,
    create_link,
    cut,
    look_again,
    over_plain_http,
    wait_patiently,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.drivers.with_playwright import PlaywrightTab

PART = 8 << 20
LONG_NAME = "Contract for the flat in Rosenthaler Strasse, second version with all appendices.pdf"
SECRET = "The door code is 4471.\nThe alarm wants the same number again."

SENDING = States("send")
SENT = States("sent")


def choose(tab: PlaywrightTab, *files: Path) -> None:
    """Choose files to send."""
    tab.field("Choose files").choose(*files)
    tab.find("list", "Files to send")


def send_text(tab: PlaywrightTab) -> str:
    """Send a secret text on the terms that stand in the form, and hand over the first link."""
    tab.field("Secret text").fill(SECRET)
    return create_link(tab)[0]


@SENDING.state()
def empty(stage: Stage) -> PlaywrightTab:
    """Nothing chosen, nothing typed."""
    return stage.sender()


@SENDING.state()
def files(stage: Stage) -> PlaywrightTab:
    """Several files, one with a long name, one renamed so that every system can save it."""
    tab = stage.sender()
    long = stage.file(LONG_NAME, bytes(2_400_000))
    choose(tab, stage.file("keys.txt", "x"), long, stage.file("what?: a name.txt", bytes(40_000)))
    tab.field("Note").fill("Both keys hang in the hall.")
    return tab


@SENDING.state()
def many_files(stage: Stage) -> PlaywrightTab:
    """More files than the list shows."""
    tab = stage.sender()
    choose(tab, *(stage.file(f"photo {number:03}.jpg", bytes(9000)) for number in range(60)))
    return tab


@SENDING.state()
def text(stage: Stage) -> PlaywrightTab:
    """A secret typed."""
    tab = stage.sender()
    tab.field("Secret text").fill(SECRET)
    return tab


@SENDING.state()
def terms(stage: Stage) -> PlaywrightTab:
    """Every choice used: a time of one's own, a password, named links, files that can't be seen."""
    tab = stage.sender()
    choose(tab, stage.file("backup.tar.xz", bytes(range(256)) * 90))
    tab.field("Expires after").select("Other…")
    tab.field("How many").fill("36")
    tab.field("Unit").select("hours")
    tab.field("Opens at").fill(f"{datetime.now().astimezone() + timedelta(hours=2):%Y-%m-%dT%H:%M}")
    tab.find("button", "Suggest").click()
    tab.field("Openings").fill("2")
    tab.field("Personal links").fill("3")
    tab.field("Name for link 1").fill("Ana")
    tab.field("Name for link 2").fill("The caretaker in the house next door")
    tab.find("checkbox", "View only").click()
    tab.wait_text("be shown in a browser")
    return tab


@SENDING.state()
def problems(stage: Stage) -> PlaywrightTab:
    """Choices that the server doesn't allow."""
    tab = stage.sender()
    tab.field("Secret text").fill(SECRET)
    tab.field("Expires after").select("Other…")
    tab.field("How many").fill("90")
    tab.field("Unit").select("days")
    tab.field("Opens at").fill("2020-01-01T10:00")
    tab.field("Openings").fill("0")
    tab.field("Personal links").fill("1000")
    tab.find("button", "Create link").click()
    tab.find("alert")
    return tab


@SENDING.state()
def nothing(stage: Stage) -> PlaywrightTab:
    """Asked for a link before there is anything to send."""
    tab = stage.sender()
    tab.find("button", "Create link").click()
    tab.find("alert")
    return tab


@SENDING.state()
def upload_token(stage: Stage) -> PlaywrightTab:
    """A server that asks for an upload token, which is missing."""
    tab = stage.tab()
    change_answer(tab, "**/api/v1/info", lambda info: info | {"upload_token": True})
    stage.at_sender(tab)
    tab.field("Secret text").fill(SECRET)
    tab.find("button", "Create link").click()
    tab.find("alert")
    return tab


@SENDING.state(says=FAILED_REQUEST)
def token_refused(stage: Stage) -> PlaywrightTab:
    """The token is not one that the server knows, or has been revoked."""
    tab = stage.tab()
    change_answer(tab, "**/api/v1/info", lambda info: info | {"upload_token": True})
    refusal = json.dumps({"status": 401, "code": "upload_token"})
    tab.profile.context.route(
        "**/api/v1/shares/*", lambda route: route.fulfill(status=401, body=refusal)
    )
    stage.at_sender(tab)
    tab.field("Secret text").fill(SECRET)
    tab.field("Upload token").fill("a-token-that-was-revoked")
    tab.find("checkbox", "Keep it in this browser").click()
    tab.find("button", "Create link").click()
    tab.wait_text("take this token")
    return tab


@SENDING.state(says=NO_OPENER_POLICY)
def plain_http(stage: Stage) -> PlaywrightTab:
    """Plain HTTP from another machine, where the server wants its page used like that."""
    tab = stage.tab()
    over_plain_http(stage, tab, is_wanted=True)
    tab.open(PLAIN)
    tab.until(lambda: tab.field("Expires after").value(), "expiry")
    return tab


@SENDING.state()
def shared_lost(stage: Stage) -> PlaywrightTab:
    """Another program shared something, and it didn't arrive."""
    tab = stage.tab()
    tab.open(f"{stage.url}/#shared=")
    tab.wait_text("arrive in this page")
    tab.until(lambda: tab.field("Expires after").value(), "expiry")
    return tab


@SENDING.state(says=FAILED_REQUEST)
def unreachable(stage: Stage) -> PlaywrightTab:
    """No server to ask what it allows."""
    tab = stage.tab()
    cut(tab, "**/api/v1/info")
    tab.open(stage.url)
    wait_patiently(tab, "be reached. What you chose")
    return tab


@SENDING.state()
def under_way(stage: Stage) -> PlaywrightTab:
    """Half of it is there."""
    tab = stage.sender()
    choose(tab, stage.file("film.mov", bytes(3 * PART)))
    stage.hold(tab, "PUT", "**/parts/2")  # the last; the others come through, also at a second try
    tab.find("button", "Create link").click()
    tab.wait_text(re.compile("[0-9] MB of"))  # the last part alone is missing
    return tab


@SENDING.state(says=FAILED_REQUEST)
def offline(stage: Stage) -> PlaywrightTab:
    """The network went away in the middle."""
    tab = under_way(stage)
    tab.set_offline(is_offline=True)
    tab.wait_text("No network")
    return tab


@SENDING.state(says=FAILED_REQUEST)
def cancelled(stage: Stage) -> PlaywrightTab:
    """Cancelled in the middle; everything is still chosen."""
    tab = under_way(stage)
    tab.find("button", "Cancel").click()
    tab.wait_text("Cancelled")
    return tab


@SENT.state()
def link(stage: Stage) -> PlaywrightTab:
    """One link, not opened yet."""
    tab = stage.sender()
    send_text(tab)
    tab.wait_text("Not opened yet")
    return tab


@SENT.state()
def copied(stage: Stage) -> PlaywrightTab:
    """The link was copied."""
    tab = stage.sender()
    tab.profile.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.clock.install()  # so that the word stays while it is looked at
    send_text(tab)
    tab.find("button", "Copy link").click()
    tab.find("button", "Copied")
    return tab


@SENT.state(says=NO_OPENER_POLICY)
def selected(stage: Stage) -> PlaywrightTab:
    """No clipboard: the link is selected, to be copied by hand."""
    tab = plain_http(stage)
    send_text(tab)
    tab.find("button", "Copy link").click()
    tab.wait_text("The link is selected")
    return tab


@SENT.state()
def qr_code(stage: Stage) -> PlaywrightTab:
    """The link with its QR code."""
    tab = link(stage)
    tab.find("button", "Show QR code").click()
    tab.find("img", "QR code of the link")
    return tab


@SENT.state()
def several_links(stage: Stage) -> PlaywrightTab:
    """Personal links, two of them named, with a password."""
    tab = stage.sender()
    tab.field("Personal links").fill("3")
    tab.field("Name for link 1").fill("Ana")
    tab.field("Name for link 2").fill("The caretaker in the house next door")
    tab.field("Openings").fill("2")
    tab.field("Password").fill("under the maps")
    send_text(tab)
    tab.wait_text("2 openings left")
    return tab


@SENT.state()
def opened(stage: Stage) -> PlaywrightTab:
    """Opened, and the receipt fits."""
    tab = stage.sender()
    stage.client.open(send_text(tab), into=stage.folder)
    look_again(tab)
    tab.wait_text("receipt checked")
    return tab


@SENT.state()
def locked(stage: Stage) -> PlaywrightTab:
    """Locked by wrong passwords."""
    tab = stage.sender()
    stage.guess(send_text(tab), 10)
    look_again(tab)
    tab.find("button", "Unlock")
    return tab


@SENT.state()
def revoked(stage: Stage) -> PlaywrightTab:
    """Taken back."""
    tab = stage.sender()
    send_text(tab)
    tab.find("button", "Revoke").click()
    tab.wait_text("Revoked.")
    return tab


@SENT.state()
def scheduled(stage: Stage) -> PlaywrightTab:
    """Opens tomorrow."""
    tab = stage.sender()
    ahead = datetime.now().astimezone() + timedelta(hours=20)
    tab.field("Opens at").fill(f"{ahead:%Y-%m-%dT%H:%M}")
    send_text(tab)
    tab.wait_text("Opens ")
    return tab


@SENT.state(says=FAILED_REQUEST)
def stale(stage: Stage) -> PlaywrightTab:
    """The server doesn't answer any more when asked what became of it."""
    tab = link(stage)
    cut(tab, "**/api/v1/shares/*")
    look_again(tab)
    wait_patiently(tab, "so the state may be old")
    return tab


@SENT.state()
def list_of_shares(stage: Stage) -> PlaywrightTab:
    """What this browser sent: opened, expired, locked, begun, revoked, waiting, several links."""
    tab = stage.sender()
    stage.client.open(send_text(tab), into=stage.folder)
    stage.wait_state(_send_for_a_second(stage.at_sender(tab)), "expired")
    stage.guess(send_text(stage.at_sender(tab)), 10)
    stage.take(send_text(stage.at_sender(tab)))
    send_text(stage.at_sender(tab))
    tab.find("button", "Revoke").click()
    tab.wait_text("Revoked.")
    send_text(stage.at_sender(tab))
    stage.at_sender(tab)
    tab.field("Personal links").fill("2")
    tab.field("Name for link 1").fill("Ana")
    stage.client.open(send_text(tab), into=stage.folder)
    stage.at_sender(tab)
    tab.until(lambda: len(tab.every("button", "Remove from this list")) == 3, "answers")
    return tab


@SENT.state()
def list_unreadable(stage: Stage) -> PlaywrightTab:
    """What this browser sent can't be read: nothing is lost, and the page says so itself."""
    tab = stage.sender(
        "IDBObjectStore.prototype.getAll = () => { throw new DOMException('', 'UnknownError'); };"
    )
    tab.wait_text("read what it kept just now")
    return tab


def _send_for_a_second(tab: PlaywrightTab) -> str:
    tab.field("Expires after").select("Other…")
    tab.field("How many").fill("1")
    tab.field("Unit").select("seconds")
    return send_text(tab)
