-- Schema 1, as the program made it that had no other. One statement a paragraph.

CREATE TABLE orphans (
    blob VARCHAR NOT NULL,
    share_key INTEGER,
    reserved BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (blob)
)

CREATE INDEX orphans_due ON orphans (due_at)

CREATE INDEX orphans_share ON orphans (share_key)

CREATE TABLE schema (
    version INTEGER NOT NULL,
    PRIMARY KEY (version)
)

CREATE TABLE shares (
    "key" INTEGER NOT NULL,
    id BLOB NOT NULL,
    owner BLOB NOT NULL,
    state VARCHAR NOT NULL,
    body BLOB NOT NULL,
    seal_body BLOB,
    declared BIGINT,
    root BLOB,
    reserved BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    live_links INTEGER NOT NULL,
    uploader VARCHAR,
    created_at BIGINT NOT NULL,
    due_at BIGINT,
    last_expiry BIGINT NOT NULL,
    PRIMARY KEY ("key"),
    UNIQUE (id, owner)
)

CREATE INDEX shares_due ON shares (due_at)

CREATE INDEX shares_uploader ON shares (uploader)

CREATE TABLE usage (
    id SMALLINT NOT NULL,
    reserved BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    PRIMARY KEY (id)
)

CREATE TABLE links (
    "key" INTEGER NOT NULL,
    share_key INTEGER NOT NULL,
    id BLOB NOT NULL,
    access BLOB NOT NULL,
    content_bytes BIGINT NOT NULL,
    opens INTEGER NOT NULL,
    opens_left INTEGER NOT NULL,
    opens_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    guesses INTEGER NOT NULL,
    guesses_in_all INTEGER NOT NULL,
    leases INTEGER NOT NULL,
    "end" VARCHAR,
    ended_at BIGINT,
    opened_at BIGINT,
    over SMALLINT NOT NULL,
    due_at BIGINT,
    PRIMARY KEY ("key"),
    UNIQUE (id, access),
    FOREIGN KEY(share_key) REFERENCES shares ("key") ON DELETE CASCADE
)

CREATE INDEX ix_links_share_key ON links (share_key)

CREATE INDEX links_due ON links (due_at)

CREATE TABLE parts (
    share_key INTEGER NOT NULL,
    "index" INTEGER NOT NULL,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    blob VARCHAR NOT NULL,
    PRIMARY KEY (share_key, "index"),
    FOREIGN KEY(share_key) REFERENCES shares ("key") ON DELETE CASCADE,
    UNIQUE (blob)
)

CREATE TABLE manifests (
    link_key INTEGER NOT NULL,
    unlock BLOB NOT NULL,
    manifest BLOB NOT NULL,
    PRIMARY KEY (link_key),
    FOREIGN KEY(link_key) REFERENCES links ("key") ON DELETE CASCADE
)

CREATE TABLE openings (
    "key" INTEGER NOT NULL,
    link_key INTEGER NOT NULL,
    lease BLOB NOT NULL,
    claimed_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    outcome VARCHAR NOT NULL,
    ended_at BIGINT,
    bytes_read BIGINT NOT NULL,
    mac BLOB,
    address VARCHAR,
    due_at BIGINT,
    PRIMARY KEY ("key"),
    UNIQUE (link_key, lease),
    FOREIGN KEY(link_key) REFERENCES links ("key") ON DELETE CASCADE
)

CREATE INDEX openings_due ON openings (due_at)

CREATE INDEX openings_lease ON openings (lease)
