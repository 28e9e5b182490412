//! The query log: what the gateway records goes through one bounded queue to one thread, which writes it in groups.
//!
//! Statements do not wait for the disk, except a CALL, whose intent is on it before it runs, and a login. When the disk
//! fails, both are refused; everything else goes on while the queue has room, and nothing that was done is dropped. What was
//! refused for want of room is counted, and the record that says that the log goes on says how much it was.

mod entries;
mod queue;
mod relation;
mod throttle;
mod writer;

pub use relation::LogRelation;

use crate::gateway::{Entry, Recorder, SqlError};
use crate::store::Store;
use crate::store::audit::{AuditError, Head, Key, SEGMENT_BYTES};
use async_trait::async_trait;
use queue::{Failure, Queue};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Records that wait for the disk. One is a few kilobytes at most.
const CAPACITY: usize = 4_096;
/// How long the reader of the log waits for what was done just before.
const READER_WAITS: Duration = Duration::from_secs(5);

/// The query log of a data directory.
#[derive(Debug)]
pub struct QueryLog {
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl QueryLog {
    /// Opens the log of a store and records that the server starts. A log that cannot be written or is not whole does
    /// not keep the server from starting: it refuses logins, and the reason is told.
    ///
    /// # Errors
    /// A newer grantd wrote it, or there is no thread for it.
    pub fn start(store: Arc<Store>) -> Result<QueryLog, AuditError> {
        QueryLog::with(store, CAPACITY, SEGMENT_BYTES)
    }

    pub(crate) fn with(store: Arc<Store>, capacity: usize, segment_bytes: u64) -> Result<QueryLog, AuditError> {
        let queue = Arc::new(Queue::new(capacity, store.dir().to_path_buf()));
        queue.push(entries::own("start", concat!("grantd ", env!("CARGO_PKG_VERSION")).to_owned()), None);
        let writer = writer::start(Arc::clone(&queue), store, segment_bytes)?;
        Ok(QueryLog { queue, writer: Mutex::new(Some(writer)) })
    }

    /// Records that the server stops, and waits until all is written, or cannot be.
    pub fn stop(&self) {
        self.queue.stop(entries::own("stop", "the server ends".to_owned()));
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!(target: "grantd::audit", "the thread of the query log panicked");
        }
    }

    fn readable(&self) -> Option<(PathBuf, Key, Head)> {
        self.queue.flushed(READER_WAITS);
        self.queue.readable()
    }
}

impl Drop for QueryLog {
    fn drop(&mut self) {
        self.stop();
    }
}

#[async_trait]
impl Recorder for QueryLog {
    fn fingerprint(&self, text: &str) -> [u8; 32] {
        // Without a key there is no login, and so no text.
        self.queue.key().map_or([0; 32], |key| key.fingerprint(text))
    }

    async fn admit(&self) -> Result<(), SqlError> {
        self.queue.admit().await.map_err(|failure| failure.error())
    }

    fn record(&self, entry: Entry) {
        self.queue.push(entries::event(entry, self.queue.key()), None);
    }

    async fn record_durably(&self, entry: Entry) -> Result<(), SqlError> {
        if let Some(failure) = self.queue.failure() {
            return Err(failure.error());
        }
        let (done, written) = oneshot::channel();
        self.queue.push(entries::event(entry, self.queue.key()), Some(done));
        match written.await {
            Ok(result) => result.map_err(|failure: Failure| failure.error()),
            Err(_) => Err(SqlError::fatal("57P01", "terminating connection due to administrator command")),
        }
    }
}

#[cfg(test)]
mod tests;
