"""What this machine sent and is opening: small JSON files of the user's own, mode 0600.

Kept of a share: its owner's proof O and each link's receipt key K; of an opening:
its lease T and how far it got; of a server: the pin of its key. Never a link's secret
S, a password, or a key that opens content (protocol section 8). POSIX only, like the
rest of this client's handling of files.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from otv_client.b64 import b64encode
from otv_client.errors import LocalError
from otv_client.records import (
    KeyRecord,
    OpeningRecord,
    ShareRecord,
    read_key,
    read_opening,
    read_share,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_REMAINS_S = 3600  # no write takes that long

T = TypeVar("T")


def default_path() -> Path:
    """``OTV_STATE``, else the user's state folder (``XDG_STATE_HOME`` is respected)."""
    if chosen := os.environ.get("OTV_STATE"):
        return Path(chosen)
    from platformdirs import user_state_path  # noqa: PLC0415 - 30 ms, only where it is needed

    return user_state_path("otv-client", appauthor=False)


class StateFolder:
    """The folder of records.

    A record that can't be read is skipped, and ``warn`` is told its file name.
    """

    def __init__(self, path: Path, *, warn: Callable[[str], None] = lambda _: None) -> None:
        self.path = path
        self._warn = warn

    # --- shares -----------------------------------------------------------------------------

    def save_share(self, record: ShareRecord) -> None:
        """Write one share's record, durably."""
        self._write("shares", record.id, asdict(record))

    def forget_share(self, sid: str) -> None:
        """Delete one share's record, if there is one."""
        self._delete("shares", sid)

    def shares(self) -> list[ShareRecord]:
        """Every share that this machine sent, oldest first."""
        return sorted(self._all("shares", read_share), key=lambda record: record.created_at)

    # --- openings ---------------------------------------------------------------------------

    def save_opening(self, record: OpeningRecord) -> None:
        """Write one opening's record, durably."""
        self._write("openings", _opening_name(record.server, record.id), asdict(record))

    def forget_opening(self, record: OpeningRecord) -> None:
        """Delete one opening's record."""
        self._delete("openings", _opening_name(record.server, record.id))

    def opening(self, server: str, link_id: str) -> OpeningRecord | None:
        """The opening of this link, if one was begun."""
        path = self._file("openings", _opening_name(server, link_id))
        record = self._read(path, read_opening) if path.exists() else None
        # The file's name is a hash; what stands inside decides.
        return record if record and (record.server, record.id) == (server, link_id) else None

    def openings(self) -> list[OpeningRecord]:
        """Every opening that was begun and isn't finished."""
        return list(self._all("openings", read_opening))

    @contextmanager
    def opening_lock(self, server: str, link_id: str) -> Iterator[None]:
        """Hold this link's opening; raises ``LocalError`` where another process does."""
        folder = self._folder("openings")
        path = folder / f"{_opening_name(server, link_id)}.lock"
        with _told("the state folder can't be written"):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            if not _locked(handle, path):
                raise LocalError("another process here is opening this link")
            try:
                yield
            finally:
                path.unlink(missing_ok=True)  # while it is held: see _locked
        finally:
            os.close(handle)

    # --- keys of servers --------------------------------------------------------------------

    def save_key(self, record: KeyRecord) -> None:
        """Remember which key a server has; it replaces what was remembered of it."""
        self._write("keys", _name_of(record.server), asdict(record))

    def key(self, server: str) -> KeyRecord | None:
        """The key that this server (``https://host[:port]``) must have, if one is remembered."""
        path = self._file("keys", _name_of(server))
        record = self._read(path, read_key) if path.exists() else None
        return record if record and record.server == server else None

    # --- files ------------------------------------------------------------------------------

    def _folder(self, kind: str) -> Path:
        folder = self.path / kind
        with _told("the state folder can't be made"):
            for path in (self.path, folder):
                if not path.exists():
                    path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
                    path.chmod(_FOLDER_MODE)  # whatever the umask is
        return folder

    def _file(self, kind: str, name: str) -> Path:
        return self.path / kind / f"{name}.json"

    def _write(self, kind: str, name: str, value: dict[str, Any]) -> None:
        folder = self._folder(kind)
        text = json.dumps(value, default=b64encode, indent=1)
        with _told("the state folder can't be written"):
            _write_atomically(folder, self._file(kind, name), text.encode())

    def _delete(self, kind: str, name: str) -> None:
        with _told("the state folder can't be written"):
            self._file(kind, name).unlink(missing_ok=True)

    def _all(self, kind: str, decode: Callable[[dict[str, Any]], T]) -> Iterator[T]:
        for path in sorted((self.path / kind).glob("*.json")):
            if record := self._read(path, decode):
                yield record

    def _read(self, path: Path, decode: Callable[[dict[str, Any]], T]) -> T | None:
        try:
            return decode(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._warn(f"skipped a record that can't be read: {path.name}")
            return None


def _write_atomically(folder: Path, path: Path, content: bytes) -> None:
    """Either the old file or the whole new one is there, also after a crash."""
    _remove_remains(folder)
    fresh = folder / f".{secrets.token_hex(8)}.tmp"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, _FILE_MODE)  # whatever the umask is: a record must be readable again
            file.write(content)
            file.flush()
            os.fsync(handle)
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    sync_folder(folder)


def _remove_remains(folder: Path) -> None:
    """What a killed process was writing holds proofs; nobody will ever read it."""
    for path in folder.glob(".*.tmp"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _REMAINS_S:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(message: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalError(f"{message}: {error.strerror or 'input/output error'}") from error


def _locked(handle: int, path: Path) -> bool:
    """Take the lock; not one on a file that its last holder has removed meanwhile."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _opening_name(server: str, link_id: str) -> str:
    return _name_of(f"{server}\0{link_id}")


def _name_of(text: str) -> str:
    """A file name from what a link or a server says: a hash, so that neither chooses one."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
