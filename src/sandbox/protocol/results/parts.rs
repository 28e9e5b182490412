//! Which rows a result has, and how they are cut in an inline part and chunks.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use std::sync::Arc;

use super::Frame;
use crate::sandbox::protocol::engine::{Answer, Column, Failure, SnowflakeType, StatementKind};
use crate::sandbox::protocol::faults::FaultKind;

/// Drops the rows beyond what SHOW, `ROWS_PER_RESULTSET` or a fault allows.
pub(super) fn limit(answer: &mut Answer, frame: &Frame<'_>) {
    let show = (answer.kind == StatementKind::Show).then_some(frame.settings.show_rows);
    let fault = frame.faults.iter().find_map(|fault| match fault {
        FaultKind::ShowCut { rows } => Some(*rows),
        _ => None,
    });
    let Some(mut left) = [show, fault, frame.most_rows].into_iter().flatten().min() else { return };
    for batch in &mut answer.batches {
        let rows = batch.num_rows().min(left);
        *batch = batch.slice(0, rows);
        left -= rows;
    }
    answer.batches.retain(|batch| batch.num_rows() > 0);
}

/// A row that is NULL in every column.
pub(super) fn null_row(columns: &[Column]) -> Result<RecordBatch, Failure> {
    let nulls: Vec<ArrayRef> = columns.iter().map(|column| new_null_array(&plain_type(column), 1)).collect();
    let field = |(column, array): (&Column, &ArrayRef)| Field::new(&column.name, array.data_type().clone(), true);
    let schema = Schema::new(columns.iter().zip(&nulls).map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), nulls).map_err(Failure::internal)
}

fn plain_type(column: &Column) -> DataType {
    match column.data_type {
        SnowflakeType::Text | SnowflakeType::Variant | SnowflakeType::Object | SnowflakeType::Array => DataType::Utf8,
        SnowflakeType::Fixed { .. } => DataType::Int64,
        SnowflakeType::Boolean => DataType::Boolean,
        SnowflakeType::Real => DataType::Float64,
        SnowflakeType::Date => DataType::Date32,
        SnowflakeType::Time { .. } => DataType::Time64(TimeUnit::Nanosecond),
        SnowflakeType::TimestampLtz { .. } | SnowflakeType::TimestampNtz { .. } | SnowflakeType::TimestampTz { .. } => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        SnowflakeType::Binary => DataType::Binary,
    }
}

/// The rows of each part; the first part is inline.
pub(super) fn sizes(answer: &Answer, rows: usize, frame: &Frame<'_>) -> Result<Vec<usize>, Failure> {
    let settings = frame.settings;
    let row_bytes = answer.batches.iter().map(bytes_of).sum::<usize>().checked_div(rows).unwrap_or(0).max(1);
    let mut inline = settings.inline_rows.min(settings.inline_bytes / row_bytes);
    let mut chunk = settings.chunk_rows.min(settings.chunk_bytes / row_bytes).max(1);
    for fault in frame.faults {
        if let FaultKind::Split { inline_rows, chunk_rows } = fault {
            (inline, chunk) = (*inline_rows, (*chunk_rows).max(1));
        }
    }
    let mut sizes = vec![inline.min(rows)];
    let mut left = rows - inline.min(rows);
    while left > 0 {
        let size = chunk.min(left);
        sizes.push(size);
        left -= size;
    }
    let Some(needed) = frame.faults.iter().filter_map(FaultKind::chunk).max() else { return Ok(sizes) };
    // A fault of chunk n needs n + 1 chunks and the inline part: a smaller result is cut evenly.
    let parts = needed.saturating_add(2);
    if sizes.len() >= parts {
        return Ok(sizes);
    }
    if rows < parts {
        let message = format!("a fault of chunk {needed} needs a result of {parts} rows, and this one has {rows}");
        return Err(Failure::internal(message));
    }
    let each = rows / parts;
    let mut sizes = vec![each; parts];
    if let Some(first) = sizes.first_mut() {
        *first += rows % parts;
    }
    Ok(sizes)
}

/// About how many bytes a batch's own rows take, whatever buffers they share with others.
fn bytes_of(batch: &RecordBatch) -> usize {
    let of_array = |array: &ArrayRef| match array.as_string_view_opt() {
        Some(texts) => texts.iter().flatten().map(str::len).sum(),
        None => array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()),
    };
    batch.columns().iter().map(of_array).sum()
}

/// The rows of a result, given out once, in order.
pub(super) struct Rows {
    batches: std::vec::IntoIter<RecordBatch>,
    rest: Option<RecordBatch>,
}

impl Rows {
    pub(super) fn new(batches: Vec<RecordBatch>) -> Self {
        Self { batches: batches.into_iter(), rest: None }
    }

    /// The next so many rows; what was taken is not held any more.
    pub(super) fn take(&mut self, rows: usize) -> Vec<RecordBatch> {
        let mut part = Vec::new();
        let mut left = rows;
        while left > 0 {
            let Some(batch) = self.rest.take().or_else(|| self.batches.next()) else { break };
            let taken = left.min(batch.num_rows());
            if taken > 0 {
                part.push(batch.slice(0, taken));
            }
            if taken < batch.num_rows() {
                self.rest = Some(batch.slice(taken, batch.num_rows() - taken));
            }
            left -= taken;
        }
        part
    }
}
