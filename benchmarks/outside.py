"""The server as the internet sees it: behind Caddy by ``deploy/Caddyfile``, at a name of its own.

All of it runs in a network namespace, where that name leads to loopback, ports 80 and 443 are free,
and an authority of Caddy's own vouches for it. It takes root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.conftest import running_server
from tests.lan.network import network
from tests.programs import program
from tests.server.proxies import DEPLOY, NAME
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STARTS_WITHIN_S = 30
# ``ip netns exec`` gives each command mounts of its own.
_WITH_HOSTS = ("sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"')


@dataclass(frozen=True)
class Outside:
    """Where the judges are: what before a command starts it there, and whom to trust."""

    inside: tuple[str, ...]
    authority: Path


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """A server and Caddy in front of it, for the length of a with block."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {NAME}\n::1 localhost\n")
    settings = {"port": 8000, "public_url": f"https://{NAME}", "trusted_proxies": "127.0.0.1"}
    with network() as net:
        inside = (*net.machine("outside").inside, *_WITH_HOSTS, str(hosts))
        with running_server(folder, inside, **settings), _caddy(folder, inside) as authority:
            yield Outside(inside, authority)


@contextmanager
def _caddy(folder: Path, inside: tuple[str, ...]) -> Iterator[Path]:
    """Caddy, with certificates of its own authority; that authority's certificate."""
    site = (DEPLOY / "Caddyfile").read_text()
    file = folder / "Caddyfile"
    file.write_text(
        "{\n\tadmin off\n\tskip_install_trust\n\tlocal_certs\n}\n" + site, encoding="utf-8"
    )
    authority = folder / "caddy/pki/authorities/local/root.crt"
    with (folder / "caddy.log").open("w") as log:
        process = subprocess.Popen(
            [*inside, program("caddy", "caddy"), "run", "--config", file, "--adapter", "caddyfile"],
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
            stdout=log,
            stderr=log,
        )
    try:
        assert eventually(lambda: authority.exists() and _listens(inside), STARTS_WITHIN_S)
        yield authority
    finally:
        process.terminate()
        process.wait(timeout=20)


def _listens(inside: tuple[str, ...]) -> bool:
    script = "import socket; socket.create_connection(('127.0.0.1', 443))"
    command = [*inside, sys.executable, "-c", script]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
