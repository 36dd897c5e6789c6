"""Ciphertext kept aside until all of it is verified, for a stream that can't be taken back."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Self

from otv_client.errors import LocalError

if TYPE_CHECKING:
    from types import TracebackType


class CiphertextSpool:
    """A temporary file without a name, which holds ciphertext and never plaintext.

    Args:
        size: bytes that it will hold.

    Raises (all methods):
        LocalError: no room for it.
    """

    def __init__(self, size: int) -> None:
        try:
            self._file = tempfile.TemporaryFile(prefix="otv-")  # noqa: SIM115 - closed by __exit__
            room = os.fstatvfs(self._file.fileno())
        except OSError as error:
            raise _no_room() from error
        if room.f_bavail * room.f_frsize < size:
            self._file.close()
            raise _no_room()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, part: bytes | bytearray | memoryview) -> None:
        """Add the next part."""
        try:
            self._file.write(part)
        except OSError as error:
            raise _no_room() from error

    def rewind(self) -> None:
        """Begin to read from the first byte."""
        self._file.seek(0)

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        return self._file.read(size)


def _no_room() -> LocalError:
    return LocalError(
        "the folder for temporary files has no room",
        hint="set TMPDIR to a folder with room, or save to a folder with -o DIR",
    )
