"""The real application behind TLS of its own, announced on the network: what a server on a LAN is.

``python -m tests.lan.standin HOST PORT PEM DATA [NAME PIN]``; it prints ``serves URL`` and goes on
until it is told to end. With a name it is announced by mDNS, as protocol section 12 has it.

It stands in for ``otv-server``'s own listener in two things: it speaks TLS by uvicorn's settings,
and every caller may upload, as if each were on the server's own machine.
"""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import uvicorn
from zeroconf import IPVersion, ServiceInfo, Zeroconf

from otv_server.app import create_app
from otv_server.settings import load

SERVICE = "_otv._tcp.local."


def near(app: Any) -> Any:
    """The application, to which every caller seems to be on its own machine."""

    async def wrapped(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "client": ("127.0.0.1", 1)}
        await app(scope, receive, send)

    return wrapped


def announcement(name: str, pin: str, host: str, port: int) -> ServiceInfo:
    """The records of one server."""
    return ServiceInfo(
        SERVICE,
        f"{name}.{SERVICE}",
        parsed_addresses=[host],
        port=port,
        properties={"v": "1", "pin": pin},
        server=f"{name.replace(' ', '-')}.local.",
    )


def announced(stack: ExitStack, info: ServiceInfo) -> None:
    """Say it for as long as ``stack`` is open."""
    network = stack.enter_context(Zeroconf(ip_version=IPVersion.V4Only))
    network.register_service(info)
    stack.callback(network.unregister_service, info)


def main(host: str, port: str, pem: str, data: str, *announce: str) -> None:
    """Serve until SIGTERM."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, int(port)), family=family)
    bound = listener.getsockname()[1]
    settings = load({}, {"data": Path(data), "min_free_bytes": 0, "rate": 0})
    config = uvicorn.Config(
        near(create_app(settings)),
        ssl_certfile=pem,
        ssl_keyfile=pem,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    with ExitStack() as stack:
        if announce:
            name, pin = announce
            announced(stack, announcement(name, pin, host, bound))
        shown = f"[{host}]" if ":" in host else host
        print(f"serves https://{shown}:{bound}", flush=True)  # noqa: T201 - who started it waits for this
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
