"""A real server that speaks TLS with a key of its own, as a process of the test's own."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otv_client.b64 import b64encode
from otv_client.pins import pin_of
from tests.conftest import running_server
from tests.support import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class TlsServer:
    """A running one: its address, and its certificate."""

    url: str
    certificate: Path

    @property
    def pin(self) -> bytes:
        """What its key is known by."""
        return pin_of(ssl.PEM_cert_to_DER_cert(self.certificate.read_text()))

    @property
    def pin_text(self) -> str:
        """The pin as people give it."""
        return b64encode(self.pin)


@contextmanager
def tls_server(folder: Path) -> Iterator[TlsServer]:
    """Serve for the length of a with block, as on a network, but that nobody is told of it."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    with running_server(
        folder, host=None, https_port=port, discovery=False, min_free_bytes=0, rate=0
    ) as server:
        yield TlsServer(f"https://127.0.0.1:{port}", server.data / "tls/certificate.pem")
