"""The manifest: what a link opens, sealed in one segment (protocol section 5).

    u32(len JSON) || JSON || inline || zeros

`decode` refuses every plaintext that `encode` would not have written, so that two readers never
see two things in one manifest.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from otv_client.b64 import b64decode, b64encode
from otv_client.envelope import canonical
from otv_client.envelope.floe import (
    HEADER_BYTES,
    IV_BYTES,
    KEY_BYTES,
    NONCE_BYTES,
    SEGMENT_OVERHEAD,
    Floe,
)
from otv_client.envelope.padding import BUCKETS, bucket, padded_content
from otv_client.errors import IntegrityError, UsageError
from otv_client.names import check_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otv_client.link import Random

_T = TypeVar("_T")

MAX_FILES = 4_096
MAX_NOTE_BYTES = 65_536
MAX_INLINE_BYTES = 65_536
ROOT_BYTES = 32

_VERSION = 1
_LENGTH_BYTES = 4
_MAX_TYPE_BYTES = 127
# RFC 6838 section 4.2, without parameters; empty where nobody knows.
_TYPE = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*)?")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file.

    Attributes:
        name: components separated by `/`; `otv_client.names` has the rules.
        size: bytes.
        type: `type/subtype`, or empty.
    """

    name: str
    size: int
    type: str


@dataclass(frozen=True, slots=True)
class Blob:
    """Where the files are when they don't travel inline, and what opens them.

    Attributes:
        key: the content key, 32 bytes.
        header: the content's FLOE header, 74 bytes.
        length: `l`, the padded content's length in bytes.
        root: the hash over the list of digests, 32 bytes.
    """

    key: bytes = field(repr=False)
    header: bytes
    length: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a link opens.

    Attributes:
        note: the sender's words, perhaps empty.
        view: the sender asks for viewing, not keeping.
        files: in the order in which their bytes are joined.
        blob: None where the bytes stand in `inline`.
        inline: the files' bytes, joined; empty where there is a blob.
    """

    note: str = field(repr=False)
    view: bool
    files: tuple[FileEntry, ...]
    blob: Blob | None
    inline: bytes = field(repr=False)

    @property
    def files_bytes(self) -> int:
        """How many bytes all files have together."""
        return sum(entry.size for entry in self.files)


def is_type(text: str) -> bool:
    """Whether the text can be a file's type: empty, or `type/subtype` of at most 127 bytes."""
    return len(text) <= _MAX_TYPE_BYTES and _TYPE.fullmatch(text) is not None


def fits_inline(note: str, files: Sequence[FileEntry], *, view: bool) -> bool:
    """Whether the files may travel in the manifest: small, and with room beside the JSON.

    Raises:
        UsageError: a name or the note is no text.
    """
    total = sum(entry.size for entry in files)
    if total > MAX_INLINE_BYTES:
        return False
    json = _encode_json(Manifest(note, view, tuple(files), None, b""))
    return _LENGTH_BYTES + len(json) + total <= BUCKETS[-1]


def check_sendable(note: str, files: Sequence[FileEntry], *, view: bool) -> None:
    """Before anything is uploaded: can there be a manifest for this?

    Raises:
        UsageError: too many files, too long a note, a name or type that no reader accepts, or
            more of them all than fit.
    """
    total = sum(entry.size for entry in files)
    blob = Blob(bytes(KEY_BYTES), bytes(HEADER_BYTES), padded_content(total), bytes(ROOT_BYTES))
    encode(Manifest(note, view, tuple(files), blob, b""))


def encode(manifest: Manifest) -> bytes:
    """The padded plaintext; what comes out is what `decode` reads.

    Raises:
        UsageError: a rule of section 5 stands against it.
    """
    json = _encode_json(manifest)
    unpadded = struct.pack(">I", len(json)) + json + manifest.inline
    plaintext = unpadded.ljust(bucket(len(unpadded)), b"\0")
    try:
        read = decode(plaintext)
    except IntegrityError as error:
        raise UsageError(error.message) from None
    if read != manifest:  # inline bytes too few: zeros of the padding would have filled the files
        raise UsageError("the files' sizes are not those of their bytes")
    return plaintext


def decode(plaintext: bytes) -> Manifest:
    """Read a manifest's plaintext.

    Raises:
        IntegrityError: anything that `encode` would not have written, keys that nobody knows
            yet aside.
    """
    if len(plaintext) not in BUCKETS:
        raise _refusal("its length")
    (json_bytes,) = struct.unpack_from(">I", plaintext)
    json_end = _LENGTH_BYTES + json_bytes
    if json_end > len(plaintext):
        raise _refusal("its length")
    fields = _parse_json(plaintext[_LENGTH_BYTES:json_end])
    manifest = _from_json(fields)
    inline_end = json_end + (0 if manifest.blob else manifest.files_bytes)
    _check_end(plaintext, inline_end)
    if manifest.blob:
        return manifest
    return Manifest(
        manifest.note, manifest.view, manifest.files, None, plaintext[json_end:inline_end]
    )


def seal_manifest(
    manifest: Manifest,
    key: bytes,
    id: bytes,  # noqa: A002 - the protocol's word
    random: Random,
) -> bytes:
    """Seal under M. Never twice for one `(id, S)`: draw a new link instead.

    Raises:
        UsageError: as `encode`.
    """
    iv, nonce = random(IV_BYTES), random(NONCE_BYTES)
    return seal_plaintext(encode(manifest), key, id, iv, nonce)


def seal_plaintext(plaintext: bytes, key: bytes, id: bytes, iv: bytes, nonce: bytes) -> bytes:  # noqa: A002 - the protocol's word
    """The known-answer half of `seal_manifest`: `header || seg_0`."""
    floe = Floe(key, iv, _aad(id))
    segment = bytearray(len(plaintext) + SEGMENT_OVERHEAD)
    floe.seal_into(memoryview(segment), 0, plaintext, nonce, is_last=True)
    return floe.header + bytes(segment)


def open_manifest(sealed: bytes, key: bytes, id: bytes) -> Manifest:  # noqa: A002 - the protocol's word
    """Open and read what `seal_manifest` made.

    Raises:
        IntegrityError: another key, another link's, or not a bit as it was.
    """
    # Before anything is computed: there are four lengths, and all else is noise.
    if len(sealed) - HEADER_BYTES - SEGMENT_OVERHEAD not in BUCKETS:
        raise _refusal("its length")
    floe = Floe.opened(key, sealed[:HEADER_BYTES], _aad(id))
    segment = memoryview(sealed)[HEADER_BYTES:]
    plaintext = bytearray(len(segment) - SEGMENT_OVERHEAD)
    floe.open_into(memoryview(plaintext), 0, segment, is_last=True)
    return decode(bytes(plaintext))


def _aad(id_: bytes) -> bytes:
    return b"otv/1 manifest\0" + id_


def _encode_json(manifest: Manifest) -> bytes:
    try:
        return canonical.dump(_to_json(manifest))
    except UnicodeEncodeError:
        raise UsageError("a name or the note holds a character that is none") from None


def _to_json(manifest: Manifest) -> dict[str, Any]:
    blob = manifest.blob
    return {
        "v": _VERSION,
        "note": manifest.note,
        "view": manifest.view,
        "files": [{"n": e.name, "s": e.size, "t": e.type} for e in manifest.files],
        "blob": blob
        and {
            "k": b64encode(blob.key),
            "h": b64encode(blob.header),
            "l": blob.length,
            "r": b64encode(blob.root),
        },
    }


def _parse_json(json: bytes) -> dict[str, Any]:
    try:
        fields = canonical.parse(json)
    except ValueError as error:
        raise _refusal(str(error)) from None
    return _typed(fields, dict)


def _from_json(fields: dict[str, Any]) -> Manifest:
    if _get(fields, "v", int) != _VERSION:
        raise _refusal("its version")
    note, view = _get(fields, "note", str), _get(fields, "view", bool)
    if len(note.encode()) > MAX_NOTE_BYTES:
        raise _refusal("the note's length")
    files = _read_files(_get(fields, "files", list))
    blob = None if fields.get("blob", "") is None else _read_blob(_get(fields, "blob", dict))
    manifest = Manifest(note, view, files, blob, b"")
    if blob and blob.length != padded_content(manifest.files_bytes):
        raise _refusal("the files' sizes")
    return manifest


def _read_files(entries: list[Any]) -> tuple[FileEntry, ...]:
    if len(entries) > MAX_FILES:
        raise _refusal("the number of files")
    files = tuple(_read_file(_typed(entry, dict)) for entry in entries)
    check_names(entry.name for entry in files)
    return files


def _read_file(fields: dict[str, Any]) -> FileEntry:
    entry = FileEntry(_get(fields, "n", str), _get(fields, "s", int), _get(fields, "t", str))
    if not is_type(entry.type):
        raise _refusal("a file's type")
    return entry


def _read_blob(fields: dict[str, Any]) -> Blob:
    return Blob(
        key=_get_bytes(fields, "k", KEY_BYTES),
        header=_get_bytes(fields, "h", HEADER_BYTES),
        length=_get(fields, "l", int),
        root=_get_bytes(fields, "r", ROOT_BYTES),
    )


def _get(fields: dict[str, Any], key: str, kind: type[_T]) -> _T:
    if key not in fields:
        raise _refusal("a missing field")
    return _typed(fields[key], kind)


def _get_bytes(fields: dict[str, Any], key: str, length: int) -> bytes:
    try:
        return b64decode(_get(fields, key, str), length)
    except ValueError:
        raise _refusal("a field that is no base64url of its length") from None


def _typed(value: Any, kind: type[_T]) -> _T:
    if type(value) is not kind:  # not isinstance: True is an int to Python, and none here
        raise _refusal("a field of another type")
    return value


def _check_end(plaintext: bytes, end: int) -> None:
    if end > len(plaintext):
        raise _refusal("the files' sizes")
    if bucket(end) != len(plaintext):
        raise _refusal("its length")
    if plaintext[end:].strip(b"\0"):
        raise _refusal("its padding")


def _refusal(what: str) -> IntegrityError:
    return IntegrityError(f"the description of this share is not as it must be: {what}")
