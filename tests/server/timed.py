"""The real application and database in this process, under a clock that a test turns.

Only the socket is missing, and with it back-pressure and repeated headers; those need the
session's server.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar.testing import TestClient

from otv_server.app import create_app
from otv_server.settings import Settings
from tests.support import Api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from litestar.types import ASGIApp, Receive, Scope, Send

SOME_INSTANT = 1_795_356_000_000  # 2026-11-22T14:00:00Z
LOOPBACK = "127.0.0.1"


@dataclass
class Clock:
    """Milliseconds since the epoch, as long as nobody turns it."""

    now: int = SOME_INSTANT

    def __call__(self) -> int:
        """The instant that the server takes for now."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Turn it on."""
        self.now += round(1000 * seconds)


def called_from(app: ASGIApp, address: str) -> ASGIApp:
    """The application, whose every caller has this address."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if "client" in scope:  # not when the application starts and stops
            scope["client"] = (address, 50_000)
        await app(scope, receive, send)

    return wrapped


@contextmanager
def timed_api(
    folder: Path, clock: Clock | None = None, *, address: str = LOOPBACK, **settings: Any
) -> Iterator[Api]:
    """Calls to an application of this test's own, in ``folder``."""
    defaults: dict[str, Any] = {"data": folder / "data", "min_free_bytes": 0, "rate": 0}
    chosen = Settings(**defaults | settings)
    app = create_app(chosen, clock=clock or Clock())
    with TestClient(
        called_from(app, address),
        base_url="http://127.0.0.1/api/v1",
        raise_server_exceptions=False,
    ) as http:
        yield Api(http)
