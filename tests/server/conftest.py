"""The raw caller of the session's server, and one whose clock the test turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.timed import Clock, timed_api
from tests.support import Api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import RunningServer


@pytest.fixture
def api(server: RunningServer) -> Iterator[Api]:
    """Calls to the session's server."""
    calls = Api.of(server.url)
    yield calls
    calls.http.close()


@pytest.fixture
def clock() -> Clock:
    """The clock of ``timed``."""
    return Clock()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock) -> Iterator[Api]:
    """Calls to an application of this test's own, which lives by ``clock``."""
    with timed_api(tmp_path, clock) as calls:
        yield calls
