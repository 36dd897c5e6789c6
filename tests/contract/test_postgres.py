"""What is PostgreSQL's own: a machine that is gone, and a backup that reads for long."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from otv_server.domain.errors import Unavailable
from otv_server.domain.share import LinkState
from otv_server.storage.postgres import PostgresDatabase
from otv_server.storage.rates import SqlRates
from otv_server.storage.tables import usage
from tests.contract.conftest import Repository, Stored, new_link
from tests.contract.test_repository import live
from tests.postgres import running_cluster

pytestmark = pytest.mark.anyio

if TYPE_CHECKING:
    from tests.postgres import Cluster

KEEPALIVES = text(
    "SELECT name, CAST(setting AS INT) AS setting FROM pg_settings WHERE name LIKE 'tcp_%'"
)
CALLS = 20  # more than there are connections


async def usage_ids(database: PostgresDatabase) -> list[int]:
    """The rows of a table, from a database that only just goes on: a second may be too short."""
    async with asyncio.timeout(10):
        while True:
            with suppress(Unavailable):
                return await database.read(lambda tx: [*tx.connection.scalars(select(usage.c.id))])
            await asyncio.sleep(0.1)


async def test_database_that_says_nothing_more_is_given_up(anyio_backend: str) -> None:
    """Else callers wait for ever, and the server needs a restart when the database is back."""
    del anyio_backend
    # asyncpg tells the loop of connections that it has itself given up.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    with running_cluster() as cluster:
        database = PostgresDatabase(cluster.new_database(), answer_s=1)
        await database.open()
        with cluster.frozen():
            silent = await asyncio.gather(
                *(database.write(lambda tx: tx.now) for _ in range(CALLS)), return_exceptions=True
            )
        back = await usage_ids(database)
        await database.close()

    assert {type(each) for each in silent} == {Unavailable}
    assert back == [1]


async def test_stop_does_not_wait_for_a_machine_that_is_gone(anyio_backend: str) -> None:
    """Else a server that is told to stop hangs for as long as TCP hopes, and is killed."""
    del anyio_backend
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # as above
    with running_cluster() as cluster:
        database = PostgresDatabase(cluster.new_database())
        await database.open()
        with cluster.frozen():
            async with asyncio.timeout(30):  # TCP hopes for a quarter of an hour
                await database.close()


@pytest.mark.parametrize("stored", ["postgres"], indirect=True)
async def test_lock_of_a_machine_that_was_cut_off_goes(repository: Repository) -> None:
    """Else nobody erases for hours, for who did was cut off from the network in the middle."""
    rows = await repository.database.read(lambda tx: tx.connection.execute(KEEPALIVES).all())
    told: dict[str, int] = {row.name: row.setting for row in rows}

    idle, pause, count = (told[f"tcp_keepalives_{each}"] for each in ("idle", "interval", "count"))
    assert 0 < idle + pause * count <= 60
    assert 0 < told["tcp_user_timeout"] <= 60_000


@pytest.mark.parametrize("stored", ["postgres"], indirect=True)
@pytest.mark.parametrize("table", ["rates", "salts"])
async def test_backup_keeps_nothing_from_expiring(
    stored: Stored, repository: Repository, emptied_url: str, cluster: Cluster, table: str
) -> None:
    """Else for as long as somebody reads, nothing expires, and nobody can claim."""
    rates = SqlRates(repository.database, 10, bytes)
    await rates.take("somebody")
    link = new_link()
    await live(repository, link)
    stored.clock.pass_s(link.ttl_s)
    with cluster.reading(emptied_url.rpartition("/")[2], f"SELECT FROM {table}"):  # ours
        swept = await repository.sweeping.sweep(10)
        found, _ = await repository.opening.find(link.id, link.access)
        await rates.take("another")

    assert swept.expired == 1
    assert found.state(stored.clock()) is LinkState.EXPIRED
