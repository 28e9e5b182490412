//! What the gateway tells the query log: statements, logins, the ends of sessions. Who keeps the log implements
//! [`Recorder`]; the gateway sees to it that nothing goes past it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use super::error::SqlError;

/// The snapshots that a statement saw: accounts, and the numbers of their snapshots.
pub type Snapshots = Arc<[(String, i64)]>;

/// The outcome of what went well; everything else is a SQLSTATE.
pub const OK: &str = "ok";

/// A statement's text as it is kept: without what may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatementText {
    /// Names, keywords and operators; a `?` stands for each literal, comments are left out.
    pub masked: Arc<str>,
    /// The keyed fingerprint of the whole text, by which equal texts are found.
    pub fingerprint: [u8; 32],
    /// The length of the whole text.
    pub bytes: usize,
}

/// The protocol that a statement came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Query messages.
    Simple,
    /// Parse, Bind, Execute.
    Extended,
}

impl Route {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Extended => "extended",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it began.
    pub started_at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// What it was: the kind of a statement, `intent` of a CALL, `login`, `logout`.
    pub kind: &'static str,
    /// The user.
    pub user: Arc<str>,
    /// The client's address.
    pub address: Arc<str>,
    /// The client's name for itself.
    pub application: String,
    /// The number that `pg_backend_pid()` shows; 0 before there is a session.
    pub session: i32,
    /// How a statement came; `None` for what is no statement.
    pub route: Option<Route>,
    /// The statement.
    pub text: StatementText,
    /// `grantd.roles` and `grantd.changeset`.
    pub world: [Option<String>; 2],
    /// What it saw.
    pub snapshots: Snapshots,
    /// Rows sent.
    pub rows: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// [`OK`] or a SQLSTATE.
    pub outcome: &'static str,
    /// What else is to be said; never a literal of the text.
    pub detail: Option<String>,
}

/// Keeps the log.
#[async_trait]
pub trait Recorder: std::fmt::Debug + Send + Sync + 'static {
    /// The keyed fingerprint of a text.
    fn fingerprint(&self, text: &str) -> [u8; 32];

    /// Room for one more record: waits while the log is only slow. An error refuses what wanted to begin; the recorder
    /// counts it.
    async fn admit(&self) -> Result<(), SqlError>;

    /// Takes a record of what was admitted. It is never refused.
    fn record(&self, entry: Entry);

    /// Takes a record, and returns when it is on the disk. An error refuses what the record announces.
    async fn record_durably(&self, entry: Entry) -> Result<(), SqlError>;
}
