"""Everything that is printed and asked: results to standard output, all else to standard error.

What comes from outside (names, notes, a server's words) passes ``printable`` on its
way to a terminal. Without a terminal there is no prompt, no colour and no progress.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from otv_client.errors import LocalError, UsageError
from otv_client.files.streams import sync_stream
from otv_client.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from otv_client.files.sources import Readable
    from otv_client.receiving import Writable

_FRAGMENT = re.compile(r"(#|%23)[A-Za-z0-9_%+/=-]{8,}")
_QUIET_S = 0.5  # no progress bar for what is over by then
_REDRAW_S = 0.1
_LONGEST_LINE = 4096
_WIDE, _NARROW = 70, 40  # columns; below, what would be cut is left out


class Terminal:
    """Standard input, output and error of this process.

    Attributes:
        debug: show tracebacks.
    """

    def __init__(self) -> None:
        self.debug = False
        self._meter: _Meter | None = None

    @property
    def is_interactive(self) -> bool:
        """Whether there is somebody to ask."""
        return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)

    # --- standard error ---------------------------------------------------------------------

    def tell(self, sentence: str) -> None:
        """A sentence that is no error."""
        self._say(f"otv: {printable(sentence)}")

    def error(self, message: str, hint: str | None) -> None:
        """An error and what to do about it."""
        self._say(f"otv: error: {printable(message)}")
        if hint:
            self._say(f"otv: hint: {printable(hint)}")

    def text(self, text: str) -> None:
        """Lines as they are: a QR code, help."""
        self._say(printable(text, keep_newlines=True))

    def note_beside(self, note: str) -> None:
        """A note beside files. Raises ``LocalError`` where nobody could have read it."""
        try:
            self._print(printable(note, keep_newlines=True))
            sync_stream(sys.stderr)
        except (OSError, ValueError) as error:
            raise LocalError(
                "standard error doesn't take the note",
                hint="nothing is lost: run the same command again, perhaps with --json",
            ) from error

    def trace(self, error: BaseException) -> None:
        """With ``--debug``: where an error came from. Values of variables aren't shown."""
        if self.debug:
            self._say(redacted("".join(traceback.format_exception(error))).rstrip())

    def _say(self, line: str) -> None:
        # A closed standard error is no reason to fail.
        with suppress(OSError, ValueError):
            self._print(line)

    def _print(self, line: str) -> None:
        if self._meter:
            self._meter.pause()
        if sys.stderr is None:  # print would take standard output in its place
            raise ValueError("standard error is closed")
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is where lines are printed

    # --- standard output --------------------------------------------------------------------

    def result(self, line: str) -> None:
        """A line of the result. Raises ``LocalError`` where it can't be written."""
        self.write(f"{line}\n".encode(errors="surrogateescape"))

    def json_result(self, value: object) -> None:
        """The result as one line of JSON."""
        self.result(json.dumps(value))

    def note(self, note: str) -> None:
        """A note that is the result: as it is into a pipe, made visible on a terminal."""
        shown = printable(note, keep_newlines=True) if _is_terminal(sys.stdout) else note
        self.write(shown.encode() if shown.endswith("\n") else f"{shown}\n".encode())

    def write(self, data: bytes) -> None:
        """Bytes of the result."""
        if self._meter:
            self._meter.pause()
        try:
            self.output.write(data)
            self.output.flush()
        except OSError as error:
            raise LocalError("standard output doesn't take the result") from error

    def keep(self) -> None:
        """Make the result durable, where it goes into a file."""
        try:
            sync_stream(self.output)
        except OSError as error:
            raise LocalError("standard output doesn't keep the result") from error

    @property
    def output(self) -> BinaryIO:
        """Standard output for bytes."""
        if sys.stdout is None:
            raise LocalError("standard output is closed")
        return sys.stdout.buffer

    @property
    def stream(self) -> Writable:
        """Standard output for what came from outside: made visible where it is a terminal."""
        return _Visible(self.output) if _is_terminal(sys.stdout) else self.output

    # --- standard input ---------------------------------------------------------------------

    def input(self) -> Readable:
        """Standard input for bytes; on a terminal, how to end it is said."""
        if sys.stdin is None:
            raise UsageError("standard input is closed")
        if not _is_terminal(sys.stdin):
            return sys.stdin.buffer
        self.tell("reading from the terminal; end with Ctrl-D on a line of its own")
        return _Typed(sys.stdin.buffer)

    def line(self, how: str) -> str:
        """One line of standard input; on a terminal, what to type is said."""
        if sys.stdin is None:
            raise UsageError("standard input is closed")
        if _is_terminal(sys.stdin):
            self.tell(how)
        return sys.stdin.buffer.readline(_LONGEST_LINE).decode(errors="replace").strip()

    def ask_secret(self, prompt: str) -> str:
        """A line typed without echo."""
        import getpass  # noqa: PLC0415 - only where somebody is asked

        return getpass.getpass(prompt, stream=sys.stderr)

    def ask_line(self, prompt: str) -> str:
        """A line typed in sight."""
        print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201 - this is where lines are printed
        return sys.stdin.readline().strip()

    # --- progress ---------------------------------------------------------------------------

    def progress(self, done: int, total: int | None) -> None:
        """Bytes done and in all, from any thread; drawn only inside ``showing_progress``."""
        if self._meter:
            self._meter.update(done, total)

    @contextmanager
    def showing_progress(self, what: str) -> Iterator[None]:
        """Draw progress on a terminal for what takes longer than half a second."""
        if not _is_terminal(sys.stderr):
            yield
            return
        self._meter = _Meter(what)
        try:
            yield
        finally:
            self._meter.finish()
            self._meter = None


class _Meter:
    """A progress bar that appears late, is drawn at most ten times a second, and ends once."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._drawn_at = time.monotonic() + _QUIET_S - _REDRAW_S
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._is_over = False

    def update(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._drawn_at < _REDRAW_S or not self._lock.acquire(blocking=False):
            return  # a worker never waits for the screen
        try:
            if not self._is_over:
                self._drawn_at = now
                self._draw(done, total)
        finally:
            self._lock.release()

    def pause(self) -> None:
        """Make room for a line; the next update draws the bar again below it."""
        with self._lock:
            if self._bar:
                self._bar.stop()
                self._bar = None

    def finish(self) -> None:
        self.pause()
        with self._lock:
            self._is_over = True

    def _draw(self, done: int, total: int | None) -> None:
        if self._bar is None:
            self._bar = _new_bar()
            self._bar.start()
            self._task = self._bar.add_task(self._what, total=total)
        assert self._task is not None, "it came with the bar"
        self._bar.update(self._task, completed=done, total=total)
        self._bar.refresh()


class _Visible:
    """A terminal that is shown bytes from outside: nothing in them may drive it."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def write(self, data: bytes | memoryview, /) -> int:
        shown = printable(self._decoder.decode(bytes(data)), keep_newlines=True)
        self._output.write(shown.encode())
        return len(data)

    def flush(self) -> None:
        self._output.flush()


class _Typed:
    """What is typed at a terminal: one end is the end, though the terminal would go on."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._is_over = False

    def read(self, size: int = -1, /) -> bytes:
        if self._is_over:
            return b""
        data = self._source.read(size)
        self._is_over = len(data) < size or size < 0
        return data


def redacted(text: str) -> str:
    """The text without what follows a link's ``#``: click quotes what was typed."""
    return _FRAGMENT.sub("#\u2026", text)


def _new_bar() -> Progress:

    from rich import progress  # noqa: PLC0415 - 90 ms, only for a bar that is really drawn
    from rich.console import Console  # noqa: PLC0415 - only for a bar that is really drawn

    console = Console(file=sys.stderr)
    wide = (progress.TextColumn("{task.description}"), progress.BarColumn())
    numbers = (
        progress.DownloadColumn(binary_units=True),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(compact=True),
    )
    return progress.Progress(
        *(wide if console.width >= _WIDE else ()),
        *(numbers if console.width >= _NARROW else numbers[:1]),
        console=console,
        auto_refresh=False,
        transient=True,
    )


def _is_terminal(stream: object) -> bool:
    """Whether a standard stream is there, open, and a terminal."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]  # it may be None
    except (AttributeError, ValueError):
        return False
