"""A way to a server that takes connections while nobody is behind it."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otv_client import Client, World
from tests.listening import Listener
from tests.tls import tls_server

if TYPE_CHECKING:
    from pathlib import Path


class HangsUp(Listener):
    """Hears the first word of so many callers and hangs up; the others get through."""

    def __init__(self, server: str, callers: int) -> None:
        super().__init__()
        parts = urlsplit(server)
        self._server = (parts.hostname or "", parts.port or 443)
        self._left = callers
        self.url = f"https://{self.address}"
        self.listen()

    def _take(self, connection: socket.socket) -> None:
        if self._left:
            self._left -= 1
            with connection:
                connection.recv(16_384)
            return
        far = socket.create_connection(self._server)
        for ends in ((connection, far), (far, connection)):
            threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(16_384):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def test_server_that_starts_again_behind_a_forwarder_is_waited_for(tmp_path: Path) -> None:
    """Else whoever sends while a server behind a load balancer restarts is told it has no TLS."""
    waits: list[float] = []

    def pause(seconds: float) -> bool:
        waits.append(seconds)
        return False

    with (
        tls_server(tmp_path / "tls") as server,
        closing(HangsUp(server.url, callers=2)) as way,
        Client(way.url, pin=server.pin_text, world=World(pause=pause)) as client,
    ):
        sent = client.send("x")

    assert sent.links
    assert len(waits) == 2
