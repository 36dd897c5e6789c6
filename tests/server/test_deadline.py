"""A body that pauses: the caller is taken to have gone away, and nothing is kept for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from otv_server.api import deadline

if TYPE_CHECKING:
    import pytest


async def run(
    messages: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], dict[str, Any]]:
    """What the application is told, by a caller who says this and then nothing."""
    monkeypatch.setattr(deadline, "BODY_PAUSE_S", 0.01)
    told: list[str] = []
    scope: dict[str, Any] = {"type": "http"}

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        return await asyncio.Event().wait()

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while not told or told[-1] == "more":
            message = await receive()
            more = "more" if message.get("more_body") else "whole"
            told.append(more if message["type"] == "http.request" else "gone")

    await deadline.with_deadline(app)(scope, receive, app)  # type: ignore[arg-type]  # nothing is sent
    return told, scope.get("state", {})


def test_stalled_body_is_a_caller_who_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else half a body, sent by many, holds the server's memory for ever."""
    told, state = asyncio.run(run([{"type": "http.request", "more_body": True}], monkeypatch))

    assert told == ["more", "gone"]
    assert state == {deadline.CUT_OFF: True}


def test_whole_body_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a long download would be cut because its reader has nothing more to say."""
    messages = [
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "more_body": False},
    ]

    told, state = asyncio.run(run(messages, monkeypatch))

    assert told == ["more", "whole"]
    assert state == {}
