"""Opening: a link becomes the files and the note that were sent, once (protocol sections 6 to 8).

look        GET /links/{id}; spends nothing, and says what became of the link
remember    T is stored before the claim, so that a crash costs nobody the file
claim       takes the one opening, or gets the same answer again
check       manifest, list of digests, names in the way, room: before a byte is fetched
receive     part by part into a place aside; goes on where an earlier process stopped
publish     everything is verified: final names, or the stream
acknowledge the receipt; only now the opening is forgotten
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from otv_client.download import Content
from otv_client.envelope.content import ContentOpener, Geometry, check_digests
from otv_client.envelope.keys import Keys, Outcome, derive_access, derive_keys, hashed, receipt_mac
from otv_client.envelope.manifest import Manifest, open_manifest
from otv_client.errors import (
    IntegrityError,
    LocalError,
    Locked,
    NotYet,
    OtvError,
    Over,
    PasswordMissing,
    Unknown,
    Unreachable,
    UsageError,
    WrongPassword,
)
from otv_client.files.saving import remove_partial
from otv_client.instants import local_text
from otv_client.leftovers import prune
from otv_client.link import Kdf, Link
from otv_client.problems import locked, nonsense, not_yet, over
from otv_client.receiving import Received, Target
from otv_client.records import PROOF_BYTES, OpeningRecord

if TYPE_CHECKING:
    from otv_client.answers import Claim, LinkView
    from otv_client.transport import Transport
    from otv_client.world import World

_LONGEST_LEASE_S = 2 * 24 * 3600  # a guess until the claim says; section 8's ceiling is a day
_LONGEST_RECORD_S = 366 * 24 * 3600  # whatever a server says

Password = str | Callable[[], str] | None


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """One file: its name as sent, its size and type, and where it is now (None in a stream)."""

    name: str
    bytes: int
    type: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link held.

    Attributes:
        note: the sender's words, perhaps empty.
        view: the sender asks for viewing, not keeping.
        files: in the sender's order.
    """

    note: str = field(repr=False)
    view: bool
    files: tuple[OpenedFile, ...]


def open_link(
    transport: Transport,
    link: Link,
    target: Target,
    password: Password,
    world: World,
    deliver: Callable[[Opened], None] = lambda _: None,
) -> Opened:
    """Open a link once, or go on with an opening that this machine began.

    Args:
        transport: to the link's server.
        link: what to open.
        target: where the files go.
        password: or what asks for one; asked only where the link wants it.
        world: randomness, clock, memory, listeners.
        deliver: gets the result after everything is verified and saved, and before it is
            acknowledged; if it raises, the opening can be gone on with.

    Raises:
        Over, Unknown, NotYet, Locked: there is nothing to open, or not now; nothing was spent.
        PasswordMissing, WrongPassword: nothing was spent.
        IntegrityError: what came doesn't match the link; nothing of it is left.
        LocalError: no room, or something in the way; the lease lives on.
        Unreachable: no answer; the lease, if there is one, lives on.
    """
    if link.pin != transport.pin and link.pin is not None:
        raise AssertionError("a link's key is checked, or nothing is sent")
    state = world.state
    lock = state.opening_lock(link.server, link.id_text) if state else nullcontext()
    with lock:
        return _Opening(transport, link, target, world).run(password, deliver)


def check_openable(view: LinkView, now: datetime) -> None:
    """Raise what stands against opening a link in this state; return where nothing does."""
    if view.state == "ready":
        return
    if view.state == "scheduled":
        raise not_yet(view.opens_at, now)
    if view.state == "locked":
        raise locked()
    if view.state in ("taken", "opened", "expired", "revoked", "guessed"):
        raise over(view.state, view.since, now)
    raise nonsense("a state of a link that isn't one")


class _Opening:
    """One run of ``open_link``."""

    def __init__(self, transport: Transport, link: Link, target: Target, world: World) -> None:
        self.transport, self.link, self.target, self.world = transport, link, target, world
        self.access = derive_access(link.id, link.secret)
        self.record = OpeningRecord(
            link.server, link.id_text, lease=b"", access_hash=hashed(self.access)
        )

    def run(self, password: Password, deliver: Callable[[Opened], None]) -> Opened:
        prune(self.world, but=self.record)
        known = self._recall()
        if known is None:
            check_openable(self.transport.view(self.link.id_text, self.access), self.world.now())
        keys = self._keys(password)
        self.target.check()
        self._remember(known or self._begin())
        claim = self._claim(keys, is_first=known is None)
        self._remember(replace(self.record, lease_until=self._lease_end(claim)))
        with self._going_on_later(), self._rejecting(keys):
            manifest, content = read_claim(claim, keys, self.link, self.record.lease)
            received = self._received(manifest, content, deliver)
        self._acknowledge(keys)
        return received

    # --- memory -----------------------------------------------------------------------------

    def _recall(self) -> OpeningRecord | None:
        state = self.world.state
        known = state.opening(self.link.server, self.link.id_text) if state else None
        if known and known.access_hash not in (None, self.record.access_hash):
            # Its T is not for this link, and its files are not this one's.
            raise LocalError("another link with this id is being opened here")
        return known

    def _begin(self) -> OpeningRecord:
        return replace(
            self.record,
            lease=self.world.random(PROOF_BYTES),
            lease_until=int(self.world.now().timestamp()) + _LONGEST_LEASE_S,
        )

    def _remember(self, record: OpeningRecord) -> None:
        self.record = record
        if self.world.state:
            self.world.state.save_opening(record)

    def _forget(self) -> None:
        remove_partial(Path(self.record.destination), self.record.partial)
        if self.world.state:
            self.world.state.forget_opening(self.record)

    def _lease_end(self, claim: Claim) -> int:
        """By this machine's clock, whatever the server's says."""
        left = (claim.lease_until - claim.now).total_seconds()
        return int(self.world.now().timestamp() + min(max(left, 0), _LONGEST_RECORD_S))

    # --- steps ------------------------------------------------------------------------------

    def _keys(self, password: Password) -> Keys:
        link = self.link
        if link.kdf is Kdf.NONE:
            return derive_keys(link.id, link.secret, link.kdf, _given(password))
        if password is None:
            raise PasswordMissing("this link asks for a password")
        given = password() if callable(password) else password
        return derive_keys(link.id, link.secret, link.kdf, given)

    def _claim(self, keys: Keys, *, is_first: bool) -> Claim:
        lease_hash = hashed(self.record.lease)
        try:
            return self.transport.claim(self.link.id_text, keys.access, keys.unlock, lease_hash)
        except Over as error:
            self._forget()
            if self.record.saved is not None:
                raise _saved_before(error, self.record) from error
            raise
        except Unknown as error:
            self._keep_while_leased(error)
            raise
        except Unreachable as error:
            if self.world.state and type(error) is Unreachable:
                # The claim may have been granted: on another machine it would be someone else's.
                error.hint = "nothing is lost: run the same command again, on this machine"
            raise
        except (WrongPassword, Locked, NotYet):
            # Nothing was taken. After any other failure T stays: an answer may have been lost
            # before it, and with the answer the only proof of whose the opening is.
            if is_first:
                self._forget()
            raise

    def _received(
        self, manifest: Manifest, content: Content | None, deliver: Callable[[Opened], None]
    ) -> Opened:
        received = Received(self.transport, manifest, content, self.world)
        opened: list[Opened] = []

        def hand_out(paths: tuple[Path, ...] | None) -> None:
            opened.append(_opened(manifest, paths))
            deliver(opened[0])

        self.target.receive(received, self.record, self._remember, hand_out)
        return opened[0]

    @contextmanager
    def _rejecting(self, keys: Keys) -> Iterator[None]:
        """Tell the server of content that isn't the sender's, and leave nothing of it."""
        try:
            yield
        except IntegrityError:
            with suppress(OtvError):
                self._send_receipt(self.transport.brief(), keys, Outcome.REJECTED)
            self._forget()
            raise
        except Over:
            self._forget()
            raise
        except Unknown as error:
            self._keep_while_leased(error)
            raise

    @contextmanager
    def _going_on_later(self) -> Iterator[None]:
        """Say with an error that the lease lives on, where it does."""
        try:
            yield
        except (LocalError, UsageError, Unreachable) as error:
            if self.world.state and (error.hint is None or type(error) is Unreachable):
                until = datetime.fromtimestamp(self.record.lease_until).astimezone()
                told = local_text(until, self.world.now())
                how = "again" if isinstance(error, Unreachable) else "with -o DIR or --force"
                error.hint = f"nothing is lost: run the same command {how}, before {told}"
            raise

    def _keep_while_leased(self, error: Unknown) -> None:
        """A server without its data, or another one in its place, may be put right in time.

        One that still has its data knows a link for days after its last lease.
        """
        if not self.world.state or self.record.lease_until < self.world.now().timestamp():
            self._forget()
        else:
            error.hint = "if the server has lost its data for a moment, nothing is lost: try again"

    def _acknowledge(self, keys: Keys) -> None:
        """Send the receipt. Without it the files are as safe; only the sender isn't told."""
        try:
            self._send_receipt(self.transport, keys, Outcome.OPENED)
        except (Unreachable, Unknown):  # see _keep_while_leased
            self.world.tell("the sender couldn't be told; the same command again will tell")
            return
        except OtvError as error:
            self.world.tell(f"the sender couldn't be told: {error.message}")
        self._forget()

    def _send_receipt(self, transport: Transport, keys: Keys, outcome: Outcome) -> None:
        lease = self.record.lease
        mac = receipt_mac(keys.ack, self.link.id, hashed(lease), outcome)
        transport.acknowledge(self.link.id_text, lease, outcome.name.lower(), mac)


def read_claim(
    claim: Claim, keys: Keys, link: Link, lease: bytes
) -> tuple[Manifest, Content | None]:
    """Open the manifest and check everything else that a claim hands out.

    Returns:
        The manifest, and how to fetch the content; None where it stands in the manifest.

    Raises:
        IntegrityError: not what the link's sender sealed.
    """
    manifest = open_manifest(claim.manifest, keys.manifest, link.id)
    blob = manifest.blob
    if blob is None:
        if claim.bytes or claim.digests:
            raise IntegrityError("the server has content for a link that needs none")
        return manifest, None
    geometry = Geometry.of_length(blob.length)
    if claim.bytes != geometry.ciphertext:
        raise IntegrityError("the content is not as long as the sender's")
    check_digests(geometry, claim.digests, blob.root)
    opener = ContentOpener(blob.key, blob.header, geometry)
    return manifest, Content(
        link.id_text, lease, blob.root, geometry, claim.digests, opener, manifest.files_bytes
    )


def _saved_before(error: Over, record: OpeningRecord) -> Over:
    """The user's own opening, finished earlier but for its last step."""
    return Over(
        f"you have opened this link already; it is saved in {record.destination}",
        state=error.state,
        since=error.since,
    )


def _given(password: Password) -> str | None:
    """What was given outright: nobody is asked for a password that the link doesn't want."""
    return None if callable(password) else password


def _opened(manifest: Manifest, paths: tuple[Path, ...] | None) -> Opened:
    where = paths if paths is not None else (None,) * len(manifest.files)
    files = tuple(
        OpenedFile(entry.name, entry.size, entry.type, path)
        for entry, path in zip(manifest.files, where, strict=True)
    )
    return Opened(manifest.note, manifest.view, files)
