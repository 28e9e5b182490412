//! The rows that a cursor has read, kept so that it can go back to them.

use std::sync::Arc;

use datafusion::arrow::array::UInt64Array;
use datafusion::arrow::compute::take;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::super::error::{SqlError, out_of_memory};
use super::memory::Share;
use super::rows::Piece;
use crate::config::size;

/// Bytes that are kept for a cursor that was not declared SCROLL.
const UNASKED: usize = 1 << 20;

/// All rows from the first one, in order.
pub(super) struct Trail {
    /// With the number of rows before each.
    batches: Vec<(u64, RecordBatch)>,
    rows: u64,
    bytes: usize,
    /// Declared SCROLL.
    is_promised: bool,
    share: Option<Arc<Share>>,
}

impl Trail {
    /// Of a cursor that has read nothing yet.
    pub(super) fn new(is_promised: bool, share: Option<Arc<Share>>) -> Self {
        Self { batches: Vec::new(), rows: 0, bytes: 0, is_promised, share }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps the next rows. `false`: they are too many for a cursor that was not promised to go back. 53200: a statement
    /// may not use so much memory.
    pub(super) fn keep(&mut self, batch: RecordBatch) -> Result<bool, SqlError> {
        let more = batch.get_array_memory_size();
        let bytes = self.bytes.saturating_add(more);
        if !self.is_promised && bytes > UNASKED {
            return Ok(false);
        }
        if let Some(share) = &self.share {
            let most = share.most();
            if bytes > most {
                let most = size::shown(most as u64);
                return Err(out_of_memory(format!(
                    "The cursor would keep more than the {most} that a statement may use (statement_memory)."
                ))
                .with_hint("Declare it with NO SCROLL: then it keeps nothing."));
            }
            share.make(more)?;
        }
        let before = self.rows;
        self.rows = before.saturating_add(batch.num_rows() as u64);
        self.bytes = bytes;
        self.batches.push((before, batch));
        Ok(true)
    }

    /// Up to `most` rows after the first `passed` ones.
    pub(super) fn after(&self, passed: u64, most: usize) -> Option<Piece> {
        let (before, batch) = self.batch_of(passed)?;
        let start = usize::try_from(passed - before).ok()?;
        Some(Piece { batch: batch.clone(), start, count: (batch.num_rows() - start).min(most) })
    }

    /// Up to `most` rows before the row with this number, the nearest first. The first row is number one.
    pub(super) fn before(&self, number: u64, most: usize) -> Result<Option<Piece>, SqlError> {
        // Counted from zero.
        let Some(last) = number.checked_sub(2) else { return Ok(None) };
        let Some((before, batch)) = self.batch_of(last) else { return Ok(None) };
        let first = last.saturating_add(1).saturating_sub(most as u64).max(before);
        let indices = UInt64Array::from_iter_values((first - before..=last - before).rev());
        let columns = batch
            .columns()
            .iter()
            .map(|column| take(column, &indices, None))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| SqlError::internal())?;
        let count = indices.values().len();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch =
            RecordBatch::try_new_with_options(batch.schema(), columns, &options).map_err(|_| SqlError::internal())?;
        Ok(Some(Piece { batch, start: 0, count }))
    }

    /// The batch that has the row, counted from zero, and the number of rows before the batch.
    fn batch_of(&self, row: u64) -> Option<(u64, &RecordBatch)> {
        let next = self.batches.partition_point(|(before, _)| *before <= row);
        let (before, batch) = self.batches.get(next.checked_sub(1)?)?;
        (row < self.rows).then_some((*before, batch))
    }
}
