//! A view as a list of columns, each with its type and where its value comes from.

use datafusion::arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use grantd_catalog::account::Micros;
use std::collections::HashMap;
use std::sync::Arc;

/// Field metadata: the Snowflake type where the Arrow type does not say it.
pub const TYPE_KEY: &str = "snowflake_type";
/// The value of [`TYPE_KEY`] for VARIANT: JSON text.
pub const VARIANT: &str = "VARIANT";

/// The time zone of `TIMESTAMP_LTZ` columns.
const UTC: &str = "UTC";

/// A column's type and how a row fills it.
enum Fill<R> {
    Text(fn(&R) -> Option<String>),
    Number(fn(&R) -> Option<i64>),
    Boolean(fn(&R) -> Option<bool>),
    Time(fn(&R) -> Option<Micros>),
    Variant(fn(&R) -> Option<String>),
}

/// A column of a view over rows of type `R`.
pub(super) struct Column<R> {
    name: &'static str,
    fill: Fill<R>,
}

/// A VARCHAR column.
pub(super) const fn text<R>(name: &'static str, value: fn(&R) -> Option<String>) -> Column<R> {
    Column { name, fill: Fill::Text(value) }
}

/// A NUMBER column.
pub(super) const fn number<R>(name: &'static str, value: fn(&R) -> Option<i64>) -> Column<R> {
    Column { name, fill: Fill::Number(value) }
}

/// A BOOLEAN column.
pub(super) const fn boolean<R>(name: &'static str, value: fn(&R) -> Option<bool>) -> Column<R> {
    Column { name, fill: Fill::Boolean(value) }
}

/// A `TIMESTAMP_LTZ` column.
pub(super) const fn time<R>(name: &'static str, value: fn(&R) -> Option<Micros>) -> Column<R> {
    Column { name, fill: Fill::Time(value) }
}

/// A VARIANT column, its values as JSON text.
pub(super) const fn variant<R>(name: &'static str, value: fn(&R) -> Option<String>) -> Column<R> {
    Column { name, fill: Fill::Variant(value) }
}

/// A VARCHAR column of what the sandbox does not hold: always NULL.
pub(super) const fn no_text<R>(name: &'static str) -> Column<R> {
    text(name, |_| None)
}

/// A NUMBER column that is always NULL.
pub(super) const fn no_number<R>(name: &'static str) -> Column<R> {
    number(name, |_| None)
}

/// A BOOLEAN column that is always NULL.
pub(super) const fn no_boolean<R>(name: &'static str) -> Column<R> {
    boolean(name, |_| None)
}

/// A `TIMESTAMP_LTZ` column that is always NULL.
pub(super) const fn no_time<R>(name: &'static str) -> Column<R> {
    time(name, |_| None)
}

/// Rows of a batch: enough for the work per batch not to count.
const BATCH_ROWS: usize = 8_192;

/// The rows as batches; one without rows when there are none. Rows are made a batch at a time.
pub(super) fn batches<R>(
    columns: &[Column<R>],
    rows: impl IntoIterator<Item = R>,
) -> Result<Vec<RecordBatch>, ArrowError> {
    let mut rows = rows.into_iter();
    let mut batches = Vec::new();
    loop {
        let part: Vec<R> = rows.by_ref().take(BATCH_ROWS).collect();
        if part.is_empty() && !batches.is_empty() {
            return Ok(batches);
        }
        let last = part.len() < BATCH_ROWS;
        batches.push(batch(columns, &part)?);
        if last {
            return Ok(batches);
        }
    }
}

fn batch<R>(columns: &[Column<R>], rows: &[R]) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for column in columns {
        let array: ArrayRef = match column.fill {
            Fill::Text(value) | Fill::Variant(value) => Arc::new(rows.iter().map(value).collect::<StringArray>()),
            Fill::Number(value) => Arc::new(rows.iter().map(value).collect::<Int64Array>()),
            Fill::Boolean(value) => Arc::new(rows.iter().map(value).collect::<BooleanArray>()),
            Fill::Time(value) => {
                Arc::new(rows.iter().map(value).collect::<TimestampMicrosecondArray>().with_timezone(UTC))
            }
        };
        let mut field = Field::new(column.name, array.data_type().clone(), true);
        if matches!(column.fill, Fill::Variant(_)) {
            field = field.with_metadata(HashMap::from([(TYPE_KEY.to_owned(), VARIANT.to_owned())]));
        }
        fields.push(field);
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}

/// The Arrow type of `TIMESTAMP_LTZ`.
pub fn timestamp_ltz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}
