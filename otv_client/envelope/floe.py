"""FLOE: authenticated encryption in segments with random access (protocol section 4).

As c2sp.org/FLOE has it: AES-256-GCM segments under keys from HKDF-Expand-SHA-384, nonces random
per segment, and a header whose tag commits to key and associated data. Key, iv and nonces are
arguments here: the callers draw them, and sealing has known answers.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from otv_client.errors import IntegrityError

KEY_BYTES: Final = 32
IV_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
HEADER_BYTES: Final = 74
SEGMENT_OVERHEAD: Final = 4 + NONCE_BYTES + TAG_BYTES

Buffer = bytes | bytearray | memoryview

_PARAMS_BYTES = 10
_HEADER_TAG_BYTES = 32
_MESSAGE_KEY_BYTES = 48
_BODY = 4 + NONCE_BYTES  # where a segment's ciphertext begins
_NOT_LAST = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class FloeParams:
    """FLOE's parameters, with AES-256-GCM and SHA-384 fixed.

    Attributes:
        segment_bytes: length of an encrypted segment that is not last (ENC_SEG_LEN).
        rotation_bits: a new AES key every `2 ** rotation_bits` segments; 20 but in tests.
    """

    segment_bytes: int = 1 << 20
    rotation_bits: int = 20

    @property
    def segment_plain(self) -> int:
        """Plaintext bytes of a segment that is not last."""
        return self.segment_bytes - SEGMENT_OVERHEAD

    def encode(self) -> bytes:
        """`prm`, 10 bytes. The rotation is no part of it: FLOE fixes it with the cipher."""
        return struct.pack(">BBII", 0, 0, self.segment_bytes, IV_BYTES)


V1 = FloeParams()


class Floe:
    """One message: its header, and its segments in any order and as often as needed.

    Safe to use from several threads. Segments may be sealed again, with a fresh nonce each time.

    Args:
        key: 32 bytes.
        iv: 32 bytes, random, never the same for two messages under one key.
        aad: bound to the header and to every segment.
        params: segment length and rotation.
    """

    def __init__(self, key: bytes, iv: bytes, aad: bytes, params: FloeParams = V1) -> None:
        self._params = params
        self._prefix = params.encode() + iv
        self._aad = aad
        self.header = self._prefix + self._expand(key, b"HEADER_TAG:", _HEADER_TAG_BYTES)
        self._message_key = self._expand(key, b"MESSAGE_KEY:", _MESSAGE_KEY_BYTES)
        self._ciphers: dict[int, AESGCM] = {}

    @classmethod
    def opened(cls, key: bytes, header: bytes, aad: bytes, params: FloeParams = V1) -> Floe:
        """The message of a header, which is checked before any segment can be.

        Raises:
            IntegrityError: another length, other parameters, or a tag of another key or aad.
        """
        if len(header) != HEADER_BYTES:
            raise _refusal()
        floe = cls(key, header[_PARAMS_BYTES : _PARAMS_BYTES + IV_BYTES], aad, params)
        # Over the whole header: the parameters are compared along with the tag.
        if not hmac.compare_digest(floe.header, header):
            raise _refusal()
        return floe

    def seal_into(
        self, out: memoryview, index: int, plaintext: Buffer, nonce: bytes, *, is_last: bool
    ) -> None:
        """Seal segment `index` into `out`, `SEGMENT_OVERHEAD` bytes longer than the plaintext."""
        self._assert_plain_length(len(plaintext), is_last=is_last)
        out[:4] = struct.pack(">I", len(out) if is_last else _NOT_LAST)
        out[4:_BODY] = nonce
        cipher = self._cipher(index)
        cipher.encrypt_into(nonce, plaintext, _segment_aad(index, is_last=is_last), out[_BODY:])

    def open_into(self, out: memoryview, index: int, segment: memoryview, *, is_last: bool) -> None:
        """Open segment `index` into `out`, `SEGMENT_OVERHEAD` bytes shorter than the segment.

        Raises:
            IntegrityError: the segment is not the one that was sealed there. `out` then holds
                zeros: AES-GCM deciphers before it has checked.
        """
        self._check_frame(segment, is_last=is_last)
        nonce, aad = segment[4:_BODY], _segment_aad(index, is_last=is_last)
        try:
            self._cipher(index).decrypt_into(nonce, segment[_BODY:], aad, out)
        except InvalidTag:
            out[:] = bytes(len(out))
            raise _refusal() from None

    def _check_frame(self, segment: memoryview, *, is_last: bool) -> None:
        """A segment's length and length word must say the same, and what its place says."""
        fits = (
            SEGMENT_OVERHEAD <= len(segment) <= self._params.segment_bytes
            if is_last
            else len(segment) == self._params.segment_bytes
        )
        expected = len(segment) if is_last else _NOT_LAST
        if not fits or struct.unpack(">I", segment[:4])[0] != expected:
            raise _refusal()

    def _assert_plain_length(self, length: int, *, is_last: bool) -> None:
        full = self._params.segment_plain
        assert length <= full if is_last else length == full, "only the last segment is shorter"

    def _cipher(self, index: int) -> AESGCM:
        """The AES key of a segment. Two threads may derive the same one; they then agree."""
        epoch = index >> self._params.rotation_bits
        cipher = self._ciphers.get(epoch)
        if cipher is None:
            first = struct.pack(">Q", epoch << self._params.rotation_bits)
            cipher = AESGCM(self._expand(self._message_key, b"DEK:" + first, KEY_BYTES))
            self._ciphers[epoch] = cipher
        return cipher

    def _expand(self, key: bytes, purpose: bytes, length: int) -> bytes:
        """`X`: HKDF-Expand-SHA-384 (RFC 5869), of which one block is always enough."""
        info = self._prefix + purpose + self._aad
        return hmac.digest(key, info + b"\x01", "sha384")[:length]


def _segment_aad(index: int, *, is_last: bool) -> bytes:
    return struct.pack(">Q?", index, is_last)


def _refusal() -> IntegrityError:
    """One sentence for every fault: which check failed is nobody's business but a test's."""
    return IntegrityError("what came is not what was sealed for this link")
