"""What is received: written aside, then moved to its final names (protocol section 9, Saving).

Everything first goes into a hidden folder inside the destination, mode 0700, as
files named by their number, so that no name from outside touches the disk before
all of it is verified. Folders are entered by handle and without following links
(openat), so that nothing can be swapped in between. POSIX only.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
from bisect import bisect_right
from contextlib import suppress
from itertools import accumulate
from typing import TYPE_CHECKING, Self

from otv_client.errors import LocalError
from otv_client.files.plan import FileSystem
from otv_client.files.tree import (
    FOLDER_MODE,
    OPEN_FOLDER,
    Tree,
    is_open_to_others,
    last_component,
    status_of,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

_FILE_MODE = 0o600
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD_FILE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_PARTIAL_NAME = re.compile(r"\.otv-partial-[0-9a-f]{16}")
_PROBE = "Caf\u00e9"  # has case and two normal forms
_PROBE_DECOMPOSED = "Cafe\u0301"


def new_partial_name() -> str:
    """A name that no other opening uses."""
    return f".otv-partial-{secrets.token_hex(8)}"


def check_destination(folder: Path) -> None:
    """Say early that files can't be written there; makes nothing.

    Raises:
        LocalError: not a folder, or not writable.
    """
    nearest = folder
    with told(f"can't write to {folder}"):
        while not nearest.exists() and nearest != nearest.parent:
            nearest = nearest.parent
    if not nearest.is_dir():
        raise LocalError(f"{nearest} is not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise LocalError(f"can't write to {nearest}: permission denied")


def remove_partial(destination: Path, name: str) -> None:
    """Remove what a finished or given-up opening left; best effort, links not followed."""
    if not _PARTIAL_NAME.fullmatch(name):
        return
    with suppress(OSError):
        top = os.open(destination, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            shutil.rmtree(name, ignore_errors=True, dir_fd=top)
        finally:
            os.close(top)


class PartialFolder:
    """The files of one share on their way to their final names.

    Args:
        destination: the folder that they go to; made where it is missing.
        name: from ``new_partial_name``.
        sizes: of all files, in bytes, in their order.

    Raises (all methods):
        LocalError: no room, no permission, something in the way.
    """

    def __init__(self, destination: Path, name: str, sizes: Sequence[int]) -> None:
        assert _PARTIAL_NAME.fullmatch(name), "a partial folder has a name of its own kind"
        self.destination = destination
        self.name = name
        self._sizes = sizes
        self._starts = list(accumulate(sizes, initial=0))
        self._unsynced: set[int] = set()
        self._lost_by = 0  # errno of a sync that failed
        self._made_destination = not destination.exists()
        with told(f"can't write to {destination}"):
            destination.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            self._tree = Tree(destination)
        self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._tree.close()

    # --- filling ----------------------------------------------------------------------------

    def resume(self) -> bool:
        """Whether the folder of an earlier process is there, ours alone and complete."""
        try:
            self._handle = os.open(self.name, OPEN_FOLDER, dir_fd=self._tree.handle)
        except OSError:
            return False
        is_ours = os.fstat(self._handle).st_uid == os.geteuid()
        if is_ours and not is_open_to_others(self._handle) and self._is_complete():
            self._look_at_file_system()
            return True
        os.close(self._handle)
        self._handle = -1
        return False

    def start(self) -> None:
        """Make the folder and every file in it, at full length but empty."""
        with told(f"can't write to {self.destination}"):
            os.mkdir(self.name, FOLDER_MODE, dir_fd=self._tree.handle)
            self._handle = os.open(self.name, OPEN_FOLDER, dir_fd=self._tree.handle)
            os.fchmod(self._handle, FOLDER_MODE)  # whatever the umask is, it is ours to use
            self._look_at_file_system()
            for index, size in enumerate(self._sizes):
                self._make(index, size)

    def check_room(self, needed: int) -> None:
        """Raise ``LocalError`` where fewer than ``needed`` bytes are free."""
        with told(f"can't write to {self.destination}"):
            room = os.fstatvfs(self._tree.handle)
        if room.f_bavail * room.f_frsize < needed:
            raise LocalError(f"{self.destination} has no room for {needed} bytes")

    def write(self, start: int, content: memoryview) -> None:
        """Write a run of the content, which begins at ``start``; padding is left out."""
        index = bisect_right(self._starts, start) - 1
        while content and index < len(self._sizes):
            offset = start - self._starts[index]
            piece = content[: self._sizes[index] - offset]
            if piece:
                self._write_file(index, offset, piece)
            start, content, index = start + len(piece), content[len(piece) :], index + 1

    def sync(self) -> None:
        """Make durable what was written since the last time; more may be written meanwhile.

        Once it has failed it fails for good: the system tells of lost bytes a single time, and
        would say of them next that all is well.
        """
        with told(f"can't write to {self.destination}"):
            if self._lost_by:
                raise OSError(self._lost_by, os.strerror(self._lost_by))
            for index in sorted(self._unsynced):
                # Taken out before: what is written meanwhile puts it in again. The set itself
                # stays, for another thread may be about to add to it.
                self._unsynced.discard(index)
                try:
                    self._sync(index)
                except BaseException:
                    self._unsynced.add(index)
                    raise

    # --- final names ------------------------------------------------------------------------

    def check_free(self, paths: Sequence[str], *, force: bool) -> None:
        """Check every final path before anything is moved.

        Raises:
            LocalError: a file is there (unless ``force``), a folder, or a symbolic link,
                on the way or at its end.
        """
        with told(f"can't write to {self.destination}"):
            for index, path in enumerate(paths):
                with self._tree.parent(path, create=False) as parent:
                    if parent is not None and not self._is_placed(index, parent, path):
                        self._tree.check_one(parent, path, force=force)

    def publish(self, paths: Sequence[str], *, force: bool) -> None:
        """Move every file to its final path, in order; all of them or, on failure, none.

        Only with ``force`` a file may be replaced, and one that was can't be brought back.
        """
        moved: list[int] = []
        try:
            with told(f"can't write to {self.destination}"):
                for index, path in enumerate(paths):
                    os.chmod(str(index), self._final_mode, dir_fd=self._handle)
                    self._place(index, path, force=force)
                    moved.append(index)
                self._tree.sync_folders(paths)
        except BaseException:
            for index in moved:
                self._take_back(index, paths[index])
            raise

    def discard(self) -> None:
        """Remove the folder, and the destination if it was made for this and is empty."""
        remove_partial(self.destination, self.name)
        if self._made_destination:
            with suppress(OSError):
                self.destination.rmdir()

    # --- one file ---------------------------------------------------------------------------

    def _make(self, index: int, size: int) -> None:
        handle = os.open(str(index), _NEW_FILE, _FILE_MODE, dir_fd=self._handle)
        try:
            os.fchmod(handle, _FILE_MODE)
            os.ftruncate(handle, size)
        finally:
            os.close(handle)
        self._unsynced.add(index)

    def _is_complete(self) -> bool:
        try:
            found = [
                os.stat(str(index), dir_fd=self._handle, follow_symlinks=False)
                for index in range(len(self._sizes))
            ]
        except OSError:
            return False
        return all(
            stat.S_ISREG(status.st_mode) and status.st_size == size
            for status, size in zip(found, self._sizes, strict=True)
        )

    def _write_file(self, index: int, offset: int, piece: memoryview) -> None:
        with told(f"can't write to {self.destination}"):
            handle = os.open(str(index), _OLD_FILE, dir_fd=self._handle)
            try:
                while piece:
                    written = os.pwrite(handle, piece, offset)
                    offset, piece = offset + written, piece[written:]
            finally:
                os.close(handle)
        self._unsynced.add(index)

    def _sync(self, index: int) -> None:
        handle = os.open(str(index), _OLD_FILE, dir_fd=self._handle)
        try:
            os.fsync(handle)
        except OSError as error:
            self._lost_by = error.errno or errno.EIO
            raise
        finally:
            os.close(handle)

    def _look_at_file_system(self) -> None:
        """Find out what names this file system takes, and what the umask leaves of 0600."""
        with told(f"can't write to {self.destination}"):
            # A killed process may have left its probe.
            with suppress(FileNotFoundError):
                os.unlink(_PROBE, dir_fd=self._handle)
            probe = os.open(_PROBE, _NEW_FILE, _FILE_MODE, dir_fd=self._handle)
            self._final_mode = stat.S_IMODE(os.fstat(probe).st_mode)
            os.close(probe)
            self.system = FileSystem(
                ignores_case=self._exists(_PROBE.swapcase()),
                ignores_normal_form=self._exists(_PROBE_DECOMPOSED),
                takes_every_character=self._takes('<>"|?*'),
            )
            os.unlink(_PROBE, dir_fd=self._handle)

    def _exists(self, name: str) -> bool:
        return status_of(self._handle, name) is not None

    def _takes(self, name: str) -> bool:
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT, _FILE_MODE, dir_fd=self._handle))
            os.unlink(name, dir_fd=self._handle)
        except OSError:
            return False
        return True

    # --- one final name ---------------------------------------------------------------------

    def _place(self, index: int, path: str, *, force: bool) -> None:
        with self._tree.parent(path, create=True) as parent:
            assert parent is not None, "it was made"
            if self._is_placed(index, parent, path):
                return
            self._tree.check_one(parent, path, force=force)
            if force:
                self._move(index, parent, path)
            else:
                self._link(index, parent, path)

    def _is_placed(self, index: int, parent: int, path: str) -> bool:
        """Whether an earlier process, killed in between, has given the file this very name."""
        ours, there = status_of(self._handle, str(index)), status_of(parent, last_component(path))
        return ours is not None and there is not None and os.path.samestat(ours, there)

    def _link(self, index: int, parent: int, path: str) -> None:
        """Give the file its final name, without ever replacing one."""
        try:
            os.link(
                str(index),
                last_component(path),
                src_dir_fd=self._handle,
                dst_dir_fd=parent,
                follow_symlinks=False,
            )
        except FileExistsError as error:
            raise self._tree.in_the_way(path, "exists") from error
        except OSError:
            self._reserve_and_move(index, parent, path)

    def _reserve_and_move(self, index: int, parent: int, path: str) -> None:
        """The same on a file system without hard links: take the name first, then replace it."""
        try:
            os.close(os.open(last_component(path), _NEW_FILE, _FILE_MODE, dir_fd=parent))
        except FileExistsError as error:
            raise self._tree.in_the_way(path, "exists") from error
        try:
            self._move(index, parent, path)
        except BaseException:
            os.unlink(last_component(path), dir_fd=parent)
            raise

    def _move(self, index: int, parent: int, path: str) -> None:
        os.replace(str(index), last_component(path), src_dir_fd=self._handle, dst_dir_fd=parent)

    def _take_back(self, index: int, path: str) -> None:
        with suppress(OSError, LocalError), self._tree.parent(path, create=False) as parent:
            if parent is None:
                return
            if self._exists(str(index)):
                os.unlink(last_component(path), dir_fd=parent)
            else:
                os.replace(
                    last_component(path), str(index), src_dir_fd=parent, dst_dir_fd=self._handle
                )
