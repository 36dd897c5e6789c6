"""An inspection for blobs that a test stores."""

from __future__ import annotations


class Seen:
    """An inspection that remembers; told to, it refuses at the end."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.data = bytearray()
        self._refuses = refuses

    def update(self, piece: bytes) -> None:
        """See ``Inspection.update``."""
        self.data += piece

    def finish(self) -> None:
        """See ``Inspection.finish``."""
        if self._refuses:
            raise LookupError
