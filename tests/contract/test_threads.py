"""Transactions that wait for each other share one; each is still whole, or never happened."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from otv_server.domain.errors import Conflict
from otv_server.storage import threads
from otv_server.storage.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from otv_server.storage.database import Transaction

pytestmark = pytest.mark.anyio
PATIENCE_S = 10


class Company:
    """Work that all waits for the writing thread, and is then run together."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._is_held, self._go = threading.Event(), threading.Event()
        self._holding = asyncio.create_task(database.write(self._hold))

    def _hold(self, _: Transaction) -> None:
        self._is_held.set()
        assert self._go.wait(PATIENCE_S)

    async def answers(self, *work: Callable[[Transaction], object]) -> list[object]:
        """What each was answered: a result, or an error."""
        await asyncio.to_thread(self._is_held.wait, PATIENCE_S)
        asked = [asyncio.create_task(self._database.write(each)) for each in work]
        await asyncio.sleep(0)  # each has taken its place
        self._go.set()
        await self._holding
        return await asyncio.gather(*asked, return_exceptions=True)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteDatabase]:
    """A database with a table of this test's own."""
    database = SqliteDatabase(path, lambda: 0)
    await database.open()
    await database.write(lambda tx: tx.connection.execute(text("CREATE TABLE words (word TEXT)")))
    try:
        yield database
    finally:
        await database.close()


def put(word: str, error: Exception | None = None) -> Callable[[Transaction], str]:
    """Work that writes a word; that it then refuses, or breaks, must take the word back."""

    def work(tx: Transaction) -> str:
        tx.connection.execute(text("INSERT INTO words VALUES (:word)"), {"word": word})
        if error is not None:
            raise error
        return word

    return work


def words(path: Path) -> list[str]:
    """What is durable, as another program sees it."""
    with closing(sqlite3.connect(path)) as outside:
        return [word for (word,) in outside.execute("SELECT word FROM words ORDER BY word")]


async def test_each_has_its_own_answer(tmp_path: Path) -> None:
    """Else one caller is given another's share."""
    path, count = tmp_path / "otv.db", 2 * threads.MOST_TOGETHER + 1
    async with opened(path) as database:
        expected = [f"{number:03}" for number in range(count)]

        assert await Company(database).answers(*map(put, expected)) == expected
        assert words(path) == expected


async def test_refusal_takes_back_its_own_work_alone(tmp_path: Path) -> None:
    """Else one caller's mistake undoes what others were told is done, or leaves half a share."""
    path, refusal = tmp_path / "otv.db", Conflict()
    async with opened(path) as database:
        company = Company(database)

        assert await company.answers(put("a"), put("b", refusal), put("c")) == ["a", refusal, "c"]
        assert words(path) == ["a", "c"]


async def test_what_breaks_costs_no_one_else(tmp_path: Path) -> None:
    """Else a bug that one caller meets is an error, or twice the work, for all who came with it."""
    path, broken = tmp_path / "otv.db", ZeroDivisionError()
    async with opened(path) as database:
        company = Company(database)

        assert await company.answers(put("a"), put("b", broken), put("c")) == ["a", broken, "c"]
        assert words(path) == ["a", "c"]


async def test_answer_comes_after_what_was_done_is_durable(tmp_path: Path) -> None:
    """Else a link is handed out that a crash takes back, or opens twice."""
    path = tmp_path / "otv.db"
    async with opened(path) as database:
        seen = await asyncio.gather(
            *(_put_and_look(database, path, f"{number:02}") for number in range(20))
        )

    assert all(word in found for word, found in seen)


async def _put_and_look(database: SqliteDatabase, path: Path, word: str) -> tuple[str, list[str]]:
    await database.write(put(word))
    return word, words(path)


async def test_whoever_went_away_holds_nobody_up(tmp_path: Path) -> None:
    """Else a caller who hangs up in the middle stops the server's writing for all."""
    async with opened(tmp_path / "otv.db") as database:
        gone = asyncio.create_task(database.write(put("gone")))
        await asyncio.sleep(0)
        gone.cancel()

        assert await database.write(put("there")) == "there"
