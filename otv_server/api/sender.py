"""The sender's calls: everything under ``/shares`` (protocol section 7)."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, PathParameter

from otv_server.api import render, wire
from otv_server.api.body import (
    TOKEN,
    LinkId,
    ShareId,
    StrictBody,
    owner_guard,
    proof_of,
    upload_guard,
)
from otv_server.api.caller import caller_of
from otv_server.api.headers import content_digest, content_length
from otv_server.api.problems import AnyRequest, problems
from otv_server.api.room import with_room
from otv_server.domain import errors
from otv_server.domain.limits import MAX_PART_INDEX, Limits
from otv_server.service.sending import Sending

OWNER: list[dict[str, list[str]]] = [{"owner": []}]


class Sender(Controller):
    """Create, send parts, seal, look, forgive, revoke."""

    path = "/shares/{sid:str}"
    tags = ["sender"]  # noqa: RUF012  # Litestar reads a plain list

    @put(
        guards=[upload_guard],
        middleware=[with_room],
        dto=StrictBody[wire.CreateBody],
        return_dto=None,
        security=[{}, {"upload_token": []}],
        summary="Begin an upload, or put a small share live at once",
        responses={
            200: ResponseSpec(
                wire.ShareAnswer, generate_examples=False, description="The same again."
            ),
            **problems(errors.UploadTokenNeeded, errors.Conflict, errors.TooLarge, errors.NoRoom),
        },
        status_code=201,
    )
    async def create(
        self,
        request: AnyRequest,
        sid: ShareId,
        data: JSONBody[wire.CreateBody],
    ) -> Response[wire.ShareAnswer]:
        """201 for a new share, 200 for the same again."""
        sending: Sending = request.app.state.sending
        limits: Limits = request.app.state.limits
        bucket = caller_of(request).bucket
        token: bytes | None = request.scope["state"].get(TOKEN)
        new = render.new_share(wire.parse_id(sid), data, bucket, limits.default_ttl_s, token)
        found, is_new = await sending.create(new)
        return Response(render.share(found), status_code=201 if is_new else 200)

    @put(
        "/parts/{index:str}",
        guards=[owner_guard],
        security=OWNER,
        summary="Send one part",
        responses={
            201: ResponseSpec(None, generate_examples=False, description="Stored."),
            204: ResponseSpec(None, generate_examples=False, description="It is there already."),
            **problems(
                errors.DigestMismatch,
                errors.Unknown,
                errors.Conflict,
                errors.Over,
                errors.LengthRequired,
                errors.TooLarge,
                errors.NoRoom,
            ),
        },
        status_code=201,
        request_max_body_size=None,  # content_length has the limit, before a byte is read
    )
    async def receive_part(
        self,
        request: AnyRequest,
        sid: ShareId,
        index: Annotated[
            str, PathParameter(description="From 0.", pattern=r"^(0|[1-9][0-9]{0,8})$")
        ],
        digest: Annotated[
            str,
            HeaderParameter(
                name="Content-Digest",
                description="One sha-256 (RFC 9530).",
                pattern=r"^sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:$",
            ),
        ],
    ) -> Response[bytes]:
        """201 for a new part, 204 where this very part is there already."""
        del digest  # read again below, where a second header shows
        sending: Sending = request.app.state.sending
        is_new = await sending.receive_part(
            wire.parse_id(sid),
            proof_of(request),
            wire.parse_index(index, MAX_PART_INDEX),
            content_length(
                request.headers.getall("Content-Length", []),
                request.headers.getall("Transfer-Encoding", []),
            ),
            content_digest(request.headers.getall("Content-Digest", [])),
            request.stream(),
        )
        return Response(
            b"",
            media_type="application/octet-stream",
            status_code=201 if is_new else 204,
        )

    @post(
        "/seal",
        guards=[owner_guard],
        middleware=[with_room],
        dto=StrictBody[wire.SealBody],
        return_dto=None,
        security=OWNER,
        summary="Close the upload and put its links live",
        responses=problems(
            errors.DigestMismatch,
            errors.Unknown,
            errors.Conflict,
            errors.Over,
            errors.TooLarge,
            errors.NoRoom,
        ),
        status_code=200,
    )
    async def seal(
        self,
        request: AnyRequest,
        sid: ShareId,
        data: JSONBody[wire.SealBody],
    ) -> wire.ShareAnswer:
        """The share as it now is; the same again is fine."""
        sending: Sending = request.app.state.sending
        limits: Limits = request.app.state.limits
        sealing = render.sealing(data, limits.default_ttl_s)
        return render.share(await sending.seal(wire.parse_id(sid), proof_of(request), sealing))

    @get(
        security=OWNER,
        summary="What became of it",
        responses=problems(errors.Unknown),
    )
    async def report(self, request: AnyRequest, sid: ShareId) -> wire.ShareAnswer:
        """The share with its parts, links, openings and receipts."""
        sending: Sending = request.app.state.sending
        return render.share(await sending.report(wire.parse_id(sid), proof_of(request)))

    @post(
        "/links/{link_id:str}/reset",
        guards=[owner_guard],
        security=OWNER,
        summary="Forgive the wrong passwords counted so far",
        responses=problems(errors.Unknown, errors.Over),
        status_code=204,
    )
    async def reset(self, request: AnyRequest, sid: ShareId, link_id: LinkId) -> None:
        """The link is unlocked."""
        sending: Sending = request.app.state.sending
        await sending.forgive_guesses(wire.parse_id(sid), proof_of(request), wire.parse_id(link_id))

    @delete(
        guards=[owner_guard],
        security=OWNER,
        summary="Revoke the share and all its links",
        responses=problems(errors.Unknown),
    )
    async def revoke(self, request: AnyRequest, sid: ShareId) -> None:
        """Everything is erased; live leases end, their streams are cut."""
        sending: Sending = request.app.state.sending
        await sending.revoke(wire.parse_id(sid), proof_of(request))

    @delete(
        "/links/{link_id:str}",
        guards=[owner_guard],
        security=OWNER,
        summary="Revoke one link",
        responses=problems(errors.Unknown),
    )
    async def revoke_link(self, request: AnyRequest, sid: ShareId, link_id: LinkId) -> None:
        """Its manifest is erased; its live leases end, their streams are cut."""
        sending: Sending = request.app.state.sending
        await sending.revoke(wire.parse_id(sid), proof_of(request), wire.parse_id(link_id))
