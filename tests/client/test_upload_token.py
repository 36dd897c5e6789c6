"""The upload token goes where it is asked for, and nowhere else."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import httpx

from otv_client import Client

if TYPE_CHECKING:
    from tests.conftest import RunningServer


def test_only_the_beginning_of_a_share_carries_the_token(server: RunningServer) -> None:
    """Else whoever announces a server on the network is told the token before anything else."""
    seen: list[tuple[str, str, bool]] = []

    def record(request: httpx.Request) -> None:
        path = request.url.path.removeprefix("/api/v1")
        seen.append((request.method, path, "OTV-Upload-Token" in request.headers))

    with (
        httpx.Client(event_hooks={"request": [record]}) as http,
        Client(server.url, http=http, upload_token="the-token") as client,
    ):
        sent = client.send(bytes(100_000))
        client.open(sent.links[0].link, BytesIO())
        client.status(sent)
        client.revoke(sent)

    assert {"GET", "PUT", "POST", "DELETE"} == {method for method, _, _ in seen}
    carrying = [(method, path) for method, path, has_token in seen if has_token]
    assert carrying == [("PUT", f"/shares/{sent.share}")]
