-- Version 3: who may ask.
-- Only what a secret can be checked against is kept, never the secret. All secrets of a user share his salt and rounds,
-- because a client is told those before it has proved which of them it has.

CREATE TABLE gateway_users (
    name          TEXT PRIMARY KEY NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
    administrator INTEGER NOT NULL CHECK (administrator IN (0, 1)),
    disabled      INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    salt          BLOB NOT NULL CHECK (length(salt) > 0),
    rounds        INTEGER NOT NULL CHECK (rounds >= 4096),
    created_at    INTEGER NOT NULL
) STRICT;

-- kind: a user has one password at most, and any number of tokens.
CREATE TABLE gateway_secrets (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user         TEXT NOT NULL REFERENCES gateway_users (name),
    kind         TEXT NOT NULL CHECK (kind IN ('password', 'token')),
    label        TEXT NOT NULL,
    stored_key   BLOB NOT NULL CHECK (length(stored_key) = 32),
    server_key   BLOB NOT NULL CHECK (length(server_key) = 32),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX gateway_secrets_by_user ON gateway_secrets (user);
CREATE UNIQUE INDEX gateway_one_password ON gateway_secrets (user) WHERE kind = 'password' AND revoked_at IS NULL;

-- Values that are made once, such as the secret from which users who do not exist have their salts.
CREATE TABLE gateway_values (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT;
