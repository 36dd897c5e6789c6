"""One and the same miss for every reason (protocol section 7, authorization)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support import (
    Api,
    RawShare,
    b64,
    bearer,
    digest_header,
    hashed,
    new_id,
    new_secret,
    send_content,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.conftest import RunningServer

DATA = b"content"
HASH = b64(bytes(32))


@dataclass(frozen=True)
class Call:
    """A call of the protocol's table that asks for a proof; ``kind`` says which."""

    kind: str
    method: str
    path: str
    body: dict[str, object] | None = None

    def send(
        self, api: Api, sid: bytes, link_id: bytes, headers: list[tuple[str, str]]
    ) -> httpx.Response:
        """The call about these ids, well formed but for its ``Authorization``."""
        path = self.path.format(sid=b64(sid), id=b64(link_id))
        if self.path.endswith("/parts/0"):
            sent = [*headers, *digest_header(DATA).items()]
            return api.http.request(self.method, path, content=DATA, headers=sent)
        return api.http.request(self.method, path, json=self.body, headers=headers)


CALLS = [
    Call("owner", "PUT", "/shares/{sid}/parts/0"),
    Call(
        "owner",
        "POST",
        "/shares/{sid}/seal",
        {"parts": 1, "bytes": len(DATA), "root": HASH, "links": []},
    ),
    Call("owner", "GET", "/shares/{sid}"),
    Call("owner", "POST", "/shares/{sid}/links/{id}/reset"),
    Call("owner", "DELETE", "/shares/{sid}"),
    Call("owner", "DELETE", "/shares/{sid}/links/{id}"),
    Call("access", "GET", "/links/{id}"),
    Call("access", "POST", "/links/{id}/claim", {"unlock": HASH, "lease": HASH}),
    Call("lease", "GET", "/links/{id}/content"),
    Call("lease", "POST", "/links/{id}/ack", {"outcome": "opened", "mac": HASH}),
]
IDS = [f"{call.method} {call.path}" for call in CALLS]

UNUSABLE: dict[str, Callable[[str], list[str]]] = {
    "missing": lambda _: [],
    "twice the right one": lambda right: [f"Bearer {right}"] * 2,
    "right and wrong": lambda right: [f"Bearer {right}", f"Bearer {HASH}"],
    "two tokens": lambda right: [f"Bearer {right}, Bearer {right}"],
    "basic": lambda right: [f"Basic {right}"],
    "no scheme": lambda right: [right],
    "no token": lambda _: ["Bearer"],
    "short": lambda right: [f"Bearer {right[:-1]}"],
    "long": lambda right: [f"Bearer {right}A"],
    "padded": lambda right: [f"Bearer {right}="],
    # The last of 43 characters carries four bits; this sets one of the two that must be 0.
    "not canonical": lambda right: [f"Bearer {right[:-1]}{chr(ord(right[-1]) + 1)}"],
    "other alphabet": lambda right: [f"Bearer {right[:-1]}+"],
}


@dataclass
class World:
    """A live share, a live lease on it, and another share, with all their proofs."""

    share: RawShare
    other: RawShare
    lease: bytes
    other_lease: bytes

    def proof(self, kind: str) -> bytes:
        """The right proof of a kind."""
        return {"owner": self.share.owner, "access": self.share.link.access, "lease": self.lease}[
            kind
        ]

    def wrong_proofs(self, kind: str) -> list[bytes]:
        """All that is a secret here, and not the right one of this kind."""
        mine, theirs = self.share, self.other
        everything = {
            *(mine.owner, mine.link.access, mine.link.unlock, self.lease),
            *(theirs.owner, theirs.link.access, theirs.link.unlock, self.other_lease),
            hashed(self.proof(kind)),
            new_secret(),
        }
        return sorted(everything - {self.proof(kind)})


@pytest.fixture(scope="module")
def world(server: RunningServer) -> Iterator[World]:
    """Two shares with content, each claimed once. No test here gets anything done to them."""
    api = Api.of(server.url)
    first, second = send_content(api, [DATA]), send_content(api, [DATA])
    first_lease, second_lease = new_secret(), new_secret()
    api.claim(first.link, first_lease)
    api.claim(second.link, second_lease)
    yield World(first, second, first_lease, second_lease)
    api.http.close()


def seen(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All of an answer that its caller can see, but for the date."""
    headers = [(name, text) for name, text in answer.headers.multi_items() if name != "date"]
    return answer.status_code, headers, answer.content


def the_miss(api: Api, call: Call) -> tuple[int, list[tuple[str, str]], bytes]:
    """What this call says of ids that nobody ever used."""
    answer = call.send(api, new_id(), new_id(), [*bearer(new_secret()).items()])
    assert verdict(answer) == (404, "unknown")
    return seen(answer)


@pytest.mark.section9("a wrong A")
@pytest.mark.section9("O used as T")
@pytest.mark.section9("T on another id")
@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_wrong_proof_is_an_unknown_id(api: Api, world: World, call: Call) -> None:
    """Else a guesser could tell which ids exist, or use one proof in place of another."""
    miss = the_miss(api, call)

    for proof in world.wrong_proofs(call.kind):
        answer = call.send(api, world.share.sid, world.share.link.id, [*bearer(proof).items()])
        assert seen(answer) == miss


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_right_proof_on_another_id_is_an_unknown_id(api: Api, world: World, call: Call) -> None:
    """Else a proof of one share or link would say something of another."""
    headers = [*bearer(world.proof(call.kind)).items()]

    answer = call.send(api, world.other.sid, world.other.link.id, headers)

    assert seen(answer) == the_miss(api, call)


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_unusable_authorization_is_an_unknown_id(api: Api, world: World, call: Call) -> None:
    """Else the form of a header would tell whether an id exists, or two readers of it differ."""
    miss, right = the_miss(api, call), b64(world.proof(call.kind))

    for how, values_of in UNUSABLE.items():
        headers = [("Authorization", value) for value in values_of(right)]
        answer = call.send(api, world.share.sid, world.share.link.id, headers)
        assert seen(answer) == miss, how


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
def test_case_of_the_scheme_does_not_matter(api: Api, world: World, scheme: str) -> None:
    """Else clients that write it as their library does would be refused."""
    answer = api.http.get(
        f"/links/{b64(world.share.link.id)}",
        headers={"Authorization": f"{scheme} {b64(world.share.link.access)}"},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_nothing_of_a_body_is_judged_before_the_proof(api: Api, world: World, call: Call) -> None:
    """Else a bad body would tell whether the id before it exists."""
    path = call.path.format(sid=b64(world.share.sid), id=b64(world.share.link.id))

    answer = api.http.request(
        call.method, path, content=b"{no json", headers=bearer(new_secret()) | digest_header(DATA)
    )

    assert seen(answer) == the_miss(api, call)


MALFORMED = ["AAECAwQFBgcICQo", "AAECAwQFBgcICQoLA", "AAECAwQFBgcICQo=", "AAECAwQFBgcICQo+", "x"]


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_ids_are_parsed_before_the_proof(api: Api, world: World, call: Call) -> None:
    """Else one id would have two spellings, or its form would tell whether a proof is right."""
    named = {"sid": b64(world.share.sid), "id": b64(world.share.link.id)}
    last = "id" if "{id}" in call.path else "sid"

    for bad in MALFORMED:
        path = call.path.format(**named | {last: bad})
        for proof in (world.proof(call.kind), new_secret()):
            answer = api.http.request(call.method, path, headers=bearer(proof))
            assert verdict(answer) == (400, "malformed"), bad


def test_part_numbers_are_parsed_before_the_proof(api: Api, world: World) -> None:
    """Else the form of a number would tell whether a proof is right."""
    answers = [
        api.http.put(
            f"/shares/{b64(world.share.sid)}/parts/01",
            content=DATA,
            headers=bearer(proof) | digest_header(DATA),
        )
        for proof in (world.share.owner, new_secret())
    ]

    assert [verdict(answer) for answer in answers] == [(400, "malformed")] * 2


def test_unknown_path_is_the_same_miss(api: Api, world: World) -> None:
    """Else a path that does not exist could be told from an id that does not."""
    miss = the_miss(api, CALLS[6])

    for path in ("/", "/nothing", f"/links/{b64(world.share.link.id)}/nothing", "/shares"):
        assert seen(api.http.get(path)) == miss


def test_body_of_the_miss_is_the_one_in_the_protocol(api: Api) -> None:
    """Else clients made after the document would not know it."""
    answer = api.http.get(f"/links/{b64(new_id())}", headers=bearer(new_secret()))

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.text == (
        '{"type":"about:blank","title":"Not Found","status":404,"code":"unknown",'
        '"detail":"There is nothing here."}'
    )
