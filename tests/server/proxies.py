"""Real nginx and real Caddy in front of a real server, with the files of ``deploy/``."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from otv_server.network.certificates import Subject, new_key, self_signed, utc_now
from tests.faults.measuring import peak_bytes
from tests.programs import program
from tests.support import eventually, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
NAME = "share.example.com"
# Another address of this machine than the proxy's own.
CALLER = "127.0.0.2"


@dataclass
class Front:
    """A proxy in front of a server."""

    port: int
    trust: ssl.SSLContext
    folder: Path
    process: subprocess.Popen[bytes]

    def client(self) -> httpx.Client:
        """A caller from outside, to whom the name leads to this machine."""

        def lead(request: httpx.Request) -> None:
            request.url = request.url.copy_with(host="127.0.0.1", port=self.port)
            request.headers["Host"] = NAME
            request.extensions["sni_hostname"] = NAME

        return httpx.Client(
            base_url=f"https://{NAME}/api/v1",
            timeout=60,
            transport=httpx.HTTPTransport(verify=self.trust, local_address=CALLER),
            event_hooks={"request": [lead]},
        )

    @contextmanager
    def speaking(self, *protocols: str) -> Iterator[ssl.SSLSocket]:
        """A line to it, for what no client's library says; it chooses among the protocols."""
        self.trust.set_alpn_protocols(protocols)
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as line,
            self.trust.wrap_socket(line, server_hostname=NAME) as secure,
        ):
            yield secure

    def peak(self) -> int:
        """The most memory that its processes have had, in bytes."""
        number = self.process.pid
        children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        return sum(peak_bytes(each) for each in (number, *map(int, children)))

    def written(self) -> int:
        """How many bytes lie in the proxy's own folders."""
        found = 0
        for path in self.folder.rglob("*"):
            with suppress(FileNotFoundError):  # a buffer of a request that is over
                status = path.stat()
                found += status.st_size if stat.S_ISREG(status.st_mode) else 0
        return found


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for the proxy, and whom a client has to trust for it."""
    key = new_key()
    data = self_signed(key, Subject(frozenset({NAME}), frozenset()), utc_now())
    (folder / "privkey.pem").write_bytes(key)
    (folder / "fullchain.pem").write_bytes(data)
    trust = ssl.create_default_context(cadata=data.decode())
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return trust


def port_of(url: str) -> int:
    """The port in a URL."""
    port = urlsplit(url).port
    assert port is not None
    return port


def _replaced(text: str, pairs: dict[str, str]) -> str:
    """With each of these in the place of what stands there; all of them must be there."""
    for old, new in pairs.items():
        assert old in text, f"the file of deploy/ has no {old!r} any more"
        text = text.replace(old, new)
    return text


def nginx_command(folder: Path, port: int, plain: int, server_port: int) -> list[str]:
    """Nginx as ``deploy/nginx.conf`` has it, on ports and files of a test's own."""
    site = _replaced(
        (DEPLOY / "nginx.conf").read_text(),
        {
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{server_port};",
            "    listen 80;\n    listen [::]:80;": f"    listen 127.0.0.1:{plain};",
            "    listen 443 ssl http2;\n    listen [::]:443 ssl http2;": (
                f"    listen 127.0.0.1:{port} ssl http2;"
            ),
            "/etc/letsencrypt/live/share.example.com": str(folder),
            "/var/log/nginx": str(folder),
        },
    )
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; user root;\n"
        f"events {{}} http {{\n{temporary}{site}\n}}\n"
    )
    return [program("nginx", "nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy_command(folder: Path, port: int, plain: int, server_port: int) -> list[str]:
    """Caddy as ``deploy/Caddyfile`` has it, on ports and with a certificate of a test's own."""
    site = _replaced(
        (DEPLOY / "Caddyfile").read_text(),
        {
            "\nshare.example.com {": (
                f"\nhttps://{NAME}:{port} {{\n\ttls {folder}/fullchain.pem {folder}/privkey.pem"
                "\n\tbind 127.0.0.1"
            ),
            "127.0.0.1:8000": f"127.0.0.1:{server_port}",
        },
    )
    options = f"{{\n\tadmin off\n\tauto_https disable_redirects\n\thttp_port {plain}\n}}\n"
    (folder / "Caddyfile").write_text(options + site)
    caddy = program("caddy", "caddy")
    return [caddy, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


COMMANDS = {"nginx": nginx_command, "caddy": caddy_command}


@contextmanager
def in_front(kind: str, folder: Path, server_port: int) -> Iterator[Front]:
    """A proxy of this kind, for the length of a with block; it ends by its own process id."""
    folder.mkdir()
    trust = certificate(folder)
    port, plain = free_ports(2)
    command = COMMANDS[kind](folder, port, plain, server_port)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder / "xdg")},
            stdout=log,
            stderr=log,
        )
    try:
        assert eventually(lambda: is_open(port), 20), (folder / "log").read_text()
        yield Front(port, trust, folder, process)
    finally:
        process.terminate()
        process.wait(timeout=20)


def is_open(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0
