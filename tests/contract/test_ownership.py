"""A place of blobs is one database's, and a database finds its blobs at their place."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from otv_server.domain.errors import Unavailable
from otv_server.storage.ownership import Ownership
from otv_server.storage.places import WrongPlace
from otv_server.storage.sqlite import SqliteDatabase
from tests.contract.conftest import Clock, new_share, ownership_of, sweeping_of
from tests.contract.inspecting import Seen
from tests.contract.test_repository import part_of
from tests.contract.test_sweep import blob_names, bytes_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.contract.conftest import Blobs, Repository

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stranger(blobs: Blobs, tmp_path: Path) -> AsyncIterator[Ownership]:
    """Another database's claim to the same place."""
    database = SqliteDatabase(tmp_path / "other.db", Clock())
    await database.open()
    yield Ownership(database, blobs, "here", secrets.token_hex(16))
    await database.close()


async def send_part(repository: Repository, blobs: Blobs, data: bytes | None = b"data") -> None:
    """A share with a part, whose bytes are here; None: elsewhere."""
    share = new_share(content_bytes=4)
    await repository.sending.create(share, None)
    part = replace(part_of(share, b"data"), blob=blobs.new_name())
    await repository.sending.begin_part(part, None)
    if data is not None:
        await blobs.put(part.blob, bytes_of(data), Seen())
    await repository.sending.finish_part(part)


async def test_empty_place_is_taken_once(
    repository: Repository, blobs: Blobs, stranger: Ownership
) -> None:
    """Else two installations on one prefix delete each other's files within the hour."""
    mine = ownership_of(repository, blobs)
    await mine.check(marks=True)
    await mine.check(marks=True)

    with pytest.raises(WrongPlace):
        await stranger.check(marks=True)


async def test_looking_takes_nothing(
    repository: Repository, blobs: Blobs, stranger: Ownership
) -> None:
    """Else ``check``, run over the wrong database, keeps the right one's servers from starting."""
    await stranger.check(marks=False)

    await ownership_of(repository, blobs).check(marks=True)


async def test_place_without_the_files_of_live_links_is_refused(
    repository: Repository, blobs: Blobs
) -> None:
    """Else openings are spent on files that can't be read, and those stay where they are."""
    mine = ownership_of(repository, blobs)
    await send_part(repository, blobs, None)

    for marks in (True, False):
        with pytest.raises(WrongPlace):
            await mine.check(marks=marks)

    assert await blobs.owner() is None


async def test_place_from_before_there_were_marks_is_kept(
    repository: Repository, blobs: Blobs
) -> None:
    """Else an upgrade locks everybody out of a folder that is as it should be."""
    await send_part(repository, blobs)

    await ownership_of(repository, blobs).check(marks=True)

    assert await blobs.owner() is not None


async def test_nothing_is_deleted_at_a_place_that_became_anothers(
    repository: Repository, blobs: Blobs, stranger: Ownership
) -> None:
    """Else who lost the mark, to a rule that expires objects, loses all files to the next one."""
    await stranger.check(marks=True)
    theirs = blobs.new_name()
    await blobs.put(theirs, bytes_of(b"x"), Seen())

    with pytest.raises(Unavailable):
        await sweeping_of(repository, blobs).delete_strangers()

    assert theirs in await blob_names(blobs)


async def test_mark_that_went_is_put_again(repository: Repository, blobs: Blobs) -> None:
    """Else a place whose mark has expired is anybody's."""
    assert await sweeping_of(repository, blobs).delete_strangers() == 0

    assert await blobs.owner() is not None
