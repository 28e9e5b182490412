//! Casts to types whose values are text underneath (`name`, `varchar(n)`, `json`, ...): a function that is called like the type
//! and marks its result with it, so that clients are told the type that the statement asked for.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray as _, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::super::pgcatalog::types;
use super::jsonb;

/// The types, by `pg_type.typname`.
pub(crate) const TEXT_TYPES: [&str; 10] =
    ["name", "varchar", "bpchar", "char", "json", "jsonb", "uuid", "inet", "pg_node_tree", "aclitem"];

pub(super) fn functions() -> Vec<ScalarUDF> {
    let new = |name| TextType { name, signature: Signature::user_defined(Volatility::Immutable) };
    TEXT_TYPES.into_iter().map(|name| ScalarUDF::new_from_impl(new(name))).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextType {
    name: &'static str,
    signature: Signature,
}

/// The value as the type `name` keeps it; `length` is that of `varchar(n)` and `bpchar(n)`.
pub(super) fn keep(name: &str, text: &str, length: Option<usize>) -> Result<String> {
    let wrong = || sql_error("22P02", format!("invalid input syntax for type {name}: \"{text}\""));
    Ok(match (name, length) {
        ("name", _) => {
            // 63 bytes, cut between characters.
            let end = text.char_indices().map(|(at, c)| at.saturating_add(c.len_utf8())).take_while(|end| *end <= 63);
            text.get(..end.last().unwrap_or(0)).unwrap_or_default().to_owned()
        }
        ("char", _) => text.chars().take(1).collect(),
        ("varchar", Some(length)) => text.chars().take(length).collect(),
        ("bpchar", Some(length)) => {
            let cut: String = text.chars().take(length).collect();
            format!("{cut:length$}")
        }
        ("jsonb", _) => jsonb::normal(text)?,
        ("json", _) => {
            serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map_err(|_| sql_error("22P02", format!("invalid input syntax for type {name}")))?;
            text.to_owned()
        }
        ("uuid", _) => uuid::Uuid::parse_str(text.trim()).map_err(|_| wrong())?.to_string(),
        ("inet", _) => {
            let address = text.split_once('/').map_or(text, |(address, _)| address);
            address.trim().parse::<std::net::IpAddr>().map_err(|_| wrong())?;
            text.trim().to_owned()
        }
        _ => text.to_owned(),
    })
}

/// The field of a cast to the type `name`, with the modifier that its length is.
pub(super) fn marked(name: &'static str, args: &ReturnFieldArgs) -> FieldRef {
    let field = types::field(name, name);
    let length = args.scalar_arguments.get(1).copied().flatten();
    let length = length.and_then(|length| length.cast_to(&DataType::Int64).ok()?.to_string().parse::<i32>().ok());
    let Some(length) = length else { return field };
    let mut field = field.as_ref().clone();
    // PostgreSQL counts four bytes of a header.
    field.metadata_mut().insert(types::TYPMOD_KEY.to_owned(), length.saturating_add(4).to_string());
    field.into()
}

/// The types of a cast's arguments: the value's, and a length.
pub(super) fn coerced(name: &str, value: DataType, arguments: usize) -> Result<Vec<DataType>> {
    match arguments {
        1 => Ok(vec![value]),
        2 => Ok(vec![value, DataType::Int64]),
        _ => Err(sql_error("42883", format!("function {name} takes one argument"))),
    }
}

/// The length that a cast was given.
pub(super) fn length_of(args: &ScalarFunctionArgs) -> Result<Option<usize>> {
    let Some(length) = args.args.get(1) else { return Ok(None) };
    let length = cast(&length.to_array(1)?, &DataType::Int64)?;
    let length = length.as_primitive_opt::<Int64Type>().and_then(|length| length.iter().next().flatten());
    Ok(length.and_then(|length| usize::try_from(length).ok()))
}

impl ScalarUDFImpl for TextType {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(marked(self.name, &args))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        coerced(self.name, DataType::Utf8, arguments.len())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let text = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let text = cast(&text.to_array(args.number_rows)?, &DataType::Utf8)?;
        let length = length_of(&args)?;
        let kept = text
            .as_string::<i32>()
            .iter()
            .map(|text| text.map(|text| keep(self.name, text, length)).transpose())
            .collect::<Result<StringArray>>()?;
        Ok(ColumnarValue::Array(Arc::new(kept) as ArrayRef))
    }
}
