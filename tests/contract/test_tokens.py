"""What ``domain.ports`` promises of upload tokens, held against every database."""

from __future__ import annotations

import secrets
from collections import Counter

import pytest

from otv_server.domain.errors import Conflict, SlowDown, TooLarge, Unknown, UploadTokenNeeded
from otv_server.domain.tokens import TokenState, TokenTerms, UploadToken
from tests.contract.conftest import Repository, Stored, new_link, new_share
from tests.contract.test_racing import AT_ONCE, race, several
from tests.contract.test_repository import part_of

pytestmark = pytest.mark.anyio


async def made(
    repository: Repository,
    name: str = "Ann",
    *,
    share_bytes: int | None = None,
    shares_per_hour: int | None = None,
    ttl_s: int | None = None,
) -> tuple[UploadToken, bytes]:
    """A token, and its digest."""
    digest = secrets.token_bytes(32)
    terms = TokenTerms(name, share_bytes, shares_per_hour, ttl_s)
    return await repository.tokens.add(terms, digest), digest


async def shares_of(repository: Repository) -> list[int]:
    """How many each token has paid for."""
    tokens, _ = await repository.tokens.every()
    return [token.shares for token in tokens]


async def test_token_is_known_as_it_was_made(repository: Repository, stored: Stored) -> None:
    """Else limits that an operator set don't hold."""
    token, digest = await made(repository, share_bytes=5, shares_per_hour=6, ttl_s=7)

    found, now = await repository.tokens.every()
    await repository.tokens.recognise(digest)

    assert (found, now) == ([token], stored.clock())
    assert (token.share_bytes, token.shares_per_hour) == (5, 6)
    assert token.expires_at == stored.clock() + 7000


async def test_unknown_token_is_refused(repository: Repository) -> None:
    """Else any text is a token."""
    await made(repository)

    with pytest.raises(UploadTokenNeeded):
        await repository.tokens.recognise(b"?" * 32)
    with pytest.raises(UploadTokenNeeded):
        await repository.sending.create(new_share(new_link(), token=b"?" * 32), None)


async def test_token_ends_at_its_instant(repository: Repository, stored: Stored) -> None:
    """Else a token for a guest is one for ever."""
    _, digest = await made(repository, ttl_s=60)
    await repository.tokens.recognise(digest)
    stored.clock.pass_s(60)

    with pytest.raises(UploadTokenNeeded):
        await repository.tokens.recognise(digest)


@pytest.mark.parametrize("by", ["key", "name"])
async def test_revoked_token_pays_for_nothing(
    repository: Repository, stored: Stored, by: str
) -> None:
    """Else a token that has leaked can't be taken back."""
    token, digest = await made(repository)
    which = str(getattr(token, by))

    await repository.tokens.revoke(which)
    stored.clock.pass_s(1)
    again = await repository.tokens.revoke(which)

    assert again.state_at(stored.clock()) is TokenState.REVOKED
    assert again.revoked_at == stored.clock() - 1000
    with pytest.raises(UploadTokenNeeded):
        await repository.tokens.recognise(digest)
    with pytest.raises(UploadTokenNeeded):
        await repository.sending.create(new_share(new_link(), token=digest), None)


@pytest.mark.parametrize("which", ["Bob", "999999999", "9" * 30])
async def test_token_that_is_not_there_is_not_revoked(repository: Repository, which: str) -> None:
    """Else an operator who mistypes believes that a token is gone."""
    await made(repository)

    with pytest.raises(Unknown):
        await repository.tokens.revoke(which)


async def test_name_is_taken_once(stored: Stored) -> None:
    """Else it is chance which of two tokens a name revokes."""
    processes = await several(stored)

    answers = await race(processes, lambda each, _: made(each, "Ann"))

    assert answers.count(Conflict) == AT_ONCE - 1


async def test_shares_an_hour_are_counted_by_all_processes(stored: Stored) -> None:
    """Else a token allows as many as there are servers, times its limit."""
    processes = await several(stored)
    _, digest = await made(processes[0], shares_per_hour=3)

    answers = await race(
        processes, lambda each, _: each.sending.create(new_share(new_link(), token=digest), None)
    )

    assert answers.count(SlowDown) == AT_ONCE - 3
    assert await shares_of(processes[0]) == [3]


async def test_same_share_again_is_paid_for_once(stored: Stored) -> None:
    """Else a sender whose answer was lost pays twice, or is told to slow down for nothing."""
    processes = await several(stored)
    _, digest = await made(processes[0], shares_per_hour=1)
    share = new_share(new_link(), token=digest)

    answers = await race(processes, lambda each, _: each.sending.create(share, None))

    assert Counter(is_new for _, is_new in answers) == {True: 1, False: AT_ONCE - 1}
    assert await shares_of(processes[0]) == [1]


async def test_refused_share_costs_nothing(repository: Repository) -> None:
    """Else a share that had no room is one of the few that a token allows."""
    _, digest = await made(repository, share_bytes=10_000)
    taken = new_link()
    await repository.sending.create(new_share(taken), None)

    with pytest.raises(Conflict):
        await repository.sending.create(new_share(taken, token=digest), None)

    assert await shares_of(repository) == [0]


async def test_share_that_declares_nothing_is_bound_all_the_same(repository: Repository) -> None:
    """Else a token's limit on sizes is one for honest senders."""
    _, digest = await made(repository, share_bytes=10)
    with pytest.raises(TooLarge):
        await repository.sending.create(new_share(content_bytes=11, token=digest), None)
    share = new_share(content_bytes=None, token=digest)
    await repository.sending.create(share, None)

    with pytest.raises(TooLarge):
        await repository.sending.begin_part(part_of(share, b"x" * 11), None)

    assert await repository.sending.begin_part(part_of(share, b"x" * 10), None)
