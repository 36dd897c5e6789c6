"""A phone's browser and a command line in one room, with a server that nobody set up."""

from __future__ import annotations

import secrets
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.browser import steps
from tests.browser.drivers.with_playwright import PlaywrightBrowser
from tests.lan.conftest import HTTP_PORT
from tests.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.drivers.tab import Tab
    from tests.lan.conftest import Lan

SEVERAL_PARTS = (8 << 20) + 300_000
NOTE = "from the söfa"
WHERE = "return [isSecureContext, crypto.subtle !== undefined];"
# What Chromium says of the page by plain HTTP.
NO_OPENER_POLICY = "The Cross-Origin-Opener-Policy header has been ignored"


@pytest.fixture
def phone(lan: Lan, built_page: Path, tmp_path: Path) -> Iterator[Tab]:
    """Chromium on a machine of its own; whoever holds it clicks warnings of certificates away."""
    assert built_page.is_dir()
    start = tmp_path / "chromium"
    command = shlex.join([*lan.laptop.inside, program("chromium", "chromium")])
    start.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    start.chmod(0o700)
    browser = PlaywrightBrowser("chromium", str(start), tmp_path, trusts_anyone=True)
    yield browser.new_tab()
    browser.close()


def send_and_open(phone: Tab, lan: Lan, url: str, *, named: str = "") -> None:
    """From the page at ``url`` to a command line on another machine, and back.

    Its ``put`` finds the server, unless it is ``named``.
    """
    person = lan.person(lan.stranger, "person")
    content = secrets.token_bytes(SEVERAL_PARTS)
    (person.folder / "back.bin").write_bytes(content)
    (lan.folder / "there.bin").write_bytes(content[::-1])

    there = steps.send(phone, url, lan.folder / "there.bin", text=NOTE)
    person.ok("get", there, "-o", "got")
    steps.sees(phone, "receipt checked")
    steps.open_link(phone, person.using(server=named).put("back.bin", "--note", NOTE))

    assert there.startswith(f"{url}/s/")
    assert (person.folder / "got/there.bin").read_bytes() == content[::-1]
    assert steps.note_of(phone) == NOTE
    assert steps.save(phone, "back.bin") == content
    steps.wait_told(phone)


def test_phone_that_trusts_the_certificate_sends_and_opens(phone: Tab, lan: Lan) -> None:
    """The one address that everyone is shown would be of no use to browsers."""
    with lan.serving() as server:
        send_and_open(phone, lan, server.url)

        assert phone.script(WHERE) == [True, True]
    steps.assert_clean(phone)


def test_phone_sends_and_opens_by_plain_http(phone: Tab, lan: Lan) -> None:
    """Whoever chose plain HTTP, for a device that can't be talked into more, would have nothing."""
    with lan.serving(lan_http=True):
        url = f"http://{lan.home.address}:{HTTP_PORT}"
        send_and_open(phone, lan, url, named=url)

        assert phone.script(WHERE) == [False, False]
    steps.assert_clean(phone, NO_OPENER_POLICY)
