"""Page to command line, command line to page, and page to phone by the QR code."""

from __future__ import annotations

import secrets
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.browser import steps
from tests.cli.conftest import Otv
from tests.cli.test_qr_read_back import read_code

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.drivers.tab import Tab
    from tests.conftest import RunningServer

SEVERAL_PARTS = (8 << 20) + 3_000_000
PASSWORD = "p\u00e4ssword \u2603"


@pytest.fixture
def otv(page_server: RunningServer, tmp_path: Path) -> Otv:
    """``otv-client`` against the server that serves the page."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Otv(page_server.url, tmp_path / "state", folder)


def test_page_to_command_line(tab: Tab, page_server: RunningServer, otv: Otv) -> None:
    """Else what a person sends from a browser could not be fetched by a script."""
    content, words = secrets.token_bytes(SEVERAL_PARTS), "f\u00fcr dich\n\u2603"
    (otv.folder / "caf\u00e9.bin").write_bytes(content)
    (otv.folder / "small.txt").write_text("small")
    steps.compose(
        tab, page_server.url, otv.folder / "caf\u00e9.bin", otv.folder / "small.txt", text=words
    )
    tab.field("Password").fill(PASSWORD)
    (link,) = steps.create_links(tab)

    protected = otv.using(env={"OTV_PASSWORD": PASSWORD})
    protected.ok("get", "-", "-o", "received", stdin=link.encode())

    received = otv.folder / "received"
    assert (received / "caf\u00e9.bin").read_bytes() == content
    assert (received / "small.txt").read_text() == "small"
    steps.sees(tab, "receipt checked")
    steps.assert_clean(tab)


def test_text_from_page_to_command_line(tab: Tab, page_server: RunningServer, otv: Otv) -> None:
    """Else a secret typed in a browser could come out changed in a terminal."""
    words = 'one line\n\ttwo, with a quote " and \u00fcml\u00e4uts'
    link = steps.send(tab, page_server.url, text=words)

    assert otv.ok("get", link).decode().removesuffix("\n") == words


def test_command_line_to_page(tab: Tab, otv: Otv) -> None:
    """Else what a script sends could not be opened by a person with nothing installed."""
    content = secrets.token_bytes(SEVERAL_PARTS)
    (otv.folder / "holiday").mkdir()
    (otv.folder / "holiday/a.bin").write_bytes(content)
    (otv.folder / "holiday/b.txt").write_text("b")
    protected = otv.using(env={"OTV_PASSWORD": PASSWORD})
    link = protected.put("holiday", "--note", "See you on Sunday")

    steps.open_link(tab, link, PASSWORD)

    assert steps.note_of(tab) == "See you on Sunday"
    assert steps.save(tab, "holiday/a.bin") == content
    assert steps.save(tab, "holiday/b.txt") == b"b"
    steps.wait_told(tab)
    assert b"receipt: verified" in otv.ok("status")
    steps.assert_clean(tab)


def test_code_on_the_page_is_the_link(tab: Tab, page_server: RunningServer, tmp_path: Path) -> None:
    """Else the phone that scans it opens something else, or nothing."""
    link = steps.send(tab, page_server.url, text="for the phone")
    tab.find("button", "Show QR code").click()
    tab.find("img", "QR code of the link")
    steps.assert_clean(tab)  # before playwright styles the page for its picture, against the policy
    tab.script("document.querySelector('svg.qr').scrollIntoView({ block: 'center' })")

    def scanned() -> str:
        tab.screenshot(tmp_path / "screen.png")
        try:
            return read_code(tmp_path / "screen.png")
        except subprocess.CalledProcessError:  # WebKit's pictures come a frame or two late
            return ""

    assert tab.until(scanned, "code that can be read") == link
