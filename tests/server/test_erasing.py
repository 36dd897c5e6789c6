"""When it is over, nothing readable is left: manifests and parts in a real data folder."""

from __future__ import annotations

import secrets
import signal
import time
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING

import pytest

from tests.conftest import RunningServer, running_server, start_server
from tests.searching import files_with, spellings
from tests.support import PART, Api, RawLink, RawShare, eventually, send_content, send_small

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WITHIN_S = 5
SEARCHED_EVERY = 1999  # bytes: twice in each page of the database
EXPIRES_S = 8  # long enough to be searched for first, also on a busy machine


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose data folder only these tests write to."""
    with running_server(
        tmp_path_factory.mktemp("erasing"), min_free_bytes=0, rate=0, min_ttl=1
    ) as running:
        yield running


def blob_files(data: Path) -> list[Path]:
    """Every stored blob."""
    return [path for path in (data / "blobs").glob("*/*") if path.is_file()]


def traces(data: Path, share: RawShare, most: int | None = None) -> dict[str, set[str]]:
    """Where something of this share's manifests still stands; of each, so many places at most."""
    looked_for = {
        f"manifest {number} at {start}": link.manifest[start : start + 64]
        for number, link in enumerate(share.links)
        for start in range(0, len(link.manifest) - 64, SEARCHED_EVERY)[:most]
    }
    return files_with([data], looked_for)


def open_link(share: RawShare, link: RawLink, outcome: str = "opened") -> None:
    """Claim and acknowledge."""
    lease = secrets.token_bytes(32)
    assert share.api.claim(link, lease).status_code == 200
    assert share.api.ack(link, lease, outcome).status_code == 204


@pytest.mark.parametrize("bucket", [4202, 262_250])
@pytest.mark.parametrize("ending", ["opened", "rejected", "revoked", "expired", "guessed"])
def test_manifest_is_gone_from_every_file(mine: RunningServer, bucket: int, ending: str) -> None:
    """Else a stolen disk and the link together open what was over."""
    api = Api.of(mine.url)
    link = RawLink(
        manifest=secrets.token_bytes(bucket), ttl_s=EXPIRES_S if ending == "expired" else 600
    )
    share = send_small(api, link)
    assert eventually(lambda: bool(traces(mine.data, share, 1)), 5), "the search is blind"

    if ending in ("opened", "rejected"):
        open_link(share, link, ending)
    elif ending == "revoked":
        api.revoke(share.sid, share.owner)
    elif ending == "guessed":
        for number in range(100):
            api.claim(link, secrets.token_bytes(32), unlock=secrets.token_bytes(32))
            if number % 10 == 9:
                api.reset(share.sid, share.owner, link)

    # Files are read one after the other, and pages move from one to the other meanwhile: what
    # is not found twice is not there.
    assert eventually(
        lambda: not any(traces(mine.data, share) for _ in range(2)), WITHIN_S + EXPIRES_S
    )
    api.http.close()


def test_parts_are_deleted_in_time(mine: RunningServer) -> None:
    """Else ciphertext piles up, and a full disk refuses the next sender."""
    api = Api.of(mine.url)
    share = send_content(api, [secrets.token_bytes(PART), b"the rest"])
    assert len(blob_files(mine.data)) == 2

    open_link(share, share.link)

    assert eventually(lambda: not blob_files(mine.data), WITHIN_S)
    api.http.close()


def test_one_of_two_links_leaves_the_other(mine: RunningServer) -> None:
    """Else the first recipient to open takes the file from the second."""
    api = Api.of(mine.url)
    first, second = RawLink(), RawLink()
    share = send_content(api, [b"for both"], first, second)
    open_link(share, first)
    time.sleep(1.5)  # more than one sweep: it must leave these bytes alone

    lease = secrets.token_bytes(32)
    api.claim(second, lease)

    assert api.content(second, lease).content == b"for both"
    api.ack(second, lease)
    assert eventually(lambda: not blob_files(mine.data), WITHIN_S)
    api.http.close()


def test_killed_server_finishes_at_its_next_start(tmp_path: Path) -> None:
    """Else a crash between the end of a share and its deletion leaves bytes for ever."""
    data, log = tmp_path / "data", tmp_path / "log"
    running = start_server(data, log, min_free_bytes=0, min_ttl=1)
    api = Api.of(running.url)
    share = send_content(api, [b"never opened"], RawLink(ttl_s=3))
    running.stop(signal.SIGKILL)
    api.http.close()
    time.sleep(3)  # past the link's life, with no server running
    assert len(blob_files(data)) == 1

    again = start_server(data, log, min_free_bytes=0, min_ttl=1)
    left = traces(data, share)
    is_deleted = eventually(lambda: not blob_files(data), 5)
    again.stop()

    assert (left, is_deleted) == ({}, True)


def test_search_knows_every_spelling() -> None:
    """Else "nothing found" would prove nothing."""
    secret = secrets.token_bytes(48)

    for look in spellings(secret):
        assert len(look) >= 48

    for shift in range(3):
        inside = bytes(shift) + secret + b"tail"
        for text in (b64encode(inside), urlsafe_b64encode(inside), inside, inside.hex().encode()):
            assert any(look in text for look in spellings(secret))
