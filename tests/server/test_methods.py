"""What every answer has, and methods and paths that lead nowhere (protocol section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import Api, RawShare, b64, bearer, new_id, new_secret, send_content, verdict

if TYPE_CHECKING:
    import httpx

ALL = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
ALLOWED = {
    "/info": {"GET"},
    "/shares/{sid}": {"GET", "PUT", "DELETE"},
    "/shares/{sid}/parts/0": {"PUT"},
    "/shares/{sid}/seal": {"POST"},
    "/shares/{sid}/links/{id}": {"DELETE"},
    "/shares/{sid}/links/{id}/reset": {"POST"},
    "/links/{id}": {"GET"},
    "/links/{id}/claim": {"POST"},
    "/links/{id}/content": {"GET"},
    "/links/{id}/ack": {"POST"},
}


@pytest.fixture
def share(api: Api) -> RawShare:
    """A live share with content."""
    return send_content(api, [b"content"])


def seen(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All of an answer that its caller can see, but for the date."""
    headers = [(name, text) for name, text in answer.headers.multi_items() if name != "date"]
    return answer.status_code, headers, answer.content


def allowed_by(answer: httpx.Response) -> set[str]:
    """The methods of its ``Allow``."""
    return set(answer.headers["Allow"].replace(" ", "").split(","))


@pytest.mark.section9("GET and HEAD on a claim")
@pytest.mark.parametrize("path", ALLOWED)
def test_other_methods_are_refused_whatever_the_id(api: Api, share: RawShare, path: str) -> None:
    """Else a crawler's HEAD would tell which ids exist, or do what only a click should."""
    real = path.format(sid=b64(share.sid), id=b64(share.link.id))
    none = path.format(sid=b64(new_id()), id=b64(new_id()))

    for method in sorted(ALL - ALLOWED[path]):
        answer = api.http.request(method, real, headers=bearer(share.link.access))
        assert answer.status_code == 405, method
        assert allowed_by(answer) == ALLOWED[path]
        assert method == "HEAD" or verdict(answer) == (405, "method")
        assert seen(answer) == seen(api.http.request(method, none))


@pytest.mark.parametrize("path", ALLOWED)
def test_no_other_origin_is_let_in(api: Api, share: RawShare, path: str) -> None:
    """Else a page elsewhere could use what this browser holds."""
    real = path.format(sid=b64(share.sid), id=b64(share.link.id))
    asking = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}

    answer = api.http.options(real, headers=asking)

    assert verdict(answer) == (405, "method")
    assert allowed_by(answer) == ALLOWED[path]
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def one_of_each(api: Api, share: RawShare) -> dict[str, httpx.Response]:
    """One answer of each sort."""
    lease = new_secret()
    return {
        "info": api.http.get("/info"),
        "no such path": api.http.get("/nothing"),
        "no path at all": api.http.post("/"),
        "no such method": api.http.put("/info"),
        "head": api.http.head("/info"),
        "report": api.share(share.sid, share.owner),
        "unknown": api.share(share.sid, lease),
        "malformed": api.http.put(f"/shares/{b64(new_id())}", content=b"{"),
        "created": api.create(new_id(), new_secret(), 10),
        "wrong password": api.claim(share.link, lease, unlock=lease),
        "claim": api.claim(share.link, lease),
        "over": api.claim(share.link, new_secret()),
        "content": api.content(share.link, lease),
        "range": api.content(share.link, lease, range_="bytes=9-"),
        "ack": api.ack(share.link, lease),
        "conflict": api.ack(share.link, lease, "rejected"),
        "revoke": api.revoke(share.sid, share.owner),
        "document": api.http.get("/openapi.json"),
    }


def test_every_answer_has_its_headers(api: Api, share: RawShare) -> None:
    """Else a proxy or a browser would keep what was meant to be read once."""
    for what, answer in one_of_each(api, share).items():
        directives = answer.headers.get("Cache-Control", "").split(", ")
        assert "no-store" in directives, what
        assert answer.headers.get("X-Content-Type-Options") == "nosniff", what
        assert answer.headers.get("Referrer-Policy") == "no-referrer", what


def test_no_answer_names_the_software(api: Api, share: RawShare) -> None:
    """Else a scanner would know which server to attack, and how."""
    for what, answer in one_of_each(api, share).items():
        assert not {"server", "x-powered-by", "via", "set-cookie"} & set(answer.headers), what


def test_every_error_is_a_problem(api: Api, share: RawShare) -> None:
    """Else programs would have to read prose (RFC 9457)."""
    errors = [answer for answer in one_of_each(api, share).values() if answer.status_code >= 400]

    for answer in errors:
        if answer.request.method == "HEAD":
            continue
        problem = answer.json()
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert problem["status"] == answer.status_code
        assert problem["type"] == "about:blank"
        assert {type(problem[name]) for name in ("title", "code", "detail")} == {str}


def test_an_answer_without_a_body_says_so(api: Api, share: RawShare) -> None:
    """Else some clients would wait for one."""
    answers = one_of_each(api, share)

    assert {what for what, answer in answers.items() if answer.status_code == 204} == {
        "ack",
        "revoke",
    }
    assert answers["ack"].content == answers["revoke"].content == b""
