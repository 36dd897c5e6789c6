"""Looking for secrets in files: raw, hex, base64 and base64url, wherever they begin."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def spellings(secret: bytes) -> set[bytes]:
    """Every way that ``secret`` may stand in a file.

    In base64 the same bytes look different by where they begin; the characters that depend on
    neighbours are left off at both ends.
    """
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for encode in (b64encode, urlsafe_b64encode):
        for shift in range(3):
            text = encode(bytes(shift) + secret).rstrip(b"=")
            found.add(text[(0, 2, 3)[shift] : len(text) - 1])
    return found


def files_with(folders: Iterable[Path], secrets: dict[str, bytes]) -> dict[str, set[str]]:
    """Which secret, by its name, stands in which file, by its name."""
    wanted = {name: spellings(secret) for name, secret in secrets.items()}
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            data = path.read_bytes() if path.is_file() else b""
            data += str(path).encode()
            for name, looks in wanted.items():
                if any(look in data for look in looks):
                    found.setdefault(name, set()).add(path.name)
    return found
