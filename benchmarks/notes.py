"""Notes created, and opened and acknowledged, a second: one worker, durable, by wrk.

Bodies are prepared before; each goes out once. Beside it in each turn: ``GET /info``, which asks no
database, and how often a second SQLite alone commits durably on this disk.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import program, run, spread, table, with_server
from benchmarks.peers import otv
from tests.support import RawLink, b64, hashed, new_id, new_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.peers import Otv

CONNECTIONS = 16
SCRIPT = Path(__file__).with_name("requests.lua")
_ANSWERED = re.compile(r"answered (\d+) failed (\d+) seconds ([0-9.]+)")

Line = tuple[str, str, str, str]


@dataclass
class Note:
    """One link with a lease that will open it."""

    link: RawLink = field(default_factory=RawLink)
    lease: bytes = field(default_factory=new_secret)

    def create(self) -> Line:
        """``PUT /shares/{sid}``."""
        body = {"owner": b64(hashed(new_secret())), "bytes": 0, "links": [self.link.body]}
        return "PUT", f"/shares/{b64(new_id())}", "-", json.dumps(body, separators=(",", ":"))

    def claim(self) -> Line:
        """``POST /links/{id}/claim``."""
        body = {"unlock": b64(self.link.unlock), "lease": b64(hashed(self.lease))}
        return self._post("claim", self.link.access, body)

    def acknowledge(self) -> Line:
        """``POST /links/{id}/ack``."""
        return self._post("ack", self.lease, {"outcome": "opened", "mac": b64(new_secret())})

    def _post(self, call: str, proof: bytes, body: dict[str, str]) -> Line:
        path = f"/links/{b64(self.link.id)}/{call}"
        return "POST", path, b64(proof), json.dumps(body, separators=(",", ":"))


def measure(folder: Path, *, count: int, turns: int) -> str:
    """Turns of: create all, claim all, acknowledge all, and the baselines."""
    rates: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}
    with otv(folder / "otv") as ours:
        for _ in range(turns):
            notes = [Note() for _ in range(count)]
            calls = {
                "created": [note.create() for note in notes],
                "claimed": [note.claim() for note in notes],
                "acknowledged": [note.acknowledge() for note in notes],
                "GET /info": [("GET", "/info", "-", "-")] * count,
            }
            for name, lines in calls.items():
                rate, server_s = answered(ours, folder / "lines", lines)
                rates.setdefault(name, []).append(rate)
                cpu.setdefault(name, []).append(1000 * server_s / count)
            rates.setdefault("commits", []).append(commits(folder / "bare.db", count))
    opened = [
        1 / (1 / claimed + 1 / acknowledged)
        for claimed, acknowledged in zip(rates["claimed"], rates["acknowledged"], strict=True)
    ]
    opened_cpu = [sum(pair) for pair in zip(cpu["claimed"], cpu["acknowledged"], strict=True)]
    baseline = f"{_rate(rates['GET /info'])} GET /info; {_rate(rates['commits'])} bare commits"
    rows = [
        ["notes created", _rate(rates["created"]), baseline, "over 1,000", _ms(cpu["created"])],
        ["opened and acknowledged", _rate(opened), "the same", "over 500", _ms(opened_cpu)],
        ["claimed alone", _rate(rates["claimed"]), "", "", _ms(cpu["claimed"])],
        ["acknowledged alone", _rate(rates["acknowledged"]), "", "", _ms(cpu["acknowledged"])],
        ["`GET /info`", _rate(rates["GET /info"]), "", "", _ms(cpu["GET /info"])],
    ]
    return table(["a second", "otv-server", "beside", "asked", "server's CPU for each"], rows)


def _rate(values: Iterable[float]) -> str:
    return spread(values, "/s", 0)


def _ms(values: Iterable[float]) -> str:
    return spread(values, "ms")


def answered(ours: Otv, path: Path, lines: list[Line]) -> tuple[float, float]:
    """Answers a second to these requests, and the server's CPU seconds for all."""
    path.write_text(
        "".join(f"{method}\t/api/v1{to}\t{proof}\t{body}\n" for method, to, proof, body in lines)
    )
    command: list[str | Path] = [
        *(program("wrk", "wrk"), "-t1", f"-c{CONNECTIONS}", "-d600s", "-s", SCRIPT),
        *(ours.server.url, "--", path),
    ]
    spent, server_s = with_server(ours.server.process.pid, lambda: run(command))
    found = _ANSWERED.search(spent.output.decode())
    if found is None or found[2] != "0":
        raise SystemExit(f"wrk: {spent.output.decode()}")
    return len(lines) / float(found[3]), server_s


def commits(path: Path, count: int) -> float:
    """Durable commits of a small row a second, by SQLite and nothing else."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE IF NOT EXISTS rows (value BLOB)")
        value = bytes(4202)
        started = time.perf_counter()
        for _ in range(count):
            database.execute("INSERT INTO rows VALUES (?)", (value,))
        return count / (time.perf_counter() - started)
