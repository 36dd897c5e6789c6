"""Starting, stopping, several workers, plain uvicorn: the server as a process."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from otv_server.serving import bind
from otv_server.settings import Settings
from tests.conftest import running_server, start_server
from tests.support import Api, RawLink, eventually, free_port, send_small


def run_server(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``otv-server`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "otv_server", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def children_of(process_id: int) -> list[int]:
    """The worker processes of a supervisor (the resource tracker of the spawner is none)."""
    listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    return [int(child) for child in listed if b"spawn_main" in command_line(child)]


def command_line(process_id: str) -> bytes:
    """Of a process; nothing where it is gone."""
    try:
        return Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("command", [[], ["serve"]], ids=["", "serve"])
def test_flags_need_no_command(tmp_path: Path, command: list[str]) -> None:
    """Else the first thing that the manual tells people to type is refused."""
    done = run_server(*command, "--port", "70000", OTV_DATA=str(tmp_path / "data"))

    assert (done.returncode, done.stdout) == (2, "")
    assert "port must be 0 to 65535" in done.stderr


def test_program_shows_its_commands() -> None:
    """Else whoever asks for help starts a server."""
    done = run_server("--help")

    assert done.returncode == 0
    assert "token" in done.stdout


def test_data_folder_is_nobody_elses_business(tmp_path: Path) -> None:
    """Else every user of the machine can copy ciphertext and hashes."""
    with running_server(tmp_path, min_free_bytes=0) as server:
        api = Api.of(server.url)
        send_small(api)
        api.http.close()
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in [server.data, *server.data.rglob("*")]
        }

    assert all(mode & 0o077 == 0 for mode in modes.values()), modes


def test_stopping_ends_the_process_cleanly(tmp_path: Path) -> None:
    """Else a supervisor reports a crash, or a log of pages lies about that should be gone."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with running_server(tmp_path, min_free_bytes=0) as server:
            server.stop(number)

            assert server.process.returncode == 0
            assert "Traceback" not in server.log_text()
            assert {path.name for path in server.data.iterdir()} == {"otv.db", "blobs"}


def test_killed_worker_is_replaced_and_forgets_nothing(tmp_path: Path) -> None:
    """Else one crash halves the server, or opens a link twice."""
    with running_server(tmp_path, workers=2, min_free_bytes=0) as server:
        api = Api.of(server.url)
        share, lease = send_small(api), secrets.token_bytes(32)
        assert api.claim(share.link, lease).status_code == 200
        before = children_of(server.process.pid)
        assert len(before) == 2

        for worker in before:
            os.kill(worker, signal.SIGKILL)

        def are_replaced() -> bool:
            now = set(children_of(server.process.pid))
            return not now & set(before) and len(now) >= len(before)

        assert eventually(are_replaced, 20)

        retrying = Api(
            httpx.Client(
                base_url=f"{server.url}/api/v1",
                transport=httpx.HTTPTransport(retries=5),
                timeout=30,
            )
        )
        assert retrying.claim(share.link, lease).status_code == 200
        assert retrying.claim(share.link, secrets.token_bytes(32)).status_code == 410
        for each in (api, retrying):
            each.http.close()


def test_workers_end_with_their_killed_supervisor(tmp_path: Path) -> None:
    """Else the port stays taken by processes that nobody watches."""
    server = start_server(tmp_path / "data", tmp_path / "log", workers=2, min_free_bytes=0)
    workers = children_of(server.process.pid)

    server.stop(signal.SIGKILL)

    assert eventually(lambda: not any(Path(f"/proc/{each}").exists() for each in workers), 20)


def test_listener_sends_without_delay(tmp_path: Path) -> None:
    """Else every answer waits 40 ms for the kernel (Nagle's algorithm and a delayed ACK)."""
    (listener,) = bind(Settings(host="127.0.0.1", port=0, data=tmp_path))

    with listener.socket as bound:
        assert bound.proto == socket.IPPROTO_TCP


def test_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """Else a person reads a traceback instead of "address already in use"."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        done = run_server("serve", "--port", port, "--data", str(tmp_path / "data"))

    assert done.returncode == 2
    assert done.stderr.startswith("otv: error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--port", "70000"),
        ("--port", "http"),
        ("--max-ttl", "0"),
        ("--max-ttl", str(31 * 86400)),
        ("--default-ttl", "5"),
        ("--keep-addresses", "some"),
        ("--workers", "0"),
        ("--config", "/nonexistent.toml"),
        ("--host", "192.0.2.1"),
        ("--data", "/dev/null/x"),
    ],
)
def test_bad_setting_is_one_sentence(tmp_path: Path, flag: str, value: str) -> None:
    """Else a typing error starts a server that does something else, or prints a traceback."""
    arguments = ["--data", str(tmp_path / "data")] if flag != "--data" else []

    done = run_server("serve", *arguments, flag, value)

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("otv: error: ")


def test_flags_win_over_environment_over_file(tmp_path: Path) -> None:
    """Else the operator can't tell which setting is in force."""
    config = tmp_path / "otv.toml"
    config.write_text('data = "from-file"\nmin_ttl = 11\ndefault_ttl = 5\n')

    refused = run_server("check", "--config", str(config), "--data", str(tmp_path / "data"))
    accepted = run_server(
        "check", "--config", str(config), "--data", str(tmp_path / "data"), OTV_DEFAULT_TTL="60"
    )
    overruled = run_server(
        "check",
        "--config",
        str(config),
        "--data",
        str(tmp_path / "data"),
        "--default-ttl",
        "9",
        OTV_DEFAULT_TTL="60",
    )

    assert [refused.returncode, accepted.returncode, overruled.returncode] == [2, 0, 2]


def test_database_of_another_version_is_refused_in_words(tmp_path: Path) -> None:
    """Else an older program misreads, and destroys, what a newer one wrote."""
    data = tmp_path / "data"
    assert run_server("check", "--data", str(data)).returncode == 0
    connection = sqlite3.connect(data / "otv.db")
    connection.execute("UPDATE schema SET version = 99")
    connection.commit()
    connection.close()

    done = run_server("serve", "--data", str(data), "--port", "0")

    assert done.returncode == 2
    assert "schema 99" in done.stderr
    assert "Traceback" not in done.stderr


def test_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    """Else a damaged disk shows as a traceback, or as an empty server."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "otv.db").write_bytes(secrets.token_bytes(8192))

    done = run_server("check", "--data", str(data))

    assert done.returncode == 2
    assert done.stderr.startswith("otv: error: ")
    assert "Traceback" not in done.stderr


def test_sweep_command_ends_what_is_due(tmp_path: Path) -> None:
    """Else cron can't keep clean what no server is running for."""
    with running_server(tmp_path, min_free_bytes=0, min_ttl=1) as server:
        api = Api.of(server.url)
        send_small(api, RawLink(ttl_s=3))
        api.http.close()
        server.stop(signal.SIGKILL)
    time.sleep(3)

    done = run_server("sweep", "--data", str(server.data))

    assert done.returncode == 0
    assert "expired=1" in done.stdout


def test_plain_uvicorn_runs_it_and_logs_no_access(tmp_path: Path) -> None:
    """Else whoever deploys with plain uvicorn has every link's path in a log."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "otv_server.app:create_app", "--factory"),
            *("--port", str(port), "--no-server-header"),
        ],
        env={**os.environ, "OTV_DATA": str(tmp_path / "data"), "OTV_MIN_FREE_BYTES": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        client = httpx.Client(transport=httpx.HTTPTransport(retries=8), timeout=10)
        answer = client.get(f"http://127.0.0.1:{port}/api/v1/links/AAECAwQFBgcICQoL")
        client.close()
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=20)

    assert answer.status_code == 404
    assert "server" not in answer.headers
    assert "AAECAwQFBgcICQoL" not in output
    assert "/api/v1" not in output
