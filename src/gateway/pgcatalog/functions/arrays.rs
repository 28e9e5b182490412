//! Array functions DataFusion lacks or names otherwise, and those that must know their argument's type.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, new_empty_array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::scalar::{Definition, Value, stable};
use crate::gateway::pgcatalog::{facts, types};
use crate::gateway::query::shape;

/// The name of the function that turns the NULL of an aggregate without rows into an empty array, as `ARRAY(SELECT ...)` has it.
pub(crate) const ARRAY_OR_EMPTY: &str = "array_or_empty";

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("array_upper", (2, 2), "int4", |_, arguments| Ok(bound(arguments, |length| length))),
    stable("array_lower", (2, 2), "int4", |_, arguments| Ok(bound(arguments, |_| 1))),
];

/// A bound of the first dimension; NULL for empty arrays and other dimensions.
fn bound(arguments: &[Value], pick: fn(i64) -> i64) -> Value {
    match arguments {
        [Value::List(items), Value::Int(1)] if !items.is_empty() => {
            Value::Int(pick(i64::try_from(items.len()).unwrap_or(i64::MAX)))
        }
        _ => Value::Null,
    }
}

/// The functions that work on any type.
pub(super) fn generic() -> Vec<ScalarUDF> {
    vec![ScalarUDF::new_from_impl(ArrayOrEmpty::new()), ScalarUDF::new_from_impl(TypeOf::new())]
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayOrEmpty {
    signature: Signature,
}

impl ArrayOrEmpty {
    fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ArrayOrEmpty {
    fn name(&self) -> &'static str {
        ARRAY_OR_EMPTY
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.first().cloned().ok_or_else(|| DataFusionError::Internal("array_or_empty takes an array".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = args.arg_fields.first();
        field.cloned().ok_or_else(|| DataFusionError::Internal("array_or_empty takes an array".to_owned()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(argument) = args.args.first() else { return Err(DataFusionError::Internal("no argument".to_owned())) };
        let array = argument.to_array(args.number_rows)?;
        let Some(list) = array.as_list_opt::<i32>() else { return Ok(argument.clone()) };
        let DataType::List(element) = list.data_type() else { return Ok(argument.clone()) };
        let rows: Vec<ArrayRef> =
            list.iter().map(|row| row.unwrap_or_else(|| new_empty_array(element.data_type()))).collect();
        let offsets = OffsetBuffer::from_lengths(rows.iter().map(Array::len));
        let references: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
        let values = if references.is_empty() { new_empty_array(element.data_type()) } else { concat(&references)? };
        Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(Arc::clone(element), offsets, values, None)?)))
    }
}

/// `pg_typeof`: the type of an expression, by name.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TypeOf {
    signature: Signature,
}

impl TypeOf {
    fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Stable) }
    }
}

impl ScalarUDFImpl for TypeOf {
    fn name(&self) -> &'static str {
        "pg_typeof"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(types::field("pg_typeof", "regtype"))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let name = args.arg_fields.first().map(|field| types::name_of(field)).unwrap_or_default();
        let row = shape::named(&name).and_then(|row| i32::try_from(row.oid()).ok());
        let oid = facts::type_by_name(&name).map(|known| known.oid).or(row).unwrap_or(0);
        Ok(ColumnarValue::Scalar(ScalarValue::Int32(Some(oid))))
    }
}
