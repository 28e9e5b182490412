//! [`Source`]: what a run reads from, and what may go wrong on the way.

use super::kind::SourceKind;
use super::table::{SourceTable, TableError};
use async_trait::async_trait;
use std::time::Duration;

/// The groups that the statements of a plan fall into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// A: SHOW commands. No warehouse, fresh; they tell whether something changed.
    Shows,
    /// B: one SELECT per view.
    Views,
    /// C: future grants, which no view has.
    FutureGrants,
    /// D: a second look where fresh and bulk sources differ.
    Repair,
}

impl Group {
    /// The letter that plans and `sync_steps` show.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Shows => "A",
            Self::Views => "B",
            Self::FutureGrants => "C",
            Self::Repair => "D",
        }
    }
}

/// One statement of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it is for.
    pub group: Group,
    /// What people see: `GRANTS_TO_ROLES`, `SHOW FUTURE GRANTS IN DATABASE "RAW"`.
    pub name: String,
    /// What its rows are.
    pub kind: SourceKind,
    /// The text that is sent.
    pub sql: String,
    /// The text for accounts that lack the newer columns (error 000904), when there is one.
    pub older_sql: Option<String>,
    /// Whether it needs a running warehouse.
    pub needs_warehouse: bool,
}

/// What a finished statement cost and how it ran; part of [`SourceTable`]'s answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The platform's id of the query; empty when it gave none.
    pub query_id: String,
    /// HTTP requests sent, retries and polls included.
    pub requests: u32,
    /// Polls of a statement that was still running.
    pub polls: u32,
    /// Arrow streams that the rows came in; 0 for rows in JSON.
    pub arrow_streams: usize,
    /// The platform's type of every column, with its scale: `timestamp_ltz(3)`.
    pub types: Vec<String>,
}

/// Hears how far a statement is. Called from several statements at once.
pub trait Progress: Send + Sync {
    /// The statement waits or reads; `detail` is a short text for people.
    fn note(&self, statement: &Statement, detail: &str);
}

/// A [`Progress`] that listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn note(&self, _: &Statement, _: &str) {}
}

/// Something that answers statements: a Snowflake account, or a double of one.
#[async_trait]
pub trait Source: Send + Sync {
    /// Runs `statement` and returns every row of its result, or an error: never a part.
    async fn read(&self, statement: &Statement, progress: &dyn Progress) -> Result<SourceTable, SourceError>;
    /// Ends the session, if there is one. Errors are logged: there is nothing left to do about them.
    async fn close(&self);
}

/// Why a statement gave no rows. Texts never hold a secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SourceError {
    /// The platform refused the login. Never retried: Snowflake locks users.
    #[error("login refused ({code}): {message}. {advice}")]
    Login {
        /// Snowflake's code, such as `390144`.
        code: String,
        /// Its message.
        message: String,
        /// What to do.
        advice: String,
    },
    /// The private key cannot be used.
    #[error("private key: {0}")]
    Key(String),
    /// The configuration cannot work.
    #[error("connection settings: {0}")]
    Config(String),
    /// The platform refused the statement.
    #[error("Snowflake refused it ({code}, SQLSTATE {sqlstate}): {message}{}{}", query(query_id), advice_of(advice))]
    Server {
        /// Snowflake's code, such as `002003`.
        code: String,
        /// Its SQLSTATE.
        sqlstate: String,
        /// Its message.
        message: String,
        /// The id of the query; empty when there is none.
        query_id: String,
        /// What to do; empty when nothing is known.
        advice: String,
    },
    /// The session ended and could not be renewed.
    #[error("the session was lost ({0}) and a new login did not bring it back; run again")]
    SessionLost(String),
    /// The server cannot be reached, or the connection broke.
    #[error("cannot reach {host} ({what}): {detail}. {advice}")]
    Transport {
        /// Host and port.
        host: String,
        /// Which request: `login`, `query`, `poll`, `chunk`.
        what: &'static str,
        /// The whole chain of causes, without URLs.
        detail: String,
        /// What to do.
        advice: String,
    },
    /// A status that is neither an answer nor worth another try.
    #[error("{host} answered {what} with HTTP status {status}. {advice}")]
    Http {
        /// Host and port.
        host: String,
        /// Which request.
        what: &'static str,
        /// The status.
        status: u16,
        /// What to do.
        advice: String,
    },
    /// The answer is not what the protocol says.
    #[error("{host} gave an answer that is no Snowflake result ({what}): {detail}")]
    Malformed {
        /// Host and port.
        host: String,
        /// Which request.
        what: &'static str,
        /// What was seen instead.
        detail: String,
    },
    /// Rows are missing. Nothing of the result is used.
    #[error("incomplete result: {0}; nothing of it was used, run again")]
    Incomplete(String),
    /// The answer is larger than the limit.
    #[error(
        "an answer ({what}) is larger than the limit of {limit} bytes; raise `max_response_bytes` if that is intended"
    )]
    TooLarge {
        /// Which request.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The time for the statement is over; it was cancelled on the server.
    #[error("no answer within {0:?}; the statement was cancelled. Raise `statement_timeout` or use a larger warehouse")]
    Deadline(Duration),
    /// A column has a type that no source of grantd needs.
    #[error("column {column} has the type {data_type}, which grantd does not read")]
    UnsupportedType {
        /// The column.
        column: String,
        /// The platform's type.
        data_type: String,
    },
    /// A value does not fit its type.
    #[error("column {column}, row {row}: {value} is no {data_type}")]
    Value {
        /// The column.
        column: String,
        /// The row, from 1.
        row: usize,
        /// The value, shortened.
        value: String,
        /// The type it should have.
        data_type: String,
    },
    /// The rows do not make a table.
    #[error(transparent)]
    Table(#[from] TableError),
}

fn query(id: &str) -> String {
    if id.is_empty() { String::new() } else { format!(" [query {id}]") }
}

fn advice_of(advice: &str) -> String {
    if advice.is_empty() { String::new() } else { format!(". {advice}") }
}

impl SourceError {
    /// Snowflake's code, if it is an answer of Snowflake.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Login { code, .. } | Self::Server { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The statement names a column that this account does not have.
    pub fn is_unknown_column(&self) -> bool {
        self.code() == Some("000904")
    }

    /// The object does not exist or the role may not see it, or the command is not known here: the source is absent.
    pub fn is_absent(&self) -> bool {
        self.is_not_authorized() || self.is_unknown()
    }

    /// Whether the role may not see it, or it does not exist: the platform tells both in one message.
    pub fn is_not_authorized(&self) -> bool {
        matches!(self, Self::Server { code, .. } if matches!(code.as_str(), "002003" | "002043" | "003001"))
    }

    /// Whether the account does not know the statement, or does not answer it.
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Server { code, .. }
            if matches!(code.as_str(), "001003" | "000002" | "090153" | "002140" | "002141"))
    }
}
