"""Claims and sweeps with a million live links, beside a thousand: what is due is what it costs.

Made through the repository, in this process; the two databases take turns.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import statistics
import sys
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from benchmarks.databases import DURABLE, rows_in
from benchmarks.measuring import ratio, spread, table
from otv_server.domain.limits import DAY_S, Limits
from otv_server.domain.share import ClaimAttempt, NewLink, NewShare
from otv_server.service.sweeping import Sweeping
from otv_server.storage.blobs import DiskBlobs
from otv_server.storage.opening import SqlOpening
from otv_server.storage.ownership import Ownership
from otv_server.storage.postgres import PostgresDatabase
from otv_server.storage.sending import SqlSending
from otv_server.storage.sqlite import SqliteDatabase
from otv_server.storage.sweeping import SqlSweeping

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from otv_server.storage.database import Database

PER_SHARE = 1000
MANIFEST_BYTES = 4202
SHORT_S = 10
EXPIRED = 1000
LIMITS = Limits(
    min_free_bytes=0, max_links=PER_SHARE, max_opens=100, max_ttl_s=30 * DAY_S, max_delay_s=0
)


@dataclass
class Clock:
    """Milliseconds, turned forward by what expires."""

    now: int = 1_800_000_000_000

    def __call__(self) -> int:
        """The present."""
        return self.now


@dataclass
class Store:
    """One database with so many live links."""

    folder: Path
    live: int
    url: str | None = None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.database: Database = (
            SqliteDatabase(self.folder / "otv.db", self.clock)
            if self.url is None
            else PostgresDatabase(self.url, self.clock)
        )
        self.blobs = DiskBlobs(self.folder / "blobs", os.urandom, time.time, 3600)
        self.sending = SqlSending(self.database, LIMITS)
        self.opening = SqlOpening(self.database, LIMITS)
        self.place = Ownership(
            self.database,
            self.blobs,
            "here",
            proposed=os.urandom(16).hex(),
            is_shared=False,
            pause=asyncio.sleep,
        )
        sweeping = SqlSweeping(self.database, LIMITS)
        self.sweeping = Sweeping(sweeping, self.blobs, self.place.confirm)

    async def fill(self) -> None:
        """Make the live links, a thousand to a share."""
        await self.blobs.open()
        await self.database.open()
        await self.place.check(marks=True)
        for start in range(0, self.live, PER_SHARE):
            count = min(PER_SHARE, self.live - start)
            await self._send(range(start, start + count), ttl_s=30 * DAY_S)
            if start % (50 * PER_SHARE) == 0:
                await self.database.erase_traces()
                print(f"{start} of {self.live} links", file=sys.stderr)
        await self.database.erase_traces()

    async def _send(self, numbers: range, ttl_s: int) -> None:
        links = tuple(_link(self.live, number, ttl_s) for number in numbers)
        share = NewShare(os.urandom(12), os.urandom(32), 0, links, b"", "none")
        await self.sending.create(share, None)

    async def claim(self, number: int) -> float:
        """Claim one link under a new lease; seconds."""
        link = _link(self.live, number, 0)
        attempt = ClaimAttempt(os.urandom(32), None)
        started = time.perf_counter()
        await self.opening.claim(link.id, link.access, link.unlock, attempt)
        return time.perf_counter() - started

    async def sweep(self, turn: int) -> float:
        """Let a thousand shares of one link expire, and sweep them; seconds."""
        first = self.live + turn * EXPIRED
        for number in range(first, first + EXPIRED):
            await self._send(range(number, number + 1), ttl_s=SHORT_S)
        await self.database.erase_traces()
        self.clock.now += 1000 * SHORT_S
        started = time.perf_counter()
        swept = await self.sweeping.sweep()
        took_s = time.perf_counter() - started
        assert swept.expired == EXPIRED, "it swept what was to be swept"
        return took_s


def _link(live: int, number: int, ttl_s: int) -> NewLink:
    """The link of this number: its proofs follow from it, so that none is kept in memory."""
    access, unlock = (sha256(f"{kind} {live} {number}".encode()).digest() for kind in "AU")
    id_ = access[:12]
    manifest = os.urandom(MANIFEST_BYTES) if ttl_s else b""
    return NewLink(id_, access, unlock, manifest, opens=100, delay_s=0, ttl_s=ttl_s)


def measure(folder: Path, *, few: int, many: int, claims: int, sweeps: int, database: str) -> str:
    """Fill both, then claim and sweep in turn."""
    with rows_in(database, **DURABLE) as cluster:
        stores = [
            Store(folder / name, live, None if cluster is None else cluster.new_database())
            for name, live in (("few", few), ("many", many))
        ]
        return asyncio.run(_measure(*stores, claims=claims, sweeps=sweeps))


async def _measure(few: Store, many: Store, *, claims: int, sweeps: int) -> str:
    for store in (few, many):
        await store.fill()
    draw = random.Random(4)
    claimed: tuple[list[float], list[float]] = ([], [])
    for _ in range(claims):
        for store, times in zip((few, many), claimed, strict=True):
            times.append(await store.claim(draw.randrange(store.live)))
    swept: tuple[list[float], list[float]] = ([], [])
    for turn in range(sweeps):
        for store, times in zip((few, many), swept, strict=True):
            times.append(await store.sweep(turn))
    for store in (few, many):
        await store.database.close()
    return _table(few.live, many.live, claimed, swept)


def _table(
    few: int,
    many: int,
    claimed: tuple[list[float], list[float]],
    swept: tuple[list[float], list[float]],
) -> str:
    rows = [
        [f"{name} of {len(claimed[0])} random claims", *_pair([at(times) for times in claimed])]
        for name, at in (("median", statistics.median), ("p99", _p99))
    ]
    sweeps = [spread([1000 * each for each in times], "ms") for times in swept]
    rows.append(
        [f"one sweep of {EXPIRED} expired", *reversed(sweeps), ratio(swept[1], swept[0]), "1.5"]
    )
    head = ["what", f"among {many:,} live links", f"among {few:,}", "ratio", "asked, at most"]
    return table(head, rows) + f"\n\nPeak of memory: {_peak_mb():.0f} MB."


def _pair(values: Sequence[float]) -> list[str]:
    few, many = values
    return [f"{1000 * many:.2f} ms", f"{1000 * few:.2f} ms", f"{many / few:.2f} times", "1.5"]


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
