"""What a share costs on PostgreSQL: CPU of server and database, log, commits, bytes of rows.

From these follows how far one machine carries, in docs/scaling.md. Beside it: how often a second
this database commits one change after the other to one row, as every share does that begins or
ends.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from benchmarks.databases import DURABLE
from benchmarks.measuring import cpu_of, spread, table
from benchmarks.notes import Note, answered
from benchmarks.peers import otv
from tests.postgres import Cluster, running_cluster

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.notes import Line
    from benchmarks.peers import Otv

BARE_S = 10
_WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'"
_COMMITS = "SELECT pg_stat_force_next_flush(); SELECT sum(xact_commit) FROM pg_stat_database"
_BYTES = """
    SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables
    WHERE relname NOT IN ('rates', 'salts', 'erasures')
"""


class Costs:
    """What was spent on calls of each kind, by each of them."""

    def __init__(self, ours: Otv, cluster: Cluster, database: str) -> None:
        self._ours, self._cluster, self._database = ours, cluster, database
        self._found: dict[str, list[tuple[float, ...]]] = {}

    def spend(self, name: str, path: Path, lines: list[Line]) -> None:
        """Make these calls."""
        before = self._state()
        rate, server_s = answered(self._ours, path, lines)
        database_s, wal, commits = (
            after - earlier for after, earlier in zip(self._state(), before, strict=True)
        )
        each = (1000 * server_s, 1000 * database_s, wal, commits)
        found = self._found.setdefault(name, [])
        found.append((rate, *(value / len(lines) for value in each)))

    def _state(self) -> tuple[float, ...]:
        assert self._cluster.process is not None
        spent = cpu_of(self._cluster.process.pid)
        return spent, float(self.ask(_WAL)), float(self.ask(_COMMITS).split()[-1])

    def ask(self, query: str) -> str:
        """One value of the database's."""
        return self._cluster.sql(query, database=self._database)

    def rows(self) -> list[list[str]]:
        """A row for each kind of call."""
        units = (("/s", 0), ("ms", 2), ("ms", 2), ("bytes", 0), ("", 2))
        return [
            [name, *(spread(each, *unit) for each, unit in zip(columns, units, strict=True))]
            for name, turns in self._found.items()
            for columns in [zip(*turns, strict=True)]
        ]


def measure(folder: Path, *, count: int, turns: int) -> str:
    """Turns of: create all, claim all, acknowledge all; the bytes that lie there in between."""
    live: list[float] = []
    over: list[float] = []
    with running_cluster(**DURABLE) as cluster, cluster.database() as url:
        name = url.rpartition("/")[2]
        with otv(folder / "otv", database=url) as ours:
            costs = Costs(ours, cluster, name)
            for _ in range(turns):
                at_first = _bytes(costs)
                notes = [Note() for _ in range(count)]
                costs.spend("created", folder / "lines", [note.create() for note in notes])
                with_live = _bytes(costs)
                costs.spend("claimed", folder / "lines", [note.claim() for note in notes])
                costs.spend("acknowledged", folder / "lines", [n.acknowledge() for n in notes])
                live.append((with_live - at_first) / count)
                over.append((_bytes(costs) - at_first) / count)
        bare = [_bare_commits(cluster, name) for _ in range(turns)]
    head = ["one worker", "a second", "server's CPU", "database's CPU", "log", "commits"]
    return (
        f"{table(head, costs.rows())}\n\n"
        f"A note that lives takes {spread(live, 'bytes', 0)} of tables and indexes; its record,"
        f" kept for a week after, {spread(over, 'bytes', 0)}.\n\n"
        f"One row is changed and committed {spread(bare, 'times a second', 0)}, by eight"
        " connections that wait for each other."
    )


def _bytes(costs: Costs) -> float:
    """All tables and their indexes, without what is free in them."""
    costs.ask("VACUUM FULL")
    return float(costs.ask(_BYTES))


def _bare_commits(cluster: Cluster, database: str) -> float:
    """Commits a second of changes to one row, each after the one before."""
    script = cluster.folder / "bare.sql"
    script.write_text("UPDATE usage SET stored = stored + 1;\n")
    done = subprocess.run(
        [
            *(str(cluster.programs / "pgbench"), "-n", "-c8", "-j1", f"-T{BARE_S}"),
            *("-f", str(script), cluster.url(database)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("tps")]
    return float(line.split()[2])
