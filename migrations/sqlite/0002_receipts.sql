-- What a delivery takes of a quota that counts more than messages: the segments of a text message.
ALTER TABLE recipients ADD COLUMN units INTEGER NOT NULL DEFAULT 1;

-- Later news about deliveries, in the order in which they came; the same news is kept once.
CREATE TABLE receipts (
    receipt_id  BLOB    NOT NULL PRIMARY KEY,
    delivery_id BLOB    NOT NULL,
    round       INTEGER NOT NULL,
    source      TEXT    NOT NULL, -- the provider's name, or 'bounce'
    kind        TEXT    NOT NULL, -- delivered, failed, underway
    code        TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (delivery_id, round, source, kind, code)
) STRICT, WITHOUT ROWID;

-- How many callbacks came from each source, and what they turned out to be.
CREATE TABLE callback_counts (
    source  TEXT    NOT NULL,
    verdict TEXT    NOT NULL, -- taken, repeated, forged, unreadable, no_receipt
    count   INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (source, verdict)
) STRICT, WITHOUT ROWID;
