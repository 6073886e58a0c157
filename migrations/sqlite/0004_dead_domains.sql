-- Mail domains that nothing can be delivered to now: their deliveries are held, and no failure suppresses an address
-- in them.
CREATE TABLE dead_domains (
    domain     TEXT    NOT NULL PRIMARY KEY,
    hosted     INTEGER NOT NULL, -- one of ours: it comes back when we do
    since      INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    entered_by TEXT    NOT NULL  -- a person; '' for the configuration
) STRICT, WITHOUT ROWID;
