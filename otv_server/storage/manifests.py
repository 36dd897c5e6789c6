"""A link's manifest and H(U): stored, found and erased.

PostgreSQL is rid of what was erased only once a table is written anew, and the table of many
manifests is too large for that. So what makes a manifest readable stands there apart, in a table
that stays small: its header, without whose random 32 bytes no key is the right one (protocol
section 3), and H(U), which would test passwords. See docs/decisions/0016.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select

from otv_server.storage.database import is_postgres
from otv_server.storage.tables import headers, manifests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otv_server.domain.share import NewLink
    from otv_server.storage.database import Transaction

HEADER_BYTES = 74

_INSERT_HEADER = insert(headers)
_INSERT_MANIFEST = insert(manifests)
_FIND = (
    select(manifests.c.unlock, manifests.c.manifest, headers.c.unlock, headers.c.header)
    .outerjoin(headers, headers.c.link_key == manifests.c.link_key)
    .where(manifests.c.link_key == bindparam("link"))
)
_ERASE_HEADER = delete(headers).where(headers.c.link_key == bindparam("link"))
_ERASE_MANIFEST = delete(manifests).where(manifests.c.link_key == bindparam("link"))


@dataclass(frozen=True, slots=True)
class Secret:
    """What whoever opens a link is checked by, and given. ``unlock`` is H(U)."""

    unlock: bytes = field(repr=False)
    manifest: bytes = field(repr=False)


def store(tx: Transaction, link_key: int, new: NewLink) -> None:
    """Keep what makes a new link readable."""
    row = {"link_key": link_key, "unlock": new.unlock, "manifest": new.manifest}
    if _keeps_headers_apart(tx):
        header, rest = new.manifest[:HEADER_BYTES], new.manifest[HEADER_BYTES:]
        apart = {"link_key": link_key, "unlock": new.unlock, "header": header}
        tx.connection.execute(_INSERT_HEADER, apart)
        row |= {"unlock": b"", "manifest": rest}
    tx.connection.execute(_INSERT_MANIFEST, row)


def find(tx: Transaction, link_key: int) -> Secret | None:
    """What makes a link readable, or None: it was erased."""
    row = tx.connection.execute(_FIND, {"link": link_key}).one_or_none()
    if row is None:
        return None
    whole_unlock, manifest, unlock, header = row
    return Secret(whole_unlock, manifest) if header is None else Secret(unlock, header + manifest)


def erase(tx: Transaction, link_keys: Iterable[int]) -> None:
    """From here on nobody reads these links; their bytes leave the files afterwards."""
    rows = [{"link": key} for key in link_keys]
    if _keeps_headers_apart(tx):
        tx.connection.execute(_ERASE_HEADER, rows)
    tx.connection.execute(_ERASE_MANIFEST, rows)
    tx.has_erased = True


def _keeps_headers_apart(tx: Transaction) -> bool:
    return is_postgres(tx.connection)
