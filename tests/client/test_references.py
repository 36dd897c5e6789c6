"""What a served file names: read from whatever a server gave, and never followed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otv_client.references import named

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("html", "names"),
    [
        ('<script src="/a.js"></script>', {"a.js"}),
        ("<SCRIPT SRC=/a.js></SCRIPT>", {"a.js"}),
        ('<script src="//evil.example/a.js"></script>', {"//evil.example/a.js"}),
        ('<link rel=stylesheet href="https://evil.example/a.css">', {"https://evil.example/a.css"}),
        ('<link href="../../a.css?x=1#y">', {"a.css"}),
        ('<img src="b/c.png" srcset="d.png 2x">', {"b/c.png", "d.png 2x"}),
        ('<iframe src="javascript:alert(1)">', {"javascript:alert(1)"}),
        ('<meta http-equiv="refresh" content="0; url=/other.html">', {"other.html"}),
        ("<form action=//evil.example>", {"//evil.example"}),
        ('<base href="https://evil.example/">', {"https://evil.example/"}),
        ("<p>/a.js</p><!-- <script src=/b.js> -->", set()),
        ('<script src="http://[">', {"http://["}),
    ],
)
def test_html(html: str, names: set[str]) -> None:
    """A script that was slipped into the page would not be named to whoever checks it."""
    assert named("index.html", html) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('import("/assets/a.js")', {"assets/a.js"}),
        ("new Worker(`/b.js`)", {"b.js"}),
        ("fetch('https://evil.example:8000/c.json')", {"https://evil.example:8000/c.json"}),
        ("url(/d.svg)", {"d.svg"}),
        ("a.length, 'b.png', \"/api/v1/info\"", set()),
    ],
)
def test_scripts_and_styles(text: str, names: set[str]) -> None:
    """A file that a changed script loads would stay unnamed."""
    assert named("assets/x.js", text) == names


@given(st.sampled_from(["index.html", "a.js"]), st.text())
def test_nonsense_names_something_or_nothing(path: str, text: str) -> None:
    """A hostile page would end the check of it with a traceback."""
    named(path, text)


def test_release_names_nothing_but_itself(built_page: Path) -> None:
    """A page of the release could load what no list of hashes holds."""
    release = json.loads((built_page / "hashes.json").read_text())
    texts = {path: (built_page / path).read_text() for path in release if _is_text(path)}

    names = {path: named(path, text) for path, text in texts.items()}

    assert {name for found in names.values() for name in found} <= release.keys()
    assert names["index.html"]


def _is_text(path: str) -> bool:
    return path.endswith((".html", ".js", ".css"))
