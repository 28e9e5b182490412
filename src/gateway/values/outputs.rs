//! Values as PostgreSQL writes them, where a statement makes text of them: `now()::text`, `x || interval '1 day'`,
//! `concat(true)`; and numbers as it rounds them, where a statement makes whole numbers of them.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, Decimal128Array, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Float64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::super::encode::{Style, text_value};
use super::super::error::SqlError;
use super::super::pgcatalog::types::lower_of;
use super::super::query::shape::{Column, type_of};
use super::timetz;
use super::zones::session_zone;

/// Digits before the point of a `numeric` that is rounded.
const WHOLE: DataType = DataType::Decimal128(38, 0);

/// Whether text of a value of this type is not what the planner's cast makes of it.
pub(super) fn has_own_text(kind: &DataType) -> bool {
    match kind {
        DataType::Timestamp(..)
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Interval(_)
        | DataType::Duration(_)
        | DataType::Float32
        | DataType::Float64
        | DataType::List(_)
        | DataType::LargeList(_)
        | DataType::Struct(_) => true,
        other => other.is_binary() || *other == timetz::KIND,
    }
}

/// Whether whole numbers are rounded from values of this type, which the planner's cast cuts off.
pub(super) fn has_fraction(kind: &DataType) -> bool {
    matches!(kind, DataType::Decimal128(_, scale) if *scale > 0) || kind.is_floating()
}

/// The text of any value.
pub(super) fn text() -> ScalarUDF {
    // The zone of the session is in it.
    ScalarUDF::new_from_impl(Text { signature: Signature::any(1, Volatility::Stable) })
}

/// The next whole number: of a `numeric` the one away from zero where two are as near, of a float the even one.
pub(super) fn rounded() -> ScalarUDF {
    ScalarUDF::new_from_impl(Rounded { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Text {
    signature: Signature,
}

fn failed(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn only(args: &ScalarFunctionArgs) -> Result<ArrayRef> {
    match args.args.as_slice() {
        [value] => value.to_array(args.number_rows),
        other => Err(DataFusionError::Internal(format!("{} arguments for one", other.len()))),
    }
}

impl ScalarUDFImpl for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = only(&args)?;
        let field = args.arg_fields.first().ok_or_else(|| DataFusionError::Internal("no field".to_owned()))?;
        let column = Column { lower: lower_of(field), ..Column::new("text", type_of(field).map_err(failed)?) };
        let style = Style { zone: Some(session_zone(&args)), ..Style::default() };
        let mut texts = StringBuilder::new();
        let mut text = BytesMut::new();
        for row in 0..values.len() {
            text.clear();
            if text_value(&mut text, &values, row, &column, &style).map_err(failed)? {
                let text = std::str::from_utf8(&text).map_err(|error| DataFusionError::External(Box::new(error)))?;
                texts.append_value(text);
            } else {
                texts.append_null();
            }
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Rounded {
    signature: Signature,
}

impl ScalarUDFImpl for Rounded {
    fn name(&self) -> &'static str {
        "rounded"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(if arguments.iter().any(DataType::is_floating) { DataType::Float64 } else { WHOLE })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = only(&args)?;
        let DataType::Decimal128(_, scale) = *values.data_type() else {
            let values = cast(&values, &DataType::Float64)?;
            let values = values.as_primitive::<Float64Type>();
            return Ok(
                ColumnarValue::Array(Arc::new(values.unary::<_, Float64Type>(f64::round_ties_even)) as ArrayRef),
            );
        };
        let unit = u32::try_from(scale).ok().and_then(|scale| 10_i128.checked_pow(scale)).unwrap_or(1);
        let values = values.as_primitive::<Decimal128Type>();
        let rounded: Decimal128Array = values.unary(|value| {
            let (whole, rest) = (value / unit, value % unit);
            // Doubled it could overflow.
            if rest.unsigned_abs() >= unit.unsigned_abs().div_ceil(2) { whole + value.signum() } else { whole }
        });
        Ok(ColumnarValue::Array(Arc::new(rounded.with_data_type(WHOLE))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Float64Array;
    use datafusion::arrow::datatypes::Field;
    use datafusion::common::config::ConfigOptions;

    fn applied(function: &ScalarUDF, array: ArrayRef) -> ArrayRef {
        let kinds = [array.data_type().clone()];
        let number_rows = array.len();
        let args = ScalarFunctionArgs {
            arg_fields: vec![Field::new("", kinds[0].clone(), true).into()],
            args: vec![ColumnarValue::Array(array)],
            number_rows,
            return_field: Field::new("", function.return_type(&kinds).unwrap(), true).into(),
            config_options: Arc::new(ConfigOptions::default()),
        };
        function.invoke_with_args(args).unwrap().into_array(number_rows).unwrap()
    }

    #[test]
    fn numerics_round_away_from_zero_and_floats_to_the_even_number() {
        let decimals = Decimal128Array::from(vec![Some(25), Some(-25), Some(24), Some(-26), Some(35), None]);
        let decimals = Arc::new(decimals.with_data_type(DataType::Decimal128(10, 1)));
        let found = applied(&rounded(), decimals);
        let found: Vec<_> = found.as_primitive::<Decimal128Type>().iter().collect();
        assert_eq!(found, [Some(3), Some(-3), Some(2), Some(-3), Some(4), None]);
        let found = applied(&rounded(), Arc::new(Float64Array::from(vec![2.5, 3.5, -0.5, 24.96])));
        assert_eq!(found.as_primitive::<Float64Type>().values().to_vec(), [2.0, 4.0, -0.0, 25.0]);
    }

    #[test]
    fn floats_and_lists_are_text_as_on_the_wire() {
        let found = applied(&text(), Arc::new(Float64Array::from(vec![3.0, 1e300])));
        assert_eq!(found.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("3"), Some("1e+300")]);
    }
}
