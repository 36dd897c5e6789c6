"""Under which name a server is called, and by whose page. Browsers make people's machines call.

A page of anybody's can have its own name point at this machine (DNS rebinding): the browser then
takes the answers for that page's own. The name shows in ``Host``. A page can also call without
reading the answers; that it is another's shows in ``Sec-Fetch-Site`` and ``Origin``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otv_server.domain.errors import CrossOrigin, WrongHost
from otv_server.domain.origins import Origin, is_address, parse_host, parse_origin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

    from otv_server.api.caller import Access

API = "/api/"
# "none": a person typed the address, or followed a bookmark.
_OWN_SITES = {"same-origin", "none"}


def check_host(values: Sequence[str], names: AbstractSet[str]) -> str:
    """The ``Host`` of a request as it came, where it is one of ours.

    An address is: whoever calls by address means this machine, and a page of another name would
    have named that.

    Raises:
        WrongHost: another name, none, several, or nonsense.
    """
    found = parse_host(values[0]) if len(values) == 1 else None
    if found is None or not (is_address(found[0]) or found[0] in names):
        raise WrongHost
    return values[0]


def check_origin(
    site: Sequence[str], origin: Sequence[str], scheme: str, host: str, public: Origin | None
) -> None:
    """Let pass what comes from this server's own page, or from no page at all.

    Args:
        site: ``Sec-Fetch-Site``, which all current browsers send.
        origin: ``Origin``, which older ones send with what changes anything.
        scheme: of this connection; where it is plain, something in front may speak TLS.
        host: this request's ``Host``.
        public: where the internet reaches this server; a proxy may call it by another name.

    Raises:
        CrossOrigin: another page makes this call.
    """
    schemes = ("https",) if scheme == "https" else ("http", "https")
    own = {public, *(parse_origin(f"{each}://{host}") for each in schemes)} - {None}
    if any(value not in _OWN_SITES for value in site):
        raise CrossOrigin
    if any(parse_origin(value) not in own for value in origin):
        raise CrossOrigin


async def refuse_strangers(
    connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
) -> None:
    """A guard on everything; pages may be linked to from anywhere, calls made by the page alone."""
    access: Access = connection.app.state.access
    headers = connection.headers
    host = check_host(headers.getall("Host", []), access.names)
    if connection.scope["path"].startswith(API):
        check_origin(
            headers.getall("Sec-Fetch-Site", []),
            headers.getall("Origin", []),
            connection.scope["scheme"],
            host,
            access.public,
        )
