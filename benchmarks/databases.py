"""Which database is measured: SQLite's file, or a PostgreSQL server started for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.postgres import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

SQLITE, POSTGRES = "sqlite", "postgres"
# As an operator would run it: durable, and with some memory.
DURABLE = {"fsync": "on", "shared_buffers": "1GB", "max_wal_size": "4GB", "wal_recycle": "off"}


@contextmanager
def rows_in(database: str, **settings: str) -> Iterator[Cluster | None]:
    """A cluster for the length of a with block; None for SQLite."""
    if database == SQLITE:
        yield None
        return
    with running_cluster(**settings) as cluster:
        yield cluster
