"""Sizes, durations and counts, and the checks on them. Bytes and seconds throughout."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from otv_server.domain.errors import Malformed, TooLarge

if TYPE_CHECKING:
    from collections.abc import Sequence

ID_BYTES = 12
PROOF_BYTES = 32
PART_BYTES = 8 << 20  # protocol section 6: every part but the last has exactly this length
MAX_PART_INDEX = 2**31 - 1  # what the database's integers hold; limits on bytes bind long before
MANIFEST_MAX_BYTES = 262_144 + 106  # the largest bucket; header, length, nonce and tag (4, 5)
JSON_MAX_BYTES = 8 << 20
SMALL_JSON_MAX_BYTES = 4096  # a claim or an acknowledgement; they hold two short strings
MOST_LINKS = 1000  # of one share, whatever the operator sets
GUESSES_PER_RESET = 10
GUESSES_IN_ALL = 100
EGRESS_STEP_BYTES = 8 << 20
LEASE_BYTES_PER_SECOND = 64 << 10
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows. Durations in seconds, sizes in bytes of ciphertext."""

    min_ttl_s: int = 10
    default_ttl_s: int = 600
    max_ttl_s: int = 3600
    max_delay_s: int = DAY_S
    max_share_bytes: int = 11 << 30
    max_total_bytes: int | None = None
    min_free_bytes: int = 1 << 30
    max_opens: int = 100
    max_links: int = 100
    max_unsealed_per_address: int = 20
    idle_upload_s: int = 3600
    lease_floor_s: int = 3600
    lease_ceiling_s: int = DAY_S
    retention_s: int = 7 * DAY_S

    def lease_s(self, content_bytes: int) -> int:
        """How long a lease on this much ciphertext lasts (protocol section 8)."""
        wanted = -(-content_bytes // LEASE_BYTES_PER_SECOND)
        return min(max(wanted, self.lease_floor_s), self.lease_ceiling_s)

    def check_times(self, delay_s: int, ttl_s: int) -> None:
        """Refuse a delay or a lifetime outside of what the operator allows."""
        if not self.min_ttl_s <= ttl_s <= self.max_ttl_s:
            raise Malformed(f"ttl_s must be {self.min_ttl_s} to {self.max_ttl_s}.")
        if not 0 <= delay_s <= self.max_delay_s:
            raise Malformed(f"delay_s must be 0 to {self.max_delay_s}.")

    def check_opens(self, opens: int) -> None:
        """Refuse a number of openings that no link here may have."""
        if not 1 <= opens <= self.max_opens:
            raise Malformed(f"opens must be 1 to {self.max_opens}.")

    def check_link_count(self, links: int) -> None:
        """A share has at least one link, and no more than the operator allows."""
        if not 1 <= links <= self.max_links:
            raise Malformed(f"A share has 1 to {self.max_links} links.")

    def check_share_bytes(self, content_bytes: int) -> None:
        """Refuse content that could never fit."""
        if content_bytes > self.max_share_bytes:
            raise TooLarge(f"A share holds at most {self.max_share_bytes} bytes of ciphertext.")


def egress_budget(content_bytes: int) -> int:
    """How many bytes one lease may read in all (protocol section 8)."""
    return 3 * content_bytes + (64 << 20)


def check_part(index: int, length: int, declared_bytes: int | None, limits: Limits) -> None:
    """Refuse a part that can't belong to its share (protocol section 7, rules of sending).

    Raises:
        TooLarge: longer than a part may be, or past what was declared or allowed.
        Malformed: empty, or shorter than the declared bytes demand.
    """
    if length < 1:
        raise Malformed("A part is not empty.")
    if length > PART_BYTES:
        raise TooLarge(f"A part holds at most {PART_BYTES} bytes.")
    end = index * PART_BYTES + length
    if end > (limits.max_share_bytes if declared_bytes is None else declared_bytes):
        raise TooLarge
    if declared_bytes is not None and length < PART_BYTES and end != declared_bytes:
        raise Malformed("Only the last part may be short.")


def content_root(content_bytes: int, digests: Sequence[bytes]) -> bytes:
    """The root that binds a content's length and its parts' digests (protocol section 6)."""
    root = sha256(b"otv/1 root\0" + content_bytes.to_bytes(8))
    for digest in digests:
        root.update(digest)
    return root.digest()
