"""What the Dockerfile promises of a running container, as far as it shows without an engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otv_server.settings import PREFIX, load, names
from tests.conftest import running_server
from tests.server.proxies import port_of

if TYPE_CHECKING:
    from tests.conftest import RunningServer

PROJECT = Path(__file__).parent.parent.parent
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
DEPLOYED = sorted((PROJECT / "deploy").iterdir())
SET = re.compile(r"^\s*(OTV_[A-Z_]+):\s+\"?([^\"\s]+)", re.MULTILINE)


def check_health(server: RunningServer) -> int:
    """The exit code of the image's health check, asked of another port."""
    command = json.loads(DOCKERFILE.partition("HEALTHCHECK")[2].partition("CMD ")[2].split("\n")[0])
    script = command[-1].replace(":8000/", f":{port_of(server.url)}/")
    assert command[:2] == ["python", "-c"]
    return subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, timeout=30
    ).returncode


def test_health_check_tells_a_server_that_answers_from_one_that_doesnt(tmp_path: Path) -> None:
    """Else a container that serves nobody goes on, or one that works is ended."""
    with running_server(tmp_path, min_free_bytes=0) as server:
        running = check_health(server)
        server.stop()
        stopped = check_health(server)

    assert (running, stopped != 0) == (0, True)


def test_health_check_asks_where_the_image_listens() -> None:
    """Else every container is taken for a dead one."""
    line = next(line for line in DOCKERFILE.splitlines() if line.startswith("ENV "))
    environment = dict(each.split("=") for each in line.split()[1:])

    settings = load(environment)

    assert (settings.port, settings.is_lan_served) == (8000, True)
    assert settings.who_may_send == "token"
    assert settings.data == Path("/data")
    assert os.fspath(settings.data) in DOCKERFILE.partition("VOLUME ")[2].split("\n")[0]


@pytest.mark.parametrize("file", DEPLOYED, ids=lambda file: str(file.name))
def test_deployed_settings_exist(file: Path) -> None:
    """Else what an operator copies is silently not done: unknown names are other programs'."""
    named = set(re.findall(r"\bOTV_[A-Z_]+", file.read_text()))

    assert named <= {PREFIX + name.upper() for name in names()}


def test_several_servers_are_set_as_documented() -> None:
    """Else three servers start that share nothing, or take anybody's files."""
    text = next(file for file in DEPLOYED if file.name == "compose-scale.yaml").read_text()
    environment = {
        name: re.sub(r"\$\{(\w+):\?\}", "example.org", value) for name, value in SET.findall(text)
    }

    settings = load(environment)

    assert (settings.port, settings.who_may_send) == (8000, "token")
    assert (settings.database or "").startswith("postgresql://")
    assert (settings.blobs or "").startswith("s3://")
    assert settings.public is not None
