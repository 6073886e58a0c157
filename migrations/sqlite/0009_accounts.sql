-- Who may sign in. A name is never given to somebody else: accounts are disabled, not removed, because the audit log
-- names them.
CREATE TABLE accounts (
    name            TEXT    NOT NULL PRIMARY KEY,
    roles           TEXT    NOT NULL, -- comma-separated, in their order
    password        TEXT,             -- argon2id in the PHC form; NULL: signs in by a provider alone
    password_at     INTEGER NOT NULL,
    must_change     INTEGER NOT NULL, -- 1: the password was handed over and must be replaced first
    totp            TEXT,             -- the second factor's secret, sealed
    totp_since      INTEGER,
    totp_step       INTEGER,          -- the last step that was used: none is taken twice
    totp_pending    TEXT,             -- one that was offered and not confirmed yet, sealed
    oidc_issuer     TEXT,
    oidc_subject    TEXT,
    created_at      INTEGER NOT NULL,
    created_by      TEXT    NOT NULL,
    signed_in_at    INTEGER,
    disabled_at     INTEGER,
    version         INTEGER NOT NULL, -- counts changes: two editors at once are noticed
    UNIQUE (oidc_issuer, oidc_subject)
) STRICT, WITHOUT ROWID;

-- What replaces a lost second factor, each once.
CREATE TABLE recovery_codes (
    account TEXT NOT NULL,
    hash    BLOB NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

-- Who is signed in. Ended ones stay for a while: from where somebody has signed in before, they are known.
CREATE TABLE sessions (
    session_id   BLOB    NOT NULL PRIMARY KEY,
    hash         BLOB    NOT NULL UNIQUE,
    account      TEXT    NOT NULL,
    origin       TEXT    NOT NULL,
    agent        TEXT    NOT NULL, -- what the browser calls itself
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_account ON sessions (account, origin);

-- What other programs come in with. A name is never given twice: the audit log names them.
CREATE TABLE api_tokens (
    name         TEXT    NOT NULL PRIMARY KEY,
    hash         BLOB    NOT NULL UNIQUE,
    account      TEXT,             -- whose it is, and with whom it ends; NULL: made at the shell
    rights       TEXT    NOT NULL, -- comma-separated
    group_names  TEXT    NOT NULL, -- JSON: null (all), or a list
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX api_tokens_account ON api_tokens (account);

-- How often signing in went wrong, and until when the next try must wait. A key is a hash: what was typed as a name may
-- have been a password.
CREATE TABLE sign_in_waits (
    key      BLOB    NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_waits_last ON sign_in_waits (last_at);

-- The code on the console that makes the first account.
CREATE TABLE setup_codes (
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    hash       BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
