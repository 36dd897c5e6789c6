"""The OpenAPI document: what Litestar derives from the handlers, and what it can't know.

Added here: an example of every body and answer, the raw body of a part, answers that differ by
status only, and that request bodies take no other field. One pure function over the document.
"""

from __future__ import annotations

from copy import deepcopy
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

if TYPE_CHECKING:
    from litestar import Request

PATH = "/api/v1/openapi.json"

_ID = "AAECAwQFBgcICQoL"
_SHARE = "DA0ODxAREhMUFRYX"
_HASH = "iM6H3G1zkxsYhzwBzkgrtA2wVEGsxzYu1YLzDX8ryXo"
_ROOT = "Xo9PmC2XBhC3F0z9pTcJ0qVtH4m4yq1Yd4Wq3rJ0x5E"
_NOW = "2026-11-22T14:03:00.000Z"
_LATER = "2026-11-22T14:13:00.000Z"
_LINK = {
    "id": _ID,
    "access": _HASH,
    "unlock": _ROOT,
    "manifest": "AAAAEAAAAAAAIA",
    "opens": 1,
    "delay_s": 0,
    "ttl_s": 600,
}
_REPORT = {
    "id": _ID,
    "state": "opened",
    "opens": 1,
    "opens_left": 0,
    "opens_at": _NOW,
    "expires_at": _LATER,
    "guesses": 0,
    "openings": [
        {
            "lease": _HASH,
            "claimed_at": _NOW,
            "ended_at": _LATER,
            "outcome": "opened",
            "bytes_read": 16416,
            "mac": _ROOT,
            "address": "192.0.2.0/24",
        }
    ],
}
_SHARE_ANSWER = {
    "id": _SHARE,
    "state": "sealed",
    "bytes": 16416,
    "parts": [{"index": 0, "bytes": 16416, "digest": _HASH}],
    "links": [_REPORT],
    "now": _LATER,
}
_PROBLEM = {
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "code": "unknown",
    "detail": "There is nothing here.",
}
EXAMPLES: dict[str, Any] = {
    "CreateBody": {"owner": _HASH, "bytes": 0, "links": [_LINK]},
    "SealBody": {"parts": 1, "bytes": 16416, "root": _ROOT, "links": [_LINK]},
    "ClaimBody": {"unlock": _ROOT, "lease": _HASH},
    "AckBody": {"outcome": "opened", "mac": _ROOT},
    "Info": {
        "name": "One-Time View",
        "version": "0.1.0",
        "protocol": 1,
        "now": _NOW,
        "upload_token": False,
        "plain_http": False,
        "address": "https://192.168.1.20:8443",
        "pin": "AAECAwQFBgcICQoLDA0O",
        "limits": {
            "share_bytes": 11811160064,
            "part_bytes": 8388608,
            "min_ttl_s": 10,
            "default_ttl_s": 600,
            "max_ttl_s": 3600,
            "max_delay_s": 86400,
            "opens": 100,
            "links": 100,
            "idle_upload_s": 3600,
        },
    },
    "ShareAnswer": _SHARE_ANSWER,
    "LinkViewAnswer": {
        "id": _ID,
        "state": "ready",
        "since": None,
        "opens_left": 1,
        "opens_at": _NOW,
        "expires_at": _LATER,
        "bytes": 16416,
        "guesses_left": 10,
        "now": _NOW,
    },
    "ClaimAnswer": {
        "manifest": "AAAAEAAAAAAAIA",
        "bytes": 16416,
        "digests": [_HASH],
        "lease_until": "2026-11-22T15:03:00.000Z",
        "now": _NOW,
    },
    "Problem": _PROBLEM,
}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with examples, the part's body and closed request bodies."""
    whole = deepcopy(document)
    for item in whole["paths"].values():
        for operation in item.values():
            _complete(operation)
    for name, schema in whole["components"]["schemas"].items():
        if name.endswith("Body"):
            schema["additionalProperties"] = False
    part = whole["paths"]["/api/v1/shares/{sid}/parts/{index}"]["put"]
    part["requestBody"] = {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
    return whole


def _complete(operation: dict[str, Any]) -> None:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for media in body.get("content", {}).values():
            name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if name in EXAMPLES:
                media["examples"] = {name: {"value": EXAMPLES[name]}}


class CompletedJson(JsonRenderPlugin):
    """Serves the completed document."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The bytes of the answer."""
        return super().render(request, completed(openapi_schema))


def config() -> OpenAPIConfig:
    """How Litestar derives and serves the document."""
    bearers = {
        "access": "A, which shows possession of the link",
        "owner": "O, of who made the share",
        "lease": "T, of who claimed",
    }
    token = SecurityScheme(type="apiKey", security_scheme_in="header", name="OTV-Upload-Token")
    return OpenAPIConfig(
        title="One-Time View",
        version=version("one-time-view"),
        path=PATH,
        render_plugins=[CompletedJson(path="/")],
        components=Components(
            security_schemes={
                **{
                    name: SecurityScheme(type="http", scheme="bearer", description=description)
                    for name, description in bearers.items()
                },
                "upload_token": token,
            }
        ),
        use_handler_docstrings=True,
    )
