"""What tests ask of a browser, whichever it is: the page as a person perceives it.

Elements are found by role and accessible name, as the contract of the page names them. Nothing
sleeps: what takes time is asked for again until it is so, or until ``PATIENCE_S`` is over.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PATIENCE_S = 60.0
PAUSE_S = 0.03

Name = str | re.Pattern[str]
T = TypeVar("T")


class Ability(StrEnum):
    """What one driver can do and another can't; a test that needs one names it."""

    FOLDER = "choose a folder"
    NARROW = "a window of 320 px"
    EARLY = "see what goes wrong before a page is loaded"
    OFFLINE = "cut the network of one profile"
    PRIVATE_FILES = "keep files in the origin's private file system"
    LEAVING = "hear what a page asks before it is left"
    KEYS = "reach everything with the Tab key"
    CRASH = "be killed, and started again with the same profile"


@dataclass(frozen=True)
class Proxy:
    """Where a browser sends all its requests, those to this machine too.

    Attributes:
        port: of the proxy on 127.0.0.1.
        direct: the one port on 127.0.0.1 that is asked without it.
    """

    port: int
    direct: int


class Element(ABC):
    """One element that a person can perceive."""

    @abstractmethod
    def click(self) -> None:
        """Click it, once it is there and can be clicked."""

    @abstractmethod
    def fill(self, text: str) -> None:
        """Make this the whole text of an input."""

    @abstractmethod
    def select(self, label: str) -> None:
        """Choose the option of a select that reads so."""

    @abstractmethod
    def choose(self, *paths: Path) -> None:
        """Choose files in a file input, or one folder in one that takes folders."""

    @abstractmethod
    def text(self) -> str:
        """What can be read in it."""

    @abstractmethod
    def value(self) -> str:
        """What an input holds."""

    @abstractmethod
    def attribute(self, name: str) -> str | None:
        """An attribute as it stands in the document."""

    @abstractmethod
    def is_enabled(self) -> bool:
        """Whether it takes input."""

    @abstractmethod
    def screenshot(self, path: Path) -> None:
        """A PNG of it alone."""


class Tab(ABC):
    """One tab of one profile.

    Attributes:
        engine: "chromium", "firefox" or "webkit".
        abilities: what this engine's driver can do beyond what all can.
    """

    engine: str
    abilities: frozenset[Ability]

    @abstractmethod
    def open(self, url: str) -> None:
        """Load an address anew, even if only its fragment is another; returns once it is loaded."""

    @abstractmethod
    def reload(self) -> None:
        """Load the same address again."""

    @abstractmethod
    def url(self) -> str:
        """The address bar, fragment included."""

    @abstractmethod
    def every(
        self, role: str, name: Name | None = None, *, within: Element | None = None
    ) -> list[Element]:
        """The elements of a role, and of a name, that are there now."""

    @abstractmethod
    def fields(self, label: str) -> list[Element]:
        """The inputs, text areas and selects with a label, there now; also those without a role."""

    @abstractmethod
    def text(self) -> str:
        """Everything that can be read on the page."""

    @abstractmethod
    def script(self, body: str, *, in_frame: bool = False) -> Any:
        """Run the body of a function, by the driver's own power, and hand over what it returns.

        Args:
            body: statements; a promise that it returns is awaited.
            in_frame: in the document of the page's one frame.
        """

    @abstractmethod
    def press(self, key: str) -> None:
        """Press a key where the focus is: "Tab", "Shift+Tab", "Enter", "Escape", "Space", "a"."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """Make the page so many CSS pixels wide and high, or as near as the window goes."""

    @abstractmethod
    def set_offline(self, *, is_offline: bool) -> None:
        """Cut the profile's network, or restore it. Needs ``Ability.OFFLINE``."""

    @abstractmethod
    def asks_before_it_is_left(self) -> bool:
        """Close the tab as a person does, and stay if it asks. Needs ``Ability.LEAVING``."""

    @abstractmethod
    def screenshot(self, path: Path) -> None:
        """A PNG of the whole page, as far as it can be scrolled where the driver can."""

    @abstractmethod
    def downloads(self) -> Sequence[Path]:
        """The files that were saved whole since this profile began, by their own names."""

    @abstractmethod
    def complaints(self) -> list[str]:
        """Errors on the console, uncaught ones included, and violations of the policy, so far."""

    @abstractmethod
    def another(self) -> Tab:
        """A second tab of the same profile."""

    @abstractmethod
    def close(self) -> None:
        """Close this tab."""

    @abstractmethod
    def pause(self) -> None:
        """Let the browser go on for ``PAUSE_S``."""

    def until(self, probe: Callable[[], T], what: str, *, patience_s: float = PATIENCE_S) -> T:
        """The first result that is true; asked for again and again, as long as it isn't.

        Raises:
            AssertionError: patience is over; says what was missing and what the page showed.
        """
        deadline = time.monotonic() + patience_s
        while not (result := probe()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.engine}: no {what} on {self.url()}\n{self.text()}")
            self.pause()
        return result

    def find(
        self,
        role: str,
        name: Name | None = None,
        *,
        within: Element | None = None,
        patience_s: float = PATIENCE_S,
    ) -> Element:
        """The one element of a role and a name, as soon as it is there."""
        found = self.until(
            lambda: self.every(role, name, within=within),
            f"{role} {name!r}",
            patience_s=patience_s,
        )
        assert len(found) == 1, f"{len(found)} times {role} {name!r}"
        return found[0]

    def field(self, label: str, *, patience_s: float = PATIENCE_S) -> Element:
        """The one input, text area or select with a label, as soon as it is there."""
        found = self.until(lambda: self.fields(label), f"field {label!r}", patience_s=patience_s)
        assert len(found) == 1, f"{len(found)} fields {label!r}"
        return found[0]

    def wait_gone(self, role: str, name: Name | None = None) -> None:
        """Wait until there is no such element any more."""
        self.until(lambda: not self.every(role, name), f"end of {role} {name!r}")

    def wait_text(self, text: Name, *, patience_s: float = PATIENCE_S) -> None:
        """Wait until this can be read somewhere on the page."""
        pattern = re.compile(re.escape(text)) if isinstance(text, str) else text
        self.until(lambda: pattern.search(self.text()), f"text {text!r}", patience_s=patience_s)

    def wait_attribute(self, css: str, attribute: str) -> str:
        """Wait until an element of the document has an attribute, and hand over its value."""
        script = f"return document.querySelector({css!r})?.getAttribute({attribute!r})"
        value: str = self.until(lambda: self.script(script), f"{css} with {attribute}")
        return value

    def downloaded(self, name: str, *, patience_s: float = PATIENCE_S) -> Path:
        """The file that was saved under this name, as soon as it is whole."""

        def saved() -> list[Path]:
            return [path for path in self.downloads() if path.name == name]

        return self.until(saved, f"download {name!r}", patience_s=patience_s)[-1]


class Browser(ABC):
    """A browser that is running; each of its profiles begins with nothing.

    Attributes:
        engine: as in ``Tab``.
    """

    engine: str

    @abstractmethod
    def new_tab(self, *, is_dark: bool = False) -> Tab:
        """The first tab of a new profile, which prefers the light or the dark colour scheme."""

    @abstractmethod
    def kept_tab(self, home: Path) -> Tab:
        """The first tab of a process of its own, whose profile is a folder that stays.

        Needs ``Ability.CRASH``.
        """

    @abstractmethod
    def kill(self, home: Path) -> None:
        """End the processes of ``kept_tab`` at once, as a power cut does; the profile stays."""

    @abstractmethod
    def end_profiles(self) -> None:
        """Close all profiles; what they stored and saved is gone."""

    @abstractmethod
    def close(self) -> None:
        """End the browser."""
