"""Keys and receipts (protocol sections 3 and 8)."""

from __future__ import annotations

import pytest

from otv_client.envelope.keys import (
    Outcome,
    derive_access,
    derive_keys,
    hashed,
    receipt_is_valid,
    receipt_mac,
)
from otv_client.errors import UsageError
from otv_client.link import Kdf, Link

ID, SECRET = bytes(range(12)), bytes(range(0x20, 0x40))


def test_the_known_answers_of_the_protocol_without_a_password() -> None:
    """Links of today would open in no version of tomorrow, nor in any other program."""
    keys = derive_keys(ID, SECRET, Kdf.NONE, None)

    url = Link("https://host", ID, SECRET, Kdf.NONE).url()
    assert url.endswith("#AQAgISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P-k1vTQf")
    known = "484a80db062e6821387da24c56b92d7aae29cfa64dbefdcd4705cfd5c3a284cf"
    assert keys.access.hex() == derive_access(ID, SECRET).hex() == known
    known = "48cc4d232ae697a93389b03a2f8cd297b241c62eeee7c4f3e94757b238e9ef28"
    assert keys.unlock.hex() == known
    known = "23d65dac98285ff8ef43c818f1d9fd028560f70f2f9309321d1e1c886d908d68"
    assert keys.manifest.hex() == known


def test_the_known_answers_of_the_protocol_with_a_password() -> None:
    """Links of today would open in no version of tomorrow, nor in any other program."""
    keys = derive_keys(ID, SECRET, Kdf.ARGON2ID, "p\u00e4ssword")

    url = Link("https://host", ID, SECRET, Kdf.ARGON2ID).url()
    assert url.endswith("#ARAgISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P2YUnPRo")
    known = "3a1e89328d6ccbe8e9ef72a794daa8a2b3d52d30447e6ed279afd4f35b130fba"
    assert keys.unlock.hex() == known


def test_every_key_is_another() -> None:
    """What the server is shown would open what it keeps."""
    plain = derive_keys(ID, SECRET, Kdf.NONE, None)
    locked = derive_keys(ID, SECRET, Kdf.ARGON2ID, "x")

    found = [k for keys in (plain, locked) for k in (keys.unlock, keys.manifest, keys.ack)]

    assert len({*found, plain.access}) == 7
    assert plain.access == locked.access


def test_keys_show_nothing() -> None:
    """A key would end up in a log or a traceback."""
    keys = derive_keys(ID, SECRET, Kdf.NONE, None)

    assert repr(keys) == "Keys()"


def test_a_refused_password_is_not_quoted() -> None:
    """A password would end up in a log by being wrong."""
    with pytest.raises(UsageError) as refused:
        derive_keys(ID, SECRET, Kdf.ARGON2ID, "hunter2\ud800")

    assert "hunter2" not in repr(refused.value)
    assert refused.value.__suppress_context__


def test_the_hash_of_a_proof_is_sha_256() -> None:
    """The server would know nobody."""
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4

    assert hashed(b"abc").hex() == known


def test_a_receipt_of_any_flipped_bit_is_invalid() -> None:
    """The sender would be told by a server, and not by the reader, that it was opened."""
    ack, lease = bytes(32), hashed(b"T")
    mac = receipt_mac(ack, ID, lease, Outcome.OPENED)

    flipped = [
        bytes(b ^ (at == i) << bit for i, b in enumerate(mac))
        for at in range(32)
        for bit in range(8)
    ]

    assert receipt_is_valid(ack, ID, lease, Outcome.OPENED, mac)
    assert not any(receipt_is_valid(ack, ID, lease, Outcome.OPENED, other) for other in flipped)
