//! From the store to a world. Snapshots that are already in memory are shared, not read again.

use super::DaemonError;
use crate::store::{self, RunStatus, SnapshotId, Store};
use crate::sync::CoverageStatus;
use grantd_catalog::model::qualified;
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::tables::{
    AccountView, Baseline, ChangeRow, ChangesetRow, CoverageRow, Health, SyncRunRow, SyncStepRow, World,
};
use std::collections::HashSet;
use std::sync::Arc;

/// Runs shown in `sync_runs`, newest first.
const RUNS: usize = 1_000;

pub(super) fn world(store: &Store, before: &World) -> Result<World, DaemonError> {
    let mut world = World::default();
    for account in store.accounts()? {
        let runs = store.sync_runs(Some(&account.name), RUNS)?;
        world.sync_steps.extend(steps(store, before, &account.name, &runs)?);
        world.coverage.extend(coverage(store, &account.name)?);
        let health = health(&runs);
        let last_run = runs.iter().max_by_key(|r| r.run_id);
        let last_run = last_run.map(|r| (r.finished_at, r.status.as_str().to_owned(), r.error.clone()));
        world.sync_runs.extend(runs.into_iter().map(run_row));
        // An account whose first sync failed has runs, but nothing to show yet.
        let Some(newest) = store.newest_manifest(&account.name)? else { continue };
        let snapshot = snapshot(store, before, &account.name, newest.id)?;
        let mut view = AccountView::new(
            account.name.clone(),
            account.platform.clone(),
            account.source.as_str().to_owned(),
            Arc::clone(&snapshot),
        );
        view.snapshot_id = newest.id.0;
        view.last_run = last_run;
        view.health = health;
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
        source: run.source,
        as_of: run.freshness.as_of,
        dangling: i64::try_from(run.dangling).unwrap_or(i64::MAX),
        started_at: run.started_at,
        finished_at: Some(run.finished_at),
        status: if run.status == RunStatus::Succeeded { "succeeded" } else { "failed" }.to_owned(),
        error: run.error,
        statements: i64::try_from(run.statements).unwrap_or(i64::MAX),
        rows: i64::try_from(run.rows).unwrap_or(i64::MAX),
        snapshot_id: run.snapshot.map(|s| s.0),
    }
}

/// How fresh the account is: `runs` are newest first.
fn health(runs: &[store::SyncRun]) -> Health {
    let succeeded = |run: &&store::SyncRun| run.status == RunStatus::Succeeded;
    let last = runs.iter().find(succeeded);
    Health {
        last_success_at: last.map(|run| run.finished_at),
        as_of: last.and_then(|run| run.freshness.as_of),
        failures: runs.iter().take_while(|run| !succeeded(run)).count() as i64,
    }
}

/// The steps of the runs that are shown. A run never changes, so those that are known are not read again.
fn steps(
    store: &Store,
    before: &World,
    account: &str,
    runs: &[store::SyncRun],
) -> Result<Vec<SyncStepRow>, DaemonError> {
    let shown: HashSet<String> = runs.iter().map(|run| run.run_id.to_string()).collect();
    let known = before.sync_runs.iter().filter(|run| run.account == account);
    let read_up_to = known.filter_map(|run| run.run_id.parse::<i64>().ok()).max();
    let oldest_shown = runs.iter().map(|run| run.run_id).min().unwrap_or_default();
    let mut steps: Vec<SyncStepRow> = before
        .sync_steps
        .iter()
        .filter(|step| step.account == account && shown.contains(&step.run_id))
        .cloned()
        .collect();
    let after = read_up_to.unwrap_or(i64::MIN).max(oldest_shown.saturating_sub(1));
    let mut position = (0, 0);
    for (run_id, step) in store.sync_steps_after(account, after)? {
        position = (run_id, if position.0 == run_id { position.1 + 1 } else { 1 });
        steps.push(SyncStepRow {
            account: account.to_owned(),
            run_id: run_id.to_string(),
            step: position.1,
            source: step.name,
            part: step.part,
            as_of: step.as_of,
            status: step.status.as_str().to_owned(),
            error: step.error,
            statement: step.statement,
            query_id: step.query_id,
            rows: step.rows.and_then(|r| i64::try_from(r).ok()).unwrap_or(0),
            started_at: step.started_at,
            millis: (step.finished_at - step.started_at) / 1_000,
        });
    }
    Ok(steps)
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
