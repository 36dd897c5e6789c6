"""Streams that what was received went into."""

from __future__ import annotations

import errno
import os
import stat


def sync_stream(stream: object) -> None:
    """Make durable what a stream has handed on, where it is a file; others hold nothing to lose.

    Raises:
        OSError: it is lost.
    """
    try:
        handle = stream.fileno()  # type: ignore[attr-defined]  # not every stream has one
        is_file = stat.S_ISREG(os.fstat(handle).st_mode)
    except (AttributeError, OSError, ValueError):
        return
    if not is_file:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems know files that can't be synced.
        if error.errno != errno.EINVAL:
            raise
