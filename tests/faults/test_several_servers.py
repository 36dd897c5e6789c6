"""Three servers over one PostgreSQL and one store, and what happens when parts of it go away.

``OTV_TEST_ROUNDS=100`` races as often as that.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.conftest import RunningServer, running_server
from tests.faults.people import NOWHERE, Person
from tests.faults.wire import Moment, Stage, Wire
from tests.object_store import BUCKET
from tests.postgres import Cluster, running_cluster
from tests.server.test_races import all_at_once, claim_request, statuses_of
from tests.support import (
    PART,
    Api,
    RawLink,
    bearer,
    begin,
    eventually,
    new_secret,
    send_content,
    send_small,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.object_store import S3

ROUNDS = int(os.environ.get("OTV_TEST_ROUNDS", "20"))
SERVERS = 3
SIZE = 40 << 20


@contextmanager
def servers_on(
    folder: Path, url: str, count: int, **settings: object
) -> Iterator[list[RunningServer]]:
    """So many servers over one database, with one data folder."""
    chosen = {"database": url, "min_free_bytes": 0, "rate": 0} | settings
    with ExitStack() as stack:
        yield [stack.enter_context(running_server(folder, **chosen)) for _ in range(count)]


@pytest.fixture
def stores(object_store: S3, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Settings that name an object store; the rounds of kills share a folder."""
    for name, value in object_store.environment().items():
        monkeypatch.setenv(name, value)
    return {"blobs": f"s3://{BUCKET}/{secrets.token_hex(8)}"}


@pytest.fixture
def three(
    tmp_path: Path, database_url: str, stores: dict[str, object]
) -> Iterator[list[RunningServer]]:
    """Three servers on the session's cluster."""
    with servers_on(tmp_path, database_url, SERVERS, **stores) as servers:
        yield servers


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server that a test may stop."""
    with running_cluster() as cluster:
        yield cluster


@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_sixty_four_claims_over_three_servers_take_one_opening(three: list[RunningServer]) -> None:
    """Else two people open what was meant for one, because they asked different machines."""
    api = Api.of(three[0].url)
    for _ in range(ROUNDS):
        link = RawLink()
        share = send_small(api, link)
        requests = [claim_request(link, secrets.token_bytes(32), link.unlock) for _ in range(64)]

        answers = asyncio.run(all_at_once([server.url for server in three], requests))

        assert statuses_of(answers) == {200: 1, 410: 63}
        assert len(share.report()["links"][0]["openings"]) == 1
    api.http.close()


def test_guesses_over_three_servers_stop_at_ten(three: list[RunningServer]) -> None:
    """Else a guesser gets ten tries at each machine."""
    api, link = Api.of(three[0].url), RawLink()
    send_small(api, link)
    requests = [
        claim_request(link, secrets.token_bytes(32), secrets.token_bytes(32)) for _ in range(48)
    ]

    answers = asyncio.run(all_at_once([server.url for server in three], requests))

    assert statuses_of(answers) == {403: 10, 423: 38}
    api.http.close()


def test_each_call_of_an_upload_may_meet_another_server(three: list[RunningServer]) -> None:
    """Else a proxy has to know which server a sender began with."""
    apis = [Api.of(server.url) for server in three]
    parts = [secrets.token_bytes(PART), b"the rest"]
    share = begin(apis[0], PART + 8)
    for index, part in enumerate(parts):
        assert apis[1 + index].part(share.sid, share.owner, index, part).status_code == 201
    link, lease = RawLink(), new_secret()

    assert apis[0].seal(share.sid, share.owner, parts, [link]).status_code == 200
    assert apis[1].claim(link, lease).status_code == 200
    assert apis[2].content(link, lease).content == b"".join(parts)
    assert apis[0].ack(link, lease).status_code == 204
    assert apis[1].look(link).json()["state"] == "opened"
    for api in apis:
        api.http.close()


def test_revoked_at_one_server_is_cut_at_another(three: list[RunningServer]) -> None:
    """Else a sender's last resort works only where they happen to be connected."""
    apis = [Api.of(server.url) for server in three]
    share, lease = send_content(apis[0], [secrets.token_bytes(PART)] * 6), new_secret()
    assert apis[1].claim(share.link, lease).status_code == 200

    with apis[1].http.stream(
        "GET",
        f"/links/{share.link.body['id']}/content",
        headers=bearer(lease),
    ) as reading:
        pieces = reading.iter_bytes()
        next(pieces)
        assert apis[2].revoke(share.sid, share.owner).status_code == 204
        with pytest.raises(httpx.RemoteProtocolError):
            read_slowly(pieces)

    for api in apis:
        api.http.close()


def read_slowly(pieces: Iterator[bytes]) -> None:
    """Take what comes, on a line that is slower than the server."""
    for _ in pieces:
        threading.Event().wait(0.2)


# --- the database goes away ---------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_database_restarted_while_files_are_on_their_way(
    own_cluster: Cluster, tmp_path: Path, number: int
) -> None:
    """Else a restart of the database costs everyone who sends or receives at that moment."""
    content = secrets.token_bytes(SIZE)
    people = [Person.at(tmp_path / name) for name in ("sender", "reader")]
    (people[0].otv.folder / "big").write_bytes(content)
    with servers_on(tmp_path, own_cluster.new_database(), 2) as servers:
        restarts = {
            name: Restart(own_cluster, call, stage, SIZE // 4, number)
            for name, call, stage in (
                ("up", "parts", Stage.UP),
                ("down", "content", Stage.DOWN),
            )
        }
        up = Wire(servers[0].url, restarts["up"].watch)
        down = Wire(servers[1].url, restarts["down"].watch)

        sent = people[0].run(up, "put", "big")
        link = sent.stdout.decode().strip().replace(up.url, down.url)
        got = people[1].run(down, "get", link, "-o", "out")
        late = people[0].run(down, "get", link, "-o", "out")
        for wire in (up, down):
            wire.close()
        logs = servers[0].log_text()

    assert (sent.returncode, got.returncode, late.returncode) == (0, 0, 4), (sent, got, late)
    assert (people[1].otv.folder / "out" / "big").read_bytes() == content
    assert all(restart.done.is_set() for restart in restarts.values())
    assert "Traceback" not in logs
    assert '"internal"' not in logs


class Restart:
    """Stops the database for a moment once so many bytes of a call have passed."""

    def __init__(self, cluster: Cluster, call: str, stage: Stage, after: int, number: int) -> None:
        self._cluster, self._call, self._stage = cluster, call, stage
        self._left, self._number = after, number
        self._lock = threading.Lock()
        self.done = threading.Event()

    def watch(self, moment: Moment) -> None:
        """Hear of a moment on the wire."""
        if (moment.call, moment.stage) != (self._call, self._stage):
            return
        with self._lock:
            self._left -= moment.size
            if self._left > 0 or self.done.is_set():
                return
            self._cluster.stop(self._number)
            threading.Event().wait(1)  # callers meet a database that is not there
            self._cluster.start()
            self.done.set()


def test_database_that_is_gone_is_said_and_survived(own_cluster: Cluster, tmp_path: Path) -> None:
    """Else callers wait for ever, or are told that their link is over."""
    with servers_on(tmp_path, own_cluster.new_database(), 1) as (server,):
        api, link, lease = Api.of(server.url), RawLink(), new_secret()
        share = send_small(api, link)
        own_cluster.stop()

        answers = [
            api.claim(link, lease),
            api.look(link),
            api.share(share.sid, share.owner),
            api.create(new_secret()[:12], new_secret(), 5),
            api.revoke(share.sid, share.owner),
        ]
        unready = httpx.get(f"{server.url}/health/ready")
        alive = httpx.get(f"{server.url}/health/live")
        own_cluster.start()

        assert {verdict(answer) for answer in answers} == {(503, "unavailable")}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in [*answers, unready])
        assert (unready.status_code, alive.status_code) == (503, 204)
        assert eventually(lambda: api.claim(link, lease).status_code == 200)
        assert api.claim(link, new_secret()).status_code == 410
        assert eventually(lambda: httpx.get(f"{server.url}/health/ready").status_code == 204)
        api.http.close()


def test_first_call_after_a_restart_is_answered(own_cluster: Cluster, tmp_path: Path) -> None:
    """Else every connection that a server kept costs one caller an error."""
    with servers_on(tmp_path, own_cluster.new_database(), 1) as (server,):
        api = Api.of(server.url)
        share = send_small(api)
        own_cluster.stop()
        own_cluster.start()

        answers = [api.claim(share.link, new_secret()).status_code for _ in range(3)]

        api.http.close()
    assert answers == [200, 410, 410]


# --- a server goes away -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["told", "killed"])
def test_server_that_goes_is_followed_by_another(
    three: list[RunningServer], tmp_path: Path, number: int
) -> None:
    """Else a rollout, or a machine that dies, costs whoever is being served."""
    content = secrets.token_bytes(SIZE)
    sender, reader = (Person.at(tmp_path / name) for name in ("sender", "reader"))
    (sender.otv.folder / "big").write_bytes(content)
    gone = [threading.Event(), threading.Event()]

    def wire_that_loses(which: int, call: str, stage: Stage) -> Wire:
        passed = 0

        def watch(moment: Moment) -> None:
            nonlocal passed
            if (moment.call, moment.stage) == (call, stage) and not gone[which].is_set():
                passed += moment.size
                if passed > SIZE // 4:
                    gone[which].set()
                    wire.target = NOWHERE
                    three[which].process.send_signal(number)
                    wire.target = three[which + 1].url

        wire = Wire(three[which].url, watch)
        return wire

    up = wire_that_loses(0, "parts", Stage.UP)
    sent = sender.run(up, "put", "big")
    down = wire_that_loses(1, "content", Stage.DOWN)
    got = reader.run(down, "get", sent.stdout.decode().strip().replace(up.url, down.url), "-o", "o")
    for wire in (up, down):
        wire.close()

    assert (sent.returncode, got.returncode) == (0, 0), (sent, got)
    assert (reader.otv.folder / "o" / "big").read_bytes() == content
    assert all(event.is_set() for event in gone)
