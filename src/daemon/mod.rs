//! The daemon itself: what is known now (the world), what changes it (sync, import, calls), and who may ask.
//!
//! One writer at a time: a change is made durable in the store first and swapped in whole after that, so readers see
//! the state before or the state after, and a failure leaves the state before.

mod backend;
mod calls;
mod load;
pub mod scheduler;
pub mod snowflake;
mod time;

pub use backend::DaemonBackend;
pub use time::now;

use crate::store::{
    AccountRow, AccountSource, CoverageRow, RunRow, SnapshotId, StepRow, StepStatus, Store, StoreError,
};
use crate::sync::files::{ImportError, read_exports};
use crate::sync::{AssembleError, Assembled, Progress, RunError, RunOptions, Source, SourceError, assemble, run};
use grantd_catalog::account::Micros;
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::tables::World;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Opens connections to one account.
pub trait Connector: Send + Sync {
    /// A source to read the account from; nothing is sent yet.
    fn open(&self) -> Result<Box<dyn Source>, SourceError>;
}

/// Why the daemon could not do what was asked. The state is as before.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored snapshot cannot be read.
    #[error("snapshot {id} of account {account:?}: {error}")]
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
}

/// The daemon.
pub struct Daemon {
    store: Arc<Store>,
    world: RwLock<Arc<World>>,
    connectors: HashMap<String, Arc<dyn Connector>>,
    writer: tokio::sync::Mutex<()>,
}

impl Daemon {
    /// Opens what the store holds. `connectors` are the accounts that can be synced, by name.
    pub fn open(store: Arc<Store>, connectors: HashMap<String, Arc<dyn Connector>>) -> Result<Self, DaemonError> {
        let world = load::world(&store, &World::default())?;
        Ok(Self { store, world: RwLock::new(Arc::new(world)), connectors, writer: tokio::sync::Mutex::new(()) })
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

    /// Syncs one account now: all of it, or nothing changes.
    pub async fn sync(
        &self,
        account: &str,
        source: AccountSource,
        progress: &dyn Progress,
    ) -> Result<Report, DaemonError> {
        let Some(connector) = self.connectors.get(account) else {
            let world = self.world();
            return Err(match world.account(account) {
                Some(_) => DaemonError::NoConnection(account.to_owned()),
                None => no_account(&world, account),
            });
        };
        let _turn = self.writer.lock().await;
        let started_at = now();
        self.put_account(account, source, started_at).await?;
        let outcome = match connector.open() {
            Ok(source) => run(source.as_ref(), account, RunOptions::default(), progress).await,
            Err(error) => Err(RunError::Statement { statement: "connect".to_owned(), error: Box::new(error) }),
        };
        match outcome {
            Ok(outcome) => {
                let steps = outcome.steps.iter().map(step_row).collect();
                self.commit(account, "sync", started_at, outcome.assembled, steps).await
            }
            Err(error) => {
                let row = RunRow { kind: "sync".to_owned(), started_at, finished_at: now(), ..RunRow::default() };
                self.record_failure(account, row, error.to_string()).await?;
                Err(DaemonError::Sync { account: account.to_owned(), error: Box::new(error) })
            }
        }
    }

    /// Reads exports from a folder: all of it, or nothing changes.
    pub async fn import(&self, account: &str, dir: &Path) -> Result<Report, DaemonError> {
        let _turn = self.writer.lock().await;
        let started_at = now();
        let (name, folder) = (account.to_owned(), dir.to_owned());
        let read = blocking(move || {
            let exports = read_exports(&folder)?;
            let steps: Vec<StepRow> = exports
                .tables
                .iter()
                .map(|t| StepRow {
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
                self.commit(account, "import", started_at, assembled, steps).await
            }
            Err(error) => {
                // A failure is recorded where the account is known; it makes no account.
                if self.world().account(account).is_some() {
                    let row = RunRow { kind: "import".to_owned(), started_at, finished_at: now(), ..RunRow::default() };
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

    async fn commit(
        &self,
        account: &str,
        kind: &str,
        started_at: Micros,
        assembled: Assembled,
        steps: Vec<StepRow>,
    ) -> Result<Report, DaemonError> {
        let taken_at = now();
        let rows: u64 = steps.iter().filter_map(|s| s.rows).sum();
        let statements = steps.len();
        let coverage: Vec<CoverageRow> = assembled.coverage.iter().map(coverage_row).collect();
        let findings = assembled.coverage.iter().filter(|row| row.status != crate::sync::CoverageStatus::Read).count();
        let run = RunRow {
            kind: kind.to_owned(),
            started_at,
            finished_at: taken_at,
            taken_at,
            rows,
            statements: statements as u64,
            steps,
            coverage,
        };
        let (store, name) = (Arc::clone(&self.store), account.to_owned());
        let snapshot = blocking(move || {
            let bytes = Snapshot::freeze(&assembled.account, taken_at).encode();
            store.commit_snapshot(&name, &bytes, &run)
        })
        .await??;
        self.reload().await?;
        Ok(Report { account: account.to_owned(), snapshot, statements, rows, findings })
    }

    async fn record_failure(&self, account: &str, run: RunRow, error: String) -> Result<(), DaemonError> {
        let (store, name) = (Arc::clone(&self.store), account.to_owned());
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
        name: step.name.clone(),
        started_at,
        finished_at: started_at.saturating_add(i64::try_from(step.millis).unwrap_or(0).saturating_mul(1_000)),
        status: if step.refused.is_some() { StepStatus::Skipped } else { StepStatus::Succeeded },
        rows: Some(step.rows),
        query_id: Some(step.query_id.clone()).filter(|id| !id.is_empty()),
        error: step.refused.clone(),
    }
}

fn coverage_row(row: &crate::sync::CoverageRow) -> CoverageRow {
    CoverageRow {
        source: row.source.clone(),
        object: None,
        reason: row.status.as_str().to_owned(),
        detail: Some(row.detail.clone()).filter(|d| !d.is_empty()),
        affects: None,
    }
}

/// Runs work that blocks on the disk or computes for long on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DaemonError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| DaemonError::Internal(error.to_string()))
}
