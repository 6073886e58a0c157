-- Mail domains that nothing can be delivered to now: their deliveries are held, and no failure suppresses an address
-- in them.
CREATE TABLE dead_domains (
    domain     TEXT    NOT NULL PRIMARY KEY,
    hosted     BOOLEAN NOT NULL, -- one of ours: it comes back when we do
    since      BIGINT  NOT NULL,
    reason     TEXT    NOT NULL,
    entered_by TEXT    NOT NULL  -- a person; '' for the configuration
);
