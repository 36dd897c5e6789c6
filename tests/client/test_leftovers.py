"""What one opening left behind, while another one begins on the same machine."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from otv_client import Client, LocalError, StateFolder, World
from otv_client.link import parse_link
from tests.support import full_for_a_moment

if TYPE_CHECKING:
    from pathlib import Path

    from otv_client.records import OpeningRecord
    from tests.conftest import RunningServer

CONTENT = random.Random(11).randbytes(20 << 20)  # three parts


class Machine:
    """A machine on which the opening of one link was interrupted halfway."""

    def __init__(self, server: RunningServer, folder: Path) -> None:
        self.folder, self.state = folder, StateFolder(folder / "state")
        with Client(server.url) as sender:
            self.link = sender.send(CONTENT).links[0].link
            self.other = sender.send("something else").links[0].link

    def interrupt(self) -> OpeningRecord:
        """Open the link until the disk is full for a moment."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "pwrite", full_for_a_moment())
            with pytest.raises(LocalError):
                self.open(self.link)
        (record,) = self.state.openings()
        assert self.is_kept(record)
        return record

    def open(self, link: str, ahead: timedelta = timedelta()) -> None:
        """Open a link, by a clock that is perhaps ahead."""
        world = World(now=lambda: datetime.now(UTC) + ahead)
        with Client(state=self.state, world=world) as client:
            client.open(link, self.folder / "out")

    def is_kept(self, record: OpeningRecord) -> bool:
        """Whether both halves of an opening are there."""
        is_known = record in self.state.openings()
        return is_known and (self.folder / "out" / record.partial / "0").exists()


@pytest.fixture
def machine(server: RunningServer, tmp_path: Path) -> Machine:
    """Someone's machine."""
    return Machine(server, tmp_path)


def after(record: OpeningRecord, **more: int) -> timedelta:
    """How far ahead a clock is that shows a time after a lease's end."""
    end = datetime.fromtimestamp(record.lease_until, UTC)
    return end + timedelta(**more) - datetime.now(UTC)


def test_opening_that_another_process_holds_is_left_alone(machine: Machine) -> None:
    """Else a second `get` takes the first one's half of a file away while it is written."""
    record = machine.interrupt()

    with machine.state.opening_lock(record.server, record.id):
        machine.open(machine.other, ahead=timedelta(days=3))
        kept = machine.is_kept(record)

    assert kept


def test_clock_that_is_hours_ahead_costs_no_opening(machine: Machine) -> None:
    """Else one `get` under the wrong time zone loses what another one can still go on with."""
    record = machine.interrupt()

    machine.open(machine.other, ahead=after(record, hours=2))
    machine.open(machine.link)

    assert (machine.folder / "out" / "data").read_bytes() == CONTENT


def test_what_nobody_can_go_on_with_is_removed(machine: Machine) -> None:
    """Else halves of files nobody asked for again fill the disk."""
    record = machine.interrupt()

    machine.open(machine.other, ahead=timedelta(days=3))

    assert not machine.is_kept(record)
    assert not (machine.folder / "out" / record.partial).exists()
    assert list((machine.state.path / "openings").iterdir()) == []


def test_other_link_with_the_same_id_takes_nothing_over(machine: Machine) -> None:
    """Else who knows a link's bare address alone lures its reader away from lease and files."""
    record = machine.interrupt()
    lure = replace(parse_link(machine.link), secret=bytes(32))

    with pytest.raises(LocalError):
        machine.open(lure.url())

    assert machine.is_kept(record)
    machine.open(machine.link)
