-- The sending core. Times are UTC milliseconds, ids are UUIDs of version 7 made by the program.

-- What belongs to this instance alone: the key that authenticates return paths, …
CREATE TABLE instance_values (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
    contact_key  BLOB    NOT NULL PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    organisation TEXT    NOT NULL,
    salutation   TEXT    NOT NULL,
    language     TEXT    NOT NULL,
    deputy       TEXT,
    attributes   TEXT    NOT NULL,
    removed_at   INTEGER,
    updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_points (
    contact_key    BLOB    NOT NULL REFERENCES contacts (contact_key) ON DELETE CASCADE,
    channel        TEXT    NOT NULL,
    rank           INTEGER NOT NULL,
    address        TEXT    NOT NULL,
    label          TEXT    NOT NULL DEFAULT '',
    purpose        TEXT    NOT NULL DEFAULT '',
    verified_at    INTEGER,
    webhook_secret TEXT,
    webhook_format TEXT    NOT NULL DEFAULT 'standard',
    PRIMARY KEY (contact_key, channel, rank)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_groups (
    name  TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_group_contains (
    name     TEXT NOT NULL REFERENCES contact_groups (name) ON DELETE CASCADE,
    contains TEXT NOT NULL REFERENCES contact_groups (name) ON DELETE CASCADE,
    PRIMARY KEY (name, contains)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_group_members (
    name        TEXT NOT NULL REFERENCES contact_groups (name) ON DELETE CASCADE,
    contact_key BLOB NOT NULL REFERENCES contacts (contact_key) ON DELETE CASCADE,
    PRIMARY KEY (name, contact_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE suppressions (
    channel    TEXT    NOT NULL,
    address    TEXT    NOT NULL, -- normalised
    reason     TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    until      INTEGER,          -- NULL: until lifted
    PRIMARY KEY (channel, address)
) STRICT, WITHOUT ROWID;

-- The last number given in each year.
CREATE TABLE notice_sequences (
    year INTEGER NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (
    notice_id     BLOB    NOT NULL PRIMARY KEY,
    year          INTEGER NOT NULL,
    sequence      INTEGER NOT NULL,
    number        TEXT    NOT NULL UNIQUE,
    code          TEXT    NOT NULL,
    template      TEXT    NOT NULL,
    title         TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    priority      INTEGER NOT NULL,
    visibility    TEXT    NOT NULL,
    exercise      INTEGER NOT NULL,
    content       TEXT    NOT NULL, -- the template as it was when the notice was submitted
    variables     TEXT    NOT NULL,
    audience      TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    TEXT    NOT NULL,
    released_at   INTEGER,
    scheduled_at  INTEGER,
    expires_at    INTEGER NOT NULL,
    completed_at  INTEGER,
    updated_at    INTEGER NOT NULL,
    recipients    INTEGER NOT NULL DEFAULT 0, -- rows of the frozen list
    fanned_out    INTEGER NOT NULL DEFAULT 0, -- how many of them have become deliveries
    swept         INTEGER NOT NULL DEFAULT 0, -- how many have been ended by cancel or expiry
    UNIQUE (year, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX notices_live ON notices (state) WHERE state IN ('scheduled', 'sending', 'paused', 'cancelled');

-- Kept, not counted: how many deliveries of a notice stand in each state.
CREATE TABLE notice_counts (
    notice_id BLOB    NOT NULL REFERENCES notices (notice_id) ON DELETE CASCADE,
    channel   TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (notice_id, channel, state)
) STRICT, WITHOUT ROWID;

-- The list frozen at submission: one row a delivery to be made.
CREATE TABLE recipients (
    notice_id   BLOB    NOT NULL,
    position    INTEGER NOT NULL, -- 1, 2, 3, …
    delivery_id BLOB    NOT NULL,
    channel     TEXT    NOT NULL,
    contact_key BLOB    NOT NULL,
    card        TEXT    NOT NULL, -- what the text may say of the contact
    address     TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    PRIMARY KEY (notice_id, position)
) STRICT, WITHOUT ROWID;

-- Contacts that share an address with another, listed under its delivery.
CREATE TABLE merged_recipients (
    notice_id   BLOB NOT NULL,
    delivery_id BLOB NOT NULL,
    contact_key BLOB NOT NULL,
    contact_id  TEXT NOT NULL,
    PRIMARY KEY (notice_id, delivery_id, contact_key)
) STRICT, WITHOUT ROWID;

-- Contacts of the audience for whom no delivery could be made.
CREATE TABLE unreachable_recipients (
    notice_id   BLOB NOT NULL,
    contact_key BLOB NOT NULL,
    contact_id  TEXT NOT NULL,
    name        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (notice_id, contact_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    delivery_id  BLOB    NOT NULL PRIMARY KEY,
    notice_id    BLOB    NOT NULL,
    position     INTEGER NOT NULL,
    channel      TEXT    NOT NULL,
    contact_key  BLOB    NOT NULL,
    address      TEXT    NOT NULL,
    destination  TEXT    NOT NULL,
    lane         TEXT    NOT NULL, -- '' is the open road; see src/store/claim.rs
    priority     INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    round        INTEGER NOT NULL DEFAULT 1,
    attempts     INTEGER NOT NULL DEFAULT 0,
    due_at       INTEGER NOT NULL,
    process_id   BLOB,             -- who holds it while it is sending
    provider     TEXT,
    provider_ref TEXT,
    reason_code  TEXT,
    reason       TEXT,
    updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One delivery per notice, channel and address: the store itself refuses a second.
CREATE UNIQUE INDEX deliveries_once ON deliveries (notice_id, channel, address);
CREATE INDEX deliveries_due ON deliveries (channel, lane, priority, due_at, delivery_id) WHERE state = 'queued';
CREATE INDEX deliveries_held ON deliveries (process_id) WHERE state = 'sending';

CREATE TABLE attempts (
    delivery_id BLOB    NOT NULL,
    round       INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    process_id  BLOB    NOT NULL,
    provider    TEXT    NOT NULL,
    ended_at    INTEGER NOT NULL,
    outcome     TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    PRIMARY KEY (delivery_id, round, number)
) STRICT, WITHOUT ROWID;

-- Running processes; the claims of one whose lease has run out are taken back.
CREATE TABLE processes (
    process_id BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    leased_to  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Quotas and holds: a provider or a destination that is limited, slow or held. Ordinary destinations have no row.
CREATE TABLE lanes (
    channel     TEXT    NOT NULL,
    name        TEXT    NOT NULL, -- 'provider:…' or 'destination:…'
    tokens      REAL    NOT NULL DEFAULT 0,
    refilled_at INTEGER NOT NULL DEFAULT 0,
    not_before  INTEGER NOT NULL DEFAULT 0,
    holds       INTEGER NOT NULL DEFAULT 0, -- how many holds in a row
    reason      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (channel, name)
) STRICT, WITHOUT ROWID;
