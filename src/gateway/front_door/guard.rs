//! The check that a parsed query only reads, wherever in it something else hides.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Select, SetExpr, Statement, Visit, Visitor};

use super::super::error::{SqlError, syntax_error_at};
use super::size;

/// 25006 in PostgreSQL's words.
pub(crate) fn read_only(what: &str) -> SqlError {
    SqlError::new("25006", format!("cannot execute {what} in a read-only transaction"))
}

struct OnlyReads<'a> {
    sql: &'a str,
}

impl OnlyReads<'_> {
    fn set_expr(body: &SetExpr) -> Option<SqlError> {
        match body {
            SetExpr::Insert(_) => Some(read_only("INSERT")),
            SetExpr::Update(_) => Some(read_only("UPDATE")),
            SetExpr::Delete(_) => Some(read_only("DELETE")),
            SetExpr::Merge(_) => Some(read_only("MERGE")),
            SetExpr::SetOperation { left, right, .. } => Self::set_expr(left).or_else(|| Self::set_expr(right)),
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => None,
        }
    }
}

impl Visitor for OnlyReads<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        if let Some(error) = Self::set_expr(&query.body) {
            return ControlFlow::Break(error);
        }
        if let Some(lock) = query.locks.first() {
            return ControlFlow::Break(read_only(&format!("SELECT FOR {}", lock.lock_type)));
        }
        if query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some() {
            return ControlFlow::Break(SqlError::syntax("syntax error in the clauses after the query", None));
        }
        if !query.pipe_operators.is_empty() {
            return ControlFlow::Break(SqlError::syntax("syntax error at or near \"|>\"", None));
        }
        ControlFlow::Continue(())
    }

    /// The parser takes strings for names of tables; PostgreSQL does not, and to other engines they are files.
    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<SqlError> {
        let string = relation.0.iter().filter_map(|part| part.as_ident()).find(|part| part.quote_style == Some('\''));
        match string {
            Some(part) => {
                // The parser keeps no place for it.
                let literal = format!("'{}'", part.value.replace('\'', "''"));
                let position = self.sql.find(&literal).and_then(|at| self.sql.get(..at));
                ControlFlow::Break(syntax_error_at(self.sql, position.map(|head| head.chars().count() + 1)))
            }
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<SqlError> {
        if select.into.is_some() {
            return ControlFlow::Break(read_only("SELECT INTO"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<SqlError> {
        match statement {
            Statement::Query(_) => ControlFlow::Continue(()),
            Statement::Insert(_) => ControlFlow::Break(read_only("INSERT")),
            Statement::Update(_) => ControlFlow::Break(read_only("UPDATE")),
            Statement::Delete(_) => ControlFlow::Break(read_only("DELETE")),
            _ => ControlFlow::Break(read_only("this statement")),
        }
    }
}

/// An error when anything in `node` writes, locks or is not a query, or when it would take too long to plan.
pub(crate) fn only_reads(node: &impl Visit, sql: &str) -> Result<(), SqlError> {
    match node.visit(&mut OnlyReads { sql }) {
        ControlFlow::Continue(()) => size::check(node),
        ControlFlow::Break(error) => Err(error),
    }
}
