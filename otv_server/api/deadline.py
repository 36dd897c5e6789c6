"""How long a request's body may pause. uvicorn itself waits for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send
    from litestar.types.asgi_types import ReceiveMessage

BODY_PAUSE_S = 60.0
CUT_OFF = "cut_off"  # a key of the request's state: its body did not come whole


def with_deadline(app: ASGIApp) -> ASGIApp:
    """The application; to it, a body that pauses for too long is a caller that went away."""

    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        is_waiting_for_body = True

        async def receive_in_time() -> ReceiveMessage:
            nonlocal is_waiting_for_body
            message: ReceiveMessage
            if not is_waiting_for_body:
                return await receive()  # for the caller's going away, however long that takes
            try:
                message = await asyncio.wait_for(receive(), BODY_PAUSE_S)
            except TimeoutError:
                message = {"type": "http.disconnect"}
            if message["type"] == "http.disconnect":
                scope.setdefault("state", {})[CUT_OFF] = True
            is_waiting_for_body = bool(message.get("more_body"))
            return message

        await app(scope, receive_in_time, send)

    return patient
