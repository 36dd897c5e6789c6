"""Random histories of sending and opening, asked of the server and of a model of section 8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.server import model
from tests.server.timed import Clock, timed_api
from tests.support import RawLink, hashed, new_secret, send_content, send_small, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Api, RawShare

CONTENT = b"content"
LEASES = [hashed(bytes([number])) for number in range(4)]
PASSING_S = [0.001, 1, 9.999, 60, 600, 3599.999, 3600]


@dataclass
class Known:
    """One link: as the wire sees it, as the model sees it, and whose it is."""

    raw: RawLink
    link: model.Link
    share: RawShare


class Histories(RuleBasedStateMachine):
    """Everything that section 8 lets people do, in any order, at any time.

    The sweep runs beside it by the real clock: whether it has come by may never show.
    """

    api: Api
    clock: Clock
    links = Bundle("links")

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Known] = []

    @rule(
        target=links,
        opens=st.lists(st.integers(1, 3), min_size=1, max_size=2),
        delay_s=st.sampled_from([0, 0, 60]),
        ttl_s=st.sampled_from([10, 600, 3600]),
        has_content=st.booleans(),
    )
    def send(self, opens: list[int], delay_s: int, ttl_s: int, *, has_content: bool) -> Any:
        """A share with one or two links."""
        raws = [RawLink(opens=each, delay_s=delay_s, ttl_s=ttl_s) for each in opens]
        if has_content:
            share = send_content(self.api, [CONTENT], *raws)
        else:
            share = send_small(self.api, *raws)
        opens_at = self.clock.now + 1000 * delay_s
        made = [
            Known(raw, model.Link(raw.opens, opens_at, opens_at + 1000 * ttl_s), share)
            for raw in raws
        ]
        self.known += made
        return multiple(*made)

    @rule(known=links, lease=st.sampled_from(LEASES), is_right=st.booleans())
    def claim(self, known: Known, lease: bytes, *, is_right: bool) -> None:
        """With the right password or a wrong one, under a new lease or a known one."""
        unlock = None if is_right else new_secret()
        expected = known.link.claim(hashed(lease), self.clock.now, is_right=is_right)

        answer = self.api.claim(known.raw, lease, unlock)

        assert verdict(answer) == expected
        if expected == model.OK:
            assert answer.json()["manifest"] == known.raw.body["manifest"]

    @rule(known=links)
    def guess_until_it_locks(self, known: Known) -> None:
        """Ten wrong passwords in a row."""
        for _ in range(model.LOCKS_AFTER):
            self.claim(known, new_secret(), is_right=False)

    @rule(known=links, lease=st.sampled_from(LEASES))
    def read(self, known: Known, lease: bytes) -> None:
        """The content."""
        expected = known.link.read(hashed(lease), self.clock.now)

        answer = self.api.content(known.raw, lease)

        assert verdict(answer) == expected
        if expected == model.OK:
            assert answer.content == b"".join(known.share.parts)

    @rule(
        known=links,
        lease=st.sampled_from(LEASES),
        outcome=st.sampled_from(["opened", "opened", "rejected"]),
    )
    def acknowledge(self, known: Known, lease: bytes, outcome: str) -> None:
        """Either outcome, once, twice or both."""
        expected = known.link.acknowledge(hashed(lease), outcome, self.clock.now)

        assert verdict(self.api.ack(known.raw, lease, outcome)) == expected

    @rule(known=links)
    def reset(self, known: Known) -> None:
        """Forgive."""
        expected = known.link.reset(self.clock.now)
        share = known.share

        assert verdict(self.api.reset(share.sid, share.owner, known.raw)) == expected

    @rule(known=links, whole=st.booleans())
    def revoke(self, known: Known, *, whole: bool) -> None:
        """One link, or all of its share."""
        share = known.share
        mine = [other for other in self.known if other.share is share]
        for each in mine if whole else [known]:
            each.link.revoke(self.clock.now)

        answer = self.api.revoke(share.sid, share.owner, None if whole else known.raw)

        assert verdict(answer) == model.DONE

    @rule(seconds=st.sampled_from(PASSING_S))
    def let_time_pass(self, seconds: float) -> None:
        """To the last millisecond before an end, or just to it."""
        self.clock.forward(seconds)

    @invariant()
    def holders_see_what_the_model_sees(self) -> None:
        """After every step, for every link."""
        for known in self.known:
            view, link, now = self.api.look(known.raw).json(), known.link, self.clock.now
            seen = (view["state"], view["opens_left"], view["guesses_left"])
            assert seen == (link.state(now), link.left, link.guesses_left())

    def teardown(self) -> None:
        """At the end every sender is told the same."""
        for known in self.known:
            self._check_report(known)

    def _check_report(self, known: Known) -> None:
        position = known.share.links.index(known.raw)
        report = known.share.report()["links"][position]
        outcomes = [opening["outcome"] for opening in report["openings"]]
        assert outcomes == [opening.at(self.clock.now) for opening in known.link.openings]
        assert report["state"] == known.link.state(self.clock.now)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Histories]]:
    """Histories on one application, whose clock only ever goes forward."""
    clock = Clock()
    with timed_api(tmp_path_factory.mktemp("model"), clock, max_unsealed=10_000) as api:
        yield type("Machine", (Histories,), {"api": api, "clock": clock})


def test_no_history_tells_server_and_model_apart(machine: type[Histories]) -> None:
    """Else some order of events opens a link once too often, or never."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
