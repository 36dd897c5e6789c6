"""Counts of requests and bytes for Prometheus. By route, never by path: no ids, no addresses.

One process counts for itself; several servers are several targets.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from litestar import Request, Response, get
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send
    from litestar.types.asgi_types import ReceiveMessage

    from otv_server.domain.ports import Swept


class Metrics:
    """What one process counted since it started."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "otv_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "otv_request_seconds",
            "From the head of a request to the last byte of its answer.",
            ["route"],
            registry=self.registry,
            buckets=(0.01, 0.05, 0.25, 1, 5, 30, 300),
        )
        self.bytes = Counter(
            "otv_body_bytes", "Bytes of bodies.", ["direction"], registry=self.registry
        )
        self.swept = Counter("otv_swept", "What sweeps ended.", ["what"], registry=self.registry)

    def count_sweep(self, swept: Swept) -> None:
        """Add what a sweep did."""
        for what in ("expired", "lapsed", "uploads_ended", "forgotten", "deleted"):
            self.swept.labels(what).inc(getattr(swept, what))


def counting(metrics: Metrics) -> Any:
    """A middleware that counts what passes."""

    def count(app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            route = f"{scope.get('method', 'none')} {scope.get('path_template', 'none')}"
            started = time.monotonic()

            async def receive_counted() -> ReceiveMessage:
                message = await receive()
                size = len(cast("bytes", message.get("body", b"")))
                metrics.bytes.labels("received").inc(size)
                return message

            async def send_counted(message: Message) -> None:
                await send(message)
                if message["type"] == "http.response.start":
                    metrics.requests.labels(route, message["status"]).inc()
                elif message["type"] == "http.response.body":
                    metrics.bytes.labels("sent").inc(len(message["body"]))

            await app(scope, receive_counted, send_counted)
            metrics.seconds.labels(route).observe(time.monotonic() - started)

        return counted

    return count


@get("/metrics", include_in_schema=False)
async def exposed(request: Request[Any, Any, Any]) -> Response[bytes]:
    """In Prometheus' text format."""
    metrics: Metrics = request.app.state.metrics
    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)
