"""Rounds of sending and opening in which processes are killed, and what must be true after.

Each round has a server, a sender and a reader of its own; some have a rival, who holds the link
too. Whoever is killed is started again. Links, leases and records are short-lived by setting, so
that a round sees its own end: what was delivered, what was reported, that nothing stays behind.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING

from otv_client import Client, OtvError, Patience, Unreachable
from otv_client.envelope.content import Geometry
from otv_client.link import parse_link
from tests.faults.kills import FLOWING, Ending, Plan, Trap, Victim, plan_of
from tests.faults.people import Person, PostgresTables, Service
from tests.faults.wire import Moment, Stage
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otv_client.reporting import LinkStatus
    from tests.faults.wire import Wire
    from tests.postgres import Cluster

# An upload must outlast a server that starts slowly and a client's longest back-off after that.
LINK_S, LEASE_S, RECORD_S, IDLE_S = 36, 36, 12, 36
SETTINGS = {
    "min_free_bytes": 0,
    "rate": 0,
    "lease_floor": LEASE_S,
    "lease_ceiling": LEASE_S,
    "retention": RECORD_S,
    "idle_upload": IDLE_S,
}
LOOK_EVERY_S = 0.25
LOOK_INTO_TABLES_EVERY_S = 1  # for half a minute and more, by a dozen rounds
# Whoever looks so often gives up soon: in a back-off it would sleep while the record is forgotten.
LOOKING = Patience(first_contact_s=LOOK_EVERY_S, total_s=LOOK_EVERY_S)
NO_ANSWER = "no answer"
SLACK_S = 10  # for what takes part of a second on a machine that has nothing else to do
AT_ONCE = 2  # rounds at work
ALIVE = 20  # rounds at work or waiting for their end
DONE, OVER = 0, 4


@dataclass
class Result:
    """What became of rounds: kills by call and victim, endings, and whatever must not be."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def flowing(self) -> int:
        """Kills that fell while bytes flowed."""
        return sum(count for (call, _), count in self.kills.items() if call in FLOWING)


class Round:
    """One round by its plan; whatever must not be is added to ``result.faults``."""

    def __init__(
        self, plan: Plan, folder: Path, result: Result, serve: Callable[[Path], Service]
    ) -> None:
        folder.mkdir()
        self.plan, self.result = plan, result
        self.service = serve(folder)
        self.sender, self.reader, self.rival = (
            Person.at(folder / name) for name in ("sender", "reader", "rival")
        )
        content = Random(plan.seed).randbytes(plan.size)
        self.digest = sha256(content).digest()
        (self.sender.otv.folder / "big").write_bytes(content)
        self.reading, self.may_read_on = threading.Event(), threading.Event()

    def act(self) -> None:
        """Send and open as planned."""
        self.link = self._sent()
        threading.Thread(target=self._kill_while_sweeping, daemon=True).start()
        match self.plan.ending:
            case Ending.OPENED:
                self._read_against_rival()
            case Ending.LATE:
                self.reader.run(self._down, *self._get(self._down))
            case Ending.REVOKED:
                self._revoke_while_reading()
            case Ending.UNOPENED:
                pass

    def wait_for_end(self) -> None:
        """See that it ended as it must, and that nothing is left."""
        self._check_end()
        self._check_nothing_left()

    def wrong(self, what: str) -> None:
        """Note what must not be."""
        self.result.faults.append(f"round {self.plan.number} ({self.plan.ending}): {what}")

    # --- wires ------------------------------------------------------------------------------

    def _trap(self, person: Person, *calls: str) -> Trap:
        strikes: dict[Victim, Callable[[], bool]] = {
            Victim.CLIENT: person.kill,
            Victim.SERVER: self.service.kill,
        }
        return Trap(
            tuple(kill for kill in self.plan.kills if kill.call in calls),
            Geometry.of_files(self.plan.size).ciphertext,
            lambda victim: strikes[victim](),
            self.result.kills,
        )

    @cached_property
    def _up(self) -> Wire:
        """The sender's wire."""
        return self.service.wire(self._trap(self.sender, "create", "parts", "seal", "revoke").watch)

    @cached_property
    def _down(self) -> Wire:
        """The reader's wire; where the sender means to revoke, content waits for that."""
        trap = self._trap(self.reader, "claim", "content", "ack")

        def watch(moment: Moment) -> None:
            trap.watch(moment)
            if moment.call == "content" and moment.stage is Stage.DOWN:
                self.reading.set()
                if self.plan.ending is Ending.REVOKED:
                    self.may_read_on.wait(SLACK_S)

        return self.service.wire(watch)

    @cached_property
    def _free(self) -> Wire:
        """The rival's wire, on which nobody dies."""
        return self.service.wire()

    # --- acts -------------------------------------------------------------------------------

    def _sent(self) -> str:
        """Send until there is a link."""
        done = self.sender.run_until_done(self._up, "put", "big", "--expires", f"{LINK_S}s")
        if not done.stdout:
            self.wrong(f"put ended with {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def _get(self, wire: Wire) -> list[str]:
        """The command that opens the link by way of this wire."""
        return ["get", self.link.replace(self._up.url, wire.url), "-o", "out"]

    def _read(self) -> int:
        return self.reader.run_until_done(self._down, *self._get(self._down)).returncode

    def _read_against_rival(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(self._read)
            codes = [self._rival_reads()] if self.plan.has_rival else []
            codes.append(reading.result())
        if DONE not in codes and not self._readers_with_all():
            self.wrong(f"lost: a retry could have kept it; exit codes {codes}")

    def _rival_reads(self) -> int:
        self.reading.wait(SLACK_S)
        return self.rival.run(self._free, *self._get(self._free)).returncode

    def _revoke_while_reading(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(self._read)
            self.reading.wait(SLACK_S)
            revoked = self.sender.run_until_done(self._up, "revoke", self.link)
            self.may_read_on.set()
            if (revoked.returncode, reading.result()) != (DONE, OVER):
                self.wrong(f"revoke said {revoked.stderr!r}, get ended with {reading.result()}")

    def _kill_while_sweeping(self) -> None:
        """Kill the server as soon as the sweep has deleted something of this round's."""
        if self.plan.sweep_kill is None:
            return
        eventually(lambda: bool(self.service.blobs), SLACK_S, LOOK_EVERY_S)
        before = self.service.blobs
        within_s = LINK_S + LEASE_S + SLACK_S
        if eventually(lambda: not all(path.exists() for path in before), within_s, every_s=0.005):
            time.sleep(self.plan.sweep_kill / 1000)
            if self.service.kill():
                self.result.kills["sweep", Victim.SERVER] += 1

    # --- what must be true ------------------------------------------------------------------

    def _readers_with_all(self) -> int:
        return [*self.reader.received(), *self.rival.received()].count(self.digest)

    def _check_end(self) -> None:
        """Whole at one reader and reported so, or at none and reported as not delivered."""
        is_wanted = self.plan.ending is Ending.OPENED
        expected = {
            Ending.OPENED: "opened opened verified",
            Ending.LATE: "taken lapsed none",
            Ending.REVOKED: "revoked revoked none",
            Ending.UNOPENED: "expired",
        }[self.plan.ending]
        with Client(state=self.sender.state, patience=LOOKING) as sender:
            if not eventually(
                lambda: self._told(sender) == expected, LINK_S + SLACK_S, LOOK_EVERY_S
            ):
                self.wrong(f"the sender is told {self._told(sender)!r} and not {expected!r}")
        self._come_late()
        received = [*self.reader.received(), *self.rival.received()]
        if received != [self.digest] * is_wanted:
            self.wrong(f"received {len(received)} files, {self._readers_with_all()} of them whole")
        self.result.endings[expected] += 1

    def _told(self, sender: Client) -> str:
        """What a status tells the sender: the link's state, and its opening's end and receipt.

        While the server is being started again, nothing: ``NO_ANSWER``.
        """
        share, _ = sender._find(self.link)  # noqa: SLF001  # what `status` and `revoke` begin with
        try:
            links = {link.id: link for link in sender.look(share).links}
        except Unreachable:
            return NO_ANSWER
        return _words(links[parse_link(self.link).id_text])

    def _come_late(self) -> None:
        """Whoever opens the link now is told that it is over, and keeps nothing of it."""
        for person, wire in ((self.reader, self._down), (self.rival, self._free)):
            done = person.run(wire, *self._get(wire))
            if done.returncode != OVER:
                self.wrong(f"a late get ended with {done.returncode}: {done.stderr.decode()}")

    def _check_nothing_left(self) -> None:
        within_s = LINK_S + LEASE_S + RECORD_S + SLACK_S
        if not eventually(lambda: not self.service.left(), within_s, LOOK_INTO_TABLES_EVERY_S):
            self.wrong(f"the server keeps {self.service.left()}")
        with Client(state=self.sender.state) as client:
            for record in self.sender.state.shares():
                with suppress(OtvError):
                    client.status(record.id)
        kept = [record.id for record in self.sender.state.shares()]
        if kept or self.reader.left() or self.rival.left():
            self.wrong(f"clients keep {kept}, {self.reader.left()}, {self.rival.left()}")
        log = self.service.log
        if "Traceback" in log or '"internal"' in log:
            self.wrong(f"the server failed in a way that it does not know:\n{log[-4000:]}")


def _words(link: LinkStatus) -> str:
    ends = [f"{opening.outcome} {opening.receipt}" for opening in link.openings]
    return " ".join([link.state, *ends])


def alone(folder: Path) -> Service:
    """One server, and a file for its rows."""
    return Service(folder, SETTINGS)


def several(cluster: Cluster, servers: int = 2) -> Callable[[Path], Service]:
    """Servers behind one address, over PostgreSQL and a folder that they share."""
    return lambda folder: Service(folder, SETTINGS, PostgresTables(cluster), servers)


def run_rounds(
    seed: int,
    count: int,
    folder: Path,
    tell: Callable[[Plan], None] = lambda _: None,
    serve: Callable[[Path], Service] = alone,
) -> Result:
    """Run rounds 0 to ``count`` by one seed; ``tell`` hears of each that is over."""
    result = Result()
    busy = threading.Semaphore(AT_ONCE)

    def run(number: int) -> None:
        plan = plan_of(seed, number)
        with busy:
            one = Round(plan, folder / f"{number:03}", result, serve)
            _guarded(one, one.act)
        _guarded(one, one.wait_for_end)
        one.service.close()
        tell(plan)

    with ThreadPoolExecutor(ALIVE) as pool:
        list(pool.map(run, range(count)))
    return result


def _guarded(one: Round, step: Callable[[], None]) -> None:
    """A round that breaks must not hide the others."""
    try:
        step()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told at the end
        one.wrong(f"{type(error).__name__}: {error}")
