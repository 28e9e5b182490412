//! Intervals in whole months and days (`justify_days`, `justify_hours`, `justify_interval`), from their fields (`make_interval`), and
//! whether a moment is one (`isfinite`).

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, IntervalMonthDayNanoArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, IntervalMonthDayNano, IntervalUnit};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::super::encode::interval;
use super::super::pgcatalog::errors::sql_error;

const DAY: i64 = 86_400_000_000;
const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// The arguments of `make_interval`, in their order.
pub(super) const FIELDS: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Function {
    JustifyDays,
    JustifyHours,
    JustifyInterval,
    Make,
    IsFinite,
}

pub(super) fn functions() -> Vec<ScalarUDF> {
    let all =
        [Function::JustifyDays, Function::JustifyHours, Function::JustifyInterval, Function::Make, Function::IsFinite];
    let new = |function| OfIntervals { function, signature: Signature::user_defined(Volatility::Immutable) };
    all.into_iter().map(|function| ScalarUDF::new_from_impl(new(function))).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OfIntervals {
    function: Function,
    signature: Signature,
}

/// Months, days, microseconds.
type Parts = (i64, i64, i64);

fn hours((months, days, micros): Parts) -> Parts {
    same_sign_of_days((months, days + micros / DAY, micros % DAY))
}

fn days((months, days, micros): Parts) -> Parts {
    let (mut months, mut days) = (months + days / 30, days % 30);
    if months > 0 && days < 0 {
        (months, days) = (months - 1, days + 30);
    } else if months < 0 && days > 0 {
        (months, days) = (months + 1, days - 30);
    }
    (months, days, micros)
}

fn whole((months, days, micros): Parts) -> Parts {
    let (days, micros) = (days + micros / DAY, micros % DAY);
    let (mut months, mut days) = (months + days / 30, days % 30);
    if months > 0 && (days < 0 || (days == 0 && micros < 0)) {
        (months, days) = (months - 1, days + 30);
    } else if months < 0 && (days > 0 || (days == 0 && micros > 0)) {
        (months, days) = (months + 1, days - 30);
    }
    same_sign_of_days((months, days, micros))
}

fn same_sign_of_days((months, mut days, mut micros): Parts) -> Parts {
    if days > 0 && micros < 0 {
        (days, micros) = (days - 1, micros + DAY);
    } else if days < 0 && micros > 0 {
        (days, micros) = (days + 1, micros - DAY);
    }
    (months, days, micros)
}

fn kept((months, days, micros): Parts) -> Result<IntervalMonthDayNano> {
    let parts = (i32::try_from(months), i32::try_from(days), micros.checked_mul(1_000));
    match parts {
        (Ok(months), Ok(days), Some(nanos)) => Ok(IntervalMonthDayNano::new(months, days, nanos)),
        _ => Err(sql_error("22008", "interval out of range")),
    }
}

/// Of the fields, the last of which has a fraction.
fn made(fields: &[f64; 7]) -> Result<IntervalMonthDayNano> {
    let [years, months, weeks, days, hours, minutes, seconds] = *fields;
    let micros = (hours * 3_600.0 + minutes * 60.0) * 1e6 + (seconds * 1e6).round();
    if !(years.abs() < 1e9 && months.abs() < 1e10 && weeks.abs() < 1e9 && days.abs() < 1e10 && micros.abs() < 9e18) {
        return Err(sql_error("22008", "interval out of range"));
    }
    kept(((years * 12.0 + months) as i64, (weeks * 7.0 + days) as i64, micros as i64))
}

impl OfIntervals {
    fn made(args: &ScalarFunctionArgs) -> Result<ArrayRef> {
        let wide = |value: &ColumnarValue| -> Result<ArrayRef> {
            Ok(cast(&value.to_array(args.number_rows)?, &DataType::Float64)?)
        };
        let columns = args.args.iter().map(wide).collect::<Result<Vec<_>>>()?;
        let row = |row: usize| -> Result<Option<IntervalMonthDayNano>> {
            let mut fields = [0.0; 7];
            for (field, column) in fields.iter_mut().zip(&columns) {
                if column.is_null(row) {
                    return Ok(None);
                }
                *field = column.as_primitive::<Float64Type>().value(row);
            }
            made(&fields).map(Some)
        };
        Ok(Arc::new((0..args.number_rows).map(row).collect::<Result<IntervalMonthDayNanoArray>>()?))
    }

    fn justified(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let rows = (0..values.len()).map(|row| {
            if values.is_null(row) {
                return Ok(None);
            }
            let parts = interval(values.as_ref(), row).map_err(|error| DataFusionError::External(Box::new(error)))?;
            let Some((months, whole_days, micros)) = parts else { return Ok(None) };
            let parts = (months.into(), whole_days.into(), micros);
            kept(match self.function {
                Function::JustifyDays => days(parts),
                Function::JustifyHours => hours(parts),
                _ => whole(parts),
            })
            .map(Some)
        });
        Ok(Arc::new(rows.collect::<Result<IntervalMonthDayNanoArray>>()?))
    }
}

impl ScalarUDFImpl for OfIntervals {
    fn name(&self) -> &'static str {
        match self.function {
            Function::JustifyDays => "justify_days",
            Function::JustifyHours => "justify_hours",
            Function::JustifyInterval => "justify_interval",
            Function::Make => "make_interval",
            Function::IsFinite => "isfinite",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.function == Function::IsFinite { DataType::Boolean } else { INTERVAL })
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let missing = || sql_error("42883", format!("no function {} takes such arguments", self.name()));
        let is_interval = |kind: &DataType| matches!(kind, DataType::Interval(_) | DataType::Duration(_));
        let is_number = |kind: &DataType| kind.is_numeric() || *kind == DataType::Null;
        match (self.function, arguments) {
            (Function::Make, fields) if fields.len() <= FIELDS.len() && fields.iter().all(is_number) => {
                Ok(vec![DataType::Float64; fields.len()])
            }
            (Function::Make, _) => Err(missing()),
            (Function::IsFinite, [moment]) if moment.is_temporal() => Ok(vec![moment.clone()]),
            (_, [interval]) if is_interval(interval) => Ok(vec![interval.clone()]),
            (_, [DataType::Null]) => Ok(vec![INTERVAL]),
            _ => Err(missing()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.function == Function::Make {
            return Self::made(&args).map(ColumnarValue::Array);
        }
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let values = value.to_array(args.number_rows)?;
        if self.function == Function::IsFinite {
            // Infinity is not kept.
            let answers: BooleanArray = (0..values.len()).map(|row| values.is_valid(row).then_some(true)).collect();
            return Ok(ColumnarValue::Array(Arc::new(answers)));
        }
        self.justified(&values).map(ColumnarValue::Array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 answers.
    #[test]
    fn intervals_are_made_of_whole_days_and_months() {
        let hour = 3_600_000_000;
        assert_eq!(days((0, 35, 0)), (1, 5, 0));
        assert_eq!(hours((0, 0, 27 * hour)), (0, 1, 3 * hour));
        assert_eq!(whole((1, 0, -hour)), (0, 29, 23 * hour));
        assert_eq!(days((2, -5, 0)), (1, 25, 0));
        assert_eq!(hours((0, 1, -hour)), (0, 0, 23 * hour));
        let fields = [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 1.5];
        assert_eq!(made(&fields).unwrap(), IntervalMonthDayNano::new(14, 25, 1_500_000_000));
        assert!(made(&[1e12, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).is_err());
    }
}
