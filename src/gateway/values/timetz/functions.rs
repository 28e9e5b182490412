//! Functions of times with zones: the cast, the time alone, an interval more or less, and the moment on a date.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Field, FieldRef, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::super::pgcatalog::errors::sql_error;
use super::super::super::pgcatalog::{casts, types};
use super::super::casts::{coerced, length_of};
use super::super::zones::session_zone;
use super::{DAY, KIND, SECOND, TimeTz, WIDTH, read};

const TIME: DataType = DataType::Time64(TimeUnit::Microsecond);
const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

fn moment() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

pub(in super::super) fn functions() -> Vec<ScalarUDF> {
    vec![cast_function()]
}

/// The function that is called like the type.
pub(super) fn cast_function() -> ScalarUDF {
    // A time without a zone is one of the session's, today.
    ScalarUDF::new_from_impl(Cast { signature: Signature::user_defined(Volatility::Stable) })
}

/// What is done with a value, and with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Function {
    Time,
    Plus,
    Minus,
    On,
}

impl Function {
    pub(super) fn call(self, arguments: Vec<Expr>) -> Expr {
        let takes = match self {
            Self::Time => vec![KIND],
            Self::Plus | Self::Minus => vec![KIND, INTERVAL],
            Self::On => vec![KIND, DataType::Date32],
        };
        let signature = Signature::exact(takes, Volatility::Immutable);
        ScalarUDF::new_from_impl(Computed { function: self, signature }).call(arguments)
    }
}

fn kept(array: &ArrayRef) -> Result<&FixedSizeBinaryArray> {
    let found = array.as_fixed_size_binary_opt();
    found.ok_or_else(|| DataFusionError::Internal("a time with a zone is carried by other bytes".to_owned()))
}

/// The values of an array.
pub(in super::super) fn values(array: &ArrayRef) -> Result<Vec<Option<TimeTz>>> {
    let wrong = || DataFusionError::Internal("a time with a zone is none".to_owned());
    kept(array)?.iter().map(|bytes| bytes.map(|bytes| TimeTz::of(bytes).ok_or_else(wrong)).transpose()).collect()
}

/// The array of values.
pub(in super::super) fn array(values: impl Iterator<Item = Result<Option<TimeTz>>>) -> Result<ArrayRef> {
    let mut kept = FixedSizeBinaryBuilder::new(WIDTH);
    for value in values {
        match value? {
            Some(value) => kept.append_value(value.keep())?,
            None => kept.append_null(),
        }
    }
    Ok(Arc::new(kept.finish()))
}

fn out_of_range() -> DataFusionError {
    sql_error("22008", "timestamp out of range")
}

/// A cast of a text, a time, a moment, or of a value to fewer digits.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Cast {
    signature: Signature,
}

impl ScalarUDFImpl for Cast {
    fn name(&self) -> &'static str {
        "timetz"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(KIND)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let is_read = |kind: &DataType| {
            *kind == KIND || matches!(kind, DataType::Utf8 | DataType::Time64(_) | DataType::Timestamp(_, Some(_)))
        };
        if let Some(given) = args.arg_fields.first().filter(|given| !is_read(given.data_type())) {
            return Err(sql_error("42846", casts::refused(&types::name_of(given), "timetz")));
        }
        let mut field = Field::new(self.name(), KIND, true);
        if let Some(digits) = args.scalar_arguments.get(1).copied().flatten() {
            field.metadata_mut().insert(types::TYPMOD_KEY.to_owned(), digits.to_string());
        }
        Ok(field.into())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let value = match arguments.first() {
            Some(DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => DataType::Utf8,
            Some(DataType::Time32(_) | DataType::Time64(_)) => TIME,
            Some(DataType::Timestamp(_, Some(_))) => moment(),
            // What it is may be said in the field.
            Some(other) => other.clone(),
            None => return Err(sql_error("42883", "function timetz() does not exist")),
        };
        coerced(self.name(), value, arguments.len())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let digits = length_of(&args)?.and_then(|digits| u32::try_from(digits).ok());
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let value = value.to_array(args.number_rows)?;
        let zone = session_zone(&args);
        let found: Vec<Result<Option<TimeTz>>> = match value.data_type() {
            DataType::Time64(_) => value
                .as_primitive::<Time64MicrosecondType>()
                .iter()
                .map(|time| time.map(|time| TimeTz::of_today(time, zone).ok_or_else(out_of_range)).transpose())
                .collect(),
            DataType::Timestamp(..) => value
                .as_primitive::<TimestampMicrosecondType>()
                .iter()
                .map(|at| at.map(|at| TimeTz::at(at, zone).ok_or_else(out_of_range)).transpose())
                .collect(),
            DataType::Utf8 => value
                .as_string::<i32>()
                .iter()
                .map(|text| text.map(|text| read(text, Some(zone))).transpose())
                .map(|read| read.map_err(|error| DataFusionError::External(Box::new(error))))
                .collect(),
            _ => values(&value)?.into_iter().map(Ok).collect(),
        };
        let found =
            found.into_iter().map(|value| Ok(value?.map(|value| digits.map_or(value, |digits| value.rounded(digits)))));
        array(found).map(ColumnarValue::Array)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Computed {
    function: Function,
    signature: Signature,
}

impl ScalarUDFImpl for Computed {
    fn name(&self) -> &'static str {
        match self.function {
            Function::Time => "timetz_time",
            Function::Plus => "timetz_pl_interval",
            Function::Minus => "timetz_mi_interval",
            Function::On => "timetzdate_pl",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.function {
            Function::Time => TIME,
            Function::Plus | Function::Minus => KIND,
            Function::On => moment(),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let times = columns.first().map(values).transpose()?.unwrap_or_default();
        let other = columns.get(1);
        let found: ArrayRef = match self.function {
            Function::Time => {
                Arc::new(times.into_iter().map(|time| time.map(|time| time.micros)).collect::<Time64MicrosecondArray>())
            }
            Function::Plus | Function::Minus => {
                let intervals = other.map(|other| cast(other, &INTERVAL)).transpose()?;
                let intervals = intervals.iter().flat_map(AsArray::as_primitive::<IntervalMonthDayNanoType>);
                array(times.into_iter().zip(intervals).map(|pair| {
                    let (Some(time), Some(interval)) = pair else { return Ok(None) };
                    // Of an interval, only what is less than days.
                    let by = interval.nanoseconds / 1_000 % DAY;
                    let by = if self.function == Function::Minus { -by } else { by };
                    Ok(Some(TimeTz { micros: time.micros.saturating_add(by).rem_euclid(DAY), ..time }))
                }))?
            }
            Function::On => {
                let days = other.iter().flat_map(|array| array.as_primitive::<Date32Type>());
                let moments = times.into_iter().zip(days).map(|pair| {
                    let (Some(time), Some(day)) = pair else { return None };
                    Some(i64::from(day) * 86_400 * SECOND + time.utc())
                });
                Arc::new(moments.collect::<TimestampMicrosecondArray>().with_timezone("+00:00"))
            }
        };
        Ok(ColumnarValue::Array(found))
    }
}
