"""The loop around the sweep: it goes on, whatever happens to one sweep."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from otv_server import app
from otv_server.domain.errors import NoRoom, Unavailable
from otv_server.domain.ports import Swept
from otv_server.settings import Settings
from otv_server.storage.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Failing:
    """A sweep that fails in every way it can, and then counts."""

    def __init__(self) -> None:
        self.errors: list[Exception] = [Unavailable(), OSError(28, "full"), NoRoom(), KeyError()]
        self.swept = asyncio.Event()

    async def end_due(self) -> Swept:
        """Fail while there is a way left to fail."""
        if self.errors:
            raise self.errors.pop()
        return Swept()

    async def erase_traces(self) -> None:
        """What comes when something was ended."""
        self.swept.set()

    async def delete_orphans(self) -> int:
        """Wait for a blob store that does not answer."""
        await asyncio.Event().wait()
        return 0

    async def delete_strangers(self) -> int:
        """Wait for it, too."""
        return await self.delete_orphans()


def test_no_error_ends_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one full disk, or a silent blob store, and nothing ever expires any more."""
    monkeypatch.setattr(app, "SWEEP_EVERY_S", 0)

    async def run() -> None:
        sweeping = Failing()
        loop = asyncio.create_task(app.sweep_for_ever(sweeping))  # type: ignore[arg-type]  # a double with the calls that the loop makes
        await asyncio.wait_for(sweeping.swept.wait(), timeout=10)
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop

    asyncio.run(run())


def test_start_waits_for_no_erasing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a server can't come back while the database's disk is nearly full."""

    async def no_room(_database: SqliteDatabase) -> bool:
        raise Unavailable

    monkeypatch.setattr(SqliteDatabase, "erase_traces", no_room)

    async def run() -> None:
        parts = app.join(Settings(data=tmp_path / "data"))
        await parts.open()
        await parts.database.close()

    asyncio.run(run())
