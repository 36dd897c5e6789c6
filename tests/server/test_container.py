"""What the Dockerfile promises of a running container, as far as it shows without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from otv_server.settings import load
from tests.conftest import running_server
from tests.server.proxies import port_of

if TYPE_CHECKING:
    from tests.conftest import RunningServer

DOCKERFILE = (Path(__file__).parent.parent.parent / "Dockerfile").read_text()


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
