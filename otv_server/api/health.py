"""For supervisors and proxies: is the process alive, and can it do anything?"""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from otv_server.api.problems import EXEMPT
from otv_server.service.health import Health


@get("/health/live", include_in_schema=False, status_code=204)
async def live() -> None:
    """204: the process answers. Restart it where it does not."""


@get("/health/ready", include_in_schema=False, status_code=204)
async def ready(request: Request[Any, Any, Any]) -> None:
    """204: database and blob store answer; 503: send callers elsewhere for a while."""
    request.scope["state"][EXEMPT] = True
    health: Health = request.app.state.health
    await health.check()
