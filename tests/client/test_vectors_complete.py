"""That the vectors are whole: made by their generator, and a case for every line of section 9."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.vectors import reference as ref
from tests.vectors.generate import FILES

VECTORS = Path(__file__).parents[1] / "vectors"

# Every item of the protocol's section 9 that a reader of bytes can see. The rest of the line
# "Content" (a short or long 206, a 200 for a range, a wrong Content-Range) is the transport's.
SECTION_9 = {
    "link: a character changed",
    "link: a character missing",
    "link: a character added",
    "link: =",
    "link: +",
    "link: /",
    "link: white space",
    "link: case folded",
    "link: another id",
    "link: version 0",
    "link: version 2",
    "link: reserved bits",
    "link: kdf 2 and up",
    "link: pin bit",
    "link: no fragment",
    "link: two fragments",
    "link: %23",
    "link: kdf flipped",
    "password: empty",
    "password: over 1,024 bytes",
    "password: a lone surrogate",
    "password: kdf flipped",
    "seal: any bit of prm",
    "seal: any bit of iv",
    "seal: any bit of the tag",
    "seal: a short header",
    "seal: another aad",
    "seal: another key",
    "manifest: every flipped byte",
    "manifest: another link's manifest",
    "manifest: kdf flipped",
    "manifest: another aad",
    "manifest: too small",
    "manifest: too large",
    "manifest: a JSON length past the end",
    "manifest: padding not zero",
    "manifest: not the right bucket",
    "manifest: bad UTF-8",
    "manifest: duplicate keys",
    "manifest: spaces",
    "manifest: JSON in another form",
    "manifest: 1.0",
    "manifest: 1e0",
    "manifest: -0",
    "manifest: over 2^53-1",
    "manifest: NaN",
    "manifest: trailing data",
    "manifest: a lone surrogate",
    "manifest: a key that is not allowed",
    "manifest: too deep",
    "manifest: a missing field",
    "manifest: a version that nobody knows",
    "manifest: a type that is none",
    "manifest: wrong types",
    "manifest: wrong lengths",
    "manifest: sizes that do not add up to l",
    "manifest: sizes that do not add up to inline",
    "manifest: every rule on names",
    "name: empty component",
    "name: .",
    "name: ..",
    "name: leading /",
    "name: backslash",
    "name: colon",
    "name: control character",
    "name: direction character",
    "name: trailing dot or space",
    "name: device",
    "name: component too long",
    "name: name too long",
    "name: lone surrogate",
    "name: two equal",
    "name: one a folder of another",
    "shown: control characters",
    "shown: direction characters",
    "content: empty",
    "content: one byte less or more",
    "content: cut at a segment boundary",
    "content: the last segment dropped",
    "content: the first repeated",
    "content: two swapped",
    "content: two finals",
    "content: the final mark moved",
    "content: data after the final",
    "content: a short middle segment",
    "content: a wrong length word",
    "content: a bit of a segment",
    "content: another share's segment",
    "content: another root",
    "content: another digest list",
    "content: padding not zero",
}


def load(file: str) -> dict[str, list[dict[str, Any]]]:
    """One file of vectors, by operation."""
    loaded: dict[str, list[dict[str, Any]]] = json.loads((VECTORS / file).read_text())
    return loaded


def test_making_the_vectors_again_gives_the_same_bytes(tmp_path: Path) -> None:
    """A vector edited by hand, or one that nobody can make again, would prove nothing."""
    command = [sys.executable, "-m", "tests.vectors.generate", str(tmp_path)]
    subprocess.run(command, check=True, cwd=VECTORS.parents[1])

    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert made == {name: (VECTORS / name).read_bytes() for name in FILES}


def test_every_line_of_section_9_about_bytes_has_a_case() -> None:
    """A way to cheat that the protocol names could go unnoticed in one of the two readers."""
    found = {
        case["section9"]
        for file in FILES
        for operation in load(file).values()
        for case in operation
        if "section9" in case
    }

    assert found == SECTION_9


def test_every_fault_says_what_it_is() -> None:
    """A case without a class of failure would pass whatever a reader does."""
    known = {"ok", "link_damaged", "link_too_new", "integrity", "usage", "password_missing"}
    known.add("wrong_key")

    results = {
        case.get("result", "ok") for file in FILES for op in load(file).values() for case in op
    }

    assert results == known


def test_stream_is_the_one_of_the_readme() -> None:
    """Whoever reads the vectors in another language needs this one formula right."""
    first = hashlib.sha256(b"seed" + bytes(4)).digest()
    second = hashlib.sha256(b"seed" + bytes([0, 0, 0, 1])).digest()

    assert ref.stream("seed", 40) == first + second[:8]


def test_manifest_with_an_unknown_key_is_not_what_encode_writes() -> None:
    """`encodes` would mean nothing if it were true of every case."""
    marks = {case["encodes"] for case in load("manifest.json")["decode"] if case["result"] == "ok"}

    assert marks == {True, False}
