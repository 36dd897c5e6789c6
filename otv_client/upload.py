"""Parts on their way up: read, seal, hash and send, up to four at once (protocol section 6).

Each part is sealed once. Its sealed bytes wait in memory until the server has
them, and a retry sends the same ones, so about four parts and one being read are
in memory at any time, whatever the share's size.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otv_client.envelope.content import PART_PLAIN, ContentSealer, Geometry, digest
from otv_client.files.sources import Content, Readable, read_at_most
from otv_client.transport import Part, Transport

if TYPE_CHECKING:
    from otv_client.world import Progress

AT_ONCE = 4

Plaintext = Callable[[], bytearray]


@dataclass(frozen=True, slots=True)
class Stream:
    """A file of unknown length: its first bytes, and where the others come from."""

    name: str
    type: str
    head: bytes = field(repr=False)
    rest: Readable = field(repr=False)

    def read(self, done: int, size: int) -> bytearray:
        """The next ``size`` bytes after the first ``done``; fewer only at the end."""
        piece = bytearray(self.head[done : done + size])
        return piece + read_at_most(self.rest, size - len(piece))


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What was sent: bytes of files in all, where they lie, and the digest of every part."""

    total: int
    geometry: Geometry
    digests: list[bytes]


@dataclass(frozen=True, slots=True)
class _Job:
    index: int
    plaintext: Plaintext
    is_last: bool


def _known_jobs(content: Content, geometry: Geometry) -> Iterator[_Job]:
    for index in range(geometry.parts):
        start, stop = geometry.part_plain(index)
        # Bound now: the worker reads, when its turn comes.
        yield _Job(
            index,
            lambda start=start, stop=stop: content.read(start, stop),  # type: ignore[misc]  # mypy can't infer the defaults
            geometry.is_last(index),
        )


class _Measured:
    """Jobs of a content whose length shows only at its end; ``total`` is right after the last."""

    def __init__(self, content: Content, stream: Stream) -> None:
        self._content, self._stream = content, stream
        self.total = 0

    def jobs(self) -> Iterator[_Job]:
        """Every part is held back until it is known whether another one follows."""
        index, held = 0, self._next()
        while following := self._next():
            yield _job(index, held, is_last=False)
            index, held = index + 1, following
        geometry = Geometry.of_files(self.total)
        for padded in range(index, geometry.parts):
            start, stop = geometry.part_plain(padded)
            yield _job(padded, held.ljust(stop - start, b"\0"), is_last=geometry.is_last(padded))
            held = bytearray()

    def _next(self) -> bytearray:
        """The next bytes of files and stream, ``PART_PLAIN`` of them but at the end."""
        start = self.total
        split = min(max(self._content.total - start, 0), PART_PLAIN)
        piece = self._content.read(start, start + split) if split else bytearray()
        done = max(start - self._content.total, 0)
        piece += self._stream.read(done, PART_PLAIN - split)
        self.total += len(piece)
        return piece


def _job(index: int, plaintext: bytearray, *, is_last: bool) -> _Job:
    return _Job(index, lambda: plaintext, is_last)


class Uploader:
    """The workers of one upload."""

    def __init__(self, transport: Transport, sid: str, owner: bytes, progress: Progress) -> None:
        self._transport, self._sid, self._owner = transport, sid, owner
        self._progress = progress
        self._lock = threading.Lock()
        self._sent: dict[int, int] = {}
        self._expected: int | None = None

    def run(self, sealer: ContentSealer, content: Content, stream: Stream | None) -> Uploaded:
        """Send every part of files and stream, joined in this order."""
        if stream is None:
            geometry = Geometry.of_files(content.total)
            self._expected = geometry.ciphertext
            digests = self._run(sealer, _known_jobs(content, geometry))
            return Uploaded(content.total, geometry, digests)
        measured = _Measured(content, stream)
        digests = self._run(sealer, measured.jobs())
        return Uploaded(measured.total, Geometry.of_files(measured.total), digests)

    def _run(self, sealer: ContentSealer, jobs: Iterator[_Job]) -> list[bytes]:
        """The digests of all parts, in order. The first failure stops the others."""
        digests: dict[int, bytes] = {}
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="otv-upload")
        waiting: set[Future[tuple[int, bytes]]] = set()
        try:
            for job in jobs:
                waiting.add(pool.submit(self._send, sealer, job))
                if len(waiting) == AT_ONCE:
                    waiting = _collect(waiting, digests)
            while waiting:
                waiting = _collect(waiting, digests)
        except BaseException:
            self._transport.retrying.stop()
            raise
        finally:
            # Not waited for: after a failure one may sit in its socket for a minute.
            pool.shutdown(wait=False, cancel_futures=True)
        return [digests[index] for index in range(len(digests))]

    def _send(self, sealer: ContentSealer, job: _Job) -> tuple[int, bytes]:
        sealed = sealer.seal_part(job.index, job.plaintext(), is_last=job.is_last)
        part = Part(job.index, sealed, digest(sealed))
        self._transport.put_part(self._sid, self._owner, part, lambda sent: self._tell(job, sent))
        return job.index, part.digest

    def _tell(self, job: _Job, sent: int) -> None:
        with self._lock:
            self._sent[job.index] = sent  # a retry begins at 0 again
            done = sum(self._sent.values())
        self._progress(done, self._expected)


def _collect(
    waiting: set[Future[tuple[int, bytes]]], digests: dict[int, bytes]
) -> set[Future[tuple[int, bytes]]]:
    """Wait for one, keep the digests of all that are done, return the others."""
    done, others = wait(waiting, return_when=FIRST_COMPLETED)
    digests.update(future.result() for future in done)
    return others
