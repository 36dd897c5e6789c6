"""TLS to servers that no certificate authority vouches for: their key is checked, and that alone.

The check stands in the handshake itself, so there is no connection that could carry a
byte of HTTP before it. The other end has shown by then that it holds the key: a
handshake ends only with a signature, or a secret, that takes it.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from otv_client.b64 import b64encode
from otv_client.pins import is_pinned, pin_of

Check = Callable[[bytes], None]
"""Is given the other end's certificate in DER, empty where there is none; raises to hang up."""


class OtherKey(ssl.SSLError):
    """The other end has another key than the one it must have.

    Attributes:
        shown: the pin of its key as text, or None where it can't be read.
    """

    def __init__(self, shown: str | None) -> None:
        super().__init__("another key")
        self.shown = shown


class _CheckedSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as ssl has it
        super().do_handshake(block)
        _check(self)


class _CheckedObject(ssl.SSLObject):
    """The same for TLS inside the TLS of a proxy."""

    def do_handshake(self) -> None:
        super().do_handshake()
        _check(self)


class _CheckedContext(ssl.SSLContext):
    sslsocket_class = _CheckedSocket
    sslobject_class = _CheckedObject
    check: Check


def _check(end: ssl.SSLSocket | ssl.SSLObject) -> None:
    context = end.context
    assert isinstance(context, _CheckedContext), "only such a context makes these"
    context.check(end.getpeercert(binary_form=True) or b"")


def checked_context(check: Check) -> ssl.SSLContext:
    """A context whose handshakes end with ``check``, and with nothing else."""
    context = _CheckedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.check = check
    return context


def pinned_context(pin: bytes) -> ssl.SSLContext:
    """A context that speaks to the holder of one key only; a handshake else ends in ``OtherKey``.

    Args:
        pin: 15 bytes (protocol section 2).
    """

    def check(certificate: bytes) -> None:
        if not is_pinned(certificate, pin):
            raise OtherKey(_pin_text(certificate))

    return checked_context(check)


def _pin_text(certificate: bytes) -> str | None:
    try:
        return b64encode(pin_of(certificate))
    except ValueError:
        return None
