"""Which process is killed at which moment: all of it follows from a seed.

A kill belongs to a call of the protocol and falls somewhere within it: before the request is passed
on, while the server is at it, before the answer is passed on, or at some byte of what flows.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

from tests.faults.wire import Moment, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
FLOWING = {"parts": Stage.UP, "content": Stage.DOWN}
_ANSWERED_FROM = 0.75  # of a small call
_SMALL_CALL_S = 0.02  # a call without bytes that flow is over by then, mostly


class Victim(StrEnum):
    """Who is killed."""

    CLIENT = "client"
    SERVER = "server"


class Ending(StrEnum):
    """How a round is meant to end."""

    OPENED = "opened"
    LATE = "late"  # the reader comes back after its lease
    REVOKED = "revoked"  # the sender revokes in the middle of the reading
    UNOPENED = "unopened"  # nobody comes before the link expires


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: ``at`` is from 0 to 1 within the call, by bytes where bytes flow."""

    call: str
    victim: Victim
    at: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One round: how much is sent, who dies when, how it is meant to end."""

    number: int
    seed: str
    size: int
    ending: Ending
    kills: tuple[Kill, ...]
    sweep_kill: float | None  # milliseconds after the sweep has begun to delete, or none
    has_rival: bool


_SMALL = [(call, victim) for call in ("create", "seal", "claim", "ack") for victim in Victim]
_ENDINGS = {2: Ending.LATE, 5: Ending.REVOKED, 8: Ending.UNOPENED}  # of ten rounds


def plan_of(seed: int, number: int) -> Plan:
    """The plan of one round. Twenty in a row have every kind of kill and of ending."""
    random = Random(f"{seed}-{number}")
    ending = _ENDINGS.get(number % 10, Ending.OPENED)
    kills = [*_flowing(random, ending), *_small(random, number, ending)]
    is_swept = ending in (Ending.LATE, Ending.UNOPENED) or number % 4 == 0
    return Plan(
        number=number,
        seed=f"{seed}-{number}",
        size=random.randrange(12 * MIB, 36 * MIB),
        ending=ending,
        kills=tuple(kills),
        sweep_kill=random.uniform(0, 3) if is_swept else None,
        has_rival=ending is Ending.OPENED and number % 3 == 0,
    )


def _flowing(random: Random, ending: Ending) -> list[Kill]:
    victim = random.choice(list(Victim))
    kills = [Kill("parts", victim, random.uniform(0.02, 0.9))]
    if ending is Ending.OPENED:
        for _ in range(random.choice((1, 1, 2))):
            victim = random.choice(list(Victim))
            kills.append(Kill("content", victim, random.uniform(0.02, 0.95)))
    if ending is Ending.LATE:
        kills.append(Kill("content", Victim.CLIENT, random.uniform(0.02, 0.9)))
    return sorted(kills, key=lambda kill: kill.at)


def _small(random: Random, number: int, ending: Ending) -> list[Kill]:
    """One kill at a call that is over at once."""
    if ending is Ending.REVOKED:
        call, victim = "revoke", list(Victim)[number // 10 % 2]
    elif ending is Ending.UNOPENED:
        call, victim = random.choice(_SMALL[:4])
    else:
        call, victim = _SMALL[(number - number // 10) % len(_SMALL)]
    if (call, ending) == ("ack", Ending.LATE):
        call = "claim"  # it never comes to an acknowledgement
    at = random.random()
    if (call, victim, ending) == ("claim", Victim.CLIENT, Ending.LATE):
        # Before it is answered it may not have arrived; then there is no lease to come late with,
        # and the link goes on to its expiry.
        at = _ANSWERED_FROM + (1 - _ANSWERED_FROM) * at
    return [Kill(call, victim, at)]


class Trap:
    """Kills at the planned moments of what passes on one wire.

    Args:
        kills: each springs once.
        size: how many bytes flow in a call that none interrupts.
        strike: kills that victim; True says that it was alive.
        tally: counts what was killed, by call and victim.
    """

    def __init__(
        self,
        kills: tuple[Kill, ...],
        size: int,
        strike: Callable[[Victim], bool],
        tally: Counter[tuple[str, str]],
    ) -> None:
        self._waiting = list(kills)
        self._size = size
        self._strike = strike
        self._tally = tally
        self._flowed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def watch(self, moment: Moment) -> None:
        """Hear of a moment on the wire; perhaps it is one to kill at."""
        with self._lock:
            if moment.stage is FLOWING.get(moment.call):
                self._flowed[moment.call] += moment.size
            due = next((kill for kill in self._waiting if self._is_due(kill, moment)), None)
            if due is None:
                return
            self._waiting.remove(due)
        if due.call not in FLOWING and moment.stage is Stage.UP:
            # The one wait for a clock: the victim works meanwhile, and nobody sees how far it is.
            time.sleep(due.at * _SMALL_CALL_S)
        if self._strike(due.victim):
            self._tally[due.call, due.victim] += 1

    def _is_due(self, kill: Kill, moment: Moment) -> bool:
        if kill.call != moment.call:
            return False
        if kill.call in FLOWING:
            has_begun = moment.stage is FLOWING[kill.call]
            return has_begun and self._flowed[kill.call] >= kill.at * self._size
        return moment.stage is _stage_of(kill.at)


def _stage_of(at: float) -> Stage:
    """In which stage of a small call a kill falls: mostly while the server is at it."""
    if at < 0.15:
        return Stage.ASKED
    return Stage.UP if at < _ANSWERED_FROM else Stage.ANSWERED
