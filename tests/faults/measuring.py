"""What a process costs, read from /proc while it runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

MB = 1_000_000
_LOOK_EVERY_S = 0.02


def peak_bytes(process_id: int) -> int:
    """The most memory that a process has had resident so far; 0 where it is gone.

    Not ``ru_maxrss``: a child's begins with what its parent had when it was started.
    """
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except OSError:
        return 0
    return 1024 * next(
        (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0
    )


def peak_until_end(process: subprocess.Popen[bytes], within_s: float) -> int:
    """The most memory that a process had resident; it is killed where it doesn't end in time."""
    peak, deadline = 0, time.monotonic() + within_s
    while process.poll() is None:
        peak = max(peak, peak_bytes(process.pid))
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(_LOOK_EVERY_S)
    return peak
