"""What is sent and on which terms, checked before anything leaves (protocol sections 5 and 7)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from otv_client.envelope.keys import password_bytes
from otv_client.envelope.manifest import (
    MAX_INLINE_BYTES,
    MAX_NOTE_BYTES,
    FileEntry,
    check_sendable,
    is_type,
)
from otv_client.errors import Refused, UsageError
from otv_client.files.sources import Readable, Source, distinct, from_memory, read_at_most
from otv_client.instants import duration_text
from otv_client.upload import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from otv_client.answers import Limits


@dataclass(frozen=True, slots=True)
class Terms:
    """How a share may be opened.

    Attributes:
        expires_s: seconds that each link lives once it opens; None takes the server's default.
        opens_at: from when on, or None for at once.
        opens: openings of each link.
        links: personal links to the one upload.
        password: or None.
        view_only: ask for viewing, not keeping.
        note: a message beside the files.
    """

    expires_s: int | None = None
    opens_at: datetime | None = None
    opens: int = 1
    links: int = 1
    password: str | None = field(default=None, repr=False)
    view_only: bool = False
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent: files, then perhaps one stream of unknown length, which is a file too."""

    sources: tuple[Source, ...] = ()
    stream: Stream | None = None


def delay_until(opens_at: datetime | None, now: datetime) -> int:
    """Whole seconds from now, rounded up; 0 for at once and for what is past."""
    return 0 if opens_at is None else max(0, math.ceil((opens_at - now).total_seconds()))


def check_terms(terms: Terms, limits: Limits, now: datetime) -> None:
    """Raise ``Refused`` for terms outside the server's limits, ``UsageError`` for none at all."""
    ttl_s = ttl_of(terms, limits)
    if not limits.min_ttl_s <= ttl_s <= limits.max_ttl_s:
        raise Refused(
            f"this server keeps links from {duration_text(limits.min_ttl_s)}"
            f" to {duration_text(limits.max_ttl_s)}",
            reason="ttl",
            hint="choose another --expires",
        )
    if delay_until(terms.opens_at, now) > limits.max_delay_s:
        raise Refused(
            f"this server opens links at most {duration_text(limits.max_delay_s)} from now",
            reason="delay",
            hint="choose an earlier --at",
        )
    _check_count(terms.opens, limits.opens, "openings")
    _check_count(terms.links, limits.links, "personal links")


def _check_count(count: int, limit: int, what: str) -> None:
    if count < 1:
        raise UsageError(f"a share has at least one of its {what}")
    if count > limit:
        raise Refused(f"this server allows at most {limit} {what}", reason=what.replace(" ", "_"))


def packed(
    sources: Sequence[Source], stream: Readable | None, name: str, tell: Callable[[str], None]
) -> Parcel:
    """Files and, behind them, what a stream of unknown length holds.

    A stream that ends within what a small share takes becomes a file in memory.

    Args:
        sources: files.
        stream: or None.
        name: of the stream's file.
        tell: hears of a name that had to be changed.
    """
    if stream is None:
        return Parcel(tuple(sources))
    head = bytes(read_at_most(stream, MAX_INLINE_BYTES + 1))
    file = from_memory(name, head, tell)
    if len(head) <= MAX_INLINE_BYTES:
        return Parcel((*sources, file))
    return Parcel(tuple(sources), Stream(file.name, file.type, head, stream))


def with_distinct_names(parcel: Parcel, tell: Callable[[str], None]) -> Parcel:
    """The same with every name once; the stream's file comes last."""
    stream = parcel.stream
    if stream is None:
        return Parcel(tuple(distinct(parcel.sources, tell)))
    stand_in = Source(stream.name, 0, stream.type)
    *sources, named = distinct((*parcel.sources, stand_in), tell)
    return Parcel(tuple(sources), replace(stream, name=named.name))


def check_parcel(parcel: Parcel, terms: Terms) -> None:
    """Raise ``UsageError`` for what no share can hold, before the server is asked."""
    entries = entries_of(parcel.sources)
    if parcel.stream:
        entries = (*entries, FileEntry(parcel.stream.name, 1, parcel.stream.type))
    if not entries and not terms.note:
        raise UsageError("there is nothing to send", hint="name files or folders, or give --text")
    if terms.password is not None:
        password_bytes(terms.password)
    if len(terms.note.encode(errors="replace")) > MAX_NOTE_BYTES:
        raise UsageError(
            f"a note has at most {MAX_NOTE_BYTES} bytes", hint="send a longer text as a file"
        )
    check_sendable(terms.note, entries, view=terms.view_only)


def entries_of(sources: Sequence[Source]) -> tuple[FileEntry, ...]:
    """The manifest's entries of files; a type that no reader takes is left out."""
    return tuple(
        FileEntry(source.name, source.size, source.type if is_type(source.type) else "")
        for source in sources
    )


def ttl_of(terms: Terms, limits: Limits) -> int:
    """Seconds that a link lives."""
    return limits.default_ttl_s if terms.expires_s is None else terms.expires_s
