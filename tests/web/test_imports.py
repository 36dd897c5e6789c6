"""Who may import whom in ``web/``: the twin of import-linter's contracts for TypeScript."""

from __future__ import annotations

import os.path
import re
from typing import TYPE_CHECKING

from tests.javascript import WEB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# From the inside out. A module imports only from lines above its own; types alone may come from
# anywhere, for they are gone when the page runs. A folder is one module.
LAYERS = [
    "bytes b64 buffers errors pieces pace qr crypto shared viewable",
    "choices instants link names places private retry state tidying viewer-messages",
    "answers draft envelope plan text viewing",
    "archive download newlinks opened parcel problems reporting upload",
    "claims exchange receiving reopened sending",
    "opening transport",
    "client working",
    "jobs",
    "front",
    "worker plain-worker share-worker",
    "trusted",
    "sharing workers",
    "world",
    "views",
    "main",
]
LAYER = {module: at for at, line in enumerate(LAYERS) for module in line.split()}
FOLDERS = ("crypto", "envelope", "text", "views")

# Packages, and the one module that each is for.
PACKAGES = {
    "@noble/ciphers": {"crypto"},
    "@noble/hashes": {"crypto"},
    "client-zip": {"archive"},
    "lean-qr": {"qr"},
    "pdfjs-dist": {"viewer"},
    "preact": {"views", "main"},
}
VIEWER_TAKES = {"viewer", "viewer-messages", "text"}

IMPORT = re.compile(
    r'^(?:import|export)\s+(?!type\b)(?:([^;"]*?)\sfrom\s+)?"([^"]+)"', re.MULTILINE
)


def module_of(path: str) -> str:
    """The module that a path below ``web`` belongs to."""
    if path.startswith("viewer/"):
        return "viewer"
    inside = re.sub(r"\.tsx?$", "", path.removeprefix("src/"))
    folder = inside.partition("/")[0]
    return folder if folder in FOLDERS else inside


def is_of_types_alone(names: str) -> bool:
    """Whether ``{ type A, type B }`` is all that is imported."""
    listed = re.fullmatch(r"\{(.*)\}", names.strip(), re.DOTALL)
    each = [name.strip() for name in listed[1].split(",")] if listed else []
    return bool(each) and all(name.startswith("type ") for name in each if name)


def imports_of(path: Path) -> Iterator[str]:
    """What a file imports that is still there when it runs: a package, or a path below ``web``."""
    for names, target in IMPORT.findall(path.read_text()):
        if is_of_types_alone(names) or target.endswith((".css", ".css?inline")):
            continue
        plain = target.partition("?")[0]
        if not plain.startswith("."):
            yield plain
            continue
        yield os.path.normpath(path.parent.relative_to(WEB) / plain)


def sources() -> list[Path]:
    """All of the page and of its viewer."""
    return [path for folder in ("src", "viewer") for path in sorted((WEB / folder).rglob("*.ts*"))]


def test_each_module_has_its_layer() -> None:
    """Else a new module would stand outside every rule."""
    modules = {module_of(path.relative_to(WEB).as_posix()) for path in sources()}

    assert modules - {"viewer"} == set(LAYER)


def test_imports_go_inwards() -> None:
    """Else the envelope could come to know a socket, or the link a document."""
    wrong = [
        f"{path.relative_to(WEB)} imports {target}"
        for path in sources()
        for target in imports_of(path)
        if target.startswith(("src/", "viewer/"))
        and not may_import(module_of(path.relative_to(WEB).as_posix()), module_of(target))
    ]

    assert wrong == []


def may_import(importer: str, imported: str) -> bool:
    """The rule itself."""
    if importer == "viewer":
        return imported in VIEWER_TAKES
    return imported == importer or LAYER[imported] < LAYER[importer]


def test_each_package_has_its_place() -> None:
    """Else what one module hides would spread, and could not be replaced any more."""
    wrong = [
        f"{path.relative_to(WEB)} imports {target}"
        for path in sources()
        for target in imports_of(path)
        for package, places in PACKAGES.items()
        if (target == package or target.startswith(f"{package}/"))
        and module_of(path.relative_to(WEB).as_posix()) not in places
    ]
    known = {
        target
        for path in sources()
        for target in imports_of(path)
        if not target.startswith(("src/", "viewer/", "virtual:"))
    }

    assert wrong == []
    assert {target for target in known if not target.startswith(tuple(PACKAGES))} == set()
