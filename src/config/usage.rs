//! What clients may take of the machine: time, memory, disk, and how much they are answered.

use std::path::PathBuf;
use std::time::Duration;

/// The limits of the gateway. What clients may set for themselves can only be lowered by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a statement may run; `None` is without limit.
    pub statement_timeout: Option<Duration>,
    /// How long a session may do nothing.
    pub idle_session_timeout: Option<Duration>,
    /// How long a transaction may do nothing: it keeps an old snapshot.
    pub idle_in_transaction_session_timeout: Option<Duration>,
    /// How long a client may take no byte of what it is sent.
    pub write_timeout: Option<Duration>,
    /// Rows of one result.
    pub max_result_rows: Option<u64>,
    /// Bytes of one result, as they are sent.
    pub max_result_bytes: Option<u64>,
    /// Memory of all statements together, in bytes.
    pub query_memory: u64,
    /// Memory of one statement.
    pub statement_memory: u64,
    /// Memory of the whole process: beyond it statements get no more. `None` is four fifths of the machine's, or of what
    /// the process's control group may take.
    pub memory_limit: Option<u64>,
    /// Where statements sort what does not fit into memory; `None` is nowhere.
    pub spill: Option<Spill>,
}

/// Disk for what statements cannot keep in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spill {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes of all statements together.
    pub limit: u64,
    /// Bytes of one statement.
    pub statement_limit: u64,
}

impl Spill {
    /// In this folder, with the limits that are used unless others are written.
    pub fn to(folder: PathBuf) -> Self {
        Self { folder, limit: 8 << 30, statement_limit: 2 << 30 }
    }
}

impl Limits {
    /// As they are unless others are written, for somebody who is alone: without limits of time.
    pub fn untimed() -> Self {
        Self { statement_timeout: None, idle_in_transaction_session_timeout: None, ..Self::default() }
    }
}

impl Default for Limits {
    /// As they are unless others are written, without a place to spill to.
    fn default() -> Self {
        Self {
            statement_timeout: Some(Duration::from_mins(1)),
            idle_session_timeout: None,
            idle_in_transaction_session_timeout: Some(Duration::from_mins(10)),
            write_timeout: Some(Duration::from_mins(1)),
            max_result_rows: Some(10_000_000),
            max_result_bytes: Some(4 << 30),
            query_memory: 2 << 30,
            statement_memory: 512 << 20,
            memory_limit: None,
            spill: None,
        }
    }
}
