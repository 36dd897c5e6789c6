"""Behind real nginx and real Caddy, by the files of ``deploy/``."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from otv_client import Client
from tests.conftest import running_server
from tests.server.proxies import CALLER, COMMANDS, NAME, Front, in_front, port_of
from tests.support import (
    Api,
    RawLink,
    b64,
    bearer,
    begin,
    digest_header,
    eventually,
    new_id,
    new_secret,
    send_content,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunningServer

PART = 8 << 20
LARGE = 128 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that is told of a proxy on this machine, as ``docs/operating.md`` says."""
    with running_server(
        tmp_path_factory.mktemp("behind"),
        public_url=f"https://{NAME}",
        trusted_proxies="127.0.0.1",
        uploads="lan",  # who counts as near shows whom the server takes for the caller
        keep_addresses="full",
        min_free_bytes=0,
    ) as running:
        yield running


@pytest.fixture(scope="module", params=COMMANDS)
def front(
    request: pytest.FixtureRequest, server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """Each proxy in front of it."""
    folder = tmp_path_factory.mktemp("front") / "own"
    with in_front(request.param, folder, port_of(server.url)) as running:
        yield running


@pytest.fixture
def api(front: Front) -> Iterator[Api]:
    """A caller from outside."""
    with front.client() as http:
        yield Api(http)


def test_share_travels_through(api: Api, front: Front) -> None:
    """Else a server behind a proxy is of no use; or the proxy keeps what the server erases."""
    before = front.written()
    share = send_content(api, [os.urandom(PART), os.urandom(1000)], RawLink())
    lease = new_secret()

    assert api.claim(share.link, lease).status_code == 200
    content = api.content(share.link, lease)

    assert content.content == b"".join(share.parts)
    assert front.written() - before < 1 << 20, "the proxy keeps bodies on its disk"


def test_large_share_is_kept_nowhere_on_its_way(front: Front, tmp_path: Path) -> None:
    """Else a small machine in front falls over, or keeps ciphertext that nobody erases."""
    file = tmp_path / "large.bin"
    with file.open("wb") as made:
        made.truncate(LARGE)
    memory, disk = front.peak(), front.written()
    with front.client() as http, Client(f"https://{NAME}", http=http) as client:
        link = client.send(file).links[0].link
        client.open(link, tmp_path / "there")

    assert link.startswith(f"https://{NAME}/s/")
    assert (tmp_path / "there/large.bin").stat().st_size == LARGE
    assert front.peak() - memory < LARGE // 4
    assert front.written() - disk < 1 << 20


def test_body_passes_while_the_rest_still_comes(
    api: Api, front: Front, server: RunningServer
) -> None:
    """Else every part waits twice: once for the proxy to have it, once for the server."""
    share = begin(api, PART)
    blobs = server.data / "blobs"
    old = set(blobs.rglob("*"))
    head = (
        f"PUT /api/v1/shares/{b64(share.sid)}/parts/0 HTTP/1.1\r\nHost: {NAME}\r\n"
        f"Authorization: {bearer(share.owner)['Authorization']}\r\n"
        f"Content-Digest: {digest_header(b'')['Content-Digest']}\r\nContent-Length: {PART}\r\n\r\n"
    )
    with front.speaking("http/1.1") as line:
        line.sendall(head.encode() + bytes(PART // 2))

        assert eventually(lambda: size_of(set(blobs.rglob("*")) - old) > PART // 4, 20)


def test_browsers_are_offered_http_2(front: Front) -> None:
    """Else a browser asks for the parts of a page, and sends those of a file, in a queue."""
    with front.speaking("h2", "http/1.1") as line:
        assert line.selected_alpn_protocol() == "h2"


def size_of(files: set[Path]) -> int:
    """How many bytes they hold; some may go meanwhile."""
    total = 0
    for file in files:
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


def test_answers_tell_browsers_to_stay_with_tls(api: Api) -> None:
    """Else a browser lets itself be led to plain HTTP, where anyone may answer."""
    answer = api.http.get("/info")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "otv" not in answer.headers.get("Server", "")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_callers_own_words_of_where_it_is_count_for_nothing(api: Api, header: str) -> None:
    """Else a stranger says "I am in the house", and sends; or a receipt names an innocent."""
    share = send_content(api, [b"x"], RawLink())
    api.http.headers[header] = "for=203.0.113.7" if header == "Forwarded" else "203.0.113.7"

    assert api.claim(share.link, new_secret()).status_code == 200

    (link,) = share.report()["links"]
    assert link["openings"][0]["address"] == CALLER


def test_part_larger_than_any_is_refused(api: Api) -> None:
    """Else a proxy lets through what the server has to throw away."""
    answer = api.http.put(f"/shares/{b64(new_id())}", content=bytes(10 << 20))

    assert answer.status_code == 413


def test_links_of_the_page_are_those_of_the_outside(front: Front) -> None:
    """Else recipients get links that lead to the proxy's inside."""
    with front.client() as http:
        answer = http.get(f"https://{NAME}/s/AAECAwQFBgcICQoL")

    assert answer.status_code in {200, 503}  # 503: sources without a page
    assert verdict(answer)[1] is None
