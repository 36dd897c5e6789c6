"""A place of blobs is one database's, and a database finds its blobs at their place."""

from __future__ import annotations

import asyncio
import errno
import re
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import obstore
import pytest
from obstore.store import MemoryStore

from otv_server.domain.errors import Unavailable
from otv_server.storage.blobs import MARKER, DiskBlobs
from otv_server.storage.places import WrongPlace
from otv_server.storage.sqlite import SqliteDatabase
from tests.contract.conftest import (
    LIMITS,
    Clock,
    Repository,
    as_blobs,
    new_share,
    ownership_of,
    sweeping_of,
)
from tests.contract.inspecting import Seen
from tests.contract.test_repository import part_of
from tests.contract.test_sweep import blob_names, bytes_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from otv_server.storage.ownership import Ownership
    from tests.contract.conftest import Blobs

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stranger(blobs: Blobs, tmp_path: Path) -> AsyncIterator[Ownership]:
    """Another database's claim to the same place."""
    database = SqliteDatabase(tmp_path / "other.db", Clock())
    await database.open()
    yield ownership_of(Repository.on(database, LIMITS), blobs)
    await database.close()


@pytest.fixture
async def elsewhere(tmp_path: Path) -> DiskBlobs:
    """Another place, which is empty."""
    made = DiskBlobs(tmp_path / "elsewhere", secrets.token_bytes, time.time, 60)
    await made.open()
    return made


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


async def test_mark_that_went_is_put_again(
    repository: Repository, blobs: Blobs, stranger: Ownership, tmp_path: Path
) -> None:
    """Else a place whose mark has expired is anybody's."""
    await send_part(repository, blobs)
    await ownership_of(repository, blobs).check(marks=True)
    await remove_mark(blobs, tmp_path)

    assert await sweeping_of(repository, blobs).delete_strangers() == 0

    with pytest.raises(WrongPlace):
        await stranger.check(marks=True)


async def test_bare_place_is_not_marked_meanwhile(
    repository: Repository, blobs: Blobs, tmp_path: Path
) -> None:
    """Else a disk that dropped out has its empty mount point marked, and claims go to that."""
    await ownership_of(repository, blobs).check(marks=True)
    await remove_mark(blobs, tmp_path)

    with pytest.raises(Unavailable):
        await sweeping_of(repository, blobs).delete_strangers()

    assert await blobs.owner() is None


@pytest.mark.parametrize("marks", [True, False])
async def test_second_machine_without_the_place_is_refused(
    repository: Repository,
    blobs: Blobs,
    elsewhere: DiskBlobs,
    marks: bool,  # noqa: FBT001  # pytest's own
) -> None:
    """Else each machine stores in a folder of its own, and readers reach the other one."""
    await ownership_of(repository, blobs, is_shared=True).check(marks=True)

    with pytest.raises(WrongPlace):
        await ownership_of(repository, elsewhere, is_shared=True).check(marks=marks)

    assert await elsewhere.owner() is None
    await ownership_of(repository, blobs, is_shared=True).check(marks=marks)


async def test_all_may_start_at_once(repository: Repository, blobs: Blobs) -> None:
    """Else the first start of three servers over one prefix fails on two of them."""
    places = [
        ownership_of(repository, blobs, is_shared=True, pause=asyncio.sleep) for _ in range(4)
    ]

    await asyncio.gather(*(place.check(marks=True) for place in places))

    assert await blobs.owner() is not None


async def test_machine_alone_takes_another_place(
    repository: Repository, blobs: Blobs, elsewhere: DiskBlobs
) -> None:
    """Else a person who emptied the folder between two starts is sent to the documents."""
    await ownership_of(repository, blobs).check(marks=True)

    await ownership_of(repository, elsewhere).check(marks=True)

    assert await elsewhere.owner() == await blobs.owner()


async def test_place_that_a_person_marked_is_taken(
    repository: Repository, blobs: Blobs, elsewhere: DiskBlobs
) -> None:
    """Else who does what the refusal says, with any editor, is told to delete all that is there."""
    await ownership_of(repository, blobs, is_shared=True).check(marks=True)
    with pytest.raises(WrongPlace) as refused:
        await ownership_of(repository, elsewhere, is_shared=True).check(marks=True)
    (told,) = re.findall(r"\b[0-9a-f]{32}\b", str(refused.value))

    await elsewhere.mark(f"{told}\n")

    await ownership_of(repository, elsewhere, is_shared=True).check(marks=True)


async def test_first_start_that_fails_keeps_nobody_out(
    repository: Repository, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a store that was away at the very first start is refused for good."""

    async def away(_database_id: str) -> None:
        raise Unavailable

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(blobs, "mark", away)
        with pytest.raises(Unavailable):
            await ownership_of(repository, blobs, is_shared=True).check(marks=True)

    await ownership_of(repository, blobs, is_shared=True).check(marks=True)


async def test_store_that_knows_no_conditions_is_marked(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else no server starts on an object store that is a little older."""
    put = obstore.put

    def older(*given: Any, mode: str, **named: Any) -> Any:
        if mode == "create":
            raise NotImplementedError
        return put(*given, mode="overwrite", **named)

    monkeypatch.setattr(obstore, "put", older)  # all stores at hand know them
    blobs = as_blobs(MemoryStore())

    await ownership_of(repository, blobs, is_shared=True).check(marks=True)
    await ownership_of(repository, blobs, is_shared=True).check(marks=True)


async def test_first_mark_stays(blobs: Blobs) -> None:
    """Else of two databases that start at once on one prefix both store there, and both delete."""
    await blobs.mark("first")
    await blobs.mark("second")

    assert await blobs.owner() == "first"


async def test_folder_without_hard_links_is_marked(
    elsewhere: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else no server starts on a memory stick."""

    def refused(*_names: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")  # as vfat does; mounting one takes root

    monkeypatch.setattr("os.link", refused)
    await elsewhere.mark("first")
    await elsewhere.mark("second")

    assert await elsewhere.owner() == "first"


async def remove_mark(blobs: Blobs, folder: Path) -> None:
    """As a rule does that expires objects, or a disk that goes."""
    if isinstance(blobs, DiskBlobs):
        (folder / "blobs" / MARKER).unlink()
    else:
        await blobs.delete(MARKER)
