//! The seam to the rest of the daemon: what a connection needs from the catalog's side.

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use super::error::SqlError;
use super::peer::Peer;
use super::recorder::Snapshots;
use super::settings::SharedSettings;

/// Who connects, as the startup packet says.
#[derive(Debug, Clone)]
pub struct Startup {
    /// The user name of the startup packet.
    pub user: String,
    /// The database; always `grantd` when the backend sees it.
    pub database: String,
    /// The client's name for itself; may be empty.
    pub application_name: String,
    /// Where the client is.
    pub peer: Peer,
    /// The number that cancels and `pg_backend_pid()` name the connection by.
    pub backend_pid: i32,
    /// Whether the user is an administrator; everybody is, where there is no login.
    pub administrator: bool,
    /// The connection's settings, for functions such as `current_setting`.
    pub settings: SharedSettings,
}

/// Opens the catalog's side of a connection.
pub trait Backend: Send + Sync + 'static {
    /// Called once per connection, before the first statement. An error ends the connection with its text.
    fn open(&self, startup: &Startup) -> Result<Box<dyn BackendSession>, SqlError>;
}

/// The catalog's side of one connection.
#[async_trait]
pub trait BackendSession: Send {
    /// The connection's own DataFusion context (its tables read the pinned snapshot).
    fn context(&self) -> &SessionContext;

    /// Pins the newest snapshot for the statement (or transaction) that begins now.
    fn pin(&mut self);

    /// The session rests, outside of a transaction: what is pinned may go until the next [`pin`](Self::pin).
    fn release(&mut self) {}

    /// A `grantd.*` setting was changed; validates (22023 on a bad value, 42704 on an unknown name). `None` resets.
    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), SqlError>;

    /// The snapshots that the session looks at.
    fn snapshots(&self) -> Snapshots {
        Snapshots::default()
    }

    /// Whom or what a call is about, for the log: a name that the caller chose, never a secret or a text.
    fn about(&self, _name: &str, _args: &[ScalarValue]) -> Option<String> {
        None
    }

    /// `CALL name(args)`. Runs on the query threads and is dropped when the statement is cancelled.
    async fn call(&mut self, name: &str, args: Vec<ScalarValue>) -> Result<CallOutcome, SqlError>;
}

/// What a `CALL` gave.
#[derive(Debug)]
pub enum CallOutcome {
    /// It is done; the notice (if not empty) is shown to the user.
    Done {
        /// One sentence for the user.
        notice: String,
    },
    /// Rows to show.
    Rows(SchemaRef, Vec<RecordBatch>),
}
