"""How much memory the bodies of unfinished requests may take, in one process.

A body of 8 MiB is fine, and so are eight; without a bound, a thousand callers who each send most
of one and then rest would fill the machine. Parts are not counted: they go to the disk as they
come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from otv_server.domain.errors import Unavailable
from otv_server.domain.limits import JSON_MAX_BYTES

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send
    from litestar.types.asgi_types import ReceiveMessage

BODIES_BYTES = 8 * JSON_MAX_BYTES


class BodyRoom:
    """A count of bytes that are held."""

    def __init__(self, total: int = BODIES_BYTES) -> None:
        self._free = total

    def take(self, size: int) -> None:
        """Hold so many more; ``Unavailable`` where there is no room for them."""
        if size > self._free:
            raise Unavailable
        self._free -= size

    def give_back(self, size: int) -> None:
        """Hold so many less."""
        self._free += size


def with_room(app: ASGIApp) -> ASGIApp:
    """A handler whose body is counted from its first byte until it is answered."""

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        room: BodyRoom = scope["litestar_app"].state.body_room
        held = 0

        async def receive_counted() -> ReceiveMessage:
            nonlocal held
            message = await receive()
            size = len(cast("bytes", message.get("body", b"")))
            room.take(size)
            held += size
            return message

        try:
            await app(scope, receive_counted, send)
        finally:
            room.give_back(held)

    return counted
