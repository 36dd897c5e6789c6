"""Where blobs are: the setting ``blobs`` as an address, and the store that it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from otv_server.storage.blobs import DiskBlobs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from obstore.store import ClientConfig, ObjectStore, RetryConfig

    from otv_server.storage.object_store import ObjectBlobs

CONNECT_S = 3
REQUEST_S = 15
RETRYING_S = 10
MOST_RETRIES = 4
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_FORM = re.compile(
    r"(?P<scheme>s3|gs|az)://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]{2,62})"
    r"(?P<prefix>(?:/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*)/?"
)
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_SERVICE_ACCOUNT",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_ENDPOINT = {"s3": "AWS_ENDPOINT_URL", "gs": "GOOGLE_BASE_URL", "az": "AZURE_STORAGE_ENDPOINT"}


class WrongPlace(Exception):
    """The blobs can't be where the settings say; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket (Azure: container) and the prefix of this server's own objects in it."""

    scheme: str
    name: str
    prefix: str

    @property
    def url(self) -> str:
        """As the setting has it."""
        return f"{self.scheme}://{self.name}{self.prefix}"

    def complaint(self, sentence: str) -> WrongPlace:
        """What is wrong with the store, in words for who set it up."""
        told = sentence.format(
            bucket=self.name,
            endpoint=_ENDPOINT[self.scheme],
            credentials=_CREDENTIALS[self.scheme],
        )
        return WrongPlace(f"blobs, the object store of {self.url}: {told}.")


def parse(url: str) -> Path | Bucket:
    """A folder, or a bucket.

    Raises:
        WrongPlace: neither.
    """
    if url.startswith("file:///"):
        return Path(unquote(url.removeprefix("file://")))
    if "@" in url:  # not repeated: a secret may stand before it
        raise WrongPlace(
            "blobs holds an @. Credentials belong in the environment, for instance"
            f" {_CREDENTIALS['s3']}."
        )
    if (found := _FORM.fullmatch(url)) is not None:
        return Bucket(found["scheme"], found["bucket"], found["prefix"])
    if url.split(":", maxsplit=1)[0] in _CREDENTIALS:
        raise WrongPlace(
            "blobs must look like s3://bucket or s3://bucket/prefix, where a bucket has 3 to 63 of"
            " the characters A-Z a-z 0-9 . _ - and a prefix also has / and =."
        )
    raise WrongPlace("blobs must begin with s3://, gs://, az:// or file:///.")


def connect(bucket: Bucket, environment: Mapping[str, str]) -> ObjectStore:
    """The store, with credentials and endpoint as obstore finds them in the environment.

    Raises:
        WrongPlace: something in the environment makes no sense.
    """
    from obstore.store import from_url  # noqa: PLC0415  # most servers have none, and start sooner

    from otv_server.storage.troubles import FAILURES, trouble_of  # noqa: PLC0415  # as above

    _check_endpoint(environment)
    try:
        return from_url(bucket.url, client_options=CLIENT_OPTIONS, retry_config=RETRIES)
    except FAILURES as error:
        raise bucket.complaint(trouble_of(error).sentence) from None


def blobs_at(
    place: Path | Bucket,
    environment: Mapping[str, str],
    *,
    random: Callable[[int], bytes],
    clock: Callable[[], float],
    pause: Callable[[float], Awaitable[None]],
    settled_s: int,
) -> DiskBlobs | ObjectBlobs:
    """The blobs of a place, not yet opened; for the arguments see the two classes.

    Raises:
        WrongPlace: something in the environment makes no sense.
    """
    if isinstance(place, Path):
        return DiskBlobs(place, random, clock, settled_s)
    # Most servers have no object store, and start sooner without its library.
    from otv_server.storage.object_store import ObjectBlobs  # noqa: PLC0415  # as above

    store = connect(place, environment)
    return ObjectBlobs(place, store, random, clock, pause, settled_s=settled_s)


def _check_endpoint(environment: Mapping[str, str]) -> None:
    """See to what obstore does not check; it would panic."""
    for name in ENDPOINTS:
        if not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", environment.get(name, "https://none")):
            raise WrongPlace(f"{name} must look like https://host or http://host:port.")


CLIENT_OPTIONS: ClientConfig = {
    # An endpoint that begins with http:// was chosen by who wrote it; the others are HTTPS.
    "allow_http": True,
    "connect_timeout": timedelta(seconds=CONNECT_S),
    "timeout": timedelta(seconds=REQUEST_S),
}
RETRIES: RetryConfig = {
    "max_retries": MOST_RETRIES,
    "retry_timeout": timedelta(seconds=RETRYING_S),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}
