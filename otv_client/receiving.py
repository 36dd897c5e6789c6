"""Where an opening's files go: a folder, or a stream. Both hand out nothing unverified."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from otv_client.download import Content, receive
from otv_client.envelope.content import PART_BYTES, check_padding
from otv_client.errors import IntegrityError, LocalError, Over, UsageError
from otv_client.files.plan import new_folder, place
from otv_client.files.saving import (
    PartialFolder,
    check_destination,
    new_partial_name,
    remove_partial,
)
from otv_client.files.spool import CiphertextSpool
from otv_client.files.streams import sync_stream
from otv_client.records import OpeningRecord

if TYPE_CHECKING:
    from otv_client.envelope.manifest import Manifest
    from otv_client.transport import Transport
    from otv_client.world import World

_DURABLE_EVERY_BYTES = 64 << 20
_DURABLE_EVERY_S = 5.0

Remember = Callable[[OpeningRecord], None]
HandOut = Callable[[tuple[Path, ...] | None], None]


@dataclass(frozen=True, slots=True)
class Received:
    """What a claim gave: the manifest, and the content where there is one to fetch."""

    transport: Transport
    manifest: Manifest
    content: Content | None
    world: World

    def fetch(self, take: Callable[[int, bytearray], None], first: int = 0) -> None:
        """Fetch the parts from ``first`` on, tell the progress, hand each to ``take``."""
        content = self.content
        if content is None:
            return
        total = content.geometry.ciphertext
        receive(self.transport, content, take, first, lambda done: self.world.progress(done, total))

    def opened(self, index: int, part: bytes | bytearray) -> tuple[int, memoryview]:
        """A part's plaintext and its place in the content, all of it verified.

        Raises:
            IntegrityError: it isn't the sender's, or its padding isn't empty.
        """
        assert self.content is not None, "parts come of a content"
        plaintext = self.content.opener.open_part(index, part)
        start, stop = self.content.geometry.part_plain(index)
        if stop > self.content.files_bytes:
            check_padding(plaintext, start, self.content.files_bytes)
        return start, plaintext


class Target(Protocol):
    """Where the files go."""

    def check(self) -> None:
        """Raise ``LocalError`` for what can be known before anything is spent."""

    def receive(
        self, received: Received, record: OpeningRecord, remember: Remember, hand_out: HandOut
    ) -> None:
        """Receive everything, verify it, and call ``hand_out`` once all is in its place."""


class IntoFolder:
    """Files go into a folder, under their own names.

    Args:
        folder: made where it is missing.
        force: replace files that are in the way; never folders or links.
        is_chosen: the user named the folder. Where not, a share that holds a dotfile at its top
            goes into a new folder, so that none lands unasked beside the user's own.
    """

    def __init__(self, folder: Path, *, force: bool = False, is_chosen: bool = True) -> None:
        self._folder = folder.absolute()
        self._force, self._is_chosen = force, is_chosen

    def check(self) -> None:
        """See ``Target``."""
        check_destination(self._folder)

    def receive(
        self, received: Received, record: OpeningRecord, remember: Remember, hand_out: HandOut
    ) -> None:
        """See ``Target``."""
        saved = self._saved_before(record)
        if saved is None and received.manifest.files:
            saved = self._save(received, record, remember)
        hand_out(tuple(self._folder / path for path in saved or ()))

    def _saved_before(self, record: OpeningRecord) -> tuple[str, ...] | None:
        """The paths that an earlier process saved to here, if it got that far."""
        is_here = record.saved is not None and record.destination == str(self._folder)
        if not is_here or not all((self._folder / path).is_file() for path in record.saved or ()):
            return None
        return record.saved

    def _save(
        self, received: Received, record: OpeningRecord, remember: Remember
    ) -> tuple[str, ...]:
        files = received.manifest.files
        known_name = record.partial if record.destination == str(self._folder) else ""
        sizes = [entry.size for entry in files]
        with PartialFolder(self._folder, known_name or new_partial_name(), sizes) as partial:
            if known_name and _is_possible(record, received) and partial.resume():
                filling = _Filling(received, partial, record, remember)
            else:
                filling = self._start(received, partial, record, remember)
            paths = self._places(received, partial)
            filling.run(lambda: partial.check_free(paths, force=self._force))
            partial.publish(paths, force=self._force)
            remember(replace(filling.record, saved=tuple(paths)))
            partial.discard()
        return tuple(paths)

    def _start(
        self,
        received: Received,
        partial: PartialFolder,
        record: OpeningRecord,
        remember: Remember,
    ) -> _Filling:
        """Begin at the first part; what was written elsewhere is given up."""
        remove_partial(Path(record.destination), record.partial)
        record = replace(
            record, destination=str(self._folder), partial=partial.name, parts_done=0, saved=None
        )
        remember(record)
        try:
            partial.start()
        except BaseException:
            partial.discard()
            raise
        return _Filling(received, partial, record, remember)

    def _places(self, received: Received, partial: PartialFolder) -> list[str]:
        files, record_id = received.manifest.files, partial.name.removeprefix(".otv-partial-")
        names = [entry.name for entry in files]
        below = "" if self._is_chosen else new_folder(names, record_id)
        if below:
            received.world.tell(f"hidden files: everything goes into the new folder {below}")
        paths = place(names, partial.system, below=below)
        for name, path in zip(names, paths, strict=True):
            if path != (f"{below}/{name}" if below else name):
                received.world.tell(f"saved as {path}: {name} can't stand beside the others here")
        return paths


def _is_possible(record: OpeningRecord, received: Received) -> bool:
    """Whether a record speaks of parts that there are; it may have been cut or edited."""
    parts = 0 if received.content is None else received.content.geometry.parts
    return 0 <= record.parts_done <= parts


class _Filling:
    """Fills a partial folder, and keeps the record of how far it is durable."""

    def __init__(
        self,
        received: Received,
        partial: PartialFolder,
        record: OpeningRecord,
        remember: Remember,
    ) -> None:
        self._received, self._partial = received, partial
        self._clock = received.world.monotonic
        self._remember = remember
        self.record = record
        self._written = record.parts_done
        self._durable_at = self._clock()
        # What is written becomes durable beside what is still to come: a disk that is waited for
        # at the end alone costs as long again as the network.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="otv-durable")
        self._syncing: Future[None] | None = None

    def run(self, check_free: Callable[[], None]) -> None:
        """Write and verify everything; keep what is durable, or leave nothing, as the end asks."""
        with self._pool:
            self._run(check_free)

    def _run(self, check_free: Callable[[], None]) -> None:
        try:
            check_free()
            self._fill()
            self._checkpoint()
        except (IntegrityError, Over):
            self._partial.discard()
            raise
        except BaseException:
            if self._written == 0:
                self._partial.discard()
            elif self._written > self.record.parts_done:
                self._checkpoint()
            raise

    def _fill(self) -> None:
        manifest, content = self._received.manifest, self._received.content
        if content is None:
            self._partial.check_room(len(manifest.inline))
            self._partial.write(0, memoryview(manifest.inline))
            return
        first = self.record.parts_done
        self._partial.check_room(self._missing(first))
        self._received.fetch(self._take, first)

    def _missing(self, first: int) -> int:
        assert self._received.content is not None
        geometry = self._received.content.geometry
        written = 0 if first == 0 else geometry.part_plain(first - 1)[1]
        return max(self._received.content.files_bytes - written, 0)

    def _take(self, index: int, part: bytearray) -> None:
        # Parts wait in a queue: after one that failed, the next must not count as progress.
        if index != self._written:
            raise LocalError("an earlier part could not be written")
        start, plaintext = self._received.opened(index, part)
        self._partial.write(start, plaintext)
        self._written = index + 1
        unsafe = (self._written - self.record.parts_done) * PART_BYTES
        late = self._clock() - self._durable_at > _DURABLE_EVERY_S
        if unsafe >= _DURABLE_EVERY_BYTES or late:
            self._begin_checkpoint()

    def _begin_checkpoint(self) -> None:
        """One at a time: a disk that is slow is asked less often, for more."""
        if self._syncing is None or self._syncing.done():
            self._end_checkpoint()
            self._syncing = self._pool.submit(self._make_durable, self._written)

    def _end_checkpoint(self) -> None:
        syncing, self._syncing = self._syncing, None
        if syncing is not None:
            syncing.result()

    def _checkpoint(self) -> None:
        self._end_checkpoint()
        self._make_durable(self._written)

    def _make_durable(self, written: int) -> None:
        """First the files, then the record that says so."""
        self._partial.sync()
        self.record = replace(self.record, parts_done=written)
        self._remember(self.record)
        self._durable_at = self._clock()


@runtime_checkable
class Writable(Protocol):
    """What bytes can be written to: a binary stream."""

    def write(self, data: memoryview, /) -> int:
        """Take bytes from the first on; return how many."""

    def flush(self) -> None:
        """Hand on what was taken."""


class IntoStream:
    """A single file, or the note, goes into a stream, after all of it is verified."""

    def __init__(self, stream: Writable) -> None:
        self._stream = stream

    def check(self) -> None:
        """See ``Target``; a stream says nothing beforehand."""

    def receive(
        self, received: Received, record: OpeningRecord, remember: Remember, hand_out: HandOut
    ) -> None:
        """See ``Target``; nothing is kept for another process."""
        del record, remember
        manifest = received.manifest
        if len(manifest.files) > 1:
            raise UsageError(
                f"this link holds {len(manifest.files)} files, too many for one stream",
                hint="nothing is lost: run the same command with -o DIR instead of -o -",
            )
        if received.content is not None:
            self._copy(received, received.content, hand_out)
            return
        hand_out(None)
        self._write(manifest.inline if manifest.files else manifest.note.encode())
        self._flush()

    def _copy(self, received: Received, content: Content, hand_out: HandOut) -> None:
        """Twice over the ciphertext: the first time to verify, the second to write."""
        geometry = content.geometry
        with CiphertextSpool(geometry.ciphertext) as spool:

            def take(index: int, part: bytearray) -> None:
                received.opened(index, part)
                spool.append(part)

            received.fetch(take)
            spool.rewind()
            hand_out(None)
            for index in range(geometry.parts):
                start, plaintext = received.opened(index, spool.read(geometry.part_bytes(index)))
                self._write(plaintext[: max(content.files_bytes - start, 0)])
        self._flush()

    def _write(self, data: bytes | memoryview) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._stream.write(rest) :]
        except OSError as error:
            raise LocalError("the output doesn't take what was received") from error

    def _flush(self) -> None:
        try:
            self._stream.flush()
            sync_stream(self._stream)
        except OSError as error:
            raise LocalError("the output doesn't take what was received") from error
