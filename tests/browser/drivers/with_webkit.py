"""WebKitGTK's MiniBrowser, driven by selenium and WebKitWebDriver on an X server of its own.

Quirks, as of WebKitGTK 2.50:

- One driver serves one session at a time, and a session is a browser process: a profile costs a
  second or so, and beginning a second one takes a second driver.
- Keys sent to an input lose line breaks and what lies beyond the basic plane: ``fill`` sets the
  value and tells the page of it, as playwright does.
- A folder can't be chosen: an input for folders gets the folder itself, as if it were a file.
- The window is never narrower than 447 pixels: its tool bar needs them.
- The colour scheme is an argument of the program.
- There is no way to run a script before those of the page, and an automated session is private,
  so its console is written nowhere: what goes wrong before the page is loaded isn't seen.
- Downloads go to ``XDG_DOWNLOAD_DIR`` of ``user-dirs.dirs``, under a name of their own until whole;
  but from a ``blob:`` address a file grows under its final name, held open until it is whole.
- The text of an element, as the driver tells it, has neither line breaks nor tabs.
- There is no origin private file system, and what an automated session stores ends with it.
- What a page asks before it is left, the driver answers by itself.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import warnings
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from threading import Timer
from typing import TYPE_CHECKING, Any

from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import ActionChains, WebKitGTK
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from urllib3.exceptions import HTTPError

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
    from collections.abc import Callable, Iterator, Sequence

    from selenium.webdriver.remote.webelement import WebElement

ABILITIES: frozenset[Ability] = frozenset()
SCREEN = "1400x1400x24"
START_S = 30.0
START_TRIES = 3
NOT_STARTED = (WebDriverException, HTTPError, OSError)  # by whoever notices first
CANDIDATES = {
    "button": "button, summary, input[type=button], input[type=submit]",
    "checkbox": "input[type=checkbox]",
    "combobox": "select",
    "dialog": "dialog",
    "group": "fieldset, details",
    "heading": "h1, h2, h3, h4, h5, h6",
    "img": "img, svg[aria-label]",
    "link": "a[href]",
    "list": "ul, ol",
    "listitem": "li",
    "main": "main",
    "progressbar": "progress",
    "radio": "input[type=radio]",
    "region": "section[aria-label], section[aria-labelledby]",
    "spinbutton": "input[type=number]",
    "status": "output",
    "textbox": "textarea, input:not([type]), input[type=text], input[type=password]",
}
LISTEN = """
if (!window.otvComplaints) {
  const heard = (window.otvComplaints = []);
  addEventListener("error", (event) => heard.push(event.message));
  addEventListener("unhandledrejection", (event) => heard.push(String(event.reason)));
  addEventListener("securitypolicyviolation", (event) =>
    heard.push(`policy: ${event.effectiveDirective} stopped ${event.blockedURI}`));
  const error = console.error.bind(console);
  console.error = (...words) => { heard.push(words.map(String).join(" ")); error(...words); };
}
"""
SET_VALUE = """
const [input, text] = arguments;
const kind = input instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
input.focus();
Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(input, text);
input.dispatchEvent(new Event("input", { bubbles: true }));
input.dispatchEvent(new Event("change", { bubbles: true }));
"""
RUN = """
const done = arguments[arguments.length - 1];
(async () => {{ {body} }})().then((value) => done([value ?? null]), (error) => done(String(error)));
"""


class WebKitElement(Element):
    """An element of one tab."""

    def __init__(self, tab: WebKitTab, element: WebElement) -> None:
        self.tab = tab
        self.element = element

    def click(self) -> None:
        with self.tab.chosen() as driver:
            self.tab.until(self.element.is_enabled, "enabled element to click")
            driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", self.element)
            self.element.click()

    def fill(self, text: str) -> None:
        with self.tab.chosen() as driver:
            driver.execute_script(SET_VALUE, self.element, text)

    def select(self, label: str) -> None:
        with self.tab.chosen():
            Select(self.element).select_by_visible_text(label)

    def choose(self, *paths: Path) -> None:
        with self.tab.chosen():
            self.element.send_keys("\n".join(str(path.resolve()) for path in paths))

    def text(self) -> str:
        with self.tab.chosen() as driver:
            return str(driver.execute_script("return arguments[0].innerText", self.element))

    def value(self) -> str:
        with self.tab.chosen():
            return str(self.element.get_property("value"))

    def attribute(self, name: str) -> str | None:
        with self.tab.chosen():
            return self.element.get_dom_attribute(name)

    def is_enabled(self) -> bool:
        with self.tab.chosen():
            return self.element.is_enabled()

    def screenshot(self, path: Path) -> None:
        with self.tab.chosen():
            path.write_bytes(self.element.screenshot_as_png)

    def is_called(self, name: Name | None) -> bool:
        """Whether a person perceives it, under this name."""
        try:
            if not self.element.is_displayed():
                return False
            return name is None or _fits(name, self.element.accessible_name)
        except StaleElementReferenceException:  # the page has drawn itself anew meanwhile
            return False

    def is_labelled(self, label: str) -> bool:
        """Whether it has this label, perceived or not."""
        try:
            return self.element.accessible_name == label
        except StaleElementReferenceException:  # as above
            return False


def _fits(name: Name, found: str) -> bool:
    words = " ".join(found.split())
    return words == name if isinstance(name, str) else bool(name.search(words))


class WebKitTab(Tab):
    """One tab of a MiniBrowser."""

    engine = "webkit"
    abilities = ABILITIES

    def __init__(
        self, driver: WebKitGTK, saved: Path, another: Callable[[], WebKitGTK] | None = None
    ) -> None:
        self.driver = driver
        self.saved = saved
        self.handle = driver.current_window_handle
        self._another = another

    @contextmanager
    def chosen(self) -> Iterator[WebKitGTK]:
        """The driver, turned to this tab."""
        if self.driver.current_window_handle != self.handle:
            self.driver.switch_to.window(self.handle)
        yield self.driver

    def open(self, url: str) -> None:
        """Go there. The first time another browser may have to do it: see ``_start``."""
        another, self._another = self._another, None
        if another is None:
            self._open(url)
            return
        try:
            with _ended_when_stuck(lambda: self.driver.service.process.pid):
                self._open(url)
        except NOT_STARTED:
            self.driver = another()
            self.handle = self.driver.current_window_handle
            self._open(url)

    def _open(self, url: str) -> None:
        with self.chosen() as driver:
            if "#" in url:  # going to another fragment of the same page would load nothing
                driver.get("about:blank")
            driver.get(url)
            driver.execute_script(LISTEN)

    def reload(self) -> None:
        with self.chosen() as driver:
            driver.refresh()
            driver.execute_script(LISTEN)

    def url(self) -> str:
        with self.chosen() as driver:
            return driver.current_url

    def every(
        self, role: str, name: Name | None = None, *, within: Element | None = None
    ) -> list[Element]:
        native = [f"{css}:not([role])" for css in CANDIDATES.get(role, "none").split(", ")]
        css = ", ".join([f"[role={role}]", *native])
        with self.chosen() as driver:
            root = within.element if isinstance(within, WebKitElement) else driver
            found = [WebKitElement(self, each) for each in root.find_elements(By.CSS_SELECTOR, css)]
            return [each for each in found if each.is_called(name)]

    def fields(self, label: str) -> list[Element]:
        with self.chosen() as driver:
            inputs = driver.find_elements(By.CSS_SELECTOR, "input, textarea, select")
            found = [WebKitElement(self, each) for each in inputs]
            return [each for each in found if each.is_labelled(label)]

    def text(self) -> str:
        with self.chosen() as driver:
            return str(driver.execute_script("return document.body?.innerText ?? ''"))

    def script(self, body: str, *, in_frame: bool = False) -> Any:
        with self.chosen() as driver:
            if in_frame:
                driver.switch_to.frame(driver.find_element(By.TAG_NAME, "iframe"))
            try:
                result = driver.execute_async_script(RUN.format(body=body))
            finally:
                driver.switch_to.default_content()
        if isinstance(result, str):
            raise WebDriverException(result)
        return result[0]

    def press(self, key: str) -> None:
        *held, last = key.split("+") if len(key) > 1 else [key]
        with self.chosen() as driver:
            chain = ActionChains(driver)
            for name in held:
                chain.key_down(_key(name))
            chain.send_keys(_key(last))
            for name in reversed(held):
                chain.key_up(_key(name))
            chain.perform()

    def resize(self, width: int, height: int) -> None:
        with self.chosen() as driver:
            window = driver.get_window_size()
            inner = driver.execute_script("return [innerWidth, innerHeight]")
            driver.set_window_size(
                width + window["width"] - inner[0], height + window["height"] - inner[1]
            )

    def set_offline(self, *, is_offline: bool) -> None:
        del is_offline
        raise AssertionError("WebKit's driver can't cut the network: Ability.OFFLINE")

    def asks_before_it_is_left(self) -> bool:
        raise AssertionError("WebKit's driver answers by itself: Ability.LEAVING")

    def screenshot(self, path: Path) -> None:
        with self.chosen() as driver:
            path.write_bytes(driver.get_screenshot_as_png())

    def downloads(self) -> Sequence[Path]:
        named = [path for path in self.saved.iterdir() if path.suffix != ".wkdownload"]
        return [path for path in named if not _is_held_open(path)]

    def complaints(self) -> list[str]:
        with self.chosen() as driver:
            return [str(each) for each in driver.execute_script("return window.otvComplaints")]

    def another(self) -> Tab:
        with self.chosen() as driver:
            driver.switch_to.new_window("tab")
            return WebKitTab(driver, self.saved)

    def close(self) -> None:
        with self.chosen() as driver:
            driver.close()
            driver.switch_to.window(driver.window_handles[0])

    def pause(self) -> None:
        time.sleep(PAUSE_S)


def _is_held_open(path: Path) -> bool:
    """Whether any process has this file open."""
    for held in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # a process ends, or is somebody else's
            if held.readlink() == path:
                return True
    return False


def _key(name: str) -> str:
    """A key as selenium wants it; it names them like ARROW_DOWN."""
    constant = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
    return str(getattr(Keys, constant, name))


class Screen:
    """An X server without any screen."""

    def __init__(self, program: str) -> None:
        self.process = subprocess.Popen(
            [program, "-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.display = f":{self.process.stdout.readline().strip()}"

    def close(self) -> None:
        """End it."""
        assert self.process.stdout is not None
        self.process.terminate()
        self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()


def _start(program: str, options: Options, environment: dict[str, str]) -> WebKitGTK:
    """Start a driver and its browser.

    Now and then, once in some hundred starts, WebKitWebDriver never hears of the browser that it
    has started, and would wait for it for minutes; or never of the first page that this has loaded.
    """
    service = Service(program, env=environment)
    try:
        with warnings.catch_warnings(), _ended_when_stuck(lambda: service.process.pid):
            # selenium's own driver calls its own connection in a way that it deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            return WebKitGTK(options=options, service=service)
    except NOT_STARTED:
        with suppress(OSError):
            service.stop()
        raise


@contextmanager
def _ended_when_stuck(driver: Callable[[], int]) -> Iterator[None]:
    """End a driver where what is asked of it takes too long: it fails, and can be tried again."""
    watchdog = Timer(START_S, lambda: _kill(driver()))
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _kill(driver: int) -> None:
    """End a driver, and the browser that it has started."""
    browsers = Path(f"/proc/{driver}/task/{driver}/children").read_text().split()
    for process in (driver, *map(int, browsers)):
        os.kill(process, signal.SIGKILL)


class WebKitBrowser(Browser):
    """MiniBrowser, one process a profile."""

    engine = "webkit"

    def __init__(
        self, program: str, screen_program: str, folder: Path, proxy: Proxy | None = None
    ) -> None:
        self.program = program
        self.folder = folder
        self.proxy = proxy
        self.screen = Screen(screen_program)
        self.drivers: list[WebKitGTK] = []

    def new_tab(self, *, is_dark: bool = False) -> Tab:
        home = Path(mkdtemp(dir=self.folder))
        saved = home / "saved"
        saved.mkdir()
        (home / "user-dirs.dirs").write_text(f'XDG_DOWNLOAD_DIR="{saved}"\n')
        options = Options()
        options.add_argument("--automation")
        if is_dark:
            options.add_argument("--dark-mode")
        if self.proxy:
            options.add_argument(f"--proxy=http://127.0.0.1:{self.proxy.port}")
            options.add_argument(f"--ignore-host=127.0.0.1:{self.proxy.direct}")
        start = partial(self._started, options, self._environment(home))
        driver = start()
        return WebKitTab(driver, saved, partial(self._instead_of, driver, start))

    def _instead_of(self, stuck: WebKitGTK, start: Callable[[], WebKitGTK]) -> WebKitGTK:
        self.drivers.remove(stuck)
        with suppress(*NOT_STARTED):
            stuck.quit()
        return start()

    def _started(self, options: Options, environment: dict[str, str]) -> WebKitGTK:
        """A driver with its browser; where the two don't find each other in time, another pair."""
        for _ in range(START_TRIES):
            with suppress(*NOT_STARTED):
                self.drivers.append(_start(self.program, options, environment))
                return self.drivers[-1]
        raise AssertionError("WebKitWebDriver does not start")

    def _environment(self, home: Path) -> dict[str, str]:
        """Everything that it writes, it writes at ``home``."""
        folders = dict.fromkeys(
            ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"], str(home)
        )
        return {**os.environ, **folders, "DISPLAY": self.screen.display}

    def kept_tab(self, home: Path) -> Tab:
        del home
        raise AssertionError("an automated session of WebKit's is private: Ability.CRASH")

    def kill(self, home: Path) -> None:
        self.kept_tab(home)

    def end_profiles(self) -> None:
        for driver in self.drivers:
            driver.quit()
        self.drivers.clear()

    def close(self) -> None:
        self.end_profiles()
        self.screen.close()
