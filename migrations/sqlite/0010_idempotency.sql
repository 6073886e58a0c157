-- Requests that carry an Idempotency-Key: what was asked under it, whether it has had its effect, and what was
-- answered. Kept for a day.
CREATE TABLE idempotency_keys (
    actor       TEXT    NOT NULL, -- whose key it is, as the audit log names them
    key         TEXT    NOT NULL,
    content     TEXT    NOT NULL, -- SHA-256 of method, address and body, hexadecimal
    request     TEXT    NOT NULL, -- the request that is carried out under it
    reserved_at INTEGER NOT NULL,
    effect      TEXT,             -- what it changed: set in the transaction that changed it
    status      INTEGER,          -- NULL: not answered yet
    headers     TEXT,             -- JSON: name and value in pairs
    body        TEXT,             -- NULL once answered: the answer is not kept
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_age ON idempotency_keys (reserved_at);
CREATE INDEX idempotency_keys_open ON idempotency_keys (actor, request) WHERE status IS NULL;
