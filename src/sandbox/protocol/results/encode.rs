//! One part of a result at a time: encoded, compressed, and then held as compressed bytes only.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::record_batch::RecordBatch;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::io::Write as _;

use super::arrow::{self, End, Width};
use super::values::Values;
use super::{Chunk, Format, Frame, json};
use crate::sandbox::protocol::engine::{Column, Failure};
use crate::sandbox::protocol::faults::FaultKind;

/// Encodes the parts of one result.
pub(super) struct Encoder<'a> {
    columns: &'a [Column],
    /// How wide each column's whole numbers are, in every part the same.
    widths: Vec<Width>,
    frame: &'a Frame<'a>,
}

/// A chunk as the client is told of it and will fetch it.
pub(super) struct Encoded {
    /// The rows that the client is told.
    pub(super) rows: i64,
    /// Bytes before compression.
    pub(super) plain: usize,
    /// Bytes after it.
    pub(super) compressed: usize,
    pub(super) chunk: Chunk,
}

impl<'a> Encoder<'a> {
    /// For a result of these columns and all of these rows.
    pub(super) fn new(columns: &'a [Column], rows: &[RecordBatch], frame: &'a Frame<'a>) -> Result<Self, Failure> {
        let widths = match frame.format {
            Format::Arrow => widths(columns, rows)?,
            Format::Json => Vec::new(),
        };
        let needs_arrow =
            |fault: &&FaultKind| matches!(fault, FaultKind::MixedIntegerWidths | FaultKind::ChunkMissingEos { .. });
        if let (Format::Json, Some(fault)) = (frame.format, frame.faults.iter().find(needs_arrow)) {
            return Err(Failure::internal(format!("the fault {fault:?} needs an Arrow result, and this one is JSON")));
        }
        Ok(Self { columns, widths, frame })
    }

    /// The part that travels in the answer itself: its key and its value.
    pub(super) fn inline(&self, batches: &[RecordBatch]) -> Result<(String, Value), Failure> {
        let empty = self.frame.faults.contains(&FaultKind::EmptyInline);
        let batches = if empty { &[] } else { batches };
        Ok(match self.frame.format {
            Format::Json => ("rowset".to_owned(), Value::Array(json::rows(self.columns, batches)?)),
            Format::Arrow => {
                let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                let bytes = if rows == 0 { Vec::new() } else { self.arrow(0, batches)? };
                ("rowsetBase64".to_owned(), STANDARD.encode(bytes).into())
            }
        })
    }

    /// A chunk; `number` counts parts, the inline one is 0.
    pub(super) fn chunk(&self, number: usize, batches: &[RecordBatch]) -> Result<Encoded, Failure> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let plain = match self.frame.format {
            Format::Json => self.json(number, rows, batches)?,
            Format::Arrow => self.arrow(number, batches)?,
        };
        let mut bytes = gzip(&plain).map_err(Failure::internal)?;
        let compressed = bytes.len();
        let mut refused = None;
        let mut told = rows as i64;
        for fault in self.faults(number) {
            match fault {
                FaultKind::ChunkStatus { status, .. } => refused = StatusCode::from_u16(*status).ok(),
                FaultKind::ChunkRowCount { by, .. } => told = told.saturating_add(*by),
                // A header no decoder takes, so that no damage goes unseen.
                FaultKind::ChunkWrongGzip { .. } => bytes.iter_mut().take(4).for_each(|byte| *byte ^= 0x55),
                _ => {}
            }
        }
        let chunk = Chunk { bytes: Bytes::from(bytes), refused };
        Ok(Encoded { rows: told, plain: plain.len(), compressed, chunk })
    }

    /// The faults of a part that is a chunk: part 0 is inline, part 1 is chunk 0.
    fn faults(&self, part: usize) -> impl Iterator<Item = &'a FaultKind> {
        let of_part = move |fault: &&FaultKind| fault.chunk().is_some_and(|chunk| chunk.checked_add(1) == Some(part));
        self.frame.faults.iter().filter(of_part)
    }

    fn arrow(&self, number: usize, batches: &[RecordBatch]) -> Result<Vec<u8>, Failure> {
        let mixed = self.frame.faults.contains(&FaultKind::MixedIntegerWidths);
        let widths: Vec<Width> = self.widths.iter().map(|w| if mixed { w.varied(number) } else { *w }).collect();
        let mut batches = arrow::encode(self.columns, batches, &widths)?;
        if let Some(first) = batches.first() {
            batches = vec![concat_batches(&first.schema(), &batches).map_err(Failure::internal)?];
        }
        let mut end = End::Marked;
        let mut cut = false;
        for fault in self.faults(number) {
            match fault {
                FaultKind::ChunkCutAtBoundary { .. } => {
                    batches = batches.iter().map(|batch| batch.slice(0, batch.num_rows() / 2)).collect();
                    end = End::Open;
                }
                FaultKind::ChunkMissingEos { .. } => end = End::Open,
                FaultKind::ChunkCutMidMessage { .. } => cut = true,
                _ => {}
            }
        }
        let mut bytes = arrow::stream(&batches, end)?;
        if cut {
            // The last message's body is cut: more than the end marker goes, and less than the message.
            bytes.truncate(bytes.len().saturating_sub(16));
        }
        Ok(bytes)
    }

    fn json(&self, number: usize, rows: usize, batches: &[RecordBatch]) -> Result<Vec<u8>, Failure> {
        let (mut most, mut cut) = (rows, false);
        for fault in self.faults(number) {
            match fault {
                FaultKind::ChunkCutAtBoundary { .. } => most = rows / 2,
                FaultKind::ChunkCutMidMessage { .. } => cut = true,
                _ => {}
            }
        }
        let mut bytes = json::chunk(self.columns, batches, most)?;
        if cut {
            bytes.truncate(bytes.len().saturating_sub(2));
        }
        Ok(bytes)
    }
}

/// The least width that holds all whole numbers of each column.
fn widths(columns: &[Column], rows: &[RecordBatch]) -> Result<Vec<Width>, Failure> {
    let mut widths = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let mut width = Width::One;
        for array in rows.iter().filter_map(|batch| batch.columns().get(at)) {
            let range = Values::read_number(column, array)?.as_ref().and_then(Values::range);
            width = width.max(range.map_or(Width::One, Width::holding));
        }
        widths.push(width);
    }
    Ok(widths)
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}
