"""The page as it is served: static, sealed off, small (protocol section 10)."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from hashlib import sha256, sha384
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import pytest
from litestar.testing import TestClient

from otv_server.app import create_app
from otv_server.settings import Settings
from tests.server import raw
from tests.server.timed import timed_api
from tests.support import Api, b64, new_id, send_content, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.conftest import RunningServer

WEIGHT_LIMIT = 100_000  # compressed, before a PDF is viewed
TAG = re.compile(r"<(?:script|link)\b[^>]*>")
ATTRIBUTE = re.compile(r'\b(src|href|integrity|rel)="([^"]*)"')
HOSTILE = [
    "AAECAwQFBgcICQoL",
    "%23AQAgISIj",
    "AAECAwQFBgcICQoL%23AQAgISIj",
    "..",
    "../..",
    "../../etc/passwd",
    "..%2f..%2fapp.py",
    "%2e%2e/%2e%2e/app.py",
    "a/b/c",
    "%00",
    "%ff%fe",
    "%0d%0aSet-Cookie:%20a=b",
    "<script>",
    "index.html",
    "a" * 8000,
]


@pytest.fixture(scope="module")
def http(page_server: RunningServer) -> Iterator[httpx.Client]:
    """Requests to the page, without any encoding unless a test asks for one."""
    headers = {"Accept-Encoding": "identity"}
    with httpx.Client(base_url=page_server.url, headers=headers) as client:
        yield client


def references(html: str) -> list[dict[str, str]]:
    """The attributes of every tag that loads something."""
    found = [dict(ATTRIBUTE.findall(tag)) for tag in TAG.findall(html)]
    return [tag for tag in found if "src" in tag or "href" in tag]


def address(tag: Mapping[str, str]) -> str:
    """What a tag loads."""
    return tag.get("src") or tag["href"]


def policy(answer: httpx.Response) -> dict[str, str]:
    """The directives of the one Content-Security-Policy."""
    (whole,) = answer.headers.get_list("Content-Security-Policy")
    parts = [part.strip().partition(" ") for part in whole.split(";")]
    assert len({name for name, _, _ in parts}) == len(parts)
    return {name: value for name, _, value in parts}


def raw_get(url: str, target: str) -> tuple[int, bytes]:
    """The answer to a path exactly as written: no library tidies it up first."""
    with raw.call(url) as line:
        line.sendall(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        data = b"".join(iter(lambda: line.recv(65536), b""))
    top, body = data.split(b"\r\n\r\n", 1)
    return int(top.split()[1]), body


@pytest.mark.parametrize("rest", HOSTILE, ids=lambda text: text[:40])
def test_every_link_gets_the_same_bytes(
    page_server: RunningServer, http: httpx.Client, rest: str
) -> None:
    """Else the page would say something of a link before anybody asked."""
    index = http.get("/")

    assert raw_get(page_server.url, f"/s/{rest}") == (200, index.content)


def test_real_link_and_made_up_link_look_alike(
    page_server: RunningServer, http: httpx.Client
) -> None:
    """Else a bare address would tell whether there is a link, or looking would change it."""
    api = Api.of(page_server.url)
    link = send_content(api, [b"content"]).link
    before = api.look(link).json() | {"now": None}

    real, made_up = http.get(f"/s/{b64(link.id)}"), http.get(f"/s/{b64(new_id())}")

    assert real.content == made_up.content == http.get("/").content
    assert without_date(real) == without_date(made_up)
    assert api.look(link).json() | {"now": None} == before
    api.http.close()


def without_date(answer: httpx.Response) -> list[tuple[str, str]]:
    """The headers that could differ."""
    return [pair for pair in answer.headers.multi_items() if pair[0] != "date"]


def test_headers_of_the_page(http: httpx.Client) -> None:
    """Else what runs in the page could reach further than this server."""
    answer = http.get("/s/AAECAwQFBgcICQoL")

    assert policy(answer) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "frame-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "otv",
    }
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_page_may_use_no_sensor(http: httpx.Client) -> None:
    """Else whatever slipped into the page could ask for camera, place or clipboard."""
    features = http.get("/").headers["Permissions-Policy"].split(", ")

    assert {"camera=()", "microphone=()", "geolocation=()", "clipboard-read=()"} <= set(features)
    assert all(feature.endswith("=()") for feature in features)


def viewer_files(built_page: Path) -> list[str]:
    """The viewer and all that it loads."""
    assets = sorted((built_page / "assets/viewer").glob("*"))
    return ["viewer.html", *(f"assets/viewer/{path.name}" for path in assets)]


def viewer_scripts(built_page: Path) -> str:
    """The digests of the viewer's scripts, as its policy names them."""
    scripts = sorted((built_page / "assets/viewer").glob("*.js"))
    digests = [b64encode(sha384(path.read_bytes()).digest()).decode() for path in scripts]
    return " ".join(f"'sha384-{digest}'" for digest in digests)


def test_headers_of_the_viewer(http: httpx.Client, built_page: Path) -> None:
    """Else a hostile file could call home, or an opaque origin couldn't load its own viewer."""
    scripts = viewer_scripts(built_page)
    for path in viewer_files(built_page):
        answer = http.get(f"/{path}")
        assert policy(answer) == {
            "default-src": "'none'",
            "script-src": scripts,
            "img-src": "blob: data:",
            "media-src": "blob:",
            "connect-src": "'none'",
            "worker-src": "blob:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'self'",
            "sandbox": "allow-scripts",
            "require-trusted-types-for": "'script'",
            "trusted-types": "otv-viewer",
        }
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Cross-Origin-Opener-Policy" not in answer.headers


def test_worker_has_a_policy_of_its_own(http: httpx.Client, built_page: Path) -> None:
    """Else the worker, which holds the keys, would be the one place without any policy."""
    for path in sorted((built_page / "assets").glob("*.js")):
        assert policy(http.get(f"/assets/{path.name}")) == {
            "default-src": "'none'",
            "connect-src": "'self'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }


def test_share_worker_may_ask_for_nothing(http: httpx.Client) -> None:
    """Else what takes the files of other programs could send them somewhere."""
    answer = http.get("/share-worker.js")

    assert policy(answer) == {
        "default-src": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    # Looked for anew each time, so that no old one stays; and nothing widens what it sees.
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Service-Worker-Allowed" not in answer.headers


def test_manifest_names_only_what_is_there(http: httpx.Client, built_page: Path) -> None:
    """Else the page could not be installed, or what is shared would go where nobody takes it."""
    manifest = http.get("/manifest.webmanifest").json()

    for icon in manifest["icons"]:
        answer = http.get(icon["src"])
        assert answer.headers["Content-Type"] == icon["type"]
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    share = manifest["share_target"]
    assert (share["method"], share["enctype"]) == ("POST", "multipart/form-data")
    worker = (built_page / "share-worker.js").read_text()
    for name in ("/share", "files", "text", "url"):
        assert f"`{name}`" in worker
    assert (share["action"], share["params"]["files"][0]["name"]) == ("/share", "files")


def test_share_that_comes_to_the_server_is_not_read(page_server: RunningServer) -> None:
    """Else a browser that has lost the share worker would hand over a photo in the clear."""
    head = "POST /share HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data\r\n"
    with raw.call(page_server.url) as line:
        line.sendall(f"{head}Content-Length: 1000000000\r\n\r\n--x\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b"")).lower()

    assert answer.startswith(b"http/1.1 303 ")
    assert b"\r\nlocation: /#shared=\r\n" in answer
    assert b"\r\nconnection: close\r\n" in answer


def test_every_file_is_served_as_built(http: httpx.Client, built_page: Path) -> None:
    """Else a page would come in pieces, or a script as something else."""
    kinds = {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".ico": "image/x-icon",
        ".js": "text/javascript; charset=utf-8",
        ".md": "text/plain; charset=utf-8",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".webmanifest": "application/manifest+json",
    }
    listed: dict[str, str] = json.loads((built_page / "hashes.json").read_text())

    for path, digest in listed.items():
        answer = http.get("/" if path == "index.html" else f"/{path}")
        assert sha256(answer.content).hexdigest() == digest
        assert answer.headers["Content-Type"] == kinds[path[path.rindex(".") :]]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        is_hashed = path.startswith("assets/")
        assert ("immutable" in answer.headers["Cache-Control"]) == is_hashed


def test_what_was_not_built_is_a_miss(page_server: RunningServer, http: httpx.Client) -> None:
    """Else a path could reach files beside the page, or scripts of an older page."""
    miss = http.get("/api/v1/nothing")
    assert verdict(miss) == (404, "unknown")

    for path in ("/hashes.json", "/index.html", "/assets/", "/assets/a.js", "/app.py"):
        assert http.get(path).content == miss.content
    for target in ("/assets/../../app.py", "/..%2fapp.py", "//app.py", "/assets/%2e%2e/app.py"):
        assert raw_get(page_server.url, target) == (404, miss.content)


@pytest.mark.parametrize("path", ["/", "/viewer.html"])
def test_html_names_only_what_it_proves(http: httpx.Client, path: str) -> None:
    """Else a changed script would run, or something would come from elsewhere, or inline."""
    html = http.get(path).text
    tags = references(html)

    assert [tag for tag in tags if "src" in tag]
    for tag in tags:
        assert address(tag).startswith("/")
        answer = http.get(address(tag))
        assert answer.status_code == HTTPStatus.OK
        if "src" in tag or tag["rel"] == "stylesheet":
            digest = b64encode(sha384(answer.content).digest()).decode()
            assert tag["integrity"] == f"sha384-{digest}"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script>|data:|https?:|<base", html)


def test_page_is_one_script_without_evaluation(built_page: Path) -> None:
    """Else the policy would stop it, or integrity wouldn't cover what it loads later."""
    for path in (built_page / "assets").glob("*.js"):
        script = path.read_text()
        assert not re.search(r"\bimport\(|\bimport\s*[\"'`]", script), path.name
        assert not re.search(r"\beval\(|\bnew Function\(|WebAssembly", script), path.name
        assert "sourceMappingURL" not in script


def loaded_before_a_pdf(http: httpx.Client, built_page: Path) -> list[str]:
    """The index, what it names, and its worker."""
    unseen = {"apple-touch-icon", "manifest"}  # what is loaded to install the page alone
    tags = references(http.get("/").text)
    named = [address(tag) for tag in tags if tag.get("rel") not in unseen]
    workers = [f"/assets/{path.name}" for path in (built_page / "assets").glob("worker*.js")]
    return ["/", *named, *workers]


def test_weight(http: httpx.Client, built_page: Path) -> None:
    """Else people on a slow line would wait, and give up."""
    sizes = {
        path: http.get(path, headers={"Accept-Encoding": "gzip"}).headers["Content-Length"]
        for path in loaded_before_a_pdf(http, built_page)
    }

    assert sum(int(size) for size in sizes.values()) < WEIGHT_LIMIT, sizes


@pytest.fixture
def script(built_page: Path) -> str:
    """The path of one of the page's scripts."""
    found = min((built_page / "assets").glob("*.js"))
    return f"/{found.relative_to(built_page).as_posix()}"


@pytest.mark.parametrize("accept", ["gzip", "br, gzip;q=0.5", "deflate, GZIP ; q=1.0"])
def test_gzip_where_it_is_taken(page_server: RunningServer, script: str, accept: str) -> None:
    """Else the page would take thrice as long."""
    url = f"{page_server.url}{script}"
    with httpx.stream("GET", url, headers={"Accept-Encoding": accept}) as answer:
        packed = b"".join(answer.iter_raw())

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed) == httpx.get(url).content
    assert packed[4:8] == bytes(4), "no time of packing"


@pytest.mark.parametrize("accept", ["identity", "br", "gzip;q=0", "gzip; q=0.000", "xgzip", ""])
def test_no_gzip_where_it_is_not_taken(http: httpx.Client, script: str, accept: str) -> None:
    """Else some caller would get bytes that it can't read."""
    answer = http.get(script, headers={"Accept-Encoding": accept})

    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(answer.content) == int(answer.headers["Content-Length"])


def test_documents_are_never_packed(http: httpx.Client) -> None:
    """Else who judges the TLS of a server finds a weakness (BREACH) that isn't one, and warns."""
    for path in ("/", "/s/AAECAwQFBgcICQoL", "/viewer.html"):
        answer = http.get(path, headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/s/AAECAwQFBgcICQoL", "/viewer.html", "/robots.txt"])
def test_what_a_browser_holds_is_not_sent_again(http: httpx.Client, path: str) -> None:
    """Else every look at a link would load the page anew."""
    first = http.get(path)
    tag = first.headers["ETag"]

    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = http.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("ETag", "Cache-Control", "Vary", "Content-Security-Policy"):
            assert again.headers[name] == first.headers[name]
    assert http.get(path, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize("path", ["/", "/s/AAECAwQFBgcICQoL", "/viewer.html", "/robots.txt"])
def test_head_is_get_without_a_body(http: httpx.Client, path: str) -> None:
    """Else a preview bot would learn more, or do more, than a reader."""
    got, head = http.get(path), http.head(path)

    assert head.status_code == HTTPStatus.OK
    assert head.content == b""
    assert without_date(head) == without_date(got)


@pytest.mark.parametrize("path", ["/", "/s/AAECAwQFBgcICQoL", "/viewer.html"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_page_takes_nothing(http: httpx.Client, path: str, method: str) -> None:
    """Else there would be a way to write where everything is static."""
    answer = http.request(method, path)

    assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_strict_transport_under_tls_alone(tmp_path: Path, http: httpx.Client) -> None:
    """Else a browser would keep to TLS where there is none, or wouldn't where there is."""
    app = create_app(Settings(data=tmp_path, min_free_bytes=0, rate=0))
    with TestClient(app, base_url="https://127.0.0.1") as secure:
        answers = [secure.get("/"), secure.get("/api/v1/info"), secure.get("/nothing")]

    assert {a.headers.get("Strict-Transport-Security") for a in answers} == {"max-age=31536000"}
    assert "Strict-Transport-Security" not in http.get("/").headers


def test_no_page_is_said_in_a_sentence(tmp_path: Path) -> None:
    """Else who runs the server from sources would look for the fault elsewhere."""
    settings = Settings(data=tmp_path / "data", min_free_bytes=0, rate=0)
    app = create_app(settings, page_folder=tmp_path / "none")
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        for path in ("/", "/s/AAECAwQFBgcICQoL"):
            answer = client.get(path)
            assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert "`pip install .` builds it" in answer.text
            assert answer.headers["Cache-Control"] == "no-store"
        assert client.get("/api/v1/info").status_code == HTTPStatus.OK


def test_page_comes_however_often_an_address_asked(tmp_path: Path, built_page: Path) -> None:
    """Else a guesser, or an office behind one address, would keep the others from the page."""
    assert built_page.is_dir()
    with timed_api(tmp_path, rate=1) as api:
        while api.http.get("/nothing").status_code != HTTPStatus.TOO_MANY_REQUESTS:
            pass
        answers = [api.http.get("http://127.0.0.1/") for _ in range(50)]

    assert {answer.status_code for answer in answers} == {HTTPStatus.OK}


def test_page_is_no_part_of_the_interface(http: httpx.Client) -> None:
    """Else programs would take it for a call."""
    assert all(
        path.startswith("/api/v1/") for path in http.get("/api/v1/openapi.json").json()["paths"]
    )
