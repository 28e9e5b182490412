//! Values to the wire: PostgreSQL's text and binary forms.

mod binary;
mod text;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch, StructArray};
use datafusion::arrow::datatypes::DataType;
use postgres_types::Type;

use super::error::SqlError;
use super::pgcatalog::functions::{array_output_function, output_function};
use super::pgcatalog::types::is_vector;
use super::query::shape::{Column, Formats};
use super::values::numerics;
use super::values::timetz::{self, TimeTz};

pub(crate) use binary::{column as binary_value, copy_row as copy_row_binary, put_numeric};

/// What the form of a value depends on.
#[derive(Clone, Copy, Default)]
pub(crate) struct Style {
    /// The session's zone; `None` is UTC.
    pub zone: Option<Tz>,
    /// `bytea_output = escape`.
    pub escape_bytea: bool,
}

/// Appends a `DataRow` message.
pub(crate) fn data_row(
    out: &mut BytesMut,
    batch: &RecordBatch,
    row: usize,
    columns: &[Column],
    formats: &Formats,
    style: &Style,
) -> Result<(), SqlError> {
    let start = out.len();
    out.put_u8(b'D');
    out.put_i32(0);
    out.put_u16(columns.len() as u16);
    for (index, (array, column)) in batch.columns().iter().zip(columns).enumerate() {
        sized(out, |out| {
            if formats.binary(index)? {
                binary::column(out, array, row, column)
            } else {
                text_value(out, array, row, column, style)
            }
        })?;
    }
    let length = out.len().saturating_sub(start).saturating_sub(1);
    patch(out, start + 1, length)
}

/// One value in text form; `false` is NULL.
pub(crate) fn text_value(
    out: &mut BytesMut,
    array: &ArrayRef,
    row: usize,
    column: &Column,
    style: &Style,
) -> Result<bool, SqlError> {
    let array = part(array, &column.pg, Part::Name);
    if column.lower != 1 && !is_vector(column.pg.name()) {
        text::put_bounds(out, &array, row, column.lower);
    }
    text::value(out, &array, row, &column.pg, style)
}

/// The parts of an object identifier in a result.
#[derive(Clone, Copy)]
enum Part {
    /// What is sent in binary.
    Number,
    /// What is sent as text.
    Name,
}

/// That part of the identifiers in an array, or the array where it has none.
fn part<'a>(array: &'a ArrayRef, pg: &Type, part: Part) -> Cow<'a, ArrayRef> {
    let has_parts = || output_function(pg.name()).or_else(|| array_output_function(pg.name())).is_some();
    match array.as_struct_opt().map(StructArray::columns) {
        Some([number, name]) if has_parts() => Cow::Owned(Arc::clone(match part {
            Part::Number => number,
            Part::Name => name,
        })),
        _ => Cow::Borrowed(array),
    }
}

/// Writes a length, then what `write` appends, or -1 when that is NULL.
fn sized(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut) -> Result<bool, SqlError>) -> Result<(), SqlError> {
    let start = out.len();
    out.put_i32(-1);
    if write(out)? {
        let length = out.len().saturating_sub(start).saturating_sub(4);
        patch(out, start, length)?;
    } else {
        out.truncate(start + 4);
    }
    Ok(())
}

fn patch(out: &mut BytesMut, at: usize, length: usize) -> Result<(), SqlError> {
    let too_long = || SqlError::new("54000", "a row is larger than 1 GB");
    let length = i32::try_from(length).ok().filter(|length| *length < 0x3fff_ffff).ok_or_else(too_long)?;
    match out.get_mut(at..at + 4) {
        Some(place) => {
            place.copy_from_slice(&length.to_be_bytes());
            Ok(())
        }
        None => Err(SqlError::internal()),
    }
}

/// The array and row behind a dictionary's key.
fn undictionary(array: &ArrayRef, row: usize) -> Option<(ArrayRef, usize)> {
    let dictionary = array.as_any_dictionary_opt()?;
    let key = dictionary.normalized_keys().get(row).copied()?;
    Some((Arc::clone(dictionary.values()), key))
}

/// A whole number of any width.
fn integer(array: &dyn Array, row: usize) -> Option<i128> {
    use datafusion::arrow::datatypes as t;
    Some(match array.data_type() {
        DataType::Int8 => array.as_primitive::<t::Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<t::Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<t::Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<t::Int64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<t::UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<t::UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<t::UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<t::UInt64Type>().value(row).into(),
        _ => return None,
    })
}

/// The text of a string array of any kind.
fn string(array: &dyn Array, row: usize) -> Option<&str> {
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row),
        DataType::Utf8View => array.as_string_view().value(row),
        _ => return None,
    })
}

/// The bytes of a binary array of any kind.
fn bytes(array: &dyn Array, row: usize) -> Option<&[u8]> {
    Some(match array.data_type() {
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        DataType::BinaryView => array.as_binary_view().value(row),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        _ => return None,
    })
}

/// A time with its zone.
fn time_with_zone(array: &dyn Array, row: usize) -> Option<TimeTz> {
    let is_one = *array.data_type() == timetz::KIND;
    is_one.then(|| TimeTz::of(array.as_fixed_size_binary().value(row))).flatten()
}

/// Days since 1970 of a date array.
fn days(array: &dyn Array, row: usize) -> Option<i64> {
    use datafusion::arrow::datatypes as t;
    Some(match array.data_type() {
        DataType::Date32 => array.as_primitive::<t::Date32Type>().value(row).into(),
        DataType::Date64 => array.as_primitive::<t::Date64Type>().value(row).div_euclid(86_400_000),
        _ => return None,
    })
}

/// Microseconds since 1970 (timestamps) or midnight (times) of an array; 22008 when they do not fit.
fn micros(array: &dyn Array, row: usize) -> Result<Option<i64>, SqlError> {
    use datafusion::arrow::datatypes::{self as t, TimeUnit};
    let (value, unit) = match array.data_type() {
        DataType::Timestamp(unit, _) => (
            match unit {
                TimeUnit::Second => array.as_primitive::<t::TimestampSecondType>().value(row),
                TimeUnit::Millisecond => array.as_primitive::<t::TimestampMillisecondType>().value(row),
                TimeUnit::Microsecond => array.as_primitive::<t::TimestampMicrosecondType>().value(row),
                TimeUnit::Nanosecond => array.as_primitive::<t::TimestampNanosecondType>().value(row),
            },
            *unit,
        ),
        DataType::Time32(TimeUnit::Second) => {
            (array.as_primitive::<t::Time32SecondType>().value(row).into(), TimeUnit::Second)
        }
        DataType::Time32(_) => {
            (array.as_primitive::<t::Time32MillisecondType>().value(row).into(), TimeUnit::Millisecond)
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            (array.as_primitive::<t::Time64NanosecondType>().value(row), TimeUnit::Nanosecond)
        }
        DataType::Time64(_) => (array.as_primitive::<t::Time64MicrosecondType>().value(row), TimeUnit::Microsecond),
        _ => return Ok(None),
    };
    scale_to_micros(value, unit).map(Some)
}

fn scale_to_micros(value: i64, unit: datafusion::arrow::datatypes::TimeUnit) -> Result<i64, SqlError> {
    use datafusion::arrow::datatypes::TimeUnit;
    match unit {
        TimeUnit::Second => value.checked_mul(1_000_000),
        TimeUnit::Millisecond => value.checked_mul(1_000),
        TimeUnit::Microsecond => Some(value),
        TimeUnit::Nanosecond => Some(value.div_euclid(1_000)),
    }
    .ok_or_else(|| SqlError::new("22008", "timestamp out of range"))
}

/// Months, days and microseconds of an interval or duration.
pub(crate) fn interval(array: &dyn Array, row: usize) -> Result<Option<(i32, i32, i64)>, SqlError> {
    use datafusion::arrow::datatypes::{self as t, IntervalUnit, TimeUnit};
    Ok(Some(match array.data_type() {
        DataType::Interval(IntervalUnit::YearMonth) => {
            (array.as_primitive::<t::IntervalYearMonthType>().value(row), 0, 0)
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let value = array.as_primitive::<t::IntervalDayTimeType>().value(row);
            (0, value.days, i64::from(value.milliseconds) * 1_000)
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let value = array.as_primitive::<t::IntervalMonthDayNanoType>().value(row);
            (value.months, value.days, value.nanoseconds / 1_000)
        }
        DataType::Duration(unit) => {
            let value = match unit {
                TimeUnit::Second => array.as_primitive::<t::DurationSecondType>().value(row),
                TimeUnit::Millisecond => array.as_primitive::<t::DurationMillisecondType>().value(row),
                TimeUnit::Microsecond => array.as_primitive::<t::DurationMicrosecondType>().value(row),
                TimeUnit::Nanosecond => array.as_primitive::<t::DurationNanosecondType>().value(row),
            };
            // The difference of two moments, which PostgreSQL shows in days and hours.
            let micros = scale_to_micros(value, *unit)?;
            (0, (micros / DAY_MICROS) as i32, micros % DAY_MICROS)
        }
        _ => return Ok(None),
    }))
}

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// The elements of a list value.
fn list(array: &dyn Array, row: usize) -> Option<ArrayRef> {
    Some(match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        _ => return None,
    })
}

/// A decimal as digits with a point.
fn decimal(array: &dyn Array, row: usize) -> Option<String> {
    use datafusion::arrow::datatypes as t;
    Some(match array.data_type() {
        DataType::Decimal32(..) => array.as_primitive::<t::Decimal32Type>().value_as_string(row),
        DataType::Decimal64(..) => array.as_primitive::<t::Decimal64Type>().value_as_string(row),
        DataType::Decimal128(precision, scale) => {
            numerics::shown(array.as_primitive::<t::Decimal128Type>().value(row), *precision, *scale)
        }
        DataType::Decimal256(..) => array.as_primitive::<t::Decimal256Type>().value_as_string(row),
        _ => return None,
    })
}

/// 22003 for a number that the announced type cannot hold.
fn out_of_range(pg: &Type) -> SqlError {
    let name = match *pg {
        Type::INT2 => "smallint",
        Type::INT8 => "bigint",
        _ => "integer",
    };
    SqlError::new("22003", format!("{name} out of range"))
}

fn unsupported(array: &dyn Array) -> SqlError {
    tracing::warn!(target: "grantd::gateway", data_type = %array.data_type(), "a value has no form on the wire");
    SqlError::unsupported("a column has a type that PostgreSQL does not have")
}
