//! Conversions between the plain rows and SQLite's values.

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Error, OptionalExtension, Row, Transaction};

use super::StoreError;
use super::rows::SnapshotId;

/// A count as SQLite stores it.
pub(super) fn from_count(what: &'static str, count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|_| StoreError::Invalid { what, detail: format!("{count} is out of range") })
}

/// A count as it was stored; the schema refuses negative ones.
pub(super) fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| out_of_range(row, column, value))
}

/// As [`count`], where the column may be null.
pub(super) fn optional_count(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    let value: Option<i64> = row.get(column)?;
    value.map(|value| u64::try_from(value).map_err(|_| out_of_range(row, column, value))).transpose()
}

/// A word of a closed list, such as a status.
pub(super) fn word<T>(row: &Row<'_>, column: &str, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| {
        let problem = FromSqlError::Other(format!("unknown {column} {text:?}").into());
        Error::FromSqlConversionFailure(index(row, column), Type::Text, Box::new(problem))
    })
}

fn out_of_range(row: &Row<'_>, column: &str, value: i64) -> Error {
    Error::IntegralValueOutOfRange(index(row, column), value)
}

fn index(row: &Row<'_>, column: &str) -> usize {
    row.as_ref().column_index(column).unwrap_or(usize::MAX)
}

/// Refuses an account that was never put.
pub(super) fn require_account(transaction: &Transaction<'_>, account: &str) -> Result<(), StoreError> {
    transaction
        .query_row("SELECT 1 FROM accounts WHERE name = ?1", [account], |_| Ok(()))
        .optional()
        .map_err(StoreError::database("look up the account"))?
        .ok_or_else(|| StoreError::NoAccount { account: account.to_owned() })
}

/// Refuses a snapshot that is not the account's, or is no longer there to be read.
pub(super) fn require_snapshot(
    transaction: &Transaction<'_>,
    account: &str,
    snapshot: SnapshotId,
) -> Result<(), StoreError> {
    let pruned: Option<bool> = transaction
        .query_row("SELECT pruned FROM snapshots WHERE id = ?1 AND account = ?2", (snapshot.0, account), |row| {
            row.get(0)
        })
        .optional()
        .map_err(StoreError::database("look up the snapshot"))?;
    match pruned {
        Some(false) => Ok(()),
        Some(true) => Err(StoreError::Pruned { account: account.to_owned(), snapshot }),
        None => Err(StoreError::NoSnapshot { account: account.to_owned(), snapshot }),
    }
}
