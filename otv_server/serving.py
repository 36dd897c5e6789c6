"""Listeners, sockets and worker processes: from settings to a running server.

One application serves a list of listeners, plain and TLS; N workers share their sockets. uvicorn
speaks HTTP; it believes no forwarded header, logs no access and does not name itself.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

import uvicorn

from otv_server import heads
from otv_server.app import create_app
from otv_server.heads import PromptHeads
from otv_server.network.elsewhere import likeliest
from otv_server.network.listening import BACKLOG, HTTPS, Listener, address_of, listen, places
from otv_server.network.pins import host_name
from otv_server.network.tls import context_for, follow

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator, Sequence
    from multiprocessing.context import SpawnProcess
    from ssl import SSLContext

    from litestar import Litestar

    from otv_server.network.identity import Files
    from otv_server.settings import Settings

MOST_FILES = 65_536
GRACE_S = 5  # a stream that is cut goes on elsewhere, or later


@dataclass(frozen=True, slots=True)
class Secured:
    """What HTTPS needs: the files of key and certificate, and the key's pin."""

    files: Files
    pin: bytes


@dataclass(frozen=True, slots=True)
class Serving:
    """All that a worker process has to know."""

    settings: Settings
    listeners: tuple[Listener, ...]
    secured: Secured | None


def bind(settings: Settings) -> list[Listener]:
    """Bind what the settings ask for.

    Raises:
        CantServe: the address is not this machine's, or the port is taken.
    """
    host = None if settings.host is None else address_of(settings.host)
    return listen(places(host, settings.port, settings.https_port, lan_http=settings.lan_http))


def serve(serving: Serving) -> None:
    """Serve until told to stop (SIGTERM, SIGINT), in this process or in ``workers`` of them."""
    _raise_file_limit()
    os.umask(0o077)  # the data folder is nobody else's business
    if serving.settings.workers == 1:
        _work(serving)
    else:
        _supervise(serving)


def _raise_file_limit() -> None:
    """A shell's usual 1,024 file descriptors are 1,024 callers, the silent ones included."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _work(serving: Serving) -> None:
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    asyncio.run(_serve_all(_application(serving), serving))


def _application(serving: Serving) -> Litestar:
    """The application; on a network it knows the name, the addresses and the key it has there."""
    secured = serving.secured
    if secured is None:
        return create_app(serving.settings)
    return create_app(
        serving.settings,
        own_names=frozenset({host_name(secured.pin)}),
        in_network=lambda: likeliest(serving.listeners),
        pin=secured.pin,
    )


async def _serve_all(app: Litestar, serving: Serving) -> None:
    """All listeners over one application, whose parts are opened once."""
    context = None if serving.secured is None else context_for(serving.secured.files)
    by_scheme = {
        scheme: [each.socket for each in serving.listeners if each.scheme == scheme]
        for scheme in sorted({each.scheme for each in serving.listeners})
    }
    servers = {
        scheme: PromptServer(config_for(app), context if scheme == HTTPS else None)
        for scheme in by_scheme
    }

    def stop(_number: int, _frame: Any) -> None:
        for server in servers.values():
            server.should_exit = True

    # uvicorn handles signals while it serves, and when it has stopped raises them again: by
    # default that would end the process here, before the database is closed.
    with _handled(stop):
        async with app.lifespan(), _following(context, serving.secured):
            await _serve_until_one_stops(
                [(server, by_scheme[scheme]) for scheme, server in servers.items()]
            )


@asynccontextmanager
async def _following(context: SSLContext | None, secured: Secured | None) -> AsyncIterator[None]:
    """While a certificate is renewed on the disk, serve the new one."""
    if context is None or secured is None:
        yield
        return
    task = asyncio.create_task(follow(context, secured.files))
    try:
        yield
    finally:
        task.cancel()


async def _serve_until_one_stops(
    servers: Sequence[tuple[uvicorn.Server, list[socket.socket]]],
) -> None:
    tasks = [asyncio.create_task(server.serve(sockets=sockets)) for server, sockets in servers]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for server, _ in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


class PromptServer(uvicorn.Server):
    """uvicorn's server, with TLS of our own and a limit on how long its handshake may take."""

    def __init__(self, config: uvicorn.Config, context: SSLContext | None) -> None:
        super().__init__(config)
        self._context = context

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. uvicorn's own waits a minute for a handshake, six times as long as for a head."""
        limits: dict[str, Any] = {}
        if self._context is not None:
            limits = {"ssl_handshake_timeout": heads.HEAD_S, "ssl_shutdown_timeout": GRACE_S}
        await self.lifespan.startup()
        self.servers = [
            await asyncio.get_running_loop().create_server(
                self._protocol, sock=each, ssl=self._context, backlog=BACKLOG, **limits
            )
            for each in sockets or []
        ]
        self.started = True

    def _protocol(self) -> asyncio.Protocol:
        return PromptHeads(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


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


def _supervise(serving: Serving) -> None:
    """Keep N workers alive until this process is told to stop."""
    spawn = multiprocessing.get_context("spawn")
    stopping = threading.Event()
    wake, woken = multiprocessing.Pipe()

    def stop(_number: int, _frame: Any) -> None:
        stopping.set()
        wake.send(None)

    def start() -> SpawnProcess:
        process = spawn.Process(target=_run_worker, args=(serving,))
        process.start()
        return process

    with _handled(stop):
        workers = [start() for _ in range(serving.settings.workers)]
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


def _run_worker(serving: Serving) -> None:
    os.umask(0o077)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    with suppress(KeyboardInterrupt):
        _work(serving)
    sys.exit(0)


def _stop_with_parent() -> None:
    """A worker whose supervisor was killed would hold the port for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # only ever run in a worker
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
