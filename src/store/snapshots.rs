//! Snapshots and baselines: committing, reading, pruning.

use std::collections::HashSet;
use std::sync::PoisonError;

use rusqlite::{Connection, OptionalExtension, Row};

use super::{Baseline, Manifest, Micros, PruneReport, RunRow, SnapshotId, Store, StoreError, runs, sql};

/// Who sets the first baseline of an account.
const FIRST_BASELINE_BY: &str = "grantd";
const FIRST_BASELINE_NOTE: &str = "first snapshot of the account";

impl Store {
    /// Stores a snapshot with the run that made it, all or nothing. The account's first snapshot becomes its baseline.
    ///
    /// When this returns `Ok` the snapshot survives a power failure. On an error or a crash the newest snapshot is
    /// the one before.
    pub fn commit_snapshot(&self, account: &str, bytes: &[u8], run: &RunRow) -> Result<SnapshotId, StoreError> {
        if self.account(account)?.is_none() {
            return Err(StoreError::NoAccount { account: account.to_owned() });
        }
        let _file_changes = self.file_changes.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.segments.write(bytes)?;
        let committed = self.commit_rows(account, bytes, run, &written);
        if committed.is_err()
            && let Err(error) = self.remove_unnamed(&written.file)
        {
            tracing::warn!(%error, "the file of a snapshot that was not committed stays until the next start");
        }
        committed
    }

    fn commit_rows(
        &self,
        account: &str,
        bytes: &[u8],
        run: &RunRow,
        written: &super::segments::Written,
    ) -> Result<SnapshotId, StoreError> {
        let failed = StoreError::database("commit the snapshot");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        transaction
            .execute(
                "INSERT INTO snapshots (account, taken_at, file, sha256, bytes, rows) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (
                    account,
                    run.taken_at,
                    &written.file,
                    &written.sha256,
                    sql::from_count("bytes", bytes.len() as u64)?,
                    sql::from_count("rows", run.rows)?,
                ),
            )
            .map_err(failed)?;
        let snapshot = SnapshotId(transaction.last_insert_rowid());
        runs::insert(&transaction, account, run, Ok(snapshot))?;
        transaction
            .execute(
                "INSERT INTO baselines (account, snapshot_id, note, set_by, set_at)
                 SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM baselines WHERE account = ?1)",
                (account, snapshot.0, FIRST_BASELINE_NOTE, FIRST_BASELINE_BY, run.finished_at),
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(snapshot)
    }

    /// What is known of an account's newest snapshot, without reading it.
    pub fn newest_manifest(&self, account: &str) -> Result<Option<Manifest>, StoreError> {
        self.database()
            .query_row("SELECT * FROM snapshots WHERE account = ?1 ORDER BY id DESC LIMIT 1", [account], read_manifest)
            .optional()
            .map_err(StoreError::database("read the newest snapshot"))
    }

    /// The newest snapshot of an account, checked against its hash.
    ///
    /// A damaged file is an error: [`Store::snapshots`] and [`Store::read_snapshot`] reach the older ones.
    pub fn newest_snapshot(&self, account: &str) -> Result<Option<(Manifest, Vec<u8>)>, StoreError> {
        self.newest_manifest(account)?
            .map(|manifest| self.read_file(&manifest).map(|bytes| (manifest, bytes)))
            .transpose()
    }

    /// One snapshot of an account, checked against its hash.
    pub fn read_snapshot(&self, account: &str, snapshot: SnapshotId) -> Result<(Manifest, Vec<u8>), StoreError> {
        let manifest = self
            .database()
            .query_row("SELECT * FROM snapshots WHERE id = ?1 AND account = ?2", (snapshot.0, account), read_manifest)
            .optional()
            .map_err(StoreError::database("read the snapshot"))?
            .ok_or_else(|| StoreError::NoSnapshot { account: account.to_owned(), snapshot })?;
        let bytes = self.read_file(&manifest)?;
        Ok((manifest, bytes))
    }

    /// All snapshots of an account, newest first, pruned ones too.
    pub fn snapshots(&self, account: &str) -> Result<Vec<Manifest>, StoreError> {
        let failed = StoreError::database("list the snapshots");
        let database = self.database();
        let mut statement =
            database.prepare_cached("SELECT * FROM snapshots WHERE account = ?1 ORDER BY id DESC").map_err(failed)?;
        let rows = statement.query_map([account], read_manifest).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The baseline of an account: `None` before its first snapshot.
    pub fn baseline(&self, account: &str) -> Result<Option<Baseline>, StoreError> {
        self.database()
            .query_row("SELECT * FROM baselines WHERE account = ?1 ORDER BY id DESC LIMIT 1", [account], read_baseline)
            .optional()
            .map_err(StoreError::database("read the baseline"))
    }

    /// Accepts a snapshot of the account as its baseline. Earlier baselines stay on record.
    pub fn set_baseline(
        &self,
        account: &str,
        snapshot: SnapshotId,
        note: &str,
        who: &str,
        at: Micros,
    ) -> Result<(), StoreError> {
        let failed = StoreError::database("set the baseline");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        sql::require_account(&transaction, account)?;
        sql::require_snapshot(&transaction, account, snapshot)?;
        transaction
            .execute(
                "INSERT INTO baselines (account, snapshot_id, note, set_by, set_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                (account, snapshot.0, note, who, at),
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    /// Removes the files of an account's old snapshots. What stays: the `keep` newest (at least one), the baseline,
    /// and what an open changeset was made against. The rows of the rest stay, marked as pruned. While a backup is made,
    /// nothing is removed: the next prune takes it.
    pub fn prune(&self, account: &str, keep: usize) -> Result<PruneReport, StoreError> {
        let failed = StoreError::database("prune the snapshots");
        let Some(_no_backup) = super::backup::may_prune(&self.dir)? else {
            tracing::info!(account, "a backup is being made; nothing is pruned");
            return Ok(PruneReport::default());
        };
        let _file_changes = self.file_changes.lock().unwrap_or_else(PoisonError::into_inner);
        let keep = i64::try_from(keep.max(1)).unwrap_or(i64::MAX);
        let pruned: Vec<Manifest> = {
            let database = self.database();
            // One statement, so one transaction.
            let mut statement = database
                .prepare_cached(
                    "UPDATE snapshots SET pruned = 1
                     WHERE account = ?1 AND pruned = 0
                       AND id NOT IN (SELECT id FROM snapshots WHERE account = ?1 ORDER BY id DESC LIMIT ?2)
                       AND id NOT IN (SELECT snapshot_id FROM baselines WHERE account = ?1 ORDER BY id DESC LIMIT 1)
                       AND id NOT IN (SELECT base_snapshot FROM changesets
                                      WHERE base_snapshot IS NOT NULL AND status NOT IN ('applied', 'cancelled'))
                     RETURNING *",
                )
                .map_err(failed)?;
            let rows = statement.query_map((account, keep), read_manifest).map_err(failed)?;
            rows.collect::<Result<_, _>>().map_err(failed)?
        };
        let mut report = PruneReport { snapshots: pruned.len() as u64, ..PruneReport::default() };
        for manifest in pruned {
            if self.remove_unnamed(&manifest.file)? {
                report.files += 1;
                report.bytes += manifest.bytes;
            }
        }
        Ok(report)
    }

    /// Removes what a crash left among the snapshot files.
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        let failed = StoreError::database("list the snapshot files");
        let named: HashSet<String> = {
            let database = self.database();
            let mut statement = database.prepare("SELECT file FROM snapshots WHERE pruned = 0").map_err(failed)?;
            let rows = statement.query_map([], |row| row.get(0)).map_err(failed)?;
            rows.collect::<Result<_, _>>().map_err(failed)?
        };
        let removed = self.segments.sweep(&named)?;
        if removed > 0 {
            tracing::info!(removed, "removed snapshot files that an interrupted run left");
        }
        Ok(())
    }

    /// Removes a file unless a snapshot that can be read names it. The caller holds `file_changes`.
    fn remove_unnamed(&self, file: &str) -> Result<bool, StoreError> {
        let named = is_named(&self.database(), file).map_err(StoreError::database("look up the snapshot file"))?;
        if named { Ok(false) } else { self.segments.remove(file) }
    }

    fn read_file(&self, manifest: &Manifest) -> Result<Vec<u8>, StoreError> {
        if manifest.pruned {
            return Err(StoreError::Pruned { account: manifest.account.clone(), snapshot: manifest.id });
        }
        self.segments.read(&manifest.file, &manifest.sha256, manifest.bytes).map_err(|detail| StoreError::Damaged {
            account: manifest.account.clone(),
            snapshot: manifest.id,
            file: self.segments.path(&manifest.file),
            detail,
        })
    }
}

fn is_named(database: &Connection, file: &str) -> rusqlite::Result<bool> {
    database
        .query_row("SELECT EXISTS (SELECT 1 FROM snapshots WHERE file = ?1 AND pruned = 0)", [file], |row| row.get(0))
}

fn read_manifest(row: &Row<'_>) -> rusqlite::Result<Manifest> {
    Ok(Manifest {
        id: SnapshotId(row.get("id")?),
        account: row.get("account")?,
        taken_at: row.get("taken_at")?,
        file: row.get("file")?,
        sha256: row.get("sha256")?,
        bytes: sql::count(row, "bytes")?,
        rows: sql::count(row, "rows")?,
        pruned: row.get("pruned")?,
    })
}

fn read_baseline(row: &Row<'_>) -> rusqlite::Result<Baseline> {
    Ok(Baseline {
        account: row.get("account")?,
        snapshot: SnapshotId(row.get("snapshot_id")?),
        note: row.get("note")?,
        set_by: row.get("set_by")?,
        set_at: row.get("set_at")?,
    })
}
