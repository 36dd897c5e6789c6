"""What is SQLite's own: its log, and readers from outside of this program."""

from __future__ import annotations

import secrets
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from otv_server.domain.errors import Unavailable
from otv_server.storage.sqlite import SqliteDatabase
from tests.contract.conftest import Repository, new_link
from tests.contract.test_repository import live

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("stored", ["sqlite"], indirect=True)
async def test_outside_reader_stalls_nobody(repository: Repository, tmp_path: Path) -> None:
    """Else a backup tool that reads the database for a minute stops all uploads and openings."""
    await live(repository, new_link())
    with closing(sqlite3.connect(tmp_path / "otv.db")) as outside:
        outside.execute("BEGIN")
        outside.execute("SELECT count(*) FROM links").fetchone()
        await live(repository, new_link())
        started = time.monotonic()

        is_erased = await repository.sweeping.erase_traces()
        await live(repository, new_link())

        waited = time.monotonic() - started
    assert not is_erased
    assert waited < 5  # a tenth of a second; ten seconds is what SQLite would wait for the reader
    assert await repository.sweeping.erase_traces()


async def test_damaged_database_is_unavailable_and_no_crash(tmp_path: Path) -> None:
    """Else a damaged disk ends the sweep, or shows callers a traceback."""
    path = tmp_path / "otv.db"
    path.write_bytes(secrets.token_bytes(8192))
    database = SqliteDatabase(path, lambda: 0)

    with pytest.raises(Unavailable):
        await database.open()

    await database.close()
