"""A real server behind TLS of its own, as a process of the test's own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.certificates import SelfSigned, self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent


@dataclass
class TlsServer:
    """A running one: its address, its key, and its process."""

    url: str
    key: SelfSigned
    process: subprocess.Popen[str]


@contextmanager
def tls_server(
    folder: Path,
    *announce: str,
    host: str = "127.0.0.1",
    port: int = 0,
    key: SelfSigned | None = None,
    inside: Sequence[str] = (),
) -> Iterator[TlsServer]:
    """Serve for the length of a with block.

    Args:
        folder: for its data and its key.
        announce: the name that it goes by on the network; none keeps it quiet.
        host: where it listens.
        port: 0 takes a free one.
        key: None makes one.
        inside: a command that starts another one elsewhere, as ``ip netns exec NAME`` does.
    """
    folder.mkdir(exist_ok=True)
    key = key or self_signed(folder / "key.pem", host)
    names = [word for name in announce for word in (name, key.pin_text)]
    process = subprocess.Popen(
        [
            *(*inside, sys.executable, "-m", "tests.lan.standin"),
            *(host, str(port), str(key.file), str(folder / "data"), *names),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("serves "), "the server did not start"
        yield TlsServer(first.split()[1], key, process)
    finally:
        process.terminate()
        process.communicate(timeout=20)
