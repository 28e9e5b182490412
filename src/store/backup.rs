//! Copying a whole store, also while a daemon has it open.
//!
//! The database is copied by `VACUUM INTO`, one read transaction, so it is the state of one moment. Segments never change,
//! so those that the copied database names belong to that moment too; a lock keeps them from being pruned meanwhile. The
//! copy appears under its name when it is whole and durable.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::segments::{Segments, create_private_dir, sync_dir};
use super::{DATABASE_FILE, STORE_VERSION, StoreError, audit, migrate};

/// Held shared while segments are copied and exclusively while some are pruned.
const LOCK_FILE: &str = "backup.lock";
/// The version of the store that has values.
const VALUES_SINCE: i64 = 3;

/// What was copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Copied {
    /// Segments.
    pub segments: u64,
    /// Bytes of the database, the segments and the query log.
    pub bytes: u64,
}

/// Copies the store in `data_dir`, which a daemon may have open, to `destination`, which is made or is empty.
///
/// # Errors
/// `data_dir` is no store, something in it is damaged, `destination` is not empty, or the file system refuses; then there
/// is no copy.
pub fn backup(data_dir: &Path, destination: &Path) -> Result<Copied, StoreError> {
    if !data_dir.join(DATABASE_FILE).is_file() {
        return Err(StoreError::NoStore { dir: data_dir.to_path_buf() });
    }
    let (file, path) = lock_file(data_dir)?;
    file.lock_shared().map_err(StoreError::io("lock", path))?;
    copy(data_dir, destination)
}

/// The right to prune: `None` while a backup is made.
pub(super) fn may_prune(data_dir: &Path) -> Result<Option<fs::File>, StoreError> {
    let (file, path) = lock_file(data_dir)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(source)) => Err(StoreError::Io { action: "lock", path, source }),
    }
}

fn lock_file(data_dir: &Path) -> Result<(fs::File, PathBuf), StoreError> {
    let path = data_dir.join(LOCK_FILE);
    let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    Ok((file.map_err(StoreError::io("open", &path))?, path))
}

/// Makes a data directory of a backup. `data_dir` is made or is empty.
///
/// # Errors
/// As [`backup`].
pub fn restore(backup: &Path, data_dir: &Path) -> Result<Copied, StoreError> {
    copy(backup, data_dir)
}

fn copy(from: &Path, to: &Path) -> Result<Copied, StoreError> {
    if !from.join(DATABASE_FILE).is_file() {
        return Err(StoreError::NoStore { dir: from.to_path_buf() });
    }
    let is_there = match fs::read_dir(to).map(|mut entries| entries.next().is_none()) {
        Ok(true) => true,
        Ok(false) => return Err(StoreError::NotEmpty { dir: to.to_path_buf() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(source) => return Err(StoreError::Io { action: "open", path: to.to_path_buf(), source }),
    };
    let parent = match to.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    create_private_dir(&parent)?;
    let part = Unfinished(parent.join(format!(".grantd-copy-{}", uuid::Uuid::new_v4().simple())));
    let copied = fill(from, &part.0)?;
    if is_there {
        fs::remove_dir(to).map_err(StoreError::io("replace", to))?;
    }
    fs::rename(&part.0, to).map_err(StoreError::io("write", to))?;
    sync_dir(&parent)?;
    Ok(copied)
}

/// A directory that is removed unless it got its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Renamed, it is not there any more.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fill(from: &Path, to: &Path) -> Result<Copied, StoreError> {
    let database = to.join(DATABASE_FILE);
    create_private_dir(to)?;
    copy_database(from, &database)?;
    let mut copied = copy_segments(from, to, &database)?;
    copied.bytes += fs::metadata(&database).map_err(StoreError::io("read", &database))?.len();
    // After the database, so that the copied head is one that the copied log has.
    if value_in(to, audit::HEAD_VALUE)?.is_some() {
        copied.bytes += audit::copy(from, to)?;
    }
    let file = fs::File::open(&database).map_err(StoreError::io("flush", &database))?;
    file.sync_all().map_err(StoreError::io("flush", &database))?;
    sync_dir(to)?;
    Ok(copied)
}

/// The database of a data directory that a daemon may have open, and its version.
fn look_into(data_dir: &Path) -> Result<(Connection, i64), StoreError> {
    let file = data_dir.join(DATABASE_FILE);
    if !file.is_file() {
        return Err(StoreError::NoStore { dir: data_dir.to_path_buf() });
    }
    let failed = StoreError::database("open the database");
    // Not READ_ONLY: the memory that a log is read through is shared with the daemon, or has to be made.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&file, flags).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
    let version = migrate::version_of(&connection, &file)?;
    if version > STORE_VERSION {
        return Err(StoreError::Newer { file, found: version, supported: STORE_VERSION });
    }
    Ok((connection, version))
}

/// One of the store's values, also while a daemon has it open.
pub(super) fn value_in(data_dir: &Path, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let (connection, version) = look_into(data_dir)?;
    if version < VALUES_SINCE {
        return Ok(None);
    }
    connection
        .query_row("SELECT value FROM gateway_values WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(StoreError::database("read a value"))
}

fn copy_database(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = StoreError::database("copy the database");
    let (connection, _) = look_into(from)?;
    let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if sound != "ok" {
        return Err(StoreError::Unsound { dir: from.to_path_buf(), detail: format!("the database: {sound}") });
    }
    let target = to
        .to_str()
        .ok_or_else(|| StoreError::Invalid { what: "the name of the copy", detail: "it is not UTF-8".to_owned() })?;
    connection.execute("VACUUM INTO ?1", [target]).map_err(failed)?;
    private(to)
}

#[cfg(unix)]
fn private(file: &Path) -> Result<(), StoreError> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(file, mode).map_err(StoreError::io("write", file))
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Copies what the copied database names, each checked against its hash.
fn copy_segments(from: &Path, to: &Path, database: &Path) -> Result<Copied, StoreError> {
    let failed = StoreError::database("list the snapshots of the copy");
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
    let mut statement = connection
        .prepare("SELECT DISTINCT file, sha256, bytes FROM snapshots WHERE pruned = 0 ORDER BY file")
        .map_err(failed)?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, super::sql::count(row, "bytes")?)))
        .map_err(failed)?;
    let (source, target) = (Segments::local(from)?, Segments::local(to)?);
    let mut copied = Copied::default();
    for row in rows {
        let (file, sha256, bytes) = row.map_err(failed)?;
        let content = source
            .read(&file, &sha256, bytes)
            .map_err(|detail| StoreError::Unsound { dir: from.to_path_buf(), detail: format!("{file}: {detail}") })?;
        target.write(&content)?;
        copied.segments += 1;
        copied.bytes += bytes;
    }
    Ok(copied)
}
