"""The server's key and certificate: made once, kept, renewed, refused in words."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from otv_client.link import pin_fits_links
from otv_server.network.certificates import (
    LIFE,
    Subject,
    new_key,
    public_key_of,
    read_certificate,
    self_signed,
)
from otv_server.network.errors import CantServe
from otv_server.network.identity import RENEWED_BEFORE_END, Files, Identity, News, keep
from otv_server.network.pins import fits_links, pin_of
from otv_server.network.tls import context_for

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
HOME = Subject(frozenset({"laptop.local"}), frozenset({ip_address("192.168.1.5")}))
AWAY = Subject(frozenset({"laptop.local"}), frozenset({ip_address("10.1.2.3")}))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Where they lie; nothing is there yet."""
    return Files(tmp_path / "tls")


def kept(files: Files, subject: Subject = HOME, now: datetime = NOW) -> Identity:
    """Read or made at this time, for this network."""
    return keep(files, lambda _: subject, now)


def test_first_start_makes_both_and_the_second_neither(files: Files) -> None:
    """Else every start would be a stranger to whoever trusted the last one."""
    first, second = kept(files), kept(files)

    assert (first.news, second.news) == (News.FIRST, News.NONE)
    assert (first.pin, first.fingerprint) == (second.pin, second.fingerprint)


def test_nobody_else_can_read_the_key(files: Files) -> None:
    """Else any user of the machine can pose as this server."""
    kept(files)

    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in files.folder.iterdir()) == ["certificate.pem", "key.pem"]


def test_certificate_says_what_it_is_for_and_no_more(files: Files) -> None:
    """Else a browser calls it a certificate of somebody else, or of an authority."""
    kept(files)

    found = read_certificate(files.certificate.read_bytes())
    context = ssl.create_default_context(cadata=files.certificate.read_text())
    (told,) = context.get_ca_certs() or [{}]

    assert found.subject == HOME
    assert found.starts < NOW < found.ends == NOW + LIFE
    assert found.ends - found.starts < timedelta(days=398)
    assert told == {}, "it vouches for others"
    context_for(files)  # OpenSSL takes both, and they belong together


@pytest.mark.parametrize(
    ("later", "news"),
    [
        (LIFE - RENEWED_BEFORE_END - timedelta(seconds=1), News.NONE),
        (LIFE - RENEWED_BEFORE_END + timedelta(seconds=1), News.ENDING),
        (LIFE + timedelta(seconds=1), News.ENDED),
        (timedelta(days=-2), News.ENDED),  # the clock was wrong then, or is now
    ],
    ids=["fresh", "ending", "ended", "not begun"],
)
def test_certificate_is_renewed_in_time_and_the_key_kept(
    files: Files, later: timedelta, news: News
) -> None:
    """Else links of the last weeks point at a server that nobody's client believes any more."""
    first = kept(files)

    second = kept(files, now=NOW + later)

    assert (second.news, second.pin) == (news, first.pin)
    assert (second.fingerprint == first.fingerprint) is (news is News.NONE)


def test_other_addresses_get_a_certificate_for_the_same_key(files: Files) -> None:
    """Else a laptop that changes networks breaks every link that carries its pin."""
    first = kept(files, HOME)

    second = kept(files, AWAY)

    assert (second.news, second.pin) == (News.CHANGED, first.pin)
    assert read_certificate(files.certificate.read_bytes()).subject == AWAY


def test_an_address_less_needs_no_other_certificate(files: Files) -> None:
    """Else a cable that is pulled for a moment changes the fingerprint that people compare."""
    first = kept(files, Subject(HOME.names, HOME.addresses | AWAY.addresses))

    assert kept(files, HOME) == Identity(first.pin, first.fingerprint, News.NONE)


@pytest.mark.parametrize("cut", [0, 1, 100, -2], ids=["empty", "a byte", "begun", "nearly whole"])
def test_half_written_certificate_is_made_again(files: Files, cut: int) -> None:
    """Else a full disk on one day keeps the server from ever starting again."""
    first = kept(files)
    files.certificate.write_bytes(files.certificate.read_bytes()[:cut])

    second = kept(files)

    assert (second.news, second.pin) == (News.DAMAGED, first.pin)
    context_for(files)


def test_certificate_of_another_key_is_made_again(files: Files) -> None:
    """Else TLS fails for a reason that nobody is told."""
    kept(files)
    files.certificate.write_bytes(self_signed(new_key(), HOME, NOW))

    assert kept(files).news is News.DAMAGED
    context_for(files)


def pem(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, password: bytes = b""
) -> bytes:
    """A private key as a file."""
    how = serialization.BestAvailableEncryption(password) if password else None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        how or serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        new_key()[:100],
        b"-----BEGIN CERTIFICATE-----",
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(ec.generate_private_key(ec.SECP256R1()), b"secret"),
    ],
    ids=["empty", "cut", "no key", "another curve", "another kind", "with a password"],
)
def test_key_that_is_none_is_refused_and_left_alone(files: Files, data: bytes) -> None:
    """Else a damaged disk silently breaks every link that carries the pin."""
    kept(files)
    files.key.write_bytes(data)

    with pytest.raises(CantServe):
        kept(files)

    assert files.key.read_bytes() == data


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_key_that_others_can_read_is_refused(files: Files, mode: int) -> None:
    """Else people trust a key that somebody else may have copied."""
    kept(files)
    files.key.chmod(mode)

    with pytest.raises(CantServe):
        kept(files)


def test_key_whose_pin_does_not_fit_links_is_refused(files: Files) -> None:
    """Else the command-line client could not make a single link to this server."""
    files.folder.mkdir()
    while fits_links(pin_of(public_key_of(key := new_key()))):
        pass
    files.key.write_bytes(key)
    files.key.chmod(0o600)

    with pytest.raises(CantServe):
        kept(files)


def test_server_and_client_agree_on_which_pins_fit() -> None:
    """Else the server keeps a key that the client refuses to make links with."""
    pins = [pin_of(bytes([high, low])) for high in range(8) for low in range(256)]

    assert [fits_links(pin) for pin in pins] == [pin_fits_links(pin) for pin in pins]
    assert {fits_links(pin) for pin in pins} == {True, False}
    assert not fits_links(bytes(14))
