"""A file through the page in Chromium, against the command line, in turn and in the same run.

    python -m benchmarks.page_transfer --mebibytes 1024 --pairs 3

Sent: from "Create link" until the link is there. Opened: from "Open" until it is verified and
durable on the device ("Done" is there); the command line writes and syncs a file meanwhile. The
browser has a profile on disk, as people's have: without one Chromium keeps private files in memory.
Memory is the resident memory of the tab's process, looked at five times a second.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from playwright.sync_api import sync_playwright

from tests.conftest import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

PATIENCE_MS = 600_000
LOOK_EVERY_S = 0.2
MIB = 1 << 20
# Playwright's own waiting asks the page for a frame at a time, and is up to half a second late.
APPEARED = """text => new Promise(resolve => {
  const look = () => {
    const labels = [...document.querySelectorAll("button, label")];
    if (labels.some(label => label.textContent === text)) resolve();
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
})"""
_RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")


@dataclass(frozen=True)
class Figures:
    """One file sent and opened: seconds, and the tab's peak memory meanwhile in MiB."""

    sent_s: float
    opened_s: float
    sent_mib: float = 0
    opened_mib: float = 0


class Peak:
    """The largest resident memory of any tab of the browser that this process started."""

    def __init__(self) -> None:
        self._mib = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def take(self) -> float:
        """The peak since the last call, in MiB."""
        peak, self._mib = self._mib, 0.0
        return peak

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            self._mib = max([self._mib, *tab_memories(os.getpid())])


def tab_memories(ancestor: int) -> Iterator[float]:
    """Resident MiB of each renderer below a process."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" not in (folder / "cmdline").read_bytes():
                continue
            resident = _RESIDENT.search((folder / "status").read_text())
            if resident and _descends(int(folder.name), ancestor):
                yield int(resident[1]) / 1024
        except OSError:
            continue  # it ended meanwhile


def _descends(process: int, ancestor: int) -> bool:
    while process > 1:
        if process == ancestor:
            return True
        stat = Path(f"/proc/{process}/stat").read_text()
        process = int(stat.rpartition(")")[2].split()[1])
    return False


def make_file(path: Path, mebibytes: int) -> Path:
    """Random bytes: nothing on the way can make less of them."""
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(secrets.token_bytes(MIB))
    return path


def by_command_line(server: str, file: Path, folder: Path) -> Figures:
    """``otv-client put`` and ``get``, each a process of its own."""
    program = [sys.executable, "-m", "otv_client"]
    environment = os.environ | {"OTV_SERVER": server, "OTV_STATE": str(folder / "state")}
    start = time.perf_counter()
    link = subprocess.run(
        [*program, "put", file], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
    sent = time.perf_counter()
    target = folder / "received"
    subprocess.run(
        [*program, "get", "-", "-o", target],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        input=link,
    )
    opened = time.perf_counter()
    shutil.rmtree(target)
    return Figures(sent - start, opened - sent)


def by_page(server: str, file: Path, folder: Path) -> Figures:
    """The page in a Chromium of its own, sent in one tab and opened in another."""
    with sync_playwright() as playwright, Peak() as peak:
        browser = playwright.chromium.launch_persistent_context(
            folder / "profile", executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        try:
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(server)
            page.get_by_label("Choose files").set_input_files(file)
            sent_s, link = _send(page)
            sent_mib = peak.take()
            page.close()
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(link)
            opened_s = _open(page)
            return Figures(sent_s, opened_s, sent_mib, peak.take())
        finally:
            browser.close()
            shutil.rmtree(folder / "profile", ignore_errors=True)


def _send(page: Page) -> tuple[float, str]:
    go = page.get_by_role("button", name="Create link")
    link = page.get_by_role("textbox", name="Link", exact=True)
    start = time.perf_counter()
    go.click()
    page.evaluate(APPEARED, "Link")
    return time.perf_counter() - start, link.input_value()


def _open(page: Page) -> float:
    go = page.get_by_role("button", name="Open", exact=True)
    done = page.get_by_role("button", name="Done", exact=True)
    go.wait_for()
    start = time.perf_counter()
    go.click()
    page.evaluate(APPEARED, "Done")
    seconds = time.perf_counter() - start
    done.click()
    page.get_by_role("heading", name="Done", exact=True).wait_for()
    return seconds


def spread(values: list[float]) -> str:
    """The median, and the least and the most."""
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def table(lines: list[Figures], pages: list[Figures]) -> Iterator[str]:
    """What was measured, as rows of Markdown."""
    yield "| | command line, s | page, s | page / command line | tab's memory, MiB |"
    yield "| --- | --- | --- | --- | --- |"
    rows = (
        ("sent", [f.sent_s for f in lines], [f.sent_s for f in pages], [f.sent_mib for f in pages]),
        (
            "opened",
            [f.opened_s for f in lines],
            [f.opened_s for f in pages],
            [f.opened_mib for f in pages],
        ),
    )
    for name, line, page, memory in rows:
        ratios = [there / here for here, there in zip(line, page, strict=True)]
        yield f"| {name} | {spread(line)} | {spread(page)} | {spread(ratios)} | {max(memory):.0f} |"


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--pairs", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = make_file(folder / "file.bin", chosen.mebibytes)
        with running_server(folder, min_free_bytes=0, max_share_bytes=1 << 40) as server:
            lines, pages = [], []
            for _ in range(chosen.pairs):
                lines.append(by_command_line(server.url, file, folder))
                pages.append(by_page(server.url, file, folder))
    print(f"{chosen.mebibytes} MiB, {chosen.pairs} pairs in turn, medians (least to most)\n")
    print(*table(lines, pages), sep="\n")


if __name__ == "__main__":
    main()
