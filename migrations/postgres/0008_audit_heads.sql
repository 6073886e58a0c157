-- Up to which entry of the audit log each second place knows the chain that is not a file: several processes that look
-- after it tell it once. A file says so itself.
CREATE TABLE audit_heads_told (
    place    TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    at       BIGINT NOT NULL
);
