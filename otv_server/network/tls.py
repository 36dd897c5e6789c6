"""How TLS is spoken: 1.2 with what is strong in it, and 1.3."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from otv_server.network.identity import Files

LOOK_EVERY_S = 60.0
# Of TLS 1.2, what has forward secrecy and authenticates; 1.3 has nothing else.
_CIPHERS = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"
)


def context_for(files: Files) -> ssl.SSLContext:
    """A context for a server with this key and certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= (
        ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(files.certificate, files.key)
    return context


async def follow(context: ssl.SSLContext, files: Files, every_s: float = LOOK_EVERY_S) -> None:
    """Load the certificate again whenever its file changed; each new connection then has it."""
    known = _version(files.certificate)
    while True:
        await asyncio.sleep(every_s)
        found = _version(files.certificate)
        if found == known:
            continue
        known = found
        with suppress(OSError, ssl.SSLError):  # what was loaded goes on being used
            context.load_cert_chain(files.certificate, files.key)


def _version(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
