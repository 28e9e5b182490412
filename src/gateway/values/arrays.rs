//! Casts to arrays: to those whose elements are text underneath, and of texts to any.

use std::fmt::Write as _;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BinaryArray, ListArray, ListBuilder, StringArray, StringBuilder,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable as _, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::super::pgcatalog::types;
use super::casts::{coerced, keep, length_of, marked};
use super::zones::session_zone;
use super::{array_literal, bytea, timetz, unions};

/// The array types of [`super::TEXT_TYPES`], in their order.
pub(crate) const TEXT_ARRAYS: [&str; 8] =
    ["_name", "_varchar", "_bpchar", "_char", "_json", "_jsonb", "_uuid", "_inet"];

pub(super) fn functions() -> Vec<ScalarUDF> {
    let new = |name| TextArray { name, signature: Signature::user_defined(Volatility::Immutable) };
    let texts = TEXT_ARRAYS.into_iter().map(|name| ScalarUDF::new_from_impl(new(name)));
    let dims = Dims { signature: Signature::any(1, Volatility::Immutable) };
    texts.chain([times_with_zones(), ScalarUDF::new_from_impl(dims)]).collect()
}

fn items(text: &str) -> Result<Vec<Option<String>>> {
    array_literal::items(text).map_err(|error| DataFusionError::External(Box::new(error)))
}

/// A cast to an array of a type that is text underneath, of a text or of an array.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TextArray {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for TextArray {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(types::arrow_type(self.name))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(marked(self.name, &args))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let first = match arguments.first() {
            Some(DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)) => {
                types::arrow_type(self.name)
            }
            _ => DataType::Utf8,
        };
        coerced(self.name, first, arguments.len())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let value = value.to_array(args.number_rows)?;
        let length = length_of(&args)?;
        let element = self.name.strip_prefix('_').unwrap_or_default();
        let field = Arc::new(Field::new_list_field(DataType::Utf8, true));
        let mut rows = ListBuilder::new(StringBuilder::new()).with_field(field);
        let mut append = |row: Option<Vec<Option<&str>>>| -> Result<()> {
            let given = row.is_some();
            for item in row.into_iter().flatten() {
                let kept = item.map(|item| keep(element, item, length)).transpose()?;
                rows.values().append_option(kept);
            }
            rows.append(given);
            Ok(())
        };
        if matches!(value.data_type(), DataType::List(_)) {
            for row in value.as_list::<i32>().iter() {
                let row = row.map(|row| cast(&row, &DataType::Utf8)).transpose()?;
                append(row.as_ref().map(|row| row.as_string::<i32>().iter().collect()))?;
            }
        } else {
            let text = cast(&value, &DataType::Utf8)?;
            for row in text.as_string::<i32>() {
                let row = row.map(items).transpose()?;
                append(row.as_ref().map(|row| row.iter().map(Option::as_deref).collect()))?;
            }
        }
        Ok(ColumnarValue::Array(Arc::new(rows.finish())))
    }
}

/// `array_dims`: the bounds of an array, `[1:2][1:3]`; NULL for an empty one.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Dims {
    signature: Signature,
}

fn dims(items: &ArrayRef, out: &mut String) {
    // Writing into memory does not fail.
    let _ = write!(out, "[1:{}]", items.len());
    if let Some(inner) = items.as_list_opt::<i32>().filter(|inner| inner.is_valid(0)) {
        dims(&inner.value(0), out);
    }
}

impl ScalarUDFImpl for Dims {
    fn name(&self) -> &'static str {
        "array_dims"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [DataType::List(_) | DataType::Null] => Ok(DataType::Utf8),
            _ => Err(sql_error("42883", "function array_dims takes an array")),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let value = value.to_array(args.number_rows)?;
        let texts = (0..value.len()).map(|row| {
            let items = value.as_list_opt::<i32>().filter(|list| list.is_valid(row)).map(|list| list.value(row));
            items.filter(|items| !items.is_empty()).map(|items| {
                let mut out = String::new();
                dims(&items, &mut out);
                out
            })
        });
        Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>())))
    }
}

/// `value = ANY(array)` of two kinds of numbers or times, in the wider one: the planner knows only elements that are like the value.
pub(super) fn like_elements(mut function: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    if let [array, value] = function.args.as_mut_slice()
        && let (Ok(DataType::List(element)), Ok(kind)) = (array.get_type(schema), value.get_type(schema))
        && let Some(common) = wider(element.data_type(), &kind)
    {
        let list = DataType::List(Arc::new(element.as_ref().clone().with_data_type(common.clone())));
        *array = Expr::Cast(Cast::new(Box::new(std::mem::take(array)), list));
        *value = Expr::Cast(Cast::new(Box::new(std::mem::take(value)), common));
        return Transformed::yes(Expr::ScalarFunction(function));
    }
    Transformed::no(Expr::ScalarFunction(function))
}

fn wider(element: &DataType, value: &DataType) -> Option<DataType> {
    match (element, value) {
        (DataType::Time64(one), DataType::Time64(other)) => (one != other).then(|| element.clone()),
        _ => unions::number(element, value),
    }
}

/// The cast of a text to an array of `element`.
pub(super) fn from_text(element: FieldRef) -> ScalarUDF {
    let signature = Signature::any(1, Volatility::Stable);
    ScalarUDF::new_from_impl(FromText { name: "array_in", element, signature })
}

/// The cast of a text to an array of times with zones, which the planner has no name for.
fn times_with_zones() -> ScalarUDF {
    let element = Arc::new(Field::new_list_field(timetz::KIND, true));
    let signature = Signature::any(1, Volatility::Stable);
    ScalarUDF::new_from_impl(FromText { name: "_timetz", element, signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FromText {
    name: &'static str,
    element: FieldRef,
    signature: Signature,
}

impl ScalarUDFImpl for FromText {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::clone(&self.element)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let value = value.to_array(args.number_rows)?;
        if matches!(value.data_type(), DataType::List(_)) {
            return cast(&value, args.return_field.data_type()).map(ColumnarValue::Array).map_err(Into::into);
        }
        let text = cast(&value, &DataType::Utf8)?;
        let text = text.as_string::<i32>();
        let rows = text.iter().map(|row| row.map(items).transpose()).collect::<Result<Vec<_>>>()?;
        let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.as_ref().map_or(0, Vec::len)));
        let elements = rows.iter().flatten().flatten().map(Option::as_deref);
        let values: ArrayRef = if *self.element.data_type() == DataType::Binary {
            let read = |text| bytea::parse(text).map_err(|error| DataFusionError::External(Box::new(error)));
            let bytes = elements.map(|item| item.map(read).transpose()).collect::<Result<Vec<_>>>()?;
            Arc::new(BinaryArray::from_iter(bytes))
        } else if *self.element.data_type() == timetz::KIND {
            let zone = session_zone(&args);
            let read =
                |text| timetz::read(text, Some(zone)).map_err(|error| DataFusionError::External(Box::new(error)));
            timetz::array(elements.map(|item| item.map(read).transpose()))?
        } else {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(&elements.collect::<StringArray>(), self.element.data_type(), &options)?
        };
        let nulls = text.nulls().map(|nulls| NullBuffer::new(nulls.inner().clone()));
        Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(Arc::clone(&self.element), offsets, values, nulls)?)))
    }
}
