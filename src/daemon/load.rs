//! From the store to a world. Snapshots that are already in memory are shared, not read again.

use super::DaemonError;
use crate::store::{self, RunStatus, SnapshotId, Store};
use crate::sync::CoverageStatus;
use grantd_catalog::model::qualified;
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::tables::{
    AccountView, Baseline, ChangeRow, ChangesetRow, CoverageRow, SyncRunRow, SyncStepRow, World,
};
use std::sync::Arc;

/// Runs shown in `sync_runs`, newest first.
const RUNS: usize = 1_000;

pub(super) fn world(store: &Store, before: &World) -> Result<World, DaemonError> {
    let mut world = World::default();
    for account in store.accounts()? {
        let runs = store.sync_runs(Some(&account.name), RUNS)?;
        for run in &runs {
            world.sync_steps.extend(steps(store, &account.name, run.run_id)?);
        }
        world.coverage.extend(coverage(store, &account.name)?);
        let last_run = runs.iter().max_by_key(|r| r.run_id);
        let last_run = last_run.map(|r| (r.finished_at, r.status.as_str().to_owned(), r.error.clone()));
        world.sync_runs.extend(runs.into_iter().map(run_row));
        // An account whose first sync failed has runs, but nothing to show yet.
        let Some(newest) = store.snapshots(&account.name)?.into_iter().max_by_key(|m| m.id) else { continue };
        let snapshot = snapshot(store, before, &account.name, newest.id)?;
        let mut view = AccountView::new(
            account.name.clone(),
            account.platform.clone(),
            account.source.as_str().to_owned(),
            Arc::clone(&snapshot),
        );
        view.snapshot_id = newest.id.0;
        view.last_run = last_run;
        if let Some(baseline) = store.baseline(&account.name)? {
            let accepted = if baseline.snapshot == newest.id {
                snapshot
            } else {
                self::snapshot(store, before, &account.name, baseline.snapshot)?
            };
            view.baseline = Some(Baseline {
                snapshot: accepted,
                snapshot_id: baseline.snapshot.0,
                accepted_at: baseline.set_at,
                accepted_by: baseline.set_by,
                note: baseline.note,
            });
        }
        world.accounts.push(Arc::new(view));
    }
    world.accounts.sort_by(|a, b| a.name.cmp(&b.name));
    world.sync_runs.sort_by_key(|r| r.started_at);
    for set in store.changesets()? {
        world.changes.extend(changes(store, &set)?);
        world.changesets.push(ChangesetRow {
            account: set.account,
            changeset: set.id,
            title: set.title,
            status: set.status.as_str().to_owned(),
            created_by: set.created_by,
            created_at: set.created_at,
            sql: set.sql,
        });
    }
    Ok(world)
}

fn snapshot(store: &Store, before: &World, account: &str, id: SnapshotId) -> Result<Arc<Snapshot>, DaemonError> {
    if let Some(view) = before.account(account) {
        if view.snapshot_id == id.0 {
            return Ok(Arc::clone(&view.snapshot));
        }
        if let Some(baseline) = view.baseline.as_ref().filter(|b| b.snapshot_id == id.0) {
            return Ok(Arc::clone(&baseline.snapshot));
        }
    }
    let (_, bytes) = store.read_snapshot(account, id)?;
    let snapshot =
        Snapshot::decode(&bytes).map_err(|error| DaemonError::Snapshot { account: account.to_owned(), id, error })?;
    Ok(Arc::new(snapshot))
}

fn run_row(run: store::SyncRun) -> SyncRunRow {
    SyncRunRow {
        account: run.account,
        run_id: run.run_id.to_string(),
        kind: run.kind,
        started_at: run.started_at,
        finished_at: Some(run.finished_at),
        status: if run.status == RunStatus::Succeeded { "succeeded" } else { "failed" }.to_owned(),
        error: run.error,
        statements: i64::try_from(run.statements).unwrap_or(i64::MAX),
        rows: i64::try_from(run.rows).unwrap_or(i64::MAX),
        snapshot_id: run.snapshot.map(|s| s.0),
    }
}

fn steps(store: &Store, account: &str, run_id: i64) -> Result<Vec<SyncStepRow>, DaemonError> {
    let steps = store.sync_steps(run_id)?;
    let row = |(step, position): (store::StepRow, i64)| SyncStepRow {
        account: account.to_owned(),
        run_id: run_id.to_string(),
        step: position,
        source: step.name.clone(),
        query_id: step.query_id,
        rows: step.rows.and_then(|r| i64::try_from(r).ok()).unwrap_or(0),
        started_at: step.started_at,
        millis: (step.finished_at - step.started_at) / 1_000,
    };
    Ok(steps.into_iter().zip(1..).map(row).collect())
}

fn coverage(store: &Store, account: &str) -> Result<Vec<CoverageRow>, DaemonError> {
    let rows = store.coverage(account)?;
    let database = |object: &str| Some(qualified(object).ok()?.into_iter().next()?.as_str().to_owned());
    let row = |c: store::CoverageRow| CoverageRow {
        account: account.to_owned(),
        source: c.source,
        object_database: c.object.as_deref().and_then(database),
        object: c.object,
        reason: c.reason,
        detail: c.detail.unwrap_or_default(),
        affects: c.affects,
    };
    // What was read whole is in sync_steps.
    let read = CoverageStatus::Read.as_str();
    Ok(rows.into_iter().filter(|c| c.reason != read).map(row).collect())
}

fn changes(store: &Store, set: &store::Changeset) -> Result<Vec<ChangeRow>, DaemonError> {
    let rows = store.changes(&set.id)?;
    let row = |(row, position): (store::ChangeRow, i64)| ChangeRow {
        account: set.account.clone(),
        changeset: set.id.clone(),
        position,
        change: row.kind,
        object: [row.object_type, row.object_database, row.object_schema, row.object_name, row.object],
        grantee: row.grantee,
        sql: row.sql,
        inverse_sql: row.inverse_sql.unwrap_or_default(),
    };
    Ok(rows.into_iter().zip(1..).map(row).collect())
}
