"""Chromium and Firefox ESR, driven by playwright.

Quirks, as of Chromium 156, Firefox ESR 153 and playwright 1.64:

- Firefox tells of no download from a ``blob:`` address: its folder is watched instead. It makes
  an empty ``name``, then ``name.part`` beside it until all is there.
- Firefox puts the text for a number behind what stands there: it is emptied first.
- Firefox can't be given a folder: ``set_input_files`` waits for ever.
- Firefox takes no colour scheme from playwright: dark is a preference of a second process.
- ``wait_for_function`` fails in Firefox under a policy without ``unsafe-eval``; it isn't used here.
- Violations of the policy are told to the console by a listener that is set before any script of
  the page runs, in frames too; those inside a worker are seen in Chromium alone.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from tests.browser.drivers.tab import (
    PATIENCE_S,
    PAUSE_S,
    Ability,
    Browser,
    Element,
    Name,
    Proxy,
    Tab,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser as PlaywrightProcess
    from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Download, Locator, Page

ABILITIES = {
    "chromium": frozenset(Ability),
    "firefox": frozenset(Ability) - {Ability.FOLDER},
}
TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) => console.error(
  `policy: ${event.effectiveDirective} stopped ${event.blockedURI} at ${event.sourceFile}`));"""


EMPTY_S = 10.0  # for so long an empty file of Firefox's may be one that it has only begun


class PlaywrightElement(Element):
    """An element, looked for anew at every use."""

    def __init__(self, locator: Locator) -> None:
        self.locator = locator

    def click(self) -> None:
        self.locator.click()

    def fill(self, text: str) -> None:
        self.locator.fill("")
        self.locator.fill(text)

    def select(self, label: str) -> None:
        self.locator.select_option(label=label)

    def choose(self, *paths: Path) -> None:
        self.locator.set_input_files([*paths])

    def text(self) -> str:
        return self.locator.inner_text()

    def value(self) -> str:
        return self.locator.input_value()

    def attribute(self, name: str) -> str | None:
        return self.locator.get_attribute(name)

    def is_enabled(self) -> bool:
        return self.locator.is_enabled()

    def screenshot(self, path: Path) -> None:
        self.locator.screenshot(path=path)


class Profile:
    """A context of playwright's, with what it saved and what it complained of."""

    def __init__(
        self, context: BrowserContext, saved: Path, engine: str, home: Path | None = None
    ) -> None:
        self.context = context
        self.home = home
        self.saved = saved
        self.engine = engine
        self.told: list[Download] = []
        self.complaints: list[str] = []
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def note_download(self, download: Download) -> None:
        """A download began; playwright takes no built-in method for a listener."""
        self.told.append(download)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def downloads(self) -> Sequence[Path]:
        """What was saved whole."""
        for download in self.told:
            download.save_as(self.saved / download.suggested_filename)
        self.told.clear()
        return [path for path in self.saved.iterdir() if self._is_whole(path)]

    def _is_whole(self, path: Path) -> bool:
        if self.engine == "chromium":
            return True
        is_begun = path.suffix == ".part" or path.with_name(path.name + ".part").exists()
        try:
            found = path.stat()
        except FileNotFoundError:  # Firefox has just given it its own name
            return False
        is_just_made = not found.st_size and time.time() - found.st_mtime < EMPTY_S
        return not (is_begun or is_just_made)


class PlaywrightTab(Tab):
    """A page of playwright's."""

    def __init__(self, profile: Profile, page: Page) -> None:
        self.engine = profile.engine
        self.abilities = ABILITIES[profile.engine]
        self.profile = profile
        self.page = page
        if profile.engine == "chromium":
            page.on("download", profile.note_download)

    def open(self, url: str) -> None:
        if "#" in url:  # going to another fragment of the same page would load nothing
            self.page.goto("about:blank")
        self.page.goto(url)

    def reload(self) -> None:
        self.page.reload()

    def url(self) -> str:
        return self.page.url

    def every(
        self, role: str, name: Name | None = None, *, within: Element | None = None
    ) -> list[Element]:
        root = within.locator if isinstance(within, PlaywrightElement) else self.page
        found: Locator = root.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]  # playwright lists roles one by one
        return [PlaywrightElement(each) for each in found.all()]

    def fields(self, label: str) -> list[Element]:
        labelled = self.page.get_by_label(label, exact=True)
        found = self.page.locator("input, textarea, select").and_(labelled)
        return [PlaywrightElement(each) for each in found.all()]

    def text(self) -> str:
        return self.page.locator("body").inner_text()

    def script(self, body: str, *, in_frame: bool = False) -> Any:
        frame = self.page.frames[1] if in_frame else self.page.main_frame
        return frame.evaluate(f"() => {{ {body} }}")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def resize(self, width: int, height: int) -> None:
        self.page.set_viewport_size({"width": width, "height": height})

    def set_offline(self, *, is_offline: bool) -> None:
        self.profile.context.set_offline(is_offline)

    def asks_before_it_is_left(self) -> bool:
        asked: list[str] = []

        def stay(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.dismiss()

        self.page.once("dialog", stay)
        self.page.close(run_before_unload=True)
        while not asked and not self.page.is_closed():
            time.sleep(PAUSE_S)
            self.profile.context.cookies()  # a turn of playwright's that needs no page
        return asked == ["beforeunload"]

    def screenshot(self, path: Path) -> None:
        self.page.screenshot(path=path, full_page=True)

    def downloads(self) -> Sequence[Path]:
        return self.profile.downloads()

    def complaints(self) -> list[str]:
        self.pause()  # what the console has heard comes with playwright's next turn
        return [*self.profile.complaints]

    def another(self) -> Tab:
        return PlaywrightTab(self.profile, self.profile.context.new_page())

    def close(self) -> None:
        self.page.close()

    def pause(self) -> None:
        self.page.wait_for_timeout(1000 * PAUSE_S)


class PlaywrightBrowser(Browser):
    """Chromium or Firefox, and the profiles that it runs.

    ``trusts_anyone``: the person at it clicks every warning of a certificate away.
    """

    def __init__(
        self,
        engine: str,
        program: str,
        folder: Path,
        proxy: Proxy | None = None,
        *,
        trusts_anyone: bool = False,
    ) -> None:
        self.trusts_anyone = trusts_anyone
        self.engine = engine
        self.program = program
        self.folder = folder
        self.proxy = proxy
        self.playwright = sync_playwright().start()
        self.processes: dict[bool, PlaywrightProcess] = {}  # by whether it is dark
        self.profiles: list[Profile] = []

    def new_tab(self, *, is_dark: bool = False) -> Tab:
        is_other_process = is_dark and self.engine == "firefox"
        if is_other_process not in self.processes:
            self.processes[is_other_process] = self._launch(is_dark=is_other_process)
        context = self.processes[is_other_process].new_context(
            color_scheme="dark" if is_dark else "light", ignore_https_errors=self.trusts_anyone
        )
        profile = self._profile(context, self._saved(is_dark=is_other_process))
        return PlaywrightTab(profile, context.new_page())

    def kept_tab(self, home: Path) -> Tab:
        saved = Path(mkdtemp(dir=self.folder))
        if self.engine == "chromium":
            context = self.playwright.chromium.launch_persistent_context(
                home, **self._chromium_options()
            )
        else:
            context = self.playwright.firefox.launch_persistent_context(
                home, **self._firefox_options(saved)
            )
        return PlaywrightTab(self._profile(context, saved, home), context.pages[0])

    def kill(self, home: Path) -> None:
        while processes := _processes_of(home):
            for process in processes:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(PAUSE_S)
        (killed,) = (each for each in self.profiles if each.home == home)
        self.profiles.remove(killed)
        with suppress(PlaywrightError):  # what it says where the process is gone
            killed.context.close()

    def _profile(self, context: BrowserContext, saved: Path, home: Path | None = None) -> Profile:
        context.set_default_timeout(1000 * PATIENCE_S)
        self.profiles.append(Profile(context, saved, self.engine, home))
        return self.profiles[-1]

    def _saved(self, *, is_dark: bool) -> Path:
        """Where a new profile saves to. Firefox has one folder a process, emptied before."""
        if self.engine == "chromium":
            return Path(mkdtemp(dir=self.folder))
        return self.folder / ("dark" if is_dark else "light")

    def _launch(self, *, is_dark: bool) -> PlaywrightProcess:
        if self.engine == "chromium":
            return self.playwright.chromium.launch(**self._chromium_options())
        saved = self._saved(is_dark=is_dark)
        saved.mkdir()
        return self.playwright.firefox.launch(**self._firefox_options(saved, is_dark=is_dark))

    def _chromium_options(self) -> dict[str, Any]:
        arguments = ["--no-sandbox", *_chromium_proxy(self.proxy)]  # tests may run as root
        return {"executable_path": self.program, "args": arguments}

    def _firefox_options(self, saved: Path, *, is_dark: bool = False) -> dict[str, Any]:
        return {
            "channel": "moz-firefox",
            "executable_path": self.program,
            "downloads_path": saved,
            "firefox_user_prefs": {
                "layout.css.prefers-color-scheme.content-override": 0 if is_dark else 1,
                **_firefox_proxy(self.proxy),
            },
        }

    def end_profiles(self) -> None:
        for profile in self.profiles:
            profile.context.close()
            for path in profile.saved.iterdir():
                path.unlink(missing_ok=True)  # Firefox may just have renamed it
        self.profiles.clear()

    def close(self) -> None:
        self.end_profiles()
        for process in self.processes.values():
            process.close()
        self.playwright.stop()


def _processes_of(home: Path) -> list[int]:
    """Those that were started with this profile."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # one has just ended
            if str(home).encode() in command.read_bytes():
                found.append(int(command.parent.name))
    return found


def _chromium_proxy(proxy: Proxy | None) -> list[str]:
    if proxy is None:
        return []
    return [
        f"--proxy-server=http://127.0.0.1:{proxy.port}",
        f"--proxy-bypass-list=<-loopback>;127.0.0.1:{proxy.direct}",
    ]


def _firefox_proxy(proxy: Proxy | None) -> dict[str, str | float | bool]:
    """Preferences, for playwright's own setting knows of plain HTTP alone here."""
    if proxy is None:
        return {}
    return {
        "network.proxy.type": 1,
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": proxy.port,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": proxy.port,
        "network.proxy.allow_hijacking_localhost": True,
        "network.proxy.no_proxies_on": f"127.0.0.1:{proxy.direct}",
    }
