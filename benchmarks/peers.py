"""The two servers that are compared, and clients of each: ours, and nginx with curl."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measuring import Spent, program, run, sync_file
from tests.conftest import RunningServer, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NGINX = """\
daemon off;
worker_processes 1;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  sendfile on;
  client_max_body_size 0;
  client_body_temp_path {folder}/incoming;
  proxy_temp_path {folder}/proxied;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ root {folder}/files; dav_methods PUT; }}
  }}
}}
"""
UNLIMITED = {"min_free_bytes": 0, "rate": 0, "max_unsealed": 100_000, "max_share_bytes": 1 << 40}


@dataclass(frozen=True)
class Nginx:
    """A running nginx with WebDAV's PUT; the folder of its files; a client for it."""

    process_id: int
    url: str
    files: Path

    def put(self, source: Path) -> Spent:
        """Upload with curl, until the file lies on the disk."""
        started = time.perf_counter()
        spent = run([program("curl", "curl"), "-sS", "-f", "-T", source, f"{self.url}/put"])
        sync_file(self.files / "put")
        return Spent(time.perf_counter() - started, spent.cpu_s, spent.peak)

    def get(self, target: Path) -> Spent:
        """Download with curl what was put, until the file lies on the disk."""
        started = time.perf_counter()
        spent = run([program("curl", "curl"), "-sS", "-f", "-o", target, f"{self.url}/put"])
        sync_file(target)
        return Spent(time.perf_counter() - started, spent.cpu_s, spent.peak)


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """An nginx of this benchmark's own."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    (folder / "files").mkdir(parents=True)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    command = [program("nginx", "nginx-light"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Nginx(process.pid, f"http://127.0.0.1:{port}", folder / "files")
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise SystemExit("nginx does not start")


@dataclass(frozen=True)
class Otv:
    """A running ``otv-server``, and ``otv-client`` for it."""

    server: RunningServer
    folder: Path

    def client(self, *args: str | Path) -> Spent:
        """One command."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OTV_")}
        ours = {"OTV_SERVER": self.server.url, "OTV_STATE": str(self.folder / "state")}
        return run([sys.executable, "-m", "otv_client", *args], env=kept | ours)

    def put(self, source: Path) -> tuple[Spent, str]:
        """Upload; durable when it ends, for a server that answers has synced."""
        spent = self.client("put", source, "--expires", "1h")
        return spent, spent.output.decode().strip()

    def get(self, link: str, target: Path) -> Spent:
        """Download; synced by the client itself."""
        return self.client("get", link, "-o", target)


@contextmanager
def otv(folder: Path, **settings: object) -> Iterator[Otv]:
    """An ``otv-server`` of this benchmark's own, one worker, limits off."""
    folder.mkdir(parents=True)
    with running_server(folder, **UNLIMITED | settings) as server:
        yield Otv(server, folder)
