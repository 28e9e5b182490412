//! Errors that carry the SQLSTATE a client is told.

use datafusion::error::DataFusionError;

/// An error with PostgreSQL's code for it. Found inside a [`DataFusionError::External`].
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// The five characters of the SQLSTATE.
    pub sqlstate: &'static str,
    /// What went wrong, as PostgreSQL words it.
    pub message: String,
}

/// An error with a SQLSTATE, ready to be returned by a function.
pub fn sql_error(sqlstate: &'static str, message: impl Into<String>) -> DataFusionError {
    DataFusionError::External(Box::new(SqlError { sqlstate, message: message.into() }))
}
