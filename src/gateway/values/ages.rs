//! `age`: how long between two moments, in years, months, days and time; and the age of a transaction's number.

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, TimeZone as _, Timelike as _};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{AsArray as _, Int32Array, IntervalMonthDayNanoArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Int32Type, IntervalMonthDayNano, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::super::pgcatalog::functions::TRANSACTION;
use super::zones::{local, session_zone, zone_of};

/// The first number that a transaction can have: those below stand for rows that are always there.
const FIRST_TRANSACTION: i32 = 3;

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![ScalarUDF::new_from_impl(Age { signature: Signature::user_defined(Volatility::Stable) })]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Age {
    signature: Signature,
}

/// Years and months as months, days, and microseconds of a time, each of them with the same sign.
fn between(later: NaiveDateTime, earlier: NaiveDateTime) -> Option<(i32, i32, i64)> {
    if later < earlier {
        let (months, days, micros) = between_in_order(earlier, later)?;
        return Some((-months, -days, -micros));
    }
    between_in_order(later, earlier)
}

/// Field by field; what is below zero borrows from the next field, a day from the month of the earlier moment.
fn between_in_order(later: NaiveDateTime, earlier: NaiveDateTime) -> Option<(i32, i32, i64)> {
    let micros =
        |at: NaiveDateTime| i64::from(at.num_seconds_from_midnight()) * 1_000_000 + i64::from(at.nanosecond() / 1_000);
    let mut time = micros(later) - micros(earlier);
    let mut days = i32::try_from(later.day()).ok()? - i32::try_from(earlier.day()).ok()?;
    let mut months = (later.year() - earlier.year()) * 12 + i32::try_from(later.month()).ok()?
        - i32::try_from(earlier.month()).ok()?;
    if time < 0 {
        time += 86_400_000_000;
        days -= 1;
    }
    while days < 0 {
        days += days_in_month(earlier)?;
        months -= 1;
    }
    Some((months, days, time))
}

fn days_in_month(at: NaiveDateTime) -> Option<i32> {
    let first = NaiveDate::from_ymd_opt(at.year(), at.month(), 1)?;
    i32::try_from(first.checked_add_months(chrono::Months::new(1))?.signed_duration_since(first).num_days()).ok()
}

fn moment(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into))
}

impl ScalarUDFImpl for Age {
    fn name(&self) -> &'static str {
        "age"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match arguments {
            [kind] if kind.is_integer() => DataType::Int32,
            _ => DataType::Interval(IntervalUnit::MonthDayNano),
        })
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let unknown = || sql_error("42883", "function age takes one or two timestamps, or a transaction's number");
        match arguments {
            [kind] if kind.is_integer() => Ok(vec![DataType::Int32]),
            [_] | [_, _] => {
                let is_moment = |kind: &DataType| {
                    kind.is_string() || matches!(kind, DataType::Timestamp(..) | DataType::Date32 | DataType::Null)
                };
                if !arguments.iter().all(is_moment) {
                    return Err(unknown());
                }
                // As PostgreSQL prefers: only what is sure to have no zone has none.
                let is_local = arguments.iter().any(|kind| matches!(kind, DataType::Timestamp(_, None)))
                    && !arguments.iter().any(|kind| matches!(kind, DataType::Timestamp(_, Some(_))));
                Ok(vec![moment((!is_local).then_some("+00:00")); arguments.len()])
            }
            _ => Err(unknown()),
        }
    }

    /// The age of one moment counts from the midnight that today began with.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [argument] = args.as_slice() else { return Ok(ExprSimplifyResult::Original(args)) };
        let kind = info.get_data_type(argument)?;
        let (DataType::Timestamp(_, zone), Some(now)) = (kind, info.query_execution_start_time()) else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let here = zone_of(info.config_options());
        let midnight = here.from_utc_datetime(&now.naive_utc()).naive_local().date().and_time(chrono::NaiveTime::MIN);
        let micros = match &zone {
            Some(_) => super::zones::global(midnight, None, here),
            None => Some(midnight.and_utc().timestamp_micros()),
        };
        let mut both = vec![Expr::Literal(ScalarValue::TimestampMicrosecond(micros, zone), None)];
        both.extend(args);
        Ok(ExprSimplifyResult::Simplified(
            ScalarUDF::new_from_impl(Self { signature: self.signature.clone() }).call(both),
        ))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays =
            args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        match arrays.as_slice() {
            [numbers] if numbers.data_type().is_integer() => {
                let numbers = cast(numbers, &DataType::Int32)?;
                let age = |number: i32| {
                    if number < FIRST_TRANSACTION { i32::MAX } else { TRANSACTION.saturating_sub(number) }
                };
                let ages = numbers.as_primitive::<Int32Type>().iter().map(|number| number.map(age));
                Ok(ColumnarValue::Array(Arc::new(ages.collect::<Int32Array>())))
            }
            [later, earlier] => {
                let zone = matches!(later.data_type(), DataType::Timestamp(_, Some(_))).then(|| session_zone(&args));
                let (later, earlier) = (
                    later.as_primitive::<TimestampMicrosecondType>(),
                    earlier.as_primitive::<TimestampMicrosecondType>(),
                );
                let ages = later.iter().zip(earlier).map(|pair| {
                    let (Some(later), Some(earlier)) = pair else { return Ok(None) };
                    let found =
                        at(later, zone).zip(at(earlier, zone)).and_then(|(later, earlier)| between(later, earlier));
                    let (months, days, micros) = found.ok_or_else(|| sql_error("22008", "timestamp out of range"))?;
                    Ok(Some(IntervalMonthDayNano::new(months, days, micros.saturating_mul(1_000))))
                });
                Ok(ColumnarValue::Array(Arc::new(ages.collect::<Result<IntervalMonthDayNanoArray>>()?)))
            }
            _ => Err(DataFusionError::Internal("an age that was not simplified".to_owned())),
        }
    }
}

/// The local time of a moment.
fn at(micros: i64, zone: Option<Tz>) -> Option<NaiveDateTime> {
    match zone {
        Some(zone) => local(micros, zone).map(|(at, ..)| at),
        None => Some(DateTime::from_timestamp_micros(micros)?.naive_utc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 answers.
    #[test]
    fn months_are_borrowed_from_the_earlier_moment() {
        let at = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
        for (later, earlier, wanted) in [
            ("2001-04-10 00:00:00", "1957-06-13 00:00:00", (43 * 12 + 9, 27, 0)),
            ("2024-03-01 00:00:00", "2024-01-31 00:00:00", (1, 1, 0)),
            ("2024-01-31 00:00:00", "2024-03-01 00:00:00", (-1, -1, 0)),
            ("2026-11-28 01:00:00", "2026-11-27 02:30:00", (0, 0, 81_000_000_000)),
            ("2026-01-01 00:00:00", "2026-01-01 00:00:00", (0, 0, 0)),
        ] {
            assert_eq!(between(at(later), at(earlier)), Some(wanted), "{later} {earlier}");
        }
    }
}
