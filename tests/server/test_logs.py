"""What the server writes down: by route and code, never who or which."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.conftest import RunningServer, running_server
from tests.server import raw
from tests.support import (
    Api,
    RawLink,
    RawShare,
    b64,
    bearer,
    eventually,
    hashed,
    new_secret,
    send_content,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESS = "127.0.0.1"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of this test's own, whose log holds nothing else."""
    with running_server(tmp_path, min_free_bytes=0, rate=0, min_ttl=1) as running:
        yield running


def use_every_way(server: RunningServer) -> tuple[RawShare, bytes]:
    """One share through all that can happen to it, errors, a sweep and broken lines included."""
    api, lease = Api.of(server.url), new_secret()
    share = send_content(api, [b"content of a share"], RawLink(opens=2), RawLink(ttl_s=1))
    link = share.links[0]
    api.look(link)
    api.claim(link, lease, unlock=lease)
    api.claim(link, lease)
    api.content(link, lease, range_="bytes=0-3")
    api.content(link, lease, range_="bytes=99-")
    api.ack(link, lease)
    api.ack(link, lease, "rejected")
    api.http.get(f"/links/{b64(link.id)}/nothing")
    api.http.post(f"/links/{b64(link.id)}/claim", content=b"{", headers=bearer(link.access))
    api.http.get(f"/links/{b64(link.id)}%23{b64(link.access)}", headers={"Range": "\x7f"})
    with raw.call(server.url) as line:
        line.sendall(raw.content_head(link, lease) + b"no HTTP\r\n\r\n")
    with raw.call(server.url) as line:
        line.sendall(f"GET /api/v1/links/{b64(link.id)} NONSENSE\r\n\r\n".encode())
        eventually(lambda: bool(raw.answered([line])))
    assert eventually(lambda: "swept" in server.log_text())
    api.revoke(share.sid, share.owner)
    api.http.close()
    return share, lease


def break_the_store(server: RunningServer) -> tuple[RawShare, bytes]:
    """A share whose part is gone from the disk: reading it is an error of the server's own."""
    api, lease = Api.of(server.url), new_secret()
    share = send_content(api, [b"content that will be missing"])
    api.claim(share.link, lease)
    for blob in (server.data / "blobs").glob("*/*"):
        blob.unlink()
    assert api.content(share.link, lease).status_code == 503
    api.http.close()
    return share, lease


def secrets_of(share: RawShare, lease: bytes) -> set[bytes]:
    """Every id, proof and hash of a proof."""
    links = [value for link in share.links for value in (link.id, link.access, link.unlock)]
    known = {share.sid, share.owner, lease, *links}
    return known | {hashed(value) for value in known}


def test_log_holds_nothing_that_points_at_anybody(own: RunningServer) -> None:
    """Else whoever reads the log could open links, or tell who opened them."""
    used = [use_every_way(own), break_the_store(own)]
    own.stop()

    text = own.log_text()

    for secret in set[bytes]().union(*(secrets_of(*each) for each in used)):
        assert b64(secret) not in text
        assert secret.hex() not in text
        assert repr(secret)[2:-1] not in text
    assert ADDRESS not in text
    assert "Traceback" not in text


def test_log_names_routes_and_codes(own: RunningServer) -> None:
    """Else an operator could not tell what went wrong."""
    break_the_store(own)
    own.stop()

    # The first line is for who started it by hand.
    entries = [json.loads(line) for line in own.log_text().splitlines() if line.startswith("{")]

    (failed,) = [entry for entry in entries if entry["event"] == "request failed"]
    assert failed["route"] == "GET /api/v1/links/{link_id}/content"
    assert failed["code"] == "unavailable"
