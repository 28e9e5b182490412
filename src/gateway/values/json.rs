//! `json_build_object`, `json_build_array`, `to_json` and their `jsonb` twins.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, StringArray};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::super::pgcatalog::types;

/// What a function makes of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    Object,
    Array,
    Value,
}

pub(super) fn functions() -> Vec<ScalarUDF> {
    let signature = |shape| match shape {
        Shape::Value => Signature::any(1, Volatility::Stable),
        _ => Signature::one_of(
            vec![
                datafusion::logical_expr::TypeSignature::VariadicAny,
                datafusion::logical_expr::TypeSignature::Nullary,
            ],
            Volatility::Stable,
        ),
    };
    [
        ("json_build_object", "json", Shape::Object),
        ("jsonb_build_object", "jsonb", Shape::Object),
        ("json_build_array", "json", Shape::Array),
        ("jsonb_build_array", "jsonb", Shape::Array),
        ("to_json", "json", Shape::Value),
        ("to_jsonb", "jsonb", Shape::Value),
    ]
    .into_iter()
    .map(|(name, returns, shape)| ScalarUDF::new_from_impl(Build { name, returns, shape, signature: signature(shape) }))
    .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Build {
    name: &'static str,
    returns: &'static str,
    shape: Shape,
    signature: Signature,
}

/// A value as JSON.
fn json(array: &dyn Array, row: usize) -> Result<String> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Ok("null".to_owned());
    }
    if let DataType::List(_) = array.data_type() {
        let items = array.as_list::<i32>().value(row);
        let items = (0..items.len()).map(|item| json(items.as_ref(), item)).collect::<Result<Vec<_>>>()?;
        return Ok(format!("[{}]", items.join(",")));
    }
    let options = FormatOptions::default();
    let text = ArrayFormatter::try_new(array, &options)?.value(row).try_to_string()?;
    let kind = array.data_type();
    if kind.is_numeric() || *kind == DataType::Boolean {
        return Ok(text);
    }
    Ok(serde_json::Value::String(text).to_string())
}

impl Build {
    fn row(&self, columns: &[ArrayRef], row: usize) -> Result<String> {
        let (colon, comma) = if self.returns == "jsonb" { (": ", ", ") } else { (" : ", ", ") };
        let values = columns.iter().map(|column| json(column.as_ref(), row)).collect::<Result<Vec<_>>>()?;
        Ok(match self.shape {
            Shape::Value => values.into_iter().next().unwrap_or_default(),
            Shape::Array => format!("[{}]", values.join(", ")),
            Shape::Object => {
                let pairs = values.chunks(2).map(|pair| match pair {
                    [key, _] if key == "null" => Err(sql_error("22004", "argument 1: key must not be null")),
                    [key, value] if key.starts_with('"') => Ok(format!("{key}{colon}{value}")),
                    [key, value] => Ok(format!("\"{key}\"{colon}{value}")),
                    _ => Err(sql_error("22023", "argument list must have even number of elements")),
                });
                format!("{{{}}}", pairs.collect::<Result<Vec<_>>>()?.join(comma))
            }
        })
    }
}

impl ScalarUDFImpl for Build {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(types::field(self.name, self.returns))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args
            .args
            .iter()
            .map(|argument| argument.to_array(args.number_rows))
            .collect::<Result<Vec<_>, DataFusionError>>()?;
        let rows = (0..args.number_rows).map(|row| {
            let null = self.shape == Shape::Value && columns.first().is_some_and(|column| column.is_null(row));
            if null { Ok(None) } else { self.row(&columns, row).map(Some) }
        });
        Ok(ColumnarValue::Array(Arc::new(rows.collect::<Result<StringArray>>()?)))
    }
}
