//! `extract` and `date_part`: the same parts, as numbers of the types that PostgreSQL gives them.

use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};
use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, Float64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Date32Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::datetime;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use super::super::encode::interval;
use super::super::pgcatalog::errors::sql_error;
use super::timetz::{self, TimeTz};

/// Digits of a part that has a fraction.
const FRACTION: i8 = 6;

pub(super) fn functions() -> Vec<ScalarUDF> {
    let part = |name, numeric| {
        ScalarUDF::new_from_impl(Part { name, numeric, signature: Signature::user_defined(Volatility::Immutable) })
    };
    vec![part("extract", true), part("date_part", false)]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Part {
    name: &'static str,
    numeric: bool,
    signature: Signature,
}

fn field_of(scalar: Option<&ScalarValue>) -> Option<String> {
    scalar.and_then(|scalar| scalar.try_as_str().flatten()).map(|field| field.trim().to_ascii_lowercase())
}

/// The name that the planner's own function has for a part, and what its answer is divided by.
fn underlying(field: &str) -> (&str, f64) {
    match field {
        "second" | "seconds" | "sec" | "secs" | "s" => ("microsecond", 1e6),
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => ("microsecond", 1e3),
        "microseconds" | "us" | "usec" | "usecs" => ("microsecond", 1.0),
        "minutes" | "min" | "mins" | "m" => ("minute", 1.0),
        "hours" | "hr" | "hrs" | "h" => ("hour", 1.0),
        "days" | "d" => ("day", 1.0),
        "weeks" | "w" => ("week", 1.0),
        "months" | "mon" | "mons" => ("month", 1.0),
        "years" | "y" | "yr" | "yrs" => ("year", 1.0),
        other => (other, 1.0),
    }
}

/// The parts of a day that the planner does not know.
fn of_calendar(field: &str) -> Option<fn(NaiveDate) -> i32> {
    // There is no year 0: 1 BC is before 1 AD.
    fn round(year: i32, years: i32) -> i32 {
        if year > 0 { (year + years - 1) / years } else { -((years - year) / years) }
    }
    Some(match field {
        "decade" | "decades" | "dec" => |day| day.year().div_euclid(10),
        "century" | "centuries" | "c" => |day| round(day.year(), 100),
        "millennium" | "millennia" | "mil" => |day| round(day.year(), 1_000),
        "isoyear" => |day| match day.iso_week().year() {
            year if year > 0 => year,
            year => year - 1,
        },
        "julian" => |day| day.num_days_from_ce() + 1_721_425,
        _ => return None,
    })
}

/// The part of each time with a zone.
fn of_times(times: &ArrayRef, field: &str) -> Result<ArrayRef> {
    let refused = |code, what| sql_error(code, format!("unit \"{field}\" {what} for type time with time zone"));
    let (part, divisor) = underlying(field);
    let of = |time: TimeTz| {
        Ok(match part {
            "epoch" => time.utc() as f64 / 1e6,
            "microsecond" => (time.micros % 60_000_000) as f64 / divisor,
            "minute" => (time.micros / 60_000_000 % 60) as f64,
            "hour" => (time.micros / 3_600_000_000) as f64,
            "timezone" => (-time.west).into(),
            "timezone_hour" => (-time.west / 3_600).into(),
            "timezone_minute" => (-time.west / 60 % 60).into(),
            "day" | "week" | "month" | "quarter" | "year" | "decade" | "century" | "millennium" | "julian" | "dow"
            | "isodow" | "doy" | "isoyear" => return Err(refused("0A000", "not supported")),
            _ => return Err(refused("22023", "not recognized")),
        })
    };
    let parts = timetz::values(times)?.into_iter().map(|time| time.map(of).transpose());
    Ok(Arc::new(parts.collect::<Result<Float64Array>>()?))
}

/// The part of each interval, whose years, months, days and time are counted apart.
fn of_intervals(intervals: &ArrayRef, field: &str) -> Result<ArrayRef> {
    let parts = (0..intervals.len()).map(|row| {
        if intervals.is_null(row) {
            return Ok(None);
        }
        let found = interval(intervals.as_ref(), row).map_err(|error| DataFusionError::External(Box::new(error)))?;
        let Some((months, days, micros)) = found else { return Ok(None) };
        let of_minute = (micros % 60_000_000) as f64;
        let years = months / 12;
        let part = match underlying(field).0 {
            "epoch" => {
                // A year has 365.25 days, a month 30.
                let whole = f64::from(years) * 31_557_600.0 + f64::from(months % 12) * 2_592_000.0;
                whole + f64::from(days) * 86_400.0 + micros as f64 / 1e6
            }
            "microsecond" => of_minute / underlying(field).1,
            "minute" => (micros / 60_000_000 % 60) as f64,
            "hour" => (micros / 3_600_000_000) as f64,
            "day" => days.into(),
            "month" => (months % 12).into(),
            "quarter" => (months % 12 / 3 + 1).into(),
            "year" => years.into(),
            "decade" => (years / 10).into(),
            "century" => (years / 100).into(),
            "millennium" => (years / 1_000).into(),
            _ => {
                let text = format!("unit \"{field}\" not supported for type interval");
                return Err(sql_error("0A000", text));
            }
        };
        Ok(Some(part))
    });
    Ok(Arc::new(parts.collect::<Result<Float64Array>>()?))
}

impl Part {
    fn inner_args(args: &ScalarFunctionArgs, field: &str) -> ScalarFunctionArgs {
        let mut inner = args.clone();
        if let Some(first) = inner.args.first_mut() {
            *first = ColumnarValue::Scalar(ScalarValue::Utf8(Some(field.to_owned())));
        }
        inner
    }
}

impl ScalarUDFImpl for Part {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.numeric { DataType::Decimal128(38, FRACTION) } else { DataType::Float64 })
    }

    fn return_field_from_args(
        &self,
        args: datafusion::logical_expr::ReturnFieldArgs,
    ) -> Result<datafusion::arrow::datatypes::FieldRef> {
        let field = field_of(args.scalar_arguments.first().copied().flatten());
        let is_date = args.arg_fields.get(1).is_some_and(|value| matches!(value.data_type(), DataType::Date32));
        let scale = match field.as_deref().map(|field| (field, underlying(field).1)) {
            Some(("epoch", _)) if is_date => 0,
            None | Some(("epoch", _)) => FRACTION,
            // As many digits as microseconds have in it.
            Some((_, divisor)) => divisor.log10().round() as i8,
        };
        let kind = if self.numeric { DataType::Decimal128(38, scale) } else { DataType::Float64 };
        Ok(datafusion::arrow::datatypes::Field::new(self.name, kind, true).into())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [_, value] => {
                let value = match value {
                    DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
                        DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Microsecond, None)
                    }
                    other => other.clone(),
                };
                Ok(vec![DataType::Utf8, value])
            }
            _ => Err(sql_error("42883", format!("function {} takes a field and a value", self.name))),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let field = match args.args.first() {
            Some(ColumnarValue::Scalar(scalar)) => field_of(Some(scalar)),
            _ => None,
        };
        let field =
            field.ok_or_else(|| DataFusionError::Execution("the field of extract must be a literal".to_owned()))?;
        if let Some(value) = args.args.get(1)
            && matches!(value.data_type(), DataType::Interval(_) | DataType::Duration(_))
        {
            let found = of_intervals(&value.to_array(args.number_rows)?, &field)?;
            return Ok(ColumnarValue::Array(cast(&found, args.return_field.data_type())?));
        }
        if let Some(value) = args.args.get(1).filter(|value| value.data_type() == timetz::KIND) {
            let found = of_times(&value.to_array(args.number_rows)?, &field)?;
            return Ok(ColumnarValue::Array(cast(&found, args.return_field.data_type())?));
        }
        if let Some(value) = args.args.get(1)
            && matches!(value.data_type(), DataType::Timestamp(..) | DataType::Date32)
            && let Some(part) = of_calendar(&field)
        {
            let value = cast(&value.to_array(args.number_rows)?, &DataType::Date32)?;
            let days = value.as_primitive::<Date32Type>().iter();
            let found = days.map(|day| day.and_then(Date32Type::to_naive_date_opt).map(|day| f64::from(part(day))));
            let found: ArrayRef = Arc::new(found.collect::<Float64Array>());
            return Ok(ColumnarValue::Array(cast(&found, args.return_field.data_type())?));
        }
        let (name, divisor) = underlying(&field);
        let part = datetime::date_part();
        let mut inner = Self::inner_args(&args, name);
        let kinds: Vec<DataType> = inner.args.iter().map(ColumnarValue::data_type).collect();
        let scalars = [Some(ScalarValue::Utf8(Some(name.to_owned()))), None];
        let fields: Vec<_> =
            kinds.iter().map(|kind| datafusion::arrow::datatypes::Field::new("", kind.clone(), true).into()).collect();
        inner.return_field = part.inner().return_field_from_args(datafusion::logical_expr::ReturnFieldArgs {
            arg_fields: &fields,
            scalar_arguments: &scalars.each_ref().map(Option::as_ref),
        })?;
        inner.arg_fields = fields;
        let found = part.inner().invoke_with_args(inner)?.into_array(args.number_rows)?;
        let found = cast(&found, &DataType::Float64)?;
        let found = if (divisor - 1.0).abs() > f64::EPSILON {
            let divisor = datafusion::arrow::array::Float64Array::new_scalar(divisor);
            datafusion::arrow::compute::kernels::numeric::div(&found, &divisor)?
        } else {
            found
        };
        Ok(ColumnarValue::Array(cast(&found, args.return_field.data_type())?))
    }
}
