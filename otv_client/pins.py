"""A server's key, and the 15 bytes that stand for it (protocol section 2, ``pin``).

What comes in is a stranger's certificate; nothing of it but its key counts. Names, dates and
issuer are whatever the stranger wrote.
"""

from __future__ import annotations

import hashlib
import hmac

from otv_client.b64 import b64decode
from otv_client.errors import UsageError

PIN_BYTES = 15


def pin_of(certificate: bytes) -> bytes:
    """The first 15 bytes of the SHA-256 of a certificate's SubjectPublicKeyInfo.

    Args:
        certificate: X.509 in DER (RFC 5280).

    Raises:
        ValueError: no certificate, or a key that this program can't read or that isn't written
            in its one form.
    """
    return hashlib.sha256(_key_of(certificate)).digest()[:PIN_BYTES]


def is_pinned(certificate: bytes, pin: bytes) -> bool:
    """Whether this certificate holds the key that ``pin`` stands for; no for what is none."""
    try:
        return hmac.compare_digest(pin_of(certificate), pin)
    except ValueError:
        return False


def parse_pin(text: str) -> bytes:
    """A pin as a person gives it: the 20 characters that servers and ``find`` print.

    Raises:
        UsageError: anything else.
    """
    try:
        return b64decode(text.strip(), PIN_BYTES)
    except ValueError:
        raise UsageError(
            "a server's pin has 20 characters: letters, digits, - and _",
            hint="the server prints it when it starts; `otv-client find` shows it, too",
        ) from None


def _key_of(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo, in DER."""
    from cryptography import x509  # noqa: PLC0415 - 40 ms, only where a key is looked at
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
        Encoding,
        PublicFormat,
    )

    try:
        parsed = x509.load_der_x509_certificate(certificate)
        key = parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise ValueError("a certificate of another kind") from error
    if key not in parsed.tbs_certificate_bytes:  # a compressed point: two pins for one key
        raise ValueError("the key is written in another form than its own")
    return key
