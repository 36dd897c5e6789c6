"""What an error of httpx means here: a mistake, an end, or something that may pass."""

from __future__ import annotations

import ssl

import httpx

from otv_client.errors import UnknownKey, Unreachable, UsageError, WrongKey
from otv_client.retry import Transient
from otv_client.tls import OtherKey

# A server that is being restarted behind a forwarder hangs up like this; one without TLS answers.
_HUNG_UP = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
SELF_SIGNED = 18  # OpenSSL's X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT


def failure_of(
    error: httpx.TransportError | httpx.InvalidURL | UnicodeError, server: str
) -> Exception:
    """What an error of httpx means here: a mistake, an end, or something that may pass."""
    # A host name that IDNA can't write is a UnicodeError.
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL | UnicodeError):
        return UsageError(f"{server} is no address of a server")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OtherKey):
            return wrong_key(server, cause.shown)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _untrusted(server, cause)
        if isinstance(cause, _HUNG_UP):
            return Transient(Unreachable(f"{server} hangs up", hint="is the server running?"))
        if isinstance(cause, ssl.SSLError):
            return Unreachable(
                f"{server} doesn't speak TLS", hint="is it http:// and not https://?"
            )
        cause = cause.__cause__ or cause.__context__
    return Transient(_no_answer(error, server))


def _untrusted(server: str, error: ssl.SSLCertVerificationError) -> Unreachable:
    if error.verify_code == SELF_SIGNED:
        return UnknownKey(f"{server} has a key of its own, which nobody vouches for")
    return Unreachable(
        f"the certificate of {server} can't be trusted: {error.verify_message}",
        hint="if its key is known to you, --pin trusts that key alone",
    )


def wrong_key(server: str, shown: str | None) -> WrongKey:
    """The error for a key that isn't the server's; ``shown`` is its pin as text."""
    told = f", {shown}" if shown else ""
    return WrongKey(
        f"DANGER: {server} shows another key than it must have{told}: someone may pose as it",
        hint="nothing was sent. If its operator says that it has a new key, compare that with"
        " what the server prints, and give it with --pin",
    )


def _no_answer(error: Exception, server: str) -> Unreachable:
    if isinstance(error, httpx.RemoteProtocolError):
        return Unreachable(f"{server} doesn't answer as a server of this kind does")
    timed_out = isinstance(error, httpx.TimeoutException)
    what = "gives no answer in time" if timed_out else "can't be reached"
    return Unreachable(f"{server} {what}", hint="is the server running?")
