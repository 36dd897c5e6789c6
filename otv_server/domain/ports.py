"""What the services need of a database and of a blob store, and what they may rely on.

Every repository method is one transaction, durable when it returns. Methods that decide over
an opening hold the link's row from before they read it until they commit, so that any number
of processes on one database decide one after the other. "Now" is the transaction's own: the
repository asks its clock (with several machines, the database's) once per transaction.

A share is found by ``(id, owner)`` and a link by ``(id, access)``; a miss is ``Unknown``
whatever the reason, after the same work. Any method may raise ``Unavailable``: nothing was
decided, or what was decided stands and the same call again gives the same answer.

``tests/contract`` holds every adapter to these words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from otv_server.domain.share import (
        ClaimAttempt,
        Instant,
        Link,
        NewShare,
        Outcome,
        Part,
        Sealing,
        Share,
    )
    from otv_server.domain.tokens import TokenTerms, UploadToken


@dataclass(frozen=True, slots=True)
class NewPart:
    """A part about to arrive: where it belongs, what it must be, the blob it is stored under."""

    share_id: bytes
    owner: bytes = field(repr=False)
    index: int
    size: int
    digest: bytes
    blob: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer to a claim: everything a reader needs, and until when."""

    manifest: bytes = field(repr=False)
    content_bytes: int
    digests: tuple[bytes, ...]
    lease_until: Instant
    now: Instant


@dataclass(frozen=True, slots=True)
class Reading:
    """What a live lease may read. ``lease_key`` is the repository's own name for the opening."""

    lease_key: int
    content_bytes: int
    root: bytes
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did, in counts. ``is_complete`` says that nothing due was left."""

    expired: int = 0
    lapsed: int = 0
    uploads_ended: int = 0
    forgotten: int = 0
    deleted: int = 0  # blobs
    is_complete: bool = True

    @property
    def did_anything(self) -> bool:
        """Whether a log line is worth its bytes."""
        counts = (self.expired, self.lapsed, self.uploads_ended, self.forgotten, self.deleted)
        return any(counts)


class TokenRepository(Protocol):
    """What upload tokens need of the database."""

    async def add(self, terms: TokenTerms, digest: bytes) -> UploadToken:
        """Keep a new token; ``Conflict`` where one has its name, revoked or not."""
        ...

    async def every(self) -> tuple[Sequence[UploadToken], Instant]:
        """Every token, the oldest first, and the instant of the look."""
        ...

    async def revoke(self, which: str) -> UploadToken:
        """Revoke by key, in decimals, or by name; ``Unknown`` where there is none."""
        ...

    async def recognise(self, digest: bytes) -> None:
        """Raise ``UploadTokenNeeded`` unless there is such a token, good now."""
        ...


class SendingRepository(Protocol):
    """What senders need of the database."""

    async def create(self, new: NewShare, free_bytes: int | None) -> tuple[Share, bool]:
        """Make a share, and its links where it has any; True says that it is new.

        Reserves the declared bytes and the manifests against ``max_total_bytes`` and against
        ``free_bytes``, what the blob store has left (None: no limit known).

        Raises:
            Conflict: the share exists with another body, or one of the links exists.
            NoRoom: the reservation does not fit.
            SlowDown: this uploader has too many unsealed shares, or its token sent too many.
            UploadTokenNeeded, TooLarge: the token that it names is not good, or allows less.
        """
        ...

    async def find(self, share_id: bytes, owner: bytes) -> Share:
        """The share with its parts, links and openings, in any state."""
        ...

    async def recognise(self, share_id: bytes, owner: bytes) -> None:
        """Raise ``Unknown`` unless there is such a share, in any state."""
        ...

    async def begin_part(self, part: NewPart, free_bytes: int | None) -> bool:
        """Announce a blob before its first byte is stored; False: this very part is there already.

        From here until ``finish_part`` the blob is an orphan that the sweep finds after a crash.

        Raises:
            Over: the share takes no more parts.
            Conflict: the part is there with another digest.
            TooLarge, Malformed: it can't belong to this share.
            NoRoom: nothing was declared, and this part does not fit.
        """
        ...

    async def finish_part(self, part: NewPart) -> bool:
        """Name the durable blob as part; False: an equal part was first (the blob is an orphan).

        Raises:
            Over: the share ended meanwhile, or the sweep took the blob.
            Conflict: another part was first.
        """
        ...

    async def abandon_part(self, blob: str) -> None:
        """Give back what ``begin_part`` reserved; the blob is an orphan due now."""
        ...

    async def seal(self, share_id: bytes, owner: bytes, sealing: Sealing) -> Share:
        """Close the upload and put its links live, all in one transaction.

        Raises:
            Conflict: parts missing, numbers that differ from what came or was declared, a second
                seal with another body, a link that exists.
            DigestMismatch: the root is not that of the parts.
            Over: the upload ended before.
            NoRoom: the manifests do not fit.
        """
        ...

    async def forgive_guesses(self, share_id: bytes, owner: bytes, link_id: bytes) -> None:
        """Count wrong passwords from zero again; ``Over`` where the link has ended."""
        ...

    async def revoke(self, share_id: bytes, owner: bytes, link_id: bytes | None) -> None:
        """End the share, or one of its links: leases end, manifests are erased, now. Idempotent."""
        ...


class OpeningRepository(Protocol):
    """What readers need of the database."""

    async def find(self, link_id: bytes, access: bytes) -> tuple[Link, Instant]:
        """The link in any state, and now. Spends nothing."""
        ...

    async def claim(
        self, link_id: bytes, access: bytes, unlock: bytes, attempt: ClaimAttempt
    ) -> Claimed:
        """Decide a claim by ``share.decide_claim``; at most ``opens`` leases ever succeed.

        A counted guess is durable before its error is raised.
        """
        ...

    async def recognise_access(self, link_id: bytes, access: bytes) -> None:
        """Raise ``Unknown`` unless there is such a link, in any state."""
        ...

    async def recognise_lease(self, link_id: bytes, lease: bytes) -> None:
        """Raise ``Unknown`` unless this link has such an opening, alive or not."""
        ...

    async def read(self, link_id: bytes, lease: bytes) -> Reading:
        """What this lease may read; ``Over`` where it has ended."""
        ...

    async def charge(self, lease_key: int, size: int) -> None:
        """Count bytes about to go out.

        Raises:
            Over: the lease has ended since; the stream must be cut.
            EgressSpent: it has read all it may; nothing was counted.
        """
        ...

    async def is_alive(self, lease_key: int) -> bool:
        """Whether a stream under this lease may go on."""
        ...

    async def refund(self, lease_key: int, size: int) -> None:
        """Take back the charge for bytes that did not go out."""
        ...

    async def acknowledge(self, link_id: bytes, lease: bytes, outcome: Outcome, mac: bytes) -> None:
        """End a lease as its reader says; the same outcome again is fine.

        Raises:
            Conflict: the other outcome was said before.
            Over: the lease lapsed or was revoked.
        """
        ...


class RateRepository(Protocol):
    """What limits on callers need of the database, where several processes count together."""

    async def take(self, caller: str) -> bool:
        """Count one request of this caller's; False where there were too many, and count none."""
        ...


class SweepingRepository(Protocol):
    """What the sweep needs of the database. Many processes may sweep at once."""

    async def sweep(self, batch: int) -> Swept:
        """End what is due, at most ``batch`` rows of a kind; the cost follows what is due."""
        ...

    async def orphans(self, batch: int, after: str = "") -> Sequence[str]:
        """Blobs to delete, at most ``batch``, in order of their names, those after ``after``.

        After this call none of them can become a part.
        """
        ...

    async def forget_orphans(self, blobs: Sequence[str]) -> None:
        """These are deleted; any that was abandoned since it was taken stays an orphan."""
        ...

    async def strangers(self, blobs: Sequence[str]) -> Sequence[str]:
        """Those among ``blobs`` that the database knows neither as part nor as orphan."""
        ...

    async def erase_traces(self) -> bool:
        """Make what was erased gone from every file of the database; False: try again soon."""
        ...


class Inspection(Protocol):
    """Looks at a blob while it is stored. What it raises fails the storing."""

    def update(self, piece: bytes) -> None:
        """The next bytes."""
        ...

    def finish(self) -> None:
        """That was all."""
        ...


class BlobStore(Protocol):
    """Immutable runs of bytes under random names."""

    def new_name(self) -> str:
        """A name that nothing was ever stored under."""
        ...

    async def put(self, blob: str, chunks: AsyncIterator[bytes], inspection: Inspection) -> None:
        """Store the chunks, durable when it returns; remains of a failed put may be left.

        ``inspection`` sees all that is stored, away from the event loop where the store can.

        Raises:
            OtvError: whatever the inspection raises.
            NoRoom: the store is full.
            Unavailable: it can't be written now.
        """
        ...

    def read(self, blob: str, start: int, stop: int) -> AsyncGenerator[bytes]:
        """Yield exactly the bytes ``start`` to ``stop``, or raise ``Unavailable``."""
        ...

    async def delete(self, blob: str) -> None:
        """Delete; nothing there is fine."""
        ...

    def names(self) -> AsyncIterator[Sequence[str]]:
        """All blobs stored longer than an upload can take, in groups."""
        ...

    async def free_bytes(self) -> int | None:
        """How much more fits, or None where nothing says."""
        ...
