"""The library without the command line: as documented, without state, against a real server."""

from __future__ import annotations

import inspect
import io
import random
import subprocess
import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

import otv_client
from otv_client import (
    Client,
    IntegrityError,
    LocalError,
    Over,
    PasswordMissing,
    Patience,
    Refused,
    StateFolder,
    Terms,
    Unreachable,
    UsageError,
    World,
    WrongPassword,
)
from otv_client.envelope.keys import Outcome, receipt_mac
from otv_client.link import parse_link
from otv_client.reporting import judged
from otv_client.transport import Transport
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otv_client.answers import OpeningReport
    from tests.conftest import RunningServer

MIB = 1 << 20


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    """A client without state."""
    with Client(server.url) as made:
        yield made


def test_the_documented_example_works(server: RunningServer) -> None:
    """The first thing that a newcomer copies would fail."""
    documentation = inspect.getdoc(Client) or ""
    example = documentation.partition("Example::\n")[2].partition("\nArgs:")[0]

    exec(textwrap.dedent(example).replace("https://share.example", server.url), {})  # noqa: S102 - our own documentation

    assert "client.open" in example


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 9 * MIB])
def test_bytes_and_streams_come_back(client: Client, size: int) -> None:
    """A program's data would change on its way."""
    data = random.Random(size).randbytes(size)
    for what in (data, io.BytesIO(data)):
        sent = client.send(what, name="d.bin")
        sink = io.BytesIO()

        opened = client.open(sent.links[0].link, sink)

        assert sink.getvalue() == data
        assert (opened.files[0].name, opened.files[0].bytes, sent.bytes) == ("d.bin", size, size)


def test_paths_come_back(client: Client, tmp_path: Path) -> None:
    """A folder would not be taken, or land elsewhere."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "f").write_bytes(b"x")
    for what in (tmp_path / "in", [tmp_path / "in"], [str(tmp_path / "in")]):
        sent = client.send(what)

        opened = client.open(sent.links[0].link, tmp_path / "out" / str(id(what)))

        path = opened.files[0].path
        assert path is not None
        assert path.read_bytes() == b"x"


def test_without_a_folder_dotfiles_stay_out_of_the_current_one(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program run in somebody's home would plant a .bashrc there."""
    monkeypatch.chdir(tmp_path)
    link = client.send(b"evil", name=".bashrc").links[0].link

    path = client.open(link).files[0].path

    assert path is not None
    assert path.parent.parent == tmp_path


def test_without_state_nothing_is_written(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that uses the library would litter a home folder with keys."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("OTV_STATE", raising=False)

    sent = client.send("x")
    client.open(sent.links[0].link)

    assert list(tmp_path.iterdir()) == []


def test_what_was_sent_is_known_without_state(client: Client) -> None:
    """A program without a state folder could neither ask nor revoke."""
    sent = client.send("x", Terms(opens=2))
    client.open(sent.links[0].link)

    status = client.status(sent)
    client.revoke(sent)

    assert [o.receipt for o in status.links[0].openings] == ["verified"]
    with pytest.raises(Over):
        client.open(sent.links[0].link)


def test_wrong_and_missing_passwords_spend_nothing(client: Client) -> None:
    """A typing error would cost the file."""
    link = client.send("x", Terms(password="right")).links[0].link

    with pytest.raises(PasswordMissing):
        client.open(link)
    with pytest.raises(WrongPassword) as wrong:
        client.open(link, password="wrong")

    assert wrong.value.guesses_left == 9
    assert client.open(link, password=lambda: "right").note == "x"


def test_a_locked_link_is_forgiven_by_its_owner(client: Client) -> None:
    """Ten mistakes would end the link for its reader."""
    sent = client.send("x", Terms(password="right"))
    for _ in range(10):
        with pytest.raises(otv_client.PasswordError):
            client.open(sent.links[0].link, password="wrong")
    with pytest.raises(otv_client.Locked):
        client.open(sent.links[0].link, password="right")

    client.forgive(sent, sent.links[0].id)

    assert client.open(sent.links[0].link, password="right").note == "x"


def test_many_files_for_a_stream_are_refused_and_nothing_lost(
    server: RunningServer, tmp_path: Path
) -> None:
    """Two files would be written into one another."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x")
    with Client(server.url, state=StateFolder(tmp_path / "state")) as client:
        link = client.send([tmp_path / "a", tmp_path / "b"]).links[0].link

        with pytest.raises(UsageError):
            client.open(link, io.BytesIO())

        assert len(client.open(link, tmp_path / "out").files) == 2


@pytest.mark.parametrize("what", ["", []])
def test_nothing_is_no_share(client: Client, what: str | list[str]) -> None:
    """An empty link would be sent to somebody who waits for a file."""
    with pytest.raises(UsageError):
        client.send(what)


def test_terms_outside_the_limits_are_refused_before_the_upload(client: Client) -> None:
    """An hour of uploading would end in a refusal."""
    for terms in (Terms(expires_s=5), Terms(expires_s=0), Terms(opens=1000), Terms(links=1000)):
        with pytest.raises(Refused):
            client.send("x", terms)
    for terms in (Terms(opens=0), Terms(links=0), Terms(password="")):
        with pytest.raises(UsageError):
            client.send("x", terms)


def stored_in(server: RunningServer) -> set[Path]:
    """Every blob of the server."""
    return {path for path in (server.data / "blobs").glob("*/*") if path.is_file()}


def test_a_source_that_fails_takes_everything_back(client: Client, server: RunningServer) -> None:
    """A half upload would keep its room on the server for an hour."""

    class Failing(io.RawIOBase):
        given = 0

        def read(self, size: int = -1, /) -> bytes:
            self.given += size
            if self.given > 20 * MIB:
                raise LocalError("the disk is gone")
            return bytes(size)

    before = stored_in(server)  # other tests' shares live on the same server

    with pytest.raises(LocalError):
        client.send(Failing(), name="x")

    assert eventually(lambda: stored_in(server) <= before)


def test_a_server_that_swaps_manifests_is_found_out(client: Client) -> None:
    """A server could hand one reader's file to another."""
    first, second = (client.send(text).links[0].link for text in ("one", "two"))
    other = parse_link(second)
    mixed = replace(parse_link(first), secret=other.secret).url()

    with pytest.raises(otv_client.Unknown):
        client.open(mixed)


def test_an_injected_client_does_the_sending(server: RunningServer) -> None:
    """A program's own proxy or trust would be passed by."""
    seen: list[str] = []
    with httpx.Client(event_hooks={"request": [lambda r: seen.append(r.url.path)]}) as http:
        with Client(server.url, http=http) as client:
            client.send("x")
        assert not http.is_closed

    assert seen[0] == "/api/v1/info"


def test_patience_and_waiting_are_the_callers(tmp_path: Path) -> None:
    """A test or a service could not choose how long to wait."""
    waits: list[float] = []
    now = iter(range(1000))

    def pause(seconds: float) -> bool:
        waits.append(seconds)
        return False

    world = World(monotonic=lambda: float(next(now)), pause=pause, jitter=lambda: 1.0)
    with (
        Client("http://127.0.0.1:9", patience=Patience(first_contact_s=10), world=world) as client,
        pytest.raises(Unreachable),
    ):
        client.send("x")

    assert waits[:2] == [0.5, 1.0]
    assert list(tmp_path.iterdir()) == []


def test_receipts_are_judged(client: Client) -> None:
    """The server could invent an opening, or show one twice."""
    sent = client.send("x", Terms(opens=2))
    client.open(sent.links[0].link)
    transport = client._transport(sent.record.server)  # noqa: SLF001 - the server's own words are needed
    report = transport.share(sent.share, sent.record.owner)
    (link,) = report.links
    (opening,) = link.openings
    ack, id_ = sent.record.links[0].ack, parse_link(sent.links[0].link).id

    def receipts(*openings: OpeningReport) -> list[str]:
        shown = replace(report, links=(replace(link, openings=openings),))
        return [o.receipt for o in judged(shown, sent.record).links[0].openings]

    rejected = receipt_mac(ack, id_, opening.lease_hash, Outcome.REJECTED)
    assert receipts(opening) == ["verified"]
    assert receipts(opening, opening) == ["verified", "invalid"]
    assert receipts(replace(opening, mac=None)) == ["none"]
    assert receipts(replace(opening, mac=bytes(32))) == ["invalid"]
    assert receipts(replace(opening, lease_hash=bytes(32))) == ["invalid"]
    assert receipts(replace(opening, outcome="rejected")) == ["invalid"]
    assert receipts(replace(opening, outcome="rejected", mac=rejected)) == ["verified"]
    assert receipts(replace(opening, outcome="lapsed")) == ["invalid"]


def test_a_claim_with_other_content_is_refused(client: Client, tmp_path: Path) -> None:
    """A server could cut a file short and call it whole."""
    original = Transport.claim
    data = random.Random(5).randbytes(100_000)
    faults = {
        "shorter": lambda claim: replace(claim, bytes=claim.bytes - 1),
        "digest": lambda claim: replace(claim, digests=(bytes(32),)),
        "no digests": lambda claim: replace(claim, digests=()),
        "manifest": lambda claim: replace(claim, manifest=claim.manifest[:-1] + b"\0"),
    }
    for name, fault in faults.items():
        link = client.send(data).links[0].link
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transport, "claim", lambda *a, fault=fault: fault(original(*a)))

            with pytest.raises(IntegrityError):
                client.open(link, tmp_path / name)

        assert not (tmp_path / name).exists()
        with pytest.raises(Over):
            client.open(link, tmp_path / name)


def test_every_public_name_is_there_and_importing_is_cheap() -> None:
    """A name in the documentation would not import, or importing it load everything."""
    script = (
        "import sys, otv_client; from otv_client.errors import OtvError;"
        "print([m for m in ('httpx', 'cryptography', 'rich', 'click') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
    assert all(getattr(otv_client, name) is not None for name in otv_client.__all__)
    assert dir(otv_client) == sorted(otv_client.__all__)
    with pytest.raises(AttributeError):
        otv_client.nonsense  # noqa: B018 - asking is the test
