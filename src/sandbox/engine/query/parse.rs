//! From text to one query: tokens with names folded as Snowflake stores them, then the syntax tree.

use super::error;
use crate::sandbox::protocol::engine::Failure;
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Statement};
use datafusion::sql::sqlparser::dialect::SnowflakeDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};
use std::collections::HashMap;

/// Longest query, in bytes; a statement of Snowflake's has at most 1 MB.
const MAX_QUERY: usize = 1 << 20;

/// A query and where each of its names is first written.
pub(super) struct Parsed {
    pub(super) query: Query,
    pub(super) places: Places,
}

/// Where names are first written.
#[derive(Default)]
pub(super) struct Places(HashMap<String, Location>);

impl Places {
    /// Line, counted from 1, and position in it, counted from 0, as Snowflake's messages have them.
    pub(super) fn of(&self, name: &str) -> Option<(u64, u64)> {
        self.0.get(name).map(|at| (at.line, at.column.saturating_sub(1)))
    }
}

pub(super) fn parse(sql: &str) -> Result<Parsed, Failure> {
    if sql.len() > MAX_QUERY {
        return Err(error::compilation("000603", "54000", &format!("a query has at most {MAX_QUERY} bytes")));
    }
    let dialect = SnowflakeDialect {};
    let mut tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|e| error::syntax(e.location.line, e.location.column, None))?;
    let mut places = Places::default();
    for TokenWithSpan { token, span } in &mut tokens {
        if let Token::Word(word) = token {
            // Unquoted names are stored in upper case; from here on every name is exact.
            if word.quote_style.is_none() {
                word.value = word.value.to_ascii_uppercase();
            }
            places.0.entry(word.value.clone()).or_insert(span.start);
        }
    }
    let statements = Parser::new(&dialect)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|e| error::from_parser(&e, end(sql)))?;
    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (Some(Statement::Query(query)), None) => {
            check(&query.body)?;
            Ok(Parsed { query: *query, places })
        }
        (None, _) => Err(error::compilation("000900", "42601", "Empty SQL statement.")),
        (Some(_), None) => Err(Failure::unsupported("a statement that is not a query")),
        (Some(_), Some(_)) => Err(Failure::new(
            "000008",
            "0A000",
            "Actual statement count 2 did not match the desired statement count 1.",
        )),
    }
}

/// Line and column after the last character, both counted from 1.
fn end(sql: &str) -> (u64, u64) {
    let mut place = (1, 1);
    for c in sql.chars() {
        place = if c == '\n' { (place.0 + 1, 1) } else { (place.0, place.1 + 1) };
    }
    place
}

/// Only what reads: a query may not hold a statement that writes.
fn check(body: &SetExpr) -> Result<(), Failure> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => Err(Failure::unsupported("SELECT INTO")),
        SetExpr::Select(_) | SetExpr::Values(_) => Ok(()),
        SetExpr::Query(query) => check(&query.body),
        SetExpr::SetOperation { left, right, .. } => check(left).and_then(|()| check(right)),
        _ => Err(Failure::unsupported("a query that is not SELECT or VALUES")),
    }
}
