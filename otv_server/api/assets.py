"""The page's files as answers: their bytes, types and headers (protocol section 10).

Read once into a table, so that no path of a request ever reaches the disk.
"""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from functools import cached_property
from hashlib import sha256, sha384
from typing import TYPE_CHECKING

from otv_server.api.wire import b64

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TYPES = {  # Litestar adds that text is UTF-8
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".md": "text/plain",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
UNSERVED = {"hashes.json"}  # for comparing releases; whoever can change a file can change it too
_VIEWER_ASSETS = "assets/viewer/"

_TRUSTED_TYPES = "require-trusted-types-for 'script'; trusted-types {}"
_INDEX_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; worker-src 'self'; frame-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " + _TRUSTED_TYPES.format("otv")
)
# Scripts by their digests alone: WebKit takes 'self' for the frame's own origin, which is opaque.
_VIEWER_POLICY = (
    "default-src 'none'; script-src {scripts}; img-src blob: data:; media-src blob:; "
    "connect-src 'none'; worker-src blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-scripts; " + _TRUSTED_TYPES.format("otv-viewer")
)
# A worker lives by the policy of its own script. Other files obey none unless opened by hand.
_ASSET_POLICY = (
    "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; "
    + _TRUSTED_TYPES.format("'none'")
)
# The share worker answers the browser and asks for nothing.
_SHARE_WORKER_POLICY = "default-src 'none'; frame-ancestors 'none'; " + _TRUSTED_TYPES.format(
    "'none'"
)
_POLICIES = {"index.html": _INDEX_POLICY, "share-worker.js": _SHARE_WORKER_POLICY}

# Everything that browsers know but what the page uses, to hand on a link: `clipboard-write` and
# `web-share` are the page's own where they aren't named, and no frame's.
_PERMISSIONS = (
    "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), "
    "clipboard-read=(), compute-pressure=(), display-capture=(), encrypted-media=(), "
    "fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), "
    "keyboard-map=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), "
    "otp-credentials=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), "
    "publickey-credentials-get=(), screen-wake-lock=(), serial=(), storage-access=(), "
    "sync-xhr=(), usb=(), window-management=(), xr-spatial-tracking=()"
)

_NO_GZIP = re.compile(r"q\s*=\s*0(\.0{0,3})?")


class Asset:
    """One file of the page.

    Args:
        path: where it lies in the page's folder, and so, but for the index, on the server.
        body: its bytes.
        viewer_policy: what the viewer, and all that it loads, is served with.
    """

    def __init__(self, path: str, body: bytes, viewer_policy: str) -> None:
        self.path = path
        self.body = body
        self._viewer_policy = viewer_policy
        self.media_type = TYPES[path[path.rindex(".") :]]

    @cached_property
    def compressed(self) -> bytes | None:
        """Its bytes in gzip, where that is shorter; made when first asked for, and kept.

        Documents come as they are: they are short, and who judges TLS takes a compressed one for a
        sign of BREACH, though nothing of a request ever stands in these.
        """
        if self.path.endswith(".html"):
            return None
        shorter = gzip.compress(self.body, compresslevel=9, mtime=0)
        return shorter if len(shorter) < len(self.body) else None

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Those of every answer with this file, 304 included."""
        return {
            "Cache-Control": self._cache_control,
            "ETag": f'W/"{b64(sha256(self.body).digest()[:15])}"',
            "Vary": "Accept-Encoding",
            "Permissions-Policy": _PERMISSIONS,
            **self._isolation,
        }

    @property
    def _cache_control(self) -> str:
        # The name of what the build puts there holds a hash of its content.
        is_hashed = self.path.startswith("assets/")
        return "public, max-age=31536000, immutable" if is_hashed else "no-cache"

    @property
    def _isolation(self) -> Mapping[str, str]:
        """What may load it, and what it may do."""
        if self.path == "viewer.html" or self.path.startswith(_VIEWER_ASSETS):
            return {
                "Content-Security-Policy": self._viewer_policy,
                "Cross-Origin-Resource-Policy": "cross-origin",
                "Access-Control-Allow-Origin": "*",
            }
        return {
            "Content-Security-Policy": _POLICIES.get(self.path, _ASSET_POLICY),
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }


def read_page(folder: Path) -> dict[str, Asset]:
    """Every file that is served, by its path in ``folder``; none where there is no page.

    Raises:
        KeyError: a file is of a kind that ``TYPES`` doesn't know.
    """
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.*")}
    bodies = {
        name: path.read_bytes()
        for name, path in sorted(paths.items())
        if path.is_file() and name not in UNSERVED
    }
    viewer_policy = _viewer_policy(bodies)
    return {name: Asset(name, body, viewer_policy) for name, body in bodies.items()}


def _viewer_policy(bodies: Mapping[str, bytes]) -> str:
    """Let run in the viewer the scripts that were built for it, and nothing else."""
    digests = [
        f"'sha384-{b64encode(sha384(body).digest()).decode()}'"
        for name, body in bodies.items()
        if name.startswith(_VIEWER_ASSETS) and name.endswith(".js")
    ]
    return _VIEWER_POLICY.format(scripts=" ".join(digests) or "'none'")


def is_known(etag: str, if_none_match: Sequence[str]) -> bool:
    """Whether the caller holds this very file (RFC 9110, section 13.1.2: a weak comparison)."""
    known = {tag.strip().removeprefix("W/") for tag in ",".join(if_none_match).split(",")}
    return "*" in known or etag.removeprefix("W/") in known


def takes_gzip(accept_encoding: Sequence[str]) -> bool:
    """Whether the caller names gzip, and not with a weight of nought (RFC 9110, section 12.5.3)."""
    for coding in ",".join(accept_encoding).split(","):
        name, _, weight = coding.partition(";")
        if name.strip().lower() == "gzip":
            return not _NO_GZIP.fullmatch(weight.strip())
    return False
