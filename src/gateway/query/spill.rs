//! What statements sort and group beyond their memory goes to disk: files without names, so that nothing is left of them
//! after the statement, or after the process, however it ends. Each statement and all together have a quota.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::spill_file::{SpillFile, SpillWriter, TempFileFactory};
use futures::{Stream, stream};

use super::super::error::SqlError;
use crate::config::{Spill, size};

/// Bytes that are read at a time.
const CHUNK: usize = 256 * 1024;

/// The disk of all statements.
pub(super) struct Disk {
    spill: Spill,
    used: AtomicU64,
}

impl Disk {
    pub(super) fn new(spill: Spill) -> Self {
        Self { spill, used: AtomicU64::new(0) }
    }
}

/// The disk of one statement: makes its files.
pub(super) struct StatementDisk(Arc<Quota>);

struct Quota {
    disk: Arc<Disk>,
    used: AtomicU64,
}

impl StatementDisk {
    pub(super) fn new(disk: &Arc<Disk>) -> Self {
        Self(Arc::new(Quota { disk: Arc::clone(disk), used: AtomicU64::new(0) }))
    }
}

impl Quota {
    /// Takes so many bytes of both quotas; 53400 when one has not so many left.
    fn take(&self, bytes: u64) -> io::Result<()> {
        let spill = &self.disk.spill;
        for (used, most, name) in [
            (&self.used, spill.statement_limit, "statement_spill_limit"),
            (&self.disk.used, spill.limit, "spill_limit"),
        ] {
            if used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > most {
                used.fetch_sub(bytes, Ordering::Relaxed);
                if name == "spill_limit" {
                    self.used.fetch_sub(bytes, Ordering::Relaxed);
                }
                let text = format!("temporary file size exceeds {name} ({})", size::shown(most));
                return Err(io::Error::other(SqlError::new("53400", text).with_hint(format!(
                    "Sort and group less at a time, or raise {name} in [server] of grantd.toml."
                ))));
            }
        }
        Ok(())
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        self.disk.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl TempFileFactory for StatementDisk {
    fn create_temp_file(&self, _description: &str) -> Result<Arc<dyn SpillFile>> {
        let folder = &self.0.disk.spill.folder;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let file = made.and_then(|()| tempfile::tempfile_in(folder)).map_err(DataFusionError::IoError)?;
        Ok(Arc::new(Spilled(Arc::new(Content { file, length: AtomicU64::new(0), quota: Arc::clone(&self.0) }))))
    }
}

struct Content {
    file: File,
    length: AtomicU64,
    quota: Arc<Quota>,
}

impl Drop for Content {
    fn drop(&mut self) {
        self.quota.give_back(self.length.load(Ordering::Relaxed));
    }
}

struct Spilled(Arc<Content>);

impl SpillFile for Spilled {
    fn size(&self) -> Option<u64> {
        Some(self.0.length.load(Ordering::Relaxed))
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        // On the query threads, which may wait for a disk.
        let read = |(content, at): (Arc<Content>, u64)| async move {
            let left = content.length.load(Ordering::Relaxed).saturating_sub(at);
            let mut chunk = vec![0; usize::try_from(left).unwrap_or(CHUNK).min(CHUNK)];
            if chunk.is_empty() {
                return Ok(None);
            }
            content.file.read_exact_at(&mut chunk, at).map_err(DataFusionError::IoError)?;
            let next = at.saturating_add(chunk.len() as u64);
            Ok(Some((Bytes::from(chunk), (content, next))))
        };
        Ok(Box::pin(stream::try_unfold((Arc::clone(&self.0), 0), read)))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Writer(Arc::clone(&self.0))))
    }
}

struct Writer(Arc<Content>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.quota.take(bytes.len() as u64)?;
        let at = self.0.length.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.0.file.write_all_at(bytes, at)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpillWriter for Writer {
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt as _;
    use std::io::Write as _;

    #[tokio::test]
    async fn files_have_no_names_and_give_back_their_quota() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill { folder: folder.path().join("spill"), limit: 1_000_000, statement_limit: 700_000 };
        let disk = Arc::new(Disk::new(spill.clone()));
        let (first, second) = (StatementDisk::new(&disk), StatementDisk::new(&disk));
        let file = first.create_temp_file("sort").unwrap();
        let mut writer = file.open_writer().unwrap();
        writer.write_all(&vec![7; 600_000]).unwrap();
        let read: Vec<Bytes> = file.read_stream().unwrap().try_collect().await.unwrap();
        assert_eq!(read.concat(), vec![7; 600_000]);
        assert_eq!(std::fs::read_dir(&spill.folder).unwrap().count(), 0, "nothing to clean up");
        let told = |error: io::Error| error.get_ref().unwrap().downcast_ref::<SqlError>().unwrap().message.clone();
        let error = told(writer.write_all(&vec![7; 200_000]).unwrap_err());
        assert!(error.contains("statement_spill_limit (700000)"), "{error}");
        let other = second.create_temp_file("sort").unwrap();
        let error = told(other.open_writer().unwrap().write_all(&vec![7; 500_000]).unwrap_err());
        assert!(error.contains("exceeds spill_limit (1000000)"), "{error}");
        drop((file, writer));
        other.open_writer().unwrap().write_all(&vec![7; 500_000]).unwrap();
        drop(other);
        assert_eq!(disk.used.load(Ordering::Relaxed), 0);
    }
}
