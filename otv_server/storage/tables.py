"""The small rows: who may open what, once. One schema for SQLite and PostgreSQL.

Instants are milliseconds since the epoch. ``due_at`` columns hold when the sweep must look at
a row again, NULL for never; they are indexed, so that a sweep costs what is due and not what
lives. What makes ciphertext readable stands in ``manifests`` and, on PostgreSQL, ``headers`` alone,
where it can be erased (``manifests.py``).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

SCHEMA_VERSION = 3

metadata = MetaData()

# SQLite numbers rows by itself only where the type is INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")

schema = Table(
    "schema",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("database_id", String),  # random; an object store keeps whose blobs it holds
)

# One row. `reserved`: bytes promised to shares that are not gone; `stored`: those that arrived.
usage = Table(
    "usage",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("reserved", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
)

shares = Table(
    "shares",
    metadata,
    Column("key", Key, primary_key=True),
    Column("id", LargeBinary, nullable=False),
    Column("owner", LargeBinary, nullable=False),  # H(O)
    Column("state", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("seal_body", LargeBinary),
    Column("declared", BigInteger),  # C, or NULL while unknown
    Column("root", LargeBinary),
    Column("reserved", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("live_links", Integer, nullable=False),
    Column("uploader", String),  # only while it uploads
    Column("created_at", BigInteger, nullable=False),
    # While it uploads: when it ends for idleness. Once gone: when its last rows are forgotten.
    Column("due_at", BigInteger),
    Column("last_expiry", BigInteger, nullable=False),  # of its links; retention counts from there
    UniqueConstraint("id", "owner"),
    Index("shares_due", "due_at"),
    Index("shares_uploader", "uploader"),
)

parts = Table(
    "parts",
    metadata,
    Column("share_key", ForeignKey("shares.key", ondelete="CASCADE"), primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("blob", String, nullable=False, unique=True),
)

# Blobs that no part names: about to arrive (`due_at` far), or to be deleted (`due_at` 0 or past).
# `reserved` is what the sweep gives back where the arrival never ended.
orphans = Table(
    "orphans",
    metadata,
    Column("blob", String, primary_key=True),
    Column("share_key", Key),
    Column("reserved", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    # A process is deleting it, and the others leave it alone until then.
    Column("taken_until", BigInteger, nullable=False, server_default="0"),
    Index("orphans_due", "due_at"),
    Index("orphans_share", "share_key"),
)

links = Table(
    "links",
    metadata,
    Column("key", Key, primary_key=True),
    Column("share_key", ForeignKey("shares.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("id", LargeBinary, nullable=False),
    Column("access", LargeBinary, nullable=False),  # H(A)
    Column("content_bytes", BigInteger, nullable=False),
    Column("opens", Integer, nullable=False),
    Column("opens_left", Integer, nullable=False),
    Column("opens_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("guesses", Integer, nullable=False),
    Column("guesses_in_all", Integer, nullable=False),
    Column("leases", Integer, nullable=False),
    Column("end", String),
    Column("ended_at", BigInteger),
    Column("opened_at", BigInteger),
    Column("over", SmallInteger, nullable=False),
    Column("due_at", BigInteger),
    UniqueConstraint("id", "access"),
    Index("links_due", "due_at"),
)

manifests = Table(
    "manifests",
    metadata,
    Column("link_key", ForeignKey("links.key", ondelete="CASCADE"), primary_key=True),
    Column("unlock", LargeBinary, nullable=False),  # H(U): with the link it would test passwords
    Column("manifest", LargeBinary, nullable=False),
)

# On PostgreSQL alone: then `unlock` is empty in `manifests`, and `manifest` the rest.
headers = Table(
    "headers",
    metadata,
    Column("link_key", ForeignKey("links.key", ondelete="CASCADE"), primary_key=True),
    Column("unlock", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
)

openings = Table(
    "openings",
    metadata,
    Column("key", Key, primary_key=True),
    Column("link_key", ForeignKey("links.key", ondelete="CASCADE"), nullable=False),
    Column("lease", LargeBinary, nullable=False),  # H(T)
    Column("claimed_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("outcome", String, nullable=False),
    Column("ended_at", BigInteger),
    Column("bytes_read", BigInteger, nullable=False),
    Column("mac", LargeBinary),
    Column("address", String),
    Column("due_at", BigInteger),
    UniqueConstraint("link_key", "lease"),
    Index("openings_lease", "lease"),
    Index("openings_due", "due_at"),
)

# PostgreSQL keeps what was erased until its table is written anew: one row for each transaction
# that erased something since.
erasures = Table(
    "erasures",
    metadata,
    Column("key", Key, primary_key=True),
    Column("erased_at", BigInteger, nullable=False),
)

# How often callers came without a right proof, where several processes count together. A caller
# is a keyed hash of an address; the key is a salt of the minute, and goes when that is over.
# Neither table is worth a durable commit, and what is in no log need not be erased from it.
rates = Table(
    "rates",
    metadata,
    Column("caller", LargeBinary, primary_key=True),
    Column("full_at", BigInteger, nullable=False),  # microseconds: when nothing is counted any more
)

salts = Table(
    "salts",
    metadata,
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
)

# Who may send although they are not near. Rows stay: who holds a token is told that it was revoked.
upload_tokens = Table(
    "upload_tokens",
    metadata,
    Column("key", Key, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False, unique=True),  # H of its text
    Column("share_bytes", BigInteger),
    Column("shares_per_hour", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("busy_until", BigInteger, nullable=False),
    Column("shares", BigInteger, nullable=False),
)

# What a share may grow to, where the token that it was sent with says so.
token_shares = Table(
    "token_shares",
    metadata,
    Column("share_key", ForeignKey("shares.key", ondelete="CASCADE"), primary_key=True),
    Column("share_bytes", BigInteger, nullable=False),
)
