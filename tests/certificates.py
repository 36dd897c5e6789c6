"""Certificates as servers without an authority make them, each with a key of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from otv_client.b64 import b64encode
from otv_client.link import pin_fits_links
from otv_client.pins import pin_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class SelfSigned:
    """A key and its certificate in one PEM file, and the pin that stands for them."""

    file: Path
    pin: bytes

    @property
    def pin_text(self) -> str:
        """The pin as people give it."""
        return b64encode(self.pin)


def self_signed(file: Path, *addresses: str) -> SelfSigned:
    """A fresh key whose pin fits links, and a certificate for these addresses."""
    while True:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(key, addresses)
        pin = pin_of(certificate.public_bytes(Encoding.DER))
        if pin_fits_links(pin):
            break
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    file.chmod(0o600)
    return SelfSigned(file, pin)


def _certificate(key: ec.EllipticCurvePrivateKey, addresses: tuple[str, ...]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "One-Time View")])
    names = [x509.IPAddress(ip_address(address)) for address in addresses or ("127.0.0.1",)]
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    return builder.sign(key, SHA256())
