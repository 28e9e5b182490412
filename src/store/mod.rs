//! What must survive a restart: accounts, sync runs, snapshots, baselines and changesets.
//!
//! A data directory holds
//! - `grantd.db`: SQLite (WAL, `synchronous = FULL`), every row of state; the tables are in `schema/`;
//! - `snapshots/<sha256>.snap`: immutable segments, named by their content, opaque to the store; any object store can hold
//!   them instead of the folder;
//! - `lock`: held by the one process that has the directory open; `backup.lock`: held while a copy is made.
//!
//! INVARIANT: a row that names a snapshot file is committed only after the file and its directory entry are on disk.
//! A crash at any point therefore leaves the previous state, and at worst a file without a row, which the next
//! [`Store::open`] removes.
//!
//! Calls block on the disk: from async code go through `spawn_blocking`.

mod accounts;
pub mod audit;
mod backup;
mod changesets;
mod error;
mod lock;
mod migrate;
#[macro_use]
mod rows;
mod runs;
mod segments;
mod snapshots;
mod sql;
mod users;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::object_store::ObjectStore;
use rusqlite::Connection;

pub use backup::{Copied, backup, restore};
pub use error::StoreError;
pub use migrate::STORE_VERSION;
pub use rows::{
    AccountRow, AccountSource, Baseline, ChangeRow, Changeset, ChangesetStatus, ChangesetStep, CoverageRow, Freshness,
    Manifest, Micros, NewChangeset, PruneReport, RunRow, RunStatus, SnapshotId, StepRow, StepStatus, SyncRun,
};

pub use users::{NewSecret, SecretKind, SecretRow, UserRow};

use lock::DirLock;
use segments::Segments;

/// The file name of the database inside a data directory.
pub const DATABASE_FILE: &str = "grantd.db";

/// One open data directory. Share it with `Arc`; every method takes `&self`.
#[derive(Debug)]
pub struct Store {
    database: Mutex<Connection>,
    segments: Segments,
    /// Held while a snapshot is committed or pruned, so that no file goes while a new row is about to name it.
    file_changes: Mutex<()>,
    dir: PathBuf,
    // Fields drop in this order: the connection above is closed before the lock is released and the directory removed.
    _lock: DirLock,
    _temporary: Option<TemporaryDir>,
}

impl Store {
    /// Opens the store in `dir`, creating what is missing and migrating an older version.
    ///
    /// Fails when another process has it open, when it was written by a newer grantd, or when the database is not a
    /// grantd store.
    pub fn open(dir: impl AsRef<Path>) -> Result<Store, StoreError> {
        Store::open_in(dir.as_ref(), None, None)
    }

    /// As [`Store::open`], with the segments in an object store whose `put` is durable when it returns.
    pub fn open_with(dir: impl AsRef<Path>, segments: Arc<dyn ObjectStore>) -> Result<Store, StoreError> {
        Store::open_in(dir.as_ref(), Some(segments), None)
    }

    /// A store that lives as long as the value: in a private temporary directory, removed when it is dropped.
    pub fn in_memory() -> Result<Store, StoreError> {
        let temporary = TemporaryDir::create()?;
        let dir = temporary.0.clone();
        Store::open_in(&dir, None, Some(temporary))
    }

    fn open_in(
        dir: &Path,
        remote: Option<Arc<dyn ObjectStore>>,
        temporary: Option<TemporaryDir>,
    ) -> Result<Store, StoreError> {
        segments::create_private_dir(dir)?;
        let lock = DirLock::acquire(dir)?;
        let database = migrate::open(&dir.join(DATABASE_FILE))?;
        segments::sync_dir(dir)?;
        let segments = match remote {
            Some(store) => Segments::remote(store),
            None => Segments::local(dir)?,
        };
        let store = Store {
            database: Mutex::new(database),
            segments,
            file_changes: Mutex::new(()),
            dir: dir.to_path_buf(),
            _lock: lock,
            _temporary: temporary,
        };
        store.sweep()?;
        Ok(store)
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The connection; a transaction of a thread that panicked was rolled back when its guard dropped.
    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A directory that is removed when dropped.
#[derive(Debug)]
struct TemporaryDir(PathBuf);

impl TemporaryDir {
    fn create() -> Result<Self, StoreError> {
        let dir = std::env::temp_dir().join(format!("grantd-{}", uuid::Uuid::new_v4().simple()));
        segments::create_private_dir(&dir)?;
        Ok(TemporaryDir(dir))
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(dir = %self.0.display(), %error, "the temporary store could not be removed");
        }
    }
}
