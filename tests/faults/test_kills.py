"""Processes killed at random moments of everything: nothing twice, nothing cut, nothing lost.

``OTV_TEST_KILLS=200 pytest tests/faults/test_kills.py`` runs the long version, as does
``python -m benchmarks kills``, which prints a table.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.faults.kills import Ending, Victim, plan_of
from tests.faults.rounds import Result, run_rounds, several
from tests.postgres import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROUNDS = int(os.environ.get("OTV_TEST_KILLS", "20"))
SEED = int(os.environ.get("OTV_TEST_SEED", "4"))
CALLS = ("create", "parts", "seal", "claim", "content", "ack", "revoke")


@pytest.mark.timeout(120 + 20 * ROUNDS)
def test_killed_anywhere_and_started_again(tmp_path: Path) -> None:
    """Else a crash costs somebody a file, or leaves two with it, or half of it lying about."""
    check(run_rounds(SEED, ROUNDS, tmp_path))


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_killed_anywhere_and_another_takes_over(tmp_path: Path, large_cluster: Cluster) -> None:
    """Else a machine that dies takes down what runs on the others, or is lost with it."""
    check(run_rounds(SEED, ROUNDS, tmp_path, serve=several(large_cluster)))


@pytest.fixture
def large_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server with connections for all servers of all rounds that are alive."""
    with running_cluster(max_connections="400") as cluster:
        yield cluster


def check(result: Result) -> None:
    """What must be true of rounds."""
    assert not result.faults, "\n".join(result.faults)
    kills = sum(result.kills.values())
    assert result.flowing >= kills / 2
    if ROUNDS >= 20:
        assert {call for call, _ in result.kills} == {*CALLS, "sweep"}
        assert sum(result.endings.values()) == ROUNDS


def test_twenty_plans_have_every_kill_and_every_ending() -> None:
    """Else the rounds would go on passing while the moment that matters is never tried."""
    plans = [plan_of(SEED, number) for number in range(20)]

    planned = {(kill.call, kill.victim) for plan in plans for kill in plan.kills}
    assert planned == {(call, victim) for call in CALLS for victim in Victim}
    assert {plan.ending for plan in plans} == set(Ending)
    assert any(plan.has_rival for plan in plans)


def test_seed_decides_everything() -> None:
    """Else a failure could never be looked at again."""
    assert plan_of(SEED, 7) == plan_of(SEED, 7)
    assert plan_of(SEED, 7) != plan_of(SEED + 1, 7)
