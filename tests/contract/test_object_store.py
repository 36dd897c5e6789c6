"""What is particular to blobs in an object store: slow readers and callers, breaks, silence."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import pytest
from obstore.store import MemoryStore

from otv_server.domain.errors import NoRoom, OtvError, Unavailable
from otv_server.storage import troubles
from otv_server.storage.object_store import GROUP, PUTS_AT_ONCE
from otv_server.storage.places import WrongPlace
from tests.contract.conftest import an_hour_ahead, as_blobs
from tests.contract.inspecting import Seen
from tests.faults.wire import Moment, Stage, Wire
from tests.listening import Listener

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Iterator

    from otv_server.storage.object_store import ObjectBlobs
    from tests.object_store import S3

pytestmark = pytest.mark.anyio

MIB = 1 << 20
PART = 8 * MIB


class Blind:
    """An inspection that keeps nothing."""

    def update(self, piece: bytes) -> None:
        """See ``Inspection.update``."""

    def finish(self) -> None:
        """See ``Inspection.finish``."""


async def once(data: bytes) -> AsyncIterator[bytes]:
    """One chunk."""
    yield data


async def put(blobs: ObjectBlobs, data: bytes) -> str:
    """Store, under a new name."""
    blob = blobs.new_name()
    await blobs.put(blob, once(data), Seen())
    return blob


async def read(blobs: ObjectBlobs, blob: str, size: int) -> bytes:
    """All of it."""
    return b"".join([chunk async for chunk in blobs.read(blob, 0, size)])


# --- readers --------------------------------------------------------------------------------------


@contextmanager
def wired(store: S3, watch: Callable[[Moment], None]) -> Iterator[Wire]:
    """A wire to the store."""
    wire = Wire(store.url, watch)
    try:
        yield wire
    finally:
        wire.close()


async def test_reader_who_rests_fills_no_memory(object_store: S3) -> None:
    """Else a thousand phones that fell asleep take eight gigabytes of the server's."""
    passed = [0]

    def count(moment: Moment) -> None:
        passed[0] += moment.size if moment.stage is Stage.DOWN else 0

    size = 64 * MIB
    with wired(object_store, count) as wire:
        store = object_store.client(secrets.token_hex(8), wire.url)
        blobs = as_blobs(store)
        blob = await put(blobs, bytes(size))
        async with aclosing(blobs.read(blob, 0, size)) as chunks:
            await anext(chunks)
            # Until nothing moves any more: what fits the kernel's buffers has passed.
            before = -1
            while before != passed[0]:
                before = passed[0]
                await asyncio.sleep(0.3)
            left = size - passed[0]

    assert left > size // 2


async def test_stream_that_breaks_goes_on_where_it_broke(object_store: S3) -> None:
    """Else a restart of the store cuts every download; or a piece comes twice, or never."""
    data = os.urandom(PART)
    passed, breaks = [0], [0]

    def break_now_and_then(moment: Moment) -> None:
        if moment.stage is Stage.DOWN:
            passed[0] += moment.size
            if passed[0] > 3 * MIB:
                passed[0] = 0
                breaks[0] += 1
                wire.cut()

    with wired(object_store, break_now_and_then) as wire:
        blobs = as_blobs(object_store.client(secrets.token_hex(8), wire.url))
        blob = await put(blobs, data)

        found = await read(blobs, blob, PART)

    assert breaks[0] == 2
    assert found == data


async def test_request_that_lasted_too_long_is_asked_again(object_store: S3) -> None:
    """Else a reader on a slow line is cut off after as long as a request may last."""
    data, prefix = os.urandom(PART), secrets.token_hex(8)
    blob = await put(as_blobs(object_store.client(prefix)), data)
    hasty = as_blobs(object_store.client(prefix, timeout_s=2, retries=0))

    found = b""
    async for chunk in hasty.read(blob, 0, PART):
        found += chunk
        if len(found) < 3 * MIB:
            await asyncio.sleep(2.2)

    assert found == data


# --- callers --------------------------------------------------------------------------------------


def resident_bytes() -> int:
    """What this process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_callers_who_stall_fill_no_memory() -> None:
    """Else a few hundred slow uploads, or one hostile program, end the server."""
    callers, all_stall = 32, asyncio.Barrier(33)

    async def stalling() -> AsyncIterator[bytes]:
        for _ in range(127):
            yield os.urandom(PART // 128)
        await all_stall.wait()
        await asyncio.Event().wait()

    blobs = as_blobs(MemoryStore())
    before = resident_bytes()
    puts = [
        asyncio.create_task(blobs.put(blobs.new_name(), stalling(), Blind()))
        for _ in range(callers)
    ]
    await all_stall.wait()
    grown = resident_bytes() - before
    for each in puts:
        each.cancel()
    await asyncio.gather(*puts, return_exceptions=True)

    assert grown < callers * PART // 3


class Silence(Listener):
    """A store that takes connections and never says a word."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"http://{self.address}"
        self.connections: list[socket.socket] = []
        self.listen()

    def _take(self, connection: socket.socket) -> None:
        self.connections.append(connection)

    def close(self) -> None:
        """Hang up."""
        super().close()
        for each in self.connections:
            each.close()


@pytest.fixture
def silence() -> Iterator[Silence]:
    """A store that never answers."""
    made = Silence()
    yield made
    made.close()


async def test_silent_store_is_unavailable_in_time(object_store: S3, silence: Silence) -> None:
    """Else callers wait for ever, and so does the sweep."""
    blobs = as_blobs(object_store.client("x", silence.url, timeout_s=0.2, retries=1))
    blob = blobs.new_name()
    begun = time.monotonic()

    for call in (put(blobs, b"x"), read(blobs, blob, 1), blobs.delete(blob), anext(blobs.names())):
        with pytest.raises(Unavailable):
            await call
    with pytest.raises(WrongPlace):
        await blobs.open()

    assert time.monotonic() - begun < 10


async def test_only_so_many_blobs_are_on_their_way(object_store: S3, silence: Silence) -> None:
    """Else a store that has become slow fills the memory with what waits for it."""
    store = object_store.client("x", silence.url, timeout_s=20, retries=0)
    blobs = as_blobs(store, patience_s=0.3)

    puts = [asyncio.create_task(put(blobs, b"x")) for _ in range(PUTS_AT_ONCE * 2)]
    expected, seen = (PUTS_AT_ONCE, PUTS_AT_ONCE), (0, 0)  # given up, on their way
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            while seen != expected:
                await asyncio.sleep(0.02)
                seen = sum(each.done() for each in puts), len(silence.connections)
    silence.close()
    told = await asyncio.gather(*puts, return_exceptions=True)

    assert seen == expected
    assert all(isinstance(each, Unavailable) for each in told)


async def test_caller_who_leaves_stores_nothing() -> None:
    """Else half a part is stored as if it were one."""
    store = MemoryStore()
    blobs = as_blobs(store)

    async def leaving() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionAbortedError

    with pytest.raises((OtvError, ConnectionAbortedError)):
        await blobs.put(blobs.new_name(), leaving(), Seen())

    assert not [found async for group in obstore.list(store) for found in group]


# --- deleting and listing -------------------------------------------------------------------------


async def test_missing_bucket_is_no_deletion(object_store: S3) -> None:
    """Else a bucket that was renamed for an hour keeps its ciphertext, and nobody knows of it."""
    blobs = as_blobs(object_store.client("x", bucket="elsewhere"))

    with pytest.raises(Unavailable):
        await blobs.delete(blobs.new_name())


async def test_names_are_those_of_old_blobs_of_ours() -> None:
    """Else the sweep deletes what just arrives, or what others keep in the bucket."""
    store = MemoryStore()
    young, old = as_blobs(store), as_blobs(store, an_hour_ahead)
    blob = await put(young, b"x")
    for name in ("notes.txt", "ab/" + blob, blob.upper(), blob + "0"):
        await obstore.put_async(store, name, b"somebody else's")

    found = [[name async for group in each.names() for name in group] for each in (young, old)]

    assert found == [[], [blob]]


async def test_listing_rests_between_groups() -> None:
    """Else a listing of millions takes the store's attention from those who read and send."""
    store, rests = MemoryStore(), []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    for number in range(2 * GROUP + 1):
        await obstore.put_async(store, f"{number:032x}", b"")

    groups = [group async for group in as_blobs(store, an_hour_ahead, pause=rest).names()]

    assert [len(group) for group in groups] == [GROUP, GROUP, 1]
    assert len(rests) == 2
    assert min(rests) > 0


# --- what is wrong with a store -------------------------------------------------------------------


class Refusing(Listener):
    """A store that answers each request with the same error, as its kind does."""

    def __init__(self, status: str, body: str) -> None:
        super().__init__()
        self._answer = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        self.url = f"http://{self.address}"
        self.listen()

    def _take(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(1 << 16)
            connection.sendall(self._answer)


@pytest.mark.parametrize(
    ("status", "code", "trouble", "error"),
    [
        ("404 Not Found", "NoSuchBucket", troubles.BucketMissing, Unavailable),
        ("403 Forbidden", "RequestTimeTooSkewed", troubles.ClockOff, Unavailable),
        ("403 Forbidden", "InvalidAccessKeyId", troubles.CredentialsWrong, Unavailable),
        ("403 Forbidden", "SignatureDoesNotMatch", troubles.CredentialsWrong, Unavailable),
        ("400 Bad Request", "ExpiredToken", troubles.CredentialsWrong, Unavailable),
        ("403 Forbidden", "AccessDenied", troubles.NotAllowed, Unavailable),
        ("400 Bad Request", "AuthorizationHeaderMalformed", troubles.WrongRegion, Unavailable),
        ("301 Moved Permanently", "PermanentRedirect", troubles.WrongRegion, Unavailable),
        ("403 Forbidden", "QuotaExceeded", troubles.StoreFull, NoRoom),
        ("507 Insufficient Storage", "XMinioStorageFull", troubles.StoreFull, NoRoom),
        ("501 Not Implemented", "NotImplemented", troubles.NotOffered, Unavailable),
        ("503 Service Unavailable", "SlowDown", troubles.Unreachable, Unavailable),
        ("404 Not Found", "NoSuchKey", troubles.Missing, Unavailable),
        ("418 Teapot", "Tea", troubles.Trouble, Unavailable),
    ],
)
async def test_what_a_store_refuses_is_understood(
    object_store: S3,
    status: str,
    code: str,
    trouble: type[troubles.Trouble],
    error: type[OtvError],
) -> None:
    """Else an operator learns that something is wrong, and nothing else."""
    store = Refusing(status, f"<Error><Code>{code}</Code></Error>")
    blobs = as_blobs(object_store.client("x", store.url))

    with pytest.raises(error) as told:
        await put(blobs, b"x")
    with pytest.raises(WrongPlace) as said:
        await blobs.open()
    store.close()

    assert type(told.value.__cause__) is trouble
    assert trouble.sentence.partition("{")[0] in str(said.value)


async def test_errors_quote_nothing(object_store: S3) -> None:
    """Else names of blobs, keys and what was signed stand in logs and answers."""
    blobs = as_blobs(object_store.client("x", secret_access_key="wrong"))
    blob = blobs.new_name()

    with pytest.raises(Unavailable) as told:
        await read(blobs, blob, 1)
    with pytest.raises(WrongPlace) as said:
        await blobs.open()

    words = f"{told.value!r} {told.value.__cause__!r} {said.value!r}"
    assert not [each for each in (blob, "otv:tests", "AWS4-HMAC", "wrong") if each in words]


async def test_clock_that_is_off_is_found(object_store: S3) -> None:
    """Else blobs that are still arriving look old enough to be deleted."""
    store = object_store.client(secrets.token_hex(8))

    await as_blobs(store, lambda: time.time() + 50).open()
    for wrong in (lambda: time.time() + 70, lambda: time.time() - 70):
        with pytest.raises(WrongPlace, match="time server"):
            await as_blobs(store, wrong).open()

    assert not [found async for group in obstore.list(store) for found in group]


async def test_opening_leaves_nothing(object_store: S3) -> None:
    """Else each start adds to what the store holds."""
    store = object_store.client(secrets.token_hex(8))

    await as_blobs(store).open()

    assert not [found async for group in obstore.list(store) for found in group]
