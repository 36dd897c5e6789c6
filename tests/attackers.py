"""Somebody who poses as a server: TLS with a key of their own, and an ear for what is said next.

``python -m tests.attackers PEM HOST PORT`` is one as a process: it prints ``listens``, and when its
standard input ends how many connections came and how many bytes were said inside them.
"""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.listening import Listener

if TYPE_CHECKING:
    import socket

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


class Attacker(Listener):
    """Accepts TLS on an address and keeps every byte that comes inside it.

    Attributes:
        url: where it listens.
        handshakes: how many connections came.
        heard: what was sent inside TLS, one entry for each connection that sent anything.
    """

    def __init__(self, pem: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        super().__init__(host, port)
        self.url = f"https://{self.address}"
        self.handshakes = 0
        self.heard: list[bytes] = []
        self.listen()

    def _take(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        self.handshakes += 1
        with connection, self._context.wrap_socket(connection, server_side=True) as inside:
            if data := inside.recv(65536):  # empty where the other end hangs up
                self.heard.append(data)
                inside.sendall(_ANSWER)


def main(pem: str, host: str, port: str) -> None:
    """Listen until standard input ends, and say what was heard."""
    attacker = Attacker(Path(pem), host, int(port))
    print("listens", flush=True)  # noqa: T201 - who started it waits for this
    sys.stdin.read()
    print(attacker.handshakes, sum(map(len, attacker.heard)))  # noqa: T201 - its result
    attacker.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
