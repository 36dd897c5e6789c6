"""A socket that hands each connection on until it is closed: what peers in tests are made of."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from contextlib import suppress


class Listener(ABC):
    """Listens from ``listen`` on, in a thread of its own; one connection after the other."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = socket.create_server((host, port))
        self.address = f"{host}:{self._listener.getsockname()[1]}"

    def listen(self) -> None:
        """From now on take what comes: a subclass calls it once it is ready for that."""
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with suppress(OSError):
                    self._take(connection)

    @abstractmethod
    def _take(self, connection: socket.socket) -> None:
        """Have a connection, and close it."""
