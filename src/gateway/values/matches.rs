//! `regexp_matches`: every match of a pattern, or the first, each as the array of its groups.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, ListBuilder, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use regex::{Regex, RegexBuilder};

use super::super::pgcatalog::errors::sql_error;

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![ScalarUDF::new_from_impl(Matches { signature: Signature::user_defined(Volatility::Immutable) })]
}

/// The array of the matches; the rewrite of the syntax tree makes a set of it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Matches {
    signature: Signature,
}

/// A pattern with PostgreSQL's flags, and whether every match is wanted.
fn compiled(pattern: &str, flags: &str) -> Result<(Regex, bool)> {
    let mut builder = RegexBuilder::new(pattern);
    // A newline is a character like others, unless the flags say so.
    builder.dot_matches_new_line(true);
    let mut all = false;
    for flag in flags.chars() {
        match flag {
            'g' => all = true,
            'i' => _ = builder.case_insensitive(true),
            'c' => _ = builder.case_insensitive(false),
            'm' | 'n' => _ = builder.multi_line(true).dot_matches_new_line(false),
            'x' => _ = builder.ignore_whitespace(true),
            's' | 't' => {}
            other => return Err(sql_error("22023", format!("invalid regular expression option: \"{other}\""))),
        }
    }
    let regex = builder.build().map_err(|error| {
        let reason = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
        sql_error("2201B", format!("invalid regular expression: {}", reason.trim_start_matches("error: ")))
    })?;
    Ok((regex, all))
}

/// The groups of the matches; the whole match of a pattern without groups.
fn matches<'a>(regex: &Regex, all: bool, text: &'a str) -> Vec<Vec<Option<&'a str>>> {
    let groups = |captures: regex::Captures<'a>| -> Vec<Option<&'a str>> {
        let skip = usize::from(captures.len() > 1);
        captures.iter().skip(skip).map(|group| group.map(|group| group.as_str())).collect()
    };
    regex.captures_iter(text).take(if all { usize::MAX } else { 1 }).map(groups).collect()
}

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &'static str {
        "regexp_matches"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        let texts = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
        Ok(DataType::List(Arc::new(Field::new_list_field(texts, true))))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        if !(2..=3).contains(&arguments.len()) {
            return Err(sql_error("42883", "function regexp_matches takes a text, a pattern and flags"));
        }
        Ok(vec![DataType::Utf8; arguments.len()])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = args.args.iter().map(|value| cast(&value.to_array(args.number_rows)?, &DataType::Utf8));
        let texts = texts.map(|text| text.map_err(DataFusionError::from)).collect::<Result<Vec<ArrayRef>>>();
        let texts = texts?;
        let cell = |column: usize, row: usize| {
            let column = texts.get(column)?.as_string::<i32>();
            column.is_valid(row).then(|| column.value(row))
        };
        let mut found = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
        let mut last: Option<(&str, &str, Regex, bool)> = None;
        for row in 0..args.number_rows {
            let flags = if texts.len() > 2 { cell(2, row) } else { Some("") };
            let (Some(text), Some(pattern), Some(flags)) = (cell(0, row), cell(1, row), flags) else {
                found.append_null();
                continue;
            };
            if last.as_ref().is_none_or(|last| (last.0, last.1) != (pattern, flags)) {
                let (regex, all) = compiled(pattern, flags)?;
                last = Some((pattern, flags, regex, all));
            }
            let Some((_, _, regex, all)) = &last else { continue };
            for groups in matches(regex, *all, text) {
                for group in groups {
                    found.values().values().append_option(group);
                }
                found.values().append(true);
            }
            found.append(true);
        }
        Ok(ColumnarValue::Array(Arc::new(found.finish())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 answers.
    #[test]
    fn matches_are_arrays_of_their_groups() {
        let found = |pattern: &str, flags: &str| {
            let (regex, all) = compiled(pattern, flags).map_err(|error| error.to_string())?;
            Ok::<_, String>(format!("{:?}", matches(&regex, all, "foobarbequebaz")))
        };
        assert_eq!(found("b[a-z]", "g").unwrap(), r#"[[Some("ba")], [Some("be")], [Some("ba")]]"#);
        assert_eq!(found("(B)(.)|(x)", "i").unwrap(), r#"[[Some("b"), Some("a"), None]]"#);
        assert_eq!(found("nothing", "").unwrap(), "[]");
        assert!(found("(", "").unwrap_err().contains("invalid regular expression"));
        assert!(found("a", "?").unwrap_err().contains("invalid regular expression option"));
    }
}
