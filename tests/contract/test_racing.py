"""Calls that meet each other in every pair that one row decides, from several processes."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from sqlalchemy import select

from otv_server.domain.errors import (
    Conflict,
    NoRoom,
    OtvError,
    Over,
    SlowDown,
    Unavailable,
    WrongPassword,
)
from otv_server.domain.limits import content_root
from otv_server.domain.share import Outcome, ShareState
from otv_server.domain.tokens import TokenTerms
from otv_server.storage.tables import headers, manifests, orphans, parts, usage
from tests.contract.conftest import (
    LIMITS,
    Repository,
    Stored,
    new_link,
    new_share,
    sealing,
    until_someone_waits,
)
from tests.contract.test_repository import attempt, live, part_of, sealed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from otv_server.domain.limits import Limits
    from otv_server.domain.ports import NewPart
    from otv_server.domain.share import NewShare

pytestmark = pytest.mark.anyio

PROCESSES = 4
AT_ONCE = 16
MOST_AT_ONCE = 32  # as many connections as they have


async def several(stored: Stored, limits: Limits = LIMITS) -> list[Repository]:
    """Several processes on one database."""
    return [await stored.open(limits) for _ in range(PROCESSES)]


async def race(
    processes: Sequence[Repository],
    call: Callable[[Repository, int], Awaitable[Any]],
    times: int = AT_ONCE,
) -> list[Any]:
    """The same call from all of them at once: answers, and errors by their class."""
    lanes = asyncio.Semaphore(MOST_AT_ONCE)

    async def answer(number: int) -> Any:
        async with lanes:
            try:
                return await call(processes[number % len(processes)], number)
            except OtvError as error:
                return type(error)

    return await asyncio.gather(*(answer(number) for number in range(times)))


async def room(repository: Repository) -> tuple[int, int]:
    """What is promised, and what has arrived."""
    row = await repository.database.read(lambda tx: tx.connection.execute(select(usage)).one())
    return row.reserved, row.stored


async def test_one_share_is_made_once(stored: Stored) -> None:
    """Else a sender whose first answer was lost is told that the share is someone else's."""
    processes = await several(stored)
    share = new_share(new_link(), new_link())

    answers = await race(processes, lambda each, _: each.sending.create(share, None))

    assert Counter(is_new for _, is_new in answers) == {True: 1, False: AT_ONCE - 1}
    assert {found.id for found, _ in answers} == {share.id}
    assert await room(processes[0]) == (share.manifest_bytes, share.manifest_bytes)


async def test_one_id_with_many_bodies_is_the_first_ones(stored: Stored) -> None:
    """Else two bodies under one id would both be told that they are the share."""
    processes = await several(stored)
    share = new_share(new_link())

    answers = await race(
        processes,
        lambda each, number: each.sending.create(replace(share, body=b"%d" % number), None),
    )

    assert answers.count(Conflict) == AT_ONCE - 1


async def test_one_link_in_many_shares_is_the_first_ones(stored: Stored) -> None:
    """Else one link would open two contents."""
    processes = await several(stored)
    common = [new_link() for _ in range(4)]

    answers = await race(processes, lambda each, _: each.sending.create(new_share(*common), None))

    assert answers.count(Conflict) == AT_ONCE - 1
    assert (await room(processes[0]))[0] == sum(len(link.manifest) for link in common)


async def test_room_is_promised_to_one_of_many(stored: Stored) -> None:
    """Else all of them would be promised the last of it."""
    processes = await several(stored, replace(LIMITS, max_total_bytes=1000))
    shares = [new_share(content_bytes=600, uploader=str(n)) for n in range(AT_ONCE)]

    answers = await race(processes, lambda each, n: each.sending.create(shares[n], None))

    assert answers.count(NoRoom) == AT_ONCE - 1


async def test_unfinished_uploads_are_counted_together(stored: Stored) -> None:
    """Else one address has as many as there are servers, times the limit."""
    processes = await several(stored)
    shares = [new_share(content_bytes=1) for _ in range(AT_ONCE)]

    answers = await race(processes, lambda each, n: each.sending.create(shares[n], None))

    assert answers.count(SlowDown) == AT_ONCE - LIMITS.max_unsealed_per_address


async def test_one_part_is_stored_once(stored: Stored) -> None:
    """Else a part that is sent twice, as after a lost answer, counts twice, or stays for ever."""
    processes = await several(stored)
    share = new_share(content_bytes=100)
    await processes[0].sending.create(share, None)
    copies = [part_of(share, b"x" * 100) for _ in range(AT_ONCE)]
    for part in copies:
        await processes[0].sending.begin_part(part, None)

    async def finish(each: Repository, number: int) -> bool:
        is_first = await each.sending.finish_part(copies[number])
        if not is_first:
            await each.sending.abandon_part(copies[number].blob)
        return is_first

    answers = await race(processes, finish)

    assert sum(answers) == 1
    assert await room(processes[0]) == (100, 100)
    assert len(await processes[0].sweeping.orphans(100)) == AT_ONCE - 1


async def uploaded(repository: Repository) -> tuple[NewShare, bytes]:
    """A share with all of its parts, not sealed; its root."""
    share = new_share(content_bytes=5)
    part = part_of(share, b"bytes")
    await repository.sending.create(share, None)
    await repository.sending.begin_part(part, None)
    await repository.sending.finish_part(part)
    return share, content_root(5, [part.digest])


async def test_one_seal_stands(stored: Stored) -> None:
    """Else a repeated seal is refused, or another one adds links of its own."""
    processes = await several(stored)
    share, root = await uploaded(processes[0])
    link = new_link()
    seals = [replace(sealing(5, root, 1, link), body=bytes([n % 2])) for n in range(AT_ONCE)]

    answers = await race(
        processes, lambda each, n: each.sending.seal(share.id, share.owner, seals[n])
    )

    assert answers.count(Conflict) == AT_ONCE // 2
    assert len({len(found.links) for found in answers if found is not Conflict}) == 1


async def test_revoked_or_sealed_but_not_half(stored: Stored) -> None:
    """Else a share that its sender took back has a link that opens it."""
    processes = await several(stored)
    for _ in range(8):
        share, root = await uploaded(processes[0])
        link = new_link()

        await asyncio.gather(
            race(
                processes[:1],
                lambda each, _: each.sending.seal(  # awaited at once
                    share.id,  # noqa: B023
                    share.owner,  # noqa: B023
                    sealing(5, root, 1, link),  # noqa: B023
                ),
                1,
            ),
            processes[1].sending.revoke(share.id, share.owner, None),
        )

        report = await processes[2].sending.find(share.id, share.owner)
        assert report.state is ShareState.GONE
    assert await room(processes[0]) == (0, 0)


async def test_acknowledged_once_and_by_one_outcome(stored: Stored) -> None:
    """Else a sender is shown "opened" for what the reader refused."""
    processes = await several(stored)
    link, mine = new_link(), attempt()
    share = await sealed(processes[0], link)
    await processes[0].opening.claim(link.id, link.access, link.unlock, mine)
    said = [Outcome.OPENED, Outcome.REJECTED]

    answers = await race(
        processes,
        lambda each, n: each.opening.acknowledge(link.id, mine.lease, said[n % 2], b"m" * 32),
    )

    assert sorted(map(str, answers)) == sorted([str(Conflict)] * 8 + ["None"] * 8)
    assert len(await processes[0].sweeping.orphans(10)) == len(share.parts)
    assert await room(processes[0]) == (0, 0)


async def test_lease_reads_its_budget_and_no_more(stored: Stored) -> None:
    """Else a lease that reads from many servers at once reads many times what it may."""
    processes = await several(stored)
    link, mine = new_link(), attempt()
    await sealed(processes[0], link)
    await processes[0].opening.claim(link.id, link.access, link.unlock, mine)
    key = (await processes[0].opening.read(link.id, mine.lease)).lease_key

    answers = await race(processes, lambda each, _: each.opening.charge(key, 10 << 20))

    assert answers.count(None) == 6  # 64 MiB and 300 bytes


async def test_sweeps_share_the_work(stored: Stored) -> None:
    """Else three servers delete everything three times, and pay for it."""
    processes = await several(stored)
    for _ in range(20):
        await sealed(processes[0], new_link())
    stored.clock.pass_s(600)

    swept = await asyncio.gather(*(each.sweeping.sweep(100) for each in processes))
    taken = await asyncio.gather(*(each.sweeping.orphans(7) for each in processes))
    rest = await processes[0].sweeping.orphans(100)

    assert sum(each.expired for each in swept) == 20
    names = [blob for blobs in [*taken, rest] for blob in blobs]
    assert len(names) == len(set(names)) == 20


@pytest.mark.parametrize("stored", ["postgres"], indirect=True)
async def test_waiting_for_a_row_does_not_stop_the_clock(stored: Stored, shared_url: str) -> None:
    """Else a claim that waited opens a link after it has expired."""
    repository = await stored.open()
    link = new_link(ttl_s=600)
    await live(repository, link)
    slow = await asyncpg.connect(shared_url)
    async with slow.transaction():
        await slow.execute("SELECT 1 FROM links FOR UPDATE")
        claiming = asyncio.create_task(
            repository.opening.claim(link.id, link.access, link.unlock, attempt())
        )
        await until_someone_waits(repository.database)
        stored.clock.pass_s(600)
    await slow.close()

    with pytest.raises(Over):
        await claiming


async def test_forgetting_and_revoking_take_links_in_one_order(stored: Stored) -> None:
    """Else a sender who revokes late, and the sweep that forgets, wait for each other."""
    processes = await several(stored)
    for _ in range(10):
        share = new_share(*(new_link(ttl_s=10) for _ in range(40)))
        await processes[0].sending.create(share, None)
        for link in reversed(share.links):  # so that rows lie in another order than keys
            with suppress(WrongPassword):
                await processes[0].opening.claim(link.id, link.access, b"?" * 32, attempt())
        stored.clock.pass_s(10)
        await processes[0].sweeping.sweep(1000)
        stored.clock.pass_s(LIMITS.retention_s)

        revoking = race(
            processes,
            lambda each, _: each.sending.revoke(share.id, share.owner, None),  # noqa: B023  # awaited at once
        )
        await asyncio.gather(processes[1].sweeping.sweep(1000), revoking)

    assert stored.deadlocks() == 0


async def test_storm_ends_in_order(stored: Stored) -> None:
    """Else some pair of calls takes rows in opposite orders, and both wait until one is killed.

    Everything at once, on a few shares, from several processes; then all of it is over.
    """
    limits = replace(LIMITS, max_unsealed_per_address=1000)
    processes = await several(stored, limits)
    random = Random(6)
    shares = [await _share_of_storm(processes[0], number) for number in range(12)]
    token = b"t" * 32
    await processes[0].tokens.add(TokenTerms("Ann", share_bytes=1000), token)

    async def act(each: Repository, _: int) -> None:
        share, links, leases = random.choice(shares)
        link, mine = random.choice(links), random.choice(leases)
        sending, opening, sweeping = each.sending, each.opening, each.sweeping
        part = part_of(share, b"bytes")
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: opening.claim(link.id, link.access, link.unlock, mine),
            lambda: opening.claim(link.id, link.access, b"?" * 32, mine),
            lambda: opening.acknowledge(link.id, mine.lease, Outcome.OPENED, b"m" * 32),
            lambda: sending.revoke(share.id, share.owner, random.choice([None, link.id])),
            lambda: sending.forgive_guesses(share.id, share.owner, link.id),
            lambda: sending.find(share.id, share.owner),
            lambda: _send_part(each, part),
            lambda: _send_part(each, part),
            lambda: sweeping.sweep(5),
            lambda: _delete_orphans(each),
            lambda: sending.create(new_share(new_link(ttl_s=10)), None),
            lambda: sending.create(new_share(content_bytes=None), None),
            lambda: sending.create(new_share(content_bytes=None, token=token), None),
        ]
        stored.clock.pass_s(random.choice([0, 0, 0, 7]))
        await random.choice(calls)()

    answers = await race(processes, act, 600)
    stored.clock.pass_s(24 * 3600)
    for _ in range(4):
        await processes[0].sweeping.sweep(1000)
    await _delete_orphans(processes[0])

    assert Unavailable not in answers
    assert await room(processes[0]) == (0, 0)
    left = {
        table.name: await processes[0].database.read(
            lambda tx, table=table: len(tx.connection.execute(select(table)).all())  # type: ignore[misc]
        )
        for table in (manifests, headers, parts, orphans)
    }
    assert left == {"manifests": 0, "headers": 0, "parts": 0, "orphans": 0}
    assert stored.deadlocks() == 0


async def _share_of_storm(repository: Repository, number: int) -> tuple[NewShare, Any, Any]:
    """A share with three links; every third one is still uploading, its size not declared."""
    links = [new_link(opens=2, ttl_s=60) for _ in range(3)]
    leases = [attempt() for _ in range(3)]
    if number % 3 == 0:
        share = new_share(content_bytes=None)
        await repository.sending.create(share, None)
    elif number % 3 == 1:
        share = new_share(*links)
        await repository.sending.create(share, None)
    else:
        share, root = await uploaded(repository)
        await repository.sending.seal(share.id, share.owner, sealing(5, root, 1, *links))
    return share, links, leases


async def _send_part(each: Repository, part: NewPart) -> None:
    """As ``service.sending`` does it; now and then the sender gives up in the middle."""
    if not await each.sending.begin_part(part, None):
        return
    is_named = part.blob[0] in "0123" or await each.sending.finish_part(part)
    if not is_named or part.blob[0] in "01":
        await each.sending.abandon_part(part.blob)


async def _delete_orphans(each: Repository) -> None:
    taken = await each.sweeping.orphans(5)
    while taken:
        await each.sweeping.forget_orphans(taken)
        taken = await each.sweeping.orphans(5, after=taken[-1])
