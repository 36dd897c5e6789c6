"""How long a request's body may pause, and how slow it may be. uvicorn itself waits for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send
    from litestar.types.asgi_types import ReceiveMessage

BODY_PAUSE_S = 60.0
LEAST_BYTES_PER_S = 1024
CUT_OFF = "cut_off"  # a key of the request's state: its body did not come whole


def with_deadline(app: ASGIApp) -> ASGIApp:
    """The application; to it, a body that pauses for too long is a caller that went away.

    So is one that drips: each byte moves the deadline on by a thousandth of a second only, and
    never to more than ``BODY_PAUSE_S`` from now.
    """

    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        now = asyncio.get_running_loop().time
        is_waiting_for_body = True
        due = now() + BODY_PAUSE_S

        async def receive_in_time() -> ReceiveMessage:
            nonlocal is_waiting_for_body, due
            message: ReceiveMessage
            if not is_waiting_for_body:
                return await receive()  # for the caller's going away, however long that takes
            try:
                async with asyncio.timeout_at(due):
                    message = await receive()
            except TimeoutError:
                message = {"type": "http.disconnect"}
            if message["type"] == "http.disconnect":
                scope.setdefault("state", {})[CUT_OFF] = True
            is_waiting_for_body = bool(message.get("more_body"))
            size = len(cast("bytes", message.get("body", b"")))
            due = min(due + size / LEAST_BYTES_PER_S, now() + BODY_PAUSE_S)
            return message

        await app(scope, receive_in_time, send)

    return patient
