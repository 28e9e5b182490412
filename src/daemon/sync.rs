//! Runs of one account: what is due, what is kept, what is refused.

use super::{Connector, Daemon, DaemonError, Report, SyncSettings, blocking, no_account, now, report, step_row};
use crate::store::{AccountSource, Freshness, RunRow, SnapshotId, StepStatus, Store};
use crate::sync::plan::estimate::{Budget, KnownRows, Plan};
use crate::sync::run::SHOW_LIMIT;
use crate::sync::shrink::Counts;
use crate::sync::source::{Group, Silent};
use crate::sync::{Before, Extent, Progress, RunError, RunOptions, RunOutcome, SourceKind, plan, run};
use grantd_catalog::account::Micros;
use grantd_catalog::snapshot::Snapshot;
use std::sync::Arc;
use std::time::Duration;

/// What a run is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncRequest {
    /// How much is read; `None` is what is due: an incremental run, or a full one when that is too long ago.
    pub extent: Option<Extent>,
    /// Whether a loss that the shrink guard refuses is accepted.
    pub force_shrink: bool,
    /// Instead of the account's own budget.
    pub budget: Option<Budget>,
}

impl SyncRequest {
    /// Everything, now.
    pub fn full() -> Self {
        Self { extent: Some(Extent::Full), ..Self::default() }
    }

    /// Whether something changed.
    pub fn check() -> Self {
        Self { extent: Some(Extent::Check), ..Self::default() }
    }
}

/// What a run would send, and what it may.
#[derive(Clone, Debug)]
pub struct Planned {
    /// How much would be read.
    pub extent: Extent,
    /// The statements.
    pub plan: Plan,
    /// What the run may send and cost.
    pub budget: Budget,
}

/// What is known before a run.
struct Known {
    freshness: Freshness,
    extent: Extent,
    future_grants: bool,
    rows: KnownRows,
}

impl Daemon {
    /// Syncs one account now: all of it, or nothing changes.
    pub async fn sync(
        &self,
        account: &str,
        source: AccountSource,
        progress: &dyn Progress,
    ) -> Result<Report, DaemonError> {
        self.sync_with(account, source, SyncRequest::full(), progress).await
    }

    /// Syncs one account as asked. Waits for a run of the same account that is under way.
    pub async fn sync_with(
        &self,
        account: &str,
        source: AccountSource,
        request: SyncRequest,
        progress: &dyn Progress,
    ) -> Result<Report, DaemonError> {
        let result = self.run_and_commit(account, source, request, progress).await;
        self.count_run(account, &result);
        result
    }

    async fn run_and_commit(
        &self,
        account: &str,
        source: AccountSource,
        request: SyncRequest,
        progress: &dyn Progress,
    ) -> Result<Report, DaemonError> {
        let connector = self.connector(account)?;
        let settings = connector.settings();
        let _turn = self.turn(account).await;
        let started_at = self.clock.now();
        self.put_account(account, source, started_at).await?;
        let known = self.known(account, request.extent, &settings, started_at).await?;
        let before = self.world().account(account).map(|view| (Arc::clone(&view.snapshot), view.snapshot_id));
        let options = self.options(&known, before.as_ref().map(|(s, _)| s), &settings, request.budget);
        let outcome = match connector.open() {
            Ok(source) => run(source.as_ref(), account, &options, progress).await,
            Err(error) => Err(RunError::Statement { statement: "connect".to_owned(), error: Box::new(error) }),
        };
        let mut row = RunRow {
            kind: known.extent.as_str().to_owned(),
            source: Some(source.as_str().to_owned()),
            started_at,
            freshness: known.freshness,
            ..RunRow::default()
        };
        let failed = match outcome {
            Ok(outcome) => match self.take(account, &mut row, outcome, before, request, &settings).await? {
                Ok(report) => return Ok(report),
                Err(error) => error,
            },
            Err(error) => error,
        };
        let row = RunRow { freshness: Freshness::default(), finished_at: now(), coverage: Vec::new(), ..row };
        self.record_failure(account, row, failed.to_string()).await?;
        Err(DaemonError::Sync { account: account.to_owned(), error: Box::new(failed) })
    }

    /// What a run of an account would send. With `look`, the SHOW commands are sent to estimate an account that is not
    /// known yet; nothing else is.
    pub async fn plan(&self, account: &str, request: SyncRequest, look: bool) -> Result<Planned, DaemonError> {
        let connector = self.connector(account)?;
        let settings = connector.settings();
        let mut known = self.known(account, request.extent, &settings, self.clock.now()).await?;
        if look {
            let failed = |error: RunError| DaemonError::Sync { account: account.to_owned(), error: Box::new(error) };
            let opened = connector
                .open()
                .map_err(|e| failed(RunError::Statement { statement: "connect".to_owned(), error: Box::new(e) }))?;
            let mut result = Ok(());
            for statement in plan::shows() {
                match opened.read(&statement, &Silent).await {
                    Ok(table) if table.len() < SHOW_LIMIT => known.rows.note(statement.name, table.len() as u64),
                    Ok(_) => {}
                    Err(error) if error.is_absent() => {}
                    Err(error) => {
                        result = Err(failed(RunError::Statement { statement: statement.name, error: Box::new(error) }));
                        break;
                    }
                }
            }
            opened.close().await;
            result?;
            known.rows.guess_views();
        }
        let snapshot = self.world().account(account).map(|view| Arc::clone(&view.snapshot));
        let options = self.options(&known, snapshot.as_ref(), &settings, request.budget);
        let since = options.before.as_ref().map(|b| b.grants_since).filter(|_| known.extent == Extent::Incremental);
        Ok(Planned {
            extent: known.extent,
            plan: Plan::new(known.extent, since, snapshot.as_deref(), known.future_grants, &known.rows),
            budget: options.budget,
        })
    }

    fn connector(&self, account: &str) -> Result<&Arc<dyn Connector>, DaemonError> {
        self.connectors.get(account).ok_or_else(|| {
            let world = self.world();
            match world.account(account) {
                Some(_) => DaemonError::NoConnection(account.to_owned()),
                None => no_account(&world, account),
            }
        })
    }

    async fn known(
        &self,
        account: &str,
        wanted: Option<Extent>,
        settings: &SyncSettings,
        at: Micros,
    ) -> Result<Known, DaemonError> {
        let (store, name) = (Arc::clone(&self.store), account.to_owned());
        // A check leaves the jump to the next run that reads grants.
        let jumped = wanted != Some(Extent::Check) && self.clock.jumped(account);
        if jumped {
            tracing::warn!(account, "the clock of this machine jumped; everything is read again");
        }
        let (full_every, future_every) = (settings.full_interval, settings.future_grants_interval);
        blocking(move || {
            let last = store.last_succeeded(&name, None)?;
            let freshness = last.map(|run| run.freshness).unwrap_or_default();
            // What was read in the future was read by a clock that was wrong.
            let due =
                |last: Option<Micros>, every: Duration| last.is_none_or(|last| at >= later(last, every) || at < last);
            let unknown = freshness.grants_at.is_none_or(|read| at < read);
            let extent = match wanted {
                // Without a reading of all grants there is nothing to go on from.
                _ if unknown => Extent::Full,
                Some(extent) => extent,
                None if jumped || due(freshness.full_at, full_every) => Extent::Full,
                None => Extent::Incremental,
            };
            let future_grants = match extent {
                Extent::Full => true,
                Extent::Incremental => due(freshness.future_at, future_every),
                Extent::Check => false,
            };
            Ok::<_, DaemonError>(Known { freshness, extent, future_grants, rows: rows_of(&store, &name, extent)? })
        })
        .await?
    }

    fn options(
        &self,
        known: &Known,
        snapshot: Option<&Arc<Snapshot>>,
        settings: &SyncSettings,
        budget: Option<Budget>,
    ) -> RunOptions {
        let before = snapshot.zip(known.freshness.grants_at).map(|(snapshot, grants_at)| Before {
            snapshot: Arc::clone(snapshot),
            grants_since: earlier(grants_at, settings.overlap),
        });
        RunOptions {
            deadline: settings.run_timeout,
            extent: known.extent,
            future_grants: known.future_grants,
            repair_limit: settings.repair_limit,
            budget: budget.unwrap_or(settings.budget),
            known: known.rows.clone(),
            before,
            ..RunOptions::default()
        }
    }

    /// Takes what a run brought, or says why not. The outer error is grantd's own.
    async fn take(
        &self,
        account: &str,
        row: &mut RunRow,
        outcome: RunOutcome,
        before: Option<(Arc<Snapshot>, i64)>,
        request: SyncRequest,
        settings: &SyncSettings,
    ) -> Result<Result<Report, RunError>, DaemonError> {
        outcome.extent.as_str().clone_into(&mut row.kind);
        row.steps = outcome.steps.iter().map(step_row).collect();
        row.freshness = freshness(row, &outcome);
        let taken_at = now();
        let (mut coverage, mut frozen) = (Vec::new(), None);
        if let Some(assembled) = outcome.assembled {
            coverage = assembled.coverage;
            frozen = Some(blocking(move || Snapshot::freeze(&assembled.account, taken_at)).await?);
        }
        if outcome.extent == Extent::Check
            && let Some((known, id)) = &before
        {
            match frozen {
                Some(snapshot) if !known.same_state(&snapshot) => {
                    "repair".clone_into(&mut row.kind);
                    // What the views could not see is as it was.
                    let (store, name) = (Arc::clone(&self.store), account.to_owned());
                    row.coverage = blocking(move || store.coverage(&name)).await??;
                    frozen = Some(snapshot);
                }
                _ => return self.confirm(account, row, SnapshotId(*id)).await.map(Ok),
            }
        }
        let Some(snapshot) = frozen else {
            return Err(DaemonError::Internal("a run without a state".to_owned()));
        };
        if let Some((known, _)) = before.filter(|_| !request.force_shrink)
            && let Err(shrunk) = settings.shrink.check(Counts::of(&known), Counts::of(&snapshot))
        {
            row.coverage.clear();
            return Ok(Err(RunError::Shrunk(shrunk)));
        }
        self.commit(account, row.clone(), snapshot, &coverage).await.map(Ok)
    }

    /// Records a check that found nothing new.
    async fn confirm(&self, account: &str, row: &mut RunRow, snapshot: SnapshotId) -> Result<Report, DaemonError> {
        self.complete(row, &[]);
        row.taken_at = row.started_at;
        let mut report = report(account, row, &[], false);
        report.snapshot = snapshot;
        let (store, name, row) = (Arc::clone(&self.store), account.to_owned(), row.clone());
        let _writing = self.writer.lock().await;
        blocking(move || store.record_check(&name, &row, snapshot)).await??;
        self.reload().await?;
        Ok(report)
    }
}

/// How fresh a snapshot is, from how fresh the one before was and from what was read.
fn freshness(row: &RunRow, outcome: &RunOutcome) -> Freshness {
    let old = row.freshness;
    if outcome.extent == Extent::Check {
        return old;
    }
    let name = SourceKind::GrantsToRoles.name();
    let grants = outcome.steps.iter().filter(|s| s.name == name).map(|s| s.started.timestamp_micros());
    let future_at = if outcome.future_grants { Some(row.started_at) } else { old.future_at };
    // What could not be read is in the coverage, whatever its age; a second look makes nothing older.
    let read = outcome.steps.iter().filter(|s| s.refused.is_none() && s.group != Group::Repair).map(|s| s.as_of);
    Freshness {
        as_of: read.chain(future_at).min(),
        grants_at: grants.min().or(old.grants_at),
        full_at: if outcome.extent == Extent::Full { Some(row.started_at) } else { old.full_at },
        future_at,
    }
}

/// Rows that the statements of such a run gave the last time.
fn rows_of(store: &Store, account: &str, extent: Extent) -> Result<KnownRows, DaemonError> {
    let mut rows = KnownRows::default();
    let kinds: &[&str] = match extent {
        Extent::Full => &["full"],
        // What changes in one interval is the best guess for the next.
        Extent::Incremental => &["full", "incremental"],
        Extent::Check => &["full", "check"],
    };
    for kind in kinds {
        let Some(run) = store.last_succeeded(account, Some(kind))? else { continue };
        for step in store.sync_steps(run.run_id)?.into_iter().filter(|s| s.status == StepStatus::Succeeded) {
            let changes_only = extent == Extent::Incremental && *kind == "full";
            if !(changes_only && step.name == SourceKind::GrantsToRoles.name()) {
                rows.note(step.name, step.rows.unwrap_or_default());
            }
        }
    }
    Ok(rows)
}

fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

fn later(at: Micros, by: Duration) -> Micros {
    at.saturating_add(micros(by))
}

fn earlier(at: Micros, by: Duration) -> Micros {
    at.saturating_sub(micros(by))
}
