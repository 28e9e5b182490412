//! [`Segments`]: immutable files in an object store, named by the SHA-256 of their content.
//!
//! By default the store is the `snapshots` folder of the data directory. There a file appears whole or not at all: it is
//! written under another name and renamed, then file and folder are flushed. A crash in between leaves a file that no row
//! names; its content is compared before it is used.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path as Key;
use datafusion::object_store::{Error, ObjectStore, ObjectStoreExt as _, PutPayload};
use futures::TryStreamExt as _;
use futures::executor::block_on;
use rsa::sha2::{Digest, Sha256};

use super::StoreError;

const DIRECTORY: &str = "snapshots";
const SUFFIX: &str = ".snap";
/// Of a file that an older grantd was still writing.
const PART_SUFFIX: &str = ".part";

/// Where the segments of a store are.
#[derive(Debug)]
pub(super) struct Segments {
    store: Arc<dyn ObjectStore>,
    /// The folder of a local store: its files are flushed here.
    folder: Option<PathBuf>,
}

/// A segment that is durable.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) file: String,
    pub(super) sha256: String,
}

impl Segments {
    /// The `snapshots` folder of a data directory.
    pub(super) fn local(data_dir: &Path) -> Result<Segments, StoreError> {
        let folder = data_dir.join(DIRECTORY);
        create_private_dir(&folder)?;
        sync_dir(data_dir)?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| StoreError::Io {
            action: "open",
            path: folder.clone(),
            source: io::Error::other(error),
        })?;
        Ok(Segments { store: Arc::new(store), folder: Some(folder) })
    }

    /// Any object store whose `put` is durable when it returns.
    pub(super) fn remote(store: Arc<dyn ObjectStore>) -> Segments {
        Segments { store, folder: None }
    }

    /// Where a segment is, for messages.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        match &self.folder {
            Some(folder) => folder.join(file),
            None => PathBuf::from(format!("{}/{file}", self.store)),
        }
    }

    /// Writes `bytes` durably. Content that is already there costs a read.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<Written, StoreError> {
        let sha256 = sha256_hex(bytes);
        let file = format!("{sha256}{SUFFIX}");
        if !self.holds(&file, bytes) {
            let payload = PutPayload::from(bytes.to_vec());
            block_on(self.store.put(&Key::from(file.as_str()), payload)).map_err(|e| self.failed("write", &file, e))?;
        }
        if let Some(folder) = &self.folder {
            let path = folder.join(&file);
            File::open(&path).and_then(|file| file.sync_all()).map_err(StoreError::io("flush", &path))?;
            sync_dir(folder)?;
        }
        Ok(Written { file, sha256 })
    }

    /// Reads a segment and checks that it is what was written; the error says what is wrong with it.
    pub(super) fn read(&self, file: &str, sha256: &str, bytes: u64) -> Result<Vec<u8>, String> {
        let content = self.get(file).map_err(|error| match error {
            Error::NotFound { .. } => "its file is missing".to_owned(),
            error => format!("its file cannot be read: {error}"),
        })?;
        if content.len() as u64 != bytes {
            return Err(format!("its file has {} bytes instead of {bytes}", content.len()));
        }
        if sha256_hex(&content) != sha256 {
            return Err("its file does not have the recorded SHA-256".to_owned());
        }
        Ok(content)
    }

    /// Whether there is a segment of this name, whatever its content.
    fn has(&self, file: &str) -> bool {
        block_on(self.store.head(&Key::from(file))).is_ok()
    }

    /// Removes a segment; one that is already gone is fine. Returns whether there was one.
    pub(super) fn remove(&self, file: &str) -> Result<bool, StoreError> {
        // Not every store says that there was nothing to remove.
        if !self.has(file) {
            return Ok(false);
        }
        match block_on(self.store.delete(&Key::from(file))) {
            Ok(()) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed("remove", file, error)),
        }
    }

    /// Removes what a crash left: unfinished files and segments that no row names. Other files are left alone.
    pub(super) fn sweep(&self, named: &HashSet<String>) -> Result<u64, StoreError> {
        let mut removed = 0;
        let listed = block_on(self.store.list(None).try_collect::<Vec<_>>()).map_err(|e| self.failed("list", "", e))?;
        for object in listed {
            let name = object.location.as_ref();
            if is_hex(name.strip_suffix(SUFFIX), 64) && !named.contains(name) && self.remove(name)? {
                removed += 1;
            }
        }
        if let Some(folder) = &self.folder {
            removed += sweep_unfinished(folder)?;
        }
        Ok(removed)
    }

    fn get(&self, file: &str) -> Result<Vec<u8>, Error> {
        block_on(async {
            let found = self.store.get(&Key::from(file)).await?;
            Ok(found.bytes().await?.into())
        })
    }

    /// Whether the segment is there with exactly this content. One that is damaged is written again.
    fn holds(&self, file: &str, bytes: &[u8]) -> bool {
        let size = block_on(self.store.head(&Key::from(file))).map(|found| found.size);
        size.is_ok_and(|size| size == bytes.len() as u64) && self.get(file).is_ok_and(|found| found == bytes)
    }

    fn failed(&self, action: &'static str, file: &str, error: Error) -> StoreError {
        StoreError::Io { action, path: self.path(file), source: io::Error::other(error) }
    }
}

/// Files under the names that are used while they are written: `<segment>#<n>`, and those of older versions.
fn sweep_unfinished(folder: &Path) -> Result<u64, StoreError> {
    let mut removed = 0;
    let failed = |source| StoreError::Io { action: "list", path: folder.to_path_buf(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(name) = name.to_str() else { continue };
        let staged = name.split_once('#').is_some_and(|(segment, number)| {
            is_hex(segment.strip_suffix(SUFFIX), 64) && number.bytes().all(|b| b.is_ascii_digit())
        });
        if staged || is_hex(name.strip_suffix(PART_SUFFIX), 32) {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            removed += 1;
        }
    }
    Ok(removed)
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
        let files = Segments::local(dir.path()).unwrap();
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
        let files = Segments::local(dir.path()).unwrap();
        let kept = files.write(b"kept").unwrap();
        files.write(b"orphan").unwrap();
        fs::write(files.path("0123456789abcdef0123456789abcdef.part"), b"half").unwrap();
        fs::write(files.path(&format!("{}#1", kept.file)), b"half").unwrap();
        fs::write(files.path("README"), b"an operator's note").unwrap();
        assert_eq!(files.sweep(&HashSet::from([kept.file.clone()])).unwrap(), 3);
        let mut left: Vec<_> = fs::read_dir(files.folder.as_ref().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [kept.file, "README".to_owned()]);
    }

    #[test]
    fn another_object_store_holds_segments_too() {
        let segments = Segments::remote(Arc::new(datafusion::object_store::memory::InMemory::new()));
        let written = segments.write(b"content").unwrap();
        segments.write(b"orphan").unwrap();
        assert_eq!(segments.read(&written.file, &written.sha256, 7).unwrap(), b"content");
        assert_eq!(segments.sweep(&HashSet::from([written.file.clone()])).unwrap(), 1);
        assert!(segments.remove(&written.file).unwrap() && !segments.remove(&written.file).unwrap());
        assert!(segments.read(&written.file, &written.sha256, 7).unwrap_err().contains("missing"));
    }
}
