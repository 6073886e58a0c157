-- What has happened, what was promised and is owed while it lasts, and how the services stand.
CREATE TABLE incidents (
    incident_id    UUID    NOT NULL PRIMARY KEY,
    incident_key   TEXT    NOT NULL UNIQUE,
    title          TEXT    NOT NULL,
    phase          TEXT    NOT NULL,
    exercise       BOOLEAN NOT NULL,
    known_at       BIGINT NOT NULL, -- when it became known: deadlines count from here
    opened_at      BIGINT NOT NULL,
    opened_by      TEXT    NOT NULL,
    closed_at      BIGINT,
    next_update_at BIGINT,          -- as the last status notice promised
    version        BIGINT NOT NULL, -- counts the changes
    updated_at     BIGINT NOT NULL
);

CREATE TABLE incident_services (
    incident_id UUID NOT NULL REFERENCES incidents (incident_id) ON DELETE CASCADE,
    service_key TEXT NOT NULL,
    PRIMARY KEY (incident_id, service_key)
);

CREATE TABLE incident_deadlines (
    incident_id UUID NOT NULL REFERENCES incidents (incident_id) ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    owner       TEXT NOT NULL,
    mark        JSONB NOT NULL, -- what was said of it, as JSON
    PRIMARY KEY (incident_id, kind)
);

-- Which notice belongs to which incident, as that stood when the notice was submitted. A reminder to the crisis staff
-- has its kind and the time it is about: the store itself refuses a second one.
CREATE TABLE incident_notices (
    notice_id      UUID    NOT NULL PRIMARY KEY REFERENCES notices (notice_id) ON DELETE CASCADE,
    incident_id    UUID    NOT NULL,
    position       BIGINT,          -- 1, 2, 3, … in the order of release; NULL: not released, or a reminder
    title          TEXT    NOT NULL,
    phase          TEXT    NOT NULL,
    services       JSONB   NOT NULL, -- their keys, as JSON
    next_update_at BIGINT,          -- what the notice's text says
    promised_at    BIGINT,          -- what it promises itself: the clock follows when it is released
    reminder       TEXT,
    reminder_due   BIGINT,
    UNIQUE (incident_id, reminder, reminder_due),
    UNIQUE (incident_id, position)
);

-- Claims that were found in a notice's words, and whether its author meant them so.
CREATE TABLE notice_wording (
    notice_id   UUID    NOT NULL PRIMARY KEY REFERENCES notices (notice_id) ON DELETE CASCADE,
    hints       JSONB   NOT NULL, -- JSON
    accepted_at BIGINT,
    accepted_by TEXT
);

CREATE TABLE services (
    service_key TEXT    NOT NULL PRIMARY KEY,
    title       TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    version     BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE service_groups (
    service_key TEXT NOT NULL REFERENCES services (service_key) ON DELETE CASCADE,
    group_name  TEXT NOT NULL,
    PRIMARY KEY (service_key, group_name)
);
