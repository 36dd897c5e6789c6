"""The OpenAPI document says what the server does (protocol section 7)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from otv_server.api import wire
from otv_server.api.problems import STATUS
from tests.support import (
    Api,
    RawLink,
    b64,
    begin,
    new_id,
    new_secret,
    send_content,
    send_small,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

Json = dict[str, Any]

# Call: (security, statuses of success). The table of protocol section 7.
TABLE: dict[tuple[str, str], tuple[list[Json] | None, set[str]]] = {
    ("/info", "get"): (None, {"200"}),
    ("/shares/{}", "put"): ([{}, {"upload_token": []}], {"200", "201"}),
    ("/shares/{}", "get"): ([{"owner": []}], {"200"}),
    ("/shares/{}", "delete"): ([{"owner": []}], {"204"}),
    ("/shares/{}/parts/{}", "put"): ([{"owner": []}], {"201", "204"}),
    ("/shares/{}/seal", "post"): ([{"owner": []}], {"200"}),
    ("/shares/{}/links/{}", "delete"): ([{"owner": []}], {"204"}),
    ("/shares/{}/links/{}/reset", "post"): ([{"owner": []}], {"204"}),
    ("/links/{}", "get"): ([{"access": []}], {"200"}),
    ("/links/{}/claim", "post"): ([{"access": []}], {"200"}),
    ("/links/{}/content", "get"): ([{"lease": []}], {"200", "206"}),
    ("/links/{}/ack", "post"): ([{"lease": []}], {"204"}),
}
# What each call may answer beside 400, 403, 421, 429 and 503.
ERRORS = {
    ("/info", "get"): set[str](),
    ("/shares/{}", "put"): {"401", "409", "413", "507"},
    ("/shares/{}", "get"): {"404"},
    ("/shares/{}", "delete"): {"404"},
    ("/shares/{}/parts/{}", "put"): {"404", "409", "410", "411", "413", "507"},
    ("/shares/{}/seal", "post"): {"404", "409", "410", "413", "507"},
    ("/shares/{}/links/{}", "delete"): {"404"},
    ("/shares/{}/links/{}/reset", "post"): {"404", "410"},
    ("/links/{}", "get"): {"404"},
    ("/links/{}/claim", "post"): {"403", "404", "410", "413", "423"},
    ("/links/{}/content", "get"): {"403", "404", "410", "416"},
    ("/links/{}/ack", "post"): {"404", "409", "410", "413"},
}
BODIES: dict[str, type[wire.Request]] = {
    "CreateBody": wire.CreateBody,
    "SealBody": wire.SealBody,
    "ClaimBody": wire.ClaimBody,
    "AckBody": wire.AckBody,
}


@pytest.fixture
def document(api: Api) -> Json:
    """The document as it is served."""
    found: Json = api.http.get("/openapi.json").json()
    return found


def calls_of(document: Json) -> dict[tuple[str, str], Json]:
    """Every operation, by path without its parameters' names, and method."""
    return {
        (re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/api/v1")), method): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def media_of(operation: Json) -> Iterator[tuple[str, str, Json]]:
    """Where a body stands (``request`` or a status), its type, and its media object."""
    bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
    for where, body in bodies.items():
        for kind, media in body.get("content", {}).items():
            yield where, kind, media


def validator(document: Json, schema: Json) -> Draft202012Validator:
    """A check of values against a schema of the document."""
    return Draft202012Validator(schema | {"components": document["components"]})


def test_document_is_openapi_3_1(document: Json) -> None:
    """Else no generator of clients could read it."""
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert {"title", "version"} <= set(document["info"])
    ids = [operation["operationId"] for operation in calls_of(document).values()]
    assert len(ids) == len(set(ids))
    for operation in calls_of(document).values():
        assert operation["summary"]
        assert all(answer["description"] for answer in operation["responses"].values())
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(document: Json) -> None:
    """Else a generator of clients would stop half way."""
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    assert set(re.findall(r"'\$ref': '([^']*)'", str(document))) <= known


def test_every_parameter_of_a_path_is_described(document: Json) -> None:
    """Else a generator of clients would leave it out."""
    for path, item in document["paths"].items():
        for operation in item.values():
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == set(re.findall(r"\{([^}]*)\}", path)), path


def test_every_call_of_the_protocol_is_there_and_no_other(document: Json) -> None:
    """Else the document would be of another interface than the protocol's."""
    assert set(calls_of(document)) == set(TABLE)


@pytest.mark.parametrize("call", TABLE, ids=" ".join)
def test_call_says_its_proof_and_its_success(document: Json, call: tuple[str, str]) -> None:
    """Else a client made from the document would send the wrong proof, or miss an answer."""
    operation = calls_of(document)[call]
    security, statuses = TABLE[call]

    assert operation.get("security") == security
    assert {status for status in operation["responses"] if status < "400"} == statuses


@pytest.mark.parametrize("call", TABLE, ids=" ".join)
def test_call_says_its_errors(document: Json, call: tuple[str, str]) -> None:
    """Else a client made from the document would not expect them."""
    answers = calls_of(document)[call]["responses"]
    errors = {status: answer for status, answer in answers.items() if status >= "400"}

    assert set(errors) == ERRORS[call] | {"400", "403", "421", "429", "503"}
    for answer in errors.values():
        schema = answer["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}


def test_every_code_is_named_where_it_is_answered(document: Json) -> None:
    """Else programs would not know which codes to branch on."""
    named: set[tuple[str, str]] = set()
    for operation in calls_of(document).values():
        for status, answer in operation["responses"].items():
            named |= {(status, code) for code in re.findall(r"`([a-z_]+)`", answer["description"])}

    table = {(str(status), kind.code) for kind, status in STATUS.items()}
    assert named == table - {("405", "method")}


def test_every_json_body_has_an_example(document: Json) -> None:
    """Else a reader of the document would have to guess what bytes stand behind a pattern."""
    for call, operation in calls_of(document).items():
        for where, kind, media in media_of(operation):
            if kind == "application/json":
                assert media.get("examples"), (call, where)


def test_every_example_fits_its_schema(document: Json) -> None:
    """Else whoever copies an example would be refused."""
    for operation in calls_of(document).values():
        for _, _, media in media_of(operation):
            for example in media.get("examples", {}).values():
                validator(document, media["schema"]).validate(example["value"])


@pytest.mark.parametrize("name", BODIES)
def test_every_example_of_a_request_is_taken(document: Json, name: str) -> None:
    """Else whoever copies an example would be refused."""
    found = [
        example["value"]
        for operation in calls_of(document).values()
        for where, _, media in media_of(operation)
        if where == "request" and media["schema"].get("$ref", "").endswith(f"/{name}")
        for example in media["examples"].values()
    ]

    assert found
    for value in found:
        wire.parse(json.dumps(value).encode(), BODIES[name])


def test_request_schemas_take_no_other_field(document: Json) -> None:
    """Else the document would allow what the server refuses."""
    for name in [*BODIES, "LinkBody"]:
        assert document["components"]["schemas"][name]["additionalProperties"] is False


def test_security_schemes_are_bearers_and_a_header(document: Json) -> None:
    """Else a client made from the document would put the proof in another place."""
    schemes = document["components"]["securitySchemes"]

    kinds = {name: scheme.get("scheme", scheme.get("name")) for name, scheme in schemes.items()}
    assert kinds == {
        "access": "bearer",
        "owner": "bearer",
        "lease": "bearer",
        "upload_token": "OTV-Upload-Token",
    }


def one_of_each(api: Api) -> Iterator[tuple[tuple[str, str], httpx.Response]]:
    """Real answers of every call, good and bad."""
    share, lease = send_content(api, [b"content"], RawLink(opens=2)), new_secret()
    upload = begin(api, None)
    yield ("/info", "get"), api.http.get("/info")
    yield ("/shares/{}", "put"), api.create(new_id(), new_secret(), 9)
    yield ("/shares/{}", "put"), api.http.put(f"/shares/{b64(new_id())}", content=b"{")
    yield ("/shares/{}/parts/{}", "put"), api.part(upload.sid, upload.owner, 0, b"part")
    yield ("/shares/{}/parts/{}", "put"), api.part(upload.sid, upload.owner, 0, b"trap")
    yield ("/shares/{}/seal", "post"), api.seal(upload.sid, upload.owner, [b"part"], [RawLink()])
    yield ("/links/{}", "get"), api.look(share.link)
    yield ("/links/{}/claim", "post"), api.claim(share.link, lease, unlock=lease)
    yield ("/links/{}/claim", "post"), api.claim(share.link, lease)
    yield ("/links/{}/content", "get"), api.content(share.link, lease)
    yield ("/links/{}/content", "get"), api.content(share.link, lease, range_="bytes=1-2")
    yield ("/links/{}/content", "get"), api.content(share.link, lease, range_="bytes=9-")
    yield ("/shares/{}", "get"), share.api.share(share.sid, share.owner)
    yield ("/links/{}/ack", "post"), api.ack(share.link, lease)
    yield ("/links/{}/ack", "post"), api.ack(share.link, lease, "rejected")
    yield ("/shares/{}/links/{}/reset", "post"), api.reset(share.sid, share.owner, share.link)
    yield ("/shares/{}/links/{}", "delete"), api.revoke(share.sid, share.owner, share.link)
    yield ("/shares/{}", "delete"), api.revoke(share.sid, share.owner)
    yield ("/shares/{}", "get"), share.api.share(share.sid, share.owner)
    yield ("/links/{}", "get"), api.look(share.link)
    yield ("/links/{}/claim", "post"), api.claim(share.link, new_secret())
    scheduled = send_small(api, RawLink(delay_s=100)).link
    yield ("/links/{}", "get"), api.look(scheduled)
    yield ("/links/{}/claim", "post"), api.claim(scheduled, lease)


def test_real_answers_fit_the_document(api: Api, document: Json) -> None:
    """Else a client made from the document could not read what comes."""
    calls = calls_of(document)

    for call, answer in one_of_each(api):
        documented = calls[call]["responses"][str(answer.status_code)].get("content", {})
        kind = answer.headers.get("Content-Type")
        assert set(documented) == ({kind} if answer.content else set())
        if kind and kind.endswith("json"):
            validator(document, documented[kind]["schema"]).validate(answer.json())


def test_every_call_was_tried(api: Api) -> None:
    """Else the test above would say less than its name."""
    assert {call for call, _ in one_of_each(api)} == set(TABLE)
