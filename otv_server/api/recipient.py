"""The reader's calls: everything under ``/links`` (protocol sections 7 and 8)."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Controller, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody
from litestar.response import Stream

from otv_server.api import render, wire
from otv_server.api.body import LinkId, StrictBody, access_guard, lease_guard, proof_of
from otv_server.api.caller import caller_of
from otv_server.api.headers import Span, etag, span
from otv_server.api.problems import AnyRequest, problems
from otv_server.domain import errors
from otv_server.domain.limits import SMALL_JSON_MAX_BYTES
from otv_server.domain.share import ClaimAttempt, Outcome
from otv_server.service.opening import Opening

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine

ACCESS: list[dict[str, list[str]]] = [{"access": []}]
LEASE: list[dict[str, list[str]]] = [{"lease": []}]


class Recipient(Controller):
    """Look, claim, read, acknowledge."""

    path = "/links/{link_id:str}"
    tags = ["recipient"]  # noqa: RUF012  # Litestar reads a plain list

    @get(
        security=ACCESS,
        summary="Look at a link; spends nothing",
        responses=problems(errors.Unknown),
    )
    async def look(self, request: AnyRequest, link_id: LinkId) -> wire.LinkViewAnswer:
        """200 in every state of the link."""
        opening: Opening = request.app.state.opening
        return render.link_view(*await opening.look(wire.parse_id(link_id), proof_of(request)))

    @post(
        "/claim",
        guards=[access_guard],
        dto=StrictBody[wire.ClaimBody],
        return_dto=None,
        security=ACCESS,
        summary="Take an opening, or get the same answer again under the same lease",
        responses=problems(
            errors.WrongPassword,
            errors.NotYet,
            errors.Unknown,
            errors.Over,
            errors.TooLarge,
            errors.Locked,
        ),
        status_code=200,
        request_max_body_size=SMALL_JSON_MAX_BYTES,
    )
    async def claim(
        self,
        request: AnyRequest,
        link_id: LinkId,
        data: JSONBody[wire.ClaimBody],
    ) -> wire.ClaimAnswer:
        """The one call that spends."""
        opening: Opening = request.app.state.opening
        attempt = ClaimAttempt(
            lease=wire.parse_proof(data.lease),
            address=caller_of(request).kept(request.app.state.keep_addresses),
        )
        unlock = wire.hashed(wire.parse_proof(data.unlock))
        return render.claim(
            await opening.claim(wire.parse_id(link_id), proof_of(request), unlock, attempt)
        )

    @get(
        "/content",
        security=LEASE,
        summary="Read the ciphertext, whole or one range",
        media_type="application/octet-stream",
        responses={
            206: ResponseSpec(
                data_container=bytes,
                generate_examples=False,
                media_type="application/octet-stream",
                description="The range asked for.",
            ),
            **problems(errors.EgressSpent, errors.Unknown, errors.Over, errors.BadRange),
        },
    )
    async def content(
        self,
        request: AnyRequest,
        link_id: LinkId,
        range_: Annotated[str | None, HeaderParameter(name="Range", required=False)] = None,
        if_range: Annotated[str | None, HeaderParameter(name="If-Range", required=False)] = None,
    ) -> Stream:
        """200 with everything, or 206 with one range."""
        del range_, if_range  # read again below, where a second header shows
        opening: Opening = request.app.state.opening
        reading = await opening.read(wire.parse_id(link_id), proof_of(request))
        tag = etag(reading.root)
        wanted = span(
            request.headers.getall("Range", []),
            request.headers.getall("If-Range", []),
            size=reading.content_bytes,
            tag=tag,
        )
        chunks = await begun(
            opening.stream(reading, wanted.start, wanted.stop),
            partial(opening.wait_for_end, reading),
        )
        return Stream(
            chunks,
            status_code=206 if wanted.is_partial else 200,
            media_type="application/octet-stream",
            headers=_content_headers(wanted, reading.content_bytes, tag),
        )

    @post(
        "/ack",
        guards=[lease_guard],
        dto=StrictBody[wire.AckBody],
        return_dto=None,
        security=LEASE,
        summary="Say what became of it, and end the lease",
        responses=problems(errors.Unknown, errors.Conflict, errors.Over, errors.TooLarge),
        status_code=204,
        request_max_body_size=SMALL_JSON_MAX_BYTES,
    )
    async def acknowledge(
        self,
        request: AnyRequest,
        link_id: LinkId,
        data: JSONBody[wire.AckBody],
    ) -> None:
        """The same outcome again is fine."""
        opening: Opening = request.app.state.opening
        await opening.acknowledge(
            wire.parse_id(link_id),
            proof_of(request),
            Outcome(data.outcome),
            wire.parse_proof(data.mac),
        )


def _content_headers(wanted: Span, size: int, tag: str) -> dict[str, str]:
    headers = {
        "Content-Length": str(wanted.stop - wanted.start),
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store, no-transform",
    }
    if wanted.is_partial:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
    return headers


async def begun(
    chunks: AsyncGenerator[bytes], wait_for_end: Callable[[], Coroutine[Any, Any, None]]
) -> AsyncIterator[bytes]:
    """The same chunks, the first already there: what can be refused is refused with a status.

    When the end comes first, the request's task is cancelled and uvicorn drops the connection, also
    where a reader who takes nothing keeps the task waiting. However the task ends, ``chunks`` is
    closed then.
    """
    first = await anext(chunks, b"")

    async def rest() -> AsyncGenerator[bytes]:
        sending = asyncio.current_task()
        assert sending is not None  # an asynchronous generator runs in a task
        watch = asyncio.create_task(wait_for_end())
        watch.add_done_callback(lambda done: done.cancelled() or sending.cancel())
        try:
            async with aclosing(chunks):
                yield first
                async for chunk in chunks:
                    yield chunk
        finally:
            watch.cancel()

    stream = rest()
    request = asyncio.current_task()
    assert request is not None  # a handler runs in a task
    # Litestar drops a stream that is cut. Left to the collector of garbage, generators that hold
    # each other are all closed at once, and stumble over each other.
    request.add_done_callback(lambda _: _close_soon(stream, chunks))
    return stream


_closing: set[asyncio.Task[None]] = set()


def _close_soon(*streams: AsyncGenerator[bytes]) -> None:
    async def close() -> None:
        for stream in streams:
            await stream.aclose()

    task = asyncio.get_running_loop().create_task(close())
    _closing.add(task)
    task.add_done_callback(_closing.discard)
