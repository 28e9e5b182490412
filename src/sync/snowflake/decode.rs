//! A result's values, decoded by the column types that the server sent, never by the type of the Arrow array.
//!
//! Text and semi-structured values become text, booleans boolean, whole numbers 64-bit integers, timestamps UTC
//! microseconds. Integer widths differ between chunks; NULL in a timestamp made of parts is the whole's own validity.

use super::call::{Answer, ColumnType};
use super::ipc;
use crate::sync::{SourceError, value};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Int64Builder, StringBuilder, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::StreamReader;
use serde_json::Value;
use snowflake_api::RawQueryResult;
use std::io::Cursor;
use std::sync::Arc;

/// What a column's values become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Target {
    Text,
    Boolean,
    Integer,
    /// A number with `scale` digits after the point, as text.
    Decimal(i32),
    /// Units of 10^-scale seconds since 1970.
    Timestamp(i32),
}

/// Decodes a result into batches of columns, in the server's order; every promised row is there.
///
/// # Errors
/// Rows are missing, the bytes are no Arrow, a type is not read, or a value does not fit its type.
pub(super) fn result(raw: RawQueryResult, answer: &Answer) -> Result<Vec<Vec<ArrayRef>>, SourceError> {
    let targets: Vec<Target> = answer.columns.iter().map(target).collect::<Result<_, _>>()?;
    let batches = match raw {
        RawQueryResult::Json(json) => {
            let Value::Array(rows) = json.value else {
                return Err(SourceError::Incomplete("the rows are no list".to_owned()));
            };
            vec![json_rows(&rows, answer, &targets)?]
        }
        RawQueryResult::Bytes(streams) => {
            if streams.len() != answer.stream_rows.len() {
                return Err(SourceError::Incomplete(format!(
                    "{} of {} parts arrived",
                    streams.len(),
                    answer.stream_rows.len()
                )));
            }
            let mut batches = Vec::new();
            for (number, (bytes, promised)) in streams.iter().zip(&answer.stream_rows).enumerate() {
                let before = count(&batches);
                arrow_stream(bytes, answer, &targets, &mut batches)?;
                let rows = count(&batches) - before;
                if rows as u64 != *promised {
                    return Err(SourceError::Incomplete(format!("part {number} holds {rows} of {promised} rows")));
                }
            }
            batches
        }
        RawQueryResult::Empty => Vec::new(),
    };
    let rows = count(&batches) as u64;
    match answer.total {
        Some(total) if total != rows => Err(SourceError::Incomplete(format!("{rows} of {total} rows arrived"))),
        _ => Ok(batches),
    }
}

fn count(batches: &[Vec<ArrayRef>]) -> usize {
    batches.iter().map(|columns| columns.first().map_or(0, Array::len)).sum()
}

fn target(column: &ColumnType) -> Result<Target, SourceError> {
    Ok(match column.data_type.as_str() {
        "boolean" => Target::Boolean,
        "fixed" if column.scale == 0 => Target::Integer,
        "fixed" => Target::Decimal(column.scale),
        "timestamp_ltz" | "timestamp_ntz" | "timestamp_tz" => Target::Timestamp(column.scale),
        // A date in JSON is a number of days and a time a number of seconds: neither would read as what it is.
        "date" | "time" | "binary" => return Err(unsupported(column)),
        _ => Target::Text,
    })
}

fn unsupported(column: &ColumnType) -> SourceError {
    SourceError::UnsupportedType { column: column.name.clone(), data_type: column.data_type.clone() }
}

// JSON

fn json_rows(rows: &[Value], answer: &Answer, targets: &[Target]) -> Result<Vec<ArrayRef>, SourceError> {
    let width = targets.len();
    if let Some(row) = rows.iter().position(|r| r.as_array().is_none_or(|cells| cells.len() != width)) {
        return Err(SourceError::Incomplete(format!("row {} does not have the {width} promised columns", row + 1)));
    }
    answer
        .columns
        .iter()
        .zip(targets)
        .enumerate()
        .map(|(i, (column, target))| json_column(rows, i, column, *target))
        .collect()
}

fn json_column(rows: &[Value], index: usize, column: &ColumnType, target: Target) -> Result<ArrayRef, SourceError> {
    let cells = rows.iter().enumerate().map(|(number, row)| (number + 1, row.get(index).unwrap_or(&Value::Null)));
    // Emulators send numbers and booleans bare, Snowflake sends everything as text.
    let text = |cell: &Value| match cell {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let wrong = |row: usize, text: &str| SourceError::Value {
        column: column.name.clone(),
        row,
        value: format!("{:?}", value::short(text)),
        data_type: column.data_type.clone(),
    };
    Ok(match target {
        Target::Text | Target::Decimal(_) => {
            let mut out = StringBuilder::new();
            for (_, cell) in cells {
                match cell {
                    Value::String(text) => out.append_value(text),
                    other => out.append_option(text(other)),
                }
            }
            Arc::new(out.finish())
        }
        Target::Boolean => {
            let mut out = BooleanBuilder::new();
            for (row, cell) in cells {
                let parsed = text(cell).map(|t| value::boolean(&t).ok_or_else(|| wrong(row, &t))).transpose()?;
                out.append_option(parsed);
            }
            Arc::new(out.finish())
        }
        Target::Integer => {
            let mut out = Int64Builder::new();
            for (row, cell) in cells {
                let parsed = text(cell).map(|t| t.parse().map_err(|_| wrong(row, &t))).transpose()?;
                out.append_option(parsed);
            }
            Arc::new(out.finish())
        }
        Target::Timestamp(_) => {
            let mut out = TimestampMicrosecondBuilder::new();
            for (row, cell) in cells {
                let parsed = text(cell)
                    // TIMESTAMP_TZ is followed by its offset; the seconds before it are UTC.
                    .map(|t| value::seconds(t.split(' ').next().unwrap_or(&t)).ok_or_else(|| wrong(row, &t)))
                    .transpose()?;
                out.append_option(parsed);
            }
            utc(out.finish())
        }
    })
}

fn utc(array: TimestampMicrosecondArray) -> ArrayRef {
    Arc::new(array.with_timezone("UTC"))
}

// Arrow

fn arrow_stream(
    bytes: &[u8],
    answer: &Answer,
    targets: &[Target],
    out: &mut Vec<Vec<ArrayRef>>,
) -> Result<(), SourceError> {
    ipc::check(bytes)?;
    let broken = |e: ArrowError| SourceError::Incomplete(format!("an Arrow stream cannot be read ({e})"));
    for batch in StreamReader::try_new(Cursor::new(bytes), None).map_err(broken)? {
        let batch = batch.map_err(broken)?;
        if batch.num_columns() != targets.len() {
            return Err(SourceError::Incomplete(format!(
                "a part of the result has {} of {} columns",
                batch.num_columns(),
                targets.len()
            )));
        }
        let columns = batch.columns().iter().zip(answer.columns.iter().zip(targets));
        out.push(
            columns.map(|(array, (column, target))| arrow_column(array, column, *target)).collect::<Result<_, _>>()?,
        );
    }
    Ok(())
}

fn arrow_column(array: &ArrayRef, column: &ColumnType, target: Target) -> Result<ArrayRef, SourceError> {
    let refused = |_: ArrowError| unsupported(column);
    match target {
        Target::Text => match array.data_type() {
            DataType::Utf8 => Ok(array.clone()),
            DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => cast(array, &DataType::Utf8).map_err(refused),
            _ => Err(unsupported(column)),
        },
        Target::Boolean => cast(array, &DataType::Boolean).map_err(refused),
        Target::Integer => match array.data_type() {
            DataType::Decimal128(_, 0) => {
                let wide = array.as_primitive::<datafusion::arrow::datatypes::Decimal128Type>();
                let fits = wide.iter().flatten().all(|v| i64::try_from(v).is_ok());
                cast(array, if fits { &DataType::Int64 } else { &DataType::Utf8 }).map_err(refused)
            }
            t if t.is_integer() || *t == DataType::Null => cast(array, &DataType::Int64).map_err(refused),
            _ => Err(unsupported(column)),
        },
        Target::Decimal(scale) => decimal(array, scale).ok_or_else(|| unsupported(column)),
        Target::Timestamp(scale) => timestamp(array, column, scale),
    }
}

/// Unscaled integers as text with the point set.
fn decimal(array: &ArrayRef, scale: i32) -> Option<ArrayRef> {
    if matches!(array.data_type(), DataType::Decimal128(..)) {
        return cast(array, &DataType::Utf8).ok();
    }
    if !array.data_type().is_integer() {
        return None;
    }
    let whole = cast(array, &DataType::Int64).ok()?;
    let scale = u32::try_from(scale).ok()?;
    let unit = 10_i128.checked_pow(scale)?;
    let mut out = StringBuilder::new();
    for value in whole.as_primitive::<Int64Type>() {
        out.append_option(value.map(|v| {
            let v = i128::from(v);
            let sign = if v < 0 { "-" } else { "" };
            format!("{sign}{}.{:0width$}", v.abs() / unit, v.abs() % unit, width = scale as usize)
        }));
    }
    Some(Arc::new(out.finish()))
}

/// The three encodings: a number; `epoch` and `fraction` (nanoseconds); either with `timezone`, which only says how
/// to show the instant.
fn timestamp(array: &ArrayRef, column: &ColumnType, scale: i32) -> Result<ArrayRef, SourceError> {
    let overflow = |row: usize| SourceError::Value {
        column: column.name.clone(),
        row: row + 1,
        value: "a time beyond the year 294,000".to_owned(),
        data_type: column.data_type.clone(),
    };
    let mut out = TimestampMicrosecondBuilder::with_capacity(array.len());
    match array.data_type() {
        DataType::Timestamp(..) => {
            let micros = DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Microsecond, None);
            let array = cast(array, &micros).map_err(|_| unsupported(column))?;
            return Ok(utc(array.as_primitive::<datafusion::arrow::datatypes::TimestampMicrosecondType>().clone()));
        }
        DataType::Struct(_) => {
            let parts = array.as_struct();
            let field = |name: &str, to: &DataType| {
                let field = parts.column_by_name(name)?;
                field.data_type().is_integer().then(|| cast(field, to).ok()).flatten()
            };
            let epoch = field("epoch", &DataType::Int64).ok_or_else(|| unsupported(column))?;
            let epoch = epoch.as_primitive::<Int64Type>();
            let fraction = field("fraction", &DataType::Int32);
            let fraction = fraction.as_ref().map(AsArray::as_primitive::<Int32Type>);
            for row in 0..parts.len() {
                // The children hold 0 where the whole is NULL.
                if parts.is_null(row) {
                    out.append_null();
                    continue;
                }
                let micros = match fraction {
                    Some(fraction) => epoch
                        .value(row)
                        .checked_mul(1_000_000)
                        .and_then(|s| s.checked_add(i64::from(fraction.value(row)).div_euclid(1_000))),
                    None => scaled(epoch.value(row), scale),
                };
                out.append_value(micros.ok_or_else(|| overflow(row))?);
            }
        }
        t if t.is_integer() => {
            let numbers = cast(array, &DataType::Int64).map_err(|_| unsupported(column))?;
            for (row, value) in numbers.as_primitive::<Int64Type>().iter().enumerate() {
                let micros = value.map(|v| scaled(v, scale).ok_or_else(|| overflow(row))).transpose()?;
                out.append_option(micros);
            }
        }
        DataType::Null => (0..array.len()).for_each(|_| out.append_null()),
        _ => return Err(unsupported(column)),
    }
    Ok(utc(out.finish()))
}

/// Units of 10^-scale seconds as microseconds.
fn scaled(value: i64, scale: i32) -> Option<i64> {
    match scale {
        0..=6 => value.checked_mul(10_i64.checked_pow(u32::try_from(6 - scale).ok()?)?),
        7..=9 => Some(value.div_euclid(10_i64.checked_pow(u32::try_from(scale - 6).ok()?)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
