"""Who may send: near callers, tokens with their limits, forwarded callers, everyone."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, nullcontext
from ipaddress import ip_address, ip_network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from otv_server.api.caller import Access, Caller, Uploads, caller_of, needs_token
from otv_server.api.forwarded import is_forwarded, origin_of
from otv_server.api.headers import upload_token
from otv_server.api.origin import check_origin
from otv_server.app import join
from otv_server.domain.errors import CrossOrigin, UploadTokenNeeded
from otv_server.domain.tokens import TokenTerms
from otv_server.settings import Settings
from tests.searching import files_with
from tests.server.raw import answer, call
from tests.server.timed import Clock, timed_api
from tests.support import Api, RawLink, b64, hashed, new_id, new_secret, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.conftest import RunningServer

STRANGER = "203.0.113.7"
NO_HEADERS: Mapping[str, str] = {}
NEEDED = (401, "upload_token")


def issue(data: Path, name: str, *arguments: str) -> str:
    """A token, from ``otv-server token new``."""
    done = token_command("new", name, *arguments, "--data", str(data))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def token_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``otv-server token …`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "otv_server", "token", *arguments],
        env={key: text for key, text in os.environ.items() if not key.startswith("OTV_")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def send(
    api: Api,
    token: str | None = None,
    size: int | None = 100,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Any:
    """Begin an upload; the answer."""
    named = {} if token is None else {"OTV-Upload-Token": token}
    body = {"owner": b64(new_secret()), "bytes": size, "links": list[str]()}
    return api.http.put(f"/shares/{b64(new_id())}", json=body, headers={**named, **headers})


def send_links(api: Api, token: str, *links: RawLink) -> Any:
    """Put a small share live; the answer."""
    body = {"owner": b64(new_secret()), "bytes": 0, "links": [link.body for link in links]}
    return api.http.put(f"/shares/{b64(new_id())}", json=body, headers={"OTV-Upload-Token": token})


@pytest.mark.parametrize(
    ("uploads", "address", "is_asked"),
    [
        ("lan", "127.0.0.1", False),
        ("lan", "192.168.1.9", False),
        ("lan", "fe80::9", False),
        ("lan", "fd12::9", False),
        ("lan", "::ffff:10.0.0.1", False),
        ("lan", STRANGER, True),
        ("lan", "::ffff:203.0.113.7", True),
        ("lan", "2001:db8::1", True),
        ("token", "127.0.0.1", True),
        ("token", STRANGER, True),
        ("open", STRANGER, False),
    ],
)
def test_who_is_asked_for_a_token(
    tmp_path: Path, uploads: str, address: str, *, is_asked: bool
) -> None:
    """Else strangers use the server as their disk, or people in the house can't send."""
    with timed_api(tmp_path, address=address, uploads=uploads, max_unsealed=1000) as api:
        told = api.http.get("/info").json()["upload_token"]
        answer = send(api)

    assert told is is_asked
    assert verdict(answer) == (NEEDED if is_asked else (201, None))


@pytest.mark.parametrize(
    ("server", "headers", "is_near"),
    [
        (STRANGER, [], True),
        (f"::ffff:{STRANGER}", [], True),
        (STRANGER, [(b"x-forwarded-for", b"127.0.0.1")], False),
        ("203.0.113.8", [], False),
        ("testserver", [], False),
    ],
)
def test_machine_that_calls_itself_is_no_stranger(
    server: str, headers: list[tuple[bytes, bytes]], *, is_near: bool
) -> None:
    """Else who serves from a public address can't send from there, or strangers can."""
    ends = {"client": (STRANGER, 50000), "server": (server, 8443), "headers": headers}
    app = SimpleNamespace(state=SimpleNamespace(access=Access()))
    connection: Any = SimpleNamespace(scope=ends, app=app)

    assert caller_of(connection).is_near is is_near


@pytest.mark.parametrize(
    ("settings", "is_asked"),
    [
        ({}, False),
        ({"public_url": "https://share.example"}, True),
        ({"trusted_proxies": "10.0.0.1"}, True),
        ({"public_url": "https://share.example", "uploads": "lan"}, False),
        ({"public_url": "https://share.example", "uploads": "open"}, False),
    ],
    ids=["lan", "public", "proxy", "said", "open"],
)
def test_the_internet_is_asked_unless_the_operator_says_otherwise(
    tmp_path: Path, settings: dict[str, Any], *, is_asked: bool
) -> None:
    """Else whoever puts a proxy in front lets the whole internet send."""
    with timed_api(tmp_path, **settings) as api:
        assert api.http.get("/info").json()["upload_token"] is is_asked


@pytest.fixture
def asking(tmp_path: Path, clock: Clock) -> Iterator[Api]:
    """A server that asks everyone for a token."""
    with timed_api(tmp_path, clock, uploads="token", max_unsealed=1000) as api:
        yield api


def test_token_lets_its_holder_send(asking: Api, tmp_path: Path) -> None:
    """Else nobody outside can send at all."""
    token = issue(tmp_path / "data", "anna")

    assert send(asking, token).status_code == 201


@pytest.mark.parametrize(
    "token", ["", "0" * 48, "x" * 1025, "a b", "ä".encode().decode("latin-1"), "a, b"]
)
def test_token_that_is_none_is_refused_before_the_body(asking: Api, token: str) -> None:
    """Else guessing would cost the server more than the guesser."""
    answer = asking.http.put(
        f"/shares/{b64(new_id())}",
        content=b"{" * 1000,
        headers=[(b"OTV-Upload-Token", token.encode("latin-1"))],
    )

    assert verdict(answer) == NEEDED


def test_token_stands_alone() -> None:
    """Else two readers of one request take different tokens for the one that counts."""
    assert upload_token([" abc "]) == b"abc"
    for values in ([], ["a", "b"], ["a", "a"]):
        with pytest.raises(UploadTokenNeeded):
            upload_token(values)


def test_revoked_token_is_refused_at_once_and_says_so(asking: Api, tmp_path: Path) -> None:
    """Else a token that got about stays good, or its holder looks for a typing error."""
    token = issue(tmp_path / "data", "anna")
    assert send(asking, token).status_code == 201
    unknown = send(asking, "0" * 48)

    assert token_command("revoke", "anna", "--data", str(tmp_path / "data")).returncode == 0

    answer = send(asking, token)
    assert verdict(answer) == NEEDED
    assert answer.json()["detail"] != unknown.json()["detail"]


def test_token_ends_when_its_time_is_up(asking: Api, tmp_path: Path, clock: Clock) -> None:
    """Else a token for a guest is one for ever."""
    token = made(tmp_path, clock, ttl_s=60)
    before = send(asking, token)
    clock.forward(60)

    after = send(asking, token)

    assert (before.status_code, verdict(after)) == (201, NEEDED)


def made(folder: Path, clock: Clock, **terms: int) -> str:
    """A token by the clock that the test turns, made beside the server as the command does it."""
    parts = join(Settings(data=folder / "data"), clock)

    async def issue() -> str:
        try:
            await parts.database.open()
            _, text = await parts.tokens.issue(TokenTerms(b64(new_id()), **terms))
        finally:
            await parts.database.close()
        return text

    return asyncio.run(issue())


def test_token_may_bound_a_share(asking: Api, tmp_path: Path, clock: Clock) -> None:
    """Else who may send a letter may fill the disk."""
    token = made(tmp_path, clock, share_bytes=5000)

    assert send(asking, token, 5000).status_code == 201
    assert verdict(send(asking, token, 5001)) == (413, "too_large")
    assert send_links(asking, token, RawLink()).status_code == 201
    assert verdict(send_links(asking, token, RawLink(), RawLink())) == (413, "too_large")


def test_token_bounds_what_was_not_declared(asking: Api, tmp_path: Path, clock: Clock) -> None:
    """Else its limit is passed by saying nothing of the size."""
    sid, owner = new_id(), new_secret()
    token = made(tmp_path, clock, share_bytes=5000)
    body = {"owner": b64(hashed(owner)), "bytes": None, "links": list[str]()}
    path = f"/shares/{b64(sid)}"
    assert asking.http.put(path, json=body, headers={"OTV-Upload-Token": token}).status_code == 201

    assert verdict(asking.part(sid, owner, 0, bytes(5001))) == (413, "too_large")
    assert asking.part(sid, owner, 0, bytes(5000)).status_code == 201
    assert verdict(asking.part(sid, owner, 1, bytes(1))) == (413, "too_large")


def test_token_may_bound_how_often(asking: Api, tmp_path: Path, clock: Clock) -> None:
    """Else one token that got about is a flood."""
    token = made(tmp_path, clock, shares_per_hour=2)

    at_once = [send(asking, token).status_code for _ in range(3)]
    clock.forward(1800)
    later = [send(asking, token).status_code for _ in range(2)]

    assert (at_once, later) == ([201, 201, 429], [201, 429])


def test_same_request_again_costs_nothing(asking: Api, tmp_path: Path, clock: Clock) -> None:
    """Else a lost answer uses up what the token allows."""
    token = made(tmp_path, clock, shares_per_hour=1)
    path, headers = f"/shares/{b64(new_id())}", {"OTV-Upload-Token": token}
    body = {"owner": b64(new_secret()), "bytes": 9, "links": list[str]()}

    answers = [asking.http.put(path, json=body, headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 200, 200]


def test_refused_share_costs_nothing(asking: Api, tmp_path: Path, clock: Clock) -> None:
    """Else a full disk uses up what the token allows."""
    token = made(tmp_path, clock, shares_per_hour=1, share_bytes=10)
    assert send(asking, token, 11).status_code == 413

    assert send(asking, token, 10).status_code == 201


def test_token_is_kept_as_a_hash_alone(asking: Api, tmp_path: Path) -> None:
    """Else whoever reads the database, or a log, can send."""
    token = issue(tmp_path / "data", "anna")
    send(asking, token)

    assert not files_with([tmp_path], {"token": token.encode()})


def test_list_says_what_became_of_each(tmp_path: Path) -> None:
    """Else an operator can't tell which tokens are still about."""
    data = tmp_path / "data"
    issue(data, "anna", "--share-bytes", "1000", "--per-hour", "3", "--expires", "1d")
    issue(data, "ben")
    token_command("revoke", "2", "--data", str(data))

    done = token_command("list", "--data", str(data))

    anna, ben = (line.split("\t") for line in done.stdout.splitlines())
    assert anna[:4] == ["1", "anna", "good", "0 shares"]
    assert len(anna) == 7
    assert ben == ["2", "ben", "revoked", "0 shares"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("new",),
        ("new", ""),
        ("new", "12"),
        ("new", "a\nb"),
        ("new", "x" * 101),
        ("new", "taken"),
        ("new", "a", "--expires", "soon"),
        ("new", "a", "--expires", "11y"),
        ("new", "a", "--share-bytes", "0"),
        ("new", "a", "--per-hour", "0"),
        ("revoke", "nobody"),
        ("revoke", "77"),
    ],
    ids=" ".join,
)
def test_nonsense_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Else an operator reads a traceback, or hands out a token that allows more than meant."""
    issue(tmp_path / "data", "taken")

    done = token_command(*arguments, "--data", str(tmp_path / "data"))

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("otv: error: ")
    assert "Traceback" not in done.stderr


def test_database_of_before_gets_the_tables(tmp_path: Path) -> None:
    """Else an update ends with a server that refuses everyone's token, or doesn't start."""
    data = tmp_path / "data"
    issue(data, "anna")
    with closing(sqlite3.connect(data / "otv.db")) as database:
        for table in ("token_shares", "upload_tokens"):
            database.execute(f"DROP TABLE {table}")
        database.execute("UPDATE schema SET version = 2")
        database.commit()

    assert issue(data, "anna")


# --- who calls ----------------------------------------------------------------------------------

PROXIES = [ip_network("10.0.0.0/24"), ip_network("fd00::1")]
FORWARDING = [
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "Via",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "CF-Connecting-IP",
]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        ("192.168.1.9", None, ("192.168.1.9", True)),
        ("192.168.1.9", "127.0.0.1", ("192.168.1.9", False)),
        ("10.0.0.5", "203.0.113.7", ("203.0.113.7", True)),
        ("10.0.0.5", "127.0.0.1, 203.0.113.7", ("203.0.113.7", True)),
        ("10.0.0.5", "203.0.113.7, 10.0.0.6", ("203.0.113.7", True)),
        ("10.0.0.5", "203.0.113.7:50123", ("203.0.113.7", True)),
        ("10.0.0.5", "[2001:db8::7]:50123", ("2001:db8::7", True)),
        ("10.0.0.5", "2001:db8::7", ("2001:db8::7", True)),
        ("10.0.0.5", "::ffff:203.0.113.7", ("203.0.113.7", True)),
        ("fd00::1", "192.168.1.9", ("192.168.1.9", True)),
        ("fd00::2", "192.168.1.9", ("fd00::2", False)),
        ("10.0.0.5", None, ("10.0.0.5", False)),
        ("10.0.0.5", "", ("10.0.0.5", False)),
        ("10.0.0.5", "unknown", ("10.0.0.5", False)),
        ("10.0.0.5", "192.168.1.9, _hidden", ("10.0.0.5", False)),
        ("10.0.0.5", "10.0.0.6, 10.0.0.7", ("10.0.0.5", False)),
        ("10.0.0.5", "1.2.3", ("10.0.0.5", False)),
        ("10.0.0.5", ", ".join(["10.0.0.6"] * 30 + ["203.0.113.7"]), ("203.0.113.7", True)),
    ],
)
def test_forwarded_addresses_count_from_trusted_proxies_alone(
    peer: str, forwarded_for: str | None, expected: tuple[str, bool]
) -> None:
    """Else anyone says that they call from within the house."""
    headers = [] if forwarded_for is None else [(b"x-forwarded-for", forwarded_for.encode())]

    address, is_known = origin_of(ip_address(peer), headers, PROXIES)

    assert (str(address), is_known) == expected


def test_several_lines_are_one_list() -> None:
    """Else a caller adds a line of their own, and that one counts."""
    headers = [(b"x-forwarded-for", b"127.0.0.1"), (b"x-forwarded-for", b"203.0.113.7")]

    assert origin_of(ip_address("10.0.0.5"), headers, PROXIES) == (ip_address(STRANGER), True)


@pytest.mark.parametrize("header", FORWARDING)
def test_forwarded_request_is_never_from_the_lan(tmp_path: Path, header: str) -> None:
    """Else a tunnel or a proxy on this machine lets the whole internet send."""
    with timed_api(tmp_path) as api:
        plain = send(api)
        forwarded = send(api, headers={header: "127.0.0.1"})
        told = api.http.get("/info", headers={header: "127.0.0.1"}).json()["upload_token"]

    assert (plain.status_code, verdict(forwarded), told) == (201, NEEDED, True)


def test_limits_count_the_caller_behind_a_proxy(tmp_path: Path) -> None:
    """Else one caller behind the proxy keeps all the others out."""
    with timed_api(tmp_path, trusted_proxies="127.0.0.1", uploads="open", max_unsealed=1) as api:
        answers = [
            send(api, headers={"X-Forwarded-For": address}).status_code
            for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8")
        ]

    assert answers == [201, 429, 201]


def test_near_is_said_of_what_is_known_to_be() -> None:
    """Else a caller without an address would be taken for a neighbour."""
    assert needs_token(Caller(None), Uploads.LAN)
    assert not is_forwarded([(b"host", b"localhost"), (b"x-requested-with", b"x")])


# --- names and pages ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/s/AAECAwQFBgcICQoL", "/api/v1/info"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.test", ""])
def test_other_names_are_refused(server: RunningServer, path: str, host: str) -> None:
    """Else any web page points its own name at this machine, and reads and sends as a neighbour."""
    answer = httpx.get(f"{server.url}{path}", headers={"Host": host})

    assert verdict(answer) == (421, "wrong_host")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "192.168.7.7:8443",
        "[fd00::7]",
        socket.gethostname(),
    ],
)
def test_own_names_and_addresses_are_taken(server: RunningServer, host: str) -> None:
    """Else people who type the address that was printed are turned away."""
    assert httpx.get(f"{server.url}/api/v1/info", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["files.home.example", "share.example"])
def test_names_that_the_operator_gave_are_taken(tmp_path: Path, host: str) -> None:
    """Else dynamic DNS and proxies lead to a server that refuses everyone."""
    settings: dict[str, Any] = {
        "names": "Files.Home.Example, x",
        "public_url": "https://share.example/",
    }
    with timed_api(tmp_path, **settings) as api:
        assert api.http.get("/info", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "anything"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    ],
    ids=str,
)
def test_other_sites_pages_may_not_call(tmp_path: Path, headers: dict[str, str]) -> None:
    """Else a page that a neighbour opens uploads in their name, or tries passwords."""
    with timed_api(tmp_path) as api:
        assert verdict(api.http.get("/info", headers=headers)) == (403, "cross_origin")
        assert verdict(send(api, headers=headers)) == (403, "cross_origin")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:80"},
        {"Origin": "https://share.example"},
    ],
    ids=str,
)
def test_own_page_and_programs_may_call(tmp_path: Path, headers: dict[str, str]) -> None:
    """Else nobody could send at all."""
    with timed_api(tmp_path, public_url="https://share.example", uploads="lan") as api:
        assert send(api, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("scheme", "origin", "is_own"),
    [
        ("http", "http://share.example", True),
        ("http", "https://share.example", True),  # what is in front speaks TLS for it
        ("https", "https://share.example", True),
        ("https", "http://share.example", False),
        ("https", "https://share.example:8443", False),
    ],
)
def test_under_tls_a_page_of_plain_http_is_another(
    scheme: str, origin: str, *, is_own: bool
) -> None:
    """Else whoever can meddle with plain HTTP writes the page that calls over TLS."""
    with nullcontext() if is_own else pytest.raises(CrossOrigin):
        check_origin([], [origin], scheme, "share.example", None)


def test_page_may_be_linked_to_from_anywhere(page_server: RunningServer) -> None:
    """Else a link in a web mail leads to a refusal."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert httpx.get(f"{page_server.url}/s/AAECAwQFBgcICQoL", headers=headers).status_code == 200


def test_repeated_host_is_refused(server: RunningServer) -> None:
    """Else two readers of one request take different names for the one that counts."""
    with closing(call(server.url)) as line:
        line.sendall(b"GET /api/v1/info HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")

        assert answer(line).status in (400, 421)
