"""base64url without padding, strictly: one text for one run of bytes (protocol, notation)."""

from __future__ import annotations

import base64


def b64encode(data: bytes) -> str:
    """Encode as base64url (RFC 4648 section 5), the padding left out."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64decode(text: str, length: int | None = None) -> bytes:
    """Decode what `b64encode` made, and nothing else.

    Args:
        text: base64url without padding.
        length: how many bytes it must hold; None takes any number.

    Raises:
        ValueError: another alphabet, padding, white space, a form that `b64encode` would not
            have written (stray low bits), or another length.
    """
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # The decoder skips what is not of its alphabet; only this comparison is strict.
    if b64encode(data) != text:
        raise ValueError("not the canonical base64url of any bytes")
    if length is not None and len(data) != length:
        raise ValueError("another length than expected")
    return data
