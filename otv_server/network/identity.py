"""The server's key and certificate, as files: made on the first start, renewed in time, kept.

The key outlives every certificate, so that pins hold: it is never made again while its file is
there, whatever is wrong with it. A certificate only repeats the key and names addresses; a missing,
damaged or old one is made again.
"""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from otv_server.network.certificates import (
    Certificate,
    Subject,
    new_key,
    public_key_of,
    read_certificate,
    self_signed,
)
from otv_server.network.errors import CantServe
from otv_server.network.pins import fits_links, pin_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

# Judges warn of certificates that end within two months.
RENEWED_BEFORE_END = timedelta(days=90)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class News(StrEnum):
    """What was done about the certificate, for people; empty where nothing had to be."""

    NONE = ""
    FIRST = "A key and a certificate were made for this server."
    DAMAGED = "The certificate was damaged; a new one was made for the same key."
    ENDED = "The certificate had ended; a new one was made for the same key."
    ENDING = "The certificate was about to end; a new one was made for the same key."
    CHANGED = "This machine's addresses changed; a new certificate was made for the same key."


@dataclass(frozen=True, slots=True)
class Files:
    """Where key and certificate lie."""

    folder: Path

    @property
    def key(self) -> Path:
        """The private key, in PEM; nobody else may read it."""
        return self.folder / "key.pem"

    @property
    def certificate(self) -> Path:
        """The certificate, in PEM."""
        return self.folder / "certificate.pem"


@dataclass(frozen=True, slots=True)
class Identity:
    """What others know this server by."""

    pin: bytes
    fingerprint: bytes
    news: News


def keep(files: Files, wanted: Callable[[bytes], Subject], now: datetime) -> Identity:
    """Read key and certificate; make what is missing, renew what has to be.

    Args:
        files: where they lie; the folder is made.
        wanted: names and addresses for the certificate, given the pin.
        now: from the wall clock.

    Raises:
        CantServe: the key can't be read, used or made.
    """
    try:
        files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key, is_new = _kept_key(files.key)
        public = _public(files.key, key)
        subject = wanted(pin_of(public))
        old = _read(files.certificate)
        news = News.FIRST if is_new else _news(old, public, subject, now)
        if news:
            data = self_signed(key, subject, now)
            _write(files.certificate, data)
            old = read_certificate(data)
    except OSError as error:
        raise CantServe(f"{error.filename or files.folder}: {error.strerror}.") from None
    assert old is not None  # where it was missing, there were news
    return Identity(pin_of(public), old.fingerprint, news)


def _news(old: Certificate | None, public: bytes, subject: Subject, now: datetime) -> News:
    if old is None or old.public_key != public:
        return News.DAMAGED
    if not old.starts <= now < old.ends:
        return News.ENDED
    if old.ends - now < RENEWED_BEFORE_END:
        return News.ENDING
    return News.NONE if old.subject.covers(subject) else News.CHANGED


def _kept_key(path: Path) -> tuple[bytes, bool]:
    """The key in PEM; True says that it was made just now."""
    if not path.exists() and _put_first(path, _new_fitting_key()):
        return path.read_bytes(), True
    if stat.S_IMODE(path.stat().st_mode) & _OTHERS:
        raise CantServe(
            f"The key {path} can be read by others: `chmod 600` it, or delete it to get a new"
            " one; links that carry its pin then no longer open."
        )
    return path.read_bytes(), False


def _new_fitting_key() -> bytes:
    while True:
        key = new_key()
        if fits_links(pin_of(public_key_of(key))):
            return key


def _public(path: Path, key: bytes) -> bytes:
    try:
        public = public_key_of(key)
    except ValueError:
        raise CantServe(
            f"The key {path} is damaged, or no ECDSA key on P-256: put it back from a backup, or"
            " delete it to get a new one; links that carry its pin then no longer open."
        ) from None
    if not fits_links(pin_of(public)):
        raise CantServe(f"The pin of the key {path} does not fit links: delete it to get another.")
    return public


def _read(path: Path) -> Certificate | None:
    try:
        return read_certificate(path.read_bytes())
    except (ValueError, FileNotFoundError):
        return None


def _put_first(path: Path, data: bytes) -> bool:
    """Write a whole file, unless somebody else was first; False says so."""
    aside = _aside(path, data)
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also where the power fails."""
    _aside(path, data).replace(path)


def _aside(path: Path, data: bytes) -> Path:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    return aside
