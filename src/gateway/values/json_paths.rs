//! What a path leads to in JSON: `->`, `->>`, `#>`, `#>>` and the functions of the last two.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::super::pgcatalog::types;
use super::jsonb;

/// How a path is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Path {
    /// An array of texts, or its text.
    Array,
    /// One key, or the number of an element.
    Key,
    /// A text for every step.
    Steps,
}

pub(super) fn functions() -> Vec<ScalarUDF> {
    [
        ("json_path", Path::Array, false),
        ("json_path_text", Path::Array, true),
        ("json_field", Path::Key, false),
        ("json_field_text", Path::Key, true),
        ("json_extract_path", Path::Steps, false),
        ("json_extract_path_text", Path::Steps, true),
        ("jsonb_extract_path", Path::Steps, false),
        ("jsonb_extract_path_text", Path::Steps, true),
    ]
    .into_iter()
    .map(|(name, path, is_text)| {
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::new_from_impl(Follow { name, path, is_text, signature })
    })
    .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Follow {
    name: &'static str,
    path: Path,
    is_text: bool,
    signature: Signature,
}

/// A step of a path: by a name, which is a number to an array, or by number alone.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Name(String),
    Number(i64),
    /// A name only.
    Key(String),
}

/// Splits JSON outside of strings and of what is nested, at `separator`.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0usize, 0usize);
    let (mut is_string, mut is_escaped) = (false, false);
    for (at, character) in text.char_indices() {
        if is_string {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => is_string = false,
                _ => {}
            }
            continue;
        }
        match character {
            '"' => is_string = true,
            '{' | '[' => depth = depth.saturating_add(1),
            '}' | ']' => depth = depth.saturating_sub(1),
            other if other == separator && depth == 0 => {
                parts.extend(text.get(start..at));
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn unquoted(text: &str) -> Option<String> {
    serde_json::from_str::<String>(text).ok()
}

fn inside(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// What a step leads to in a value.
fn follow<'a>(value: &'a str, step: &Step) -> Option<&'a str> {
    let value = value.trim();
    if let Some(members) = inside(value, '{', '}') {
        let (Step::Name(wanted) | Step::Key(wanted)) = step else { return None };
        // The last of a name that is repeated.
        return split(members, ',').into_iter().rev().find_map(|member| {
            let name = split(member, ':').into_iter().next()?;
            let found = member.get(name.len().checked_add(1)?..)?;
            (unquoted(name.trim())? == *wanted).then(|| found.trim())
        });
    }
    let items = inside(value, '[', ']')?;
    let number = match step {
        Step::Name(name) => name.trim().parse().ok()?,
        Step::Number(number) => *number,
        Step::Key(_) => return None,
    };
    let items = if items.trim().is_empty() { Vec::new() } else { split(items, ',') };
    let at = match usize::try_from(number) {
        Ok(at) => at,
        // From the end.
        Err(_) => items.len().checked_sub(usize::try_from(number.unsigned_abs()).ok()?)?,
    };
    items.get(at).map(|item| item.trim())
}

impl Follow {
    /// The steps of a row; `None` for NULL.
    fn steps(&self, columns: &[ArrayRef], row: usize) -> Result<Option<Vec<Step>>> {
        let mut steps = Vec::new();
        for column in columns {
            if column.is_null(row) {
                return Ok(None);
            }
            if let Some(texts) = column.as_list_opt::<i32>() {
                let texts = texts.value(row);
                for text in texts.as_string::<i32>() {
                    let Some(text) = text else { return Ok(None) };
                    steps.push(Step::Name(text.to_owned()));
                }
            } else if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
                steps.push(Step::Number(numbers.value(row)));
            } else {
                let text = column.as_string::<i32>().value(row);
                match self.path {
                    Path::Key => steps.push(Step::Key(text.to_owned())),
                    Path::Steps => steps.push(Step::Name(text.to_owned())),
                    Path::Array => {
                        let names = types::split_array(text).filter(|_| text.trim_start().starts_with('{'));
                        let names =
                            names.ok_or_else(|| sql_error("22P02", format!("malformed array literal: \"{text}\"")))?;
                        for name in names {
                            let Some(name) = name else { return Ok(None) };
                            steps.push(Step::Name(name));
                        }
                    }
                }
            }
        }
        Ok(Some(steps))
    }

    fn row(&self, json: &str, steps: &[Step], is_binary: bool) -> Result<Option<String>> {
        let Some(found) = steps.iter().try_fold(json.trim(), follow) else { return Ok(None) };
        if self.is_text {
            match unquoted(found) {
                Some(text) => return Ok(Some(text)),
                None if found == "null" => return Ok(None),
                None => {}
            }
        }
        Ok(Some(if is_binary { jsonb::normal(found)? } else { found.to_owned() }))
    }
}

impl ScalarUDFImpl for Follow {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if self.is_text {
            return Ok(Field::new(self.name, DataType::Utf8, true).into());
        }
        let kind = args.arg_fields.first().map(|field| types::name_of(field));
        let is_binary = kind.as_deref() == Some("jsonb") || self.name.starts_with("jsonb");
        Ok(types::field(self.name, if is_binary { "jsonb" } else { "json" }))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        if arguments.len() < 2 {
            return Err(sql_error("42883", format!("function {} takes JSON and a path", self.name)));
        }
        let step = |kind: &DataType| match kind {
            DataType::List(_) | DataType::LargeList(_) if self.path == Path::Array => {
                DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)))
            }
            number if number.is_integer() && self.path == Path::Key => DataType::Int64,
            _ => DataType::Utf8,
        };
        Ok(std::iter::once(DataType::Utf8).chain(arguments.iter().skip(1).map(step)).collect())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_binary = args.arg_fields.first().is_some_and(|field| types::name_of(field) == "jsonb")
            || self.name.starts_with("jsonb");
        let columns = args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let Some((json, path)) = columns.split_first() else {
            return Err(DataFusionError::Internal("no arguments".to_owned()));
        };
        let json = cast(json, &DataType::Utf8)?;
        let rows = json.as_string::<i32>().iter().enumerate().map(|(row, json)| {
            let Some(steps) = self.steps(path, row)? else { return Ok(None) };
            json.map_or(Ok(None), |json| self.row(json, &steps, is_binary))
        });
        Ok(ColumnarValue::Array(Arc::new(rows.collect::<Result<StringArray>>()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 answers.
    #[test]
    fn a_path_leads_to_a_part() {
        let json = r#"{"a": {"b,}": [1, null, {"c":"x\"y"}]}, "d": [], "a2": 1.50}"#;
        let at = |steps: &[&str], is_text, is_binary| {
            let signature = Signature::user_defined(Volatility::Immutable);
            let steps: Vec<Step> = steps.iter().map(|step| Step::Name((*step).to_owned())).collect();
            Follow { name: "", path: Path::Array, is_text, signature }.row(json, &steps, is_binary).unwrap()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(at(&["a", "b,}", "0"], true, false), some("1"));
        assert_eq!(at(&["a", "b,}", "-1", "c"], true, false), some("x\"y"));
        assert_eq!(at(&["a", "b,}", "-1"], false, false), some(r#"{"c":"x\"y"}"#));
        assert_eq!(at(&["a", "b,}", "-1"], false, true), some(r#"{"c": "x\"y"}"#));
        assert_eq!(at(&["a", "b,}", "1"], true, false), None);
        assert_eq!(at(&["a", "b,}", "1"], false, false), some("null"));
        assert_eq!(at(&["a", "b,}", "-4"], true, false), None);
        assert_eq!(at(&["d", "0"], true, false), None);
        assert_eq!(at(&["a2"], true, true), some("1.50"));
        assert_eq!(at(&["nothing"], true, true), None);
        assert_eq!(follow("[1, 2]", &Step::Number(1)), Some("2"));
        assert_eq!(follow("[1, 2]", &Step::Key("1".to_owned())), None);
    }
}
