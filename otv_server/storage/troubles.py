"""What an object store's error means, without a word of what it says.

obstore's errors quote addresses, names of blobs and what was signed. Nothing of that may reach a
log or an answer, so each becomes one of the classes below: a log names the class, and where the
store is opened, an operator is told its sentence.
"""

from __future__ import annotations

import re
from typing import ClassVar

from obstore.exceptions import (
    BaseError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)

# Whatever a call of obstore's may raise; its misses are FileNotFoundError.
FAILURES = (BaseError, OSError, ValueError, NotImplementedError)


class Trouble(Exception):
    """The object store failed in a way that none of the others describes."""

    sentence: ClassVar[str] = (
        "it failed in a way that this program does not know; its own log may tell"
    )


class Missing(Trouble):
    """There is no such blob, or less of it than there should be."""

    sentence = "it does not give back what was stored a moment ago; is it consistent?"


class Unreachable(Trouble):
    """Nobody answers, or not in time."""

    sentence = (
        "it can't be reached: see that it runs, that {endpoint} is its address, and that names"
        " resolve, firewalls let pass and its certificate is trusted here"
    )


class BucketMissing(Trouble):
    """The store knows no such bucket or container."""

    sentence = "it has no bucket {bucket}: make it there, or correct blobs"


class ClockOff(Trouble):
    """This machine's clock and the store's differ."""

    sentence = (
        "its clock and this machine's differ by more than a minute: let both follow a time server"
    )


class WrongRegion(Trouble):
    """The bucket lies in another region than requests are signed for."""

    sentence = "the bucket lies in another region: set AWS_REGION to the bucket's"


class CredentialsMissing(Trouble):
    """No credentials were found."""

    sentence = "no credentials were found: set {credentials}"


class CredentialsWrong(Trouble):
    """The store does not know these credentials, or they have expired."""

    sentence = "it does not accept the credentials: check {credentials}"


class NotAllowed(Trouble):
    """The store knows the credentials and refuses the call."""

    sentence = (
        "the credentials ({credentials}) do not suffice: they must allow to put, get, delete and"
        " list below the prefix"
    )


class StoreFull(Trouble):
    """A quota is used up, or the store's disks are."""

    sentence = "it is full, or its quota is used up: give it more room"


class NotOffered(Trouble):
    """The store, or its client, knows no such call, or not on such a condition."""

    sentence = "it does not know a call that this program needs"


# Codes of S3 and its kin, GCS (whose codes are S3's) and Azure; then obstore's own words. In this
# order: the first that is found decides.
_SIGNS: tuple[tuple[str, type[Trouble]], ...] = (
    (r"QuotaExceeded|StorageFull|InsufficientStorage|: 507 ", StoreFull),
    (r"NoSuchBucket|InvalidBucketName|ContainerNotFound|ContainerBeingDeleted", BucketMissing),
    (r"RequestTimeTooSkewed|RequestExpired", ClockOff),
    (r"AuthorizationHeaderMalformed|PermanentRedirect|redirect without LOCATION", WrongRegion),
    (r"Missing(AccessKeyId|SecretAccessKey|Account)|/latest/api/token", CredentialsMissing),
    (r"169\.254\.169\.254|Error performing token request", CredentialsMissing),
    (r"SignatureDoesNotMatch|InvalidAccessKeyId|AuthenticationFailed", CredentialsWrong),
    (r"(Invalid|Expired)(Security)?Token|TokenRefreshRequired", CredentialsWrong),
    (r"AccessDenied|: 403 Forbidden", NotAllowed),
    (r"NotImplemented|: 501 ", NotOffered),
    (r"HTTP error: |: 5\d\d ", Unreachable),
)


def trouble_of(error: BaseException) -> Trouble:
    """What this error of obstore's means."""
    said = str(error)
    for sign, kind in _SIGNS:
        if re.search(sign, said):
            return kind()
    match error:
        case FileNotFoundError():
            return Missing()
        case UnauthenticatedError():
            return CredentialsWrong()
        case PermissionDeniedError():
            return NotAllowed()
        case NotSupportedError() | NotImplementedError():
            return NotOffered()
        case _:
            return Trouble()
