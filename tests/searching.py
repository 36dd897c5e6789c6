"""Looking for secrets in files, and in what went over a wire, in whatever spelling."""

from __future__ import annotations

import json
import re
import struct
from base64 import b64decode, b64encode, urlsafe_b64encode
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

WINDOW = 16  # so many bytes in a row of a plaintext are no coincidence
_BLOCK = WINDOW // 2
_HEX_RUN = re.compile(rb"[0-9A-Fa-f]{%d,}" % (2 * WINDOW))
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % (4 * WINDOW // 3))
_SAME_ALPHABET = bytes.maketrans(b"-_", b"+/")


def spellings(secret: bytes) -> set[bytes]:
    """Every way that ``secret`` may stand there: raw, hex, base64, percent-encoded, UTF-16, JSON.

    In base64 the same bytes look different by where they begin; the characters that depend on
    neighbours are left off at both ends.
    """
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for encode in (b64encode, urlsafe_b64encode):
        for shift in range(3):
            text = encode(bytes(shift) + secret).rstrip(b"=")
            found.add(text[(0, 2, 3)[shift] : len(text) - 1])
    for escape in (quote, quote_plus):
        escaped = escape(secret, safe="")
        found |= {escaped.encode(), re.sub("%..", lambda m: m[0].lower(), escaped).encode()}
    with suppress(UnicodeDecodeError):
        words = secret.decode()
        found |= {words.encode("utf-16-le"), words.encode("utf-16-be")}
        found.add(json.dumps(words)[1:-1].encode())
    return found


def secrets_in(data: bytes, secrets: Mapping[str, bytes]) -> set[str]:
    """The names of the secrets that stand in ``data``."""
    return {
        name for name, secret in secrets.items() if any(look in data for look in spellings(secret))
    }


def files_with(folders: Iterable[Path], secrets: dict[str, bytes]) -> dict[str, set[str]]:
    """Which secret, by its name, stands in which file, by its name."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            data = path.read_bytes() if path.is_file() else b""
            for name in secrets_in(data + str(path).encode(), secrets):
                found.setdefault(name, set()).add(path.name)
    return found


def window_in(data: bytes, plaintext: bytes) -> bytes | None:
    """Some ``WINDOW`` bytes in a row of ``plaintext`` that stand in ``data``, in any spelling.

    A plaintext of noise without zeros is what can be told apart from everything else.
    """
    known = {block: _BLOCK * at for at, block in enumerate(_blocks(plaintext))}
    for view in _views(data):
        # Whatever window stands in it, it holds one of the blocks as a whole.
        for shift in range(_BLOCK):
            for block in known.keys() & _blocks(view[shift:]):
                for found in re.finditer(re.escape(block), view):
                    if run := _run_around(view, found.start(), plaintext, known[block]):
                        return run
    return None


def _blocks(data: bytes) -> list[bytes]:
    return [block for (block,) in struct.iter_unpack(f"{_BLOCK}s", data[: len(data) & -_BLOCK])]


def _run_around(view: bytes, at: int, plaintext: bytes, start: int) -> bytes | None:
    """The bytes that both have in a row around a block that they share, if they are enough."""
    first = last = 0
    while first < min(at, start) and view[at - first - 1] == plaintext[start - first - 1]:
        first += 1
    room = min(len(view) - at, len(plaintext) - start)
    while last < room and view[at + last] == plaintext[start + last]:
        last += 1
    return view[at - first : at + last] if first + last >= WINDOW else None


def _views(data: bytes) -> Iterator[bytes]:
    """The data as it is, and decoded from each spelling that it may be in."""
    yield data
    yield data.replace(b"\0", b"")  # UTF-16 of single bytes
    yield data.decode(errors="ignore").encode("latin-1", "ignore")  # UTF-8 of single bytes
    yield unquote_to_bytes(data)
    for run in _HEX_RUN.findall(data):
        for shift in range(2):
            text = run[shift:]
            yield bytes.fromhex(text[: len(text) // 2 * 2].decode())
    for run in _BASE64_RUN.findall(data):
        for shift in range(4):
            text = run[shift:].translate(_SAME_ALPHABET)
            yield b64decode(text[: len(text) - (len(text) % 4 == 1)] + b"==")
