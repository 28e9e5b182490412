//! Errors of the planner and of execution by their kind, and where they are in the statement.

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use super::parser::{characters, from_parser};
use super::texts::{from_execution, from_plan, plain, unsupported};
use super::values::from_text;
use super::{SqlError, candidates, position_of};

fn from_schema(error: &SchemaError, sql: &str) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => candidates::missing_column(field, valid_fields, sql),
        SchemaError::AmbiguousReference { field } => {
            SqlError::new("42702", format!("column reference \"{}\" is ambiguous", field.name))
        }
        SchemaError::DuplicateQualifiedField { qualifier, .. } => {
            SqlError::new("42712", format!("table name \"{}\" specified more than once", qualifier.table()))
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            SqlError::new("42701", format!("column name \"{name}\" is used more than once"))
        }
    }
}

fn from_arrow(error: &ArrowError, sql: &str) -> SqlError {
    match error {
        ArrowError::DivideByZero => SqlError::new("22012", "division by zero"),
        ArrowError::ArithmeticOverflow(_) => SqlError::new("22003", "value out of range"),
        ArrowError::ParseError(text) | ArrowError::CastError(text) => from_text(text, sql),
        ArrowError::InvalidArgumentError(text) if text.contains("too large to store") => {
            SqlError::new("22003", "numeric field overflow")
        }
        ArrowError::ComputeError(text) | ArrowError::InvalidArgumentError(text) => from_execution(text, sql),
        ArrowError::NotYetImplemented(text) => unsupported(text),
        ArrowError::MemoryError(_) => out_of_memory(TOO_MUCH_MEMORY),
        ArrowError::OffsetOverflowError(_) => out_of_memory("A column of one step would have more than 2GB."),
        ArrowError::IoError(_, error) => from_io(error, sql),
        ArrowError::ExternalError(inner) => from_external(inner.as_ref(), sql),
        other => unexpected(other),
    }
}

/// What is said when nobody has said which limit it was.
pub(crate) const TOO_MUCH_MEMORY: &str = "The statement needs too much memory.";

/// 53200, in words that say which limit it was.
pub(crate) fn out_of_memory(detail: impl Into<String>) -> SqlError {
    SqlError::new("53200", "out of memory").with_detail(detail).with_hint(
        "Ask for less at a time: conditions, fewer columns in sorts and groups. The limits are statement_memory, \
         query_memory and memory_limit in [server] of grantd.toml.",
    )
}

/// What the pool said; not what an operator says of itself.
fn exhausted(text: &str) -> &str {
    if text.ends_with("_memory).") || text.ends_with("(memory_limit).") { text } else { TOO_MUCH_MEMORY }
}

/// Only spilling writes to a disk.
fn from_io(error: &std::io::Error, sql: &str) -> SqlError {
    if let Some(inner) = error.get_ref() {
        return from_external(inner, sql);
    }
    if error.kind() == std::io::ErrorKind::StorageFull {
        return SqlError::new("53100", "could not write to a temporary file: no space left on device");
    }
    unexpected(error)
}

fn from_external(error: &(dyn std::error::Error + 'static), sql: &str) -> SqlError {
    if let Some(sql) = error.downcast_ref::<SqlError>() {
        return sql.clone();
    }
    if let Some(boxed) = error.downcast_ref::<Box<SqlError>>() {
        return boxed.as_ref().clone();
    }
    if let Some(function) = error.downcast_ref::<grantd_sql_functions::FunctionError>() {
        return SqlError::new(function.sqlstate, function.message.clone());
    }
    if let Some(catalog) = error.downcast_ref::<super::super::pgcatalog::errors::SqlError>() {
        return SqlError::new(catalog.sqlstate, catalog.message.clone());
    }
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return classified(inner, sql);
    }
    if let Some(inner) = error.downcast_ref::<ArrowError>() {
        return from_arrow(inner, sql);
    }
    match error.source() {
        Some(source) => from_external(source, sql),
        // The regex crate's errors reach us without their type.
        None if error.to_string().starts_with("regex parse error") => {
            SqlError::new("2201B", "invalid regular expression")
        }
        None => unexpected(error),
    }
}

fn unexpected(error: &(impl std::fmt::Display + ?Sized)) -> SqlError {
    tracing::error!(target: "grantd::gateway", %error, "a query failed for a reason that has no SQLSTATE");
    SqlError::internal()
}

impl From<&DataFusionError> for SqlError {
    fn from(error: &DataFusionError) -> Self {
        classified(error, "")
    }
}

fn classified(error: &DataFusionError, sql: &str) -> SqlError {
    match error {
        DataFusionError::SQL(parser, _) => from_parser(parser, sql),
        DataFusionError::SchemaError(schema, _) => from_schema(schema, sql),
        DataFusionError::Plan(text) => from_plan(text, sql),
        DataFusionError::ArrowError(arrow, _) => from_arrow(arrow, sql),
        DataFusionError::Execution(text) => from_execution(text, sql),
        DataFusionError::NotImplemented(text) => unsupported(text),
        DataFusionError::ResourcesExhausted(text) => out_of_memory(exhausted(text)),
        DataFusionError::IoError(error) => from_io(error, sql),
        DataFusionError::Configuration(text) => SqlError::new("22023", plain(text, "invalid value")),
        DataFusionError::External(inner) => from_external(inner.as_ref(), sql),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => classified(inner, sql),
        DataFusionError::Shared(inner) => classified(inner, sql),
        DataFusionError::Collection(inner) => {
            inner.first().map_or_else(|| unexpected(error), |first| classified(first, sql))
        }
        DataFusionError::Internal(text) if text.contains("regex parse error") => {
            SqlError::new("2201B", "invalid regular expression")
        }
        // What the planner cannot turn into an operator arrives as an internal error.
        DataFusionError::Internal(text) if text.contains("Physical plan does not support") => {
            tracing::warn!(target: "grantd::gateway", %text, "a query has no physical plan");
            SqlError::unsupported("this form of subquery or expression is not supported here")
        }
        other => unexpected(other),
    }
}

/// The SQL error of a planning or execution error, with its place in `sql` where it is known.
pub fn from_datafusion(error: &DataFusionError, sql: &str) -> SqlError {
    let span = find_span(error);
    let error = classified(error, sql).or_position(|| {
        let start = span?.start;
        position_of(sql, start.line, start.column)
    });
    let subject = error.subject().map(str::to_owned);
    let error = error.or_position(|| place_of(sql, &subject?));
    let literal = token_of(&error.message).map(str::to_owned);
    error.or_position(|| {
        let literal = literal?;
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let (at, _) = sql.rmatch_indices(&literal).find(|(at, _)| {
            let before = sql.get(..*at).and_then(|head| head.chars().next_back());
            let after = sql.get(at.saturating_add(literal.len())..).and_then(|rest| rest.chars().next());
            !before.is_some_and(word) && !after.is_some_and(word)
        })?;
        characters(sql, at)
    })
}

/// What a message is about where that is no name: it is looked for from the end.
fn token_of(message: &str) -> Option<&str> {
    if let Some((_, rest)) = message.split_once("BY position ") {
        return rest.split(' ').next();
    }
    if let Some((_, name)) = message.split_once("too many dotted names): ") {
        return Some(name);
    }
    message.starts_with("SELECT * with no tables").then_some("*")
}

fn find_span(error: &DataFusionError) -> Option<datafusion::common::Span> {
    match error {
        DataFusionError::Diagnostic(diagnostic, _) => diagnostic.span,
        DataFusionError::Context(_, inner) => find_span(inner),
        DataFusionError::Shared(inner) => find_span(inner),
        DataFusionError::Collection(inner) => inner.first().and_then(find_span),
        _ => None,
    }
}

/// Where an identifier stands in the text, for errors whose place the planner does not tell. A qualified name is pointed
/// at with its qualifier.
fn place_of(sql: &str, name: &str) -> Option<usize> {
    let lower = sql.to_lowercase();
    let wanted = name.to_lowercase();
    if lower.len() != sql.len() || wanted.is_empty() {
        return None;
    }
    let word = |c: char| c.is_alphanumeric() || c == '_';
    lower.match_indices(&wanted).find_map(|(at, _)| {
        let before = lower.get(..at)?.chars().next_back();
        let after = lower.get(at.checked_add(wanted.len())?..)?.chars().next();
        if before.is_some_and(word) || after.is_some_and(word) {
            return None;
        }
        let head = sql.get(..at)?;
        let start = match head.strip_suffix('.') {
            Some(qualifier) => qualifier.trim_end_matches(|c| word(c) || c == '.'),
            // The place of a quoted name, or of a name in a string, is that of the quote.
            None => head.strip_suffix(['"', '\'']).unwrap_or(head),
        };
        Some(start.chars().count() + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_errors_pass_unchanged() {
        let own = SqlError::new("42501", "no").with_hint("ask");
        let wrapped =
            DataFusionError::Context("scan".into(), Box::new(DataFusionError::External(Box::new(own.clone()))));
        assert_eq!(SqlError::from(&wrapped), own);
    }
}
