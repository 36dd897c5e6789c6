"""What supervisors, proxies and Prometheus ask of a server."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from otv_server.domain.errors import Unavailable
from otv_server.service.health import ASK_AGAIN_S, Health
from otv_server.settings import BadSetting, load
from tests.conftest import running_server
from tests.support import Api, b64, eventually, new_secret, send_content

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RunningServer


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that uvicorn runs."""
    return "asyncio"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_healthy_server_says_so(server: RunningServer, path: str) -> None:
    """Else a supervisor restarts it again and again, or a proxy sends nobody to it."""
    answer = httpx.get(f"{server.url}{path}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Cache-Control"] == "no-store"


def test_server_without_its_store_is_alive_and_not_ready(tmp_path: Path) -> None:
    """Else a proxy goes on sending uploads to a machine whose disk is gone."""
    with running_server(tmp_path, min_free_bytes=0) as server:
        (server.data / "blobs").rename(server.data / "gone")
        assert eventually(lambda: httpx.get(f"{server.url}/health/ready").status_code == 503)
        unready = httpx.get(f"{server.url}/health/ready")
        alive = httpx.get(f"{server.url}/health/live")
        (server.data / "gone").rename(server.data / "blobs")

        assert int(unready.headers["Retry-After"]) > 0
        assert alive.status_code == 204
        assert eventually(lambda: httpx.get(f"{server.url}/health/ready").status_code == 204)


@pytest.mark.anyio
async def test_stores_are_not_asked_for_every_question() -> None:
    """Else anyone can make the server list its store as often as they like."""
    now, asked = 0.0, 0

    async def ask() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise Unavailable

    health = Health([ask], lambda: now)
    for _ in range(5):
        await health.check()
    assert asked == 1

    now = ASK_AGAIN_S
    for _ in range(5):
        with pytest.raises(Unavailable):
            await health.check()
    assert asked == 2


@pytest.mark.anyio
async def test_store_that_hangs_is_not_waited_for() -> None:
    """Else a proxy that asks is itself given no answer, and goes on sending callers here."""
    is_back = asyncio.Event()

    async def hang() -> None:
        # As a call does that runs in a thread, which nobody can stop.
        while not is_back.is_set():
            with suppress(asyncio.CancelledError):
                await is_back.wait()

    health = Health([hang], lambda: 0.0, answer_s=0.01)

    async with asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await health.check()
    is_back.set()


def test_nothing_is_counted_unless_it_is_asked_for(server: RunningServer) -> None:
    """Else anyone can see how busy a server is."""
    assert httpx.get(f"{server.url}/metrics").status_code == 404


def test_counts_have_no_ids_and_no_addresses(tmp_path: Path) -> None:
    """Else what Prometheus keeps for a year says who opened what."""
    with running_server(tmp_path, metrics="true", min_free_bytes=0) as server:
        api, lease = Api.of(server.url), new_secret()
        share = send_content(api, [b"x" * 5000])
        api.claim(share.link, lease)
        api.content(share.link, lease)
        api.ack(share.link, lease)
        api.look(share.link)
        text = httpx.get(f"{server.url}/metrics").text
        api.http.close()

    claims = r'otv_requests_total{route="POST /api/v1/links/{link_id}/claim",status="200"} 1.0'
    assert claims in text
    received = re.search(r'otv_body_bytes_total\{direction="received"\} ([\d.e+]+)', text)
    sent = re.search(r'otv_body_bytes_total\{direction="sent"\} ([\d.e+]+)', text)
    assert received is not None
    assert sent is not None
    assert float(received[1]) > 5000
    assert float(sent[1]) > 5000
    for secret in (b64(share.sid), b64(share.link.id), "127.0.0.1"):
        assert secret not in text


def test_sweeps_are_counted(tmp_path: Path) -> None:
    """Else an operator can't see that what is over is deleted."""
    with running_server(tmp_path, metrics="true", min_free_bytes=0) as server:
        api, lease = Api.of(server.url), new_secret()
        share = send_content(api, [b"x" * 5000])
        api.claim(share.link, lease)
        api.ack(share.link, lease)
        api.http.close()

        deleted = 'otv_swept_total{what="deleted"} 1.0'
        assert eventually(lambda: deleted in httpx.get(f"{server.url}/metrics").text)


def test_counts_of_one_worker_are_not_taken_for_all() -> None:
    """Else a graph shows whichever worker answered."""
    with pytest.raises(BadSetting):
        load({}, {"metrics": "true", "workers": "2"})
