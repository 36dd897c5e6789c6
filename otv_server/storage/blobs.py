"""``BlobStore`` on a folder: one file a blob, in 256 folders by the first two characters.

A name is random, and a file under it is written once. It counts only when a row names it, so
no temporary name is needed; what a crash leaves half written, no row will ever name.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from otv_server.domain.errors import NoRoom, Unavailable
from otv_server.storage.gathering import Gathering, in_thread, reading_memory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
    from pathlib import Path

    from otv_server.domain.ports import Inspection

NAME_BYTES = 16
MARKER = "database"  # whose blobs these are
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskBlobs:
    """Blobs in files of one folder.

    Args:
        folder: made where missing, 0700.
        random: draws n random bytes.
        clock: seconds since the epoch, the clock of the file system's times.
        settled_s: how old a blob is before ``names`` tells of it.
    """

    def __init__(
        self,
        folder: Path,
        random: Callable[[int], bytes],
        clock: Callable[[], float],
        settled_s: int,
    ) -> None:
        self._folder = folder
        self._random = random
        self._clock = clock
        self._settled_s = settled_s
        self._gathering = Gathering()
        self._memory = reading_memory()

    async def open(self) -> None:
        """Make the folders, so that storing a blob makes none; see that they can be written."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(256):
            folder = self._folder / f"{number:02x}"
            folder.mkdir(mode=0o700, exist_ok=True)
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        _sync_folder(self._folder)

    async def owner(self) -> str | None:
        """Whose blobs these are; None where nobody's were here before.

        Raises:
            OSError: it can't be read.
        """
        with suppress(FileNotFoundError):
            held = await in_thread((self._folder / MARKER).read_bytes)
            return held.decode(errors="replace").strip()  # a person may have put it there
        return None

    async def mark(self, database_id: str) -> None:
        """From here on these blobs are that database's, unless somebody was first.

        Raises:
            OSError: it can't be written.
        """
        await in_thread(self._mark, database_id)

    def _mark(self, database_id: str) -> None:
        marker, draft = self._folder / MARKER, self._folder / self.new_name()
        try:
            with open(draft, "x", opener=_private) as file:  # a Path's own takes no opener
                file.write(database_id)
                file.flush()
                os.fsync(file.fileno())
            _give_name(draft, marker)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(self._folder)

    def new_name(self) -> str:
        """See ``BlobStore.new_name``."""
        return self._random(NAME_BYTES).hex()

    def _path(self, blob: str) -> Path:
        return self._folder / blob[:2] / blob

    async def put(self, blob: str, chunks: AsyncIterator[bytes], inspection: Inspection) -> None:
        """See ``BlobStore.put``."""
        try:
            await self._write(self._path(blob), chunks, inspection)
        except OSError as error:
            raise (NoRoom if error.errno in _FULL else Unavailable) from error

    async def _write(
        self, path: Path, chunks: AsyncIterator[bytes], inspection: Inspection
    ) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        file = await in_thread(os.open, path, flags, 0o600, undo=os.close)
        try:
            await self._gathering.write(file, chunks, inspection)
            await in_thread(os.fsync, file)
        except BaseException:
            # Now and not by the sweep: on a full disk the database needs this very room.
            with suppress(OSError):
                await in_thread(path.unlink)
            raise
        finally:
            os.close(file)
        await in_thread(_sync_folder, path.parent)

    async def read(self, blob: str, start: int, stop: int) -> AsyncGenerator[bytes]:
        """See ``BlobStore.read``."""
        try:
            file = await in_thread(os.open, self._path(blob), os.O_RDONLY, undo=os.close)
        except OSError as error:
            raise Unavailable from error
        try:
            with self._memory.shared():
                while start < stop:
                    size = min(self._memory.bytes(), stop - start)
                    chunk = await in_thread(os.pread, file, size, start)
                    if not chunk:
                        raise Unavailable
                    start += len(chunk)
                    yield chunk
        finally:
            os.close(file)

    async def delete(self, blob: str) -> None:
        """See ``BlobStore.delete``."""
        try:
            await in_thread(self._path(blob).unlink)
        except FileNotFoundError as error:
            # Nothing there is fine; no folder is a disk that is not mounted, and keeps its bytes.
            if not self._path(blob).parent.is_dir():
                raise Unavailable from error
        except OSError as error:
            raise Unavailable from error

    async def names(self) -> AsyncIterator[Sequence[str]]:
        """See ``BlobStore.names``: a group a folder."""
        for number in range(256):
            yield await in_thread(self._settled, self._folder / f"{number:02x}")

    def _settled(self, folder: Path) -> list[str]:
        latest = self._clock() - self._settled_s
        try:
            with os.scandir(folder) as entries:
                return [entry.name for entry in entries if _modified_at(entry) < latest]
        except OSError as error:
            raise Unavailable from error

    async def free_bytes(self) -> int | None:
        """See ``BlobStore.free_bytes``."""
        try:
            return shutil.disk_usage(self._folder).free
        except OSError as error:
            raise Unavailable from error


def _modified_at(entry: os.DirEntry[str]) -> float:
    """When a blob was last written to; now and for ever where it was deleted meanwhile."""
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _give_name(draft: Path, name: Path) -> None:
    """Whole or not at all, and only the first one's."""
    try:
        os.link(draft, name)
    except FileExistsError:
        return
    except OSError:
        # A file system without links, such as a memory stick's: nearly as good.
        if not name.exists():
            draft.rename(name)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """Make new names durable: on most file systems a file's own fsync is not enough."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
