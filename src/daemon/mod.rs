//! The daemon itself: what is known now (the world), what changes it (sync, import, calls), and who may ask.
//!
//! One writer at a time: a change is made durable in the store first and swapped in whole after that, so readers see
//! the state before or the state after, and a failure leaves the state before.

pub mod audit;
mod backend;
mod calls;
mod clock;
mod counts;
mod load;
pub mod scheduler;
mod settings;
pub mod snowflake;
mod sync;
mod time;
mod user_calls;
mod user_relations;
pub mod users;

pub use backend::DaemonBackend;
pub use clock::Clock;
pub use counts::SyncCounts;
pub use settings::SyncSettings;
pub use sync::{Planned, SyncRequest};
pub use time::{now, rfc3339};
pub use user_calls::GRACE;
pub use user_relations::relations;

use crate::store::{
    AccountRow, AccountSource, CoverageRow, RunRow, SnapshotId, StepRow, StepStatus, Store, StoreError,
};
use crate::sync::files::{ImportError, read_exports};
use crate::sync::{AssembleError, CoverageStatus, RunError, Source, SourceError, assemble};
use grantd_catalog::account::Micros;
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::tables::World;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Opens connections to one account.
pub trait Connector: Send + Sync {
    /// A source to read the account from; nothing is sent yet.
    fn open(&self) -> Result<Box<dyn Source>, SourceError>;

    /// How the account is synced.
    fn settings(&self) -> SyncSettings {
        SyncSettings::default()
    }
}

/// Why the daemon could not do what was asked. The state is as before.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored snapshot cannot be read, or a new one not be written.
    #[error("snapshot {}of account {account:?}: {error}", numbered(*id))]
    Snapshot {
        /// The account.
        account: String,
        /// The snapshot.
        id: SnapshotId,
        /// What is wrong with it.
        error: grantd_catalog::snapshot::CodecError,
    },
    /// A sync run failed.
    #[error("sync of account {account:?} failed: {error}")]
    Sync {
        /// The account.
        account: String,
        /// Why.
        error: Box<RunError>,
    },
    /// Exports cannot be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Exports do not make an account.
    #[error("{}: {error}", dir.display())]
    Assemble {
        /// The folder.
        dir: PathBuf,
        /// Why.
        error: AssembleError,
    },
    /// There is no such account.
    #[error("account {0:?} does not exist{1}")]
    NoAccount(String, String),
    /// The account has no login to sync with.
    #[error("account {0:?} has no connection: it was imported; import it again to bring it up to date")]
    NoConnection(String),
    /// A worker thread ended early.
    #[error("internal error: {0}")]
    Internal(String),
}

/// A snapshot that is not stored yet has no number.
fn numbered(id: SnapshotId) -> String {
    if id.0 == 0 { String::new() } else { format!("{id} ") }
}

/// What a sync or import brought.
#[derive(Clone, Debug)]
pub struct Report {
    /// The account.
    pub account: String,
    /// The snapshot that was made.
    pub snapshot: SnapshotId,
    /// Statements sent or files read.
    pub statements: usize,
    /// Rows read.
    pub rows: u64,
    /// Findings other than "read whole".
    pub findings: usize,
    /// Whether there is a new snapshot; a check that finds nothing new makes none.
    pub changed: bool,
    /// `full`, `incremental`, `check`, `repair` or `import`.
    pub kind: String,
}

/// The daemon.
pub struct Daemon {
    store: Arc<Store>,
    world: RwLock<Arc<World>>,
    connectors: HashMap<String, Arc<dyn Connector>>,
    /// Held while something is written and swapped in; never while the platform is waited for.
    writer: tokio::sync::Mutex<()>,
    /// One per account, held for a whole run: never two runs of one account at once.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    runs: counts::Runs,
    clock: Clock,
}

impl Daemon {
    /// Opens what the store holds. `connectors` are the accounts that can be synced, by name.
    pub fn open(store: Arc<Store>, connectors: HashMap<String, Arc<dyn Connector>>) -> Result<Self, DaemonError> {
        let world = load::world(&store, &World::default())?;
        Ok(Self {
            store,
            world: RwLock::new(Arc::new(world)),
            connectors,
            writer: tokio::sync::Mutex::new(()),
            turns: Mutex::default(),
            runs: counts::Runs::default(),
            clock: Clock::default(),
        })
    }

    /// With another clock than the system's, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What is known now.
    pub fn world(&self) -> Arc<World> {
        Arc::clone(&self.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The names of the accounts that can be synced.
    pub fn connected(&self) -> impl Iterator<Item = &str> {
        self.connectors.keys().map(String::as_str)
    }

    /// Reads what the store holds anew and swaps it in.
    async fn reload(&self) -> Result<(), DaemonError> {
        let (store, before) = (Arc::clone(&self.store), self.world());
        let world = blocking(move || load::world(&store, &before)).await??;
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(world);
        Ok(())
    }

    /// The account's turn: its next run starts when this one is dropped.
    async fn turn(&self, account: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(account.to_owned()).or_default())
        };
        turn.lock_owned().await
    }

    /// Reads exports from a folder: all of it, or nothing changes.
    pub async fn import(&self, account: &str, dir: &Path) -> Result<Report, DaemonError> {
        let result = self.read_and_commit(account, dir).await;
        self.count_run(account, &result);
        result
    }

    async fn read_and_commit(&self, account: &str, dir: &Path) -> Result<Report, DaemonError> {
        let _turn = self.turn(account).await;
        let started_at = now();
        let (name, folder) = (account.to_owned(), dir.to_owned());
        let read = blocking(move || {
            let exports = read_exports(&folder)?;
            let steps: Vec<StepRow> = exports
                .tables
                .iter()
                .map(|t| StepRow {
                    part: None,
                    statement: None,
                    as_of: None,
                    name: t.kind().name().to_owned(),
                    started_at,
                    finished_at: now(),
                    status: StepStatus::Succeeded,
                    rows: Some(t.len() as u64),
                    query_id: None,
                    error: None,
                })
                .collect();
            let mut assembled = assemble(&name, &exports.tables)
                .map_err(|error| DaemonError::Assemble { dir: folder.clone(), error })?;
            assembled.coverage.extend(exports.notices);
            Ok::<_, DaemonError>((assembled, steps))
        })
        .await?;
        match read {
            Ok((assembled, steps)) => {
                self.put_account(account, AccountSource::Import, started_at).await?;
                let run = RunRow {
                    kind: "import".to_owned(),
                    source: Some(AccountSource::Import.as_str().to_owned()),
                    started_at,
                    steps,
                    ..RunRow::default()
                };
                let taken_at = now();
                let coverage = assembled.coverage.clone();
                let snapshot = blocking(move || Snapshot::freeze(&assembled.account, taken_at)).await?;
                self.commit(account, run, snapshot, &coverage).await
            }
            Err(error) => {
                // A failure is recorded where the account is known; it makes no account.
                if self.world().account(account).is_some() {
                    let row = RunRow {
                        kind: "import".to_owned(),
                        source: Some(AccountSource::Import.as_str().to_owned()),
                        started_at,
                        finished_at: now(),
                        ..RunRow::default()
                    };
                    self.record_failure(account, row, error.to_string()).await?;
                }
                Err(error)
            }
        }
    }

    async fn put_account(&self, account: &str, source: AccountSource, at: Micros) -> Result<(), DaemonError> {
        let store = Arc::clone(&self.store);
        let row = AccountRow { name: account.to_owned(), platform: "snowflake".to_owned(), source, created_at: at };
        Ok(blocking(move || store.put_account(&row)).await??)
    }

    /// Makes a snapshot durable with its run, and swaps it in. `run` has everything but its end and its counts.
    async fn commit(
        &self,
        account: &str,
        mut run: RunRow,
        snapshot: Snapshot,
        coverage: &[crate::sync::CoverageRow],
    ) -> Result<Report, DaemonError> {
        let found = coverage.iter().filter(|row| row.status != CoverageStatus::Read);
        run.coverage.extend(found.map(|row| coverage_row(row, &snapshot)));
        self.complete(&mut run, coverage);
        run.taken_at = snapshot.taken_at();
        let mut report = report(account, &run, coverage, true);
        let (store, name) = (Arc::clone(&self.store), account.to_owned());
        let _writing = self.writer.lock().await;
        report.snapshot = blocking(move || {
            let bytes = snapshot.encode().map_err(|error| DaemonError::Snapshot {
                account: name.clone(),
                id: SnapshotId(0),
                error,
            })?;
            Ok::<_, DaemonError>(store.commit_snapshot(&name, &bytes, &run)?)
        })
        .await??;
        self.reload().await?;
        Ok(report)
    }

    fn complete(&self, run: &mut RunRow, coverage: &[crate::sync::CoverageRow]) {
        let lag = coverage.iter().filter(|row| row.status == CoverageStatus::Lag);
        run.dangling = lag.map(|row| row.rows).sum();
        run.rows = run.steps.iter().filter_map(|s| s.rows).sum();
        run.statements = run.steps.len() as u64;
        run.finished_at = now();
    }

    async fn record_failure(&self, account: &str, run: RunRow, error: String) -> Result<(), DaemonError> {
        let (store, name) = (Arc::clone(&self.store), account.to_owned());
        let _writing = self.writer.lock().await;
        blocking(move || store.record_failed_run(&name, &run, &error)).await??;
        self.reload().await
    }
}

/// The error for an account that is not there, with the nearest name.
fn no_account(world: &World, name: &str) -> DaemonError {
    let hint = world.nearest_account(name);
    DaemonError::NoAccount(name.to_owned(), hint.map(|h| format!("; did you mean {h:?}?")).unwrap_or_default())
}

fn step_row(step: &crate::sync::Step) -> StepRow {
    let started_at = step.started.timestamp_micros();
    StepRow {
        part: Some(step.group.letter().to_owned()),
        statement: Some(step.statement.clone()),
        as_of: Some(step.as_of),
        name: step.name.clone(),
        started_at,
        finished_at: started_at.saturating_add(i64::try_from(step.millis).unwrap_or(0).saturating_mul(1_000)),
        status: if step.refused.is_some() { StepStatus::Skipped } else { StepStatus::Succeeded },
        rows: Some(step.rows),
        query_id: Some(step.query_id.clone()).filter(|id| !id.is_empty()),
        error: step.refused.clone(),
    }
}

/// What a run brought, for those who asked for it.
fn report(account: &str, run: &RunRow, coverage: &[crate::sync::CoverageRow], changed: bool) -> Report {
    Report {
        account: account.to_owned(),
        snapshot: SnapshotId(0),
        statements: run.steps.len(),
        rows: run.rows,
        findings: coverage.iter().filter(|row| row.status != CoverageStatus::Read).count(),
        changed,
        kind: run.kind.clone(),
    }
}

fn coverage_row(row: &crate::sync::CoverageRow, snapshot: &Snapshot) -> CoverageRow {
    CoverageRow {
        source: row.source.clone(),
        object: row.database.as_ref().map(|d| d.shown().to_string()),
        reason: row.status.as_str().to_owned(),
        detail: Some(row.detail.clone()).filter(|d| !d.is_empty()),
        affects: row.affects(snapshot).map(str::to_owned),
    }
}

/// Runs work that blocks on the disk or computes for long on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DaemonError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| DaemonError::Internal(error.to_string()))
}
