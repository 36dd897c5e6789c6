"""The raw caller of the session's server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import Api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import RunningServer


@pytest.fixture
def api(server: RunningServer) -> Iterator[Api]:
    """Calls to the session's server."""
    calls = Api.of(server.url)
    yield calls
    calls.http.close()
