"""Values to wire structs and back: nothing but renaming, b64 and instants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from otv_server.api import wire
from otv_server.domain.errors import Malformed
from otv_server.domain.limits import MANIFEST_MAX_BYTES
from otv_server.domain.share import NewLink, NewShare, Sealing

if TYPE_CHECKING:
    from otv_server.domain.ports import Claimed
    from otv_server.domain.share import Instant, Link, LinkReport, Opening, Share


def new_share(
    share_id: bytes, body: wire.CreateBody, uploader: str, ttl_s: int, token: bytes | None = None
) -> NewShare:
    """The share that a body asks for; ``ttl_s`` where a link names none."""
    return NewShare(
        id=share_id,
        owner=wire.parse_proof(body.owner),
        content_bytes=body.size,
        links=tuple(_new_link(link, ttl_s) for link in body.links),
        body=wire.digest_of(body),
        uploader=uploader,
        token=token,
    )


def sealing(body: wire.SealBody, ttl_s: int) -> Sealing:
    """The seal that a body asks for; ``ttl_s`` where a link names none."""
    return Sealing(
        parts=body.parts,
        content_bytes=body.size,
        root=wire.parse_proof(body.root),
        links=tuple(_new_link(link, ttl_s) for link in body.links),
        body=wire.digest_of(body),
    )


def _new_link(body: wire.LinkBody, ttl_s: int) -> NewLink:
    manifest = wire.unb64(body.manifest)
    if len(manifest) > MANIFEST_MAX_BYTES:
        raise Malformed
    return NewLink(
        id=wire.parse_id(body.link_id),
        access=wire.parse_proof(body.access),
        unlock=wire.parse_proof(body.unlock),
        manifest=manifest,
        opens=body.opens,
        delay_s=body.delay_s,
        ttl_s=ttl_s if body.ttl_s is UNSET else body.ttl_s,
    )


def share(found: Share) -> wire.ShareAnswer:
    """A share for its owner."""
    return wire.ShareAnswer(
        share_id=wire.b64(found.id),
        state=found.state,
        size=found.content_bytes,
        parts=[
            wire.PartAnswer(index=part.index, size=part.size, digest=wire.b64(part.digest))
            for part in found.parts
        ],
        links=[_report(report, found.now) for report in found.links],
        now=wire.instant(found.now),
    )


def _report(report: LinkReport, now: Instant) -> wire.LinkReportAnswer:
    link = report.link
    return wire.LinkReportAnswer(
        link_id=wire.b64(link.id),
        state=link.state(now),
        opens=link.opens,
        opens_left=link.opens_left,
        opens_at=wire.instant(link.opens_at),
        expires_at=wire.instant(link.expires_at),
        guesses=link.guesses,
        openings=[_opening(opening) for opening in report.openings],
    )


def _opening(opening: Opening) -> wire.OpeningAnswer:
    return wire.OpeningAnswer(
        lease=wire.b64(opening.lease),
        claimed_at=wire.instant(opening.claimed_at),
        ended_at=None if opening.ended_at is None else wire.instant(opening.ended_at),
        outcome=opening.outcome,
        bytes_read=opening.bytes_read,
        mac=None if opening.mac is None else wire.b64(opening.mac),
        address=opening.address,
    )


def link_view(link: Link, now: Instant) -> wire.LinkViewAnswer:
    """A link for whoever holds it."""
    return wire.LinkViewAnswer(
        link_id=wire.b64(link.id),
        state=link.state(now),
        since=wire.minute(link.since(now)),
        opens_left=link.opens_left,
        opens_at=wire.instant(link.opens_at),
        expires_at=wire.instant(link.expires_at),
        size=link.content_bytes,
        guesses_left=link.guesses_left,
        now=wire.instant(now),
    )


def claim(claimed: Claimed) -> wire.ClaimAnswer:
    """An opening for who took it."""
    return wire.ClaimAnswer(
        manifest=wire.b64(claimed.manifest),
        size=claimed.content_bytes,
        digests=[wire.b64(digest) for digest in claimed.digests],
        lease_until=wire.instant(claimed.lease_until),
        now=wire.instant(claimed.now),
    )
