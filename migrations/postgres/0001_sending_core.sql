-- The sending core. Times are UTC milliseconds, ids are UUIDs of version 7 made by the program.

-- What belongs to this instance alone: the key that authenticates return paths, …
CREATE TABLE instance_values (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE contacts (
    contact_key  UUID    NOT NULL PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    organisation TEXT    NOT NULL,
    salutation   TEXT    NOT NULL,
    language     TEXT    NOT NULL,
    deputy       TEXT,
    attributes   JSONB   NOT NULL,
    removed_at   BIGINT,
    updated_at   BIGINT NOT NULL
);

CREATE TABLE contact_points (
    contact_key    UUID    NOT NULL REFERENCES contacts (contact_key) ON DELETE CASCADE,
    channel        TEXT    NOT NULL,
    rank           BIGINT NOT NULL,
    address        TEXT    NOT NULL,
    label          TEXT    NOT NULL DEFAULT '',
    purpose        TEXT    NOT NULL DEFAULT '',
    verified_at    BIGINT,
    webhook_secret TEXT,
    webhook_format TEXT    NOT NULL DEFAULT 'standard',
    PRIMARY KEY (contact_key, channel, rank)
);

CREATE TABLE contact_groups (
    name  TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL
);

CREATE TABLE contact_group_contains (
    name     TEXT NOT NULL REFERENCES contact_groups (name) ON DELETE CASCADE,
    contains TEXT NOT NULL REFERENCES contact_groups (name) ON DELETE CASCADE,
    PRIMARY KEY (name, contains)
);

CREATE TABLE contact_group_members (
    name        TEXT NOT NULL REFERENCES contact_groups (name) ON DELETE CASCADE,
    contact_key UUID NOT NULL REFERENCES contacts (contact_key) ON DELETE CASCADE,
    PRIMARY KEY (name, contact_key)
);

CREATE TABLE suppressions (
    channel    TEXT    NOT NULL,
    address    TEXT    NOT NULL, -- normalised
    reason     TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    since      BIGINT NOT NULL,
    until      BIGINT,          -- NULL: until lifted
    PRIMARY KEY (channel, address)
);

-- The last number given in each year.
CREATE TABLE notice_sequences (
    year BIGINT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);

CREATE TABLE notices (
    notice_id     UUID    NOT NULL PRIMARY KEY,
    year          BIGINT NOT NULL,
    sequence      BIGINT NOT NULL,
    number        TEXT    NOT NULL UNIQUE,
    code          TEXT    NOT NULL,
    template      TEXT    NOT NULL,
    title         TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    priority      BIGINT NOT NULL,
    visibility    TEXT    NOT NULL,
    exercise      BOOLEAN NOT NULL,
    content       JSONB   NOT NULL, -- the template as it was when the notice was submitted
    variables     JSONB   NOT NULL,
    audience      JSONB   NOT NULL,
    created_at    BIGINT NOT NULL,
    created_by    TEXT    NOT NULL,
    released_at   BIGINT,
    scheduled_at  BIGINT,
    expires_at    BIGINT NOT NULL,
    completed_at  BIGINT,
    updated_at    BIGINT NOT NULL,
    recipients    BIGINT NOT NULL DEFAULT 0, -- rows of the frozen list
    fanned_out    BIGINT NOT NULL DEFAULT 0, -- how many of them have become deliveries
    swept         BIGINT NOT NULL DEFAULT 0, -- how many have been ended by cancel or expiry
    UNIQUE (year, sequence)
);

CREATE INDEX notices_live ON notices (state) WHERE state IN ('scheduled', 'sending', 'paused', 'cancelled');

-- Kept, not counted: how many deliveries of a notice stand in each state.
CREATE TABLE notice_counts (
    notice_id UUID    NOT NULL REFERENCES notices (notice_id) ON DELETE CASCADE,
    channel   TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    count     BIGINT NOT NULL,
    PRIMARY KEY (notice_id, channel, state)
);

-- The list frozen at submission: one row a delivery to be made.
CREATE TABLE recipients (
    notice_id   UUID    NOT NULL,
    position    BIGINT NOT NULL, -- 1, 2, 3, …
    delivery_id UUID    NOT NULL,
    channel     TEXT    NOT NULL,
    contact_key UUID    NOT NULL,
    card        JSONB   NOT NULL, -- what the text may say of the contact
    address     TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    PRIMARY KEY (notice_id, position)
);

-- Contacts that share an address with another, listed under its delivery.
CREATE TABLE merged_recipients (
    notice_id   UUID NOT NULL,
    delivery_id UUID NOT NULL,
    contact_key UUID NOT NULL,
    contact_id  TEXT NOT NULL,
    PRIMARY KEY (notice_id, delivery_id, contact_key)
);

-- Contacts of the audience for whom no delivery could be made.
CREATE TABLE unreachable_recipients (
    notice_id   UUID NOT NULL,
    contact_key UUID NOT NULL,
    contact_id  TEXT NOT NULL,
    name        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (notice_id, contact_key)
);

CREATE TABLE deliveries (
    delivery_id  UUID    NOT NULL PRIMARY KEY,
    notice_id    UUID    NOT NULL,
    position     BIGINT NOT NULL,
    channel      TEXT    NOT NULL,
    contact_key  UUID    NOT NULL,
    address      TEXT    NOT NULL,
    destination  TEXT    NOT NULL,
    lane         TEXT    NOT NULL, -- '' is the open road; see src/store/claim.rs
    priority     BIGINT NOT NULL,
    state        TEXT    NOT NULL,
    round        BIGINT NOT NULL DEFAULT 1,
    attempts     BIGINT NOT NULL DEFAULT 0,
    due_at       BIGINT NOT NULL,
    process_id   UUID,             -- who holds it while it is sending
    provider     TEXT,
    provider_ref TEXT,
    reason_code  TEXT,
    reason       TEXT,
    updated_at   BIGINT NOT NULL
);

-- One delivery per notice, channel and address: the store itself refuses a second.
CREATE UNIQUE INDEX deliveries_once ON deliveries (notice_id, channel, address);
CREATE INDEX deliveries_due ON deliveries (channel, lane, priority, due_at, delivery_id) WHERE state = 'queued';
CREATE INDEX deliveries_held ON deliveries (process_id) WHERE state = 'sending';

CREATE TABLE attempts (
    delivery_id UUID    NOT NULL,
    round       BIGINT NOT NULL,
    number      BIGINT NOT NULL,
    process_id  UUID    NOT NULL,
    provider    TEXT    NOT NULL,
    ended_at    BIGINT NOT NULL,
    outcome     TEXT    NOT NULL,
    code        TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    PRIMARY KEY (delivery_id, round, number)
);

-- Running processes; the claims of one whose lease has run out are taken back.
CREATE TABLE processes (
    process_id UUID    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    started_at BIGINT NOT NULL,
    leased_to  BIGINT NOT NULL
);

-- Quotas and holds: a provider or a destination that is limited, slow or held. Ordinary destinations have no row.
CREATE TABLE lanes (
    channel     TEXT    NOT NULL,
    name        TEXT    NOT NULL, -- 'provider:…' or 'destination:…'
    tokens      DOUBLE PRECISION    NOT NULL DEFAULT 0,
    refilled_at BIGINT NOT NULL DEFAULT 0,
    not_before  BIGINT NOT NULL DEFAULT 0,
    holds       BIGINT NOT NULL DEFAULT 0, -- how many holds in a row
    reason      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (channel, name)
);
