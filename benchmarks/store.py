"""One large file through the server into an object store, against the store's own client alone.

All of it shares this machine: client, server and store. The store is the tests' (Swift with its
S3 interface), and its own client is obstore, in its own way: one object, put in pieces by several
requests at once, got as one stream into a file.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.store import from_url

from benchmarks.measuring import (
    GIB,
    Spent,
    alternating,
    cpu_of,
    in_turn,
    ratio,
    run,
    size_text,
    spread,
    sync_file,
    table,
)
from benchmarks.peers import Otv, otv
from benchmarks.transfer import make_noise
from otv_server.storage.places import CLIENT_OPTIONS
from tests.object_store import BUCKET, S3, running_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PIECE = 1 << 20


@dataclass
class Series:
    """The runs of one side: walls, and CPU seconds of the client, the server and the store."""

    server: Sequence[int]
    store: Sequence[int]
    walls: list[float] = field(default_factory=list)
    cpu: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, work: Callable[[], Spent]) -> None:
        """One more run; everything that was written before is on the disk by then."""
        os.sync()
        sides = (self.server, self.store)
        before = [sum(map(cpu_of, side)) for side in sides]
        spent = work()
        after = [sum(map(cpu_of, side)) for side in sides]
        self.walls.append(spent.wall_s)
        self.cpu.append((spent.cpu_s, *(b - a for a, b in zip(before, after, strict=True))))

    def cpu_text(self, size: int) -> str:
        """CPU seconds per GiB: the client's, the server's and the store's."""
        medians = (statistics.median(each) / size * GIB for each in zip(*self.cpu, strict=True))
        return " + ".join(f"{each:.1f}" for each in medians)


def alone(verb: str, path: Path) -> Spent:
    """Put or get one file by the store's own client, in a process of its own."""
    return run([sys.executable, "-m", "benchmarks.store", verb, path])


def measure(folder: Path, *, size: int, pairs: int) -> str:
    """Alternating pairs; each run is timed until the bytes are on the disk."""
    source = folder / "source"
    make_noise(source, size)
    (folder / "store").mkdir()
    with running_store(folder / "store") as store:
        os.environ.update(store.environment())
        with otv(folder / "otv", blobs=f"s3://{BUCKET}/otv") as ours:
            put, get, their_put, their_get = _series(ours, store)
            for _, ours_first in alternating(pairs):
                links: list[str] = []
                in_turn(
                    ours_first,
                    lambda links=links: put.add(lambda: _put(ours, source, links)),  # type: ignore[misc]  # mypy can't infer the default
                    lambda: their_put.add(lambda: alone("put", source)),
                )
                in_turn(
                    ours_first,
                    lambda links=links: _get(folder, get, lambda to: ours.get(links[0], to)),  # type: ignore[misc]  # as above
                    lambda: _get(folder, their_get, lambda to: alone("get", to)),
                )
    rows = [
        [
            f"{verb} {size_text(size)}",
            *(spread(a.walls), spread(b.walls), ratio(a.walls, b.walls), "2.5"),
            *(a.cpu_text(size), b.cpu_text(size)),
        ]
        for verb, a, b in (("put", put, their_put), ("get", get, their_get))
    ]
    head = ["what", "otv on S3", "obstore alone", "ratio", "asked"]
    return table([*head, "CPU s/GiB, client + server + store", "the same of obstore alone"], rows)


def _series(ours: Otv, store: S3) -> tuple[Series, ...]:
    server = [ours.server.process.pid]
    mine = (Series(server, store.process_ids) for _ in range(2))
    return (*mine, *(Series([], store.process_ids) for _ in range(2)))


def _put(ours: Otv, source: Path, links: list[str]) -> Spent:
    spent, link = ours.put(source)
    links.append(link)
    return spent


def _get(folder: Path, series: Series, get: Callable[[Path], Spent]) -> None:
    target = folder / "got"
    series.add(lambda: get(target))
    shutil.rmtree(target)


def client(verb: str, path: Path) -> None:
    """What ``alone`` runs in a process of its own."""
    # A server asks for 8 MiB at a time, and soon gives up; here one answer is the whole file.
    patient = CLIENT_OPTIONS | {"timeout": timedelta(hours=1)}
    store = from_url(f"s3://{BUCKET}/alone", client_options=patient)
    if verb == "put":
        obstore.put(store, "file", path)
        return
    path.mkdir()
    with (path / "file").open("wb") as file:
        for chunk in obstore.get(store, "file").stream(min_chunk_size=PIECE):
            file.write(chunk)
    sync_file(path / "file")


if __name__ == "__main__":
    client(sys.argv[1], Path(sys.argv[2]))
