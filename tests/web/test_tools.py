"""The page's sources, held to their own tools: types, lint, and the tests that need no browser."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.javascript import WEB, run_tool

if TYPE_CHECKING:
    from pathlib import Path

# One file each that breaks a rule of the architecture, and what it must not touch.
TRESPASSES = {
    "src/link.ts": ("export const a = () => document.title;", "document"),
    "src/sending.ts": ("export const a = () => fetch('/');", "fetch"),
    "src/views/Meter.tsx": ("export const a = () => new XMLHttpRequest();", "XMLHttpRequest"),
    "src/envelope/keys.ts": ("export const a = () => crypto.subtle;", "crypto"),
    "src/opening.ts": ("export const a = () => indexedDB;", "indexedDB"),
    "src/workers.ts": ("export const a = () => new Worker('/a');", "Worker"),
    "viewer/text.ts": ("export const a = () => fetch('/');", "fetch"),
    "src/views/Field.tsx": ("export const a = (b: Element) => { b.innerHTML = ''; };", "innerHTML"),
    "src/names.ts": ("export const a = (b: any) => b;", "any"),
}


@pytest.mark.parametrize(
    "command",
    [
        ("tsc",),
        ("oxlint", "--deny-warnings", "--report-unused-disable-directives"),
        pytest.param(("vitest", "run"), marks=pytest.mark.timeout(900)),
    ],
    ids=["types", "lint", "tests"],
)
def test_tools_have_nothing_to_say(command: tuple[str, ...]) -> None:
    """Else the next reader can't tell a new complaint from an old one."""
    done = run_tool(*command)

    assert done.returncode == 0, done.stdout[-10_000:]


@pytest.mark.parametrize("path", TRESPASSES)
def test_linter_knows_who_may_touch_what(tmp_path: Path, path: str) -> None:
    """Else a rule that is written down wrong would hold nothing, and nobody would notice."""
    source, named = TRESPASSES[path]
    shutil.copy(WEB / ".oxlintrc.json", tmp_path)
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(f"{source}\n")

    done = run_tool("oxlint", "--config", str(tmp_path / ".oxlintrc.json"), folder=tmp_path)

    assert done.returncode != 0
    assert "1 error" in done.stdout, done.stdout
    assert named in done.stdout
