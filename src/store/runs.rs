//! Sync runs, their steps and what they could not see.

use rusqlite::{OptionalExtension, Row, Transaction};

use super::{
    CoverageRow, Freshness, RunRow, RunStatus, SnapshotId, StepRow, StepStatus, Store, StoreError, SyncRun, sql,
};

/// Checks that found nothing and are kept per account; there are hundreds a day.
const KEPT_CHECKS: i64 = 100;

impl Store {
    /// Records a run that found the snapshot as it is, and forgets the oldest of its kind.
    pub fn record_check(&self, account: &str, run: &RunRow, snapshot: SnapshotId) -> Result<i64, StoreError> {
        let failed = StoreError::database("record the check");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        sql::require_account(&transaction, account)?;
        sql::require_snapshot(&transaction, account, snapshot)?;
        let run_id = insert(&transaction, account, run, Ok(snapshot))?;
        transaction
            .execute(
                "DELETE FROM sync_runs WHERE account = ?1 AND kind = ?2 AND status = 'succeeded' AND run_id NOT IN
                   (SELECT run_id FROM sync_runs WHERE account = ?1 AND kind = ?2 ORDER BY run_id DESC LIMIT ?3)",
                (account, &run.kind, KEPT_CHECKS),
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(run_id)
    }

    /// The newest run of an account that succeeded, of one kind or of any.
    pub fn last_succeeded(&self, account: &str, kind: Option<&str>) -> Result<Option<SyncRun>, StoreError> {
        self.database()
            .query_row(
                "SELECT * FROM sync_runs WHERE account = ?1 AND status = 'succeeded' AND (?2 IS NULL OR kind = ?2)
                 ORDER BY run_id DESC LIMIT 1",
                (account, kind),
                read_run,
            )
            .optional()
            .map_err(StoreError::database("find the last run"))
    }

    /// The steps of an account's runs later than one, with the run of each, in order.
    pub fn sync_steps_after(&self, account: &str, run_id: i64) -> Result<Vec<(i64, StepRow)>, StoreError> {
        let failed = StoreError::database("list the steps");
        let database = self.database();
        let mut statement = database
            .prepare_cached(
                "SELECT s.* FROM sync_steps s JOIN sync_runs r ON r.run_id = s.run_id
                 WHERE r.account = ?1 AND r.run_id > ?2 ORDER BY s.run_id, s.position",
            )
            .map_err(failed)?;
        let rows =
            statement.query_map((account, run_id), |row| Ok((row.get("run_id")?, read_step(row)?))).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Records a run that ended with an error and returns its id. Snapshots and baseline stay as they are.
    pub fn record_failed_run(&self, account: &str, run: &RunRow, error: &str) -> Result<i64, StoreError> {
        let failed = StoreError::database("record the failed run");
        let mut database = self.database();
        let transaction = database.transaction().map_err(failed)?;
        sql::require_account(&transaction, account)?;
        let run_id = insert(&transaction, account, run, Err(error))?;
        transaction.commit().map_err(failed)?;
        Ok(run_id)
    }

    /// The runs of an account, or of all, newest first; at most `limit`.
    pub fn sync_runs(&self, account: Option<&str>, limit: usize) -> Result<Vec<SyncRun>, StoreError> {
        let failed = StoreError::database("list the runs");
        let database = self.database();
        let mut statement = database
            .prepare_cached("SELECT * FROM sync_runs WHERE ?1 IS NULL OR account = ?1 ORDER BY run_id DESC LIMIT ?2")
            .map_err(failed)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map((account, limit), read_run).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The steps of a run in order.
    pub fn sync_steps(&self, run_id: i64) -> Result<Vec<StepRow>, StoreError> {
        let failed = StoreError::database("list the steps");
        let database = self.database();
        let mut statement =
            database.prepare_cached("SELECT * FROM sync_steps WHERE run_id = ?1 ORDER BY position").map_err(failed)?;
        let rows = statement.query_map([run_id], read_step).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// What the run behind an account's newest snapshot could not see. Empty: all was seen, or nothing was read yet.
    pub fn coverage(&self, account: &str) -> Result<Vec<CoverageRow>, StoreError> {
        let failed = StoreError::database("list the coverage");
        let database = self.database();
        let mut statement = database
            .prepare_cached(
                "SELECT * FROM coverage WHERE run_id =
                   (SELECT max(run_id) FROM sync_runs WHERE account = ?1 AND status = 'succeeded' AND kind <> 'check')
                 ORDER BY position",
            )
            .map_err(failed)?;
        let rows = statement.query_map([account], read_coverage).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

/// Inserts a run with its steps and coverage: with the snapshot it made, or its error.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    account: &str,
    run: &RunRow,
    outcome: Result<SnapshotId, &str>,
) -> Result<i64, StoreError> {
    let failed = StoreError::database("record the run");
    let status = if outcome.is_ok() { RunStatus::Succeeded } else { RunStatus::Failed };
    transaction
        .execute(
            "INSERT INTO sync_runs
               (account, kind, started_at, finished_at, status, error, snapshot_id, rows, statements, source, as_of,
                dangling, grants_at, full_at, future_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            (
                account,
                &run.kind,
                run.started_at,
                run.finished_at,
                status.as_str(),
                outcome.err(),
                outcome.ok().map(|snapshot| snapshot.0),
                sql::from_count("rows", run.rows)?,
                sql::from_count("statements", run.statements)?,
                &run.source,
                run.freshness.as_of,
                sql::from_count("dangling", run.dangling)?,
                run.freshness.grants_at,
                run.freshness.full_at,
                run.freshness.future_at,
            ),
        )
        .map_err(failed)?;
    let run_id = transaction.last_insert_rowid();
    insert_steps(transaction, run_id, &run.steps)?;
    insert_coverage(transaction, run_id, &run.coverage)?;
    Ok(run_id)
}

fn insert_steps(transaction: &Transaction<'_>, run_id: i64, steps: &[StepRow]) -> Result<(), StoreError> {
    let failed = StoreError::database("record the steps");
    let mut statement = transaction
        .prepare_cached(
            "INSERT INTO sync_steps
               (run_id, position, name, started_at, finished_at, status, rows, query_id, error, part, statement, as_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .map_err(failed)?;
    for (position, step) in (1_i64..).zip(steps) {
        let rows = step.rows.map(|rows| sql::from_count("rows", rows)).transpose()?;
        statement
            .execute((
                run_id,
                position,
                &step.name,
                step.started_at,
                step.finished_at,
                step.status.as_str(),
                rows,
                &step.query_id,
                &step.error,
                &step.part,
                &step.statement,
                step.as_of,
            ))
            .map_err(failed)?;
    }
    Ok(())
}

fn insert_coverage(transaction: &Transaction<'_>, run_id: i64, coverage: &[CoverageRow]) -> Result<(), StoreError> {
    let failed = StoreError::database("record the coverage");
    let mut statement = transaction
        .prepare_cached(
            "INSERT INTO coverage (run_id, position, source, object, reason, detail, affects)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .map_err(failed)?;
    for (position, gap) in (1_i64..).zip(coverage) {
        statement
            .execute((run_id, position, &gap.source, &gap.object, &gap.reason, &gap.detail, &gap.affects))
            .map_err(failed)?;
    }
    Ok(())
}

fn read_run(row: &Row<'_>) -> rusqlite::Result<SyncRun> {
    Ok(SyncRun {
        account: row.get("account")?,
        run_id: row.get("run_id")?,
        kind: row.get("kind")?,
        source: row.get("source")?,
        freshness: Freshness {
            as_of: row.get("as_of")?,
            grants_at: row.get("grants_at")?,
            full_at: row.get("full_at")?,
            future_at: row.get("future_at")?,
        },
        dangling: sql::count(row, "dangling")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        status: sql::word(row, "status", RunStatus::parse)?,
        error: row.get("error")?,
        snapshot: row.get::<_, Option<i64>>("snapshot_id")?.map(SnapshotId),
        rows: sql::count(row, "rows")?,
        statements: sql::count(row, "statements")?,
    })
}

fn read_step(row: &Row<'_>) -> rusqlite::Result<StepRow> {
    Ok(StepRow {
        part: row.get("part")?,
        statement: row.get("statement")?,
        as_of: row.get("as_of")?,
        name: row.get("name")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        status: sql::word(row, "status", StepStatus::parse)?,
        rows: sql::optional_count(row, "rows")?,
        query_id: row.get("query_id")?,
        error: row.get("error")?,
    })
}

fn read_coverage(row: &Row<'_>) -> rusqlite::Result<CoverageRow> {
    Ok(CoverageRow {
        source: row.get("source")?,
        object: row.get("object")?,
        reason: row.get("reason")?,
        detail: row.get("detail")?,
        affects: row.get("affects")?,
    })
}
