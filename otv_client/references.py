"""Which files a file of a page names (pure). What is read is whatever a server served.

It is asked of files that differ from the release's: what an untouched file names, the
release has.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

# Attributes that make a browser load something, or go somewhere by itself.
_LOADING = frozenset(
    {"src", "href", "data", "poster", "action", "formaction", "srcset", "manifest"}
)
# How a script or a style sheet of the page's build names a file: from the root, quoted or in url().
_QUOTED = re.compile(
    r"""["'`(]((?:https?:)?/[\w./:-]+\.(?:html|m?js|css|svg|png|ico|json|wasm|webmanifest))["'`)]""",
    re.ASCII,
)
_HERE = "page.invalid"  # RFC 6761: no host has that name


class _Names(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in _LOADING and value]
        if tag == "meta" and ("http-equiv", "refresh") in attrs:
            self.found += [
                value.rpartition("=")[2] for name, value in attrs if name == "content" and value
            ]


def named(path: str, text: str) -> set[str]:
    """The files that a served file names: paths as a release lists them, or whole URLs elsewhere.

    Args:
        path: of the file itself, as a release lists it; its ending says what it is.
        text: what was served.
    """
    base = f"https://{_HERE}/{path}"
    return {name for raw in _raw(path, text) if (name := _name(base, raw))}


def _raw(path: str, text: str) -> list[str]:
    if not path.endswith(".html"):
        return _QUOTED.findall(text)
    parser = _Names()
    parser.feed(text)
    parser.close()
    return parser.found


def _name(base: str, raw: str) -> str | None:
    try:
        parts = urlsplit(urljoin(base, raw.strip()))
    except ValueError:
        return raw
    if parts.scheme != "https" or parts.netloc != _HERE:
        return raw
    return parts.path.lstrip("/") or None
