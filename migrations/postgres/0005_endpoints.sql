-- Webhook endpoints that do not answer as they should. One that answered has no row.
CREATE TABLE webhook_endpoints (
    address         TEXT NOT NULL PRIMARY KEY, -- in lower case, as suppressions have it
    contact_key     UUID NOT NULL,             -- the owner
    failing_since   BIGINT NOT NULL,
    last_failed_at  BIGINT NOT NULL,
    failures        BIGINT NOT NULL,
    last_code       TEXT NOT NULL,
    last_text       TEXT NOT NULL,
    switched_off_at BIGINT,
    told_at         BIGINT,                      -- when its owner was told, or it turned out that nobody could be
    told_notice     TEXT                         -- by which notice; NULL with told_at: by none
);
