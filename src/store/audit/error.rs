//! What can go wrong with the query log: the disk, and the log itself.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::super::StoreError;
use super::line::AUDIT_VERSION;

/// The first place at which the log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The record.
    pub sequence: u64,
    /// What is wrong there.
    pub what: String,
    /// The file and the line, where there is one.
    pub place: Option<(String, u64)>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}: {}", self.sequence, self.what)?;
        match &self.place {
            Some((file, line)) => write!(f, " ({file}, line {line})"),
            None => Ok(()),
        }
    }
}

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Somebody changed it.
    #[error("the query log is not whole: {0}")]
    Broken(Finding),
    /// A newer grantd wrote it.
    #[error(
        "record {sequence} of the query log has version {found}; this grantd knows versions up to {}",
        AUDIT_VERSION
    )]
    Newer {
        /// The record.
        sequence: u64,
        /// Its version.
        found: u32,
    },
    /// The head cannot be read or kept.
    #[error(transparent)]
    Store(StoreError),
    /// There is none.
    #[error("{} has no query log", dir.display())]
    None {
        /// The data directory.
        dir: PathBuf,
    },
}

impl From<StoreError> for AuditError {
    fn from(error: StoreError) -> AuditError {
        match error {
            StoreError::Io { action, path, source } => AuditError::Io { action, path, source },
            other => AuditError::Store(other),
        }
    }
}

impl AuditError {
    /// For `map_err` on a file operation.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> AuditError {
        let path = path.into();
        move |source| AuditError::Io { action, path, source }
    }

    /// Whether the disk has no room left.
    pub fn is_full(&self) -> bool {
        match self {
            AuditError::Io { source, .. } => {
                matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
                )
            }
            AuditError::Store(error) => error.sqlstate() == "53100",
            _ => false,
        }
    }

    /// The next step, where there is one to name.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            AuditError::Io { .. } => "check that the data_dir is there, readable and writable and has space left",
            AuditError::Broken(_) => {
                "keep a copy of the data directory for whoever looks into it; grantd audit reset begins a new log"
            }
            AuditError::Newer { .. } => "use the newer grantd, or restore the backup made before it ran",
            AuditError::None { .. } => "grantd serve begins one; check the path",
            AuditError::Store(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}
