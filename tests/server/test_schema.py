"""The OpenAPI document against the server, by schemathesis: what the one says, the other does.

Seeded, so that a run today and a run in a year try the same requests.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from tests.server.test_openapi import TABLE
from tests.support import RawLink, b64, bearer, begin, new_secret, send_content

if TYPE_CHECKING:
    from tests.conftest import RunningServer
    from tests.support import Api

Call = tuple[str, str]
CALLS = list(TABLE)
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
EXAMPLES, FEW_EXAMPLES = 20, 6
LARGE_BODIES = {("/shares/{}", "put"), ("/shares/{}/seal", "post")}  # a second each to think of
# What is well-formed may still be wrong (a digest, a limit of the operator's); and a proof that
# is missing is 404, for reasons that the protocol gives.
EXCLUDED: list[Any] = [positive_data_acceptance, ignored_auth]


@pytest.fixture(scope="module")
def document(server: RunningServer) -> Any:
    """The document as it is served."""
    return schemathesis.openapi.from_url(f"{server.url}/api/v1/openapi.json")


def operation_of(document: Any, call: Call) -> Any:
    """One operation, by its path without parameters' names, and its method."""
    path, method = call
    (found,) = [
        known for known in document if re.sub(r"\{[^}]*\}", "{}", known) == f"/api/v1{path}"
    ]
    return document[found][method.upper()]


def statuses(operation: Any, mode: GenerationMode, examples: int, **fixed: Any) -> set[int]:
    """Send what the document allows, or what it forbids, and check every answer against it."""
    seen: set[int] = set()

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, **fixed))
    def run(case: schemathesis.Case[Any]) -> None:
        # How a body is sent is the connection's business, and refused before there is a call.
        assume("transfer-encoding" not in {name.lower() for name in case.headers or {}})
        answer = case.call()
        seen.add(answer.status_code)
        case.validate_response(answer, excluded_checks=EXCLUDED)

    with suppress(Unsatisfiable):  # some calls have nothing in them to get wrong
        run()
    return seen


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_what_anyone_sends_is_answered_as_documented(
    document: Any, call: Call, mode: GenerationMode
) -> None:
    """Else a client made from the document meets answers that it knows nothing of."""
    examples = FEW_EXAMPLES if call in LARGE_BODIES else EXAMPLES

    statuses(operation_of(document, call), mode, examples)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("call", [call for call in CALLS if TABLE[call][0]], ids=" ".join)
def test_what_a_holder_of_proofs_sends_is_answered_as_documented(
    document: Any, api: Api, call: Call, mode: GenerationMode
) -> None:
    """Else what lies behind the proofs is documented, and nobody has ever looked."""
    operation = operation_of(document, call)
    link, lease = RawLink(opens=100), new_secret()
    share = send_content(api, [b"content"], link)
    assert api.claim(link, lease).status_code == 200
    if call[0] in ("/shares/{}/seal", "/shares/{}/parts/{}"):
        share = begin(api, None)
    proof = {"/shares": share.owner, "/links/{}/content": lease, "/links/{}/ack": lease}
    known = {"sid": b64(share.sid), "link_id": b64(link.id), "index": "0"}
    named = {name: known[name] for name in re.findall(r"\{(\w+)\}", operation.path)}

    seen = statuses(
        operation,
        mode,
        FEW_EXAMPLES if call in LARGE_BODIES else EXAMPLES,
        path_parameters=None if call == ("/shares/{}", "put") else named,
        headers=bearer(proof.get(call[0], share.owner if "shares" in call[0] else link.access)),
    )

    assert 404 not in seen
