"""The versions of the schema, and the way from each to the next.

A step only adds, and gives what it adds a default: servers of the version before go on working
beside those of the new one until they are restarted, one after the other. What a version needs
no more goes with the version after. A program refuses to start on a schema newer than its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, inspect, select, text, update

from otv_server.storage.database import WrongSchema, is_postgres
from otv_server.storage.tables import (
    SCHEMA_VERSION,
    erasures,
    headers,
    metadata,
    rates,
    salts,
    schema,
    token_shares,
    upload_tokens,
    usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from otv_server.storage.database import Transaction


def bring_up_to_date(tx: Transaction, name: str) -> int:
    """Make the tables, or take the steps that are missing; the version found, 0 for none.

    The caller holds a lock that keeps every other start out. ``name`` is what people call the
    database.

    Raises:
        WrongSchema: the version is newer than this program's, or there are strange tables.
    """
    found = _version_of(tx.connection, name)
    if found > SCHEMA_VERSION:
        raise WrongSchema(
            f"{name} has schema {found}, and this program reads schemas up to {SCHEMA_VERSION}:"
            " start the version that made it, or use another database."
        )
    if found == 0:
        _make(tx.connection)
    for version in range(found or SCHEMA_VERSION, SCHEMA_VERSION):
        STEPS[version](tx.connection)
        tx.connection.execute(update(schema).values(version=version + 1))
    return found


def known_database_id(tx: Transaction) -> str | None:
    """What tells this database from all others; None, where it has no such name yet."""
    found: str | None = tx.connection.scalar(select(schema.c.database_id))
    return found


def database_id(tx: Transaction, proposed: str) -> str:
    """What tells this database from all others; ``proposed``, where it has no such name yet."""
    tx.connection.execute(
        update(schema).where(schema.c.database_id.is_(None)).values(database_id=proposed)
    )
    found = known_database_id(tx)
    assert found is not None
    return found


def forget_database_id(tx: Transaction, mine: str) -> None:
    """No name again, where it is still this one."""
    tx.connection.execute(
        update(schema).where(schema.c.database_id == mine).values(database_id=None)
    )


def _version_of(connection: Connection, name: str) -> int:
    tables = inspect(connection).get_table_names()
    if not tables:
        return 0
    version: int | None = None
    if schema.name in tables:
        version = connection.scalar(select(schema.c.version))
    if version is None:
        raise WrongSchema(f"{name} was made by another program.")
    return version


def _make(connection: Connection) -> None:
    metadata.create_all(connection)
    _keep_out_of_logs(connection)
    connection.execute(insert(schema).values(version=SCHEMA_VERSION))
    connection.execute(insert(usage).values(id=1, reserved=0, stored=0))


def _keep_out_of_logs(connection: Connection) -> None:
    if is_postgres(connection):
        for table in (rates, salts):
            connection.execute(text(f"ALTER TABLE {table.name} SET UNLOGGED"))


def _to_2(connection: Connection) -> None:
    """Several processes: who deletes what, how often an address came, and what to be rid of."""
    connection.execute(
        text("ALTER TABLE orphans ADD COLUMN taken_until BIGINT NOT NULL DEFAULT '0'")
    )
    connection.execute(text("ALTER TABLE schema ADD COLUMN database_id VARCHAR"))
    metadata.create_all(connection, tables=[erasures, headers, rates, salts])
    _keep_out_of_logs(connection)


def _to_3(connection: Connection) -> None:
    """Upload tokens. Some databases of version 1 have these two tables: they stay as they are."""
    metadata.create_all(connection, tables=[upload_tokens, token_shares])


STEPS: dict[int, Callable[[Connection], None]] = {1: _to_2, 2: _to_3}
