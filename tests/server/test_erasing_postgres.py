"""When it is over, nothing readable is left in PostgreSQL's files: rows, TOAST, log.

Others live on in the same pages meanwhile: an empty table would be cut short, and prove nothing.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING

import pytest

from otv_server.storage.manifests import HEADER_BYTES
from otv_server.storage.postgres import PostgresDatabase
from tests.conftest import RunningServer, running_server
from tests.contract.conftest import LIMITS, Repository, new_link, new_share
from tests.contract.test_repository import attempt, live
from tests.postgres import Cluster, running_cluster
from tests.server.test_erasing import open_link
from tests.support import Api, RawLink, RawShare, eventually, new_secret, send_small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otv_server.domain.share import NewLink

WITHIN_S = 15
WINDOWS = 12  # of 64 bytes, from all over a manifest
SHORT_S = 3
MOST_BYTES = 128 << 10  # so much are the headers of these tests, and not their manifests
PIECES = {"unlock", "iv", "header", "rest"}
# What the documentation tells operators to set.
LOG = {"wal_recycle": "off", "min_wal_size": "32MB"}


@pytest.fixture(scope="module")
def mine() -> Iterator[Cluster]:
    """A PostgreSQL server whose files only these tests write to."""
    with running_cluster(**LOG) as cluster:
        yield cluster


@pytest.fixture
def served(mine: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server on a database of it."""
    with (
        mine.database() as url,
        running_server(
            tmp_path_factory.mktemp("erasing"), database=url, min_free_bytes=0, rate=0, min_ttl=1
        ) as server,
    ):
        yield server


def traces(cluster: Cluster, share: RawShare, most: int = WINDOWS) -> set[int]:
    """Where in its manifest bytes begin that still stand in the cluster's files."""
    manifest = share.link.manifest
    starts = [number * (len(manifest) - 64) // most for number in range(most)]
    return _found(cluster.data, {start: manifest[start : start + 64] for start in starts})


def _found(folder: Path, windows: dict[int, bytes]) -> set[int]:
    """PostgreSQL stores bytes as they are, so that no other spelling is looked for."""
    for _ in range(20):
        try:
            return _found_now(folder, windows)
        except FileNotFoundError:  # between listing it and reading it
            time.sleep(0.05)
    raise AssertionError("files go faster than they can be read")


def _found_now(folder: Path, windows: dict[int, bytes]) -> set[int]:
    return {
        start
        for path in folder.rglob("*")
        if path.is_file()
        for data in [path.read_bytes()]
        for start, window in windows.items()
        if window in data
    }


def settled(cluster: Cluster) -> None:
    """Everything that PostgreSQL still wants to write is written, and its old log is gone."""
    cluster.sql("CHECKPOINT", "SELECT pg_switch_wal()", "CHECKPOINT")


def is_written_anew(cluster: Cluster, server: RunningServer) -> bool:
    """Whether nothing that was erased waits for it."""
    name = server.settings["OTV_DATABASE"].rpartition("/")[2]
    return cluster.sql("SELECT count(*) FROM erasures", database=name) == "0"


@pytest.mark.parametrize("bucket", [4202, 65_642, 262_250])
def test_manifest_is_gone_from_every_file(
    mine: Cluster, served: RunningServer, bucket: int
) -> None:
    """Else a stolen disk and the link together open what was over."""
    api = Api.of(served.url)
    shares = [send_small(api, RawLink(manifest=secrets.token_bytes(bucket))) for _ in range(9)]
    expiring = send_small(api, RawLink(manifest=secrets.token_bytes(bucket), ttl_s=SHORT_S))
    opened, refused, revoked, lived_on = shares[1], shares[3], shares[4], shares[::2]
    lived_on = [share for share in lived_on if share is not revoked]
    settled(mine)
    assert all(traces(mine, share, 1) for share in shares), "the search is blind"

    open_link(opened, opened.link)
    open_link(refused, refused.link, "rejected")
    api.revoke(revoked.sid, revoked.owner)
    time.sleep(SHORT_S)
    assert eventually(lambda: api.look(expiring.link).json()["state"] == "expired")
    assert eventually(lambda: not traces_of_rows(mine, served, expiring), WITHIN_S)
    assert eventually(lambda: is_written_anew(mine, served), WITHIN_S)
    settled(mine)

    for share in (opened, refused, revoked, expiring):
        assert traces(mine, share) == set()
    for share in lived_on:
        assert traces(mine, share, 1)
        assert api.claim(share.link, new_secret()).status_code == 200
    api.http.close()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_too_many_to_write_anew_are_unreadable(mine: Cluster) -> None:
    """Else, where many links live, a stolen disk and the link together open what was over."""
    made = [new_link(manifest=secrets.token_bytes(65_642)) for _ in range(9)]
    over, *others = made[4], *made[:4], *made[5:]
    with mine.database() as url:
        database = PostgresDatabase(url, most_bytes=MOST_BYTES)
        await database.open()
        repository = Repository.on(database, LIMITS)
        shares = {link.id: await live(repository, link) for link in made}
        settled(mine)
        assert all(pieces_left(mine, link) == PIECES for link in made), "the search is blind"

        await repository.sending.revoke(shares[over.id].id, shares[over.id].owner, None)
        await until_erased(database)
        settled(mine)

        assert pieces_left(mine, over) == {"rest"}, "an empty set: the table was written anew"
        assert all(pieces_left(mine, link) == PIECES for link in others)
        for link in others:
            claimed = await repository.opening.claim(link.id, link.access, link.unlock, attempt())
            assert claimed.manifest == link.manifest
        await database.close()


def pieces_left(cluster: Cluster, link: NewLink) -> set[str]:
    """Which pieces of what makes it readable still stand in the cluster's files."""
    header, rest = link.manifest[:HEADER_BYTES], link.manifest[HEADER_BYTES:]
    windows = {"unlock": link.unlock, "iv": header[10:42], "header": header, "rest": rest[64:128]}
    assert set(windows) == PIECES
    names = list(windows)
    return {names[at] for at in _found(cluster.data, dict(enumerate(windows.values())))}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_many_that_were_over_during_a_backup_are_erased(mine: Cluster) -> None:
    """Else a long backup, or a forgotten session, leaves readable what was over meanwhile."""
    made = [new_link() for _ in range(MOST_BYTES // 100)]
    with mine.database() as url:
        database = PostgresDatabase(url, most_bytes=MOST_BYTES)
        await database.open()
        repository = Repository.on(database, LIMITS)
        kept = new_link()
        await live(repository, kept)
        with mine.reading(url.rpartition("/")[2]):
            for at in range(0, len(made), 100):  # more would take a transaction too long
                share = new_share(*made[at : at + 100])
                await repository.sending.create(share, None)
                await repository.sending.revoke(share.id, share.owner, None)
            await database.erase_traces()
        await until_erased(database)
        settled(mine)

        assert pieces_left(mine, made[7]) <= {"rest"}
        assert pieces_left(mine, kept) == PIECES
        await database.close()


async def until_erased(database: PostgresDatabase) -> None:
    """Be patient with whoever still reads."""
    for _ in range(100):
        if await database.erase_traces():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it never was")


def traces_of_rows(cluster: Cluster, server: RunningServer, share: RawShare) -> bool:
    """Whether a row still holds its manifest."""
    name = server.settings["OTV_DATABASE"].rpartition("/")[2]
    query = (
        "SELECT count(*) FROM manifests JOIN links ON links.key = link_key"  # noqa: S608  # an id in hex
        f" WHERE id = '\\x{share.link.id.hex()}'"
    )
    return cluster.sql(query, database=name) != "0"


@pytest.fixture
def plain(mine: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose role has the rights that the documentation asks for, and no others."""
    mine.sql("CREATE ROLE plain LOGIN")
    with mine.database() as url:
        name = url.rpartition("/")[2]
        mine.sql(f"ALTER DATABASE {name} OWNER TO plain")
        with running_server(
            tmp_path_factory.mktemp("plain"), database=mine.url(name, "plain"), min_free_bytes=0
        ) as server:
            yield server
    mine.sql("DROP ROLE plain")


@pytest.mark.parametrize("role", ["served", "plain"])
def test_open_reader_only_delays_it(
    mine: Cluster, role: str, request: pytest.FixtureRequest
) -> None:
    """Else a backup that ran at the wrong moment keeps for ever what was over."""
    served: RunningServer = request.getfixturevalue(role)
    api = Api.of(served.url)
    share, other = send_small(api), send_small(api)
    name = served.settings["OTV_DATABASE"].rpartition("/")[2]
    with mine.reading(name):
        open_link(share, share.link)
        time.sleep(2)  # two sweeps
        assert not is_written_anew(mine, served)
        assert api.look(other.link).status_code == 200

    assert eventually(lambda: is_written_anew(mine, served), WITHIN_S)
    settled(mine)
    assert traces(mine, share) == set()
    assert traces(mine, other, 1)
    api.http.close()
