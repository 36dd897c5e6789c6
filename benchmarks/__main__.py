"""``python -m benchmarks``: everything, or one of its parts, at full size or at another."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import costs, kills, links, memory, notes, starts, store, transfer
from benchmarks.databases import POSTGRES, SQLITE
from benchmarks.measuring import GIB, MIB, machine

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS: dict[str, Callable[[Path, argparse.Namespace], str]] = {
    "starts": lambda folder, given: starts.measure(folder, runs=given.runs),
    "notes": lambda folder, given: notes.measure(folder, count=given.notes, turns=given.turns),
    "costs": lambda folder, given: costs.measure(folder, count=given.notes, turns=given.turns),
    "transfer": lambda folder, given: transfer.measure(folder, size=given.size, pairs=given.pairs),
    "store": lambda folder, given: store.measure(folder, size=given.size, pairs=given.pairs),
    "memory": lambda folder, given: memory.measure(folder, sizes=given.sizes),
    "links": lambda folder, given: links.measure(
        folder,
        few=given.few,
        many=given.many,
        claims=given.claims,
        sweeps=given.sweeps,
        database=given.database,
    ),
    "kills": lambda folder, given: kills.measure(
        folder, rounds=given.rounds, seed=given.seed, database=given.database
    ),
}
# What shows in minutes that everything works; its figures mean little.
SMALL = {
    "runs": 3,
    "notes": 500,
    "turns": 2,
    "size": 256 * MIB,
    "pairs": 2,
    "sizes": [MIB, 256 * MIB],
    "many": 20_000,
    "claims": 200,
    "sweeps": 2,
    "rounds": 4,
}


def bytes_of(text: str) -> int:
    """``4G``, ``512M`` or plain bytes."""
    units = {"M": MIB, "G": GIB}
    return int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all where none is named")
    made.add_argument("--small", action="store_true", help="small sizes: does it all work?")
    made.add_argument("--folder", type=Path, help="where to work; a temporary folder")
    for name, default, text in (
        ("runs", 15, "starts of each program"),
        ("notes", 5000, "notes a turn"),
        ("turns", 5, "turns of notes"),
        ("pairs", 7, "alternating pairs of transfers"),
        ("few", 1000, "live links of the smaller database"),
        ("many", 1_000_000, "live links of the larger database"),
        ("claims", 2000, "random claims in each"),
        ("sweeps", 5, "sweeps of each"),
        ("rounds", 200, "rounds of kills"),
        ("seed", 4, "of the kills"),
    ):
        made.add_argument(f"--{name}", type=int, default=default, help=f"{text}  [{default}]")
    made.add_argument(
        "--database",
        choices=[SQLITE, POSTGRES],
        default=SQLITE,
        help="of links and kills; PostgreSQL is started for it  [sqlite]",
    )
    made.add_argument("--size", type=bytes_of, default=4 * GIB, help="of a transfer  [4G]")
    made.add_argument(
        "--mebibytes",
        dest="size",
        type=lambda count: int(count) * MIB,
        default=argparse.SUPPRESS,
        help="the same in MiB",
    )
    made.add_argument(
        "--sizes",
        type=bytes_of,
        nargs="+",
        default=[MIB, GIB, 10 * GIB],
        help="of which memory is measured  [1M 1G 10G]",
    )
    return made


def main() -> None:
    """Run the parts that are named, and print their tables."""
    given = parser().parse_args()
    if given.small:
        vars(given).update(SMALL)
    print(f"On {machine()}.")
    for name in given.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="otv-benchmark-", dir=given.folder) as folder:
            print(f"\n## {name}\n\n{PARTS[name](Path(folder), given)}", flush=True)


if __name__ == "__main__":
    main()
