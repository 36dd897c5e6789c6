"""One large file, put and got, against curl and nginx (WebDAV PUT; GET to a file)."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.measuring import (
    GIB,
    Spent,
    alternating,
    in_turn,
    ratio,
    size_text,
    spread,
    table,
    with_server,
)
from benchmarks.peers import Nginx, Otv, nginx, otv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PIECE = 16 << 20


@dataclass
class Series:
    """The runs of one side."""

    spent: list[Spent] = field(default_factory=list)
    server_s: list[float] = field(default_factory=list)

    def add(self, server: int, work: Callable[[], Spent]) -> None:
        """One more run; everything that was written before is on the disk by then."""
        os.sync()
        spent, server_s = with_server(server, work)
        self.spent.append(spent)
        self.server_s.append(server_s)

    @property
    def walls(self) -> list[float]:
        """Seconds, run by run."""
        return [each.wall_s for each in self.spent]

    def cpu(self, size: int) -> str:
        """CPU seconds per GiB: the client's and the server's."""
        client = sorted(each.cpu_s / size * GIB for each in self.spent)
        server = sorted(each / size * GIB for each in self.server_s)
        return f"{client[len(client) // 2]:.1f} + {server[len(server) // 2]:.1f}"

    @property
    def peak(self) -> str:
        """The client's peak of memory over all runs."""
        return f"{max(each.peak for each in self.spent) / 1e6:.0f} MB"


def measure(folder: Path, *, size: int, pairs: int) -> str:
    """Alternating pairs; each run is timed until the bytes are on the disk."""
    source = folder / "source"
    make_noise(source, size)
    names = ("put", "curl -T", "get", "curl -o")
    put, curl_put, get, curl_get = (Series() for _ in names)
    with nginx(folder / "nginx") as theirs, otv(folder / "otv") as ours:
        for _, ours_first in alternating(pairs):
            links: list[str] = []
            in_turn(
                ours_first,
                lambda links=links: put.add(  # type: ignore[misc]  # mypy can't infer the default
                    ours.server.process.pid, lambda: _put(ours, source, links)
                ),
                lambda: curl_put.add(theirs.process_id, lambda: theirs.put(source)),
            )
            in_turn(
                ours_first,
                lambda links=links: _get(ours, links, folder / "got", get),  # type: ignore[misc]  # as above
                lambda: _curl_get(theirs, folder / "got-by-curl", curl_get),
            )
    rows = [
        [
            f"{verb} {size_text(size)}",
            *(spread(a.walls), spread(b.walls), ratio(a.walls, b.walls), asked),
            *(a.cpu(size), b.cpu(size), a.peak),
        ]
        for verb, a, b, asked in (
            ("put", put, curl_put, "1.5"),
            ("get", get, curl_get, "1.3"),
        )
    ]
    head = ["what", "otv", "curl + nginx", "ratio", "asked"]
    return table(
        [*head, "CPU s/GiB, client + server", "the same of curl + nginx", "client's peak"], rows
    )


def make_noise(path: Path, size: int) -> None:
    """A file that nothing compresses."""
    with path.open("wb") as file:
        for start in range(0, size, PIECE):
            file.write(os.urandom(min(PIECE, size - start)))


def _put(ours: Otv, source: Path, links: list[str]) -> Spent:
    spent, link = ours.put(source)
    links.append(link)
    return spent


def _get(ours: Otv, links: list[str], target: Path, series: Series) -> None:
    series.add(ours.server.process.pid, lambda: ours.get(links[0], target))
    shutil.rmtree(target)


def _curl_get(theirs: Nginx, target: Path, series: Series) -> None:
    series.add(theirs.process_id, lambda: theirs.get(target))
    target.unlink()
