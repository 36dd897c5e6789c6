"""The browser's page: static, the same bytes for every link, without any effect (section 10)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, Router, post, route

from otv_server.api.assets import Asset, is_known, read_page, takes_gzip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.handlers import HTTPRouteHandler

FOLDER = Path(__file__).parent.parent / "page"
INDEX = "index.html"
INDEX_PATHS = ["/", "/s", "/s/{anything:path}"]
NOT_BUILT = (
    "This server has no page: it runs from sources in which none was built. "
    "`pip install .` builds it.\n"
)

SHARE_PATH = "/share"

AnyRequest = Request[Any, Any, Any]


def router(folder: Path = FOLDER) -> Router:
    """The routes of the page that lies in ``folder``: one for each file, and no others."""
    assets = read_page(folder)
    handlers = [
        _handler(INDEX_PATHS if path == INDEX else [f"/{path}"], asset)
        for path, asset in assets.items()
    ]
    if INDEX not in assets:
        handlers.append(_handler(INDEX_PATHS, None))
    return Router("/", route_handlers=[*handlers, unshared], include_in_schema=False)


@post(SHARE_PATH, sync_to_thread=False)
def unshared() -> Response[bytes]:
    """What another program shares with the installed page belongs to its share worker.

    Where a browser has lost that worker it comes here, and it is in the clear: none of it is read,
    and the page says that it has to be shared again.
    """
    headers = {"Location": "/#shared=", "Connection": "close"}
    return Response(b"", status_code=303, headers=headers)


def _handler(paths: Sequence[str], asset: Asset | None) -> HTTPRouteHandler:
    @route(paths, http_method=["GET", "HEAD"], sync_to_thread=False)
    def page(request: AnyRequest) -> Response[bytes]:
        return _not_built() if asset is None else _answer(request, asset)

    return page


def _not_built() -> Response[bytes]:
    return Response(NOT_BUILT.encode(), status_code=503, media_type="text/plain")


def _answer(request: AnyRequest, asset: Asset) -> Response[bytes]:
    headers = dict(asset.headers)
    if is_known(headers["ETag"], request.headers.getall("If-None-Match", [])):
        return Response(b"", status_code=304, headers=headers)
    body = asset.body
    if asset.compressed and takes_gzip(request.headers.getall("Accept-Encoding", [])):
        body = asset.compressed
        headers["Content-Encoding"] = "gzip"
    # Said by hand: of a HEAD's answer there is no body to count.
    headers["Content-Length"] = str(len(body))
    is_head = request.method == "HEAD"
    return Response(b"" if is_head else body, media_type=asset.media_type, headers=headers)
