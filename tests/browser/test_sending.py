"""What is sent from the page arrives, as it was and on the terms that the sender chose."""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from otv_client import Over
from tests.browser import steps
from tests.browser.drivers.tab import Ability
from tests.browser.stage import raw_link
from tests.programs import program

if TYPE_CHECKING:
    from pathlib import Path

    from otv_client import Client
    from tests.browser.drivers.tab import Browser, Tab
    from tests.conftest import RunningServer
    from tests.support import Api

OPENED = re.compile(r"Opened at \d\d:\d\d, receipt checked")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file."""
    path = tmp_path / "small.txt"
    path.write_bytes(b"a few words\n")
    return path


def test_several_files_of_several_parts(
    tab: Tab, browser: Browser, page_server: RunningServer, tmp_path: Path
) -> None:
    """Else people would send their files, and the other side would get others, or pieces."""
    sent = {
        "first.bin": os.urandom(2 * steps.PART + 4_000_000),
        "empty": b"",
        "Grüße aus Köln.txt": "Grüße\n".encode(),
        "across the end of a part.bin": os.urandom(6_000_000),
    }
    for name, content in sent.items():
        (tmp_path / name).write_bytes(content)
    link = steps.send(
        tab, page_server.url, *(tmp_path / name for name in sent), text="All of it.\nAt once."
    )
    recipient = browser.new_tab()

    steps.open_link(recipient, link)

    assert steps.note_of(recipient) == "All of it.\nAt once."
    assert {name: steps.save(recipient, name) for name in sent} == sent
    recipient.find("button", "Save all as ZIP").click()
    check_archive(recipient.downloaded("one-time-view.zip"), sent)
    steps.assert_clean(recipient)
    steps.assert_clean(tab)


def check_archive(path: Path, contents: dict[str, bytes]) -> None:
    """Every program that people unpack archives with reads this one, and finds this in it."""
    with zipfile.ZipFile(path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == contents
    for tester in ([program("unzip", "unzip"), "-tqq"], [program("7z", "p7zip-full"), "t", "-bd"]):
        done = subprocess.run([*tester, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_secret_text_alone(tab: Tab, browser: Browser, page_server: RunningServer) -> None:
    """Else a password could not be handed over, or its sender would never know that it was read."""
    text = 'p<b>"&\u202e\u00e4ss\U0001f600\n\tword'
    link = steps.send(tab, page_server.url, text=text)
    tab.wait_text("Not opened yet")
    recipient = browser.new_tab()

    steps.open_link(recipient, link)

    assert steps.note_of(recipient) == r'p<b>"&\u202eäss' + "\U0001f600\n\tword"
    assert not recipient.every("list", "Files")
    tab.wait_text(OPENED)  # by itself
    assert steps.about_now(tab.text())
    steps.assert_clean(recipient)
    steps.assert_clean(tab)


@pytest.mark.needs(Ability.FOLDER)
def test_folder(tab: Tab, page_server: RunningServer, client: Client, tmp_path: Path) -> None:
    """Else a folder would arrive as a heap of files, or without those that lie deeper."""
    contents = {"trip/day 1/a.txt": b"a", "trip/b.bin": os.urandom(70_000), "trip/empty": b""}
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    steps.compose(tab, page_server.url)
    tab.field("Choose a folder").choose(tmp_path / "trip")
    tab.find("list", "Files to send")

    (link,) = steps.create_links(tab)

    client.open(link, into=tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in contents} == contents
    steps.assert_clean(tab)


def test_dropped_and_pasted_files(
    tab: Tab, page_server: RunningServer, client: Client, tmp_path: Path
) -> None:
    """Else what people drop on the page would open in its place, and be sent to nobody."""
    steps.compose(tab, page_server.url)

    tab.script(DROP_AND_PASTE)
    tab.until(lambda: len(tab.every("button", re.compile("^Remove .+txt$"))) == 2, "two files")
    (link,) = steps.create_links(tab)

    client.open(link, into=tmp_path / "out")
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == {"dropped.txt": b"d", "pasted.txt": b"p"}
    steps.assert_clean(tab)


# Which of these the page keeps the browser from acting upon.
DROP_BESIDE = """
return ["dragover", "drop"].filter((type) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["d"], "dropped.txt"));
  const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer });
  return !document.body.dispatchEvent(event);
});
"""
# As a proxy does that knows no such method.
REFUSE_DELETING = """
const plain = fetch;
globalThis.fetch = async (url, init) =>
  init.method === "DELETE" ? new Response("{}", { status: 405 }) : plain(url, init);
"""
DROP_AND_PASTE = """
const holding = (name, text) => {
  const held = new DataTransfer();
  held.items.add(new File([text], name, { type: "text/plain" }));
  return held;
};
// Not every browser takes files with an event that a script makes, so they are put there.
const happen = (kind, member, held) => {
  const event = new Event(kind, { bubbles: true, cancelable: true });
  document.body.dispatchEvent(Object.defineProperty(event, member, { value: held }));
};
happen("drop", "dataTransfer", holding("dropped.txt", "d"));
setTimeout(() => happen("paste", "clipboardData", holding("pasted.txt", "p")), 100);
"""


def test_password(
    tab: Tab, page_server: RunningServer, client: Client, small: Path, tmp_path: Path
) -> None:
    """Else whoever comes by the link alone could open it."""
    steps.compose(tab, page_server.url, small)
    tab.find("button", "Suggest").click()
    password = tab.until(lambda: tab.field("Password").value(), "password")

    (link,) = steps.create_links(tab)

    assert len(password) >= 16
    assert "the link and the password" in tab.text()
    client.open(link, into=tmp_path / "out", password=password)
    assert (tmp_path / "out/small.txt").read_bytes() == small.read_bytes()
    steps.assert_clean(tab)


def test_scheduled_and_with_an_expiry_of_ones_own(
    tab: Tab, page_server: RunningServer, api: Api
) -> None:
    """Else something could be read before it is time, or after."""
    at = datetime.now().astimezone().replace(second=0, microsecond=0) + timedelta(hours=2)
    steps.compose(tab, page_server.url, text="x")
    tab.field("Opens at").fill(f"{at:%Y-%m-%dT%H:%M}")
    tab.field("Expires after").select("Other…")
    tab.field("How many").fill("36")
    tab.field("Unit").select("seconds")

    (link,) = steps.create_links(tab)

    tab.wait_text(re.compile(rf"Opens (at|on).* {at:%H:%M}"))
    view = api.look(raw_link(link)).json()
    opens_at, expires_at = (datetime.fromisoformat(view[each]) for each in OPENS_AND_EXPIRES)
    assert view["state"] == "scheduled"
    assert abs(opens_at - at.astimezone(UTC)) < timedelta(seconds=30)  # the field is in minutes
    assert expires_at - opens_at == timedelta(seconds=36)
    steps.assert_clean(tab)


OPENS_AND_EXPIRES = ("opens_at", "expires_at")


def test_several_openings(tab: Tab, page_server: RunningServer, client: Client) -> None:
    """Else a link for a team would open for its first member alone, or for anybody after."""
    steps.compose(tab, page_server.url, text="for two")
    tab.field("Openings").fill("2")

    (link,) = steps.create_links(tab)

    assert "2 times in all" in tab.text()
    assert client.open(link).note == "for two"
    steps.sees(tab, "1 opening left")
    assert client.open(link).note == "for two"
    steps.sees(tab, "receipt checked")
    with pytest.raises(Over):
        client.open(link)
    steps.assert_clean(tab)


def test_file_that_changed_since_it_was_chosen_is_not_sent(
    tab: Tab, page_server: RunningServer, small: Path
) -> None:
    """Else half of a document goes, to its old length, and is all that can be opened."""
    steps.compose(tab, page_server.url, small)
    small.write_bytes(b"other words, and more of them than before")

    tab.find("button", "Create link").click()

    assert small.name in tab.find("alert").text()
    assert not tab.every("heading", re.compile("^Your link"))


def test_date_without_a_time_is_not_at_once(
    tab: Tab, page_server: RunningServer, small: Path
) -> None:
    """Else what is for tomorrow can be opened today, and is over by then."""
    steps.compose(tab, page_server.url, small)
    tab.script("document.querySelector('#opens-at').focus()")
    for digit in "12012099":  # the first of one, or the twelfth of the other
        tab.press(digit)

    tab.find("button", "Create link").click()

    tab.find("alert")
    tab.until(lambda: tab.script("return document.activeElement.id") == "opens-at", "focus")
    assert not tab.every("heading", "Sending")


def test_file_that_is_dropped_beside_leaves_the_links(tab: Tab, page_server: RunningServer) -> None:
    """Else the browser shows that file, and links that nobody has copied are gone."""
    steps.send(tab, page_server.url, text="words")

    kept = tab.script(DROP_BESIDE)

    assert kept == ["dragover", "drop"]


def test_revoking_that_fails_is_told(tab: Tab, page_server: RunningServer, client: Client) -> None:
    """Else a person who revoked it in a hurry believes that nobody can open it."""
    link = steps.send(tab, page_server.url, text="words")
    tab.find("button", "Revoke")
    tab.script(REFUSE_DELETING)

    tab.find("button", "Revoke").click()

    tab.find("alert")
    assert tab.every("button", "Revoke")
    assert client.open(link).note == "words"


def test_personal_links_with_names(
    tab: Tab, page_server: RunningServer, client: Client, tmp_path: Path, small: Path
) -> None:
    """Else nobody could tell which of the recipients has opened it."""
    steps.compose(tab, page_server.url, small)
    tab.field("Personal links").fill("3")
    tab.field("Name for link 1").fill("Ana")
    tab.field("Name for link 3").fill("Bo <b>")

    links = steps.create_links(tab)
    client.open(links[2], into=tmp_path / "out")

    assert len(set(links)) == 3
    steps.sees(tab, "receipt checked")
    told = [each.text() for each in tab.every("status")]
    assert ["receipt checked" in each for each in told] == [False, False, True]
    assert "Ana" in tab.text()
    tab.open(page_server.url)
    listed = tab.find("region", "Sent from this browser")
    tab.until(lambda: "receipt checked" in listed.text(), "receipt in the list")
    assert re.search(
        r"Ana\s+Not opened yet.*Link 2\s+Not opened yet.*Bo <b>\s+Opened at",
        listed.text(),
        re.DOTALL,
    )
    steps.assert_clean(tab)


def test_view_only(tab: Tab, browser: Browser, page_server: RunningServer, small: Path) -> None:
    """Else a sender who asks for looking alone would have asked for nothing."""
    steps.compose(tab, page_server.url, small)
    tab.find("checkbox", "View only").click()
    (link,) = steps.create_links(tab)
    recipient = browser.new_tab()

    steps.open_link(recipient, link)
    preview = steps.view(recipient, "small.txt")

    assert "12 bytes" in preview.text()
    assert "a few words" in recipient.script("return document.body.innerText", in_frame=True)
    assert not recipient.every("button", re.compile("^Save"))
    assert "a courtesy, not a lock" in recipient.text()
    steps.sees(tab, "receipt checked")
    steps.assert_clean(recipient)
    steps.assert_clean(tab)


def test_revoked(tab: Tab, page_server: RunningServer, client: Client) -> None:
    """Else a link sent to the wrong person could not be taken back."""
    first = steps.send(tab, page_server.url, text="at once")
    tab.find("button", "Revoke").click()
    tab.wait_text("Revoked.")
    second = steps.send(tab, page_server.url, text="later")
    tab.open(page_server.url)
    listed = tab.find("region", "Sent from this browser")

    tab.find("button", "Revoke", within=listed).click()

    tab.until(lambda: listed.text().count("Revoked.") == 2, "two revoked")
    for link in (first, second):
        with pytest.raises(Over) as caught:
            client.open(link)
        assert caught.value.state == "revoked"
    steps.assert_clean(tab)


def test_what_is_over_can_be_taken_off_the_list(tab: Tab, page_server: RunningServer) -> None:
    """Else the list would only ever grow."""
    steps.send(tab, page_server.url, text="x")
    tab.find("button", "Revoke").click()
    tab.wait_text("Revoked.")
    tab.open(page_server.url)

    tab.find("button", "Remove from this list").click()

    tab.wait_gone("region", "Sent from this browser")
    assert steps.records(tab, "shares") == []
    steps.assert_clean(tab)
