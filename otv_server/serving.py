"""Listeners, sockets and worker processes: from settings to a running server.

One application serves a list of listeners (so far one); N workers share their sockets. uvicorn
speaks HTTP; it believes no forwarded header, logs no access and does not name itself.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

import uvicorn

from otv_server.app import create_app
from otv_server.heads import PromptHeads
from otv_server.settings import BadSetting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.context import SpawnProcess

    from litestar import Litestar

    from otv_server.settings import Settings

BACKLOG = 2048
UNSENT_BYTES = 128 << 10
MOST_FILES = 65_536
GRACE_S = 5  # a stream that is cut goes on elsewhere, or later


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that is served: a bound socket, and the scheme spoken on it."""

    socket: socket.socket
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Where it can be reached, from this machine at least."""
        host, port = self.socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        return f"{self.scheme}://{shown}:{port}"


def bind(settings: Settings) -> list[Listener]:
    """Bind what the settings ask for.

    Raises:
        BadSetting: the address is not this machine's, or the port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # With the protocol named: asyncio switches Nagle's delay off only where it sees TCP.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            # What waits in the kernel can't be cut any more when a link is revoked.
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        raise BadSetting(
            f"Can't listen on {settings.host} port {settings.port}: {error.strerror}."
        ) from None
    return [Listener(bound)]


def serve(settings: Settings, listeners: Sequence[Listener]) -> None:
    """Serve until told to stop (SIGTERM, SIGINT), in this process or in ``workers`` of them."""
    _raise_file_limit()
    os.umask(0o077)  # the data folder is nobody else's business
    if settings.workers == 1:
        _work(settings, listeners)
    else:
        _supervise(settings, listeners)


def _raise_file_limit() -> None:
    """A shell's usual 1,024 file descriptors are 1,024 callers, the silent ones included."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _work(settings: Settings, listeners: Sequence[Listener]) -> None:
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    app = create_app(settings)
    asyncio.run(_serve_all(app, listeners))


async def _serve_all(app: Litestar, listeners: Sequence[Listener]) -> None:
    """All listeners over one application, whose parts are opened once."""
    servers = [uvicorn.Server(config_for(app)) for _ in listeners]

    def stop(_number: int, _frame: Any) -> None:
        for server in servers:
            server.should_exit = True

    # uvicorn handles signals while it serves, and when it has stopped raises them again: by
    # default that would end the process here, before the database is closed.
    with _handled(stop):
        async with app.lifespan():
            await _serve_until_one_stops(servers, listeners)


async def _serve_until_one_stops(
    servers: Sequence[uvicorn.Server], listeners: Sequence[Listener]
) -> None:
    tasks = [
        asyncio.create_task(server.serve(sockets=[listener.socket]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


def config_for(app: Litestar) -> uvicorn.Config:
    """How uvicorn serves it."""
    return uvicorn.Config(
        app,
        lifespan="off",  # opened once for all listeners, by _serve_all
        proxy_headers=False,
        access_log=False,
        server_header=False,
        log_config=None,
        http=PromptHeads,
        ws="none",
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_S,
    )


def _supervise(settings: Settings, listeners: Sequence[Listener]) -> None:
    """Keep N workers alive until this process is told to stop."""
    spawn = multiprocessing.get_context("spawn")
    stopping = threading.Event()
    wake, woken = multiprocessing.Pipe()

    def stop(_number: int, _frame: Any) -> None:
        stopping.set()
        wake.send(None)

    def start() -> SpawnProcess:
        process = spawn.Process(target=_run_worker, args=(settings, list(listeners)))
        process.start()
        return process

    with _handled(stop):
        workers = [start() for _ in range(settings.workers)]
        while not stopping.is_set():
            wait([woken, *(worker.sentinel for worker in workers)])
            if not stopping.is_set():
                # A worker that can't start would otherwise be started for ever, at full speed.
                stopping.wait(0.2)
                workers = [worker if worker.is_alive() else start() for worker in workers]
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()


@contextmanager
def _handled(handler: Any) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _run_worker(settings: Settings, listeners: Sequence[Listener]) -> None:
    os.umask(0o077)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    with suppress(KeyboardInterrupt):
        _work(settings, listeners)
    sys.exit(0)


def _stop_with_parent() -> None:
    """A worker whose supervisor was killed would hold the port for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # only ever run in a worker
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
