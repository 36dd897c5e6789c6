"""Errors as answers: one table from code to status, RFC 9457 documents."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
)
from litestar.openapi.datastructures import ResponseSpec
from msgspec import UNSET

from otv_server.api.caller import caller_of
from otv_server.api.deadline import CUT_OFF
from otv_server.api.wire import Problem, instant, minute
from otv_server.domain import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar.types import Message, Scope

    from otv_server.api.limiter import Limiter

AnyRequest = Request[Any, Any, Any]

log = structlog.get_logger()

STATUS: dict[type[errors.OtvError], int] = {
    errors.Malformed: 400,
    errors.DigestMismatch: 400,
    errors.UploadTokenNeeded: 401,
    errors.CrossOrigin: 403,
    errors.WrongPassword: 403,
    errors.NotYet: 403,
    errors.EgressSpent: 403,
    errors.Unknown: 404,
    errors.MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.Over: 410,
    errors.LengthRequired: 411,
    errors.TooLarge: 413,
    errors.BadRange: 416,
    errors.WrongHost: 421,
    errors.Locked: 423,
    errors.SlowDown: 429,
    errors.Unavailable: 503,
    errors.NoRoom: 507,
}
RETRY_AFTER_S: dict[type[errors.OtvError], int] = {
    errors.SlowDown: 1,
    errors.Unavailable: 2,
    errors.NoRoom: 60,
}
INTERNAL = 500
# A key of the request's state: it came with a right proof, or has taken its token already.
EXEMPT = "exempt"
# Others: it was refused without one, and its token is still to be taken; the body that is sent
# instead where there is none left.
UNPROVEN, INSTEAD = "unproven", "instead"
# Errors that only the holder of a right proof is ever told, where no guard has looked before.
_PROVEN = (errors.Over, errors.EgressSpent, errors.BadRange)


def problems(*kinds: type[errors.OtvError]) -> dict[int, ResponseSpec]:
    """What a call's OpenAPI says of its errors; every call may be told to slow down."""
    all_kinds: tuple[type[errors.OtvError], ...] = (
        errors.Malformed,
        errors.CrossOrigin,
        *kinds,
        errors.WrongHost,
        errors.SlowDown,
        errors.Unavailable,
    )
    return {
        status: ResponseSpec(
            data_container=Problem,
            generate_examples=False,
            media_type="application/problem+json",
            description=", ".join(_codes_of(status, all_kinds)),
        )
        for status in sorted({STATUS[kind] for kind in all_kinds})
    }


def _codes_of(status: int, kinds: Iterable[type[errors.OtvError]]) -> list[str]:
    return list(dict.fromkeys(f"`{kind.code}`" for kind in kinds if STATUS[kind] == status))


def answer_error(request: AnyRequest, error: Exception) -> Response[Problem]:
    """The one function from exception to answer; ``slow_down`` may put another in its place."""
    if request.scope["state"].get(CUT_OFF) and not isinstance(error, errors.OtvError):
        error = errors.Malformed("The body did not come whole.")
    known = _as_known(request, error)
    is_exempt = request.scope["state"].get(EXEMPT) or isinstance(known, _PROVEN)
    if not isinstance(known, errors.SlowDown) and not is_exempt:
        request.scope["state"][UNPROVEN] = True
    return _internal() if known is None else _answer(known)


async def slow_down(message: Message, scope: Scope) -> None:
    """Litestar's hook before anything is sent.

    An error that was answered without a right proof takes a token of its address; where there is
    none, the caller is told to slow down instead of anything else.
    """
    state = scope.get("state", {})
    if message["type"] == "http.response.start" and state.pop(UNPROVEN, False):
        request: AnyRequest = Request(scope)
        limiter: Limiter = request.app.state.limiter
        if not await limiter.allows(caller_of(request).bucket):
            answer = _answer(errors.SlowDown())
            body = msgspec.json.encode(answer.content)
            state[INSTEAD] = body
            message["status"] = STATUS[errors.SlowDown]
            message["headers"] = _raw_headers(answer, len(body))
    elif message["type"] == "http.response.body" and INSTEAD in state:
        message["body"] = state.pop(INSTEAD)


def _raw_headers(answer: Response[Problem], size: int) -> list[tuple[bytes, bytes]]:
    headers = {
        **answer.headers,
        "content-type": str(answer.media_type),
        "content-length": str(size),
    }
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _as_known(request: AnyRequest, error: Exception) -> errors.OtvError | None:
    match error:
        case errors.OtvError():
            if isinstance(error, errors.Unavailable):
                _log(request, "unavailable", error)
            return error
        case MethodNotAllowedException():
            return errors.MethodNotAllowed(dict(error.headers or {}).get("allow", "").split(", "))
        case NotFoundException():
            return errors.Unknown()
        case HTTPException(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
            return errors.TooLarge()
        case ClientException():
            return errors.Malformed()
        case _:
            _log(request, "internal", error)
            return None


def _log(request: AnyRequest, code: str, error: Exception) -> None:
    """The route's template, never its path; the error's class, never its words."""
    cause = error.__cause__ or error
    log.error("request failed", route=_route(request), code=code, error=type(cause).__name__)


def _route(request: AnyRequest) -> str:
    path: str = request.scope.get("path_template", "none")
    return f"{request.method} {path}"


def _answer(error: errors.OtvError) -> Response[Problem]:
    status = STATUS[type(error)]
    headers = {}
    if type(error) in RETRY_AFTER_S:
        headers["Retry-After"] = str(RETRY_AFTER_S[type(error)])
    if isinstance(error, errors.MethodNotAllowed):
        headers["Allow"] = ", ".join(error.methods)
    if isinstance(error, errors.BadRange) and error.content_bytes is not None:
        headers["Content-Range"] = f"bytes */{error.content_bytes}"
    body = Problem(
        title=HTTPStatus(status).phrase, status=status, code=error.code, detail=str(error)
    )
    return _response(_with_fields(body, error), headers)


def _with_fields(body: Problem, error: errors.OtvError) -> Problem:
    match error:
        case errors.WrongPassword():
            body.guesses_left = error.guesses_left
        case errors.NotYet():
            body.opens_at = instant(error.opens_at)
        case errors.Over():
            body.state = UNSET if error.state is None else error.state
            body.since = UNSET if error.since is None else minute(error.since)
    return body


def _internal() -> Response[Problem]:
    body = Problem(
        title="Internal Server Error", status=INTERNAL, code="internal", detail="Internal error."
    )
    return _response(body, {})


def _response(body: Problem, headers: dict[str, str]) -> Response[Problem]:
    return Response(
        body, status_code=body.status, media_type="application/problem+json", headers=headers
    )
