//! The parts of large results that clients fetch by URL: unguessable names, limited in size and age.

use axum::http::StatusCode;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Instant;

use crate::sandbox::protocol::engine::Failure;
use crate::sandbox::protocol::sessions::{lock, secret};
use crate::sandbox::protocol::settings::Settings;

/// A stored chunk: gzipped bytes, or the status a fault made of it.
#[derive(Clone)]
pub(in super::super) struct Chunk {
    pub(in super::super) bytes: Bytes,
    pub(in super::super) refused: Option<StatusCode>,
}

#[derive(Default)]
struct Stored {
    chunks: HashMap<String, (Chunk, Instant)>,
    /// Ids, the oldest first.
    order: VecDeque<String>,
    bytes: usize,
}

impl Stored {
    fn drop_oldest(&mut self) {
        let oldest = self.order.pop_front().and_then(|id| self.chunks.remove(&id));
        self.bytes = self.bytes.saturating_sub(oldest.map_or(0, |(chunk, _)| chunk.bytes.len()));
    }
}

/// All chunks that can be fetched.
#[derive(Default)]
pub(in super::super) struct Chunks {
    stored: Mutex<Stored>,
}

impl Chunks {
    /// Stores one result's chunks and gives their ids. Older results make room; a result that cannot fit fails.
    pub(super) fn put(&self, chunks: Vec<Chunk>, settings: &Settings) -> Result<Vec<String>, Failure> {
        let bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        if bytes > settings.chunk_store_bytes {
            let message = format!(
                "the result takes {bytes} bytes of chunks, and the sandbox holds {} at most",
                settings.chunk_store_bytes
            );
            return Err(Failure::internal(message));
        }
        let ids = chunks.iter().map(|_| secret()).collect::<Result<Vec<_>, _>>()?;
        let mut stored = lock(&self.stored);
        let now = Instant::now();
        while stored.bytes + bytes > settings.chunk_store_bytes && !stored.order.is_empty() {
            stored.drop_oldest();
        }
        stored.bytes += bytes;
        for (id, chunk) in ids.iter().zip(chunks) {
            stored.order.push_back(id.clone());
            stored.chunks.insert(id.clone(), (chunk, now));
        }
        Ok(ids)
    }

    /// The chunk with this id, while it lives.
    pub(in super::super) fn get(&self, id: &str, settings: &Settings) -> Option<Chunk> {
        let mut stored = lock(&self.stored);
        let old = |at: &Instant| at.elapsed() > settings.chunk_lifetime;
        while stored.order.front().and_then(|id| stored.chunks.get(id)).is_some_and(|(_, at)| old(at)) {
            stored.drop_oldest();
        }
        stored.chunks.get(id).map(|(chunk, _)| chunk.clone())
    }
}
