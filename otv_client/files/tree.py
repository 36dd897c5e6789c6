"""A folder's tree, entered by handle and without following links (openat)."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from otv_client.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FOLDER_MODE = 0o700  # files are 0600, so their folders show nobody else what they're called
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Tree:
    """The destination of a share, so that nothing can be swapped in between check and use.

    Args:
        root: a folder that exists; it alone may be reached through a link.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Give the handle back."""
        os.close(self.handle)

    @contextmanager
    def parent(self, path: str, *, create: bool) -> Iterator[int | None]:
        """A handle of the folder that holds ``path``; None where it isn't there and stays so."""
        handle: int | None = os.dup(self.handle)
        above = ""
        try:
            for part in path.split("/")[:-1]:
                above = f"{above}{part}/"
                assert handle is not None
                below = self._enter(handle, part, above, create=create)
                os.close(handle)
                handle = below
                if handle is None:
                    break
            yield handle
        finally:
            if handle is not None:
                os.close(handle)

    def _enter(self, folder: int, part: str, above: str, *, create: bool) -> int | None:
        if create:
            with suppress(FileExistsError):
                os.mkdir(part, FOLDER_MODE, dir_fd=folder)
        try:
            return os.open(part, OPEN_FOLDER, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                raise
            raise self.in_the_way(above.rstrip("/"), "is no folder") from error

    def check_one(self, parent: int, path: str, *, force: bool) -> None:
        """Raise ``LocalError`` where a path isn't free; with ``force`` a file may be there."""
        status = status_of(parent, last_component(path))
        if status is None:
            return
        if stat.S_ISLNK(status.st_mode):
            raise self.in_the_way(path, "is a symbolic link")
        if stat.S_ISDIR(status.st_mode):
            raise self.in_the_way(path, "is a folder")
        if not force:
            raise self.in_the_way(path, "exists")

    def sync_folders(self, paths: Iterable[str]) -> None:
        """Make the names of these paths durable."""
        for folder in {path.rpartition("/")[0] for path in paths}:
            with self.parent(f"{folder}/." if folder else ".", create=False) as handle:
                if handle is not None:
                    os.fsync(handle)
        os.fsync(self.handle)

    def in_the_way(self, path: str, what: str) -> LocalError:
        """The error for a path that can't be used."""
        return LocalError(f"{self.root / path} {what}")


def last_component(path: str) -> str:
    """The name in its folder."""
    return path.rpartition("/")[2]


def status_of(folder: int, name: str) -> os.stat_result | None:
    """What is there, links not followed; None for nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def is_open_to_others(folder: int) -> bool:
    """Whether others may do more in a folder than in one that is made in it now.

    FAT, exFAT and many network shares keep no modes: every folder of theirs looks open.
    """
    name = f".otv-{secrets.token_hex(8)}"
    fresh = FOLDER_MODE
    with suppress(OSError):
        os.mkdir(name, FOLDER_MODE, dir_fd=folder)
        fresh = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        os.rmdir(name, dir_fd=folder)
    return bool(os.fstat(folder).st_mode & ~fresh & 0o077)


@contextmanager
def told(message: str) -> Iterator[None]:
    """An error of the system as a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LocalError(f"{message}: no room left") from error
        raise LocalError(f"{message}: {error.strerror or 'input/output error'}") from error
