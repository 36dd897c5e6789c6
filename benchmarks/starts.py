"""How long programs take to begin: beside what Python alone takes."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.measuring import Spent, cpu_of, ratio, run, spread, table
from benchmarks.peers import UNLIMITED, otv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASK = b"GET /api/v1/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def measure(folder: Path, *, runs: int) -> str:
    """Each beside ``python -c pass`` in turn."""
    with otv(folder / "server") as ours:
        cases: list[tuple[str, Callable[[], Spent], str]] = [
            ("`otv-client --help`", lambda: ours.client("--help"), "0.25 s"),
            ("`otv-client put --text`", lambda: ours.client("put", "--text", "x"), "0.5 s"),
            ("`otv-server`, to its first answer", lambda: _first_answer(folder), "1.5 s"),
        ]
        rows = [_row(name, work, asked, runs) for name, work, asked in cases]
    return table(["what", "takes", "Python alone", "ratio", "asked", "CPU s"], rows)


def _row(name: str, work: Callable[[], Spent], asked: str, runs: int) -> list[str]:
    work()  # compiles what was never run
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(work())
        theirs.append(run([sys.executable, "-c", "pass"]))
    walls, bare = [each.wall_s for each in ours], [each.wall_s for each in theirs]
    cpu = sorted(each.cpu_s for each in ours)[runs // 2]
    return [name, spread(walls), spread(bare), ratio(walls, bare), asked, f"{cpu:.2f}"]


def _first_answer(folder: Path) -> Spent:
    started = time.perf_counter()
    settings = [
        part
        for name, value in UNLIMITED.items()
        for part in (f"--{name}".replace("_", "-"), str(value))
    ]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "otv_server",
            "serve",
            *("--host", "127.0.0.1"),
            "--port",
            "0",
            "--data",
            folder / "data",
            *settings,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None, "it is a pipe"
        url = urlsplit(process.stdout.readline().split("serves ")[1].strip())
        with socket.create_connection((url.hostname or "", url.port or 0)) as line:
            line.sendall(ASK)
            assert line.recv(100).startswith(b"HTTP/1.1 200")
        spent = Spent(time.perf_counter() - started, cpu_of(process.pid))
        process.terminate()
    return spent
