"""The one place that speaks HTTP: every call of protocol section 7 as a small method."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import httpx

from otv_client import answers
from otv_client.b64 import b64encode
from otv_client.errors import Over, Unknown, UsageError
from otv_client.exchange import (
    CONTENT_STATUSES,
    Exchange,
    Line,
    Request,
    check_range,
    http_client,
)
from otv_client.retry import Backoff, Patience, Retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from otv_client.answers import Claim, Info, LinkView, ShareReport

__all__ = ["Line", "NewLink", "Part", "Transport", "http_client"]

PIECE_BYTES = 1 << 20  # of a part on its way out; smaller ones cost speed
_BRIEF_PATIENCE = Patience(first_contact_s=3.0, total_s=3.0, longest_wait_s=1.0)
_BRIEF_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class NewLink:
    """One link as a sender registers it (the protocol's ``Link``); every field is fit to send."""

    id: str
    access_hash: bytes
    unlock_hash: bytes
    manifest: bytes
    opens: int
    delay_s: int
    ttl_s: int

    def as_json(self) -> dict[str, object]:
        """The object of section 7."""
        return {
            "id": self.id,
            "access": b64encode(self.access_hash),
            "unlock": b64encode(self.unlock_hash),
            "manifest": b64encode(self.manifest),
            "opens": self.opens,
            "delay_s": self.delay_s,
            "ttl_s": self.ttl_s,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a content: index, sealed bytes and their SHA-256."""

    index: int
    sealed: memoryview
    digest: bytes


def content_digest(digest: bytes) -> str:
    """The value of ``Content-Digest`` for a SHA-256 hash (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(digest).decode()}:"


class Transport:
    """The calls of section 7 to one server, for one operation.

    Safe to use from several threads.

    Args:
        line: the way to it.
        server: ``https://host[:port][/base]`` without a trailing slash.
        retrying: how long to try, and the operation's stop.
        upload_token: permission to upload, where the server asks for one.
        timeout: replaces the client's own.
    """

    def __init__(
        self,
        line: Line,
        server: str,
        retrying: Retrying,
        *,
        upload_token: str | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> None:
        self.server = server
        self.retrying = retrying
        self._exchange = Exchange(line, server, retrying, timeout=timeout)
        self._upload_token = upload_token

    @property
    def pin(self) -> bytes | None:
        """Of the key that this server must have; None where authorities vouch for it."""
        return self._exchange.line.pin

    @property
    def has_upload_token(self) -> bool:
        """Whether there is permission to show."""
        return bool(self._upload_token)

    def brief(self) -> Transport:
        """The same server with little patience and a fresh stop: for a last word."""
        retrying = Retrying(_BRIEF_PATIENCE, clock=self.retrying.clock, random=self.retrying.random)
        return Transport(
            self._exchange.line, self.server, retrying, timeout=httpx.Timeout(_BRIEF_TIMEOUT_S)
        )

    # --- the calls --------------------------------------------------------------------------

    def info(self) -> Info:
        """``GET /info``."""
        request = Request("GET", "/info")
        try:
            return self._exchange.asked(request, answers.info)
        except Unknown as error:
            raise UsageError(f"{self._exchange.server} is no address of a server") from error

    def create_share(
        self, sid: str, owner: bytes, owner_hash: bytes, size: int | None, links: Sequence[NewLink]
    ) -> ShareReport:
        """``PUT /shares/{sid}``; ``size`` in bytes of ciphertext, 0 for inline, None if unknown."""
        body = {
            "owner": b64encode(owner_hash),
            "bytes": size,
            "links": [link.as_json() for link in links],
        }
        # Nothing else carries it: whoever answers to an address hears of it no sooner than of O.
        token = {"OTV-Upload-Token": self._upload_token} if self._upload_token else {}
        request = Request.with_json("PUT", f"/shares/{sid}", owner, body, token)
        return self._exchange.asked(request, answers.share)

    def put_part(self, sid: str, owner: bytes, part: Part, sent: Callable[[int], None]) -> None:
        """``PUT /shares/{sid}/parts/{j}``; the same sealed bytes go out on every attempt.

        ``sent`` is told how many bytes of the part this attempt has sent so far.
        """
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(part.sealed)),
            "Content-Digest": content_digest(part.digest),
        }
        path = f"/shares/{sid}/parts/{part.index}"
        backoff = Backoff(self.retrying)

        def moved(size: int) -> None:
            backoff.sent()
            sent(size)

        body = partial(self._pieces, part.sealed, moved)
        self._exchange.told(Request("PUT", path, owner, body, headers), backoff)

    def seal(
        self,
        sid: str,
        owner: bytes,
        *,
        parts: int,
        size: int,
        root: bytes,
        links: Sequence[NewLink],
    ) -> ShareReport:
        """``POST /shares/{sid}/seal``."""
        body = {
            "parts": parts,
            "bytes": size,
            "root": b64encode(root),
            "links": [link.as_json() for link in links],
        }
        request = Request.with_json("POST", f"/shares/{sid}/seal", owner, body, {})
        return self._exchange.asked(request, answers.share)

    def share(self, sid: str, owner: bytes) -> ShareReport:
        """``GET /shares/{sid}``."""
        return self._exchange.asked(Request("GET", f"/shares/{sid}", owner), answers.share)

    def reset_guesses(self, sid: str, link_id: str, owner: bytes) -> None:
        """``POST /shares/{sid}/links/{id}/reset``."""
        self._exchange.told(Request("POST", f"/shares/{sid}/links/{link_id}/reset", owner))

    def revoke(self, sid: str, owner: bytes, link_id: str | None = None) -> None:
        """``DELETE`` of a share or of one link; one that is over already is fine."""
        path = f"/shares/{sid}" + (f"/links/{link_id}" if link_id else "")
        try:
            self._exchange.told(Request("DELETE", path, owner))
        except Over:
            return

    def view(self, link_id: str, access: bytes) -> LinkView:
        """``GET /links/{id}``; spends nothing."""
        return self._exchange.asked(Request("GET", f"/links/{link_id}", access), answers.link_view)

    def claim(self, link_id: str, access: bytes, unlock: bytes, lease_hash: bytes) -> Claim:
        """``POST /links/{id}/claim``; the same lease again gets the same answer."""
        body = {"unlock": b64encode(unlock), "lease": b64encode(lease_hash)}
        request = Request.with_json("POST", f"/links/{link_id}/claim", access, body, {})
        return self._exchange.asked(request, answers.claim)

    def acknowledge(self, link_id: str, lease: bytes, outcome: str, mac: bytes) -> None:
        """``POST /links/{id}/ack``; outcome is ``opened`` or ``rejected``."""
        body = {"outcome": outcome, "mac": b64encode(mac)}
        self._exchange.told(Request.with_json("POST", f"/links/{link_id}/ack", lease, body, {}))

    @contextmanager
    def content(
        self, link_id: str, lease: bytes, root: bytes, start: int, size: int
    ) -> Iterator[Iterator[bytes]]:
        """``GET /links/{id}/content`` from byte ``start`` up to the end, once, no retry.

        Yields:
            Pieces of exactly ``size - start`` bytes in all.

        Raises:
            Transient: a broken connection, or an answer to another question.
        """
        headers = {"Range": f"bytes={start}-", "If-Range": f'"{b64encode(root)}"'}
        request = Request("GET", f"/links/{link_id}/content", lease, headers=headers)
        with self._exchange.response(request) as response:
            self._exchange.accept(response, CONTENT_STATUSES)
            check_range(response, start, size)
            yield self._exchange.body(response)

    # --- bodies -----------------------------------------------------------------------------

    def _pieces(self, sealed: memoryview, sent: Callable[[int], None]) -> Iterator[bytes]:
        for start in range(0, len(sealed), PIECE_BYTES):
            self.retrying.check_stopped()
            sent(start)
            yield bytes(sealed[start : start + PIECE_BYTES])
        sent(len(sealed))
