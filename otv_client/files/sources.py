"""What is sent: walking paths, naming files, and reading them as one run of bytes."""

from __future__ import annotations

import mimetypes
import os
import re
import stat
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from otv_client import names
from otv_client.errors import LocalError, UsageError
from otv_client.files.plan import numbered

MAX_FILES = 4096  # protocol section 5

_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+", re.ASCII)
_TYPE_BYTES = 127

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What shows that a file is still the one that was walked."""

    device: int
    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """The stamp of a file's status."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Source:
    """One file to send: on disk (path and stamp) or in memory (data).

    Attributes:
        name: as the manifest will say it.
        size: in bytes.
        type: ``type/subtype``, or empty.
    """

    name: str
    size: int
    type: str
    path: Path | None = None
    stamp: Stamp | None = None
    data: bytes = field(default=b"", repr=False)


def guess_type(name: str) -> str:
    """A media type by the name's ending, or empty where there is none that section 5 takes."""
    guessed, encoding = mimetypes.guess_type(name, strict=True)
    if encoding:
        guessed = {"gzip": "application/gzip"}.get(encoding)
    fits = guessed and len(guessed) <= _TYPE_BYTES and _TYPE.fullmatch(guessed)
    return guessed if guessed and fits else ""


def from_memory(name: str, data: bytes, tell: Tell) -> Source:
    """A file that is in memory already."""
    safe = _told_name(name, tell)
    return Source(safe, len(data), guess_type(safe), data=data)


def collect(paths: Iterable[Path], tell: Tell) -> list[Source]:
    """Every file under the given paths, in a stable order.

    A symbolic link given directly is followed; inside a folder it is skipped, as
    are empty folders and what is neither file nor folder, and ``tell`` names each.

    Raises:
        LocalError: a path that isn't there or can't be read.
        UsageError: no regular file or folder, or too many files.
    """
    sources: list[Source] = []
    for path in paths:
        for found, name, status in _walk(path, tell):
            if len(sources) == MAX_FILES:
                raise UsageError(f"more than {MAX_FILES} files", hint="pack them into an archive")
            sources.append(_source(found, name, status, tell))
    return sources


def distinct(sources: Sequence[Source], tell: Tell) -> list[Source]:
    """The same files, none named like another and none named like a folder of another.

    The later of two gets a number before its extension.
    """
    folders = {folder for source in sources for folder in _folders(source.name)}
    taken: set[str] = set()
    result = []
    for source in sources:
        name = source.name
        number = 1
        while name in taken or name in folders:
            number += 1
            name = names.safe_name(numbered(source.name, number))
        taken.add(name)
        if name != source.name:
            tell(f"sent as {name}: another one is named {source.name}")
        result.append(_renamed(source, name))
    return result


def _renamed(source: Source, name: str) -> Source:
    return Source(name, source.size, source.type, source.path, source.stamp, source.data)


def _folders(name: str) -> Iterator[str]:
    parts = name.split("/")[:-1]
    return accumulate(parts, lambda above, part: f"{above}/{part}")


def _told_name(name: str, tell: Tell) -> str:
    safe = names.safe_name(name)
    if safe != name:
        tell(f"sent as {safe}: the name {name} can't be received everywhere")
    return safe


def _source(path: Path, name: str, status: os.stat_result, tell: Tell) -> Source:
    if status.st_size == 0:
        _check_empty(path)
    safe = _told_name(name, tell)
    return Source(safe, status.st_size, guess_type(safe), path, Stamp.of(status))


def _check_empty(path: Path) -> None:
    """A file of no size may still hold something (/proc does): better said than lost."""
    try:
        with path.open("rb") as file:
            holds_something = bool(file.read(1))
    except OSError as error:
        raise _cant_read(path, error) from error
    if holds_something:
        raise LocalError(f"{path} doesn't tell its size", hint="pipe it into `otv-client put -`")


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise _cant_read(path, error) from error


def _cant_read(path: Path, error: OSError) -> LocalError:
    return LocalError(f"can't read {path}: {error.strerror or 'input/output error'}")


def _walk(path: Path, tell: Tell) -> Iterator[tuple[Path, str, os.stat_result]]:
    """Files under one given path, with the names that they're sent under, as they are now."""
    status = _status(path)
    mode = status.st_mode
    own_name = Path(os.path.abspath(path)).name  # noqa: PTH100 - resolve() would follow links
    if stat.S_ISREG(mode):
        yield path, own_name, status
    elif stat.S_ISDIR(mode):
        yield from _walk_folder(path, own_name or "files", tell)
    else:
        raise UsageError(
            f"{path} is neither a file nor a folder",
            hint="to send what a program writes, pipe it into `otv-client put -`",
        )


def _walk_folder(folder: Path, name: str, tell: Tell) -> Iterator[tuple[Path, str, os.stat_result]]:
    """Depth first without recursion: a deep tree is no reason to fail.

    What was a file here is looked at without following links, so that a link put in its place
    later shows as another file.
    """
    waiting = [(folder, name)]
    while waiting:
        path, its_name = waiting.pop()
        entries = _entries(path)
        if not entries:
            tell(f"skipped the empty folder {path}")
        below = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append((Path(entry.path), f"{its_name}/{entry.name}"))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path), f"{its_name}/{entry.name}", _unfollowed(entry)
            else:
                what = "symbolic link" if entry.is_symlink() else "special file"
                tell(f"skipped the {what} {entry.path}")
        waiting.extend(reversed(below))


def _unfollowed(entry: os.DirEntry[str]) -> os.stat_result:
    try:
        return Path(entry.path).lstat()
    except OSError as error:
        raise _cant_read(Path(entry.path), error) from error


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise _cant_read(folder, error) from error


class Content:
    """Files joined in order, then zeros: readable at any offset, from several threads.

    Raises (from ``read``):
        LocalError: a file that isn't the one that was walked: it changed, grew, shrank
            or is gone.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = [source for source in sources if source.size]
        self._starts = list(accumulate((source.size for source in self._sources), initial=0))
        self.total = self._starts[-1]

    def read(self, start: int, stop: int) -> bytearray:
        """The bytes from ``start`` to ``stop``; zeros beyond the last file's end."""
        buffer = bytearray(stop - start)
        rest = memoryview(buffer)
        index = bisect_right(self._starts, start) - 1
        while rest and index < len(self._sources):
            source, offset = self._sources[index], start - self._starts[index]
            piece = rest[: source.size - offset]
            _read_into(source, offset, piece)
            start, rest, index = start + len(piece), rest[len(piece) :], index + 1
        return buffer


def _read_into(source: Source, offset: int, piece: memoryview) -> None:
    if source.path is None:
        piece[:] = source.data[offset : offset + len(piece)]
        return
    try:
        with source.path.open("rb", buffering=0) as file:
            _fill(source, file, offset, piece)
    except FileNotFoundError as error:
        raise LocalError(f"{source.path} is gone; it was there a moment ago") from error
    except OSError as error:
        raise _cant_read(source.path, error) from error


def _fill(source: Source, file: BinaryIO, offset: int, piece: memoryview) -> None:
    """Fill ``piece``; the file is checked before and after, as it may change meanwhile."""
    _check_unchanged(source, file)
    file.seek(offset)
    filled = 0
    while filled < len(piece):
        count = file.readinto(piece[filled:])  # type: ignore[attr-defined]  # unbuffered: it has it
        if not count:
            raise _changed(source)
        filled += count
    _check_unchanged(source, file)


def _check_unchanged(source: Source, file: BinaryIO) -> None:
    if Stamp.of(os.fstat(file.fileno())) != source.stamp:
        raise _changed(source)


def _changed(source: Source) -> LocalError:
    return LocalError(
        f"{source.path} changed while it was being sent",
        hint="send it again when nothing writes to it",
    )


@runtime_checkable
class Readable(Protocol):
    """What bytes can be read from: a binary stream."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


def read_at_most(stream: Readable, size: int) -> bytearray:
    """Up to ``size`` bytes of a stream, fewer only at its end."""
    buffer = bytearray(size)
    rest = memoryview(buffer)
    filled = 0
    while filled < size:
        piece = stream.read(min(size - filled, 1 << 20))
        if not piece:
            break
        rest[filled : filled + len(piece)] = piece
        filled += len(piece)
    rest.release()
    del buffer[filled:]
    return buffer
