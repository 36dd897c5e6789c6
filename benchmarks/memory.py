"""Resident memory of each process, by the size of what is sent."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks.measuring import size_text, table
from benchmarks.peers import otv
from tests.faults.measuring import peak_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def measure(folder: Path, *, sizes: Sequence[int]) -> str:
    """For each size new processes: put, get, and the server that served both."""
    rows = [_row(folder / str(size), size) for size in sizes]
    return table(["size", "put", "get", "server", "asked"], rows)


def _row(folder: Path, size: int) -> list[str]:
    with otv(folder) as ours:
        source = folder / "source"
        with source.open("wb") as file:
            file.truncate(size)  # a hole: what is read and sent is as much as ever
        put, link = ours.put(source)
        get = ours.get(link, folder / "got")
        server = peak_bytes(ours.server.process.pid)
    shutil.rmtree(folder)
    peaks = [f"{each / 1e6:.0f} MB" for each in (put.peak, get.peak, server)]
    return [size_text(size), *peaks, "150 MB each, and no more for 10 GiB than for 1"]
