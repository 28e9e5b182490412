//! COALESCE of an array and the text of one: the text has the array's type.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _};
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::compute::{cast, is_null};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::gateway::pgcatalog::errors::sql_error;
use crate::gateway::pgcatalog::types;

/// The function's name.
pub(crate) const ARRAY_OR_LITERAL: &str = "coalesce_array";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ArrayOrLiteral {
    signature: Signature,
}

impl ArrayOrLiteral {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// The type that the first argument gives both: its own when it is an array or text.
fn common(first: &DataType) -> Result<DataType> {
    match first {
        DataType::List(_) | DataType::LargeUtf8 | DataType::Utf8View => Ok(first.clone()),
        DataType::Utf8 | DataType::Null => Ok(DataType::Utf8),
        other => {
            let name = super::type_name(&types::name_of(&Field::new("", other.clone(), true)));
            Err(sql_error("42804", format!("COALESCE types {name} and text cannot be matched")))
        }
    }
}

/// The array of `kind` that a text is.
fn read(text: &str, kind: &DataType) -> Result<ScalarValue> {
    let malformed = || sql_error("22P02", format!("malformed array literal: \"{text}\""));
    let items = types::split_array(text).ok_or_else(malformed)?;
    let texts = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    let DataType::List(element) = kind else { return Err(malformed()) };
    if items.is_empty() {
        return Ok(ScalarValue::List(ScalarValue::new_list(&[], element.data_type(), true)));
    }
    let array = types::array_from_text(&texts, std::iter::once(Some(text)))?;
    ScalarValue::try_from_array(&cast(&array, kind).map_err(|_| malformed())?, 0)
}

impl ScalarUDFImpl for ArrayOrLiteral {
    fn name(&self) -> &'static str {
        ARRAY_OR_LITERAL
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        common(arguments.first().unwrap_or(&DataType::Null))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let first = args.arg_fields.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let field = Field::new(self.name(), common(first.data_type())?, true);
        Ok(field.with_metadata(first.metadata().clone()).into())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let first = common(arguments.first().unwrap_or(&DataType::Null))?;
        let literal = if matches!(first, DataType::List(_)) { DataType::Utf8 } else { first.clone() };
        Ok(vec![first, literal])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [values, literal] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("two arguments".to_owned()));
        };
        let values = values.to_array(args.number_rows)?;
        if values.null_count() == 0 && *values.data_type() != DataType::Null {
            return Ok(ColumnarValue::Array(values));
        }
        let other: ArrayRef = match values.data_type() {
            kind @ DataType::List(element) => {
                let text = cast(&literal.to_array(1)?, &DataType::Utf8)?;
                let text = text.as_string::<i32>().iter().next().flatten().unwrap_or("{}").to_owned();
                let read = read(&text, kind)?.to_array_of_size(values.len())?;
                // The element's field has a name and a mark of its own.
                let read = read.as_list::<i32>();
                let (_, offsets, items, nulls) = read.clone().into_parts();
                Arc::new(datafusion::arrow::array::ListArray::try_new(Arc::clone(element), offsets, items, nulls)?)
            }
            DataType::Null => {
                return Ok(ColumnarValue::Array(cast(&literal.to_array(values.len())?, &DataType::Utf8)?));
            }
            kind => cast(&literal.to_array(values.len())?, kind)?,
        };
        let missing = is_null(values.as_ref())?;
        Ok(ColumnarValue::Array(zip(&missing, &other, &values)?))
    }
}
