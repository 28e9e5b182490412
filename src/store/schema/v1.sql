-- Version 1 of the store.
-- Times are microseconds since 1970-01-01 UTC; hashes are lower-case hex. Values keep the platform's spelling.

CREATE TABLE accounts (
    name       TEXT PRIMARY KEY NOT NULL CHECK (name <> ''),
    platform   TEXT NOT NULL,
    source     TEXT NOT NULL CHECK (source IN ('sync', 'import', 'sandbox')),
    created_at INTEGER NOT NULL
) STRICT;

-- One row per snapshot ever taken. pruned = 1: the file is gone, the row stays as a record.
CREATE TABLE snapshots (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  TEXT NOT NULL REFERENCES accounts (name),
    taken_at INTEGER NOT NULL,
    file     TEXT NOT NULL,
    sha256   TEXT NOT NULL CHECK (length(sha256) = 64),
    bytes    INTEGER NOT NULL CHECK (bytes >= 0),
    rows     INTEGER NOT NULL CHECK (rows >= 0),
    pruned   INTEGER NOT NULL DEFAULT 0 CHECK (pruned IN (0, 1))
) STRICT;
CREATE INDEX snapshots_by_account ON snapshots (account, id);
CREATE INDEX snapshots_by_file ON snapshots (file);

-- A run that succeeded has a snapshot, a run that failed has an error.
CREATE TABLE sync_runs (
    run_id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT NOT NULL REFERENCES accounts (name),
    kind        TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('succeeded', 'failed')),
    error       TEXT,
    snapshot_id INTEGER REFERENCES snapshots (id),
    rows        INTEGER NOT NULL CHECK (rows >= 0),
    statements  INTEGER NOT NULL CHECK (statements >= 0),
    CHECK ((status = 'succeeded') = (snapshot_id IS NOT NULL)),
    CHECK ((status = 'failed') = (error IS NOT NULL))
) STRICT;
CREATE INDEX sync_runs_by_account ON sync_runs (account, run_id);
CREATE INDEX sync_runs_by_snapshot ON sync_runs (snapshot_id);

CREATE TABLE sync_steps (
    run_id      INTEGER NOT NULL REFERENCES sync_runs (run_id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    name        TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('succeeded', 'failed', 'skipped')),
    rows        INTEGER CHECK (rows >= 0),
    query_id    TEXT,
    error       TEXT,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

-- What a run could not see.
CREATE TABLE coverage (
    run_id   INTEGER NOT NULL REFERENCES sync_runs (run_id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    source   TEXT NOT NULL,
    object   TEXT,
    reason   TEXT NOT NULL,
    detail   TEXT,
    affects  TEXT,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

-- Every snapshot that was ever accepted; the last row of an account is its baseline.
CREATE TABLE baselines (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT NOT NULL REFERENCES accounts (name),
    snapshot_id INTEGER NOT NULL REFERENCES snapshots (id),
    note        TEXT NOT NULL,
    set_by      TEXT NOT NULL,
    set_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX baselines_by_account ON baselines (account, id);
CREATE INDEX baselines_by_snapshot ON baselines (snapshot_id);

CREATE TABLE changesets (
    id            TEXT PRIMARY KEY NOT NULL,
    account       TEXT NOT NULL REFERENCES accounts (name),
    title         TEXT NOT NULL,
    status        TEXT NOT NULL
                  CHECK (status IN ('draft', 'pending_review', 'approved', 'applied', 'failed', 'cancelled')),
    created_by    TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    sql           TEXT NOT NULL,
    base_snapshot INTEGER REFERENCES snapshots (id)
) STRICT;
CREATE INDEX changesets_by_account ON changesets (account, created_at);
CREATE INDEX changesets_by_snapshot ON changesets (base_snapshot);

CREATE TABLE changes (
    changeset       TEXT NOT NULL REFERENCES changesets (id) ON DELETE CASCADE,
    position        INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    sql             TEXT NOT NULL,
    inverse_sql     TEXT,
    privilege       TEXT,
    object_type     TEXT,
    object_database TEXT,
    object_schema   TEXT,
    object_name     TEXT,
    object          TEXT,
    grantee_type    TEXT,
    grantee         TEXT,
    PRIMARY KEY (changeset, position)
) STRICT, WITHOUT ROWID;

-- Every status a changeset has had, in order.
CREATE TABLE changeset_steps (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    changeset   TEXT NOT NULL REFERENCES changesets (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    by          TEXT NOT NULL,
    from_status TEXT,
    to_status   TEXT NOT NULL,
    note        TEXT NOT NULL
) STRICT;
CREATE INDEX changeset_steps_by_changeset ON changeset_steps (changeset, id);
