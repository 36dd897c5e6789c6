"""Is a server's page the one of this release, byte for byte?

The build writes the SHA-256 of each of the page's files beside this module
(``web/hatch_build.py``). Every one of them is fetched and compared, the document itself at
the addresses that people open; of a file that differs, what it names beyond the release
is told, too.

A server that tells this program from a browser can serve each another page: what is the
same here has been the same for this caller, this time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from otv_client.b64 import b64encode
from otv_client.errors import LocalError
from otv_client.exchange import FIRST_SERVER_ERROR, OK, RETRIED, Exchange, Request
from otv_client.link import draw_id
from otv_client.problems import nonsense
from otv_client.references import named
from otv_client.retry import Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

LIST = "page-hashes.json"
INDEX = "index.html"
LARGEST_FILE = 32 << 20  # bytes; the largest of a release has 2 MiB
# What browsers run or render by; another type would change what the same bytes mean.
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
# Headers by which an answer loads something else, or goes there.
_LOADING_HEADERS = ("Link", "Refresh")
_CHARSETS = ("", "utf-8")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about a page that isn't the release's.

    Attributes:
        path: of a file as the release lists it, or an address that the page names.
        what: ``differs``, ``missing``, ``unlisted`` (named, but not in the release) or
            ``headers`` (the same bytes, to be understood as something else).
    """

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison found: how many files were compared, and every difference."""

    files: int
    differences: tuple[Difference, ...]


def listed() -> dict[str, str]:
    """The release's files: path and SHA-256 in hexadecimal.

    Raises:
        LocalError: this installation has no list: it runs from sources that weren't built.
    """
    try:
        value = json.loads(files("otv_client").joinpath(LIST).read_bytes())
    except FileNotFoundError:
        raise LocalError(
            "this installation doesn't know its release's page: it runs from sources",
            hint="`pip install .` builds the page and the list of its hashes",
        ) from None
    return {str(path): str(digest) for path, digest in value.items()}


def compare(
    exchange: Exchange, release: Mapping[str, str], random: Callable[[int], bytes]
) -> Verdict:
    """Fetch everything and compare it.

    Args:
        exchange: to the server's root, not to its API.
        release: as ``listed`` gives it.
        random: for the address of a link that doesn't exist.

    Raises:
        Unreachable: no answer, after retries.
    """
    found: list[Difference] = []
    for path, digest in release.items():
        for address in _addresses(path, random):
            found += _differences(exchange, address, path, digest, release)
    return Verdict(len(release), tuple(dict.fromkeys(found)))


def _addresses(path: str, random: Callable[[int], bytes]) -> list[str]:
    """Where a file is served; the document at the root and at every link."""
    if path != INDEX:
        return [f"/{path}"]
    return ["/", f"/s/{b64encode(draw_id(random))}"]


def _differences(
    exchange: Exchange, address: str, path: str, digest: str, release: Mapping[str, str]
) -> Iterator[Difference]:
    answer = exchange.retrying.run(lambda: _fetched(exchange, address, path))
    if answer is None:
        yield Difference(path, "missing")
        return
    if answer.has_odd_headers:
        yield Difference(path, "headers")
    if hashlib.sha256(answer.body).hexdigest() == digest:
        return
    yield Difference(path, "differs")
    if path.endswith(tuple(_TYPES)):
        beyond = named(path, answer.body.decode(errors="replace")) - release.keys()
        yield from (Difference(name, "unlisted") for name in sorted(beyond))


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    has_odd_headers: bool


def _fetched(exchange: Exchange, address: str, path: str) -> _Answer | None:
    """One attempt; None for an answer without the file."""
    with exchange.response(Request("GET", address)) as response:
        status = response.status_code
        if status in RETRIED or status >= FIRST_SERVER_ERROR:
            raise Transient(nonsense(f"{status} for its page"))
        if status != OK:
            return None
        body = exchange.capped(response, LARGEST_FILE)
        return _Answer(body, _has_odd_headers(path, response.headers))


def _has_odd_headers(path: str, headers: httpx.Headers) -> bool:
    if any(name in headers for name in _LOADING_HEADERS):
        return True
    if headers.get("Content-Encoding", "identity") != "identity":
        return True
    expected = _TYPES.get(path[path.rfind(".") :])
    kind, _, parameters = headers.get("Content-Type", "").lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    return expected is not None and (kind.strip() != expected or charset not in _CHARSETS)
