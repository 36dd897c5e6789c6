"""Kills between two steps, writes that fail, answers that are lost, clocks that differ.

A kill is a real one: the process ends in the named function, without any clean-up.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from otv_client import (
    Client,
    LocalError,
    Over,
    Patience,
    Refused,
    StateFolder,
    Unreachable,
    World,
)
from otv_client.link import parse_link
from tests.support import full_for_a_moment

if TYPE_CHECKING:
    from tests.cli.conftest import Otv
    from tests.conftest import RunningServer

MIB = 1 << 20
KILLED = 77


def killed_in(otv: Otv, where: str, call: int, *args: str) -> None:
    """Run ``otv-client`` until the given call of a function begins, and end it there."""
    script = textwrap.dedent(f"""
        import os, sys
        from otv_client.cli.main import run
        from otv_client.files.saving import PartialFolder
        from otv_client.transport import Transport
        from otv_client.state import StateFolder
        owner, name = {where!r}.split(".")
        kind, calls = globals()[owner], [0]
        real = getattr(kind, name)
        def patched(*args, **named):
            calls[0] += 1
            if calls[0] == {call}:
                os._exit({KILLED})
            return real(*args, **named)
        setattr(kind, name, patched)
        sys.exit(run(sys.argv[1:]))
    """)
    done = subprocess.run(
        [sys.executable, "-c", script, *args],
        env=otv.environment(),
        cwd=otv.folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == KILLED, done.stderr.decode()


@pytest.mark.parametrize("size", [5, 9 * MIB], ids=["inline", "parts"])
@pytest.mark.parametrize(
    ("where", "call"),
    [
        ("Transport.claim", 1),
        ("PartialFolder.start", 1),
        ("PartialFolder.sync", 1),
        ("PartialFolder.publish", 1),
        ("PartialFolder._place", 2),
        ("PartialFolder.discard", 1),
        ("Transport.acknowledge", 1),
    ],
)
def test_get_killed_anywhere_goes_on(otv: Otv, where: str, call: int, size: int) -> None:
    """Else a crash at the wrong moment costs the file, or leaves half of it, or litter."""
    sent = {"a": secrets.token_bytes(size), "b": b"small"}
    for name, content in sent.items():
        (otv.folder / name).write_bytes(content)
    link = otv.put("a", "b")
    killed_in(otv, where, call, "get", link, "-o", "out")

    done = otv.run("get", link, "-o", "out")

    assert done.returncode == 0, done.stderr.decode()
    out = otv.folder / "out"
    assert {path.name: path.read_bytes() for path in out.iterdir()} == sent
    assert list((otv.state / "openings").iterdir()) == []
    (opening,) = json.loads(otv.ok("status", link, "--json"))["links"][0]["openings"]
    assert opening["receipt"] == "verified"


def test_get_killed_after_the_receipt_is_told_that_all_is_well(otv: Otv) -> None:
    """Else the user is told that a stranger has read what lies saved on their own disk."""
    (otv.folder / "a").write_bytes(b"content")
    link = otv.put("a")
    killed_in(otv, "StateFolder.forget_opening", 1, "get", link, "-o", "out")

    done = otv.run("get", link, "-o", "out")

    assert done.returncode == 4
    assert str(otv.folder / "out") in done.stderr.decode()
    assert b"someone else" not in done.stderr


def test_write_that_fails_once_never_counts_as_progress(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a disk that was full for a moment leaves a hole in a file that looks complete."""
    content = secrets.token_bytes(40 * MIB)
    (tmp_path / "big").write_bytes(content)
    with Client(server.url, state=StateFolder(tmp_path / "state")) as client:
        link = client.send(tmp_path / "big").links[0].link
        monkeypatch.setattr(os, "pwrite", full_for_a_moment())
        with pytest.raises(LocalError):
            client.open(link, tmp_path / "out")
        client.open(link, tmp_path / "out")

    assert (tmp_path / "out" / "big").read_bytes() == content


def test_sync_that_fails_once_is_not_believed_the_second_time(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what a disk has lost stays a hole in a file that looks complete: it is told once."""
    content = secrets.token_bytes(9 * MIB)
    (tmp_path / "big").write_bytes(content)
    real = os.fsync
    lost: list[Path] = []

    def losing(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.parent.name.startswith(".otv-partial-") and not lost:
            lost.append(path)
            os.pwrite(handle, bytes(len(content)), 0)
            raise OSError(errno.EIO, "lost")
        real(handle)

    with Client(server.url, state=StateFolder(tmp_path / "state")) as client:
        link = client.send(tmp_path / "big").links[0].link
        monkeypatch.setattr(os, "fsync", losing)
        with pytest.raises(LocalError):
            client.open(link, tmp_path / "out")
        client.open(link, tmp_path / "out")

    assert lost
    assert (tmp_path / "out" / "big").read_bytes() == content


class LosesFirstClaim(httpx.HTTPTransport):
    """A wire that loses the answer to the first claim, and refuses the second as a proxy would."""

    claims = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As the real one, but for claims."""
        answer = super().handle_request(request)
        if request.url.path.endswith("/claim"):
            answer.read()
            answer.close()
            self.claims += 1
            if self.claims == 1:
                raise httpx.ReadError("lost", request=request)
            return httpx.Response(429, stream=httpx.ByteStream(b""))
        return answer


def test_lost_answer_and_a_refusal_keep_the_lease(server: RunningServer, tmp_path: Path) -> None:
    """Else one lost packet and one busy proxy cost the file."""
    state = StateFolder(tmp_path / "state")
    with Client(server.url) as sender:
        link = sender.send("the secret").links[0].link
    wire = httpx.Client(transport=LosesFirstClaim())
    in_a_hurry = World(pause=lambda _: False)
    with (
        wire,
        Client(http=wire, state=state, world=in_a_hurry, patience=Patience(2, 2)) as unlucky,
        pytest.raises((Refused, Unreachable)),
    ):
        unlucky.open(link)

    with Client(state=state) as again:
        opened = again.open(link)

    assert opened.note == "the secret"


def test_clock_that_is_ahead_keeps_the_lease(server: RunningServer, tmp_path: Path) -> None:
    """Else a recipient whose clock is wrong loses what was interrupted."""
    state = StateFolder(tmp_path / "state")
    with Client(server.url) as sender:
        link = sender.send(b"content", name="f").links[0].link
    ahead = World(now=lambda: datetime.now(UTC) + timedelta(days=3))

    with Client(state=state) as first:
        interrupted_after_claim(first, link)
    with Client(state=state, world=ahead) as second:
        second.open(link, tmp_path / "out")

    assert (tmp_path / "out" / "f").read_bytes() == b"content"


def interrupted_after_claim(client: Client, link: str) -> None:
    """Claim, and stop before anything is saved."""

    class Stops:
        def check(self) -> None:
            """Nothing stands against it."""

        def receive(self, *_: Any) -> None:
            """No further."""
            raise LocalError("stopped")

    with pytest.raises(LocalError):
        client.open(link, Stops())
    assert client.world.state
    assert client.world.state.opening(parse_link(link).server, parse_link(link).id_text)


def test_someone_elses_opening_is_told_as_such(server: RunningServer, tmp_path: Path) -> None:
    """Else a link that a stranger has read looks like one's own mistake."""
    with Client(server.url, state=StateFolder(tmp_path / "state")) as client:
        link = client.send("secret").links[0].link
        client.open(link)

        with pytest.raises(Over) as caught:
            client.open(link)

    assert caught.value.state == "opened"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["put", ""], 2),
        (["put", "--text", "x", "--server", "http://a..b"], 2),
        (["put", "--text", "x", "--note", "y"], 2),
        ([], 2),
    ],
)
def test_senseless_calls_are_usage(otv: Otv, args: list[str], code: int) -> None:
    """Else an unset variable in a script sends the whole folder, or shows a traceback."""
    done = otv.run(*args)

    assert done.returncode == code
    assert b"internal" not in done.stderr
    assert b"\\u000a" not in done.stderr
    assert done.stdout == b""


def test_address_of_a_link_is_no_server(otv: Otv) -> None:
    """Else who pastes a link as server is told that a link is unknown."""
    done = otv.run("put", "--text", "x", "--server", f"{otv.server}/s/AAECAwQFBgcICQoL")

    assert done.returncode == 2


def test_file_without_a_size_is_not_sent_as_empty(otv: Otv) -> None:
    """Else an empty file arrives, and nobody hears that the content was lost."""
    done = otv.run("put", "/proc/cpuinfo")

    assert done.returncode == 9


def test_folder_that_can_not_be_is_a_sentence(otv: Otv) -> None:
    """Else a name that is too long shows as an internal error, to be reported to us."""
    link = otv.put("--text", "x")

    done = otv.run("get", link, "-o", "x" * 300)

    assert done.returncode == 9
    assert b"internal" not in done.stderr
    assert otv.ok("get", link) == b"x\n"


def test_state_folder_of_somebody_else_keeps_its_mode(otv: Otv) -> None:
    """Else OTV_STATE=/tmp, typed as root, locks everyone out of /tmp."""
    shared = otv.folder / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)

    otv.using(state=shared).put("--text", "x")

    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
    assert stat.S_IMODE((shared / "shares").stat().st_mode) == 0o700


def test_strange_umask_keeps_records_readable(otv: Otv) -> None:
    """Else the record of an opening can't be read again, and the opening is lost with it."""
    done = subprocess.run(
        ["sh", "-c", 'umask 0777; exec "$0" -m otv_client put --text x', sys.executable],
        env=otv.environment(),
        cwd=otv.folder,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    (record,) = (otv.state / "shares").iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_dead_server_is_asked_once(otv: Otv) -> None:
    """Else a list of ten shares on a server that is gone takes a minute to say so."""
    dead = "http://127.0.0.1:9"
    otv.ok("put", "--text", "x")
    otv.ok("put", "--text", "y")
    for record in (otv.state / "shares").iterdir():
        record.write_text(record.read_text().replace(otv.server, dead))
    impatient = otv.using(env={"OTV_PATIENCE": "1"})

    done = impatient.run("list")

    assert done.returncode == 3
    assert done.stderr.count(dead.encode()) == 3  # each share, and the error at the end
