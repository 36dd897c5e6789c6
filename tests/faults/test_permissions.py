"""Folders and files that may not be read or written: each is one sentence, and spends nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import Otv
from tests.conftest import running_server
from tests.support import Api, begin, free_port, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunningServer

# To root, permissions mean nothing until it lays down the right to pass them over.
HUMBLE = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    if os.geteuid() == 0
    else []
)
READ_ONLY, NOTHING = 0o500, 0o000


@pytest.fixture(autouse=True)
def _needs_setpriv() -> None:
    if HUMBLE and shutil.which("setpriv") is None:
        pytest.skip("install util-linux for setpriv")


@pytest.fixture
def otv(server: RunningServer, tmp_path: Path) -> Otv:
    """``otv-client`` against the session's server."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Otv(server.url, tmp_path / "state", folder)


def humbly(otv: Otv, *args: str) -> subprocess.CompletedProcess[str]:
    """``otv-client`` with no more rights than the files' modes give."""
    return subprocess.run(
        [*HUMBLE, sys.executable, "-m", "otv_client", *args],
        env=otv.environment(),
        cwd=otv.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def check_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence, which names what it is about."""
    assert done.returncode == 9, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("otv: error: ") == 1
    assert "ermission denied" in done.stderr
    assert all(word in done.stderr for word in words), done.stderr


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder that may be looked into and not written to."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(READ_ONLY)
    yield folder
    folder.chmod(0o700)


def test_destination_that_may_not_be_written(otv: Otv, closed: Path) -> None:
    """Else the opening is spent, and then there is nowhere to put it."""
    link = otv.put("--text", "x")

    for folder in (closed, closed / "below"):
        check_refused(humbly(otv, "get", link, "-o", str(folder)), str(closed))

    assert otv.ok("get", link) == b"x\n"


def test_destination_that_loses_its_permission(otv: Otv, tmp_path: Path) -> None:
    """Else what may not be overwritten looks like a fault of the program's."""
    (otv.folder / "a").write_bytes(b"x")
    link = otv.put("a")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").write_bytes(b"old")
    out.chmod(READ_ONLY)

    check_refused(humbly(otv, "get", link, "-o", str(out), "--force"), str(out))
    out.chmod(0o700)
    otv.ok("get", link, "-o", str(out), "--force")

    assert (out / "a").read_bytes() == b"x"


@pytest.mark.parametrize("command", ["put", "get"])
def test_state_folder_that_may_not_be_written(otv: Otv, closed: Path, command: str) -> None:
    """Else something is sent that can't be revoked, or opened that can't be gone on with."""
    link = otv.put("--text", "x")
    humble = otv.using(state=closed / "state")
    args = ["put", "--text", "y"] if command == "put" else ["get", link]

    check_refused(humbly(humble, *args), "state folder")

    assert otv.ok("get", link) == b"x\n"


def test_state_that_may_not_be_read(otv: Otv) -> None:
    """Else the list is empty, and looks as if nothing had ever been sent."""
    otv.put("--text", "x")
    (record,) = (otv.state / "shares").iterdir()
    record.chmod(NOTHING)

    done = humbly(otv, "list")

    assert "can't be read" in done.stderr


@pytest.mark.parametrize("what", ["file", "folder"])
def test_source_that_may_not_be_read(otv: Otv, what: str) -> None:
    """Else a folder goes up without what could not be read, and nobody hears of it."""
    path = otv.folder / "sent" / "secret"
    path.parent.mkdir()
    if what == "file":
        path.write_bytes(bytes(100_000))
    else:
        path.mkdir()
    path.chmod(NOTHING)

    done = humbly(otv, "put", "sent")
    path.chmod(0o700)

    check_refused(done, "secret")


# --- the server's -------------------------------------------------------------------------------


def serve_humbly(data: Path, *where: str) -> subprocess.CompletedProcess[str]:
    """``otv-server`` with no more rights than the files' modes give; it must not start."""
    return subprocess.run(
        [
            *(*HUMBLE, sys.executable, "-m", "otv_server", "serve"),
            *(where or ("--host", "127.0.0.1")),
            *("--port", "0", "--data", str(data)),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("what", ["tls", "tls/key.pem", "tls/certificate.pem"])
def test_key_that_may_not_be_read_is_one_sentence(tmp_path: Path, what: str) -> None:
    """Else a person reads a traceback, or the server makes a key that no link knows."""
    in_network = {"host": None, "https_port": free_port(), "discovery": False}
    with running_server(tmp_path, min_free_bytes=0, **in_network):
        pass
    path = tmp_path / "data" / what
    key = (tmp_path / "data/tls/key.pem").read_bytes()
    path.chmod(NOTHING)

    done = serve_humbly(tmp_path / "data", "--https-port", "0", "--no-discovery")
    path.chmod(0o700)

    assert done.returncode == 2
    assert done.stderr.startswith("otv: error: ")
    assert str(path) in done.stderr
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "data/tls/key.pem").read_bytes() == key


@pytest.mark.parametrize("what", [".", "otv.db", "blobs/00"])
def test_data_that_may_not_be_written_is_one_sentence(tmp_path: Path, what: str) -> None:
    """Else the server starts, takes an upload, and loses it."""
    data = tmp_path / "data"
    with running_server(tmp_path, min_free_bytes=0):
        pass
    path = data / what
    mode = path.stat().st_mode
    path.chmod(0o400 if path.is_file() else READ_ONLY)

    done = serve_humbly(data)
    path.chmod(mode)

    assert done.returncode == 2
    assert done.stderr.startswith("otv: error: ")
    assert str(data) in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_new_data_folder_where_none_may_be_made(closed: Path) -> None:
    """Else a typing error in a unit file shows as a traceback in its log."""
    done = serve_humbly(closed / "data")

    assert done.returncode == 2
    assert "Permission denied" in done.stderr
    assert done.stderr.count("\n") == 1


def test_folder_of_blobs_that_is_gone_while_it_runs(tmp_path: Path) -> None:
    """Else a disk that is unmounted for a moment shows as an internal error."""
    with running_server(tmp_path, min_free_bytes=0, rate=0) as server:
        api = Api.of(server.url)
        share = begin(api, 7)
        blobs = server.data / "blobs"
        blobs.rename(server.data / "away")

        refused = api.part(share.sid, share.owner, 0, b"content")
        (server.data / "away").rename(blobs)
        taken = api.part(share.sid, share.owner, 0, b"content")

        api.http.close()
        assert verdict(refused) == (503, "unavailable")
        assert taken.status_code == 201
        assert "Traceback" not in server.log_text()
