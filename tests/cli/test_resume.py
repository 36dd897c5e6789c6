"""A broken connection, a killed process or a full disk costs nobody the file."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from tests.cli.test_put_get import noise
from tests.support import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Otv, Valve

MIB = 1 << 20
SIZE = 90 * MIB
PART = 8 * MIB
DURABLE = 64 * MIB  # the client records its progress this often


def test_killed_get_goes_on_in_a_new_process(otv: Otv, valve: Valve) -> None:
    """A machine that crashes at nine tenths would have spent the link for nothing."""
    data = noise(SIZE)
    (otv.folder / "big").write_bytes(data)
    link = otv.using(server=valve.url).put("big", "--password-file", "/dev/stdin", stdin=b"pw")
    opener = otv.using(env={"OTV_PASSWORD": "pw"})
    valve.limit_down = valve.down_bytes + DURABLE + 10 * MIB
    process = opener.start("get", link, "-o", "out")
    assert valve.reached.wait(40)
    # All of the first DURABLE bytes; fewer where that took so long that a record came in between.
    assert eventually(lambda: _recorded_parts(otv) > 0, 20)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept, before = _recorded_parts(otv) * PART, valve.down_bytes
    seen = [path.name for path in (otv.folder / "out").iterdir()]

    done = opener.run("get", link, "-o", "out")

    assert [name.startswith(".otv-partial-") for name in seen] == [True]
    assert done.returncode == 0, done.stderr.decode()
    assert (otv.folder / "out" / "big").read_bytes() == data
    assert valve.down_bytes - before < SIZE - kept + 5 * MIB
    assert [path.name for path in (otv.folder / "out").iterdir()] == ["big"]
    assert list((otv.state / "openings").iterdir()) == []


def _recorded_parts(otv: Otv) -> int:
    records = (otv.state / "openings").glob("*.json")
    return max((json.loads(path.read_text())["parts_done"] for path in records), default=0)


def _written_bytes(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.glob(".otv-partial-*/*"))


def test_interrupted_get_says_how_to_go_on_and_does(otv: Otv, valve: Valve) -> None:
    """Ctrl-C would spend the link."""
    data = noise(20 * MIB)
    (otv.folder / "big").write_bytes(data)
    link = otv.using(server=valve.url).put("big")
    valve.limit_down = valve.down_bytes + 12 * MIB
    process = otv.start("get", link, "-o", "out")
    assert valve.reached.wait(40)
    assert eventually(lambda: _written_bytes(otv.folder / "out") >= PART, 20)

    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    before = valve.down_bytes
    done = otv.run("get", link, "-o", "out")

    assert process.returncode == 130
    assert b"otv: hint: " in stderr
    assert done.returncode == 0
    assert (otv.folder / "out" / "big").read_bytes() == data
    assert valve.down_bytes - before < 20 * MIB


def test_get_to_another_folder_starts_over_there(otv: Otv, valve: Valve) -> None:
    """Half a file in the first folder would be taken for half of the second, or stay for ever."""
    data = noise(12 * MIB)
    (otv.folder / "big").write_bytes(data)
    link = otv.using(server=valve.url).put("big")
    valve.limit_down = valve.down_bytes + 10 * MIB
    process = otv.start("get", link, "-o", "first")
    assert valve.reached.wait(40)
    assert eventually(lambda: _written_bytes(otv.folder / "first") >= PART, 20)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    otv.ok("get", link, "-o", "second")

    assert (otv.folder / "second" / "big").read_bytes() == data
    assert list((otv.folder / "first").iterdir()) == []


def test_saved_but_not_acknowledged_is_only_acknowledged(otv: Otv, valve: Valve) -> None:
    """The sender would never learn of it, and the reader find the file in the way of itself."""
    (otv.folder / "f").write_bytes(b"x" * 100_000)
    link = otv.using(server=valve.url).put("f")
    opener = otv.using(env={"OTV_PATIENCE": "1"})
    valve.refused = b"/ack "
    first = opener.run("get", link, "-o", "out")
    before, valve.refused = valve.down_bytes, None

    second = opener.run("get", link, "-o", "out", "--json")
    status = json.loads(otv.ok("status", "--json"))

    assert (first.returncode, second.returncode) == (0, 0)
    assert b"the sender couldn't be told" in first.stderr
    assert json.loads(second.stdout)["files"][0]["path"] == str(otv.folder / "out" / "f")
    assert valve.down_bytes - before < 50_000
    assert [o["receipt"] for o in status["links"][0]["openings"]] == ["verified"]


def test_result_that_nobody_takes_is_not_acknowledged(otv: Otv) -> None:
    """A note written to a closed pipe would be gone for good."""
    link = otv.put("--text", "precious")
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = otv.start("get", link, stdout=write_end)
    os.close(write_end)
    process.communicate(timeout=30)

    retried = otv.run("get", link)

    assert process.returncode == 9
    assert retried.stdout == b"precious\n"


def test_link_that_can_not_be_printed_is_taken_back(otv: Otv) -> None:
    """A share that nobody has the link of would lie on the server until it expires."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device, opened for a child
        process = otv.start("put", "--text", "x", stdout=full)
    process.communicate(timeout=30)

    (share,) = otv.ok("status", "--json").splitlines()

    assert process.returncode == 9
    assert json.loads(share)["links"][0]["state"] == "revoked"
