-- Partners' systems that are told how notices, incidents and services stand.
CREATE TABLE partners (
    name            TEXT    NOT NULL PRIMARY KEY,
    url             TEXT    NOT NULL,
    secret          TEXT    NOT NULL, -- what signs, sealed
    topics          TEXT    NOT NULL, -- comma-separated
    visibility      TEXT    NOT NULL, -- partner: what partners or everybody may know; public: what everybody may know
    group_names     TEXT    NOT NULL, -- JSON: null (all), or a list
    position        BIGINT NOT NULL, -- up to which event they have been told, or it was not for them
    attempts        BIGINT NOT NULL, -- of the next event
    due_at          BIGINT NOT NULL, -- when the next event is tried
    leased_until    BIGINT NOT NULL, -- one process calls them until then
    failing_since   BIGINT,
    last_code       TEXT    NOT NULL,
    last_text       TEXT    NOT NULL,
    told_at         BIGINT,          -- when they last took an event
    switched_off_at BIGINT,
    created_at      BIGINT NOT NULL,
    created_by      TEXT    NOT NULL
);

-- What partners are told; one event for each entry of the audit log that means something to them.
CREATE TABLE partner_events (
    sequence    BIGINT NOT NULL PRIMARY KEY, -- the entry's
    event_id    UUID    NOT NULL,             -- the same in every try, and after a restore
    at          BIGINT NOT NULL,
    kind        TEXT    NOT NULL,
    visibility  TEXT    NOT NULL,
    group_names TEXT    NOT NULL,             -- JSON: whom it concerns
    body        TEXT    NOT NULL              -- JSON
);

-- Up to which entry of the audit log events have been made.
CREATE TABLE partner_events_made (
    one      BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    sequence BIGINT NOT NULL
);
