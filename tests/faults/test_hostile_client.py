"""Clients that stall, drip, lie and flood: others are served meanwhile, and memory is bounded.

Those that lie about lengths or digests, repeat or reorder are in tests/server/test_parts.py.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import uvicorn

from otv_server import heads
from otv_server.api import deadline
from otv_server.app import create_app
from otv_server.serving import bind, config_for
from otv_server.settings import Settings
from tests.conftest import running_server
from tests.faults.measuring import MB, peak_bytes
from tests.server.raw import (
    answer,
    answered,
    call,
    content_head,
    head,
    is_stored,
    part_head,
    whole_answer,
)
from tests.support import (
    PART,
    Api,
    b64,
    begin,
    eventually,
    new_id,
    new_secret,
    send_content,
    send_small,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunningServer

MOMENT_S = 1
MEMORY = 200 * MB
HALF_A_HEAD = b"PUT /api/v1/shares/AAECAwQFBgcICQoL HTTP/1.1\r\nHost: localhost\r\nContent-Le"


@contextmanager
def served_here(folder: Path) -> Iterator[str]:
    """A server on a thread of this process, so that its minutes can be made moments."""
    settings = Settings(host="127.0.0.1", port=0, data=folder / "data", min_free_bytes=0, rate=0)
    app = create_app(settings)
    (listener,) = bind(settings)
    server = uvicorn.Server(config_for(app))

    async def serve() -> None:
        async with app.lifespan():
            await server.serve(sockets=[listener.socket])

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def hasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a server whose patience is a moment."""
    monkeypatch.setattr(heads, "HEAD_S", MOMENT_S)
    monkeypatch.setattr(heads, "REST_S", MOMENT_S)
    monkeypatch.setattr(deadline, "BODY_PAUSE_S", MOMENT_S)
    with served_here(tmp_path) as url:
        yield url


def is_cut(line: socket.socket) -> bool:
    """Whether the server has closed this connection, whatever it answered before."""
    line.settimeout(5)
    with suppress(ConnectionError):
        while line.recv(4096):
            pass
    return True


def drip(line: socket.socket, data: bytes) -> float:
    """Send a byte at a time until the server cuts; how long that took, in seconds."""
    started = time.monotonic()
    line.settimeout(0.01)
    for byte in data:
        try:
            line.sendall(bytes([byte]))
            if line.recv(4096) == b"":
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    return time.monotonic() - started


@pytest.mark.parametrize("said", [b"", b"GET", HALF_A_HEAD], ids=["nothing", "a word", "half"])
def test_connection_that_asks_for_nothing_is_closed(hasty: str, said: bytes) -> None:
    """Else a few hundred silent connections keep everyone else out."""
    with closing(call(hasty)) as line:
        line.sendall(said)

        assert is_cut(line)


def test_second_request_must_come_whole_too(hasty: str) -> None:
    """Else one right request buys a connection for ever."""
    with closing(call(hasty)) as line:
        line.sendall(head("GET", "/info", {}))
        assert whole_answer(line).status == 200
        line.sendall(HALF_A_HEAD)

        assert is_cut(line)


def test_head_that_drips_is_cut(hasty: str) -> None:
    """Else a byte now and then is as good as silence."""
    with closing(call(hasty)) as line:
        assert drip(line, b"GET /api/v1/info HTTP/1.1\r\n" + b"X: y\r\n" * 1000) < 5


def test_patient_caller_between_two_requests_is_not_cut(hasty: str) -> None:
    """Else a browser that looks again after a second needs a new connection each time."""
    with closing(call(hasty)) as line:
        for _ in range(3):
            line.sendall(head("GET", "/info", {}))
            assert whole_answer(line).status == 200
            time.sleep(2 * MOMENT_S)  # what is seen is that nothing happens meanwhile


def test_long_answer_outlasts_the_patience_for_heads(hasty: str) -> None:
    """Else a slow reader is cut ten seconds into the file."""
    content = random.Random(3).randbytes(3 << 20)
    api = Api.of(hasty)
    share, lease = send_content(api, [content]), new_secret()
    api.claim(share.link, lease)
    with closing(call(hasty, receive_buffer=4096)) as line:
        line.sendall(content_head(share.link, lease))
        received, begun = bytearray(answer(line).begun), time.monotonic()
        while len(received) < len(content):
            is_slow = time.monotonic() - begun < 2 * MOMENT_S
            time.sleep(0.02 if is_slow else 0)
            received += line.recv(16384)

    api.http.close()
    assert received == content


def test_part_that_drips_is_cut_and_leaves_nothing(hasty: str, tmp_path: Path) -> None:
    """Else a byte a minute keeps a connection, and room on the disk, for as long as it likes."""
    api = Api.of(hasty)
    part = os.urandom(20_000)
    share = begin(api, len(part))
    with closing(call(hasty)) as line:
        line.sendall(part_head(share, 0, part))

        took_s = drip(line, part)

    assert took_s < 5
    assert eventually(lambda: not is_stored(tmp_path / "data", part))
    assert share.report()["parts"] == []
    api.http.close()


def test_rest_of_a_refused_part_is_not_waited_for(hasty: str) -> None:
    """Else whoever is refused holds a connection with what nobody reads."""
    part = bytes(20_000)
    with closing(call(hasty)) as line:
        line.sendall(
            head(
                "PUT",
                f"/shares/{b64(new_id())}/parts/0",
                {"Content-Length": str(len(part)), "Authorization": f"Bearer {b64(bytes(32))}"},
            )
        )
        assert answer(line).status == 404

        assert drip(line, part) < 5


def test_parts_in_a_burst_are_not_too_slow(hasty: str) -> None:
    """Else the patience for slow callers costs quick ones their uploads."""
    api = Api.of(hasty)
    share = begin(api, 3 * PART)

    statuses = [
        api.part(share.sid, share.owner, index, bytes(PART)).status_code for index in (2, 0, 1)
    ]

    api.http.close()
    assert statuses == [201] * 3


# --- floods -------------------------------------------------------------------------------------


@pytest.fixture
def flooded(tmp_path: Path) -> Iterator[RunningServer]:
    """A process of its own; it is started with few file descriptors, as a shell gives them."""
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
    try:
        with running_server(tmp_path, min_free_bytes=0, rate=0) as server:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(few, min(most, 4096)), most))
            yield server
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))


@contextmanager
def calls(server: RunningServer, count: int) -> Iterator[list[socket.socket]]:
    """So many connections at once."""
    lines = [call(server.url) for _ in range(count)]
    try:
        yield lines
    finally:
        for line in lines:
            line.close()


def check_served(server: RunningServer) -> None:
    """Someone else sends and opens, and is not kept waiting."""
    api = Api.of(server.url)
    started = time.monotonic()
    share = send_small(api)
    assert api.claim(share.link, new_secret()).status_code == 200
    api.http.close()
    assert time.monotonic() - started < 10
    assert peak_bytes(server.process.pid) < MEMORY


def test_many_silent_connections_keep_nobody_out(flooded: RunningServer) -> None:
    """Else anyone with a laptop can stop the server."""
    with calls(flooded, 600) as lines:
        for line in lines[::2]:
            line.sendall(HALF_A_HEAD)

        check_served(flooded)


def test_many_bodies_at_once_fill_no_memory(flooded: RunningServer) -> None:
    """Else callers who each send most of a large body and rest can fill the machine."""
    with calls(flooded, 60) as lines:
        for line in lines:
            path = f"/shares/{b64(new_id())}"
            line.sendall(head("PUT", path, {"Content-Length": str(8 << 20)}))
        for line in lines:
            with suppress(ConnectionError):
                line.sendall(bytes(6 << 20))

        assert any(answer(line).status == 503 for line in answered(lines))
        check_served(flooded)


def test_many_parts_at_once_fill_no_memory(flooded: RunningServer) -> None:
    """Else twenty uploads on slow lines take a gigabyte."""
    api = Api.of(flooded.url)
    shares = [begin(api, 32 * PART) for _ in range(3)]
    part = bytes(PART)
    with calls(flooded, 96) as lines:
        for number, line in enumerate(lines):
            line.sendall(part_head(shares[number // 32], number % 32, part))
        for line in lines:
            line.sendall(part[: PART // 4])  # MEMORY in all

        check_served(flooded)
    api.http.close()


def test_many_stalled_readers_fill_no_memory(flooded: RunningServer) -> None:
    """Else those who ask and don't listen can fill the machine."""
    api = Api.of(flooded.url)
    share, lease = send_content(api, [bytes(PART)] * 3), new_secret()
    api.claim(share.link, lease)
    with calls(flooded, 100) as lines:
        for line in lines:
            line.sendall(content_head(share.link, lease))
        assert eventually(lambda: len(answered(lines)) > 5, 10)

        check_served(flooded)
    api.http.close()


def test_requests_that_wait_for_no_answer_are_refused(flooded: RunningServer) -> None:
    """Else each that waits takes a hundred times its own size, and one caller fills the machine."""
    request = head("GET", "/info", {})
    with calls(flooded, 60) as lines:
        for line in lines:
            with suppress(ConnectionError):
                line.sendall(request * ((1 << 20) // len(request)))

        check_served(flooded)
        assert all(is_cut(line) for line in lines)


def test_answer_that_is_on_its_way_is_not_garbled(hasty: str) -> None:
    """Else what a caller says too early stands in the middle of somebody's file."""
    content = random.Random(3).randbytes(3 << 20)
    api = Api.of(hasty)
    share, lease = send_content(api, [content]), new_secret()
    api.claim(share.link, lease)
    with closing(call(hasty, receive_buffer=4096)) as line:
        line.sendall(content_head(share.link, lease))
        received = bytearray(answer(line).begun)
        line.sendall(b"nonsense\r\n\r\n")
        with suppress(ConnectionError):
            while piece := line.recv(65536):
                received += piece

    api.http.close()
    assert content.startswith(received)


ENDLESS = {
    "lines": b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
    "one line": b"y" * 64,
}
BEFORE = {
    "head": b"GET /api/v1/info HTTP/1.1\r\nHost: localhost\r\nX: ",
    "trailers": (
        b"PUT /api/v1/shares/AAECAwQFBgcICQoL HTTP/1.1\r\nHost: localhost\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: "
    ),
}


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("place", BEFORE)
def test_head_without_end_is_cut(flooded: RunningServer, place: str, kind: str) -> None:
    """Else a few callers who never come to the point fill the machine."""
    sent = 0
    with closing(call(flooded.url)) as line:
        line.sendall(BEFORE[place])
        with suppress(ConnectionError):
            for _ in range(64):
                line.sendall(ENDLESS[kind] * ((1 << 20) // len(ENDLESS[kind])))
                sent += 1

    assert sent < 64
    check_served(flooded)
