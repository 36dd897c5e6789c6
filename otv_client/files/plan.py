"""Where received files go: names for this file system. Pure.

The manifest's names are safe by the rules of protocol section 5. Some still
collide on some file systems, which ignore case, normalise, or take none of
``<>"|?*``; there the later one gets a number before its extension.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_COMPONENT_BYTES = 255
_REFUSED_SOMEWHERE = '<>"|?*'


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What a file system makes of names, as found by trying."""

    ignores_case: bool = False
    ignores_normal_form: bool = False
    takes_every_character: bool = True


def place(names: Sequence[str], system: FileSystem, *, below: str = "") -> list[str]:
    """A path for each name, in order, no two the same to this file system.

    Args:
        names: names of the manifest, checked.
        system: what the destination makes of names.
        below: a folder to put all of them in, or empty.
    """
    wanted = [_written(f"{below}/{name}" if below else name, system) for name in names]
    folders = {_key(folder, system) for path in wanted for folder in _folders(path)}
    taken: set[str] = set()
    return [_free(path, taken, folders, system) for path in wanted]


def new_folder(names: Iterable[str], link_id: str) -> str:
    """A folder for a share that would drop a dotfile into the current one; empty if none would."""
    return f"otv-{link_id}" if any(name.startswith(".") for name in names) else ""


def numbered(name: str, number: int) -> str:
    """``dir/a.txt`` with 2 becomes ``dir/a (2).txt``, the component at most 255 bytes."""
    folder, slash, last = name.rpartition("/")
    stem, dot, extension = last.rpartition(".")
    if not stem:
        stem, dot, extension = last, "", ""
    tail = f" ({number}){dot}{extension}"
    room = _COMPONENT_BYTES - len(tail.encode())
    if room < 1:
        tail = f" ({number})"
        room = _COMPONENT_BYTES - len(tail)
    return folder + slash + stem.encode()[:room].decode(errors="ignore") + tail


def _free(path: str, taken: set[str], folders: set[str], system: FileSystem) -> str:
    candidate, number = path, 1
    while (key := _key(candidate, system)) in taken or key in folders:
        number += 1
        candidate = numbered(path, number)
    taken.add(key)
    return candidate


def _key(path: str, system: FileSystem) -> str:
    """Equal for two paths that the file system takes for one."""
    if system.ignores_normal_form or system.ignores_case:
        path = unicodedata.normalize("NFC", path)
    return unicodedata.normalize("NFC", path.casefold()) if system.ignores_case else path


def _written(path: str, system: FileSystem) -> str:
    if system.takes_every_character:
        return path
    return path.translate({ord(character): "_" for character in _REFUSED_SOMEWHERE})


def _folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]
