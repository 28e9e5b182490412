//! [`SnapshotFiles`]: immutable files named by the SHA-256 of their content.
//!
//! A file appears whole or not at all: it is written under another name, flushed, renamed, and the directory flushed.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rsa::sha2::{Digest, Sha256};

use super::StoreError;

const DIRECTORY: &str = "snapshots";
const SUFFIX: &str = ".snap";
/// Of a file that is still being written.
const PART_SUFFIX: &str = ".part";

/// The `snapshots` directory of a store.
#[derive(Debug)]
pub(super) struct SnapshotFiles {
    dir: PathBuf,
}

/// A file that is durable.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) file: String,
    pub(super) sha256: String,
}

impl SnapshotFiles {
    pub(super) fn open(data_dir: &Path) -> Result<SnapshotFiles, StoreError> {
        let dir = data_dir.join(DIRECTORY);
        create_private_dir(&dir)?;
        sync_dir(data_dir)?;
        Ok(SnapshotFiles { dir })
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// Writes `bytes` durably. Content that is already there costs a read.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<Written, StoreError> {
        let sha256 = sha256_hex(bytes);
        let file = format!("{sha256}{SUFFIX}");
        let path = self.path(&file);
        if !holds(&path, bytes) {
            let part = self.dir.join(format!("{}{PART_SUFFIX}", uuid::Uuid::new_v4().simple()));
            if let Err(source) = write_and_flush(&part, bytes).and_then(|()| fs::rename(&part, &path)) {
                // The error that matters is the first; what is left behind goes at the next open.
                let _ = fs::remove_file(&part);
                return Err(StoreError::Io { action: "write", path, source });
            }
        }
        sync_dir(&self.dir)?;
        Ok(Written { file, sha256 })
    }

    /// Reads a file and checks that it is what was written; the error says what is wrong with it.
    pub(super) fn read(&self, file: &str, sha256: &str, bytes: u64) -> Result<Vec<u8>, String> {
        let content = fs::read(self.path(file)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "its file is missing".to_owned(),
            _ => format!("its file cannot be read: {error}"),
        })?;
        if content.len() as u64 != bytes {
            return Err(format!("its file has {} bytes instead of {bytes}", content.len()));
        }
        if sha256_hex(&content) != sha256 {
            return Err("its file does not have the recorded SHA-256".to_owned());
        }
        Ok(content)
    }

    /// Removes a file; one that is already gone is fine. Returns whether there was one.
    pub(super) fn remove(&self, file: &str) -> Result<bool, StoreError> {
        let path = self.path(file);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(StoreError::Io { action: "remove", path, source }),
        }
    }

    /// Removes what a crash left: unfinished files and snapshot files that no row names. Other files are left alone.
    pub(super) fn sweep(&self, named: &HashSet<String>) -> Result<u64, StoreError> {
        let mut removed = 0;
        let failed = |source| StoreError::Io { action: "list", path: self.dir.clone(), source };
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let Some(name) = name.to_str() else { continue };
            let orphan = is_hex(name.strip_suffix(PART_SUFFIX), 32)
                || (is_hex(name.strip_suffix(SUFFIX), 64) && !named.contains(name));
            if orphan && self.remove(name)? {
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Creates a directory, and those above it, that only its owner can enter. An existing one is left as it is.
pub(super) fn create_private_dir(dir: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(StoreError::io("create", dir))
}

/// Makes the entries of a directory durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(StoreError::io("flush", dir))
}

fn write_and_flush(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Whether the file is there with exactly this content. One that is damaged is written again.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() == bytes.len() as u64)
        && fs::read(path).is_ok_and(|found| found == bytes)
}

fn sha256_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn is_hex(text: Option<&str>, digits: usize) -> bool {
    text.is_some_and(|text| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_same_content_is_one_file_and_a_damaged_file_is_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let files = SnapshotFiles::open(dir.path()).unwrap();
        let first = files.write(b"content").unwrap();
        fs::write(files.path(&first.file), b"c0ntent").unwrap();
        assert!(files.read(&first.file, &first.sha256, 7).unwrap_err().contains("SHA-256"));
        let second = files.write(b"content").unwrap();
        assert_eq!(first.file, second.file);
        assert_eq!(files.read(&second.file, &second.sha256, 7).unwrap(), b"content");
        assert_eq!(fs::read_dir(dir.path().join(DIRECTORY)).unwrap().count(), 1);
    }

    #[test]
    fn a_sweep_takes_only_the_stores_own_orphans() {
        let dir = tempfile::tempdir().unwrap();
        let files = SnapshotFiles::open(dir.path()).unwrap();
        let kept = files.write(b"kept").unwrap();
        files.write(b"orphan").unwrap();
        fs::write(files.path("0123456789abcdef0123456789abcdef.part"), b"half").unwrap();
        fs::write(files.path("README"), b"an operator's note").unwrap();
        assert_eq!(files.sweep(&HashSet::from([kept.file.clone()])).unwrap(), 2);
        let mut left: Vec<_> =
            fs::read_dir(&files.dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, [kept.file, "README".to_owned()]);
    }
}
