//! Failures in Snowflake's words: number, SQLSTATE, message.

use super::parse::Places;
use crate::sandbox::protocol::engine::Failure;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

/// A statement that does not compile.
pub(super) fn compilation(code: &str, sqlstate: &str, what: &str) -> Failure {
    Failure::new(code, sqlstate, format!("SQL compilation error:\n{what}"))
}

/// A syntax error; `column` counts from 1, the message from 0.
pub(super) fn syntax(line: u64, column: u64, found: Option<&str>) -> Failure {
    let unexpected = found.map(|f| format!(" unexpected '{f}'")).unwrap_or_default();
    compilation(
        "001003",
        "42000",
        &format!("syntax error line {line} at position {}{unexpected}.", column.saturating_sub(1)),
    )
}

/// A relation that is not there, or that the session may not know of.
pub(super) fn unknown_object(shown: &str) -> Failure {
    compilation("002003", "02000", &format!("Object '{shown}' does not exist or not authorized."))
}

fn invalid_identifier(name: &str, places: &Places) -> Failure {
    match places.of(name) {
        Some((line, position)) => Failure::new(
            "000904",
            "42000",
            format!("SQL compilation error: error line {line} at position {position}\ninvalid identifier '{name}'"),
        ),
        None => compilation("000904", "42000", &format!("invalid identifier '{name}'")),
    }
}

/// The parser says where in words: `Expected: X, found: Y at Line: 1, Column: 5`; nothing at the end of the text.
pub(super) fn from_parser(error: &ParserError, end: (u64, u64)) -> Failure {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => {
            return compilation("001003", "42000", "the statement is nested too deeply.");
        }
    };
    let number = |part: &str| part.trim().parse::<u64>().ok();
    let place = text.rsplit_once(" at Line: ").and_then(|(before, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((before, (number(line)?, number(column)?)))
    });
    let (before, (line, column)) = place.unwrap_or((text, end));
    match before.rsplit_once("found: ").map(|(_, found)| found.trim()) {
        Some("EOF") => syntax(line, column, Some("<EOF>")),
        Some(found) => syntax(line, column, Some(found)),
        // What the parser says without a token, such as a clause that stands twice.
        None => compilation("001003", "42000", &format!("syntax error line {line}: {before}.")),
    }
}

/// What DataFusion refuses.
pub(super) fn from_datafusion(error: &DataFusionError, places: &Places) -> Failure {
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, .. } => invalid_identifier(&field.name, places),
            SchemaError::AmbiguousReference { field } => {
                compilation("000904", "42000", &format!("ambiguous column name '{}'", field.name))
            }
            other => compilation("001007", "22023", &other.to_string()),
        },
        DataFusionError::NotImplemented(what) => Failure::unsupported(what),
        DataFusionError::ResourcesExhausted(what) => Failure::new("300005", "53200", what.clone()),
        DataFusionError::ArrowError(arrow, _) => Failure::new("100038", "22018", arrow.to_string()),
        DataFusionError::Plan(what) | DataFusionError::Execution(what) => {
            let text = what.lines().next().unwrap_or_default();
            match text.strip_prefix("Invalid function '").and_then(|rest| rest.strip_suffix("'.")) {
                Some(function) => {
                    compilation("002140", "42601", &format!("Unknown function {}", function.to_uppercase()))
                }
                None => compilation("001007", "22023", text),
            }
        }
        other => Failure::internal(other),
    }
}
