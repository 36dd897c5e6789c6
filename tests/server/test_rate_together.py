"""Limits on one address hold for all processes together, and nobody's address is kept."""

from __future__ import annotations

import itertools
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.conftest import RunningServer, running_server
from tests.server.timed import Clock, timed_api
from tests.support import Api, eventually, send_small, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Cluster

RATE = 5
TOO_OFTEN = (429, "slow_down")


def two_with_one_clock(stack: ExitStack, folder: Path, url: str) -> list[Api]:
    """Two applications on one database, whose clock stands still."""
    clock = Clock()
    chosen: dict[str, Any] = {"rate": RATE, "database": url, "blobs": f"file://{folder / 'blobs'}"}
    return [
        stack.enter_context(timed_api(folder / name, clock, **chosen)) for name in ("one", "two")
    ]


def test_two_servers_count_together(tmp_path: Path, database_url: str) -> None:
    """Else a guesser gets as many tries more as there are servers."""
    with ExitStack() as stack:
        apis = two_with_one_clock(stack, tmp_path, database_url)

        answers = [api.http.get("/nothing") for _ in range(20) for api in apis]

    assert [verdict(answer) for answer in answers].count((404, "unknown")) == RATE
    assert {answer.headers["Retry-After"] for answer in answers[-5:]} == {"1"}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_refusal_is_whole_and_says_no_other_thing(tmp_path: Path, database_url: str) -> None:
    """Else a client that is told to slow down can't parse what it is told."""
    with ExitStack() as stack:
        apis = two_with_one_clock(stack, tmp_path, database_url)
        for _ in range(RATE):
            apis[0].http.get("/nothing")

        refused = apis[1].http.get("/links/AAECAwQFBgcICQoL")

    assert verdict(refused) == TOO_OFTEN
    assert int(refused.headers["Content-Length"]) == len(refused.content)
    assert "nothing here" not in refused.text


def test_right_proofs_are_not_counted(tmp_path: Path, database_url: str) -> None:
    """Else anyone behind the same address could keep a recipient from reading."""
    with ExitStack() as stack:
        apis = two_with_one_clock(stack, tmp_path, database_url)
        link = send_small(apis[0]).link
        for api, _ in itertools.product(apis, range(20)):
            api.http.get("/nothing")

        answers = [api.look(link).status_code for api in apis for _ in range(20)]

    assert set(answers) == {200}


def flood(url: str, times: int = 120) -> list[int]:
    """So many requests without a proof, on connections of their own; their statuses."""
    asked = [f"{url}/api/v1/nothing"] * times
    with (
        httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0)) as http,
        ThreadPoolExecutor(8) as pool,
    ):
        return [answer.status_code for answer in pool.map(http.get, asked)]


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[RunningServer]:
    """Two worker processes on SQLite."""
    with running_server(tmp_path, workers=2, rate=1, min_free_bytes=0) as running:
        yield running


def test_workers_count_together(workers: RunningServer) -> None:
    """Else a second worker doubles the tries of a guesser."""
    statuses: list[int] = []
    begun = time.time()
    while time.time() < begun + 2:  # a worker that counted alone would let pass more by then
        statuses += flood(workers.url)
    ended = time.time()
    # One at once and one a second. With the minute everyone is forgotten, with the sweep again.
    most = 1 + ended - begun + 2 * (ended // 60 - begun // 60)

    assert statuses.count(404) <= most
    assert statuses.count(429) + statuses.count(404) == len(statuses)


def callers(workers: RunningServer) -> list[bytes]:
    """What is kept of those who came just now."""
    flood(workers.url, 10)
    with closing(sqlite3.connect(workers.data / "otv.db")) as database:
        return [row[0] for row in database.execute("SELECT caller FROM rates")]


def test_no_address_is_kept_on_sqlite(workers: RunningServer) -> None:
    """Else a stolen disk says who came."""
    # Two or none where the minute turns meanwhile.
    assert eventually(lambda: [len(each) for each in callers(workers)] == [16], 20)
    for path in workers.data.glob("otv.db*"):
        assert b"127.0.0.1" not in path.read_bytes()


def test_callers_are_forgotten_with_their_minute(
    tmp_path: Path, cluster: Cluster, database_url: str
) -> None:
    """Else hashes pile up, beside the salt by which addresses can be tried."""
    clock, name = Clock(), database_url.rpartition("/")[2]
    # In the order in which they are emptied: it takes both tables.
    counted = "SELECT (SELECT count(*) FROM salts) + (SELECT count(*) FROM rates)"
    with timed_api(tmp_path, clock, rate=RATE, database=database_url) as api:
        api.http.get("/nothing")
        before = cluster.sql(counted, database=name)
        clock.forward(60)

        assert eventually(lambda: cluster.sql(counted, database=name) == "0")
        assert verdict(api.http.get("/nothing")) == (404, "unknown")
    assert before == "2"
