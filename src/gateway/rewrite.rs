//! What is changed in a parsed statement before it is planned: the hook of the catalog's own rewrites, and the parts of
//! PostgreSQL's SQL that the planner has under another form.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, LimitClause, Query, Select, SelectItem, Statement, VisitMut, VisitorMut};

use super::error::SqlError;
use super::{naming, outputs, precedence, using};

/// Rewrites a statement in place, right after it was parsed from `sql` and checked.
pub fn statement(statement: &mut Statement, sql: &str) -> Result<(), SqlError> {
    let mut visitor = Rewriter { error: None };
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut visitor);
    if let Some(error) = visitor.error {
        return Err(error);
    }
    // After the columns got their names: the rewrites that follow change the expressions that names come from.
    super::values::rewrite::statement(statement, sql)?;
    super::pgcatalog::rewrite::statement(statement);
    Ok(())
}

struct Rewriter {
    error: Option<SqlError>,
}

impl VisitorMut for Rewriter {
    type Break = ();

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Err(error) = fetch_first(query) {
            self.error = Some(error);
            return ControlFlow::Break(());
        }
        outputs::order_outside(query);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        precedence::mend(expr);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        using::write_out(select);
        outputs::rows_as_json(select);
        outputs::group_by_inputs(select);
        name_columns(select);
        ControlFlow::Continue(())
    }
}

/// `FETCH FIRST n ROWS ONLY` is `LIMIT n`.
fn fetch_first(query: &mut Query) -> Result<(), SqlError> {
    let Some(fetch) = query.fetch.take() else { return Ok(()) };
    if fetch.with_ties || fetch.percent {
        return Err(SqlError::unsupported("FETCH FIRST with PERCENT or WITH TIES is not supported"));
    }
    let rows = fetch
        .quantity
        .unwrap_or_else(|| Expr::value(datafusion::sql::sqlparser::ast::Value::Number("1".to_owned(), false)));
    match &mut query.limit_clause {
        None => {
            query.limit_clause =
                Some(LimitClause::LimitOffset { limit: Some(rows), offset: None, limit_by: Vec::new() });
        }
        Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => *limit = Some(rows),
        Some(_) => return Err(SqlError::syntax("multiple LIMIT clauses not allowed", None)),
    }
    Ok(())
}

/// Gives every column of a select list the name that PostgreSQL gives it. Names may repeat on the wire but not in the
/// planner, so a repeated one gets a mark and a number, which [`naming::shown`] takes off again.
fn name_columns(select: &mut Select) {
    let wildcard = select
        .projection
        .iter()
        .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
    let outer = outputs::outer_columns(select);
    let mut used: Vec<String> = Vec::new();
    for (item, outer) in select.projection.iter_mut().zip(outer) {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                // `t.*` as an expression and set-returning functions keep their form.
                if matches!(expr, Expr::Wildcard(_) | Expr::QualifiedWildcard(..)) {
                    continue;
                }
                let name = naming::of(expr);
                let column = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
                    && !super::pgcatalog::rewrite::is_reserved_value(expr);
                let taken = used.contains(&name) || (wildcard && column);
                if column && !taken && !outer {
                    used.push(name);
                    continue;
                }
                let alias = if taken { naming::marked(&name, used.len()) } else { name.clone() };
                used.push(name);
                let expr = std::mem::replace(expr, Expr::value(datafusion::sql::sqlparser::ast::Value::Null));
                *item = SelectItem::ExprWithAlias { expr, alias: naming::quoted(alias) };
            }
            SelectItem::ExprWithAlias { alias, .. } => {
                let name = if alias.quote_style.is_some() { alias.value.clone() } else { alias.value.to_lowercase() };
                if used.contains(&name) {
                    *alias = naming::quoted(naming::marked(&name, used.len()));
                }
                used.push(name);
            }
            _ => {}
        }
    }
}
