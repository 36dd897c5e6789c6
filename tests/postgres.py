"""A real PostgreSQL server of the tests' own, on loopback: one for a session, a database a test.

It won't run as root, so there it runs as ``postgres``, the user that Debian's package makes. Its
answers to ``fsync`` are lies, except where a test asks for the truth.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPERUSER = "owner"
GUARDED = "guarded"  # a role, where a test makes it, that is asked for its password
STARTUP_S = 20
# Small and quick; no test is about how much it keeps in memory.
QUICK = {"fsync": "off", "shared_buffers": "32MB", "max_connections": "100"}


@dataclass
class Cluster:
    """One server process and its data."""

    folder: Path
    port: int
    programs: Path
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def data(self) -> Path:
        """All files that PostgreSQL keeps."""
        return self.folder / "data"

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str = "") -> str:
        """How to reach a database of it."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(*_as_owner(), str(self.programs / "postgres"), "-D", str(self.data)),
                    *("-k", str(self.folder), "-p", str(self.port), "-h", "127.0.0.1", *options),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        deadline = time.monotonic() + STARTUP_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop(signal.SIGQUIT)
                raise AssertionError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        asked = ["-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run([self.programs / "pg_isready", *asked], check=False).returncode == 0

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it: SIGINT rolls back what runs, SIGQUIT is a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=30)

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Run statements one after the other; the last one's rows, as text."""
        asked = [part for statement in statements for part in ("-c", statement)]
        done = subprocess.run(
            [
                *(str(self.programs / "psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"),
                *("-d", self.url(database), *asked),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextmanager
    def reading(self, database: str, query: str = "SELECT 1") -> Iterator[None]:
        """Someone reads for as long as the block lasts, and sees what was there at its start."""
        with subprocess.Popen(
            [str(self.programs / "psql"), "-X", "-q", "-t", "-A", "-d", self.url(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as reader:
            assert reader.stdin is not None
            assert reader.stdout is not None
            # One line comes back, whatever there is to read.
            reader.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ;\n")
            reader.stdin.write(f"SELECT count(*) FROM ({query}) AS found;\n")  # noqa: S608  # a test's own
            reader.stdin.flush()
            reader.stdout.readline()
            yield
            reader.stdin.close()
            reader.wait(timeout=10)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All connections stay, and nobody answers on them: as where a machine is gone."""
        assert self.process is not None
        main = self.process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        frozen = [main, *map(int, children)]
        for each in frozen:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in frozen:
                os.kill(each, signal.SIGCONT)

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new and empty database; its URL. It goes afterwards, whoever is still connected."""
        url = self.new_database()
        try:
            yield url
        finally:
            self.sql(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def new_database(self) -> str:
        """A new and empty database; its URL. It goes with the cluster."""
        name = f"otv_{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)


def _as_owner() -> list[str]:
    """What stands before a command that root must not run."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def _programs() -> Path:
    """Where PostgreSQL's programs are; Debian keeps them out of the PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb", path=os.pathsep.join([*map(str, places), os.environ["PATH"]]))
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("PostgreSQL is missing: tests/install-system.sh should have installed it")
    if found is None:
        pytest.skip("install postgresql")
    return Path(found).parent


@contextmanager
def running_cluster(**settings: str) -> Iterator[Cluster]:
    """A new cluster for the length of a with block."""
    # Not in pytest's folder, through which nobody else may pass.
    with tempfile.TemporaryDirectory(prefix="otv-postgres-") as name:
        cluster = Cluster(Path(name), free_port(), _programs(), QUICK | settings)
        if os.geteuid() == 0:
            shutil.chown(name, "postgres", "postgres")
        _make(cluster)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop(signal.SIGQUIT)


def _make(cluster: Cluster) -> None:
    made = subprocess.run(
        [
            *(*_as_owner(), str(cluster.programs / "initdb"), "-D", str(cluster.data)),
            *("-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=cluster.folder,
    )
    assert made.returncode == 0, made.stderr
    rules = cluster.data / "pg_hba.conf"
    asked = f"host all {GUARDED} 127.0.0.1/32 scram-sha-256\n"
    rules.write_text(asked + rules.read_text())
