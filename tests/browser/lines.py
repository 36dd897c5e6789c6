"""A line between a browser and a server that tests can hold, cut and mend."""

from __future__ import annotations

import math
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.listening import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1 << 16


class Line(Listener):
    """To the browser the line is the server: it has the page from it, and its links name it.

    Attributes:
        url: where it begins.
        up: bytes that browsers have sent through it so far.
        down: bytes that came back.
        held: how many connections it holds now.
        refused: how many it took and ended at once, being cut.
    """

    def __init__(self, target: str) -> None:
        super().__init__()
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        # A browser shall notice soon that it is held: little waits on the way.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _CHUNK)
        self.url = f"http://{self.address}"
        self.up = self.down = self.held = self.refused = 0
        self._most = {"up": math.inf, "down": math.inf}
        self._is_cut = False
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self.listen()

    def on(self, link: str) -> str:
        """The same link, by way of this line."""
        parts = urlsplit(link)
        return link.replace(f"{parts.scheme}://{parts.netloc}", self.url, 1)

    # --- what a test does with it --------------------------------------------------------------

    def hold(self, *, up: float = math.inf, down: float = math.inf) -> None:
        """Let no connection carry more than so many bytes, until it is released or cut."""
        with self._changed:
            self._most = {"up": up, "down": down}
            self._changed.notify_all()

    def release(self) -> None:
        """Let everything through again."""
        self.hold()

    def cut(self) -> None:
        """End every connection, and each new one at once, until it is mended."""
        with self._changed:
            self._is_cut = True
            self.refused = 0
            for end in self._open:
                _end(end)
            self._changed.notify_all()

    def mend(self) -> None:
        """Take connections again; nothing is held any more."""
        with self._changed:
            self._is_cut = False
        self.release()

    def close(self) -> None:
        """Cut it for good."""
        self.cut()
        super().close()

    # --- the wire ------------------------------------------------------------------------------

    def _take(self, connection: socket.socket) -> None:
        threading.Thread(target=self._pass_on, args=(connection,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with (
            client,
            suppress(OSError),
            socket.create_connection(self._target) as server,
            self._noted(client, server) as is_taken,
        ):
            if not is_taken:
                return
            back = threading.Thread(target=self._pump, args=(server, client, "down"))
            back.start()
            self._pump(client, server, "up")
            back.join()

    @contextmanager
    def _noted(self, *ends: socket.socket) -> Iterator[bool]:
        """Whether the line takes it, and until when it can be cut."""
        with self._changed:
            is_taken = not self._is_cut
            self.refused += self._is_cut
            self._open.update(ends)
        yield is_taken
        with self._changed:
            self._open.difference_update(ends)

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                passed += len(data)
                self._wait(way, passed)
                sink.sendall(data)
                setattr(self, way, getattr(self, way) + len(data))
        # One way over is both over: a browser that went away wants no answer.
        _end(source)
        _end(sink)

    def _wait(self, way: str, passed: int) -> None:
        """Return once so many bytes may have passed, or the line is cut."""
        with self._changed:
            is_held = passed > self._most[way]
            self.held += is_held
            self._changed.wait_for(lambda: self._is_cut or passed <= self._most[way])
            self.held -= is_held


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
