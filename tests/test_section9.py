"""Every line of protocol section 9 is shown by a test that names it.

What a reader of bytes can see stands in the vectors (tests/client/test_vectors_complete.py); here
is the rest: the server, the transport, saving and the page.
"""

from __future__ import annotations

import re
from pathlib import Path

LINES = {
    # Content, as far as it is the transport's
    "a short or a long 206",
    "a 200 for a range",
    "a wrong Content-Range",
    # Key
    "another key than the link's pin",
    "another key than the one that is remembered",
    "another key than the announced one",
    "a pin where there is no TLS",
    # Server
    "a claim without A",
    "A without U",
    "U without A",
    "a wrong A",
    "too early",
    "too late",
    "a second T",
    "T after the end",
    "T on another id",
    "GET and HEAD on a claim",
    "racing claims past the number of openings",
    "racing guesses past the limit",
    "an acknowledgement with a wrong T",
    "O used as T",
    "a part overwritten",
    "a part missing",
    "a part too large",
    "a part not what its digest says",
    "a seal with a wrong root",
    "the same share or link sent twice with different bodies",
    "unknown fields",
    "duplicate fields",
    "a body over its limit",
    "several ranges",
    # Saving; `..`, `C:`, `CON` and direction overrides are vectors
    "a symbolic link in the way",
    "a file that exists",
    "what a terminal shows is escaped",
    "a top-level name that begins with a dot",
    # Page
    "HTML in a name or a note stays text",
    "SVG, HTML and XML are never rendered as documents",
}

_MARK = re.compile(r'^@pytest\.mark\.section9\(\s*"([^"]+)"', re.MULTILINE)


def test_every_line_has_its_test() -> None:
    """Else a refusal that the protocol promises could go unnoticed for years."""
    sources = [path.read_text() for path in Path(__file__).parent.rglob("test_*.py")]

    named = {line for source in sources for line in _MARK.findall(source)}

    assert named == LINES, named ^ LINES
