"""What became of what was sent: the server's report, its receipts checked (protocol section 8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from otv_client.b64 import b64decode
from otv_client.envelope.keys import Outcome, receipt_is_valid
from otv_client.link import ID_BYTES

if TYPE_CHECKING:
    from datetime import datetime

    from otv_client.answers import LinkReport, OpeningReport, ShareReport
    from otv_client.records import ShareRecord

_SIGNED = {"opened": Outcome.OPENED, "rejected": Outcome.REJECTED}
GONE = "gone"


@dataclass(frozen=True, slots=True)
class OpeningStatus:
    """One opening.

    Attributes:
        opened_at: when it was claimed.
        outcome: leased, opened, rejected, lapsed or revoked, as the server says.
        receipt: "verified" where only the reader can have made it, "invalid" where someone
            else did, "none" where there is none.
        address: of the reader, as far as the server keeps it.
    """

    opened_at: datetime
    outcome: str
    receipt: str
    address: str | None


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """One link and its openings."""

    id: str
    state: str
    opens_left: int
    expires_at: datetime
    openings: tuple[OpeningStatus, ...]


@dataclass(frozen=True, slots=True)
class ShareStatus:
    """A share: uploading, sealed or gone, and its links."""

    share: str
    state: str
    links: tuple[LinkStatus, ...]


def with_end(record: ShareRecord, report: ShareReport, now: datetime) -> ShareRecord:
    """The record with the end of its last link, by the clock of ``now``; told once, it stays."""
    if record.expires_at is not None or not report.links:
        return record
    left = max(link.expires_at for link in report.links) - report.now
    return replace(record, expires_at=int(now.timestamp() + left.total_seconds()))


def may_live(record: ShareRecord, now: datetime) -> bool:
    """Whether a share may still open, so that O must not be lost, whatever a server says.

    One that has its data knows a share until its last link has expired, and for days after.
    """
    return record.expires_at is not None and now.timestamp() < record.expires_at


def judged(report: ShareReport, record: ShareRecord) -> ShareStatus:
    """The server's report of a share, with every receipt checked against the keys kept of it."""
    keys = {link.id: link.ack for link in record.links}
    links = tuple(_link(link, keys.get(link.id)) for link in report.links)
    return ShareStatus(record.id, report.state, links)


def _link(report: LinkReport, ack: bytes | None) -> LinkStatus:
    seen: set[bytes] = set()
    openings = []
    for opening in report.openings:
        is_new = opening.lease_hash not in seen
        seen.add(opening.lease_hash)
        receipt = _receipt(opening, report.id, ack, is_new=is_new)
        openings.append(
            OpeningStatus(opening.claimed_at, opening.outcome, receipt, opening.address)
        )
    return LinkStatus(
        report.id, report.state, report.opens_left, report.expires_at, tuple(openings)
    )


def _receipt(opening: OpeningReport, link_id: str, ack: bytes | None, *, is_new: bool) -> str:
    """A receipt stands for one opening of one link; shown a second time it proves nothing."""
    if opening.mac is None:
        return "none"
    outcome = _SIGNED.get(opening.outcome)
    if outcome is None or ack is None or not is_new:
        return "invalid"
    id_ = b64decode(link_id, ID_BYTES)
    is_valid = receipt_is_valid(ack, id_, opening.lease_hash, outcome, opening.mac)
    return "verified" if is_valid else "invalid"
