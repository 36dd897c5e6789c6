"""What this server is and allows."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from litestar import Request, get

from otv_server.api import wire
from otv_server.api.caller import Caller, caller_of, needs_token
from otv_server.api.forwarded import is_forwarded
from otv_server.api.problems import EXEMPT, problems
from otv_server.domain.errors import SlowDown
from otv_server.domain.limits import PART_BYTES, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from otv_server.domain.share import Instant

NAME = "One-Time View"
PROTOCOL = 1
VERSION = version("one-time-view")  # once: it reads and parses a file


@get("/info", tags=["info"], summary="What this server is and allows", responses=problems())
async def info(request: Request[Any, Any, Any]) -> wire.Info:
    """For anyone."""
    caller = caller_of(request)
    if not await request.app.state.limiter.allows(caller.bucket):
        request.scope["state"][EXEMPT] = True
        raise SlowDown
    address = _address(request, caller)
    clock: Callable[[], Instant] = request.app.state.clock
    return wire.Info(
        name=NAME,
        version=VERSION,
        protocol=PROTOCOL,
        now=wire.instant(clock()),
        upload_token=needs_token(caller, request.app.state.access.uploads),
        plain_http=request.app.state.lan_http,
        address=address,
        pin=_pin(request, is_told_of=address is not None),
        limits=_limits(request.app.state.limits),
    )


def _address(request: Request[Any, Any, Any], caller: Caller) -> str | None:
    """Where others reach the server, for who calls from its own machine.

    That machine is served by plain HTTP; TLS from there may be anybody's that is passed on as it
    came, without a header that tells.
    """
    is_own = caller.is_here and request.scope["scheme"] == "http"
    address: str | None = request.app.state.elsewhere() if is_own else None
    return address


def _pin(request: Request[Any, Any, Any], *, is_told_of: bool) -> str | None:
    """Of the own key, for who sees it or ``is_told_of`` an address where it shows."""
    pin: bytes | None = request.app.state.pin
    is_shown = request.scope["scheme"] == "https" and not is_forwarded(request.scope["headers"])
    return wire.b64(pin) if pin is not None and (is_shown or is_told_of) else None


def _limits(limits: Limits) -> wire.InfoLimits:
    return wire.InfoLimits(
        share_bytes=limits.max_share_bytes,
        part_bytes=PART_BYTES,
        min_ttl_s=limits.min_ttl_s,
        default_ttl_s=limits.default_ttl_s,
        max_ttl_s=limits.max_ttl_s,
        max_delay_s=limits.max_delay_s,
        opens=limits.max_opens,
        links=limits.max_links,
        idle_upload_s=limits.idle_upload_s,
    )
