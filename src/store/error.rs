//! [`StoreError`]: what can go wrong with a data directory, and what to do about it.

use std::path::PathBuf;

use super::rows::{ChangesetStatus, SnapshotId};

/// Why the store could not do what was asked. The previous state is still there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the data directory open.
    #[error("the data directory {} is in use by another grantd{}", dir.display(), holder(*pid))]
    Locked {
        /// The data directory.
        dir: PathBuf,
        /// The process that holds it, when it could be read.
        pid: Option<u32>,
    },
    /// The store was written by a newer grantd.
    #[error("{} has store version {found}; this grantd knows versions up to {supported}", file.display())]
    Newer {
        /// The database file.
        file: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version this program can open.
        supported: i64,
    },
    /// The database file belongs to another program.
    #[error("{} is not a grantd store", file.display())]
    Foreign {
        /// The database file.
        file: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("cannot {action} in the store: {source}")]
    Database {
        /// What was attempted, as a verb with its object.
        action: &'static str,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// A snapshot file is missing or is not what was written.
    #[error("snapshot {snapshot} of account {account:?} is damaged: {detail} ({})", file.display())]
    Damaged {
        /// The account.
        account: String,
        /// Which snapshot.
        snapshot: SnapshotId,
        /// Its file.
        file: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// No such account.
    #[error("account {account:?} is not known")]
    NoAccount {
        /// The name asked for.
        account: String,
    },
    /// The account exists and belongs to another platform.
    #[error("account {account:?} is a {existing} account; it cannot become a {wanted} account")]
    OtherPlatform {
        /// The account.
        account: String,
        /// Its platform.
        existing: String,
        /// The platform asked for.
        wanted: String,
    },
    /// No such snapshot of that account.
    #[error("account {account:?} has no snapshot {snapshot}")]
    NoSnapshot {
        /// The account.
        account: String,
        /// The snapshot asked for.
        snapshot: SnapshotId,
    },
    /// The snapshot existed; its file was pruned.
    #[error("snapshot {snapshot} of account {account:?} was pruned")]
    Pruned {
        /// The account.
        account: String,
        /// The snapshot asked for.
        snapshot: SnapshotId,
    },
    /// No such changeset.
    #[error("changeset {id:?} does not exist")]
    NoChangeset {
        /// The id asked for.
        id: String,
    },
    /// A changeset cannot go from one status to the other.
    #[error("changeset {id} is {from}: it cannot become {to}")]
    Transition {
        /// The changeset.
        id: String,
        /// Its status.
        from: ChangesetStatus,
        /// The status asked for.
        to: ChangesetStatus,
    },
    /// A place for a copy that has something in it.
    #[error("{} is not empty", dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// Nothing to copy.
    #[error("{} is no data directory of grantd: it has no {}", dir.display(), super::DATABASE_FILE)]
    NoStore {
        /// The directory.
        dir: PathBuf,
    },
    /// A copy is not whole.
    #[error("the store in {} cannot be copied: {detail}", dir.display())]
    Unsound {
        /// The directory that is copied.
        dir: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A value the caller gave cannot be stored.
    #[error("{what} cannot be stored: {detail}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// Why not.
        detail: String,
    },
}

impl StoreError {
    /// The SQLSTATE that a client sees.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            StoreError::Locked { .. } => "55006",
            StoreError::Newer { .. }
            | StoreError::Foreign { .. }
            | StoreError::OtherPlatform { .. }
            | StoreError::NotEmpty { .. }
            | StoreError::NoStore { .. }
            | StoreError::Transition { .. } => "55000",
            StoreError::Io { .. } => "58030",
            StoreError::Database { source, .. } if is_full(source) => "53100",
            StoreError::Database { .. } => "58000",
            StoreError::Damaged { .. } | StoreError::Unsound { .. } => "XX001",
            StoreError::NoAccount { .. }
            | StoreError::NoSnapshot { .. }
            | StoreError::Pruned { .. }
            | StoreError::NoChangeset { .. } => "02000",
            StoreError::Invalid { .. } => "22023",
        }
    }

    /// The next step, where there is one to name.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            StoreError::Locked { .. } => "ask the running grantd over its port, stop it, or choose another data_dir",
            StoreError::Newer { .. } => "use the newer grantd, or restore the backup made before it ran",
            StoreError::Foreign { .. } => "choose an empty data_dir",
            StoreError::Io { .. } => "check that the data_dir exists, is writable and has space left",
            StoreError::Database { source, .. } if is_full(source) => "make room on the disk of the data_dir",
            StoreError::Damaged { .. } => "sync or import the account again, or restore the file from a backup",
            StoreError::NotEmpty { .. } => "name a directory that does not exist yet, or an empty one",
            StoreError::NoStore { .. } => "check the path; a data directory holds grantd.db and snapshots",
            StoreError::Unsound { .. } => "sync or import the account that is named again, then copy again",
            StoreError::NoAccount { .. } => "SELECT account FROM accounts shows the known ones",
            StoreError::NoChangeset { .. } => "SELECT changeset, title, status FROM changesets shows the known ones",
            StoreError::OtherPlatform { .. } => "give the new account another name",
            StoreError::Transition { from, .. } => {
                let next: Vec<_> = from.next().iter().map(|status| status.as_str()).collect();
                return Some(if next.is_empty() {
                    format!("{from} is final; propose a new changeset")
                } else {
                    format!("from {from} it can become {}", next.join(", "))
                });
            }
            StoreError::Database { .. }
            | StoreError::NoSnapshot { .. }
            | StoreError::Pruned { .. }
            | StoreError::Invalid { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// For `map_err` on a file operation.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> StoreError {
        let path = path.into();
        move |source| StoreError::Io { action, path, source }
    }

    /// For `map_err` on a database operation.
    pub(super) fn database(action: &'static str) -> impl Fn(rusqlite::Error) -> StoreError + Copy {
        move |source| StoreError::Database { action, source }
    }
}

fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}
