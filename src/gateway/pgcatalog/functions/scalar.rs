//! One scalar function of PostgreSQL: its arity, its result's PostgreSQL type, and how a row is answered.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::gateway::pgcatalog::catalog::Catalog;
use crate::gateway::pgcatalog::errors::sql_error;
use crate::gateway::pgcatalog::types;

/// An argument or a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
}

impl Value {
    pub(super) fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    /// An oid, given as a number or as its digits.
    pub(super) fn oid(&self) -> Option<i32> {
        match self {
            Self::Int(number) => i32::try_from(*number).ok(),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// PostgreSQL's text form; `None` for NULL.
    pub(super) fn print(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(value) => Cow::Borrowed(if *value { "t" } else { "f" }),
            Self::Int(value) => Cow::Owned(value.to_string()),
            Self::Float(value) => Cow::Owned(value.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
            Self::List(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| match item.print() {
                        None => "NULL".to_owned(),
                        Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
                    })
                    .collect();
                Cow::Owned(format!("{{{}}}", items.join(",")))
            }
        })
    }
}

/// How a function treats NULL arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// Any NULL argument makes the result NULL.
    Strict,
    /// The function sees them.
    Seen,
}

/// How often a function is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    /// The same within a statement.
    Stable,
    /// Asked for every row, at run time only: it reads or changes the session.
    Volatile,
}

/// What a function gives for its arguments.
pub(super) type Answer = fn(&Catalog, &[Value]) -> Result<Value>;

/// The definition of a function.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    /// The least and the greatest number of arguments.
    pub(super) arity: (usize, usize),
    /// The result's type, as `pg_type.typname`.
    pub(super) returns: &'static str,
    pub(super) nulls: Nulls,
    pub(super) changes: Changes,
    pub(super) answer: Answer,
}

/// A strict, stable function.
pub(super) const fn stable(
    name: &'static str,
    arity: (usize, usize),
    returns: &'static str,
    answer: Answer,
) -> Definition {
    Definition { name, arity, returns, nulls: Nulls::Strict, changes: Changes::Stable, answer }
}

/// A [`Definition`] bound to a connection's catalog.
#[derive(Debug)]
pub(super) struct CatalogFunction {
    definition: &'static Definition,
    catalog: Arc<Catalog>,
    signature: Signature,
}

impl CatalogFunction {
    pub(super) fn new(definition: &'static Definition, catalog: Arc<Catalog>) -> Self {
        let volatility = match definition.changes {
            Changes::Stable => Volatility::Stable,
            Changes::Volatile => Volatility::Volatile,
        };
        let signature = if definition.arity == (0, 0) {
            Signature::nullary(volatility)
        } else {
            Signature::user_defined(volatility)
        };
        Self { definition, catalog, signature }
    }
}

impl PartialEq for CatalogFunction {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name && Arc::ptr_eq(&self.catalog, &other.catalog)
    }
}

impl Eq for CatalogFunction {}

impl Hash for CatalogFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

/// The type an argument is brought to before a function sees it.
pub(super) fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Null | DataType::Boolean => data_type.clone(),
        number if number.is_integer() => DataType::Int64,
        number if number.is_floating() || number.is_decimal() => DataType::Float64,
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            DataType::List(Arc::new(Field::new_list_field(plain(element.data_type()), true)))
        }
        _ => DataType::Utf8,
    }
}

/// The rows of an array of a [`plain`] type.
pub(super) fn values(array: &dyn Array) -> Result<Vec<Value>> {
    let or_null = |value: Option<Value>| value.unwrap_or(Value::Null);
    Ok(match array.data_type() {
        DataType::Null => vec![Value::Null; array.len()],
        DataType::Boolean => array.as_boolean().iter().map(|value| or_null(value.map(Value::Bool))).collect(),
        DataType::Int64 => {
            array.as_primitive::<Int64Type>().iter().map(|value| or_null(value.map(Value::Int))).collect()
        }
        DataType::Float64 => {
            array.as_primitive::<Float64Type>().iter().map(|value| or_null(value.map(Value::Float))).collect()
        }
        DataType::Utf8 => array.as_string::<i32>().iter().map(|value| or_null(value.map(Value::text))).collect(),
        DataType::List(_) => array
            .as_list::<i32>()
            .iter()
            .map(|row| Ok(or_null(row.map(|row| values(row.as_ref()).map(Value::List)).transpose()?)))
            .collect::<Result<_>>()?,
        other => {
            return Err(DataFusionError::Internal(format!(
                "an argument of type {other} was not brought to a plain type"
            )));
        }
    })
}

impl ScalarUDFImpl for CatalogFunction {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(types::arrow_type(self.definition.returns))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = types::field(self.definition.name, self.definition.returns);
        // What makes an array of an array keeps its bounds.
        let keeps = self.definition.returns.starts_with('_')
            && matches!(args.arg_fields, [array] if types::lower_of(array) == 0);
        if !keeps {
            return Ok(field);
        }
        let mut field = Arc::unwrap_or_clone(field);
        field.metadata_mut().insert(types::LOWER_KEY.to_owned(), "0".to_owned());
        Ok(Arc::new(field))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let (least, most) = self.definition.arity;
        if arguments.len() < least || arguments.len() > most {
            return Err(sql_error(
                "42883",
                format!("function {} does not exist with {} arguments", self.definition.name, arguments.len()),
            ));
        }
        Ok(arguments.iter().map(plain).collect())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let count = if constant && self.definition.changes == Changes::Stable { 1 } else { args.number_rows };
        let columns = args
            .args
            .iter()
            .map(|argument| {
                let array = argument.to_array(count)?;
                let plain = plain(array.data_type());
                let array =
                    if *array.data_type() == plain { array } else { datafusion::arrow::compute::cast(&array, &plain)? };
                values(array.as_ref())
            })
            .collect::<Result<Vec<_>>>()?;
        let mut results = Vec::with_capacity(count);
        for row in 0..count {
            let arguments: Vec<Value> =
                columns.iter().map(|column| column.get(row).cloned().unwrap_or(Value::Null)).collect();
            results.push(if self.definition.nulls == Nulls::Strict && arguments.contains(&Value::Null) {
                Value::Null
            } else {
                (self.definition.answer)(&self.catalog, &arguments)?
            });
        }
        let printed: Vec<Option<Cow<'_, str>>> = results.iter().map(Value::print).collect();
        let array = types::array_from_text(args.return_type(), printed.iter().map(Option::as_deref))?;
        if constant && count == 1 && args.number_rows != 1 {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}
