"""Processes and what they cost; medians, spreads and the rows of a table."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.measuring import peak_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

MIB, GIB = 1 << 20, 1 << 30
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LIBRARIES = ("litestar", "uvicorn", "sqlalchemy", "httpx", "cryptography", "obstore")


@dataclass(frozen=True, slots=True)
class Spent:
    """What one thing cost: seconds of wall clock, of CPU, and the peak of resident memory."""

    wall_s: float
    cpu_s: float
    peak: int = 0
    output: bytes = b""


def run(command: Sequence[str | Path], **options: Any) -> Spent:
    """Run a command to its end, which must be a good one."""
    started = time.perf_counter()
    process: subprocess.Popen[bytes] = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    peak = _Peak(process.pid)
    # Waited for by hand: only so does the system tell what this very child has used.
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    with process:
        assert process.stdout is not None, "it is a pipe"
        assert process.stderr is not None, "so is it"
        output, said = process.stdout.read(), process.stderr.read()
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}: {said.decode()}")
    return Spent(wall_s, used.ru_utime + used.ru_stime, peak.stop(), output)


class _Peak:
    """Looks at a process's peak of memory until it is stopped."""

    def __init__(self, process_id: int) -> None:
        self._process_id, self._peak = process_id, 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._stopped.wait(0.02):
            self._peak = max(self._peak, peak_bytes(self._process_id))

    def stop(self) -> int:
        self._stopped.set()
        self._thread.join()
        return self._peak


def cpu_of(process_id: int) -> float:
    """CPU seconds that a process and its children have used so far, those that are gone too."""
    used = 0.0
    for each in [process_id, *_children(process_id)]:
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended just now
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            used += sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_S
    return used


def _children(process_id: int) -> list[int]:
    return [
        int(child)
        for child in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    ]


def with_server(server: int, work: Callable[[], Spent]) -> tuple[Spent, float]:
    """What ``work`` cost, and the CPU seconds that a server spent meanwhile."""
    before = cpu_of(server)
    spent = work()
    return spent, cpu_of(server) - before


def sync_file(path: Path) -> None:
    """Until what was written to it lies on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def in_turn(ours_first: bool, ours: Callable[[], None], theirs: Callable[[], None]) -> None:  # noqa: FBT001  # of a pair
    """Both of a pair, as ``alternating`` says."""
    for step in (ours, theirs) if ours_first else (theirs, ours):
        step()


def alternating(pairs: int) -> Iterator[tuple[int, bool]]:
    """Numbers of pairs, and whether ours goes first in it: neither always gets the warm disk."""
    for number in range(pairs):
        yield number, number % 2 == 0


# --- figures ------------------------------------------------------------------------------------


def spread(values: Iterable[float], unit: str = "s", digits: int = 2) -> str:
    """Median, least and most: ``1.23 s (1.20-1.31)``."""
    ordered = sorted(values)
    middle = statistics.median(ordered)
    return f"{middle:.{digits}f} {unit} ({ordered[0]:.{digits}f}-{ordered[-1]:.{digits}f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """The median of the pairs' ratios, and the least and the most."""
    return spread([our / their for our, their in zip(ours, theirs, strict=True)], "times")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def size_text(size: int) -> str:
    """``4 GiB``, ``1 MiB``."""
    return f"{size / GIB:g} GiB" if size >= GIB else f"{size / MIB:g} MiB"


def machine() -> str:
    """What kind of machine this is, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, "
        f"Python {platform.python_version()}, {libraries}"
    )


def program(name: str, package: str) -> str:
    """Where a system program is."""
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is missing: apt install {package}")
    return found
