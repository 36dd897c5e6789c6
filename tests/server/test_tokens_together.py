"""Upload tokens where several servers share one PostgreSQL: made once, good and revoked at all."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.conftest import running_server
from tests.support import Api, b64, new_id, new_secret, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REVOKED = (401, "upload_token")


@pytest.fixture
def two(tmp_path: Path, database_url: str) -> Iterator[list[Api]]:
    """Two servers with data folders of their own, which ask everyone for a token."""
    blobs = f"file://{tmp_path / 'blobs'}"
    chosen = {"database": database_url, "blobs": blobs, "uploads": "token", "min_free_bytes": 0}
    with ExitStack() as stack:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        servers = [stack.enter_context(running_server(folder, **chosen)) for folder in folders]
        apis = [Api.of(server.url) for server in servers]
        yield apis
        for api in apis:
            api.http.close()


def token_command(url: str, folder: Path, *arguments: str) -> str:
    """What ``otv-server token …`` prints, run on a third machine."""
    done = subprocess.run(
        [sys.executable, "-m", "otv_server", "token", *arguments, "--data", str(folder / "three")],
        env={**os.environ, "OTV_DATABASE": url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def send(api: Api, token: str) -> tuple[int, str | None]:
    """Begin an upload with a token; what came of it."""
    body = {"owner": b64(new_secret()), "bytes": None, "links": list[str]()}
    path = f"/shares/{b64(new_id())}"
    return verdict(api.http.put(path, json=body, headers={"OTV-Upload-Token": token}))


def test_token_is_good_at_all_servers_until_it_is_revoked(
    two: list[Api], database_url: str, tmp_path: Path
) -> None:
    """Else each machine needs tokens of its own, or one goes on taking a token that leaked."""
    token = token_command(database_url, tmp_path, "new", "anna")

    before = [send(api, token)[0] for api in two]
    listed = token_command(database_url, tmp_path, "list").split("\t")
    token_command(database_url, tmp_path, "revoke", "anna")
    after = [send(api, token) for api in two]

    assert (before, after) == ([201, 201], [REVOKED, REVOKED])
    assert listed[1:4] == ["anna", "good", "2 shares"]
