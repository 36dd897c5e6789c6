"""What this server is and allows."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from litestar import Request, get

from otv_server.api import wire
from otv_server.api.caller import caller_of, may_upload
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
    clock: Callable[[], Instant] = request.app.state.clock
    return wire.Info(
        name=NAME,
        version=VERSION,
        protocol=PROTOCOL,
        now=wire.instant(clock()),
        upload_token=not may_upload(caller),
        limits=_limits(request.app.state.limits),
    )


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
