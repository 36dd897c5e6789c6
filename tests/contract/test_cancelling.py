"""Whoever stops a call stops it: a cancellation is never taken for a failure of the database."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from otv_server.storage.tables import usage
from tests.contract.conftest import Repository, new_link
from tests.contract.test_repository import live

if TYPE_CHECKING:
    from otv_server.storage.database import Transaction

pytestmark = pytest.mark.anyio

MOMENTS = 20
APART_S = 0.002


@pytest.mark.parametrize("stored", ["postgres"], indirect=True)
@pytest.mark.parametrize("statements", [0, 1, 2])
async def test_cancelled_in_the_middle_is_cancelled(
    repository: Repository, statements: int
) -> None:
    """Else a server that is told to stop takes its sweep for failed, and never ends."""
    # asyncpg complains there of a connection that it has itself given up.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    task = asyncio.ensure_future(repository.database.write(lambda tx: work(tx, statements)))

    with suppress(Exception):
        await asyncio.wait([task])

    assert task.cancelled()


@pytest.mark.parametrize("stored", ["postgres"], indirect=True)
async def test_cancelled_while_it_erases_is_cancelled(repository: Repository) -> None:
    """Else a server that is told to stop takes its sweep for failed, and never ends."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # as above
    ended: list[bool] = []
    for moment in range(MOMENTS):
        share = await live(repository, new_link())
        await repository.sending.revoke(share.id, share.owner, None)
        task = asyncio.ensure_future(repository.database.erase_traces())
        await asyncio.sleep(moment * APART_S)
        if task.cancel():
            await asyncio.wait([task])
            ended.append(task.cancelled())

    assert ended
    assert all(ended)


def work(tx: Transaction, statements: int) -> None:
    """Be cancelled after so many statements of three; after the last, that is while it commits."""
    for number in range(3):
        tx.connection.execute(select(usage.c.reserved))
        if number == statements:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
