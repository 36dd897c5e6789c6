"""Writing PostgreSQL's tables anew stops claims, so it is not tried over and over in vain."""

from __future__ import annotations

from contextlib import suppress

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from otv_server.domain.errors import Unavailable
from otv_server.storage import traces
from tests.contract.conftest import Repository, Stored, new_link
from tests.contract.test_repository import live

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("stored", ["postgres"], indirect=True)]

MINUTES = 10


class Tries:
    """Stands for writing a table anew: counts how often that is tried, and never does it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count, self._error = 0, error

    async def __call__(self, *_args: object, **_named: object) -> bool:
        """Fail, or find others in the way."""
        self.count += 1
        if self._error is not None:
            raise self._error
        return False


async def tries_in_vain(stored: Stored, repository: Repository) -> None:
    """Something was erased; the sweep comes by each second, for so many minutes."""
    share = await live(repository, new_link())
    await repository.sending.revoke(share.id, share.owner, None)
    for _ in range(60 * MINUTES):
        stored.clock.pass_s(1)
        with suppress(Unavailable):
            assert not await repository.sweeping.erase_traces()


async def test_who_is_in_the_way_is_not_asked_all_the_time(
    stored: Stored, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else during a backup claims wait behind one server's try after the other's."""
    tries = Tries()
    monkeypatch.setattr(traces, "_is_vacuumed", tries)

    await tries_in_vain(stored, repository)

    assert 1 < tries.count <= MINUTES + 5


async def test_what_failed_is_left_alone_for_minutes(
    stored: Stored, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else on a slow or a full disk claims are stopped most of the time."""
    tries = Tries(DBAPIError("VACUUM", None, asyncpg.DiskFullError("no room")))
    monkeypatch.setattr(traces, "_is_vacuumed", tries)

    await tries_in_vain(stored, repository)

    assert 1 <= tries.count <= MINUTES / 5 + 1
