-- What has happened, what was promised and is owed while it lasts, and how the services stand.
CREATE TABLE incidents (
    incident_id    BLOB    NOT NULL PRIMARY KEY,
    incident_key   TEXT    NOT NULL UNIQUE,
    title          TEXT    NOT NULL,
    phase          TEXT    NOT NULL,
    exercise       INTEGER NOT NULL,
    known_at       INTEGER NOT NULL, -- when it became known: deadlines count from here
    opened_at      INTEGER NOT NULL,
    opened_by      TEXT    NOT NULL,
    closed_at      INTEGER,
    next_update_at INTEGER,          -- as the last status notice promised
    version        INTEGER NOT NULL, -- counts the changes
    updated_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE incident_services (
    incident_id BLOB NOT NULL REFERENCES incidents (incident_id) ON DELETE CASCADE,
    service_key TEXT NOT NULL,
    PRIMARY KEY (incident_id, service_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident_deadlines (
    incident_id BLOB NOT NULL REFERENCES incidents (incident_id) ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    owner       TEXT NOT NULL,
    mark        TEXT NOT NULL, -- what was said of it, as JSON
    PRIMARY KEY (incident_id, kind)
) STRICT, WITHOUT ROWID;

-- Which notice belongs to which incident, as that stood when the notice was submitted. A reminder to the crisis staff
-- has its kind and the time it is about: the store itself refuses a second one.
CREATE TABLE incident_notices (
    notice_id      BLOB    NOT NULL PRIMARY KEY REFERENCES notices (notice_id) ON DELETE CASCADE,
    incident_id    BLOB    NOT NULL,
    position       INTEGER,          -- 1, 2, 3, … in the order of release; NULL: not released, or a reminder
    title          TEXT    NOT NULL,
    phase          TEXT    NOT NULL,
    services       TEXT    NOT NULL, -- their keys, as JSON
    next_update_at INTEGER,          -- what the notice's text says
    promised_at    INTEGER,          -- what it promises itself: the clock follows when it is released
    reminder       TEXT,
    reminder_due   INTEGER,
    UNIQUE (incident_id, reminder, reminder_due),
    UNIQUE (incident_id, position)
) STRICT, WITHOUT ROWID;

-- Claims that were found in a notice's words, and whether its author meant them so.
CREATE TABLE notice_wording (
    notice_id   BLOB    NOT NULL PRIMARY KEY REFERENCES notices (notice_id) ON DELETE CASCADE,
    hints       TEXT    NOT NULL, -- JSON
    accepted_at INTEGER,
    accepted_by TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE services (
    service_key TEXT    NOT NULL PRIMARY KEY,
    title       TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service_groups (
    service_key TEXT NOT NULL REFERENCES services (service_key) ON DELETE CASCADE,
    group_name  TEXT NOT NULL,
    PRIMARY KEY (service_key, group_name)
) STRICT, WITHOUT ROWID;
