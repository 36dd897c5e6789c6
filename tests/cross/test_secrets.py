"""Nothing secret on the server: its data folder and its log, searched in every spelling.

What is looked for: plaintext, names, the note, the password, the key in the link's fragment and
everything derived from it that opens, the owner's and the reader's proofs. The search first has
to find each of them in a file where it was put.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from otv_client import Client, StateFolder, Terms
from otv_client.envelope.keys import derive_keys
from otv_client.link import parse_link
from tests.conftest import running_server
from tests.searching import files_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otv_client import SentShare
    from tests.conftest import RunningServer

PASSWORD = "correct horse pässword staple"
NOTE = "the note that nobody on the server may read"
NAME = "passport-of-a-person.pdf"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of this test's own."""
    folder = tmp_path / "server"
    folder.mkdir()
    with running_server(folder, min_free_bytes=0) as running:
        yield running


def secrets_of(sent: SentShare, plaintext: bytes, state: StateFolder) -> dict[str, bytes]:
    """Everything that the server must never hold, by name."""
    link = parse_link(sent.links[0].link)
    keys = derive_keys(link.id, link.secret, link.kdf, PASSWORD)
    (record,) = state.shares()
    return {
        "plaintext": plaintext[:64],
        "plaintext in the middle": plaintext[len(plaintext) // 2 :][:64],
        "name": NAME.encode(),
        "note": NOTE.encode(),
        "password": PASSWORD.encode(),
        "link secret S": link.secret,
        "fragment": sent.links[0].link.partition("#")[2].encode(),
        "access proof A": keys.access,
        "unlock proof U": keys.unlock,
        "manifest key M": keys.manifest,
        "receipt key K": keys.ack,
        "owner proof O": record.owner,
    }


@pytest.mark.parametrize("size", [1_000, 9_000_000], ids=["inline", "parts"])
def test_server_never_holds_a_secret(server: RunningServer, tmp_path: Path, size: int) -> None:
    """Else whoever runs, seizes or steals the server reads what was sent."""
    plaintext = secrets.token_bytes(size)
    (tmp_path / NAME).write_bytes(plaintext)
    state = StateFolder(tmp_path / "state")
    with Client(server.url, state=state) as client:
        sent = client.send(tmp_path / NAME, Terms(note=NOTE, password=PASSWORD))
        looked_for = secrets_of(sent, plaintext, state)
        prove_the_search(tmp_path / "proof", looked_for)
        while_live = files_with([server.data, server.log], looked_for)

        opened = client.open(sent.links[0].link, tmp_path / "out", password=PASSWORD)
        after = files_with([server.data, server.log], looked_for)

    assert opened.note == NOTE
    assert (tmp_path / "out" / NAME).read_bytes() == plaintext
    assert (while_live, after) == ({}, {})


def prove_the_search(folder: Path, looked_for: dict[str, bytes]) -> None:
    """Put each secret into a file of its own, among other bytes, and find it there."""
    folder.mkdir()
    for number, secret in enumerate(looked_for.values()):
        noise = secrets.token_bytes(number + 1)
        (folder / str(number)).write_bytes(noise + secret + noise)
    found = files_with([folder], looked_for)
    for number, name in enumerate(looked_for):
        assert str(number) in found[name], f"the search is blind to: {name}"
