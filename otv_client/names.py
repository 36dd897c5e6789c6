"""An untrusted name: refused, made safe, or made visible (protocol section 5, names).

Readers refuse by rules that name their code points, so that every version of Unicode refuses the
same; writers normalise and replace.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from otv_client.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_COMPONENT_BYTES = 255
MAX_NAME_BYTES = 1024

_MAX_EXTENSION_BYTES = 32
# Category Cc, which no version of Unicode will change; what turns the direction of writing; what
# other systems take for a separator. `/` separates here.
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_DIRECTION = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_FORBIDDEN = re.compile(rf"[{_CONTROL}{_DIRECTION}\\:]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ENDS_BADLY = re.compile(r"[. ]+\Z")
# Windows gives these to a device, with any extension. re.ASCII keeps U+0131 and U+017F
# from folding into I and S.
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])(?:\..*)?",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
# Unseen on a terminal: controls, formatting characters, lone surrogates, line separators; and
# letters that are drawn as nothing.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def check_name(name: str) -> None:
    """Let pass what every reader accepts: components separated by `/`.

    Raises:
        IntegrityError: the name breaks a rule of section 5.
    """
    if _LONE_SURROGATE.search(name):
        raise IntegrityError("a file's name is no text")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise IntegrityError("a file's name is too long")
    if _FORBIDDEN.search(name):
        raise IntegrityError("a file's name holds a character that is not allowed")
    for component in name.split("/"):
        _check_component(component)


def check_names(names: Iterable[str]) -> None:
    """Let a share's names pass: each of them, no two equal, none the folder of another.

    Raises:
        IntegrityError: a rule of section 5 is broken.
    """
    seen: set[str] = set()
    for name in names:
        check_name(name)
        if name in seen:
            raise IntegrityError("two files have the same name")
        seen.add(name)
    for name in seen:
        if any(folder in seen for folder in _folders(name)):
            raise IntegrityError("a file's name is the folder of another")


def safe_name(name: str) -> str:
    """The nearest name that `check_name` lets pass, in NFC; unchanged where it does already.

    What is forbidden becomes `_`; a component that is too long loses the end of its stem, a name
    that is too long its outermost folders. Two names can become the same one.
    """
    normal = unicodedata.normalize("NFC", name)
    visible = _LONE_SURROGATE.sub("_", _FORBIDDEN.sub("_", normal))
    components = [_safe_component(part) for part in visible.split("/") if part not in ("", ".")]
    return "/".join(_innermost(components)) or "_"


def printable(text: str, *, keep_newlines: bool = False) -> str:
    r"""The text as a terminal may show it: what is unseen or moves other text as `\u202e`.

    Args:
        text: anything, with lone surrogates too.
        keep_newlines: leave line ends and tabs as they are, as in a note.
    """
    kept = "\n\t" if keep_newlines else ""
    if keep_newlines:
        text = text.replace("\r\n", "\n")
    return "".join(c if c in kept or not _is_hidden(c) else _escaped(c) for c in text)


def _check_component(component: str) -> None:
    if component in ("", ".", ".."):
        raise IntegrityError("a file's name leads out of its folder, or nowhere")
    if len(component.encode()) > MAX_COMPONENT_BYTES:
        raise IntegrityError("a part of a file's name is too long")
    if _ENDS_BADLY.search(component):
        raise IntegrityError("a part of a file's name ends in a dot or a space")
    if _DEVICE.fullmatch(component):
        raise IntegrityError("a part of a file's name is that of a device")


def _folders(name: str) -> Iterable[str]:
    """Every folder on the way: `a/b/c` lies in `a` and in `a/b`."""
    return (name[:at] for at, char in enumerate(name) if char == "/")


def _safe_component(component: str) -> str:
    if _DEVICE.fullmatch(component):
        component = "_" + component
    return _ENDS_BADLY.sub(_underscores, _shortened(component))


def _underscores(match: re.Match[str]) -> str:
    return "_" * len(match[0])


def _shortened(component: str) -> str:
    """Cut the stem and keep the extension, which tells programs what the file is."""
    if len(component.encode()) <= MAX_COMPONENT_BYTES:
        return component
    stem, dot, extension = component.rpartition(".")
    if not stem or len(extension.encode()) > _MAX_EXTENSION_BYTES:
        stem, dot, extension = component, "", ""
    room = MAX_COMPONENT_BYTES - len((dot + extension).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + extension


def _innermost(components: list[str]) -> list[str]:
    """The longest run of components, the file's own with it, that is no longer than a name."""
    while len("/".join(components).encode()) > MAX_NAME_BYTES:
        components = components[1:]
    return components


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN_CATEGORIES or char in _BLANK_LETTERS


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the end of the plane
