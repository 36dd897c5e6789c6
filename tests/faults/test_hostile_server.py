"""A server that answers what no server of this protocol would, at every call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import running_server
from tests.faults.hostile import NONSENSE, altering, elsewhere, garbling, saying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import RunningServer
    from tests.faults.conftest import Here, Said
    from tests.faults.hostile import Json

MIB = 1 << 20
SIZE = 9 * MIB  # two parts
SENDING = ("info", "create", "parts", "seal")
OPENING = ("view", "claim", "content")
ASKING = {"report": "status", "revoke": "revoke"}


def sentence(said: Said) -> str:
    """The one error that was printed; nothing else looks like a failure of our own."""
    errors = [line for line in said.err.splitlines() if line.startswith("otv: error: ")]
    assert len(errors) == 1, said.err
    assert "internal" not in said.err
    assert "Traceback" not in said.err
    return errors[0]


def sent(here: Here) -> str:
    """A link to two parts."""
    (here.folder / "big").write_bytes(bytes(SIZE))
    return here.put("big")


def received(here: Here) -> bool:
    """Whether the whole file is there, and nothing else."""
    return here.seen() == ["big"] and (here.folder / "out/big").read_bytes() == bytes(SIZE)


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("call", SENDING)
def test_nonsense_while_sending_is_a_sentence_and_no_link(
    here: Here, call: str, nonsense: str
) -> None:
    """Else a link is handed out that opens nothing, or a traceback is shown to a person."""
    (here.folder / "big").write_bytes(bytes(SIZE))
    here.wire.faults[call] = saying(*NONSENSE[nonsense])

    said = here.run("put", "big")

    assert (said.code, said.out) == (3, b"")
    assert sentence(said)
    assert list((here.folder / "state").glob("shares/*")) == []
    assert ("revoke" in here.wire.asked) is (call != "info")


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("call", OPENING)
def test_nonsense_while_opening_costs_nobody_the_file(here: Here, call: str, nonsense: str) -> None:
    """Else a proxy that breaks for a moment spends the opening, or leaves half a file."""
    link = sent(here)
    here.wire.faults[call] = saying(*NONSENSE[nonsense])

    said = here.run("get", link, "-o", "out")
    seen = here.seen()
    here.wire.faults.clear()
    again = here.run("get", link, "-o", "out")

    assert said.code == 3
    assert sentence(said)
    assert seen == []
    assert again.code == 0, again.err
    assert received(here)


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_for_a_receipt_is_told_and_made_good(here: Here, nonsense: str) -> None:
    """Else a file that is here looks as if it were not, or the sender is never told."""
    link = sent(here)
    here.wire.faults["ack"] = saying(*NONSENSE[nonsense])

    said = here.run("get", link, "-o", "out")
    here.wire.faults.clear()
    again = here.run("get", link, "-o", "out")

    assert said.code == 0
    assert "the sender couldn't be told" in said.err
    assert received(here)
    assert again.code == 0, again.err
    assert here.wire.asked.count("ack") == 2


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("call", ASKING)
def test_nonsense_about_a_share_is_a_sentence_and_forgets_nothing(
    here: Here, call: str, nonsense: str
) -> None:
    """Else a sender loses the right to revoke because a proxy was in the way once."""
    link = here.put("--text", "x")
    here.wire.faults[call] = saying(*NONSENSE[nonsense])

    said = here.run(ASKING[call], link)
    here.wire.faults.clear()
    again = here.run("revoke", link)

    assert said.code == 3
    assert sentence(said)
    assert again.code == 0


# --- answers that parse -------------------------------------------------------------------------


LIES: dict[str, Callable[[Json], object]] = {
    "another length": lambda claim: claim.update(bytes=claim["bytes"] + 1),
    "no content": lambda claim: claim.update(bytes=0, digests=[]),
    "a part less": lambda claim: claim["digests"].pop(),
    "a part more": lambda claim: claim["digests"].append(claim["digests"][0]),
    "parts swapped": lambda claim: claim["digests"].reverse(),
    "another manifest": lambda claim: claim.update(manifest="A" * len(claim["manifest"])),
    "an empty manifest": lambda claim: claim.update(manifest=""),
    "a manifest cut": lambda claim: claim.update(manifest=claim["manifest"][:4000]),
}


@pytest.mark.parametrize("lie", LIES)
def test_claim_that_lies_is_an_attack_and_leaves_nothing(here: Here, lie: str) -> None:
    """Else a server chooses what a link opens to."""
    link = sent(here)
    here.wire.faults["claim"] = altering(LIES[lie])

    said = here.run("get", link, "-o", "out")

    assert said.code == 6
    assert sentence(said)
    assert here.seen() == []
    assert list((here.folder / "state").glob("openings/*")) == []
    assert here.wire.asked[-1] == "ack"  # the sender hears that it was rejected


GARBLED: dict[str, Callable[[bytearray], object]] = {
    "a bit": lambda body: body.__setitem__(5, body[5] ^ 1),
    "the last bit": lambda body: body.__setitem__(-1, body[-1] ^ 128),
    "segments swapped": lambda body: body.__setitem__(
        slice(0, 2 * MIB), body[MIB : 2 * MIB] + body[:MIB]
    ),
    "zeros": lambda body: body.__setitem__(slice(MIB, 2 * MIB), bytes(MIB)),
}


@pytest.mark.parametrize("garbled", GARBLED)
def test_other_bytes_are_an_attack_and_leave_nothing(
    here: Here, monkeypatch: pytest.MonkeyPatch, garbled: str
) -> None:
    """Else a server changes a file on its way, or half of what was sent lies in the folder."""
    link = sent(here)
    monkeypatch.setenv("OTV_PATIENCE", "5")  # a part may be damaged once
    here.wire.faults["content"] = garbling(GARBLED[garbled])

    said = here.run("get", link, "-o", "out")

    assert said.code == 6
    assert sentence(said)
    assert here.seen() == []
    assert here.wire.asked[-1] == "ack"


@pytest.mark.parametrize(
    "change",
    [lambda body: body.append(0), lambda body: body.pop(), lambda body: body.__delitem__(slice(9))],
    ids=["more", "less", "the beginning missing"],
)
def test_too_much_or_too_little_is_gone_on_with(
    here: Here, change: Callable[[bytearray], object]
) -> None:
    """Else bytes land in the wrong place, or a connection cut short costs the file."""
    link = sent(here)
    here.wire.faults["content"] = garbling(change)

    first = here.run("get", link, "-o", "out")
    here.wire.faults.clear()
    again = here.run("get", link, "-o", "out")

    assert first.code in (0, 3)  # a byte too many behind the announced ones is nobody's
    assert again.code == 0 or first.code == 0
    assert received(here)


TIMES = {
    "long past": {"lease_until": "1971-01-01T00:00:00Z", "now": "9998-12-31T23:59:59Z"},
    "far ahead": {"lease_until": "9998-12-31T23:59:59Z", "now": "1971-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("times", TIMES)
def test_clock_of_a_server_gone_mad_costs_nothing(here: Here, times: str) -> None:
    """Else a server whose clock is wrong spends openings and ends programs."""
    link = sent(here)
    here.wire.faults["claim"] = altering(lambda claim: claim.update(TIMES[times]))

    said = here.run("get", link, "-o", "out")

    assert said.code == 0, said.err
    assert received(here)


def test_server_of_a_later_protocol_is_said_to_be_one(here: Here) -> None:
    """Else an upload to a newer server ends in words about a damaged answer."""
    here.wire.faults["info"] = altering(lambda info: info.update(protocol=2))

    said = here.run("put", "--text", "x")

    assert said.code == 7
    assert "version" in sentence(said)


@pytest.mark.parametrize("limit", ["share_bytes", "max_ttl_s", "opens", "links"])
def test_server_that_allows_nothing_is_asked_for_nothing(here: Here, limit: str) -> None:
    """Else gigabytes go up before they are refused."""
    (here.folder / "big").write_bytes(bytes(SIZE))
    here.wire.faults["info"] = altering(lambda info: info["limits"].update({limit: 0}))

    said = here.run("put", "big")

    assert said.code == 7
    assert sentence(said)
    assert here.wire.asked == ["info"]


def test_link_that_the_server_has_not_taken_is_not_handed_out(here: Here) -> None:
    """Else a sender passes on a link that opens nothing."""
    here.wire.faults["create"] = altering(lambda share: share["links"].clear())

    said = here.run("put", "--text", "x")

    assert (said.code, said.out) == (7, b"")
    assert sentence(said)


# --- another server in its place ----------------------------------------------------------------


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Another server, which knows nothing."""
    folder = tmp_path_factory.mktemp("other")
    with running_server(folder, min_free_bytes=0, rate=0, max_unsealed=1000) as running:
        yield running


@pytest.mark.parametrize("call", ["create", "parts", "seal"])
def test_server_that_becomes_another_while_sending(
    here: Here, other: RunningServer, call: str
) -> None:
    """Else a link is handed out whose parts lie on two servers."""
    (here.folder / "big").write_bytes(bytes(SIZE))
    here.wire.faults[call] = elsewhere(other.url)

    said = here.run("put", "big")

    assert (said.code, said.out) == (4, b"")
    assert sentence(said)


@pytest.mark.parametrize("call", ["view", "claim", "content", "ack"])
def test_server_that_becomes_another_while_opening(
    here: Here, other: RunningServer, call: str
) -> None:
    """Else a server that started without its disk for a minute costs whoever was reading."""
    link = sent(here)
    here.wire.faults[call] = elsewhere(other.url)

    said = here.run("get", link, "-o", "out")
    here.wire.faults.clear()
    again = here.run("get", link, "-o", "out")

    assert said.code == (0 if call == "ack" else 4)
    assert again.code == 0, again.err
    assert received(here)


@pytest.mark.parametrize("asked", ["by name", "with all"])
def test_server_that_becomes_another_costs_no_right_to_revoke(
    here: Here, other: RunningServer, asked: str
) -> None:
    """Else one look at a server that started without its disk ends every right over what lives."""
    link = here.put("--text", "x")
    here.wire.faults["report"] = elsewhere(other.url)

    said = here.run("status", *([link] if asked == "by name" else []))
    here.wire.faults.clear()
    revoked = here.run("revoke", link)

    assert said.code == (4 if asked == "by name" else 0)
    assert revoked.code == 0, revoked.err
    assert here.run("get", link).code == 4
