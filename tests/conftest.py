"""What every test may use: a real server process on a real socket, and small makers of requests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.javascript import build_page
from tests.object_store import S3, running_store
from tests.postgres import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

STARTUP_S = 20
# Each test starts programs; a tenth of their start would go into compiling what the last one did.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@dataclass
class RunningServer:
    """A server process of this test's own; it ends with the test, by its own process id."""

    process: subprocess.Popen[str]
    url: str
    data: Path
    log: Path
    settings: dict[str, str] = field(default_factory=dict)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it with a signal and wait until it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=20)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def said(self) -> str:
        """The next line that it printed about where and what it is."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def log_text(self) -> str:
        """Everything that it printed."""
        return self.log.read_text()


def start_server(
    data: Path, log: Path, inside: Sequence[str] = (), /, **settings: object
) -> RunningServer:
    """Start ``otv-server`` and wait for its first answer.

    It is on a free port of this machine alone, unless the settings say otherwise; None leaves one
    to its default. ``inside`` is a command that starts another one elsewhere, as ``ip netns exec
    NAME`` does; what it answers there is not for this machine to see.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTV_")}
    chosen = {
        f"OTV_{key.upper()}": str(value)
        for key, value in ({"host": "127.0.0.1", "port": 0} | settings).items()
        if value is not None
    }
    with log.open("a") as sink:
        process = subprocess.Popen(
            [*inside, sys.executable, "-m", "otv_server", "serve", "--data", str(data)],
            env=environment | chosen,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
        )
    assert process.stdout is not None
    first = process.stdout.readline()
    if "serves " not in first:
        process.kill()
        process.wait()
        raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")
    server = RunningServer(process, first.split("serves ")[1].strip(), data, log, chosen)
    if not inside:
        _wait_for_answer(server)
    return server


def _wait_for_answer(server: RunningServer) -> None:
    deadline = time.monotonic() + STARTUP_S
    while True:
        try:
            httpx.get(f"{server.url}/api/v1/info", timeout=2)
        except httpx.TransportError:
            if time.monotonic() > deadline or server.process.poll() is not None:
                server.stop(signal.SIGKILL)
                raise
            time.sleep(0.02)
        else:
            return


@contextmanager
def running_server(
    folder: Path, inside: Sequence[str] = (), /, **settings: object
) -> Iterator[RunningServer]:
    """A server in ``folder`` for the length of a with block."""
    server = start_server(folder / "data", folder / "server.log", inside, **settings)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One real server for all tests that leave its settings alone."""
    with running_server(
        tmp_path_factory.mktemp("server"), min_free_bytes=0, rate=0, max_unsealed=10_000
    ) as running:
        yield running


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A real S3-compatible store with an empty bucket, for all tests; they take prefixes."""
    with running_store(tmp_path_factory.mktemp("object-store")) as store:
        yield store


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The page's folder, built from the sources as they stand: a second or two, once."""
    return build_page()


@pytest.fixture(scope="session")
def page_server(
    built_page: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A real server with the page of these sources, for all tests that leave its settings alone."""
    assert built_page.is_dir()
    with running_server(
        tmp_path_factory.mktemp("page-server"), min_free_bytes=0, rate=0, max_unsealed=10_000
    ) as running:
        yield running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL server for all tests that neither stop nor read it."""
    with running_cluster() as running:
        yield running


@pytest.fixture
def database_url(cluster: Cluster) -> Iterator[str]:
    """An empty database of this test's own."""
    with cluster.database() as url:
        yield url
