-- What a delivery takes of a quota that counts more than messages: the segments of a text message.
ALTER TABLE recipients ADD COLUMN units BIGINT NOT NULL DEFAULT 1;

-- Later news about deliveries, in the order in which they came; the same news is kept once.
CREATE TABLE receipts (
    receipt_id  UUID    NOT NULL PRIMARY KEY,
    delivery_id UUID    NOT NULL,
    round       BIGINT NOT NULL,
    source      TEXT    NOT NULL, -- the provider's name, or 'bounce'
    kind        TEXT    NOT NULL, -- delivered, failed, underway
    code        TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    received_at BIGINT NOT NULL,
    UNIQUE (delivery_id, round, source, kind, code)
);

-- How many callbacks came from each source, and what they turned out to be.
CREATE TABLE callback_counts (
    source  TEXT    NOT NULL,
    verdict TEXT    NOT NULL, -- taken, repeated, forged, unreadable, no_receipt
    count   BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (source, verdict)
);
