"""The page as it is built and packed: reproducible, and carried to machines without Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from tests.javascript import ROOT, run_tool
from tests.web.test_imports import PACKAGES
from web import hatch_build

if TYPE_CHECKING:
    from pathlib import Path

LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv", "node_modules", "page", "page-hashes.json"),
    *(".built", ".building-*", "__pycache__", ".*_cache", ".hypothesis"),
)


def linked_or_copied(source: str, target: str) -> None:
    """A file of the same content at another place, for nothing where the disk allows it."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def checkout(folder: Path) -> Path:
    """The sources as they stand, in another folder, with what npm installed for them."""
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    assert run_tool("vite", "--version").returncode == 0  # node_modules is there
    shutil.copytree(
        ROOT / "web/node_modules",
        folder / "web/node_modules",
        ignore=shutil.ignore_patterns(".vite*"),  # what tools write there, perhaps just now
        copy_function=linked_or_copied,
        symlinks=True,
    )
    return folder


def contents(page: Path) -> dict[str, str]:
    """The hash of every file of a built page."""
    return {
        path.relative_to(page).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in page.rglob("*")
        if path.is_file()
    }


def hatchling(folder: Path, target: str, output: Path, **environment: str) -> Path:
    """Build a distribution of ``folder`` as pip would, without fetching anything."""
    output.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(output)],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = output.iterdir()
    return built


def unpacked(archive: Path, folder: Path) -> Path:
    """A distribution's own folder, or its files."""
    if archive.suffix == ".whl":
        shutil.unpack_archive(archive, folder, "zip")
        return folder
    shutil.unpack_archive(archive, folder, filter="data")
    (inside,) = folder.iterdir()
    return inside


def test_build_is_reproducible(built_page: Path, tmp_path: Path) -> None:
    """Else nobody could tell whether a server's page is that of a release."""
    elsewhere = checkout(tmp_path / "some other/place")

    assert hatch_build.build_page(elsewhere)

    assert contents(elsewhere / "otv_server/page") == contents(built_page)
    assert not hatch_build.build_page(elsewhere), "nothing changed, so nothing is built"


def test_changed_source_is_built_anew(tmp_path: Path) -> None:
    """Else tests would see the page of yesterday."""
    folder = checkout(tmp_path / "checkout")
    hatch_build.build_page(folder)
    before = contents(folder / "otv_server/page")
    index = folder / "web/index.html"

    index.write_text(index.read_text().replace("</title>", "!</title>"))

    assert hatch_build.build_page(folder)
    after = contents(folder / "otv_server/page")
    assert {name for name in after if after[name] != before.get(name)} == {
        "hashes.json",
        "index.html",
    }


@pytest.mark.timeout(600)
def test_distributions_carry_the_page(built_page: Path, tmp_path: Path) -> None:
    """Else a server that was installed would have no page, or would take Node to install.

    And an installed client would have nothing to compare a server's page with.
    """
    folder = checkout(tmp_path / "checkout")

    source = unpacked(hatchling(folder, "sdist", tmp_path / "sdist"), tmp_path / "source")
    assert (source / "web/src/main.tsx").is_file()
    assert not (source / "web/node_modules").exists()
    # No program is to be found: whatever this build would start, it could not.
    packed = hatchling(source, "wheel", tmp_path / "wheel", PATH=str(tmp_path))
    installed = unpacked(packed, tmp_path / "installed")

    for page in (source / "otv_server/page", installed / "otv_server/page"):
        assert contents(page) == contents(built_page)
        known = page.parents[1] / "otv_client/page-hashes.json"
        assert known.read_bytes() == (built_page / "hashes.json").read_bytes()
    assert not (source / "web/node_modules").exists()
    assert not (installed / "web").exists()


def test_licences_come_with_the_code(built_page: Path) -> None:
    """Else the page would hand on the work of others without what they ask for in return."""
    page, viewer = (
        (built_page / f"{name}.md").read_text() for name in ("licenses", "viewer-licenses")
    )

    for package in PACKAGES.keys() - {"pdfjs-dist"}:
        assert f"## {package} " in page
    assert "Apache License" in viewer


def test_source_distribution_asks_for_no_node(tmp_path: Path) -> None:
    """Else sixty megabytes would be fetched for nothing."""
    unseen: Any = None
    configuration = {"node": "nodejs"}
    hook = hatch_build.PageHook(str(tmp_path), configuration, unseen, unseen, unseen, "wheel")

    assert hook.dependencies() == ["nodejs"]

    (tmp_path / "otv_server/page").mkdir(parents=True)
    (tmp_path / "otv_server/page/index.html").touch()
    (tmp_path / "PKG-INFO").touch()

    assert hook.dependencies() == []
