//! Moments, times and intervals with fewer digits of a second: `timestamp(0)`, `current_timestamp(3)`, `interval(1)`.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray as _};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::{self, TimezoneInfo};

use super::super::pgcatalog::errors::sql_error;
use super::super::pgcatalog::types;
use super::super::query::param_values::EPOCH_MICROS;
use super::casts::length_of;

/// The function's name for each type that it rounds values of, as in `pg_proc`.
const NAMES: [&str; 4] = ["timestamptz", "timestamp", "time", "interval"];
/// Digits that PostgreSQL keeps.
const MOST: u32 = 6;
/// An interval's modifier has the fields that it may have above its digits: all of them.
const ALL_FIELDS: i32 = 0x7fff << 16;

pub(super) fn functions() -> Vec<ScalarUDF> {
    let new = |name| Precision { name, signature: Signature::user_defined(Volatility::Immutable) };
    NAMES.into_iter().map(|name| ScalarUDF::new_from_impl(new(name))).collect()
}

/// The function of a type, and the digits that the type has; six is what every value has.
pub(super) fn taken(data_type: &mut ast::DataType) -> Option<(&'static str, u64)> {
    let zoned = |zone: &TimezoneInfo| matches!(zone, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone);
    let (name, digits) = match data_type {
        ast::DataType::Timestamp(digits, zone) => {
            (if zoned(zone) { "timestamptz" } else { "timestamp" }, digits.replace(MOST.into()))
        }
        ast::DataType::Time(digits, zone) if !zoned(zone) => ("time", digits.take()),
        ast::DataType::Interval { precision, .. } => ("interval", precision.take()),
        _ => return None,
    };
    digits.filter(|digits| *digits < MOST.into()).map(|digits| (name, digits))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Precision {
    name: &'static str,
    signature: Signature,
}

/// Rounded to so many digits, halves away from zero.
pub(super) fn rounded(micros: i64, digits: u32) -> i64 {
    let unit = 10_i64.pow(MOST.saturating_sub(digits));
    let half = if micros < 0 { -(unit / 2) } else { unit / 2 };
    micros.saturating_add(half) / unit * unit
}

impl ScalarUDFImpl for Precision {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.first().cloned().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let kinds: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let kind = self.return_type(&kinds)?;
        let digits = args.scalar_arguments.get(1).copied().flatten();
        let digits = digits.and_then(|digits| digits.to_string().parse::<i32>().ok()).unwrap_or_default().min(6);
        let modifier = if matches!(kind, DataType::Interval(_)) { ALL_FIELDS | digits } else { digits };
        let mut field = Field::new(self.name, kind, true);
        field.metadata_mut().insert(types::TYPMOD_KEY.to_owned(), modifier.to_string());
        Ok(field.into())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, _] = arguments else {
            return Err(sql_error("42883", format!("function {} takes a value and its digits", self.name)));
        };
        let value = match (self.name, value) {
            ("timestamp" | "timestamptz", DataType::Timestamp(_, zone)) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            ("timestamp", _) => DataType::Timestamp(TimeUnit::Microsecond, None),
            ("timestamptz", _) => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
            ("time", _) => DataType::Time64(TimeUnit::Microsecond),
            _ => DataType::Interval(IntervalUnit::MonthDayNano),
        };
        Ok(vec![value, DataType::Int64])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let digits = length_of(&args)?.and_then(|digits| u32::try_from(digits).ok()).unwrap_or(MOST).min(MOST);
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let value = value.to_array(args.number_rows)?;
        let out_of_range = || sql_error("22008", "timestamp out of range");
        let found: ArrayRef = match value.data_type() {
            // Moments are counted from 2000, and so are their halves.
            DataType::Timestamp(_, zone) => {
                let moments = value.as_primitive::<TimestampMicrosecondType>();
                let moments = moments.try_unary::<_, TimestampMicrosecondType, DataFusionError>(|at| {
                    let since = at.checked_sub(EPOCH_MICROS).ok_or_else(out_of_range)?;
                    rounded(since, digits).checked_add(EPOCH_MICROS).ok_or_else(out_of_range)
                })?;
                Arc::new(moments.with_timezone_opt(zone.clone()))
            }
            DataType::Time64(_) => {
                let times = value.as_primitive::<Time64MicrosecondType>();
                Arc::new(times.unary::<_, Time64MicrosecondType>(|time| rounded(time, digits)))
            }
            _ => {
                let intervals = cast(&value, &DataType::Interval(IntervalUnit::MonthDayNano))?;
                let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
                Arc::new(intervals.unary::<_, IntervalMonthDayNanoType>(|interval| {
                    let micros = rounded(interval.nanoseconds / 1_000, digits);
                    IntervalMonthDayNano::new(interval.months, interval.days, micros.saturating_mul(1_000))
                }))
            }
        };
        Ok(ColumnarValue::Array(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 rounds.
    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!(rounded(1_500_000, 0), 2_000_000);
        assert_eq!(rounded(-1_500_000, 0), -2_000_000);
        assert_eq!(rounded(-1_499_999, 0), -1_000_000);
        assert_eq!(rounded(765_432, 3), 765_000);
        assert_eq!(rounded(765_432, 6), 765_432);
    }
}
