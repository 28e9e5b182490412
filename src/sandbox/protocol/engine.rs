//! The seam between the driver protocol and the account behind it: who may log in, and what a statement answers.

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use serde_json::{Map, Value};
use std::sync::Arc;
use thiserror::Error;

/// An account that answers statements. Calls may come from many sessions at once.
pub trait Engine: Send + Sync + 'static {
    /// The account's name as the client must spell it in `ACCOUNT_NAME` (case-insensitive, cut at the first dot).
    fn account_name(&self) -> String;

    /// The public keys (SPKI DER) of the user with this `LOGIN_NAME`, as the client sent it. Empty when the user has
    /// none or does not exist, so that a stranger learns nothing; `Err` when a known user may not log in (disabled).
    fn public_keys(&self, login_name: &str) -> Result<Vec<Vec<u8>>, Failure>;

    /// Opens a session for a login whose credentials were already checked.
    fn open(&self, login: &LoginRequest) -> Result<Box<dyn EngineSession>, Failure>;
}

/// One session: its current names and the statements that run in it, one after the other.
#[async_trait]
pub trait EngineSession: Send {
    /// Runs one statement text. With `describe_only` nothing may change and the answer needs columns only.
    /// `parameters` are the statement's own (`ROWS_PER_RESULTSET`, `QUERY_TAG`, ...).
    ///
    /// The future is dropped at an `.await` point when the statement is aborted: what it changes must be whole there.
    async fn execute(
        &mut self,
        sql: &str,
        describe_only: bool,
        parameters: &Map<String, Value>,
    ) -> Result<Answer, Failure>;

    /// What the session currently uses.
    fn names(&self) -> SessionNames;

    /// A session parameter that `ALTER SESSION SET` changed (upper-case name), or `None` when the login's holds.
    fn parameter(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }
}

/// What a client asks for when it logs in. Empty texts of the client are `None` here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoginRequest {
    /// `ACCOUNT_NAME` as sent.
    pub account_name: String,
    /// `LOGIN_NAME` as sent.
    pub login_name: String,
    /// The role to start with, instead of the user's default.
    pub role: Option<String>,
    /// The database to start with.
    pub database: Option<String>,
    /// The schema to start with.
    pub schema: Option<String>,
    /// The warehouse to start with.
    pub warehouse: Option<String>,
    /// `SECONDARY_ROLES`: `ALL` or `NONE`, instead of the user's default.
    pub secondary_roles: Option<String>,
    /// Parameters the client sets for the session, names in upper case.
    pub session_parameters: Map<String, Value>,
    /// `CLIENT_APP_ID`, for example `PythonConnector`.
    pub client_app_id: String,
    /// `CLIENT_APP_VERSION`.
    pub client_app_version: String,
}

/// What a session currently uses; `None` where nothing is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionNames {
    /// Current database.
    pub database: Option<String>,
    /// Current schema.
    pub schema: Option<String>,
    /// Current warehouse.
    pub warehouse: Option<String>,
    /// Current primary role.
    pub role: Option<String>,
}

/// What kind of statement was run. It decides the `statementTypeId` and the result's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatementKind {
    /// `SELECT`: the only kind whose result is Arrow.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `MERGE`.
    Merge,
    /// `SET`, `UNSET`, `ALTER SESSION`.
    Set,
    /// `USE ROLE`, `USE DATABASE`, ...
    Use,
    /// `SHOW ...`.
    Show,
    /// `DESCRIBE ...`.
    Describe,
    /// `BEGIN`, `COMMIT`, `ROLLBACK`.
    Transaction,
    /// `CREATE`, `ALTER`, `DROP`, `GRANT`, `REVOKE`, ...
    Ddl,
    /// `CALL`.
    Call,
}

impl StatementKind {
    /// Snowflake's number for this kind, as its drivers test it.
    pub fn type_id(self) -> u32 {
        match self {
            Self::Select => 0x1000,
            Self::Insert => 0x3100,
            Self::Update => 0x3200,
            Self::Delete => 0x3300,
            Self::Merge => 0x3400,
            Self::Set => 0x4100,
            Self::Use => 0x4300,
            Self::Show => 0x4400,
            Self::Describe => 0x4500,
            Self::Transaction => 0x5000,
            Self::Ddl => 0x6000,
            Self::Call => 0x9000,
        }
    }

    /// Whether the answer's rows hold counts of affected rows.
    pub fn is_dml(self) -> bool {
        matches!(self, Self::Insert | Self::Update | Self::Delete | Self::Merge)
    }
}

/// A column's Snowflake type. The Arrow array a batch carries for it is named at each; other arrays that Arrow can
/// cast to it without loss work too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnowflakeType {
    /// VARCHAR: `Utf8` or `Utf8View`.
    Text,
    /// NUMBER(precision, scale): Int64, or Decimal128 of this scale.
    Fixed {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, 0 to `precision`.
        scale: u8,
    },
    /// BOOLEAN: Boolean.
    Boolean,
    /// FLOAT: Float64.
    Real,
    /// DATE: Date32.
    Date,
    /// TIME(scale): Time64.
    Time {
        /// Digits of a second, 0 to 9.
        scale: u8,
    },
    /// `TIMESTAMP_LTZ(scale)`: Timestamp of any unit in UTC.
    TimestampLtz {
        /// Digits of a second, 0 to 9.
        scale: u8,
    },
    /// `TIMESTAMP_NTZ(scale)`: Timestamp of any unit.
    TimestampNtz {
        /// Digits of a second, 0 to 9.
        scale: u8,
    },
    /// `TIMESTAMP_TZ(scale)`: Timestamp of any unit in UTC, shown at offset zero.
    TimestampTz {
        /// Digits of a second, 0 to 9.
        scale: u8,
    },
    /// VARIANT: Utf8 holding JSON text, laid out by the protocol.
    Variant,
    /// OBJECT: Utf8 holding JSON text.
    Object,
    /// ARRAY: Utf8 holding JSON text.
    Array,
    /// BINARY: Binary.
    Binary,
}

/// A result column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name as the client shows it; duplicates are allowed.
    pub name: String,
    /// Its type.
    pub data_type: SnowflakeType,
    /// Whether NULL may occur.
    pub nullable: bool,
}

impl Column {
    /// A nullable column.
    pub fn new(name: impl Into<String>, data_type: SnowflakeType) -> Self {
        Self { name: name.into(), data_type, nullable: true }
    }

    /// A nullable text column.
    pub fn text(name: impl Into<String>) -> Self {
        Self::new(name, SnowflakeType::Text)
    }
}

/// What a statement answered. Every batch has exactly `columns.len()` arrays, in the order of `columns`.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The kind of statement that was run.
    pub kind: StatementKind,
    /// The result's columns.
    pub columns: Vec<Column>,
    /// The rows, in order.
    pub batches: Vec<RecordBatch>,
}

impl Answer {
    /// The answer of a statement that has nothing to show but that it worked: one row with one text column `status`.
    pub fn status(kind: StatementKind, message: &str) -> Self {
        let values: ArrayRef = Arc::new(StringArray::from(vec![message]));
        let schema = Arc::new(Schema::new(vec![Field::new("status", DataType::Utf8, true)]));
        // One array of one row for a schema of one field: this cannot fail, and an empty answer would say so.
        let batch = RecordBatch::try_new_with_options(schema, vec![values], &RecordBatchOptions::new());
        Self { kind, columns: vec![Column::text("status")], batches: batch.into_iter().collect() }
    }
}

/// Why a login or a statement was refused, in Snowflake's own terms.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code} ({sqlstate}): {message}")]
pub struct Failure {
    /// Snowflake's error number as text, for example `002003`.
    pub code: String,
    /// The SQLSTATE, for example `02000`.
    pub sqlstate: String,
    /// What went wrong, as Snowflake words it.
    pub message: String,
}

impl Failure {
    /// A failure with this number, SQLSTATE and message.
    pub fn new(code: &str, sqlstate: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), sqlstate: sqlstate.to_owned(), message: message.into() }
    }

    /// Something the sandbox does not do: Snowflake's `Unsupported feature`.
    pub fn unsupported(feature: &str) -> Self {
        Self::new("000002", "0A000", format!("Unsupported feature '{feature}'."))
    }

    /// A fault of the sandbox itself.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::new("000603", "XX000", format!("SQL execution internal error: {what}"))
    }
}
