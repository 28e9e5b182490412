//! Opening the database: its settings, its version, and the way from an older version to this one.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// The version this program writes, SQLite's `user_version`. Every version before it can be opened.
pub const STORE_VERSION: i64 = MIGRATIONS.len() as i64;

/// SQLite's `application_id` of a grantd store: "grnt" in ASCII.
const APPLICATION_ID: i64 = 0x6772_6e74;

/// Step `i` leads from version `i` to `i + 1`. A published step never changes; see `tests/fixtures/store`.
const MIGRATIONS: &[&str] =
    &[include_str!("schema/v1.sql"), include_str!("schema/v2.sql"), include_str!("schema/v3.sql")];

/// Opens or creates the database, with this program's settings and newest schema.
pub(super) fn open(file: &Path) -> Result<Connection, StoreError> {
    let failed = StoreError::database("open the database");
    let mut connection = Connection::open(file).map_err(failed)?;
    // Whose file it is, before anything is written to it.
    let is_new = is_empty(&connection).map_err(|error| unreadable(file, error))?;
    if !is_new && pragma(&connection, "application_id").map_err(failed)? != APPLICATION_ID {
        return Err(StoreError::Foreign { file: file.to_path_buf() });
    }
    refuse_newer(&connection, file)?;
    // An operator may have the file open in sqlite3.
    connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// The version of a database that belongs to grantd.
pub(super) fn version_of(connection: &Connection, file: &Path) -> Result<i64, StoreError> {
    let id = pragma(connection, "application_id").map_err(|error| unreadable(file, error))?;
    if id != APPLICATION_ID {
        return Err(StoreError::Foreign { file: file.to_path_buf() });
    }
    pragma(connection, "user_version").map_err(StoreError::database("read the store's version"))
}

fn refuse_newer(connection: &Connection, file: &Path) -> Result<(), StoreError> {
    let found = pragma(connection, "user_version").map_err(StoreError::database("read the store's version"))?;
    if found > STORE_VERSION {
        return Err(StoreError::Newer { file: file.to_path_buf(), found, supported: STORE_VERSION });
    }
    Ok(())
}

/// All steps in one transaction: a crash or error leaves the old version whole.
fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let failed = StoreError::database("migrate the schema");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let version = pragma(&transaction, "user_version").map_err(failed)?;
    let done = usize::try_from(version).unwrap_or(0);
    if done >= MIGRATIONS.len() {
        return Ok(());
    }
    for step in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", STORE_VERSION).map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn unreadable(file: &Path, error: rusqlite::Error) -> StoreError {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
        return StoreError::Foreign { file: file.to_path_buf() };
    }
    StoreError::Database { action: "open the database", source: error }
}
