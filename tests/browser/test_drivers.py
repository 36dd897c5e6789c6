"""The drivers see what they are trusted to see; else every test of the page could pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.drivers.tab import Ability

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.drivers.tab import Browser, Tab
    from tests.conftest import RunningServer

SAMPLE = """
document.body.replaceChildren();
const add = (tag, more) =>
  document.body.appendChild(Object.assign(document.createElement(tag), more));
add("h1", { textContent: "Sample" });
add("button", { textContent: "Go", onclick: () => add("p", { textContent: "gone" }) });
add("button", { textContent: "Hidden", hidden: true });
add("label", { textContent: "Words", htmlFor: "words" });
add("textarea", { id: "words" });
add("label", { textContent: "Password", htmlFor: "secret" });
add("input", { id: "secret", type: "password" });
add("label", { textContent: "Files", htmlFor: "files" });
const input = add("input", { id: "files", type: "file", multiple: true });
input.webkitdirectory = location.hash === "#folder";
input.onchange = () => {
  const names = [...input.files].map((file) => file.webkitRelativePath || file.name);
  document.body.dataset.chosen = names.sort().join();
};
add("a", { textContent: "Save", href: "/robots.txt", download: "robots saved.txt" });
"""


@pytest.fixture
def sample(tab: Tab, page_server: RunningServer) -> Tab:
    """A document that holds one of each, in place of the page's own."""
    tab.open(page_server.url)
    tab.script(SAMPLE)
    return tab


def test_complaints_are_heard(sample: Tab) -> None:
    """Else a page full of errors would pass for a clean one."""
    assert sample.complaints() == []

    sample.script("console.error('told')")
    sample.script("setTimeout(() => { throw new Error('thrown') })")
    sample.script("Promise.reject(new Error('rejected'))")
    sample.script("document.body.append(Object.assign(new Image(), { src: 'http://other.test/' }))")

    for what in ("told", "thrown", "rejected", "policy: img-src"):
        sample.until(lambda what=what: what in "\n".join(sample.complaints()), what)  # type: ignore[misc]  # mypy can't infer the default


@pytest.mark.needs(Ability.EARLY)
def test_complaints_of_scripts_are_heard(tab: Tab, page_server: RunningServer) -> None:
    """Else what goes wrong while the page loads would not show."""
    tab.open(f"{page_server.url}/viewer.html")
    tab.script("return import('data:text/javascript,').catch(() => 0)")

    tab.until(lambda: "policy: script-src" in "\n".join(tab.complaints()), "complaint")


def test_elements_are_found_as_they_are_perceived(sample: Tab) -> None:
    """Else a test would click what no person sees."""
    sample.find("button", "Go").click()

    sample.wait_text("gone")
    assert [sample.every("button", name) for name in ("Hidden", "G", "go")] == [[], [], []]
    assert sample.find("heading", "Sample").text() == "Sample"
    with pytest.raises(AssertionError, match="no button 'Missing'"):
        sample.find("button", "Missing", patience_s=0.1)


@pytest.mark.parametrize("text", ["plain", "two\nlines", "ünï \U0001f600 \u202e", ""])
def test_text_arrives_as_it_is(sample: Tab, text: str) -> None:
    """Else a hostile note would be tested as a tame one."""
    sample.field("Words").fill("before")

    sample.field("Words").fill(text)

    assert sample.field("Words").value() == text


def test_keys_go_where_the_focus_is(sample: Tab) -> None:
    """Else the page could not be tested from the keyboard alone."""
    sample.field("Words").fill("")

    sample.press("a")
    sample.press("Tab")
    sample.press("b")

    assert (sample.field("Words").value(), sample.field("Password").value()) == ("a", "b")
    sample.press("Shift+Tab")
    assert sample.script("return document.activeElement.id") == "words"


def test_files_are_chosen(sample: Tab, tmp_path: Path) -> None:
    """Else nothing could be sent."""
    for name in ("b.txt", "a ü.txt"):
        (tmp_path / name).write_text(name)

    sample.field("Files").choose(tmp_path / "b.txt", tmp_path / "a ü.txt")

    assert sample.wait_attribute("body", "data-chosen") == "a ü.txt,b.txt"


@pytest.mark.needs(Ability.FOLDER)
def test_folder_is_chosen(tab: Tab, page_server: RunningServer, tmp_path: Path) -> None:
    """Else no folder could be sent."""
    (tmp_path / "folder/below").mkdir(parents=True)
    (tmp_path / "folder/below/a.txt").write_text("a")
    tab.open(f"{page_server.url}/#folder")
    tab.script(SAMPLE)

    tab.field("Files").choose(tmp_path / "folder")

    assert tab.wait_attribute("body", "data-chosen") == "folder/below/a.txt"


def test_downloads_arrive(sample: Tab, built_page: Path) -> None:
    """Else what was opened could not be compared with what was sent."""
    assert sample.downloads() == []

    sample.find("link", "Save").click()

    saved = sample.downloaded("robots saved.txt")
    assert saved.read_bytes() == (built_page / "robots.txt").read_bytes()


def test_profiles_share_nothing(
    sample: Tab, browser: Browser, page_server: RunningServer, tmp_path: Path
) -> None:
    """Else a recipient would be tested with what the sender keeps."""
    sample.script("localStorage.setItem('kept', 'yes')")
    same, other = sample.another(), browser.new_tab()

    for tab in (same, other):
        tab.open(page_server.url)

    assert same.script("return localStorage.getItem('kept')") == "yes"
    assert other.script("return localStorage.getItem('kept')") is None
    same.close()
    sample.screenshot(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_frame_is_reached(tab: Tab, page_server: RunningServer) -> None:
    """Else nothing could be said of the viewer, whose origin is opaque."""
    tab.open(page_server.url)
    tab.script(
        "const frame = Object.assign(document.createElement('iframe'), { src: '/viewer.html' });"
        "frame.setAttribute('sandbox', 'allow-scripts');"
        "return new Promise((loaded) => { frame.onload = loaded; document.body.append(frame); })"
        ".then(() => 0)"
    )

    assert tab.script("return origin", in_frame=True) == "null"
    assert tab.script("return origin") == page_server.url


@pytest.mark.parametrize("is_dark", [False, True])
def test_colour_scheme(browser: Browser, page_server: RunningServer, is_dark: bool) -> None:  # noqa: FBT001  # pytest passes it by name
    """Else both themes would be one."""
    tab = browser.new_tab(is_dark=is_dark)
    tab.open(page_server.url)

    assert tab.script("return matchMedia('(prefers-color-scheme: dark)').matches") == is_dark


def test_size(sample: Tab) -> None:
    """Else a narrow page would be tested wide."""
    for width in (320, 768) if Ability.NARROW in sample.abilities else (480, 768):
        sample.resize(width, 700)
        sample.until(lambda width=width: sample.script("return innerWidth") == width, "width")  # type: ignore[misc]  # as above


@pytest.mark.needs(Ability.OFFLINE)
def test_network_is_cut(sample: Tab) -> None:
    """Else a lost network would never be tested."""
    ask = "return fetch('/robots.txt').then((answer) => answer.status, () => 0)"

    sample.set_offline(is_offline=True)
    assert sample.script(ask) == 0
    sample.set_offline(is_offline=False)
    assert sample.script(ask) == 200


def test_opening_another_fragment_loads_anew(sample: Tab, page_server: RunningServer) -> None:
    """Else a second link would be opened by the page of the first."""
    sample.open(f"{page_server.url}/#one")
    sample.script("window.mark = 1")

    sample.open(f"{page_server.url}/#two")

    assert sample.script("return window.mark") is None
    assert sample.url() == f"{page_server.url}/#two"
