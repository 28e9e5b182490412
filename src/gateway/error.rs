//! What a client is told when something fails: a SQLSTATE, a text as PostgreSQL writes it, and the place.

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::TokenizerError;

/// An error as it goes over the wire. Table providers and functions may return one inside
/// `DataFusionError::External`; it then reaches the client unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (SQLSTATE {sqlstate})")]
pub struct SqlError {
    /// The five characters of PostgreSQL's error code, e.g. `42P01`.
    pub sqlstate: &'static str,
    /// One sentence, lower case first, no full stop: PostgreSQL's style.
    pub message: String,
    /// What exactly was wrong.
    pub detail: Option<String>,
    /// What the user can do.
    pub hint: Option<String>,
    /// The character in the query text, counted from 1.
    pub position: Option<usize>,
    /// A fatal error ends the connection.
    pub fatal: bool,
}

impl SqlError {
    /// An error with a code and a message.
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { sqlstate, message: message.into(), detail: None, hint: None, position: None, fatal: false }
    }

    /// The same error, ending the connection.
    pub fn fatal(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { fatal: true, ..Self::new(sqlstate, message) }
    }

    /// 08P01: the client broke the protocol; the connection ends.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::fatal("08P01", message)
    }

    /// 0A000: a known feature that grantd does not have.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new("0A000", message)
    }

    /// 42601 at a character position.
    pub fn syntax(message: impl Into<String>, position: Option<usize>) -> Self {
        Self { position, ..Self::new("42601", message) }
    }

    /// XX000: a fault of grantd's own. The text says nothing about its insides; the log does.
    pub fn internal() -> Self {
        Self::new("XX000", "internal error").with_hint("The server log has the details.")
    }

    /// Adds a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a position where none is known yet.
    #[must_use]
    pub fn or_position(mut self, position: impl FnOnce() -> Option<usize>) -> Self {
        if self.position.is_none() {
            self.position = position();
        }
        self
    }

    /// The name that the message quotes first (`relation "x" does not exist` gives `x`), to look for its place.
    pub fn subject(&self) -> Option<&str> {
        match self.sqlstate {
            "42883" => self.message.strip_prefix("function ")?.split('(').next(),
            "42P01" | "42703" | "42702" | "42803" => {
                let quoted = self.message.split('"').nth(1);
                quoted.or_else(|| self.message.strip_prefix("column ")?.split(' ').next())
            }
            _ => None,
        }
        .map(|name| name.rsplit('.').next().unwrap_or(name))
    }
}

/// The character position (from 1) of a line and column (both from 1, columns in characters).
pub fn position_of(sql: &str, line: u64, column: u64) -> Option<usize> {
    if line == 0 || column == 0 {
        return None;
    }
    let mut position = 0usize;
    let mut lines = sql.split_inclusive('\n');
    for _ in 1..line {
        position = position.checked_add(lines.next()?.chars().count())?;
    }
    position.checked_add(usize::try_from(column).ok()?)
}

/// The word at a character position, as a syntax error quotes it.
fn word_at(sql: &str, position: usize) -> Option<String> {
    let rest: String = sql.chars().skip(position.checked_sub(1)?).collect();
    let first = rest.chars().next()?;
    let word: String = match first {
        '\'' | '"' => {
            let mut end = false;
            rest.chars()
                .enumerate()
                .take_while(|(index, c)| {
                    let keep = !end;
                    end = *index > 0 && *c == first;
                    keep
                })
                .map(|(_, c)| c)
                .collect()
        }
        c if c.is_alphanumeric() || c == '_' => {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '$').collect()
        }
        c => c.to_string(),
    };
    Some(word.chars().take(64).collect())
}

/// `syntax error at or near "x"` at a position, or at the end of the input.
pub fn syntax_error_at(sql: &str, position: Option<usize>) -> SqlError {
    let length = sql.trim_end().chars().count();
    match position.filter(|position| *position <= length) {
        Some(position) => {
            let near = word_at(sql, position).unwrap_or_default();
            SqlError::syntax(format!("syntax error at or near \"{near}\""), Some(position))
        }
        None => SqlError::syntax("syntax error at end of input", Some(sql.chars().count().saturating_add(1))),
    }
}

/// A parser's error. The parser says where in its message (`... at Line: 1, Column: 8`).
pub fn from_parser(error: &ParserError, sql: &str) -> SqlError {
    match error {
        ParserError::RecursionLimitExceeded => too_complex("expressions or subqueries are nested too deeply"),
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => {
            let place = text.rsplit_once(" at Line: ").and_then(|(_, place)| {
                let (line, column) = place.split_once(", Column: ")?;
                position_of(sql, line.trim().parse().ok()?, column.trim().parse().ok()?)
            });
            let mut error = syntax_error_at(sql, place);
            let said = text.rsplit_once(" at Line: ").map_or(text.as_str(), |(said, _)| said);
            if !said.is_empty() {
                error.detail = Some(said.to_owned());
            }
            error
        }
    }
}

/// A tokenizer's error: an unterminated quote or comment, or a character that starts nothing.
pub fn from_tokenizer(error: &TokenizerError, sql: &str) -> SqlError {
    let position = position_of(sql, error.location.line, error.location.column);
    let lower = error.message.to_ascii_lowercase();
    if lower.contains("unterminated") || lower.contains("eof") {
        let what = if lower.contains("comment") {
            "unterminated /* comment"
        } else if lower.contains('"') {
            "unterminated quoted identifier"
        } else {
            "unterminated quoted string"
        };
        return SqlError::syntax(what, position);
    }
    syntax_error_at(sql, position)
}

/// 54001 with the reason.
pub fn too_complex(detail: impl Into<String>) -> SqlError {
    SqlError::new("54001", "statement is too complex").with_detail(detail)
}

fn column_name(column: &Column) -> String {
    match &column.relation {
        Some(relation) => format!("{}.{}", relation.table(), column.name),
        None => format!("\"{}\"", column.name),
    }
}

fn from_schema(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut sql = SqlError::new("42703", format!("column {} does not exist", column_name(field)));
            if let Some(other) = valid_fields.iter().find(|valid| valid.name.eq_ignore_ascii_case(&field.name)) {
                sql.hint = Some(format!("Perhaps you meant to reference the column \"{}\".", other.flat_name()));
            }
            sql
        }
        SchemaError::AmbiguousReference { field } => {
            SqlError::new("42702", format!("column reference \"{}\" is ambiguous", field.name))
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            SqlError::new("42701", format!("column name \"{name}\" is used more than once"))
        }
    }
}

fn from_arrow(error: &ArrowError) -> SqlError {
    match error {
        ArrowError::DivideByZero => SqlError::new("22012", "division by zero"),
        ArrowError::ArithmeticOverflow(_) => SqlError::new("22003", "value out of range"),
        ArrowError::ParseError(text) | ArrowError::CastError(text) => from_value_text(text),
        ArrowError::InvalidArgumentError(text) if text.contains("too large to store") => {
            SqlError::new("22003", "numeric field overflow")
        }
        ArrowError::ComputeError(text) | ArrowError::InvalidArgumentError(text) => from_execution(text),
        ArrowError::NotYetImplemented(text) => SqlError::unsupported(plain(text)),
        ArrowError::MemoryError(_) | ArrowError::OffsetOverflowError(_) => SqlError::new("53200", "out of memory"),
        ArrowError::ExternalError(inner) => from_external(inner.as_ref()),
        other => unexpected(other),
    }
}

/// PostgreSQL's name of an Arrow type as it appears in a cast's error text.
fn pg_type_word(arrow: &str) -> &'static str {
    match arrow {
        "Int8" | "Int16" | "UInt8" => "smallint",
        "Int32" | "UInt16" => "integer",
        "Int64" | "UInt32" | "UInt64" => "bigint",
        "Float16" | "Float32" => "real",
        "Float64" => "double precision",
        "Boolean" => "boolean",
        "Date32" | "Date64" => "date",
        _ if arrow.starts_with("Decimal") => "numeric",
        _ if arrow.starts_with("Timestamp") => "timestamp",
        _ if arrow.starts_with("Time") => "time",
        _ if arrow.starts_with("Interval") || arrow.starts_with("Duration") => "interval",
        _ => "value",
    }
}

/// Texts of arrow's cast kernels: `Cannot cast string 'x' to value of Int32 type` and the parsers of dates.
fn from_value_text(text: &str) -> SqlError {
    if let Some(rest) = text.strip_prefix("Cannot cast string '")
        && let Some((value, target)) = rest.rsplit_once("' to value of ")
    {
        let word = pg_type_word(target.trim_end_matches(" type").trim());
        let out_of_range = matches!(word, "smallint" | "integer" | "bigint")
            && value.trim().trim_start_matches(['-', '+']).chars().all(|c| c.is_ascii_digit())
            && value.chars().any(|c| c.is_ascii_digit());
        return if out_of_range {
            SqlError::new("22003", format!("value \"{value}\" is out of range for type {word}"))
        } else {
            SqlError::new(
                if matches!(word, "date" | "timestamp" | "time" | "interval") { "22007" } else { "22P02" },
                format!("invalid input syntax for type {word}: \"{value}\""),
            )
        };
    }
    if text.starts_with("Can't cast value") || text.contains("out of range") || text.contains("overflow") {
        return SqlError::new("22003", "value out of range").with_detail(plain(text));
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("timestamp") || lower.contains("date") || lower.contains("interval") || lower.contains("timezone")
    {
        let value = text.split('\'').nth(1).unwrap_or_default();
        let word = if lower.contains("interval") {
            "interval"
        } else if lower.contains("timestamp") {
            "timestamp"
        } else {
            "date"
        };
        return SqlError::new("22007", format!("invalid input syntax for type {word}: \"{value}\""));
    }
    if text.starts_with("Casting from") {
        return SqlError::new("42846", "cannot cast between these types").with_detail(plain(text));
    }
    SqlError::new("22P02", plain(text))
}

/// The first line, without the hints and back traces that the planner appends, first letter lowered.
fn plain(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.split("backtrace:").next().unwrap_or(line).trim().trim_end_matches('.');
    let mut line = line.to_owned();
    for (arrow, sql) in [
        ("Utf8View", "text"),
        ("LargeUtf8", "text"),
        ("Utf8", "text"),
        ("UInt64", "bigint"),
        ("Int64", "bigint"),
        ("UInt32", "bigint"),
        ("Int32", "integer"),
        ("Int16", "smallint"),
        ("Float64", "double precision"),
        ("Float32", "real"),
        ("Boolean", "boolean"),
        ("Date32", "date"),
        ("Null", "unknown"),
    ] {
        line = line.replace(arrow, sql);
    }
    let mut chars = line.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(line.chars().skip(1)).collect()
        }
        _ => line,
    }
}

fn from_plan(text: &str) -> SqlError {
    let quoted = |index: usize| text.split('\'').nth(index).unwrap_or_default();
    if text.contains("able function '") && text.contains("not found") {
        return undefined_function(quoted(1));
    }
    if (text.starts_with("table '") || text.starts_with("Table '")) && text.contains("' not found") {
        return SqlError::new("42P01", format!("relation \"{}\" does not exist", relation_name(quoted(1))));
    }
    if text.starts_with("Invalid function '") {
        let mut error = undefined_function(quoted(1));
        if text.contains("Did you mean '") {
            error.hint = Some(format!("Perhaps you meant the function \"{}\".", quoted(3)));
        }
        return error;
    }
    if text.starts_with("column '") && text.contains("' not found") {
        return SqlError::new("42703", format!("column \"{}\" does not exist", quoted(1)));
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("must appear in the group by clause") || lower.contains("must be part of group by") {
        let column = text.split('"').nth(1).unwrap_or_default();
        return SqlError::new(
            "42803",
            format!("column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"),
        );
    }
    if lower.contains("could not be resolved from available columns") {
        let column = text.split('"').nth(1).unwrap_or_default();
        return SqlError::new(
            "42803",
            format!("column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"),
        );
    }
    if lower.contains("failed to coerce arguments")
        || lower.contains("function signature")
        || lower.contains("no function matches")
        || lower.contains("candidate functions")
    {
        let name = text.split('\'').nth(1).unwrap_or_default();
        return SqlError {
            detail: Some(plain(text)),
            ..SqlError::new("42883", format!("function {name} does not exist with these argument types"))
        }
        .with_hint(
            "No function matches the given name and argument types. You might need to add explicit type casts.",
        );
    }
    if lower.contains("cannot infer common argument type") || lower.contains("cannot coerce arithmetic expression") {
        return SqlError::new("42883", format!("operator does not exist: {}", plain(text))).with_hint(
            "No operator matches the given name and argument types. You might need to add explicit type casts.",
        );
    }
    if lower.contains("non-boolean") {
        return SqlError::new("42804", "argument of WHERE, HAVING or ON must be type boolean");
    }
    if lower.contains("ambiguous") {
        return SqlError::new("42702", plain(text));
    }
    if lower.contains("coerce") || lower.contains("incompatible") || lower.contains("type mismatch") {
        return SqlError::new("42804", plain(text));
    }
    if lower.contains("expressions to be unique") || lower.contains("unique expression names") {
        return SqlError::new("42701", plain(text));
    }
    if lower.contains("unsupported") || lower.contains("not supported") || lower.contains("not implemented") {
        return SqlError::unsupported(plain(text));
    }
    if lower.contains("order by") && lower.contains("position") {
        return SqlError::new("42P10", plain(text));
    }
    if lower.contains("limit") || lower.contains("offset") {
        return SqlError::new(if lower.contains("offset") { "2201X" } else { "2201W" }, plain(text));
    }
    SqlError::new("42601", plain(text))
}

fn undefined_function(name: &str) -> SqlError {
    SqlError::new("42883", format!("function {name} does not exist"))
}

/// `grantd.public.x` is shown as `x`: the user never wrote the first two parts.
fn relation_name(full: &str) -> String {
    let parts: Vec<&str> = full.split('.').collect();
    match parts.as_slice() {
        [_, "public", rest @ ..] if !rest.is_empty() => rest.join("."),
        [_, rest @ ..] if rest.len() > 1 => rest.join("."),
        _ => full.to_owned(),
    }
}

fn from_execution(text: &str) -> SqlError {
    let lower = text.to_ascii_lowercase();
    if lower.contains("divide by zero") || lower.contains("division by zero") {
        return SqlError::new("22012", "division by zero");
    }
    if lower.contains("overflow") || lower.contains("out of range") {
        return SqlError::new("22003", plain(text));
    }
    if text.starts_with("Cannot cast string") || lower.contains("error parsing") || lower.contains("parser error") {
        return from_value_text(text.trim_start_matches("Parser error: "));
    }
    if lower.contains("scalar subquery") && lower.contains("more than one") || lower.contains("more than one row") {
        return SqlError::new("21000", "more than one row returned by a subquery used as an expression");
    }
    if lower.contains("regular expression") || lower.contains("regex") {
        return SqlError::new("2201B", plain(text));
    }
    SqlError::new("22023", plain(text))
}

fn from_external(error: &(dyn std::error::Error + 'static)) -> SqlError {
    if let Some(sql) = error.downcast_ref::<SqlError>() {
        return sql.clone();
    }
    if let Some(boxed) = error.downcast_ref::<Box<SqlError>>() {
        return boxed.as_ref().clone();
    }
    if let Some(function) = error.downcast_ref::<grantd_sql_functions::FunctionError>() {
        return SqlError::new(function.sqlstate, function.message.clone());
    }
    if let Some(catalog) = error.downcast_ref::<super::pgcatalog::errors::SqlError>() {
        return SqlError::new(catalog.sqlstate, catalog.message.clone());
    }
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return SqlError::from(inner);
    }
    if let Some(inner) = error.downcast_ref::<ArrowError>() {
        return from_arrow(inner);
    }
    match error.source() {
        Some(source) => from_external(source),
        None => unexpected(error),
    }
}

fn unexpected(error: &(impl std::fmt::Display + ?Sized)) -> SqlError {
    tracing::error!(target: "grantd::gateway", %error, "a query failed for a reason that has no SQLSTATE");
    SqlError::internal()
}

impl From<&DataFusionError> for SqlError {
    fn from(error: &DataFusionError) -> Self {
        match error {
            DataFusionError::SQL(parser, _) => from_parser(parser, ""),
            DataFusionError::SchemaError(schema, _) => from_schema(schema),
            DataFusionError::Plan(text) => from_plan(text),
            DataFusionError::ArrowError(arrow, _) => from_arrow(arrow),
            DataFusionError::Execution(text) => from_execution(text),
            DataFusionError::NotImplemented(text) => SqlError::unsupported(plain(text)),
            DataFusionError::ResourcesExhausted(text) => {
                SqlError::new("53200", "out of memory").with_detail(plain(text))
            }
            DataFusionError::Configuration(text) => SqlError::new("22023", plain(text)),
            DataFusionError::External(inner) => from_external(inner.as_ref()),
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
                SqlError::from(inner.as_ref())
            }
            DataFusionError::Shared(inner) => SqlError::from(inner.as_ref()),
            DataFusionError::Collection(inner) => inner.first().map_or_else(|| unexpected(error), SqlError::from),
            // What the planner cannot turn into an operator arrives as an internal error.
            DataFusionError::Internal(text) if text.contains("Physical plan does not support") => {
                tracing::warn!(target: "grantd::gateway", %text, "a query has no physical plan");
                SqlError::unsupported("this form of subquery or expression is not supported here")
            }
            other => unexpected(other),
        }
    }
}

/// The SQL error of a planning or execution error, with its place in `sql` where the planner knows it.
pub fn from_datafusion(error: &DataFusionError, sql: &str) -> SqlError {
    let span = find_span(error);
    SqlError::from(error).or_position(|| {
        let start = span?.start;
        position_of(sql, start.line, start.column)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_counts_characters_over_lines() {
        assert_eq!(position_of("ab\ncdé x", 2, 5), Some(8));
        assert_eq!(position_of("ab", 5, 1), None);
    }

    #[test]
    fn provider_errors_pass_unchanged() {
        let own = SqlError::new("42501", "no").with_hint("ask");
        let wrapped =
            DataFusionError::Context("scan".into(), Box::new(DataFusionError::External(Box::new(own.clone()))));
        assert_eq!(SqlError::from(&wrapped), own);
    }

    #[test]
    fn value_errors_have_their_class() {
        assert_eq!(from_value_text("Cannot cast string 'x' to value of Int32 type").sqlstate, "22P02");
        assert_eq!(from_value_text("Cannot cast string '99999999999' to value of Int32 type").sqlstate, "22003");
        assert_eq!(from_value_text("Cannot cast string 'x' to value of Date32 type").sqlstate, "22007");
    }

    #[test]
    fn relations_are_named_as_written() {
        assert_eq!(from_plan("table 'grantd.public.x' not found").message, "relation \"x\" does not exist");
        assert_eq!(from_plan("table 'grantd.other.x' not found").message, "relation \"other.x\" does not exist");
    }
}
