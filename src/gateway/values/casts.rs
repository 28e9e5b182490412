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

/// The types, by `pg_type.typname`.
pub(crate) const TEXT_TYPES: [&str; 8] = ["name", "varchar", "bpchar", "char", "json", "jsonb", "uuid", "inet"];

pub(super) fn functions() -> Vec<ScalarUDF> {
    let new = |name| TextType { name, signature: Signature::user_defined(Volatility::Immutable) };
    TEXT_TYPES.into_iter().map(|name| ScalarUDF::new_from_impl(new(name))).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextType {
    name: &'static str,
    signature: Signature,
}

impl TextType {
    /// The value as the type keeps it; `length` is that of `varchar(n)` and `bpchar(n)`.
    fn keep(&self, text: &str, length: Option<usize>) -> Result<String> {
        let wrong = || sql_error("22P02", format!("invalid input syntax for type {}: \"{text}\"", self.name));
        Ok(match (self.name, length) {
            ("name", _) => {
                // 63 bytes, cut between characters.
                let end =
                    text.char_indices().map(|(at, c)| at.saturating_add(c.len_utf8())).take_while(|end| *end <= 63);
                text.get(..end.last().unwrap_or(0)).unwrap_or_default().to_owned()
            }
            ("char", _) => text.chars().take(1).collect(),
            ("varchar", Some(length)) => text.chars().take(length).collect(),
            ("bpchar", Some(length)) => {
                let cut: String = text.chars().take(length).collect();
                format!("{cut:length$}")
            }
            ("json" | "jsonb", _) => {
                serde_json::from_str::<serde::de::IgnoredAny>(text)
                    .map_err(|_| sql_error("22P02", format!("invalid input syntax for type {}", self.name)))?;
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
        let field = types::field(self.name, self.name);
        let length = args.scalar_arguments.get(1).copied().flatten();
        let length = length.and_then(|length| length.cast_to(&DataType::Int64).ok()?.to_string().parse::<i32>().ok());
        let Some(length) = length else { return Ok(field) };
        let mut field = field.as_ref().clone();
        // PostgreSQL counts four bytes of a header.
        field.metadata_mut().insert(types::TYPMOD_KEY.to_owned(), length.saturating_add(4).to_string());
        Ok(field.into())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [_] => Ok(vec![DataType::Utf8]),
            [_, _] => Ok(vec![DataType::Utf8, DataType::Int64]),
            _ => Err(sql_error("42883", format!("function {} takes one argument", self.name))),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut columns = args.args.iter().map(|argument| argument.to_array(args.number_rows));
        let text = columns.next().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))??;
        let text = cast(&text, &DataType::Utf8)?;
        let length = columns.next().transpose()?.map(|length| cast(&length, &DataType::Int64)).transpose()?;
        let length = length.as_ref().and_then(|length| length.as_primitive_opt::<Int64Type>()?.iter().next().flatten());
        let length = length.and_then(|length| usize::try_from(length).ok());
        let kept = text
            .as_string::<i32>()
            .iter()
            .map(|text| text.map(|text| self.keep(text, length)).transpose())
            .collect::<Result<StringArray>>()?;
        Ok(ColumnarValue::Array(Arc::new(kept) as ArrayRef))
    }
}
