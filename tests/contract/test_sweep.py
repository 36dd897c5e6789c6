"""What the sweep promises, held against every adapter."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from otv_server.domain.errors import Unavailable, Unknown
from otv_server.domain.ports import Swept
from otv_server.domain.share import ClaimAttempt, LinkState, Outcome, ShareState
from otv_server.service.sweeping import Undeletable
from otv_server.storage.sweeping import TAKEN_S
from tests.contract.conftest import (
    LIMITS,
    Repository,
    Stored,
    new_link,
    new_share,
    ownership_of,
    sweeping_of,
)
from tests.contract.inspecting import Seen
from tests.contract.test_repository import live, part_of, sealed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.contract.conftest import Blobs

pytestmark = pytest.mark.anyio


async def bytes_of(data: bytes) -> AsyncIterator[bytes]:
    """One chunk."""
    yield data


async def blob_names(blobs: Blobs) -> set[str]:
    """Everything in the store."""
    return {name async for group in blobs.names() for name in group}


async def test_expired_link_is_over_and_its_bytes_are_due(
    stored: Stored, repository: Repository
) -> None:
    """Else what nobody fetched stays readable for ever."""
    link = new_link()
    share = await sealed(repository, link)
    stored.clock.pass_s(600)

    swept = await repository.sweeping.sweep(10)

    assert (swept.expired, swept.lapsed) == (1, 0)
    found, now = await repository.opening.find(link.id, link.access)
    assert (found.over, found.state(now)) == (True, LinkState.EXPIRED)
    assert list(await repository.sweeping.orphans(10)) == [share.parts[0].blob]


async def test_live_lease_outlasts_the_expiry(stored: Stored, repository: Repository) -> None:
    """Else whoever opened late loses the file in the middle."""
    link = new_link()
    share = await live(repository, link)
    mine = ClaimAttempt(secrets.token_bytes(32), None)
    stored.clock.pass_s(599)
    await repository.opening.claim(link.id, link.access, link.unlock, mine)
    stored.clock.pass_s(2000)
    await repository.sweeping.sweep(10)

    await repository.opening.claim(link.id, link.access, link.unlock, mine)
    stored.clock.pass_s(LIMITS.lease_floor_s - 2000)
    swept = await repository.sweeping.sweep(10)

    assert swept.lapsed == 1
    report = await repository.sending.find(share.id, share.owner)
    assert report.state is ShareState.GONE
    assert report.links[0].openings[0].outcome is Outcome.LAPSED


async def test_idle_upload_ends(stored: Stored, repository: Repository) -> None:
    """Else what a crashed sender left fills the disk."""
    share = new_share(content_bytes=100)
    await repository.sending.create(share, None)
    stored.clock.pass_s(LIMITS.idle_upload_s - 1)
    part = part_of(share, b"x" * 100)
    await repository.sending.begin_part(part, None)
    await repository.sending.finish_part(part)
    stored.clock.pass_s(LIMITS.idle_upload_s - 1)
    early = await repository.sweeping.sweep(10)
    stored.clock.pass_s(1)

    late = await repository.sweeping.sweep(10)

    assert (early.uploads_ended, late.uploads_ended) == (0, 1)
    assert list(await repository.sweeping.orphans(10)) == [part.blob]


async def test_upload_lasts_at_most_a_day(stored: Stored, repository: Repository) -> None:
    """Else a part an hour would hold room for ever."""
    share = new_share(content_bytes=None)
    await repository.sending.create(share, None)
    for index in range(40):
        stored.clock.pass_s(LIMITS.idle_upload_s - 1)
        await repository.sweeping.sweep(10)
        if (await repository.sending.find(share.id, share.owner)).state is ShareState.GONE:
            break
        part = part_of(share, b"x", index)
        await repository.sending.begin_part(part, None)
        await repository.sending.finish_part(part)

    assert index == 24


async def test_receipts_are_forgotten_after_retention(
    stored: Stored, repository: Repository
) -> None:
    """Else traces of who opened what pile up for ever; or the sender finds no receipt."""
    link = new_link()
    share = await live(repository, link)
    mine = ClaimAttempt(secrets.token_bytes(32), None)
    await repository.opening.claim(link.id, link.access, link.unlock, mine)
    await repository.opening.acknowledge(link.id, mine.lease, Outcome.OPENED, b"m" * 32)
    stored.clock.pass_s(600 + LIMITS.retention_s - 1)
    await repository.sweeping.sweep(10)
    report = await repository.sending.find(share.id, share.owner)
    stored.clock.pass_s(1)

    swept = await repository.sweeping.sweep(10)

    assert report.links[0].openings[0].mac == b"m" * 32
    assert swept.forgotten == 1
    with pytest.raises(Unknown):
        await repository.opening.find(link.id, link.access)


async def test_retention_counts_from_the_end_not_from_the_sweep(
    stored: Stored, repository: Repository
) -> None:
    """Else a server that was off keeps traces longer than it says."""
    link = new_link()
    share = await live(repository, link)
    stored.clock.pass_s(600 + LIMITS.retention_s)

    swept = await repository.sweeping.sweep(10)

    assert (swept.expired, swept.forgotten) == (1, 1)
    with pytest.raises(Unknown):
        await repository.sending.find(share.id, share.owner)


async def test_batches_leave_nothing(stored: Stored, repository: Repository) -> None:
    """Else what does not fit one batch waits for a sweep that thinks it is done."""
    for _ in range(5):
        await live(repository, new_link())
    stored.clock.pass_s(600)

    swept = [await repository.sweeping.sweep(2) for _ in range(4)]

    assert [each.expired for each in swept] == [2, 2, 1, 0]
    assert [each.is_complete for each in swept] == [False, False, True, True]


async def test_deleting_is_retried_until_done(
    stored: Stored, repository: Repository, blobs: Blobs
) -> None:
    """Else a crash between the row and the file leaves ciphertext behind."""
    blob = blobs.new_name()
    share = new_share(content_bytes=4)
    await repository.sending.create(share, None)
    part = replace(part_of(share, b"data"), blob=blob)
    await repository.sending.begin_part(part, None)
    await blobs.put(blob, bytes_of(b"data"), Seen())
    await repository.sending.finish_part(part)
    await repository.sending.revoke(share.id, share.owner, None)
    crashed = await repository.sweeping.orphans(10)  # and the process died here

    another = await stored.open()
    early = await sweeping_of(another, blobs).sweep()
    stored.clock.pass_s(TAKEN_S)
    swept = await sweeping_of(another, blobs).sweep()

    assert list(crashed) == [blob]
    assert (early.deleted, swept.deleted) == (0, 1)
    assert await blob_names(blobs) == set()
    assert not await another.sweeping.orphans(10)


async def test_blob_that_comes_after_it_was_deleted_is_deleted_again(
    repository: Repository, blobs: Blobs
) -> None:
    """Else ciphertext of a revoked share, whose last part was on its way, lies there for a day."""
    share = new_share(content_bytes=4)
    await repository.sending.create(share, None)
    part = replace(part_of(share, b"data"), blob=blobs.new_name())
    await repository.sending.begin_part(part, None)
    await repository.sending.revoke(share.id, share.owner, None)
    taken = await repository.sweeping.orphans(10)
    for blob in taken:
        await blobs.delete(blob)  # nothing is there yet

    await blobs.put(part.blob, bytes_of(b"data"), Seen())
    await repository.sending.abandon_part(part.blob)
    await repository.sweeping.forget_orphans(taken)

    assert list(taken) == [part.blob]
    assert await sweeping_of(repository, blobs).sweep() == Swept(deleted=1)
    assert await blob_names(blobs) == set()


async def test_blob_that_can_not_be_deleted_is_told(
    stored: Stored, repository: Repository, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a store that lost the right to delete keeps everything, and nobody hears of it."""
    share = new_share(content_bytes=None)
    await repository.sending.create(share, None)
    kept, going = (part_of(share, b"data", index) for index in (0, 1))
    for part in (kept, going):
        await repository.sending.begin_part(part, None)
        await repository.sending.finish_part(part)
    await repository.sending.revoke(share.id, share.owner, None)

    async def refuse_one(blob: str) -> None:
        if blob == kept.blob:
            raise Unavailable

    monkeypatch.setattr(blobs, "delete", refuse_one)
    with pytest.raises(Undeletable):
        await sweeping_of(repository, blobs).sweep()
    stored.clock.pass_s(TAKEN_S)

    assert list(await repository.sweeping.orphans(10)) == [kept.blob]


async def test_blob_that_no_row_names_is_deleted(repository: Repository, blobs: Blobs) -> None:
    """Else bytes of a process that died at the worst moment stay for ever; others must stay."""
    await ownership_of(repository, blobs).check(marks=True)
    share = new_share(content_bytes=None)
    await repository.sending.create(share, None)
    named, arriving = (
        replace(part_of(share, b"data", index), blob=blobs.new_name()) for index in (0, 1)
    )
    stranger = blobs.new_name()
    for blob in (named.blob, arriving.blob, stranger):
        await blobs.put(blob, bytes_of(b"data"), Seen())
    for part in (named, arriving):
        await repository.sending.begin_part(part, None)
    await repository.sending.finish_part(named)

    deleted = await sweeping_of(repository, blobs).delete_strangers()

    assert deleted == 1
    assert await blob_names(blobs) == {named.blob, arriving.blob}
