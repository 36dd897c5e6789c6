"""What this machine sent and is opening: small JSON files of the user's own, mode 0600.

Kept of a share: its owner's proof O and each link's receipt key K; of an opening:
its lease T and how far it got. Never a link's secret S, a password, or a key that
opens content (protocol section 8). POSIX only, like the rest of this client's
handling of files.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from otv_client.b64 import b64decode, b64encode
from otv_client.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROOF_BYTES = 32
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_REMAINS_S = 3600  # no write takes that long

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SentLinkRecord:
    """One link that was sent: its id and the key that its receipts are checked with."""

    id: str
    ack: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A share that this machine sent.

    Attributes:
        created_at: seconds since 1970.
        is_told: the user has been told that it is over. It can still be asked for, its receipts
            with it, until the server forgets it.
    """

    server: str
    id: str
    owner: bytes = field(repr=False)
    created_at: int
    links: tuple[SentLinkRecord, ...]
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class OpeningRecord:
    """An opening that this machine began.

    Attributes:
        lease: T, 32 bytes, stored before the claim.
        lease_until: seconds since 1970 by this machine's clock; a guess until the claim is
            answered.
        destination: the folder that the files go to, absolute; empty until one is chosen.
        partial: name of the hidden folder in it.
        parts_done: parts of the content that are written and durable, from the first on.
        saved: the files' paths within ``destination`` once all have their final names.
    """

    server: str
    id: str
    lease: bytes = field(repr=False)
    lease_until: int = 0
    destination: str = ""
    partial: str = ""
    parts_done: int = 0
    saved: tuple[str, ...] | None = None


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
        return sorted(self._all("shares", _share), key=lambda record: record.created_at)

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
        record = self._read(path, _opening) if path.exists() else None
        # The file's name is a hash; what stands inside decides.
        return record if record and (record.server, record.id) == (server, link_id) else None

    def openings(self) -> list[OpeningRecord]:
        """Every opening that was begun and isn't finished."""
        return list(self._all("openings", _opening))

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
    """A file name from what a link says: a hash, so that no link chooses one."""
    return hashlib.sha256(f"{server}\0{link_id}".encode()).hexdigest()[:32]


# --- decoding: the user's own files, but a cut or edited one must not be taken for a record ------


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(kind)
    return value


def _share(value: dict[str, Any]) -> ShareRecord:
    return ShareRecord(
        server=_of(str, value["server"]),
        id=_of(str, value["id"]),
        owner=b64decode(_of(str, value["owner"]), PROOF_BYTES),
        created_at=_of(int, value["created_at"]),
        links=tuple(
            SentLinkRecord(_of(str, link["id"]), b64decode(_of(str, link["ack"]), PROOF_BYTES))
            for link in value["links"]
        ),
        is_told=value.get("is_told") is True,
    )


def _opening(value: dict[str, Any]) -> OpeningRecord:
    saved = value["saved"]
    return OpeningRecord(
        server=_of(str, value["server"]),
        id=_of(str, value["id"]),
        lease=b64decode(_of(str, value["lease"]), PROOF_BYTES),
        lease_until=_of(int, value["lease_until"]),
        destination=_of(str, value["destination"]),
        partial=_of(str, value["partial"]),
        parts_done=_of(int, value["parts_done"]),
        saved=None if saved is None else tuple(_of(str, path) for path in saved),
    )
