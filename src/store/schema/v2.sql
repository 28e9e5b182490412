-- Version 2: how fresh a run is, and what its steps sent.
-- as_of: what had happened until then was seen for sure. grants_at, full_at, future_at: when grants were last read, when
-- everything was, when all future grants were; a run that reads less keeps the times of the run before it.

ALTER TABLE sync_runs ADD COLUMN source TEXT;
ALTER TABLE sync_runs ADD COLUMN as_of INTEGER;
ALTER TABLE sync_runs ADD COLUMN dangling INTEGER NOT NULL DEFAULT 0 CHECK (dangling >= 0);
ALTER TABLE sync_runs ADD COLUMN grants_at INTEGER;
ALTER TABLE sync_runs ADD COLUMN full_at INTEGER;
ALTER TABLE sync_runs ADD COLUMN future_at INTEGER;
UPDATE sync_runs SET kind = 'full' WHERE kind = 'sync';

-- part: the letter of the statement's group in the plan.
ALTER TABLE sync_steps ADD COLUMN part TEXT;
ALTER TABLE sync_steps ADD COLUMN statement TEXT;
ALTER TABLE sync_steps ADD COLUMN as_of INTEGER;
