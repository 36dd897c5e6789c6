"""Sending: files, a note, or both become links (protocol sections 5 to 7).

Nothing leaves before the limits of the server are known to allow it, and nothing
stays after a failure: what was uploaded is taken back.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otv_client.b64 import b64encode
from otv_client.envelope.content import ContentSealer, Geometry, root
from otv_client.envelope.keys import Keys, derive_keys, hashed
from otv_client.envelope.manifest import Blob, FileEntry, Manifest, fits_inline, seal_manifest
from otv_client.errors import OtvError, Refused, Unknown
from otv_client.files.sources import Content
from otv_client.link import Kdf, Link, draw_id, draw_link, is_loopback
from otv_client.parcel import (
    Parcel,
    Terms,
    check_parcel,
    check_terms,
    delay_until,
    entries_of,
    ttl_of,
    with_distinct_names,
)
from otv_client.records import PROOF_BYTES, SentLinkRecord, ShareRecord
from otv_client.reporting import with_end
from otv_client.transport import NewLink, Transport
from otv_client.upload import Uploader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from otv_client.answers import Info, LinkReport, ShareReport
    from otv_client.world import World

_PROTOCOL = 1
_SECOND_LOOK_S = 0.3


@dataclass(frozen=True, slots=True)
class SentLink:
    """One link of a share.

    Attributes:
        link: the whole link; it holds the secret.
        id: its 16 characters of locator.
        opens_at: from when on it opens.
        expires_at: until when.
    """

    link: str = field(repr=False)
    id: str
    opens_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SentShare:
    """What ``send`` made.

    Attributes:
        share: the share's id, for ``status`` and ``revoke``.
        links: in the order they were asked for.
        bytes: of all files together.
        files: how many.
        record: what ``status`` and ``revoke`` need; whoever holds it can revoke the share.
    """

    share: str
    links: tuple[SentLink, ...]
    bytes: int
    files: int
    record: ShareRecord = field(repr=False)


def send_share(transport: Transport, parcel: Parcel, terms: Terms, world: World) -> SentShare:
    """Send and return the links.

    Args:
        transport: to the server; stopped when sending ends early.
        parcel: what.
        terms: how it may be opened.
        world: randomness, clock, listeners, and where to keep what ``status`` and ``revoke`` need.

    Raises:
        UsageError: terms or contents that no share can have.
        Refused: the server's limits are narrower, or it wants an upload token.
        LocalError: a file changed or can't be read.
        Unreachable: no answer.
    """
    parcel = with_distinct_names(parcel, world.tell)
    check_parcel(parcel, terms)
    info = transport.info()
    if info.protocol != _PROTOCOL:
        raise Refused(
            "the server speaks another version of the protocol",
            reason="version",
            hint="a newer otv-client may speak it too",
        )
    sending = _Sending(transport, parcel, terms, info, world)
    sending.check_limits(wants_token=info.upload_token)
    try:
        return sending.run()
    except BaseException:
        transport.retrying.stop()
        sending.undo(transport.brief())
        raise


class _Sending:
    """One sending from the first draw of randomness to the links."""

    def __init__(
        self,
        transport: Transport,
        parcel: Parcel,
        terms: Terms,
        info: Info,
        world: World,
    ) -> None:
        self.transport, self.parcel, self.terms = transport, parcel, terms
        self.limits, self.world = info.limits, world
        self.place = _place_of_links(transport, info)
        self.sid = b64encode(draw_id(world.random))
        self.owner = world.random(PROOF_BYTES)
        self.total = sum(source.size for source in parcel.sources)
        entries = entries_of(parcel.sources)
        self.is_inline = not parcel.stream and fits_inline(
            terms.note, entries, view=terms.view_only
        )
        self._asked = False

    def check_limits(self, *, wants_token: bool) -> None:
        """Raise ``Refused`` for what the server would refuse after the upload."""
        if wants_token and not self.transport.has_upload_token:
            raise Refused(
                "this server asks for an upload token",
                reason="upload_token",
                hint="give it with --upload-token-file or OTV_UPLOAD_TOKEN",
            )
        check_terms(self.terms, self.limits, self.world.now())
        largest = 0 if self.is_inline else Geometry.of_files(self.total).ciphertext
        if largest > self.limits.share_bytes:
            raise Refused(
                f"{self.total} bytes are more than the server's limit allows"
                f" ({self.limits.share_bytes} bytes, encrypted)",
                reason="too_large",
            )

    def run(self) -> SentShare:
        """Draw, remember O and every K, upload, and hand out the links."""
        links, keys = self._draw_links()
        record = self._record_of(links, keys)
        self._remember(record)
        report = self._upload_inline(links, keys) if self.is_inline else self._upload(links, keys)
        reports = _matched(report, links)
        record = with_end(record, report, self.world.now())
        self._remember(record)
        return SentShare(
            share=self.sid,
            links=tuple(
                SentLink(link.url(), link.id_text, report.opens_at, report.expires_at)
                for link, report in zip(links, reports, strict=True)
            ),
            bytes=self.total,
            files=len(self.parcel.sources) + bool(self.parcel.stream),
            record=record,
        )

    def undo(self, transport: Transport) -> None:
        """Take back what was uploaded, best effort, and forget it."""
        if self._asked:
            try:
                transport.revoke(self.sid, self.owner)
            except Unknown:
                # The server may still be busy with the request that was interrupted.
                transport.retrying.pause(_SECOND_LOOK_S)
                with suppress(OtvError):
                    transport.revoke(self.sid, self.owner)
            except OtvError:
                pass  # it ends by itself: nobody has its links
        if self.world.state:
            self.world.state.forget_share(self.sid)

    # --- steps ------------------------------------------------------------------------------

    def _draw_links(self) -> tuple[list[Link], list[Keys]]:
        kdf = Kdf.NONE if self.terms.password is None else Kdf.ARGON2ID
        draw, (server, pin) = self.world.random, self.place
        links = [draw_link(server, kdf, draw, pin) for _ in range(self.terms.links)]
        # Argon2id takes 0.15 s and 64 MiB for each link: two at once, not all.
        with ThreadPoolExecutor(2) as pool:
            keys = list(pool.map(self._derive, links))
        return links, keys

    def _derive(self, link: Link) -> Keys:
        return derive_keys(link.id, link.secret, link.kdf, self.terms.password)

    def _record_of(self, links: Sequence[Link], keys: Sequence[Keys]) -> ShareRecord:
        return ShareRecord(
            server=self.transport.server,
            id=self.sid,
            owner=self.owner,
            created_at=int(self.world.now().timestamp()),
            links=tuple(
                SentLinkRecord(link.id_text, key.ack) for link, key in zip(links, keys, strict=True)
            ),
            pin=self.transport.pin,
        )

    def _remember(self, record: ShareRecord) -> None:
        if self.world.state:
            self.world.state.save_share(record)

    def _create(self, size: int | None, links: Sequence[NewLink] = ()) -> ShareReport:
        self._asked = True
        owner_hash = hashed(self.owner)
        return self.transport.create_share(self.sid, self.owner, owner_hash, size, links)

    def _upload_inline(self, links: Sequence[Link], keys: Sequence[Keys]) -> ShareReport:
        inline = bytes(Content(self.parcel.sources).read(0, self.total))
        manifest = self._manifest(entries_of(self.parcel.sources), None, inline)
        return self._create(0, self._seal_links(manifest, links, keys))

    def _upload(self, links: Sequence[Link], keys: Sequence[Keys]) -> ShareReport:
        is_known = self.parcel.stream is None
        self._create(Geometry.of_files(self.total).ciphertext if is_known else None)
        sealer = ContentSealer.draw(self.world.random)
        uploader = Uploader(self.transport, self.sid, self.owner, self.world.progress)
        sent = uploader.run(sealer, Content(self.parcel.sources), self.parcel.stream)
        content_root = root(sent.geometry.ciphertext, sent.digests)
        entries = entries_of(self.parcel.sources)
        if stream := self.parcel.stream:
            entries = (*entries, FileEntry(stream.name, sent.total - self.total, stream.type))
        self.total = sent.total
        blob = Blob(sealer.key, sealer.header, sent.geometry.length, content_root)
        return self.transport.seal(
            self.sid,
            self.owner,
            parts=sent.geometry.parts,
            size=sent.geometry.ciphertext,
            root=content_root,
            links=self._seal_links(self._manifest(entries, blob, b""), links, keys),
        )

    def _manifest(
        self, entries: tuple[FileEntry, ...], blob: Blob | None, inline: bytes
    ) -> Manifest:
        return Manifest(self.terms.note, self.terms.view_only, entries, blob, inline)

    def _seal_links(
        self, manifest: Manifest, links: Sequence[Link], keys: Sequence[Keys]
    ) -> list[NewLink]:
        """One manifest for each link, sealed once under each (id, S)."""
        ttl_s = ttl_of(self.terms, self.limits)
        delay_s = delay_until(self.terms.opens_at, self.world.now())
        return [
            NewLink(
                id=link.id_text,
                access_hash=hashed(key.access),
                unlock_hash=hashed(key.unlock),
                manifest=seal_manifest(manifest, key.manifest, link.id, self.world.random),
                opens=self.terms.opens,
                delay_s=delay_s,
                ttl_s=ttl_s,
            )
            for link, key in zip(links, keys, strict=True)
        ]


def _place_of_links(transport: Transport, info: Info) -> tuple[str, bytes | None]:
    """The server that links name, and its pin.

    An address of loopback leads whoever gets the link to their own machine, so the server's word
    for where others reach it counts there. Anywhere else nobody may send recipients elsewhere.
    """
    if info.address is not None and is_loopback(transport.server):
        return info.address, info.pin
    return transport.server, transport.pin


def _matched(report: ShareReport, links: Sequence[Link]) -> list[LinkReport]:
    """The server's report of each link, in our order."""
    by_id = {link.id: link for link in report.links}
    if any(link.id_text not in by_id for link in links):
        raise Refused("the server hasn't taken every link", reason="links")
    return [by_id[link.id_text] for link in links]
