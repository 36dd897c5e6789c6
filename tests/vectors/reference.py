"""The protocol's bytes once more, as plainly as can be, for the test vectors alone.

Written from docs/protocol.md and not from `otv_client`, which it does not import: where the two
disagree, one of them is wrong, and the vectors show it. Nothing here refuses anything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import unicodedata
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

MANIFEST_AAD = b"otv/1 manifest\0"
CONTENT_AAD = b"otv/1 content\0"


def stream(seed: str, length: int) -> bytes:
    """Bytes that look random: SHA-256(seed || u32(0)) || SHA-256(seed || u32(1)) || …, cut."""
    blocks = -(-length // 32)
    hashes = (hashlib.sha256(seed.encode() + struct.pack(">I", i)).digest() for i in range(blocks))
    return b"".join(hashes)[:length]


def sha256(data: bytes) -> bytes:
    """H."""
    return hashlib.sha256(data).digest()


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def fragment(id_: bytes, fields: bytes) -> str:
    """Section 2: the fields and their checksum."""
    return b64(fields + sha256(b"otv/1 link\0" + id_ + fields)[:5])


def fields(secret: bytes, *, kdf: int = 0, pin: bytes = b"", version: int = 1) -> bytes:
    """Section 2: `F`."""
    return bytes([version, kdf << 4 | bool(pin)]) + secret + pin


def url(server: str, id_: bytes, f: bytes) -> str:
    """Section 2: the whole link."""
    return f"{server}/s/{b64(id_)}#{fragment(id_, f)}"


def spki(certificate: bytes) -> bytes:
    """RFC 5280, 4.1: the seventh field of a version 3 TBSCertificate, as it stands there."""
    tbs, _ = element(element(certificate)[1])
    _, body = element(tbs)
    for _ in range(6):  # version, serialNumber, signature, issuer, validity, subject
        body = body[len(element(body)[0]) :]
    return element(body)[0]


def element(data: bytes) -> tuple[bytes, bytes]:
    """DER: the first element, whole, and what it holds."""
    size, head = data[1], 2
    if size & 0x80:
        head += size & 0x7F
        size = int.from_bytes(data[2:head])
    return data[: head + size], data[head : head + size]


def keys(id_: bytes, secret: bytes, password: str | None) -> dict[str, bytes]:
    """Section 3: A, U, M, K, and P where there is a password."""
    salt, kdf, stretched = b"otv/1\0" + id_, 0, b""
    if password is not None:
        kdf = 1
        argon_salt = HKDF(SHA256(), 16, salt, b"otv/1 password-salt").derive(secret)
        argon = Argon2id(salt=argon_salt, length=32, iterations=3, lanes=1, memory_cost=65536)
        stretched = argon.derive(unicodedata.normalize("NFC", password).encode())

    def derived(purpose: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt, purpose + bytes([kdf])).derive(secret + stretched)

    return {
        "access": HKDF(SHA256(), 32, salt, b"otv/1 access").derive(secret),
        "password": stretched,
        "unlock": derived(b"otv/1 unlock"),
        "manifest": derived(b"otv/1 manifest"),
        "ack": derived(b"otv/1 ack"),
    }


def receipt(ack: bytes, id_: bytes, lease_hash: bytes, outcome: int) -> bytes:
    """Section 8: `mac`."""
    return hmac.new(ack, b"otv/1 ack\0" + id_ + lease_hash + bytes([outcome]), "sha256").digest()


class Floe:
    """Section 4, one message; `rotation_bits` is 20 but in examples."""

    def __init__(
        self, key: bytes, iv: bytes, aad: bytes, segment_bytes: int = 1 << 20, rotation: int = 20
    ) -> None:
        self._info = b"\0\0" + struct.pack(">II", segment_bytes, 32) + iv
        self._aad, self._rotation = aad, rotation
        self.segment_bytes = segment_bytes
        self.header = self._info + self._x(key, b"HEADER_TAG:", 32)
        self._mk = self._x(key, b"MESSAGE_KEY:", 48)

    def segment(self, i: int, plain: bytes, nonce: bytes, *, last: bool) -> bytes:
        """`seg_i`."""
        first = i >> self._rotation << self._rotation
        cipher = AESGCM(self._x(self._mk, b"DEK:" + struct.pack(">Q", first), 32))
        word = struct.pack(">I", len(plain) + 32 if last else 0xFFFFFFFF)
        aad = struct.pack(">Q", i) + (b"\1" if last else b"\0")
        return word + nonce + cipher.encrypt(nonce, plain, aad)

    def segments(self, plain: bytes, nonces: str) -> list[bytes]:
        """All segments, their nonces cut from the stream of that seed in turn."""
        step = self.segment_bytes - 32
        pieces = [plain[at : at + step] for at in range(0, len(plain), step)] or [b""]
        drawn = stream(nonces, 12 * len(pieces))
        return [
            self.segment(i, piece, drawn[12 * i : 12 * i + 12], last=i == len(pieces) - 1)
            for i, piece in enumerate(pieces)
        ]

    def _x(self, key: bytes, purpose: bytes, length: int) -> bytes:
        return HKDFExpand(SHA384(), length, self._info + purpose + self._aad).derive(key)


def padme(length: int) -> int:
    """Section 5: the low bits that the mantissa has no room for are rounded up to zeros."""
    if length < 2:
        return length
    e = length.bit_length() - 1
    mask = (1 << (e - e.bit_length())) - 1
    return (length + mask) & ~mask


def root(ciphertext_bytes: int, digests: list[bytes]) -> bytes:
    """Section 6."""
    return sha256(b"otv/1 root\0" + struct.pack(">Q", ciphertext_bytes) + b"".join(digests))


def parts(ciphertext: bytes, part_bytes: int) -> list[bytes]:
    """Section 6: the ciphertext, cut."""
    return [ciphertext[at : at + part_bytes] for at in range(0, len(ciphertext), part_bytes)]


def joined(pieces: list[dict[str, Any]], bases: dict[str, bytes]) -> bytes:
    """What a list of pieces stands for; README.md describes them."""
    return b"".join(_piece(piece, bases) for piece in pieces)


def _piece(piece: dict[str, Any], bases: dict[str, bytes]) -> bytes:
    if "hex" in piece:
        return bytes.fromhex(piece["hex"])
    if "utf8" in piece:
        return str(piece["utf8"]).encode() * int(piece.get("times", 1))
    if "zeros" in piece:
        return bytes(piece["zeros"])
    if "stream" in piece:
        return stream(piece["stream"], piece["bytes"])
    return bases[piece["of"]][piece["from"] : piece["to"]]
