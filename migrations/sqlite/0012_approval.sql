-- Four eyes: drafts, what a second person agrees to, who decided what, and alarms that were released beforehand.

-- What is agreed to: see src/domain/approval.rs.
ALTER TABLE notices ADD COLUMN content_hash TEXT NOT NULL DEFAULT '';  -- SHA-256, hexadecimal; '': written before this
ALTER TABLE notices ADD COLUMN channels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE notices ADD COLUMN second_person TEXT NOT NULL DEFAULT ''; -- why one is needed; '': none is
ALTER TABLE notices ADD COLUMN supersedes BLOB;                        -- the notice that it takes the place of

CREATE INDEX notices_supersedes ON notices (supersedes) WHERE supersedes IS NOT NULL;

-- Notices that are being written: they get their number when they are submitted, and the draft goes.
CREATE TABLE notice_drafts (
    notice_id  BLOB    NOT NULL PRIMARY KEY, -- the notice's, later
    version    INTEGER NOT NULL,             -- 1, 2, 3, …: one more with every change
    wish       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Who said yes or no to what, and who looked at it afterwards.
CREATE TABLE notice_decisions (
    notice_id   BLOB    NOT NULL,
    decision    INTEGER NOT NULL, -- 1, 2, 3, …
    kind        TEXT    NOT NULL, -- approved, rejected, break-glass, alarm
    hash        TEXT    NOT NULL, -- of what it was about; another than the notice has now: void
    decided_by  TEXT    NOT NULL,
    decided_at  INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    note        TEXT    NOT NULL,
    reviewed_by TEXT,
    reviewed_at INTEGER,
    review      TEXT,
    PRIMARY KEY (notice_id, decision)
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_decisions_open ON notice_decisions (notice_id) WHERE kind = 'break-glass' AND reviewed_at IS NULL;

-- Alarms that were agreed to in peacetime.
CREATE TABLE standing_alarms (
    name          TEXT    NOT NULL PRIMARY KEY,
    wish          TEXT    NOT NULL,
    open          TEXT    NOT NULL, -- the variables that whoever fires it fills
    text_hash     TEXT    NOT NULL,
    audience_hash TEXT    NOT NULL,
    prepared_at   INTEGER NOT NULL,
    prepared_by   TEXT    NOT NULL,
    approved_at   INTEGER,
    approved_by   TEXT,
    expires_at    INTEGER           -- when the approval ends
) STRICT, WITHOUT ROWID;
