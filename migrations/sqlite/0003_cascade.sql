-- Following people instead of addresses: who was to be told, who has confirmed, and whom to try next.
ALTER TABLE notices ADD COLUMN alarm INTEGER NOT NULL DEFAULT 0;        -- recipients must confirm
ALTER TABLE notices ADD COLUMN cascade_after INTEGER;                   -- milliseconds for each way; NULL: no cascade
ALTER TABLE notices ADD COLUMN cascade_open INTEGER NOT NULL DEFAULT 0; -- contacts whose cascade has not ended

CREATE INDEX notices_cascading ON notices (state) WHERE cascade_open > 0;

-- Every contact of the audience, frozen at submission: what reports count.
CREATE TABLE notice_people (
    notice_id    BLOB NOT NULL,
    contact_key  BLOB NOT NULL,
    contact_id   TEXT NOT NULL,
    name         TEXT NOT NULL,
    organisation TEXT NOT NULL,
    group_name   TEXT NOT NULL,
    deputy_id    TEXT,
    PRIMARY KEY (notice_id, contact_key)
) STRICT, WITHOUT ROWID;

-- Who has confirmed, or was reached by a person; the first word stays.
CREATE TABLE acknowledgements (
    notice_id   BLOB    NOT NULL,
    contact_key BLOB    NOT NULL,
    by_what     TEXT    NOT NULL, -- link, phone, fax, messenger
    delivery_id BLOB,             -- whose link it was
    note        TEXT    NOT NULL,
    recorded_by TEXT    NOT NULL, -- who wrote it down; empty for a link
    at          INTEGER NOT NULL,
    PRIMARY KEY (notice_id, contact_key)
) STRICT, WITHOUT ROWID;

-- The links of an alarm. Only a hash of the token is kept: whoever reads the store cannot confirm with it.
CREATE TABLE acknowledgement_links (
    token_hash      TEXT    NOT NULL PRIMARY KEY, -- SHA-256, hexadecimal
    notice_id       BLOB    NOT NULL,
    delivery_id     BLOB    NOT NULL UNIQUE,
    acknowledged_at INTEGER
) STRICT, WITHOUT ROWID;

-- How far the cascade of each contact has come.
CREATE TABLE cascade_contacts (
    notice_id   BLOB    NOT NULL,
    contact_key BLOB    NOT NULL,
    step        INTEGER NOT NULL, -- the last that fired; 0: none, the contact has no way of its own
    check_at    INTEGER,          -- when the next fires if nobody was reached; NULL: counted from the release
    ended_at    INTEGER,
    why         TEXT,             -- confirmed, accepted, used up, cancelled, expired
    PRIMARY KEY (notice_id, contact_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX cascade_contacts_open ON cascade_contacts (notice_id, contact_key) WHERE ended_at IS NULL;

-- The ways of each contact, in their order.
CREATE TABLE cascade_steps (
    notice_id   BLOB    NOT NULL,
    contact_key BLOB    NOT NULL,
    step        INTEGER NOT NULL, -- 1, 2, 3, …
    delivery_id BLOB    NOT NULL, -- the one it becomes, or the one that it shares
    deputy_key  BLOB,             -- the deputy, where it goes to that person
    channel     TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    card        TEXT    NOT NULL, -- what the text may say of its reader
    units       INTEGER NOT NULL,
    fired_at    INTEGER,
    fired_by    TEXT,             -- what fired it, or why it was left out
    PRIMARY KEY (notice_id, contact_key, step)
) STRICT, WITHOUT ROWID;

CREATE INDEX cascade_steps_deliveries ON cascade_steps (delivery_id);

-- Which deliveries are for which people: their own, those they share, those that a cascade made for them.
CREATE VIEW notice_ways AS
SELECT d.notice_id AS notice_id, d.contact_key AS contact_key, d.delivery_id AS delivery_id, 0 AS by_deputy
FROM deliveries d JOIN notice_people p ON p.notice_id = d.notice_id AND p.contact_key = d.contact_key
UNION
SELECT m.notice_id, m.contact_key, m.delivery_id, 0 FROM merged_recipients m
UNION
SELECT s.notice_id, s.contact_key, s.delivery_id, CASE WHEN s.deputy_key IS NULL THEN 0 ELSE 1 END
FROM cascade_steps s WHERE s.fired_at IS NOT NULL;
