"""A schema that changes while links live: what an older program left goes on under this one.

``schema_1.*.sql`` is what the first version made. Its rows are made by today's program and copied.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, inspect, select, text, update

from otv_server.domain.tokens import TokenTerms
from otv_server.storage.database import Transaction, WrongSchema
from otv_server.storage.manifests import find
from otv_server.storage.postgres import PostgresDatabase
from otv_server.storage.sqlite import SqliteDatabase
from otv_server.storage.tables import (
    SCHEMA_VERSION,
    erasures,
    headers,
    manifests,
    metadata,
    orphans,
    rates,
    salts,
    schema,
    token_shares,
    upload_tokens,
)
from tests.contract.conftest import (
    LIMITS,
    Clock,
    Repository,
    new_link,
    new_share,
    until_someone_waits,
)
from tests.contract.test_repository import attempt, live, part_of, sealed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otv_server.storage.database import Database
    from tests.postgres import Cluster

pytestmark = pytest.mark.anyio

TOKEN_TABLES = (upload_tokens, token_shares)
NEW_TABLES = (erasures, headers, rates, salts, *TOKEN_TABLES)
NEW_COLUMNS = {("orphans", "taken_until"), ("schema", "database_id")}


class Pair:
    """Two empty databases of one kind, which any number of processes may open."""

    def __init__(self, kind: str, places: list[str]) -> None:
        self.kind, self._places = kind, places
        self.clock = Clock()
        self._opened: list[Database] = []

    def connect(self, number: int) -> Database:
        """Another process on one of both; nothing is made yet."""
        place = self._places[number]
        made: Database = (
            SqliteDatabase(Path(place), self.clock)
            if self.kind == "sqlite"
            else PostgresDatabase(place, self.clock)
        )
        self._opened.append(made)
        return made

    async def close(self) -> None:
        """Close all of them."""
        for each in self._opened:
            await each.close()


@pytest.fixture(params=["sqlite", "postgres"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Where there is room for two databases."""
    if request.param == "sqlite":
        yield "sqlite", [str(tmp_path / "one.db"), str(tmp_path / "two.db")]
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with cluster.database() as one, cluster.database() as two:
        yield "postgres", [one, two]


@pytest.fixture
async def pair(places: tuple[str, list[str]]) -> Any:
    """Two databases."""
    made = Pair(*places)
    yield made
    await made.close()


def ports(database: Database) -> Repository:
    """The repository on a database."""
    return Repository.on(database, LIMITS)


async def as_first_version(pair: Pair, source: Database) -> Database:
    """The rows of ``source`` in a database as the first version made it."""
    rows = await source.read(_all_rows)
    target = pair.connect(1)
    statements = Path(__file__).with_name(f"schema_1.{pair.kind}.sql").read_text().split("\n\n")

    def make(tx: Transaction) -> None:
        for statement in statements[1:]:
            tx.connection.execute(text(statement))
        for table in metadata.sorted_tables:
            for row in rows.get(table.name, []):
                tx.connection.execute(table.insert(), row)
            if pair.kind == "postgres" and rows.get(table.name) and "key" in table.c:
                _set_sequence(tx, table.name)
        tx.connection.execute(update(schema).values(version=1))

    await target.write(make)
    return target


def _all_rows(tx: Transaction) -> dict[str, list[dict[str, Any]]]:
    rows = _rows_of_first_tables(tx)
    for row in rows[manifests.name]:
        secret = find(tx, row["link_key"])
        assert secret is not None
        row |= {"unlock": secret.unlock, "manifest": secret.manifest}
    return rows


def _rows_of_first_tables(tx: Transaction) -> dict[str, list[dict[str, Any]]]:
    return {
        table.name: [
            {
                name: value
                for name, value in row._mapping.items()  # noqa: SLF001  # SQLAlchemy's public name
                if (table.name, name) not in NEW_COLUMNS
            }
            for row in tx.connection.execute(select(table))
        ]
        for table in metadata.sorted_tables
        if table not in NEW_TABLES
    }


def _set_sequence(tx: Transaction, table: str) -> None:
    highest = f"SELECT setval('{table}_key_seq', (SELECT max(key) FROM {table}))"  # noqa: S608  # our tables
    tx.connection.execute(text(highest))


async def test_links_live_through_an_upgrade(pair: Pair) -> None:
    """Else whoever updates the server loses what others have sent, or opens it twice."""
    source = pair.connect(0)
    await source.open()
    before = ports(source)
    fresh, leased, mine = new_link(), new_link(), attempt()
    share = await sealed(before, fresh)
    await live(before, leased)
    answer = await before.opening.claim(leased.id, leased.access, leased.unlock, mine)
    arriving = new_share(content_bytes=5)
    part = part_of(arriving, b"bytes")
    await before.sending.create(arriving, None)
    await before.sending.begin_part(part, None)

    upgraded = await as_first_version(pair, source)
    found = await upgraded.open()
    after = ports(upgraded)

    assert found == 1
    assert await after.opening.claim(leased.id, leased.access, leased.unlock, mine) == answer
    claimed = await after.opening.claim(fresh.id, fresh.access, fresh.unlock, attempt())
    assert claimed.digests == (share.parts[0].digest,)
    assert await after.sending.finish_part(part)
    await live(after, new_link())
    pair.clock.pass_s(LIMITS.lease_floor_s)
    await after.sweeping.sweep(10)
    assert set(await after.sweeping.orphans(10)) == {share.parts[0].blob, part.blob}


async def test_upgraded_is_as_if_made_new(pair: Pair) -> None:
    """Else a database that has grown old behaves as none that tests ever see."""
    made = pair.connect(0)
    await made.open()

    upgraded = await as_first_version(pair, made)
    await upgraded.open()

    assert await upgraded.read(_shape) == await made.read(_shape)


def _shape(tx: Transaction) -> dict[str, Any]:
    seen = inspect(tx.connection)
    return {
        name: (
            {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in seen.get_columns(name)
            },
            sorted(str(index["column_names"]) for index in seen.get_indexes(name)),
            sorted(str(key["referred_table"]) for key in seen.get_foreign_keys(name)),
        )
        for name in seen.get_table_names()
    }


async def test_many_that_start_at_once_upgrade_once(pair: Pair) -> None:
    """Else a rollout on three machines runs each step three times, and fails in the middle."""
    source = pair.connect(0)
    await source.open()
    await as_first_version(pair, source)

    found = await asyncio.gather(*(pair.connect(1).open() for _ in range(4)))

    assert sorted(found) == [1, *[SCHEMA_VERSION] * 3]


async def test_many_that_start_at_once_make_it_once(pair: Pair) -> None:
    """Else the first start on three machines fails on two of them."""
    found = await asyncio.gather(*(pair.connect(0).open() for _ in range(4)))

    assert sorted(found) == [0, *[SCHEMA_VERSION] * 3]


async def test_older_program_goes_on_beside_it(pair: Pair) -> None:
    """Else everything stops while servers are replaced one after the other."""
    source = pair.connect(0)
    await source.open()
    share = new_share(content_bytes=5)
    await ports(source).sending.create(share, None)
    upgraded = await as_first_version(pair, source)
    await upgraded.open()
    part = part_of(share, b"bytes")

    def announce_as_version_1(tx: Transaction) -> None:
        tx.connection.execute(
            text(
                "INSERT INTO orphans (blob, share_key, reserved, due_at)"
                " VALUES (:blob, (SELECT key FROM shares), 0, :due)"
            ),
            {"blob": part.blob, "due": pair.clock() + 1000},
        )

    await upgraded.write(announce_as_version_1)

    assert await ports(upgraded).sending.finish_part(part)


async def test_tokens_of_the_first_version_stay_good(pair: Pair) -> None:
    """Else whoever was handed one before the update can't send any more."""
    source = pair.connect(0)
    await source.open()
    old = await as_first_version(pair, source)
    digest = b"d" * 32
    await old.write(lambda tx: metadata.create_all(tx.connection, tables=TOKEN_TABLES))
    await ports(old).tokens.add(TokenTerms("Ann"), digest)

    await old.open()

    await ports(old).tokens.recognise(digest)


async def test_upgrade_on_postgres_lets_others_pass(cluster: Cluster) -> None:
    """Else whoever updates during a backup stops every server until the backup is over."""
    with cluster.database() as made, cluster.database() as old:
        pair = Pair("postgres", [made, old])
        await pair.connect(0).open()
        live = await as_first_version(pair, pair.connect(0))
        name = old.rpartition("/")[2]
        with cluster.reading(name, "SELECT 1 FROM orphans"):
            upgrade = asyncio.create_task(pair.connect(1).open())
            await until_someone_waits(live)
            assert await live.read(_count_of_orphans) == 0
            assert not upgrade.done()

        assert await upgrade == 1
        await pair.close()


def _count_of_orphans(tx: Transaction) -> int | None:
    return tx.connection.scalar(select(func.count()).select_from(orphans))


async def test_newer_schema_is_refused_and_left_alone(pair: Pair) -> None:
    """Else a server that was forgotten in a rollout destroys what it can't read."""
    database = pair.connect(0)
    await database.open()
    newer = SCHEMA_VERSION + 1
    await database.write(lambda tx: tx.connection.execute(update(schema).values(version=newer)))

    with pytest.raises(WrongSchema, match=f"schema {newer}"):
        await pair.connect(0).open()

    assert await database.read(lambda tx: tx.connection.scalar(select(schema.c.version))) == newer


async def test_strange_tables_are_left_alone(pair: Pair) -> None:
    """Else a typing error mixes two programs' tables in one database."""
    database = pair.connect(0)
    await database.write(
        lambda tx: tx.connection.execute(text("CREATE TABLE recipes (name VARCHAR)"))
    )

    with pytest.raises(WrongSchema):
        await database.open()

    tables = await database.read(lambda tx: inspect(tx.connection).get_table_names())
    assert tables == ["recipes"]
