"""What ``domain.ports`` promises of a repository, held against every adapter."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from otv_server.domain.errors import (
    Conflict,
    EgressSpent,
    Locked,
    NoRoom,
    OtvError,
    Over,
    SlowDown,
    Unavailable,
    Unknown,
    WrongPassword,
)
from otv_server.domain.limits import Limits, content_root, egress_budget
from otv_server.domain.ports import NewPart
from otv_server.domain.share import ClaimAttempt, LinkState, Outcome, ShareState
from tests.contract.conftest import LIMITS, Repository, Stored, new_link, new_share, sealing

if TYPE_CHECKING:
    from otv_server.domain.share import NewLink, NewShare, Share

pytestmark = pytest.mark.anyio

PROCESSES = 4


def attempt() -> ClaimAttempt:
    """Another reader."""
    return ClaimAttempt(lease=secrets.token_bytes(32), address=None)


async def live(repository: Repository, link: NewLink) -> NewShare:
    """A small share with this link."""
    share = new_share(link)
    await repository.sending.create(share, None)
    return share


def part_of(share: NewShare, data: bytes, index: int = 0) -> NewPart:
    """A part under a fresh blob name."""
    digest = sha256(data).digest()
    return NewPart(share.id, share.owner, index, len(data), digest, secrets.token_hex(16))


async def sealed(repository: Repository, link: NewLink, data: bytes = b"x" * 100) -> Share:
    """A share with one part and this link."""
    share = new_share(content_bytes=len(data))
    part = part_of(share, data)
    await repository.sending.create(share, None)
    await repository.sending.begin_part(part, None)
    await repository.sending.finish_part(part)
    root = content_root(len(data), [part.digest])
    return await repository.sending.seal(share.id, share.owner, sealing(len(data), root, 1, link))


@pytest.mark.parametrize("opens", [1, 3])
async def test_racing_claims_take_no_more_than_there_is(stored: Stored, opens: int) -> None:
    """Else two readers open what was meant for one."""
    processes = [await stored.open() for _ in range(PROCESSES)]
    link = new_link(opens=opens)
    await live(processes[0], link)

    async def claim(number: int) -> bool:
        opening = processes[number % PROCESSES].opening
        try:
            await opening.claim(link.id, link.access, link.unlock, attempt())
        except Over:
            return False
        return True

    won = await asyncio.gather(*(claim(number) for number in range(32)))

    assert sum(won) == opens


async def test_every_right_claim_gets_its_opening(stored: Stored) -> None:
    """Else a race would refuse someone for whom there was an opening."""
    processes = [await stored.open() for _ in range(PROCESSES)]
    link = new_link(opens=20)
    await live(processes[0], link)

    await asyncio.gather(
        *(
            processes[number % PROCESSES].opening.claim(
                link.id, link.access, link.unlock, attempt()
            )
            for number in range(20)
        )
    )

    found, now = await processes[0].opening.find(link.id, link.access)
    assert (found.opens_left, found.state(now)) == (0, LinkState.TAKEN)


async def test_racing_guesses_stop_at_ten(stored: Stored) -> None:
    """Else many guessers at once try more passwords than the limit says."""
    processes = [await stored.open() for _ in range(PROCESSES)]
    link = new_link()
    await live(processes[0], link)

    async def guess(number: int) -> type[OtvError]:
        opening = processes[number % PROCESSES].opening
        try:
            await opening.claim(link.id, link.access, secrets.token_bytes(32), attempt())
        except (WrongPassword, Locked) as error:
            return type(error)
        raise AssertionError

    seen = await asyncio.gather(*(guess(number) for number in range(40)))

    assert (seen.count(WrongPassword), seen.count(Locked)) == (10, 30)


async def test_same_lease_gets_the_same_answer(stored: Stored, repository: Repository) -> None:
    """Else a lost answer would cost the file, or a retry a second opening."""
    link = new_link()
    await live(repository, link)
    mine = attempt()

    first = await repository.opening.claim(link.id, link.access, link.unlock, mine)
    stored.clock.pass_s(700)  # past the link's expiry, not past the lease
    again = await repository.opening.claim(link.id, link.access, link.unlock, mine)

    assert replace(again, now=first.now) == first
    with pytest.raises(Over):
        await repository.opening.claim(link.id, link.access, link.unlock, attempt())


async def test_dead_lease_gets_nothing(stored: Stored, repository: Repository) -> None:
    """Else a lease would open for ever."""
    link = new_link()
    await live(repository, link)
    mine = attempt()
    await repository.opening.claim(link.id, link.access, link.unlock, mine)

    stored.clock.pass_s(LIMITS.lease_floor_s)

    with pytest.raises(Over):
        await repository.opening.claim(link.id, link.access, link.unlock, mine)
    with pytest.raises(Over):
        await repository.opening.read(link.id, mine.lease)
    with pytest.raises(Over):
        await repository.opening.acknowledge(link.id, mine.lease, Outcome.OPENED, b"m" * 32)


async def test_wrong_proof_and_unknown_id_are_one_miss(repository: Repository) -> None:
    """Else whoever sees a bare URL learns that it is one."""
    link = new_link()
    share = await live(repository, link)
    other = secrets.token_bytes(32)

    for call in (
        repository.opening.find(link.id, other),
        repository.opening.find(other[:12], link.access),
        repository.opening.claim(link.id, other, link.unlock, attempt()),
        repository.sending.find(share.id, other),
        repository.sending.revoke(other[:12], share.owner, None),
    ):
        with pytest.raises(Unknown):
            await call


async def test_nobody_can_squat_on_an_id(repository: Repository) -> None:
    """Else whoever sees ids could keep others from using them."""
    link = new_link()
    await live(repository, link)
    squatted = new_link(id=link.id)

    await live(repository, squatted)

    for each in (link, squatted):
        found, _ = await repository.opening.find(each.id, each.access)
        assert found.opens_left == 1
    with pytest.raises(Conflict):
        await live(repository, link)


async def test_nothing_is_half_done(repository: Repository) -> None:
    """Else a refused share leaves links behind that nobody can revoke."""
    known, fresh = new_link(), new_link()
    await live(repository, known)
    share = new_share(fresh, known)

    with pytest.raises(Conflict):
        await repository.sending.create(share, None)

    with pytest.raises(Unknown):
        await repository.opening.find(fresh.id, fresh.access)
    with pytest.raises(Unknown):
        await repository.sending.find(share.id, share.owner)


async def test_first_part_wins(repository: Repository) -> None:
    """Else a slow duplicate would replace what the seal already counts on."""
    share = new_share(content_bytes=100)
    await repository.sending.create(share, None)
    one, same, other = (part_of(share, data * 100) for data in (b"a", b"a", b"b"))
    for part in (one, same, other):
        await repository.sending.begin_part(part, None)

    answers = [await repository.sending.finish_part(part) for part in (one, same)]

    assert answers == [True, False]
    with pytest.raises(Conflict):
        await repository.sending.finish_part(other)
    (stored_part,) = (await repository.sending.find(share.id, share.owner)).parts
    assert stored_part.blob == one.blob


async def test_swept_blob_never_becomes_a_part(stored: Stored, repository: Repository) -> None:
    """Else a part could be named whose bytes the sweep has deleted."""
    share = new_share(content_bytes=None)
    await repository.sending.create(share, None)
    part, another = part_of(share, b"late"), part_of(share, b"kept", 1)
    await repository.sending.begin_part(part, None)
    stored.clock.pass_s(LIMITS.idle_upload_s - 1)
    await repository.sending.begin_part(another, None)
    await repository.sending.finish_part(another)
    stored.clock.pass_s(1)

    assert list(await repository.sweeping.orphans(10)) == [part.blob]

    with pytest.raises(Unavailable):
        await repository.sending.finish_part(part)


async def test_room_is_promised_once_and_given_back(stored: Stored) -> None:
    """Else a full disk wrecks uploads in the middle, or room is lost with every share."""
    repository = await stored.open(replace(LIMITS, max_total_bytes=1000))
    first, second = new_share(content_bytes=600), new_share(content_bytes=600)
    await repository.sending.create(first, None)

    with pytest.raises(NoRoom):
        await repository.sending.create(second, None)
    await repository.sending.revoke(first.id, first.owner, None)
    await repository.sending.create(second, None)

    assert (await repository.sending.find(second.id, second.owner)).state is ShareState.UPLOADING


async def test_undeclared_room_is_promised_part_by_part(stored: Stored) -> None:
    """Else an upload of unknown length could fill the disk."""
    repository = await stored.open(replace(LIMITS, max_total_bytes=150))
    share = new_share(content_bytes=None)
    await repository.sending.create(share, None)
    abandoned, refused, kept = (part_of(share, b"x" * 100) for _ in range(3))
    await repository.sending.begin_part(abandoned, None)

    with pytest.raises(NoRoom):
        await repository.sending.begin_part(refused, None)
    await repository.sending.abandon_part(abandoned.blob)
    await repository.sending.abandon_part(abandoned.blob)  # again must not give back twice
    await repository.sending.begin_part(kept, None)

    with pytest.raises(NoRoom):
        await repository.sending.begin_part(refused, None)


async def test_free_space_counts_what_is_promised(stored: Stored) -> None:
    """Else two uploads are promised the last bytes of one disk."""
    repository = await stored.open(replace(LIMITS, min_free_bytes=100))
    await repository.sending.create(new_share(content_bytes=600), 1000)

    with pytest.raises(NoRoom):
        await repository.sending.create(new_share(content_bytes=400), 1000)
    await repository.sending.create(new_share(content_bytes=300), 1000)


async def test_unsealed_shares_of_one_uploader_are_counted(repository: Repository) -> None:
    """Else one address could reserve all room and never send a byte."""
    for _ in range(LIMITS.max_unsealed_per_address):
        await repository.sending.create(new_share(content_bytes=1), None)

    with pytest.raises(SlowDown):
        await repository.sending.create(new_share(content_bytes=1), None)
    await repository.sending.create(new_share(content_bytes=1, uploader="192.0.2.1/32"), None)


async def test_lease_reads_no_more_than_its_budget(repository: Repository) -> None:
    """Else one claim serves a file to the world."""
    link = new_link()
    await sealed(repository, link)
    mine = attempt()
    await repository.opening.claim(link.id, link.access, link.unlock, mine)
    reading = await repository.opening.read(link.id, mine.lease)
    budget = egress_budget(reading.content_bytes)

    await repository.opening.charge(reading.lease_key, budget)
    with pytest.raises(EgressSpent):
        await repository.opening.charge(reading.lease_key, 1)
    await repository.opening.refund(reading.lease_key, 1)
    await repository.opening.charge(reading.lease_key, 1)


async def test_acknowledgement_ends_everything(repository: Repository) -> None:
    """Else what was opened stays readable."""
    link = new_link()
    share = await sealed(repository, link)
    mine = attempt()
    await repository.opening.claim(link.id, link.access, link.unlock, mine)
    reading = await repository.opening.read(link.id, mine.lease)

    for _ in range(2):
        await repository.opening.acknowledge(link.id, mine.lease, Outcome.OPENED, b"m" * 32)

    with pytest.raises(Conflict):
        await repository.opening.acknowledge(link.id, mine.lease, Outcome.REJECTED, b"m" * 32)
    with pytest.raises(Over):
        await repository.opening.charge(reading.lease_key, 1)
    found, now = await repository.opening.find(link.id, link.access)
    assert (found.state(now), found.over) == (LinkState.OPENED, True)
    assert list(await repository.sweeping.orphans(10)) == [part.blob for part in share.parts]


async def test_revoke_ends_leases(repository: Repository) -> None:
    """Else revoking is too late as soon as someone has begun to read."""
    link = new_link(opens=2)
    share = await live(repository, link)
    mine = attempt()
    await repository.opening.claim(link.id, link.access, link.unlock, mine)

    for _ in range(2):
        await repository.sending.revoke(share.id, share.owner, None)

    with pytest.raises(Over) as caught:
        await repository.opening.claim(link.id, link.access, link.unlock, mine)
    assert caught.value.state is LinkState.REVOKED
    report = await repository.sending.find(share.id, share.owner)
    assert report.state is ShareState.GONE
    assert report.links[0].openings[0].outcome is Outcome.REVOKED


async def test_revoking_what_is_over_changes_nothing(
    stored: Stored, repository: Repository
) -> None:
    """Else a late revoke would rewrite "expired" or "opened" in the sender's own report."""
    link = new_link()
    share = await live(repository, link)
    stored.clock.pass_s(600)

    await repository.sending.revoke(share.id, share.owner, None)

    found, now = await repository.opening.find(link.id, link.access)
    assert found.state(now) is LinkState.EXPIRED


async def test_hundredth_guess_ends_the_link(repository: Repository) -> None:
    """Else resets would give a guesser unlimited tries."""
    link = new_link()
    share = await live(repository, link)
    for number in range(100):
        with pytest.raises(WrongPassword):
            await repository.opening.claim(link.id, link.access, b"?" * 32, attempt())
        if number % 10 == 9 and number < 99:
            await repository.sending.forgive_guesses(share.id, share.owner, link.id)

    found, now = await repository.opening.find(link.id, link.access)

    assert (found.state(now), found.over) == (LinkState.GUESSED, True)
    with pytest.raises(Over):
        await repository.sending.forgive_guesses(share.id, share.owner, link.id)


async def test_limits_bound_leases() -> None:
    """Else a large file gets too little time, or a small one a day."""
    limits = Limits()

    assert limits.lease_s(0) == 3600
    assert limits.lease_s(65536 * 7200) == 7200
    assert limits.lease_s(65536 * 7200 + 1) == 7201
    assert limits.lease_s(11 << 40) == 86_400
