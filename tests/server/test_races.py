"""Many callers at one instant, on real sockets, against two worker processes.

Each caller sends its whole request but the last byte; then all last bytes go out at once.
``OTV_TEST_ROUNDS=100 pytest tests/server/test_races.py`` runs the long version.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import running_server
from tests.support import Api, RawLink, b64, hashed, send_small

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conftest import RunningServer

ROUNDS = int(os.environ.get("OTV_TEST_ROUNDS", "20"))


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two worker processes on one data folder."""
    folder = tmp_path_factory.mktemp("workers")
    with running_server(folder, workers=2, min_free_bytes=0, rate=0) as running:
        yield running


@pytest.fixture(scope="module")
def calls(workers: RunningServer) -> Iterator[Api]:
    """The sender's calls to them."""
    api = Api.of(workers.url)
    yield api
    api.http.close()


def claim_request(link: RawLink, lease: bytes, unlock: bytes) -> bytes:
    """A whole claim, as bytes on the wire."""
    body = json.dumps({"unlock": b64(unlock), "lease": b64(hashed(lease))}).encode()
    head = (
        f"POST /api/v1/links/{b64(link.id)}/claim HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {b64(link.access)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def all_at_once(
    urls: str | Sequence[str], requests: Sequence[bytes]
) -> list[tuple[int, dict[str, Any]]]:
    """Status and JSON of every request, at the servers in turn; all complete at the same moment."""
    targets = [urlsplit(url) for url in ([urls] if isinstance(urls, str) else urls)]
    streams = [
        await asyncio.open_connection(target.hostname, target.port, limit=1 << 20)
        for target, _ in zip(itertools.cycle(targets), requests, strict=False)
    ]
    for (_, writer), request in zip(streams, requests, strict=True):
        writer.write(request[:-1])
        await writer.drain()
    for (_, writer), request in zip(streams, requests, strict=True):
        writer.write(request[-1:])
    answers = await asyncio.gather(*(reader.read() for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    return [parse(answer) for answer in answers]


def parse(answer: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON of one answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def statuses_of(answers: list[tuple[int, dict[str, Any]]]) -> dict[int, int]:
    """How many answers had which status."""
    statuses = [status for status, _ in answers]
    return {status: statuses.count(status) for status in sorted(set(statuses))}


@pytest.mark.section9("racing claims past the number of openings")
@pytest.mark.parametrize("opens", [1, 3])
def test_sixty_four_claims_take_what_there_is(
    workers: RunningServer, calls: Api, opens: int
) -> None:
    """Else two people open what was meant for one."""
    for _ in range(ROUNDS):
        link = RawLink(opens=opens)
        share = send_small(calls, link)
        requests = [claim_request(link, secrets.token_bytes(32), link.unlock) for _ in range(64)]

        answers = asyncio.run(all_at_once(workers.url, requests))

        assert statuses_of(answers) == {200: opens, 410: 64 - opens}
        openings = share.report()["links"][0]["openings"]
        assert len(openings) == opens


def test_twenty_right_claims_on_twenty_openings_all_win(workers: RunningServer, calls: Api) -> None:
    """Else a crowd at the door costs somebody the opening that was theirs."""
    for _ in range(ROUNDS):
        link = RawLink(opens=20)
        send_small(calls, link)
        requests = [claim_request(link, secrets.token_bytes(32), link.unlock) for _ in range(20)]

        answers = asyncio.run(all_at_once(workers.url, requests))

        assert statuses_of(answers) == {200: 20}


def test_one_lease_sent_by_many_retries_is_one_opening(workers: RunningServer, calls: Api) -> None:
    """Else a client that retries in a hurry spends what it needs later."""
    for _ in range(ROUNDS):
        link = RawLink(opens=3)
        share = send_small(calls, link)
        request = claim_request(link, secrets.token_bytes(32), link.unlock)

        answers = asyncio.run(all_at_once(workers.url, [request] * 16))

        assert statuses_of(answers) == {200: 16}
        assert len({body["lease_until"] for _, body in answers}) == 1
        assert share.report()["links"][0]["opens_left"] == 2


@pytest.mark.section9("racing guesses past the limit")
def test_forty_wrong_passwords_lock_after_ten(workers: RunningServer, calls: Api) -> None:
    """Else guessing in parallel tries more than ten passwords; or the owner can't help."""
    for _ in range(ROUNDS):
        link = RawLink()
        share = send_small(calls, link)
        requests = [
            claim_request(link, secrets.token_bytes(32), secrets.token_bytes(32)) for _ in range(40)
        ]

        answers = asyncio.run(all_at_once(workers.url, requests))

        assert statuses_of(answers) == {403: 10, 423: 30}
        assert calls.claim(link, secrets.token_bytes(32)).status_code == 423
        assert calls.reset(share.sid, share.owner, link).status_code == 204
        assert calls.claim(link, secrets.token_bytes(32)).status_code == 200


def test_hundredth_wrong_password_ends_the_link(workers: RunningServer, calls: Api) -> None:
    """Else a sender who forgives too easily lends a guesser as many tries as he likes."""
    link = RawLink()
    share = send_small(calls, link)
    for _ in range(10):
        requests = [
            claim_request(link, secrets.token_bytes(32), secrets.token_bytes(32)) for _ in range(20)
        ]
        answers = asyncio.run(all_at_once(workers.url, requests))
        wrong = statuses_of(answers)[403]
        calls.reset(share.sid, share.owner, link)
        assert wrong == 10

    assert calls.look(link).json()["state"] == "guessed"
    assert calls.claim(link, secrets.token_bytes(32)).status_code == 410
