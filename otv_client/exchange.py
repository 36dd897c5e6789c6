"""One exchange over HTTP: sent, tried again, answered within limits, decoded or refused.

Answers are read in pieces up to a limit and at a pace; nothing is decompressed, no
redirection is followed. Proxies and certificate stores of the environment count
(``HTTPS_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE``), as the user of a command line
expects; a ``.netrc`` doesn't.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from otv_client.answers import Nonsense
from otv_client.b64 import b64encode
from otv_client.errors import UnknownKey, Unreachable
from otv_client.failures import failure_of
from otv_client.pace import PacedStream, keep_pace
from otv_client.problems import error_of, nonsense
from otv_client.retry import Backoff, Retrying, Transient

ANSWER_BYTES = 8 << 20  # section 7: a body is at most 8 MiB
MOST_VALUES = 400_000  # more than 8 MiB of openings hold; small ones cost 30 times their text
PROBLEM_BYTES = 64 << 10
CONNECT_S = 10.0
READ_WRITE_S = 60.0
OK, CREATED, NO_CONTENT, PARTIAL = 200, 201, 204, 206
# Which success a call has, so that a proxy's "200, here is a page" is taken for none.
JSON_STATUSES = frozenset({OK, CREATED})
EMPTY_STATUSES = frozenset({CREATED, NO_CONTENT})
CONTENT_STATUSES = frozenset({OK, PARTIAL})
RETRIED = frozenset({429, 503})
FIRST_SERVER_ERROR = 500
FINAL_SERVER_ERRORS = frozenset({501, 505, 507})  # waiting for seconds doesn't help

T = TypeVar("T")
Body = Callable[[], Iterable[bytes]]
"""Makes a request's body anew for every attempt."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call.

    Attributes:
        path: below ``/api/v1``.
        bearer: A, O or T, or None.
        body: makes its pieces, again for each attempt; their length stands in ``headers``.
    """

    method: str
    path: str
    bearer: bytes | None = field(default=None, repr=False)
    body: Body | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def with_json(
        cls, method: str, path: str, bearer: bytes, value: object, headers: dict[str, str]
    ) -> Request:
        """A call with a JSON body."""
        body = json.dumps(value, separators=(",", ":")).encode()
        given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        return cls(method, path, bearer, lambda: [body], given)


@dataclass(frozen=True, slots=True)
class Line:
    """A way to a server.

    Attributes:
        http: does the sending; stays open.
        pin: of the key that its connections are held to, 15 bytes, or None where certificate
            authorities vouch for it.
        meet: another line, once somebody has vouched for a key that no authority knows; raises
            ``UnknownKey`` where nobody does. None where that can't be.
    """

    http: httpx.Client
    pin: bytes | None = None
    meet: Callable[[], Line] | None = None


def http_client(server: str, ssl_context: ssl.SSLContext | None = None) -> httpx.Client:
    """An ``httpx.Client`` as this protocol wants it; ``ssl_context`` replaces the usual trust."""
    verify: ssl.SSLContext | bool = True
    if ssl_context is not None:
        verify = ssl_context
    elif server.startswith("http://"):
        # Without TLS there is nothing to verify, and loading every certificate
        # authority costs 20 ms. This context trusts none, so it fails closed.
        verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    http = httpx.Client(
        verify=verify,
        follow_redirects=False,
        timeout=httpx.Timeout(READ_WRITE_S, connect=CONNECT_S),
    )
    keep_pace(http)
    return http


def retry_after(value: str | None) -> float | None:
    """Seconds of a ``Retry-After``; a date, which no server of ours sends, is no number."""
    if value is None or not value.isascii() or not value.isdigit():
        return None
    return float(value[:9])


class Exchange:
    """Requests to one server, for one operation. Safe to use from several threads.

    Args:
        line: the way to it.
        server: ``https://host[:port][/base]`` without a trailing slash.
        retrying: how long to try, and the operation's stop.
        timeout: replaces the client's own.
        base: what stands between ``server`` and a request's path.
    """

    def __init__(
        self,
        line: Line,
        server: str,
        retrying: Retrying,
        *,
        timeout: httpx.Timeout | None = None,
        base: str = "/api/v1",
    ) -> None:
        self.line, self.server, self.retrying = line, server, retrying
        self._timeout = timeout or line.http.timeout
        self._base = base

    def asked(self, request: Request, decode: Callable[[dict[str, Any]], T]) -> T:
        """The decoded JSON object of the answer, tried again as section 7 allows."""

        def attempt() -> T:
            with self.response(request) as response:
                self.accept(response, JSON_STATUSES)
                answer = self.capped(response, ANSWER_BYTES)
            try:
                return decode(json_object(answer))
            except Nonsense as error:
                raise nonsense(str(error)) from error

        return self.retrying.run(attempt)

    def told(self, request: Request, backoff: Backoff | None = None) -> None:
        """The same for a call whose answer is its status; ``backoff`` may hear of what is sent."""

        def attempt() -> None:
            with self.response(request) as response:
                self.accept(response, EMPTY_STATUSES)
                self.capped(response, PROBLEM_BYTES)

        self.retrying.run(attempt, backoff)

    @contextmanager
    def response(self, request: Request) -> Iterator[httpx.Response]:
        """One attempt; what httpx raises meanwhile comes out as one of our own errors."""
        try:
            with ExitStack() as stack:
                response = self._answer(stack, request)
                self.retrying.answered = True
                stream = response.extensions.get("network_stream")
                if isinstance(stream, PacedStream):
                    stream.expect_body()
                yield response
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            raise failure_of(error, self.server) from error

    def _answer(self, stack: ExitStack, request: Request) -> httpx.Response:
        """An answer whose stream ``stack`` closes.

        A handshake that fails comes before all else, so the same request can go out again.
        """
        try:
            return stack.enter_context(self._sent(request))
        except httpx.ConnectError as error:
            meet = self.line.meet
            if meet is None or not isinstance(failure_of(error, self.server), UnknownKey):
                raise
        self.line = meet()
        return stack.enter_context(self._sent(request))

    def _sent(self, request: Request) -> AbstractContextManager[httpx.Response]:
        headers = {**request.headers, "Accept-Encoding": "identity"}
        if request.bearer is not None:
            headers["Authorization"] = f"Bearer {b64encode(request.bearer)}"
        return self.line.http.stream(
            request.method,
            f"{self.server}{self._base}{request.path}",
            content=request.body() if request.body else None,
            headers=headers,
            timeout=self._timeout,
        )

    def accept(self, response: httpx.Response, expected: frozenset[int]) -> None:
        """Return for an expected status; raise what any other means."""
        status = response.status_code
        if status in expected:
            return
        error = error_of(status, self._problem(response))
        may_pass = status >= FIRST_SERVER_ERROR and status not in FINAL_SERVER_ERRORS
        if may_pass or status in RETRIED:
            raise Transient(error, retry_after=retry_after(response.headers.get("Retry-After")))
        raise error

    def _problem(self, response: httpx.Response) -> dict[str, Any] | None:
        try:
            return json_object(self.capped(response, PROBLEM_BYTES))
        except (Nonsense, Unreachable):
            return None

    def body(self, response: httpx.Response) -> Iterator[bytes]:
        """Raw pieces; httpx decompresses nothing of them."""
        for piece in response.iter_raw():
            self.retrying.check_stopped()
            yield piece

    def capped(self, response: httpx.Response, limit: int) -> bytes:
        """The whole body, or a refusal as soon as it is longer than ``limit`` bytes."""
        received = bytearray()
        for piece in self.body(response):
            received += piece
            if len(received) > limit:
                raise nonsense("too long")
        return bytes(received)


def json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object, or ``Nonsense``, however deep or odd what came is."""
    if raw.count(b",") > MOST_VALUES:
        raise Nonsense("too many values")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Nonsense("no JSON") from error
    if not isinstance(value, dict):
        raise Nonsense("no JSON object")
    return value


def check_range(response: httpx.Response, start: int, size: int) -> None:
    """Refuse an answer that is not bytes ``start`` to the end of ``size`` (RFC 9110, 14.4).

    A whole answer (200) is right only from byte 0. Nothing of the content is
    judged here: framing that is wrong may be right at the next attempt.
    """
    expected = {
        "Content-Length": str(size - start),
        "Content-Range": f"bytes {start}-{size - 1}/{size}",
    }
    if response.status_code == OK and start == 0:
        del expected["Content-Range"]
    elif response.status_code != PARTIAL:
        raise Transient(nonsense("the whole for a range"))
    for name, value in expected.items():
        if response.headers.get(name) != value:
            raise Transient(nonsense(f"a wrong {name}"))
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Transient(nonsense("an encoding that wasn't asked for"))
