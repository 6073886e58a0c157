-- Mail domains that were down, and since when they are up again: bounces of what was handed over before say nothing about
-- their mailboxes.
CREATE TABLE domains_back (
    domain  TEXT    NOT NULL PRIMARY KEY,
    back_at BIGINT  NOT NULL
);
