//! `make_time`: a time of day from its fields.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray as _, Time64MicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::super::pgcatalog::errors::sql_error;

const DAY: i64 = 86_400_000_000;

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![ScalarUDF::new_from_impl(MakeTime { signature: Signature::user_defined(Volatility::Immutable) })]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MakeTime {
    signature: Signature,
}

/// Microseconds of the day; `None` for a time that no day has.
fn micros(hour: i64, minute: i64, second: f64) -> Option<i64> {
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60.0).contains(&second);
    let micros = fits.then(|| hour * 3_600_000_000 + minute * 60_000_000 + (second * 1e6).round() as i64)?;
    (micros < DAY).then_some(micros)
}

/// As PostgreSQL prints the fields of a time that is none.
fn beyond(hour: i64, minute: i64, second: f64) -> DataFusionError {
    let padding = if second.abs() < 10.0 && second.fract() == 0.0 { "0" } else { "" };
    sql_error("22008", format!("time field value out of range: {hour}:{minute:02}:{padding}{second}"))
}

impl ScalarUDFImpl for MakeTime {
    fn name(&self) -> &'static str {
        "make_time"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Time64(TimeUnit::Microsecond))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let are_numbers = arguments.iter().all(|kind| kind.is_numeric() || *kind == DataType::Null);
        if arguments.len() != 3 || !are_numbers {
            return Err(sql_error("42883", "function make_time does not exist with these arguments"));
        }
        Ok(vec![DataType::Int64, DataType::Int64, DataType::Float64])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let [hours, minutes, seconds] = arrays.as_slice() else {
            return Err(DataFusionError::Internal("make_time takes three numbers".to_owned()));
        };
        let minutes = minutes.as_primitive::<Int64Type>().iter();
        let seconds = seconds.as_primitive::<Float64Type>().iter();
        let times = hours.as_primitive::<Int64Type>().iter().zip(minutes.zip(seconds)).map(|fields| {
            let (Some(hour), (Some(minute), Some(second))) = fields else { return Ok(None) };
            micros(hour, minute, second).map(Some).ok_or_else(|| beyond(hour, minute, second))
        });
        Ok(ColumnarValue::Array(Arc::new(times.collect::<Result<Time64MicrosecondArray>>()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 answers.
    #[test]
    fn a_time_has_fields_within_the_day() {
        assert_eq!(micros(13, 0, 0.0), Some(13 * 3_600_000_000));
        assert_eq!(micros(8, 15, 23.5), Some(29_723_500_000));
        assert_eq!(micros(25, 0, 0.0), None);
        let text = |hour, minute, second| beyond(hour, minute, second).to_string();
        assert!(text(25, 0, 0.0).contains("time field value out of range: 25:00:00"));
        assert!(text(1, 61, 0.5).contains("1:61:0.5"));
    }
}
