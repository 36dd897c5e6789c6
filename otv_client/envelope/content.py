"""The content: files joined, padded, sealed in segments, cut into parts (protocol section 6).

A part holds whole segments, so each can be sealed, checked and opened alone and in any order. The
lengths are those of `Layout`; everything but tests with small examples uses `V1`.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otv_client.envelope.floe import (
    IV_BYTES,
    KEY_BYTES,
    NONCE_BYTES,
    SEGMENT_OVERHEAD,
    Buffer,
    Floe,
    FloeParams,
)
from otv_client.envelope.padding import padded_content
from otv_client.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otv_client.link import Random

_AAD = b"otv/1 content\0"


@dataclass(frozen=True, slots=True)
class Layout:
    """The lengths that the geometry follows from.

    Attributes:
        floe: segment length and key rotation.
        part_segments: segments of a part that is not last.
    """

    floe: FloeParams = FloeParams()  # noqa: RUF009 - frozen, so one for all is right
    part_segments: int = 8

    @property
    def part_bytes(self) -> int:
        """Ciphertext bytes of a part that is not last."""
        return self.part_segments * self.floe.segment_bytes

    @property
    def part_plain(self) -> int:
        """Content bytes in a part that is not last."""
        return self.part_segments * self.floe.segment_plain


V1 = Layout()
PART_BYTES = V1.part_bytes
SEGMENT_PLAIN = V1.floe.segment_plain
PART_PLAIN = V1.part_plain


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where everything is, as it follows from the content's length.

    Attributes:
        length: `l`, bytes of the padded content.
        segments: `n`.
        ciphertext: `C`, bytes.
        parts: `p`.
    """

    length: int
    segments: int
    ciphertext: int
    parts: int
    layout: Layout = V1

    @classmethod
    def of_length(cls, length: int, layout: Layout = V1) -> Geometry:
        """From `l`, which is at least 1."""
        segments = _ceil(length, layout.floe.segment_plain)
        ciphertext = length + SEGMENT_OVERHEAD * segments
        return cls(length, segments, ciphertext, _ceil(ciphertext, layout.part_bytes), layout)

    @classmethod
    def of_files(cls, files_bytes: int, layout: Layout = V1) -> Geometry:
        """From the sum of the files' sizes."""
        return cls.of_length(padded_content(files_bytes), layout)

    @classmethod
    def of_ciphertext(cls, ciphertext: int, layout: Layout = V1) -> Geometry:
        """From `C`.

        Raises:
            IntegrityError: no content has that many bytes of ciphertext.
        """
        segments = _ceil(ciphertext, layout.floe.segment_bytes)
        length = ciphertext - SEGMENT_OVERHEAD * segments
        geometry = cls.of_length(max(length, 1), layout)
        if geometry.ciphertext != ciphertext or padded_content(length) != length:
            raise IntegrityError("the content has a length that none can have")
        return geometry

    def part_bytes(self, part: int) -> int:
        """Ciphertext bytes of part `j`."""
        self._assert_part(part)
        return min(self.layout.part_bytes, self.ciphertext - part * self.layout.part_bytes)

    def part_plain(self, part: int) -> tuple[int, int]:
        """Which bytes of the content part `j` holds: the first, and the one after the last."""
        self._assert_part(part)
        start = part * self.layout.part_plain
        return start, min(start + self.layout.part_plain, self.length)

    def is_last(self, part: int) -> bool:
        """Whether part `j` ends the content."""
        self._assert_part(part)
        return part == self.parts - 1

    def _assert_part(self, part: int) -> None:
        assert 0 <= part < self.parts, "there is no such part"


class ContentSealer:
    """Seals parts in any order, from several threads, and again after a failure.

    A part sealed again has other bytes, and so another digest: whoever repeats an upload sends the
    bytes of the first time.

    Attributes:
        key: the content key; belongs in the manifest and nowhere else.
        header: belongs in the manifest.
    """

    def __init__(self, key: bytes, iv: bytes, random: Random, layout: Layout = V1) -> None:
        self.key = key
        self._floe = Floe(key, iv, _AAD, layout.floe)
        self.header = self._floe.header
        self._random = random
        self._layout = layout

    @classmethod
    def draw(cls, random: Random, layout: Layout = V1) -> ContentSealer:
        """A sealer with a key and an iv of its own."""
        return cls(random(KEY_BYTES), random(IV_BYTES), random, layout)

    def seal_part(self, part: int, plaintext: Buffer, *, is_last: bool) -> memoryview:
        """Seal the content's bytes of part `j`, padding included.

        Args:
            part: its index.
            plaintext: `Layout.part_plain` bytes; where `is_last`, 1 to that many.
            is_last: whether the content ends here.

        Returns:
            The part, read-only. Each segment draws its nonce from the source of randomness in turn.
        """
        plain = memoryview(plaintext)
        self._assert_plain_length(len(plain), is_last=is_last)
        segments = _ceil(len(plain), self._layout.floe.segment_plain)
        sealed = memoryview(bytearray(len(plain) + SEGMENT_OVERHEAD * segments))
        first = part * self._layout.part_segments
        for at in range(segments):
            self._floe.seal_into(
                _piece(sealed, at, self._layout.floe.segment_bytes),
                first + at,
                _piece(plain, at, self._layout.floe.segment_plain),
                self._random(NONCE_BYTES),
                is_last=is_last and at == segments - 1,
            )
        return sealed.toreadonly()

    def _assert_plain_length(self, length: int, *, is_last: bool) -> None:
        full = self._layout.part_plain
        assert 0 < length <= full if is_last else length == full, "only the last part is shorter"


class ContentOpener:
    """Opens parts in any order and from several threads.

    Args:
        key: from the manifest.
        header: from the manifest.
        geometry: of the length in the manifest.

    Raises:
        IntegrityError: key and header don't belong together.
    """

    def __init__(self, key: bytes, header: bytes, geometry: Geometry) -> None:
        self._floe = Floe.opened(key, header, _AAD, geometry.layout.floe)
        self._geometry = geometry

    def open_part(self, part: int, ciphertext: Buffer) -> memoryview:
        """Open part `j`; check its digest first.

        Returns:
            The content's bytes of that part, verified, read-only, the padding among them.

        Raises:
            IntegrityError: not the part that was sealed there; nothing of it is let out.
        """
        sealed = memoryview(ciphertext)
        if len(sealed) != self._geometry.part_bytes(part):
            raise IntegrityError("a part of the content is not as long as it must be")
        start, stop = self._geometry.part_plain(part)
        plain = memoryview(bytearray(stop - start))
        floe, first = self._geometry.layout.floe, part * self._geometry.layout.part_segments
        for at in range(_ceil(len(sealed), floe.segment_bytes)):
            self._floe.open_into(
                _piece(plain, at, floe.segment_plain),
                first + at,
                _piece(sealed, at, floe.segment_bytes),
                is_last=first + at == self._geometry.segments - 1,
            )
        return plain.toreadonly()


def digest(part: Buffer) -> bytes:
    """`D_j`, 32 bytes."""
    return hashlib.sha256(part).digest()


def root(ciphertext_bytes: int, digests: Sequence[bytes]) -> bytes:
    """The hash over the list of digests, 32 bytes."""
    prefix = b"otv/1 root\0" + struct.pack(">Q", ciphertext_bytes)
    return hashlib.sha256(prefix + b"".join(digests)).digest()


def check_digests(geometry: Geometry, digests: Sequence[bytes], expected_root: bytes) -> None:
    """Check the list that a claim hands out, before any part is read.

    Raises:
        IntegrityError: another list than the sender's.
    """
    # The length of each digest too: the root hashes them joined, so it does not see their borders.
    fits = len(digests) == geometry.parts and all(len(d) == KEY_BYTES for d in digests)
    if not fits or not hmac.compare_digest(root(geometry.ciphertext, digests), expected_root):
        raise IntegrityError("the list of parts is not the one that the sender made")


class PartDigest:
    """`D_j` of a part that arrives in pieces, to be checked before the part is opened."""

    def __init__(self) -> None:
        self._hashed = hashlib.sha256()

    def update(self, piece: Buffer) -> None:
        """The next bytes."""
        self._hashed.update(piece)

    def check(self, expected: bytes) -> None:
        """See that those were all, and the sender's.

        Raises:
            IntegrityError: another part than the sender's.
        """
        if not hmac.compare_digest(self._hashed.digest(), expected):
            raise IntegrityError("a part of the content is not the one that the sender made")


def check_padding(plaintext: Buffer, start: int, files_bytes: int) -> None:
    """Check that what follows the last file's last byte is zero.

    Args:
        plaintext: a run of the content.
        start: where in the content it begins.
        files_bytes: the sum of the files' sizes.

    Raises:
        IntegrityError: a byte of the padding is not zero.
    """
    padding = memoryview(plaintext)[max(files_bytes - start, 0) :].tobytes()
    if padding.count(0) != len(padding):  # four times as fast as strip(b"\0")
        raise IntegrityError("the padding behind the files is not empty")


def _piece(whole: memoryview, at: int, length: int) -> memoryview:
    return whole[at * length : (at + 1) * length]


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)
