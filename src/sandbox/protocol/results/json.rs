//! Results as JSON rows: every cell a text or null.

use datafusion::arrow::array::Array;
use datafusion::arrow::record_batch::RecordBatch;
use serde_json::Value;
use std::fmt::Write as _;

use super::values::{Values, rescale};
use crate::sandbox::protocol::engine::{Column, Failure, SnowflakeType};

/// The rows of the batches, each an array of cells.
pub(super) fn rows(columns: &[Column], batches: &[RecordBatch]) -> Result<Vec<Value>, Failure> {
    let mut rows = Vec::new();
    for batch in batches {
        let values = read(columns, batch)?;
        for row in 0..batch.num_rows() {
            let cells = values.iter().map(|(column, values)| cell(column, values, row));
            rows.push(Value::Array(cells.map(|text| text.map_or(Value::Null, Value::String)).collect()));
        }
    }
    Ok(rows)
}

/// The first `most` rows as a chunk carries them: comma separated, without outer brackets.
pub(super) fn chunk(columns: &[Column], batches: &[RecordBatch], most: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut left = most;
    for batch in batches {
        let values = read(columns, batch)?;
        for row in 0..batch.num_rows().min(left) {
            bytes.extend_from_slice(if bytes.is_empty() { b"[" } else { b",[" });
            for (at, (column, values)) in values.iter().enumerate() {
                if at > 0 {
                    bytes.push(b',');
                }
                serde_json::to_writer(&mut bytes, &cell(column, values, row)).map_err(Failure::internal)?;
            }
            bytes.push(b']');
        }
        left = left.saturating_sub(batch.num_rows());
    }
    Ok(bytes)
}

fn read<'a>(columns: &'a [Column], batch: &RecordBatch) -> Result<Vec<(&'a Column, Values)>, Failure> {
    let read = |(column, array)| Ok((column, Values::read(column, array)?));
    columns.iter().zip(batch.columns()).map(read).collect()
}

fn cell(column: &Column, values: &Values, row: usize) -> Option<String> {
    match values {
        Values::Text(array) => array.is_valid(row).then(|| array.value(row).to_owned()),
        Values::Fixed(array) => array.is_valid(row).then(|| array.value_as_string(row)),
        Values::Boolean(array) => array.is_valid(row).then(|| if array.value(row) { "1" } else { "0" }.to_owned()),
        Values::Real(array) => array.is_valid(row).then(|| real(array.value(row))),
        Values::Date(array) => array.is_valid(row).then(|| array.value(row).to_string()),
        Values::Time { units, digits } => units.is_valid(row).then(|| time(column, units.value(row), *digits)),
        Values::Binary(array) => array.is_valid(row).then(|| hex(array.value(row))),
    }
}

fn real(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// Seconds since 1970 (or midnight) with `scale` decimals; with an offset, minutes + 1440 after a space.
fn time(column: &Column, units: i64, digits: u32) -> String {
    let (scale, offset) = match column.data_type {
        SnowflakeType::TimestampTz { scale } => (scale, " 1440"),
        SnowflakeType::Time { scale }
        | SnowflakeType::TimestampLtz { scale }
        | SnowflakeType::TimestampNtz { scale } => (scale, ""),
        _ => (9, ""),
    };
    let scale = u32::from(scale);
    let units = rescale(units, digits, scale);
    if scale == 0 {
        return format!("{units}{offset}");
    }
    let unit = 10_u128.pow(scale);
    let sign = if units < 0 { "-" } else { "" };
    let (seconds, fraction) = (units.unsigned_abs() / unit, units.unsigned_abs() % unit);
    format!("{sign}{seconds}.{fraction:0width$}{offset}", width = scale as usize)
}
