"""Cases for a server's key and its pin (protocol section 2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from tests.vectors import reference as ref

Case = dict[str, Any]

# Whoever signs doesn't matter to a pin; Ed25519 signs the same bytes the same way each time.
SIGNER = Ed25519PrivateKey.from_private_bytes(ref.sha256(b"otv vectors: signer"))
POINT_BYTES = 65
COMPRESSED_BYTES = 33


def _p256(seed: bytes) -> ec.EllipticCurvePublicKey:
    scalar = int.from_bytes(ref.sha256(seed)) >> 1  # below the group's order
    return ec.derive_private_key(scalar, ec.SECP256R1()).public_key()


KEY, OTHER = _p256(b"otv vectors: key"), _p256(b"otv vectors: other key")
# Nobody has to know its factors: nothing is signed with it.
MODULUS = int.from_bytes(ref.stream("otv vectors: modulus", 256)) | 1 << 2047 | 1
RSA = RSAPublicNumbers(65537, MODULUS).public_key()
ED25519 = Ed25519PrivateKey.from_private_bytes(ref.sha256(b"otv vectors: ed25519")).public_key()


def _certificate(key: Any, name: str = "otv", year: int = 2026) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key)
        .serial_number(1)
        .not_valid_before(datetime(year, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(year + 1, 1, 1, tzinfo=UTC))
    )
    return builder.sign(SIGNER, None).public_bytes(Encoding.DER)


def pins() -> dict[str, Any]:
    """pins.json."""
    return {"check": [*_right(), *_other(), *_unreadable()]}


def _case(name: str, comment: str, certificate: bytes, pin: bytes, result: str) -> Case:
    return {
        "name": name,
        "comment": comment,
        "certificate": certificate.hex(),
        "pin": pin.hex(),
        "result": result,
    }


def _right() -> list[Case]:
    rows = [
        ("P-256", "as servers make it", _certificate(KEY)),
        ("renewed", "another year, the same key", _certificate(KEY, year=2030)),
        ("expired", "dates say nothing of a key", _certificate(KEY, year=1999)),
        ("renamed", "another name, the same key", _certificate(KEY, "laptop")),
        ("Ed25519", "another kind of key", _certificate(ED25519)),
        ("RSA", "another kind of key", _certificate(RSA)),
    ]
    return [
        _case(name, comment, certificate, _pin(certificate), "ok")
        for name, comment, certificate in rows
    ]


def _other() -> list[Case]:
    mine, other = _certificate(KEY), _certificate(OTHER)
    pin = _pin(mine)
    flipped = bytes([pin[0] ^ 1]) + pin[1:]
    rows = [
        ("another key", "the same names and dates", other, pin),
        ("a bit of the pin", "its first", mine, flipped),
        ("the last bit of the pin", "", mine, pin[:-1] + bytes([pin[-1] ^ 1])),
        ("the certificate's hash", "names and dates are not the key", mine, ref.sha256(mine)[:15]),
        ("the point's hash", "the key with its algorithm is hashed", mine, _point_pin()),
        ("a short pin", "14 bytes", mine, pin[:-1]),
        ("a long pin", "16 bytes of the right hash", mine, ref.sha256(ref.spki(mine))[:16]),
        ("no pin", "", mine, b""),
    ]
    return [_case(*row, "wrong_key") for row in rows]


def _unreadable() -> list[Case]:
    mine = _certificate(KEY)
    key = ref.spki(mine)
    point = KEY.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    rows = [
        ("no certificate", "a server that shows none", b""),
        ("cut", "its last byte is missing", mine[:-1]),
        ("trailing data", "one byte too many", mine + b"\0"),
        ("a key alone", "SubjectPublicKeyInfo without a certificate", key),
        ("PEM", "text around it", _pem(mine)),
        ("zeros", "", bytes(300)),
    ]
    pin = _pin(mine)
    compressed = _with_key(mine, key, _compressed(key, point))
    return [
        *(_case(*row, pin, "wrong_key") for row in rows),
        _case("compressed", "one key in two forms", compressed, pin, "wrong_key"),
        _case(
            "compressed, its own hash",
            "a key has one form and one pin",
            compressed,
            ref.sha256(ref.spki(compressed))[:15],
            "wrong_key",
        ),
    ]


def _pin(certificate: bytes) -> bytes:
    return ref.sha256(ref.spki(certificate))[:15]


def _point_pin() -> bytes:
    return ref.sha256(KEY.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))[:15]


def _pem(certificate: bytes) -> bytes:
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)


def _compressed(key: bytes, point: bytes) -> bytes:
    """The same SubjectPublicKeyInfo around a compressed point: three lengths are shorter."""
    saved = POINT_BYTES - COMPRESSED_BYTES
    algorithm = key[2 : -POINT_BYTES - 3]
    bits = bytes([0x03, COMPRESSED_BYTES + 1, 0]) + point
    return bytes([0x30, key[1] - saved]) + algorithm + bits


def _with_key(certificate: bytes, key: bytes, other: bytes) -> bytes:
    """The certificate with another key in its place; nobody signed that, and no pin asks."""
    whole, tbs = ref.element(certificate)[1], ref.element(ref.element(certificate)[1])
    rest = whole[len(tbs[0]) :]
    return _sequence(_sequence(tbs[1].replace(key, other)) + rest)


def _sequence(body: bytes) -> bytes:
    size = len(body)
    long = bytes([0x82]) + size.to_bytes(2) if size > 0xFF else bytes([0x81, size])
    return b"\x30" + (bytes([size]) if size < 0x80 else long) + body
