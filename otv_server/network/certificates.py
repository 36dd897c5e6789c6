"""Keys and self-signed certificates: bytes in, bytes out.

The one module of the server that imports `cryptography`, and of it only what certificates are made
of. Nothing in here encrypts (docs/decisions/0008).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

COMMON_NAME = "One-Time View"
# Browsers and judges call more than 398 days too long.
LIFE = timedelta(days=396)
# Clocks of other machines run behind.
BACKDATED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate is for: names in ASCII, and addresses."""

    names: frozenset[str]
    addresses: frozenset[IPv4Address | IPv6Address]

    def covers(self, other: Subject) -> bool:
        """Whether all of another's names and addresses are among its own."""
        return self.names >= other.names and self.addresses >= other.addresses


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says."""

    subject: Subject
    starts: datetime
    ends: datetime
    public_key: bytes
    fingerprint: bytes


def new_key() -> bytes:
    """A fresh ECDSA key on P-256, in PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_key_of(key: bytes) -> bytes:
    """The SubjectPublicKeyInfo in DER of a key in PEM.

    Raises:
        ValueError: not one whole ECDSA key on P-256.
    """
    return _der(_loaded(key).public_key())


def self_signed(key: bytes, subject: Subject, now: datetime) -> bytes:
    """A certificate in PEM for this key, from a day ago until 396 days from now."""
    private = _loaded(key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFE)
    )
    for extension, is_critical in _extensions(subject, private.public_key()):
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def read_certificate(data: bytes) -> Certificate:
    """What a certificate in PEM says.

    Raises:
        ValueError: not one whole certificate with alternative names.
    """
    found = x509.load_pem_x509_certificate(data)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ValueError from None
    subject = Subject(
        frozenset(names.get_values_for_type(x509.DNSName)),
        frozenset(_single(names.get_values_for_type(x509.IPAddress))),
    )
    return Certificate(
        subject,
        found.not_valid_before_utc,
        found.not_valid_after_utc,
        _der(found.public_key()),
        found.fingerprint(hashes.SHA256()),
    )


def _loaded(key: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        found = serialization.load_pem_private_key(key, password=None)
    except (TypeError, UnsupportedAlgorithm) as error:  # with a password, or of an unknown kind
        raise ValueError from error
    if not isinstance(found, ec.EllipticCurvePrivateKey) or found.curve.name != "secp256r1":
        raise ValueError
    return found


def _der(public: PublicKeyTypes) -> bytes:
    return public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _extensions(
    subject: Subject, public: ec.EllipticCurvePublicKey
) -> Iterable[tuple[x509.ExtensionType, bool]]:
    """Of a certificate that vouches for this key and for nobody else's."""
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in sorted(subject.names)]
    names += [x509.IPAddress(address) for address in sorted(subject.addresses, key=str)]
    yield x509.SubjectAlternativeName(names), False
    yield x509.BasicConstraints(ca=False, path_length=None), True
    yield _SIGNS_ONLY, True
    yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False
    yield x509.SubjectKeyIdentifier.from_public_key(public), False


_SIGNS_ONLY = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _single(found: Iterable[object]) -> Iterable[IPv4Address | IPv6Address]:
    """Certificates may name whole networks, too; ours never do."""
    return (each for each in found if isinstance(each, IPv4Address | IPv6Address))


def utc_now() -> datetime:
    """The wall clock, as certificates count."""
    return datetime.now(UTC)
