"""Rounds of kills, with a table of what was killed where: the tests' own rounds, many of them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from benchmarks.databases import rows_in
from benchmarks.measuring import table
from tests.faults.kills import Plan, Victim
from tests.faults.rounds import Result, alone, run_rounds, several

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.people import Service

CALLS = ("create", "parts", "seal", "claim", "content", "ack", "revoke", "sweep")


def measure(folder: Path, *, rounds: int, seed: int, database: str) -> str:
    """Run them, and say what must not be; there is no table without it.

    On PostgreSQL several servers stand behind one address, and another takes over.
    """
    with rows_in(database, max_connections="400") as cluster:
        serve = alone if cluster is None else several(cluster)
        return _measure(folder, rounds=rounds, seed=seed, serve=serve)


def _measure(folder: Path, *, rounds: int, seed: int, serve: Callable[[Path], Service]) -> str:
    started = time.monotonic()

    def tell(plan: Plan) -> None:
        passed = time.monotonic() - started
        print(f"round {plan.number} is over ({plan.ending}), {passed:.0f} s", file=sys.stderr)

    result = run_rounds(seed, rounds, folder, tell, serve)
    kills = sum(result.kills.values())
    rows = [[call, *(str(result.kills[call, victim]) for victim in Victim)] for call in CALLS]
    took_s = time.monotonic() - started
    said = f"{rounds} rounds by seed {seed} in {took_s:.0f} s; {kills} kills"
    return "\n\n".join(
        [
            f"{said}, {result.flowing} of them while bytes flowed.",
            table(["killed in", *Victim], rows),
            _endings(result),
            *(f"**Must not be:** {fault}" for fault in result.faults),
        ]
    )


def _endings(result: Result) -> str:
    rows = [[told, str(count)] for told, count in sorted(result.endings.items())]
    rows.append(["anything else: twice, cut, lost, left behind", str(len(result.faults))])
    return table(["what the sender was told in the end", "rounds"], rows)
