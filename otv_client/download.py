"""Parts on their way down: one stream, resumed where it broke (protocol sections 6 and 7)."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otv_client.envelope.content import PART_BYTES, ContentOpener, Geometry, PartDigest
from otv_client.errors import IntegrityError, Unreachable
from otv_client.retry import Backoff, Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from otv_client.transport import Transport

_AHEAD = 2  # parts received but not yet opened and written
_HASHED_BYTES = 1 << 20  # at a time: to hand work to a thread has its price
_TRIES_PER_PART = 2  # a part may be damaged on its way once; twice is no accident


@dataclass(frozen=True, slots=True)
class Content:
    """A content that a claim gave access to; the digests are checked against the root.

    Attributes:
        lease: T.
        root: of the manifest, and the ETag.
        digests: ``D_j``, one for each part.
        files_bytes: what the files hold together, without the padding.
    """

    link_id: str
    lease: bytes = field(repr=False)
    root: bytes
    geometry: Geometry
    digests: Sequence[bytes]
    opener: ContentOpener
    files_bytes: int


def receive(
    transport: Transport,
    content: Content,
    take: Callable[[int, bytearray], None],
    first: int,
    progress: Callable[[int], None],
) -> None:
    """Hand every part from ``first`` on to ``take``, in order, in a thread of its own.

    Each part has been checked against its digest. While one is being taken the
    next ones arrive. ``progress`` is told how many bytes of the ciphertext are here.
    """
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="otv-download") as pool:
        try:
            for index, part in parts(transport, content, first, progress):
                if len(waiting) == _AHEAD:
                    waiting.popleft().result()
                waiting.append(pool.submit(take, index, part))
            for future in waiting:
                future.result()
        except BaseException:
            for future in waiting:
                future.cancel()
            raise


def parts(
    transport: Transport, content: Content, first: int, progress: Callable[[int], None]
) -> Iterator[tuple[int, bytearray]]:
    """Every part from ``first`` on, checked against its digest.

    Raises:
        IntegrityError: a part isn't the sender's, also when fetched again.
        Unreachable: no progress for as long as patience lasts.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="otv-check") as pool:
        yield from _fetched(transport, _Assembler(content, first, pool), content, progress)


def _fetched(
    transport: Transport, assembler: _Assembler, content: Content, progress: Callable[[int], None]
) -> Iterator[tuple[int, bytearray]]:
    backoff = Backoff(transport.retrying)
    while not assembler.is_finished:
        try:
            with transport.content(
                content.link_id,
                content.lease,
                content.root,
                assembler.position,
                content.geometry.ciphertext,
            ) as pieces:
                for piece in pieces:
                    backoff.arrived(len(piece))
                    yield from assembler.add(piece)
                    progress(assembler.position)
                assembler.check_finished()
        except Transient as failure:
            backoff.wait(failure)


class _Assembler:
    """Pieces of any length in, whole checked parts out.

    ``position`` is the first byte of the ciphertext that is still missing.
    """

    def __init__(self, content: Content, first: int, pool: ThreadPoolExecutor) -> None:
        self._content = content
        self._pool = pool
        self._failures = 0
        self._begin(first)

    @property
    def is_finished(self) -> bool:
        return self._part == self._content.geometry.parts

    @property
    def position(self) -> int:
        if self.is_finished:
            return self._content.geometry.ciphertext
        return self._part * PART_BYTES + self._filled

    def add(self, piece: bytes) -> Iterator[tuple[int, bytearray]]:
        rest = memoryview(piece)
        while rest:
            taken = rest[: len(self._buffer) - self._filled]
            if not taken:
                raise Transient(Unreachable("the server sends more than it announced"))
            self._buffer[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            self._check.arrived(self._filled)
            rest = rest[len(taken) :]
            if self._filled == len(self._buffer):
                yield self._whole()

    def check_finished(self) -> None:
        if not self.is_finished:
            raise Transient(Unreachable("the server sends less than it announced"))

    def _begin(self, part: int) -> None:
        self._part, self._filled = part, 0
        self._buffer = bytearray() if self.is_finished else self._new_buffer()
        self._check = _Check(self._buffer, self._pool)

    def _new_buffer(self) -> bytearray:
        return bytearray(self._content.geometry.part_bytes(self._part))

    def _whole(self) -> tuple[int, bytearray]:
        part, buffer = self._part, self._buffer
        try:
            self._check.finish(self._content.digests[part])
        except IntegrityError as error:
            self._failures += 1
            if self._failures == _TRIES_PER_PART:
                raise
            self._begin(part)
            raise Transient(Unreachable("a part was damaged on its way")) from error
        self._failures = 0
        self._begin(part + 1)
        return part, buffer


class _Check:
    """Hashes a part in another thread while the rest of it arrives."""

    def __init__(self, part: bytearray, pool: ThreadPoolExecutor) -> None:
        self._part = memoryview(part)
        self._pool = pool
        self._digest = PartDigest()
        self._given = 0
        self._last: Future[None] | None = None

    def arrived(self, filled: int) -> None:
        """So much of the part is there, from its first byte on."""
        if filled - self._given < _HASHED_BYTES and filled < len(self._part):
            return
        self._last = self._pool.submit(self._digest.update, self._part[self._given : filled])
        self._given = filled

    def finish(self, expected: bytes) -> None:
        """All of it is there; ``IntegrityError`` where it isn't the sender's."""
        if self._last is not None:
            self._last.result()  # of one thread: those before it are done
        self._digest.check(expected)
