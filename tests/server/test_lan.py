"""The server on a network: TLS, its limits, what is printed, and what keeps it from starting."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from otv_server import heads
from otv_server.app import create_app
from otv_server.network import addresses
from otv_server.network.certificates import utc_now
from otv_server.network.identity import Files
from otv_server.network.keeper import identify
from otv_server.network.listening import Place, listen
from otv_server.network.tls import context_for, follow
from otv_server.serving import PromptServer, config_for
from otv_server.settings import Settings
from tests.conftest import running_server, start_server
from tests.support import Api, free_port, send_content

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunningServer

MOMENT_S = 0.3
QUIET: dict[str, Any] = {"host": None, "discovery": False, "min_free_bytes": 0}


@dataclass
class Lan:
    """A server that other machines could reach, and where it speaks TLS."""

    server: RunningServer
    url: str
    folder: Path

    @property
    def certificate(self) -> str:
        """In PEM."""
        return (self.folder / "certificate.pem").read_text()

    @property
    def address(self) -> tuple[str, int]:
        """For a socket."""
        return "127.0.0.1", int(self.url.rpartition(":")[2])

    def trusting(self) -> ssl.SSLContext:
        """A client that trusts this server's certificate and no other."""
        context = ssl.create_default_context(cadata=self.certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def lan(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lan]:
    """Such a server, on free ports."""
    port = free_port()
    with running_server(tmp_path, https_port=port, workers=request.param, **QUIET) as server:
        yield Lan(server, f"https://127.0.0.1:{port}", server.data / "tls")


def test_a_share_travels_over_tls(lan: Lan) -> None:
    """Else two machines of one network can't share anything."""
    with httpx.Client(base_url=f"{lan.url}/api/v1", verify=lan.trusting()) as http:
        api = Api(http)
        share = send_content(api, [os.urandom(8 << 20), os.urandom(1000)])
        lease = os.urandom(32)
        assert api.claim(share.link, lease).status_code == 200
        content = api.content(share.link, lease)

    assert content.content == b"".join(share.parts)
    assert content.headers["Strict-Transport-Security"]


def test_certificate_is_good_for_every_address_of_this_machine(lan: Lan) -> None:
    """Else a person who trusts it once is warned again at the next address."""
    shown = ssl.PEM_cert_to_DER_cert(lan.certificate)
    for host in ("127.0.0.1", "localhost", *(str(each.address) for each in addresses.current())):
        with (
            socket.create_connection(lan.address, timeout=10) as line,
            lan.trusting().wrap_socket(line, server_hostname=host) as secure,
        ):
            assert secure.getpeercert(binary_form=True) == shown


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(lan: Lan, version: ssl.TLSVersion) -> None:
    """Else a listener who can meddle talks both sides down to what is broken."""
    context = untrusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = context.maximum_version = version

    with (
        socket.create_connection(lan.address, timeout=10) as line,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(line)


def test_plain_http_on_the_tls_port_is_no_service(lan: Lan) -> None:
    """Else proofs travel readable where people were told of TLS."""
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{lan.address[1]}/api/v1/info")


def files_of(folder: Path) -> Files:
    """A fresh key and certificate."""
    files = Files(folder / "tls")
    identify(files, frozenset(), [], utc_now())
    return files


@contextmanager
def served_here(folder: Path) -> Iterator[int]:
    """TLS on a thread of this process, so that its seconds can be made moments; its port."""
    app = create_app(Settings(data=folder / "data", min_free_bytes=0))
    (listener,) = listen([Place("https", "127.0.0.1", 0)])
    server = PromptServer(config_for(app), context_for(files_of(folder)))

    async def serve() -> None:
        async with app.lifespan():
            await server.serve(sockets=[listener.socket])

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield listener.port
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"])
def test_handshake_that_never_ends_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """Else a few hundred silent connections keep everyone else out."""
    monkeypatch.setattr(heads, "HEAD_S", MOMENT_S)
    with (
        served_here(tmp_path) as port,
        closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as line,
    ):
        line.sendall(said)
        with suppress(ConnectionError):
            while line.recv(1000):
                pass


def test_head_that_never_ends_is_cut_under_tls_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the limits on slow callers hold only where nobody is who could be slow."""
    monkeypatch.setattr(heads, "HEAD_S", 2)  # a handshake has to be done in it, too
    context = untrusting()
    with (
        served_here(tmp_path) as port,
        socket.create_connection(("127.0.0.1", port), timeout=20) as line,
        context.wrap_socket(line) as secure,
    ):
        secure.sendall(b"GET /api/v1/info HTTP/1.1\r\nHost: local")

        assert secure.recv(1000) == b""


def untrusting() -> ssl.SSLContext:
    """A client that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    """Else a server that runs for a year ends up with a certificate that has ended."""
    files = files_of(tmp_path)

    async def shown(port: int) -> bytes:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=untrusting())
        writer.close()
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return found

    async def watch() -> tuple[bytes, bytes]:
        context = context_for(files)
        server = await asyncio.start_server(
            lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
        )
        port = server.sockets[0].getsockname()[1]
        following = asyncio.create_task(follow(context, files, 0.01))
        before = after = await shown(port)
        files.certificate.unlink()
        identify(files, frozenset({"another.name"}), [], utc_now())
        while after == before:
            after = await shown(port)
        following.cancel()
        server.close()
        return before, after

    before, after = asyncio.run(watch())

    assert after == ssl.PEM_cert_to_DER_cert(files.certificate.read_text())
    assert before != after


def otv_server(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``otv-server serve``, which must not start."""
    return subprocess.run(
        [sys.executable, "-m", "otv_server", "serve", "--no-discovery", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def check_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence, with what helps."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("otv: error: ")
    assert done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("flag", ["--port", "--https-port"])
def test_taken_port_names_the_flag_that_chooses_another(tmp_path: Path, flag: str) -> None:
    """Else a person has to guess which of two ports is meant."""
    other = {"--port": "--https-port", "--https-port": "--port"}[flag]
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        done = otv_server("--data", str(tmp_path / "data"), flag, port, other, "0")

    check_refused(done, flag)


@pytest.mark.parametrize("fault", ["damaged", "readable by others", "a folder"])
def test_key_that_cant_be_used_is_one_sentence(tmp_path: Path, fault: str) -> None:
    """Else a person reads a traceback, or the server makes a key that no link knows."""
    files = files_of(tmp_path)
    if fault == "damaged":
        files.key.write_bytes(files.key.read_bytes()[:40])
    elif fault == "a folder":
        files.key.unlink()
        files.key.mkdir(mode=0o700)
    else:
        files.key.chmod(0o644)

    done = otv_server("--data", str(tmp_path), "--port", "0", "--https-port", "0")

    check_refused(done, str(files.key))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_data_folder_of_somebody_else_is_one_sentence(tmp_path: Path) -> None:
    """Else the next start by its owner finds files that it may not write."""
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 65_534, -1)

    check_refused(otv_server("--data", str(data), "--port", "0"), "--data", "nobody")


def test_damaged_certificate_is_told_and_made_again(tmp_path: Path) -> None:
    """Else a full disk on one day keeps the server from ever starting again."""
    files = files_of(tmp_path)
    files.certificate.write_bytes(b"-----BEGIN CERTIFICATE-----\nMIIB")
    port = free_port()
    settings = {**QUIET, "https_port": port}
    server = start_server(tmp_path, tmp_path / "log", **settings)
    server.stop()

    assert "damaged" in server.log_text()
    context_for(files)  # OpenSSL takes it


def test_terminal_is_shown_a_code_of_the_address(tmp_path: Path) -> None:
    """Else a person types an address and a port into a phone."""
    ours, theirs = pty.openpty()
    environment = {key: text for key, text in os.environ.items() if not key.startswith("OTV_")}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "otv_server", "serve", "--no-discovery"),
            *("--data", str(tmp_path / "data"), "--port", "0", "--https-port", "0"),
        ],
        env=environment,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # how a terminal ends
        while "▄".encode() not in shown:
            shown += os.read(ours, 65_536)
    process.terminate()
    process.wait(timeout=20)
    os.close(ours)

    assert b"One-Time View serves http://localhost:" in shown
    assert "▄".encode() in shown


def test_host_of_this_machine_keeps_it_to_this_machine(tmp_path: Path) -> None:
    """Else whoever wanted to try it out is open to the whole network."""
    with running_server(tmp_path, min_free_bytes=0) as server:
        assert not (server.data / "tls").exists()
        assert server.url.startswith("http://127.0.0.1:")
