//! A column's values in one canonical form, whatever Arrow array the engine answered with.

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    StringArray,
};
use datafusion::arrow::compute::kernels::aggregate::{max, min};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit};

use super::pretty::pretty;
use crate::sandbox::protocol::engine::{Column, Failure, SnowflakeType};

/// Digits of a second in Arrow's time units.
fn digits(unit: TimeUnit) -> u32 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// The values of one column.
pub(super) enum Values {
    /// Text, and JSON already laid out.
    Text(StringArray),
    /// Unscaled numbers.
    Fixed(Decimal128Array),
    Boolean(BooleanArray),
    Real(Float64Array),
    Date(Date32Array),
    /// Times and instants in units of 10^-`digits` seconds.
    Time {
        units: Int64Array,
        digits: u32,
    },
    Binary(BinaryArray),
}

impl Values {
    /// Reads an array as the column's type; an array that does not fit is the engine's fault.
    pub(super) fn read(column: &Column, array: &ArrayRef) -> Result<Self, Failure> {
        let cast = |to: &DataType| {
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(array, to, &strict)
                .map_err(|error| Failure::internal(format!("column {:?}: {error}", column.name)))
        };
        Ok(match column.data_type {
            SnowflakeType::Text => Self::Text(cast(&DataType::Utf8)?.as_string::<i32>().clone()),
            SnowflakeType::Variant | SnowflakeType::Object | SnowflakeType::Array => {
                let text = cast(&DataType::Utf8)?;
                let laid_out = text.as_string::<i32>().iter().map(|value| value.map(pretty).transpose());
                let laid_out: Result<StringArray, _> = laid_out.collect();
                Self::Text(laid_out.map_err(|error| {
                    Failure::internal(format!("column {:?} holds a value that is not JSON: {error}", column.name))
                })?)
            }
            SnowflakeType::Fixed { scale, .. } => {
                let to = DataType::Decimal128(38, i8::try_from(scale).unwrap_or(38));
                Self::Fixed(cast(&to)?.as_primitive::<Decimal128Type>().clone())
            }
            SnowflakeType::Boolean => Self::Boolean(cast(&DataType::Boolean)?.as_boolean().clone()),
            SnowflakeType::Real => Self::Real(cast(&DataType::Float64)?.as_primitive::<Float64Type>().clone()),
            SnowflakeType::Date => Self::Date(cast(&DataType::Date32)?.as_primitive::<Date32Type>().clone()),
            SnowflakeType::Time { .. }
            | SnowflakeType::TimestampLtz { .. }
            | SnowflakeType::TimestampNtz { .. }
            | SnowflakeType::TimestampTz { .. } => {
                let is_time = matches!(column.data_type, SnowflakeType::Time { .. });
                let digits = match array.data_type() {
                    DataType::Timestamp(unit, _) if !is_time => digits(*unit),
                    DataType::Time32(unit) | DataType::Time64(unit) if is_time => digits(*unit),
                    other => {
                        let message = format!("column {:?} is a time but its values are {other}", column.name);
                        return Err(Failure::internal(message));
                    }
                };
                let units = match array.data_type() {
                    DataType::Time32(_) => cast(&DataType::Int32)?,
                    _ => cast(&DataType::Int64)?,
                };
                let units = if units.data_type() == &DataType::Int32 {
                    units.as_primitive::<datafusion::arrow::datatypes::Int32Type>().unary(i64::from)
                } else {
                    units.as_primitive::<Int64Type>().clone()
                };
                Self::Time { units, digits }
            }
            SnowflakeType::Binary => Self::Binary(cast(&DataType::Binary)?.as_binary::<i32>().clone()),
        })
    }

    /// Reads an array only if the column is a number.
    pub(super) fn read_number(column: &Column, array: &ArrayRef) -> Result<Option<Self>, Failure> {
        let is_number = matches!(column.data_type, SnowflakeType::Fixed { .. });
        if is_number { Self::read(column, array).map(Some) } else { Ok(None) }
    }

    /// The smallest and largest unscaled number, if this is a number column with values.
    pub(super) fn range(&self) -> Option<(i128, i128)> {
        match self {
            Self::Fixed(numbers) => min(numbers).zip(max(numbers)),
            _ => None,
        }
    }
}

/// A count of 10^-`from` seconds as a count of 10^-`to` seconds, rounded down.
pub(super) fn rescale(units: i64, from: u32, to: u32) -> i128 {
    let units = i128::from(units);
    if to >= from {
        // At most 10^9 times an i64: fits an i128.
        units * 10_i128.pow(to - from)
    } else {
        units.div_euclid(10_i128.pow(from - to))
    }
}
