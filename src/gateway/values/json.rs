//! `json_build_object`, `json_build_array`, `to_json`, `row_to_json`, what `json_agg` and `json_object_agg` make of their lists, and the `jsonb`
//! twins of all.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::Transformed;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::super::encode::{Style, text_value};
use super::super::error::SqlError;
use super::super::pgcatalog::errors::sql_error;
use super::super::pgcatalog::types;
use super::super::query::shape::{Column, type_of};
use super::outputs;
use super::zones::session_zone;

/// What a function makes of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    Object,
    Array,
    Value,
    /// The entries of a list; NULL for NULL.
    Entries,
    /// Keys and values in two lists; NULL for NULL.
    Pairs,
}

/// What an aggregate makes of the values it collected, by the aggregate's name.
pub(super) fn of_lists(aggregate: &str) -> Option<&'static str> {
    Some(match aggregate {
        "json_agg" => "json_of_list",
        "jsonb_agg" => "jsonb_of_list",
        "json_object_agg" => "json_of_pairs",
        "jsonb_object_agg" => "jsonb_of_pairs",
        _ => return None,
    })
}

const FUNCTIONS: [(&str, &str, Shape); 11] = [
    ("json_build_object", "json", Shape::Object),
    ("jsonb_build_object", "jsonb", Shape::Object),
    ("json_build_array", "json", Shape::Array),
    ("jsonb_build_array", "jsonb", Shape::Array),
    ("to_json", "json", Shape::Value),
    ("to_jsonb", "jsonb", Shape::Value),
    ("row_to_json", "json", Shape::Value),
    ("json_of_list", "json", Shape::Entries),
    ("jsonb_of_list", "jsonb", Shape::Entries),
    ("json_of_pairs", "json", Shape::Pairs),
    ("jsonb_of_pairs", "jsonb", Shape::Pairs),
];

pub(super) fn functions() -> Vec<ScalarUDF> {
    let new = |(name, returns, shape)| ScalarUDF::new_from_impl(Build::new(name, returns, shape, Vec::new()));
    FUNCTIONS.into_iter().map(new).collect()
}

/// The function with what is known of its arguments when it is planned: those that are JSON already are not made text again.
/// Operators do not carry the names of types along.
pub(super) fn knowing(mut call: ScalarFunction, arguments: &[String]) -> Transformed<ScalarFunction> {
    let known = FUNCTIONS.into_iter().find(|(name, ..)| *name == call.name());
    let forms: Vec<Form> = arguments.iter().map(|name| Form::of(name)).collect();
    match known {
        Some((name, returns, shape)) if forms.iter().any(|form| *form != Form::Plain) => {
            call.func = Arc::new(ScalarUDF::new_from_impl(Build::new(name, returns, shape, forms)));
            Transformed::yes(call)
        }
        _ => Transformed::no(call),
    }
}

fn signature(shape: Shape) -> Signature {
    match shape {
        Shape::Value | Shape::Entries => Signature::any(1, Volatility::Stable),
        Shape::Pairs => Signature::any(2, Volatility::Stable),
        Shape::Object | Shape::Array => {
            Signature::one_of(vec![TypeSignature::VariadicAny, TypeSignature::Nullary], Volatility::Stable)
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Build {
    name: &'static str,
    returns: &'static str,
    shape: Shape,
    /// How the arguments, or the entries of their lists, are written; plain beyond the end.
    forms: Vec<Form>,
    signature: Signature,
}

/// How values are written.
#[derive(Clone, Copy)]
struct Writer {
    comma: &'static str,
    style: Style,
}

impl Writer {
    /// A value as JSON.
    fn json(self, array: &ArrayRef, row: usize, form: Form) -> Result<String> {
        if array.is_null(row) || array.data_type() == &DataType::Null {
            return Ok("null".to_owned());
        }
        if let DataType::List(_) = array.data_type() {
            return Ok(format!("[{}]", self.entries(array, row, form)?.join(self.comma)));
        }
        if let Some(columns) = array.as_struct_opt() {
            return self.fields(columns, row);
        }
        let kind = array.data_type();
        let text = if outputs::has_own_text(kind) {
            self.own_text(array, row)?
        } else {
            let options = FormatOptions::default();
            ArrayFormatter::try_new(array, &options)?.value(row).try_to_string()?
        };
        // Infinity and NaN are numbers of PostgreSQL, and none of JSON.
        let is_plain = kind.is_numeric() && text.ends_with(|last: char| last.is_ascii_digit());
        if form == Form::Raw || (form == Form::Plain && (is_plain || *kind == DataType::Boolean)) {
            return Ok(text);
        }
        Ok(serde_json::Value::String(text).to_string())
    }

    /// A value as PostgreSQL prints it; moments as ISO 8601 has them.
    fn own_text(self, array: &ArrayRef, row: usize) -> Result<String> {
        let failed = |error: SqlError| DataFusionError::External(Box::new(error));
        let kind = array.data_type();
        let column = Column::new("json", type_of(&Field::new("", kind.clone(), true)).map_err(failed)?);
        let mut out = BytesMut::new();
        text_value(&mut out, array, row, &column, &self.style).map_err(failed)?;
        let text = String::from_utf8_lossy(&out).into_owned();
        let DataType::Timestamp(_, zone) = kind else { return Ok(text) };
        let text = text.replacen(' ', "T", 1);
        // The zone has minutes, also where there are none.
        let offset = text.rfind(['+', '-']).and_then(|at| text.get(at..)).filter(|_| zone.is_some());
        Ok(if offset.is_some_and(|offset| offset.len() == 3) { format!("{text}:00") } else { text })
    }

    /// A row as an object of its columns, which `jsonb` writes with spaces.
    fn fields(self, columns: &StructArray, row: usize) -> Result<String> {
        let pairs = columns.fields().iter().zip(columns.columns()).map(|(field, column)| {
            let value = self.json(column, row, Form::of(&types::name_of(field)))?;
            Ok((serde_json::Value::String(field.name().clone()).to_string(), value))
        });
        let pairs = pairs.collect::<Result<_>>()?;
        Ok(if self.comma == "," { object(pairs, ":", ",") } else { object(ordered(pairs), ": ", self.comma) })
    }

    /// The entries of a list, each as JSON.
    fn entries(self, array: &ArrayRef, row: usize, form: Form) -> Result<Vec<String>> {
        let Some(list) = array.as_list_opt::<i32>().filter(|list| !list.is_null(row)) else { return Ok(Vec::new()) };
        let items = list.value(row);
        (0..items.len()).map(|item| self.json(&items, item, form)).collect()
    }
}

fn object(pairs: Vec<(String, String)>, colon: &str, comma: &str) -> String {
    let written: Vec<String> = pairs.into_iter().map(|(key, value)| format!("{key}{colon}{value}")).collect();
    format!("{{{}}}", written.join(comma))
}

/// The entries of an object as `jsonb` has them: the last of equal keys, and ordered by length.
fn ordered(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.reverse();
    pairs.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    pairs.dedup_by(|(a, _), (b, _)| a == b);
    pairs
}

/// How the values of a type, or of arrays of it, are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
enum Form {
    /// As what carries them is.
    #[default]
    Plain,
    /// As they are: they are JSON.
    Raw,
    /// As strings: numbers to Arrow alone.
    Quoted,
}

impl Form {
    fn of(name: &str) -> Self {
        match name.trim_start_matches('_') {
            "json" | "jsonb" => Self::Raw,
            "xid" | "cid" => Self::Quoted,
            name if types::is_oid_type(name) => Self::Quoted,
            _ => Self::Plain,
        }
    }
}

impl Build {
    fn new(name: &'static str, returns: &'static str, shape: Shape, forms: Vec<Form>) -> Self {
        Self { name, returns, shape, forms, signature: signature(shape) }
    }

    fn object(&self, pairs: Vec<(String, String)>) -> String {
        if self.returns == "jsonb" { object(ordered(pairs), ": ", ", ") } else { object(pairs, " : ", ", ") }
    }

    fn row(&self, columns: &[ArrayRef], row: usize, style: Style) -> Result<String> {
        let writer = Writer { comma: if self.returns == "jsonb" { ", " } else { "," }, style };
        let form = |index: usize| self.forms.get(index).copied().unwrap_or_default();
        let is_nested = columns.first().is_some_and(|list| match list.data_type() {
            DataType::List(element) => element.data_type().is_nested(),
            _ => false,
        });
        let columns = columns.iter().enumerate();
        if matches!(self.shape, Shape::Entries | Shape::Pairs) {
            let lists = columns.map(|(index, column)| writer.entries(column, row, form(index)));
            let mut lists = lists.collect::<Result<Vec<_>>>()?.into_iter();
            let first = lists.next().unwrap_or_default();
            let Some(values) = lists.next() else {
                // `json_agg` writes each row, and each array, on a line of its own.
                let between = if self.returns == "json" && is_nested { ", \n " } else { ", " };
                return Ok(format!("[{}]", first.join(between)));
            };
            let pairs = first.into_iter().zip(values).map(|(name, value)| {
                if name == "null" {
                    return Err(sql_error("22023", "field name must not be null"));
                }
                Ok((key(name), value))
            });
            let pairs = pairs.collect::<Result<Vec<_>>>()?;
            if self.returns == "json" {
                return Ok(format!(
                    "{{ {} }}",
                    pairs.iter().map(|(key, value)| format!("{key} : {value}")).collect::<Vec<_>>().join(", ")
                ));
            }
            return Ok(self.object(pairs));
        }
        let values =
            columns.map(|(index, column)| writer.json(column, row, form(index))).collect::<Result<Vec<_>>>()?;
        Ok(match self.shape {
            Shape::Array => format!("[{}]", values.join(", ")),
            Shape::Object => {
                let pairs = values.chunks(2).map(|pair| match pair {
                    [name, _] if name == "null" => Err(sql_error("22004", "argument 1: key must not be null")),
                    [name, value] => Ok((key(name.clone()), value.clone())),
                    _ => Err(sql_error("22023", "argument list must have even number of elements")),
                });
                self.object(pairs.collect::<Result<_>>()?)
            }
            Shape::Value | Shape::Entries | Shape::Pairs => values.into_iter().next().unwrap_or_default(),
        })
    }
}

/// A value as the key of an object.
fn key(value: String) -> String {
    if value.starts_with('"') { value } else { format!("\"{value}\"") }
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
        let style = Style { zone: Some(session_zone(&args)), ..Style::default() };
        let rows = (0..args.number_rows).map(|row| {
            let strict = matches!(self.shape, Shape::Value | Shape::Entries | Shape::Pairs);
            let null = strict && columns.first().is_some_and(|column| column.is_null(row));
            if null { Ok(None) } else { self.row(&columns, row, style).map(Some) }
        });
        Ok(ColumnarValue::Array(Arc::new(rows.collect::<Result<StringArray>>()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::ListArray;
    use datafusion::arrow::datatypes::Int32Type;

    fn build(name: &str, forms: &[Form], columns: &[ArrayRef]) -> Result<String> {
        let (name, returns, shape) = FUNCTIONS.into_iter().find(|(known, ..)| *known == name).unwrap();
        Build::new(name, returns, shape, forms.to_vec()).row(columns, 0, Style::default())
    }

    #[test]
    fn lists_become_json_as_postgresql_writes_it() {
        let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
        let numbers: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None, Some(1)])]));
        assert_eq!(build("json_of_list", &[], &[Arc::clone(&numbers)]).unwrap(), "[1, null, 1]");
        assert_eq!(build("to_json", &[], &[Arc::clone(&numbers)]).unwrap(), "[1,null,1]");
        assert_eq!(build("to_jsonb", &[], &[Arc::clone(&numbers)]).unwrap(), "[1, null, 1]");
        assert!(build("jsonb_of_pairs", &[], &[Arc::clone(&numbers), numbers]).is_err());
        let nested = [text("a"), text("{\"b\": 1}")];
        assert_eq!(build("jsonb_build_object", &[Form::Plain, Form::Raw], &nested).unwrap(), r#"{"a": {"b": 1}}"#);
        let keys = [text("bb"), text("1"), text("a"), text("2"), text("bb"), text("3")];
        assert_eq!(build("jsonb_build_object", &[], &keys).unwrap(), r#"{"a": "2", "bb": "3"}"#);
        assert_eq!(build("json_build_object", &[], &keys[..2]).unwrap(), r#"{"bb" : "1"}"#);
    }
}
