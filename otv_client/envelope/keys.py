"""The keys of a link, from its secret and the password; the receipt (protocol sections 3, 8)."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from otv_client.errors import PasswordMissing, UsageError
from otv_client.link import Kdf

MAX_PASSWORD_BYTES = 1024

_KEY_BYTES = 32
_ARGON2_SALT_BYTES = 16
_ARGON2_KIB = 65_536
_ARGON2_PASSES = 3
_ARGON2_LANES = 1


@dataclass(frozen=True, slots=True)
class Keys:
    """The four keys of one link, 32 bytes each.

    Attributes:
        access: A, shown to the server for every call on the link.
        unlock: U, shown when claiming; proves that the password is known.
        manifest: M, opens the manifest; never leaves this machine.
        ack: K, signs the receipt; the sender keeps a copy.
    """

    access: bytes = field(repr=False)
    unlock: bytes = field(repr=False)
    manifest: bytes = field(repr=False)
    ack: bytes = field(repr=False)


class Outcome(IntEnum):
    """What the reader says became of an opening; the byte that the receipt signs."""

    OPENED = 1
    REJECTED = 2


def derive_access(id: bytes, secret: bytes) -> bytes:  # noqa: A002 - the protocol's word
    """A alone: what looking at a link needs, without the price of Argon2id."""
    return _hkdf(secret, _salt(id), b"otv/1 access", _KEY_BYTES)


def derive_keys(id: bytes, secret: bytes, kdf: Kdf, password: str | None) -> Keys:  # noqa: A002 - the protocol's word
    """All keys of a link; about 0.15 s and 64 MiB where there is a password.

    Args:
        id: 12 bytes.
        secret: S, 32 bytes.
        kdf: as the link says.
        password: None exactly where `kdf` is NONE.

    Raises:
        PasswordMissing: the link asks for a password and none is given.
        UsageError: a password for a link without one; an empty or overlong password, or one that
            is no text.
    """
    salt = _salt(id)
    stretched = _stretched(secret, salt, kdf, password)

    def derived(purpose: bytes) -> bytes:
        return _hkdf(secret + stretched, salt, purpose + bytes([kdf]), _KEY_BYTES)

    return Keys(
        access=derive_access(id, secret),
        unlock=derived(b"otv/1 unlock"),
        manifest=derived(b"otv/1 manifest"),
        ack=derived(b"otv/1 ack"),
    )


def password_bytes(password: str) -> bytes:
    """The password as Argon2id takes it: NFC, in UTF-8, 1 to 1,024 bytes.

    Raises:
        UsageError: empty, too long, or with a lone surrogate.
    """
    try:
        encoded = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        # `from None`: the cause holds the password.
        raise UsageError("the password holds a character that is none") from None
    if not encoded:
        raise UsageError("the password is empty")
    if len(encoded) > MAX_PASSWORD_BYTES:
        raise UsageError(f"the password is longer than {MAX_PASSWORD_BYTES} bytes")
    return encoded


def hashed(proof: bytes) -> bytes:
    """H(proof): what the server keeps of A, U, O and T."""
    return hashlib.sha256(proof).digest()


def receipt_mac(ack: bytes, id: bytes, lease_hash: bytes, outcome: Outcome) -> bytes:  # noqa: A002 - the protocol's word
    """The receipt of one opening (section 8).

    Args:
        ack: K, 32 bytes.
        id: 12 bytes.
        lease_hash: H(T), 32 bytes.
        outcome: what the reader found.

    Returns:
        32 bytes.
    """
    signed = b"otv/1 ack\0" + id + lease_hash + bytes([outcome])
    return hmac.digest(ack, signed, "sha256")


def receipt_is_valid(
    ack: bytes,
    id: bytes,  # noqa: A002 - the protocol's word
    lease_hash: bytes,
    outcome: Outcome,
    mac: bytes,
) -> bool:
    """Whether a receipt was made with this link's K; takes the same time for every wrong one."""
    return hmac.compare_digest(receipt_mac(ack, id, lease_hash, outcome), mac)


def _stretched(secret: bytes, salt: bytes, kdf: Kdf, password: str | None) -> bytes:
    """P of section 3: 32 bytes, or none without a password."""
    if kdf is Kdf.NONE:
        if password is not None:
            raise UsageError("this link has no password")
        return b""
    if password is None:
        raise PasswordMissing("this link asks for a password")
    argon2id = Argon2id(
        salt=_hkdf(secret, salt, b"otv/1 password-salt", _ARGON2_SALT_BYTES),
        length=_KEY_BYTES,
        iterations=_ARGON2_PASSES,
        lanes=_ARGON2_LANES,
        memory_cost=_ARGON2_KIB,
    )
    return argon2id.derive(password_bytes(password))


def _salt(id_: bytes) -> bytes:
    return b"otv/1\0" + id_


def _hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
