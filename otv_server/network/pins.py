"""A self-signed server's pin: what links carry of its key (protocol section 2). Pure."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256

PIN_BYTES = 15
# Version, flags and S stand before the pin in a fragment: 34 bytes, so that the pin's bits begin
# in the middle of a character.
_BYTES_BEFORE = 34


def pin_of(public_key: bytes) -> bytes:
    """The pin of a SubjectPublicKeyInfo in DER: 15 bytes."""
    return sha256(public_key).digest()[:PIN_BYTES]


def fits_links(pin: bytes) -> bool:
    """Whether a fragment with this pin can be free of `_`, which chat programs take for italics.

    The pin alone decides 19 characters of the fragment, and drawing another secret changes none of
    them: a server whose key fails this (one in four) draws another key.
    """
    return len(pin) == PIN_BYTES and b"_" not in urlsafe_b64encode(bytes(_BYTES_BEFORE) + pin)


def pin_text(pin: bytes) -> str:
    """A pin as people and mDNS records carry it: 20 characters of base64url."""
    return urlsafe_b64encode(pin).decode()


def host_name(pin: bytes) -> str:
    """The name in ``.local`` that no other machine of the network has."""
    return f"otv-{pin[:5].hex()}.local"
