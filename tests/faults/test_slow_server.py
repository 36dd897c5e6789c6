"""A server that drips, sips or floods: the client gives up in time, and its memory is bounded."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from otv_client import exchange, pace
from tests.cli.conftest import Otv
from tests.faults.hostile import answer, asked, dripping, floods, sipping
from tests.faults.measuring import MB, peak_until_end
from tests.faults.test_hostile_server import SIZE, sent, sentence
from tests.support import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Here, Said
    from tests.faults.wire import Fault, Meddling, Wire

GRACE_S, MOMENT_S = pace.GRACE_S, 0.3


def hurrying(fault: Fault) -> Fault:
    """The same fault; as long as it lasts, and no longer, a client's minute is a moment."""

    def hurried(meddling: Meddling) -> None:
        pace.GRACE_S = MOMENT_S
        try:
            fault(meddling)
        finally:
            pace.GRACE_S = GRACE_S

    return hurried


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
DRIPS: dict[str, Fault] = {
    "a head": hurrying(dripping(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000)),
    "interim answers": hurrying(dripping(b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    "a body": hurrying(dripping(b" ", head=answer(200, bytes(10**6))[: -(10**6)])),
    "a chunk's length": hurrying(dripping(b"0", head=CHUNKED)),
    "a refusal": hurrying(dripping(b" ", head=answer(409, bytes(10**6))[: -(10**6)])),
}
MEMORY = 150 * MB
GIVES_UP_S = 20


def again_in_time(here: Here, *args: str) -> Said:
    """The same command to a server without faults, for a client that has its minute again."""
    here.wire.faults.clear()
    assert eventually(lambda: pace.GRACE_S == GRACE_S)
    return here.run(*args)


def timed(here: Here, *args: str) -> Said:
    """A command that must not take long."""
    started = time.monotonic()
    said = here.run(*args)
    assert time.monotonic() - started < 5
    return said


@pytest.mark.parametrize("drip", DRIPS)
@pytest.mark.parametrize("call", ["info", "parts", "seal"])
def test_server_that_drips_while_sending_is_given_up(here: Here, call: str, drip: str) -> None:
    """Else an upload hangs until somebody presses Ctrl-C."""
    (here.folder / "big").write_bytes(bytes(SIZE))
    here.wire.faults[call] = DRIPS[drip]

    said = timed(here, "put", "big")

    assert (said.code, said.out) == (3, b"") if drip != "a refusal" else said.code in (3, 7)
    assert sentence(said)


@pytest.mark.parametrize("drip", DRIPS)
@pytest.mark.parametrize("call", ["view", "claim", "content"])
def test_server_that_drips_while_opening_is_given_up(here: Here, call: str, drip: str) -> None:
    """Else a download hangs for ever; or, given up, costs the file."""
    link = sent(here)
    here.wire.faults[call] = DRIPS[drip]

    said = timed(here, "get", link, "-o", "out")
    again = again_in_time(here, "get", link, "-o", "out")

    assert said.code in (3, 7)
    assert sentence(said)
    assert again.code == 0, again.err
    assert here.seen() == ["big"]


def dripping_content(meddling: Meddling) -> None:
    """The real answer, a byte at a time."""
    _, head, body = asked(meddling)
    hurrying(dripping(body[:2000], head=head))(meddling)


def test_content_that_drips_is_given_up_and_can_be_gone_on_with(here: Here) -> None:
    """Else a malicious server holds a client for as long as it likes."""
    link = sent(here)
    here.wire.faults["content"] = dripping_content

    said = timed(here, "get", link, "-o", "out")
    again = again_in_time(here, "get", link, "-o", "out")

    assert said.code == 3
    assert "nothing is lost" in said.err
    assert again.code == 0, again.err


def test_server_that_sips_is_given_up(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an upload to it never ends."""
    monkeypatch.setattr(exchange, "READ_WRITE_S", 1.0)  # other calls have to be answered in it
    (here.folder / "big").write_bytes(bytes(SIZE))
    here.wire.faults["parts"] = sipping()

    said = timed(here, "put", "big")

    assert said.code == 3
    assert sentence(said)


# --- floods, at the whole program ---------------------------------------------------------------

FLOODS = dict(floods())


def flooded(wire: Wire, folder: Path, *args: str) -> tuple[int, int, str]:
    """Run the whole program to its end: exit code, peak of memory, what it said."""
    otv = Otv(wire.url, folder / "state", folder, {"OTV_PATIENCE": "0"})
    with (folder / "said").open("wb") as sink:
        process = otv.start(*args, stdout=subprocess.DEVNULL, stderr=sink)
        with process:
            peak = peak_until_end(process, GIVES_UP_S)
    return process.returncode, peak, (folder / "said").read_text()


@pytest.mark.parametrize("flood", FLOODS)
def test_flood_instead_of_an_answer_fills_no_memory(wire: Wire, tmp_path: Path, flood: str) -> None:
    """Else whoever answers in a server's place can fill a machine's memory."""
    wire.faults["info"] = FLOODS[flood]

    code, peak, said = flooded(wire, tmp_path, "put", "--text", "x")

    assert code in (3, 7), said
    assert said.startswith("otv: error: ")
    assert peak < MEMORY


@pytest.mark.parametrize("flood", ["a body", "many small values", "many texts"])
def test_flood_instead_of_a_claim_fills_no_memory(here: Here, tmp_path: Path, flood: str) -> None:
    """Else opening a stranger's link is dangerous."""
    link = here.put("--text", "x")
    here.wire.faults["claim"] = FLOODS[flood]

    code, peak, said = flooded(here.wire, tmp_path, "get", link)

    assert code == 3, said
    assert peak < MEMORY


def endless_content(meddling: Meddling) -> None:
    """The right head, and content without an end."""
    _, head, _ = asked(meddling)
    with suppress(OSError):
        meddling.client.sendall(
            head.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        )
        while True:
            meddling.client.sendall(b"100000\r\n" + os.urandom(1 << 20) + b"\r\n")


def test_content_without_an_end_fills_neither_memory_nor_disk(here: Here, tmp_path: Path) -> None:
    """Else a server fills the disk of whoever opens its links."""
    link = sent(here)
    here.wire.faults["content"] = endless_content

    code, peak, said = flooded(here.wire, tmp_path, "get", link, "-o", "out")

    assert code in (3, 6), said
    assert peak < MEMORY
    assert here.seen() == []
