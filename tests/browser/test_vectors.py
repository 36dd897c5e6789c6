"""The vectors that the command line passes, passed by the page's own modules in real browsers."""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.javascript import run_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.drivers.tab import Tab

UNSEEN = "pins.json"  # no browser shows a page the certificate of its server
FOLDER = Path(__file__).parent.parent / "vectors"
VECTORS = sorted(path for path in FOLDER.glob("*.json") if path.name != UNSEEN)
ARGON2_S = 100.0  # some derivations of a second or two each, on a machine that is busy
PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>'


class Handler(SimpleHTTPRequestHandler):
    """Files, without a word about each."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def vectors_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the vectors and of the script that runs them."""
    folder = tmp_path_factory.mktemp("vectors")
    config = ("--config", "vite.vectors.config.ts", "--emptyOutDir")
    built = run_tool("vite", "build", *config, OTV_PAGE_DIR=str(folder))
    assert built.returncode == 0, built.stdout
    (folder / "index.html").write_text(PAGE)
    (folder / "vectors").mkdir()
    for path in VECTORS:
        shutil.copy(path, folder / "vectors")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("builtin", ["", "?javascript"], ids=["webcrypto", "javascript"])
def test_vectors(tab: Tab, vectors_url: str, builtin: str) -> None:
    """Else page and command line could not open what the other one sent."""
    cases = sum(len(cases) for path in VECTORS for cases in json.loads(path.read_text()).values())

    tab.open(f"{vectors_url}/{builtin}")
    tab.until(lambda: tab.script("return document.title") == "done", "end", patience_s=ARGON2_S)

    result = json.loads(tab.wait_attribute("body", "data-result"))
    assert result["failures"] == []
    assert result["ran"] == cases > 0
