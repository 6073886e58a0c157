-- Who may sign in. A name is never given to somebody else: accounts are disabled, not removed, because the audit log
-- names them.
CREATE TABLE accounts (
    name            TEXT    NOT NULL PRIMARY KEY,
    roles           TEXT    NOT NULL, -- comma-separated, in their order
    password        TEXT,             -- argon2id in the PHC form; NULL: signs in by a provider alone
    password_at     BIGINT NOT NULL,
    must_change     BIGINT NOT NULL, -- 1: the password was handed over and must be replaced first
    totp            TEXT,             -- the second factor's secret, sealed
    totp_since      BIGINT,
    totp_step       BIGINT,          -- the last step that was used: none is taken twice
    totp_pending    TEXT,             -- one that was offered and not confirmed yet, sealed
    oidc_issuer     TEXT,
    oidc_subject    TEXT,
    created_at      BIGINT NOT NULL,
    created_by      TEXT    NOT NULL,
    signed_in_at    BIGINT,
    disabled_at     BIGINT,
    version         BIGINT NOT NULL, -- counts changes: two editors at once are noticed
    UNIQUE (oidc_issuer, oidc_subject)
);

-- What replaces a lost second factor, each once.
CREATE TABLE recovery_codes (
    account TEXT NOT NULL,
    hash    BYTEA NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (account, hash)
);

-- Who is signed in. Ended ones stay for a while: from where somebody has signed in before, they are known.
CREATE TABLE sessions (
    session_id   UUID    NOT NULL PRIMARY KEY,
    hash         BYTEA   NOT NULL UNIQUE,
    account      TEXT    NOT NULL,
    origin       TEXT    NOT NULL,
    agent        TEXT    NOT NULL, -- what the browser calls itself
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL,
    ended_at     BIGINT
);

CREATE INDEX sessions_account ON sessions (account, origin);

-- What other programs come in with. A name is never given twice: the audit log names them.
CREATE TABLE api_tokens (
    name         TEXT    NOT NULL PRIMARY KEY,
    hash         BYTEA   NOT NULL UNIQUE,
    account      TEXT,             -- whose it is, and with whom it ends; NULL: made at the shell
    rights       TEXT    NOT NULL, -- comma-separated
    group_names  TEXT    NOT NULL, -- JSON: null (all), or a list
    created_at   BIGINT NOT NULL,
    created_by   TEXT    NOT NULL,
    expires_at   BIGINT,
    last_used_at BIGINT,
    revoked_at   BIGINT
);

CREATE INDEX api_tokens_account ON api_tokens (account);

-- How often signing in went wrong, and until when the next try must wait. A key is a hash: what was typed as a name may
-- have been a password.
CREATE TABLE sign_in_waits (
    key      BYTEA  NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    until    BIGINT NOT NULL
);

CREATE INDEX sign_in_waits_last ON sign_in_waits (last_at);

-- The code on the console that makes the first account.
CREATE TABLE setup_codes (
    one        BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    hash       BYTEA   NOT NULL,
    expires_at BIGINT NOT NULL
);
