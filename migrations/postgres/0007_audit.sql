-- The audit log: nothing in it is ever changed or removed. Its head has a row of its own, which every writer locks, so
-- that entries get their places one after the other; a log that was cut off does not fit its head.
CREATE TABLE audit_entries (
    sequence     BIGINT NOT NULL PRIMARY KEY, -- 1, 2, 3, … without a gap
    at           BIGINT NOT NULL,
    actor        TEXT NOT NULL,
    origin       TEXT NOT NULL,
    request      TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject      TEXT NOT NULL, -- never a contact's name or address
    reason       TEXT NOT NULL,
    before       TEXT NOT NULL, -- canonical JSON
    after        TEXT NOT NULL, -- canonical JSON
    previous     TEXT NOT NULL, -- the hash of the entry before, hexadecimal
    hash         TEXT NOT NULL
);

CREATE INDEX audit_entries_subject ON audit_entries (subject_kind, subject, sequence);

CREATE TABLE audit_head (
    one      BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    sequence BIGINT NOT NULL,
    hash     TEXT NOT NULL
);

INSERT INTO audit_head (one, sequence, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;

CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
