//! What is changed in a parsed statement before it is planned: the hook of the catalog's own rewrites, and the parts of
//! PostgreSQL's SQL that the planner has under another form.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, LimitClause, OrderByKind, Query, Select, SelectItem, SetExpr, Statement,
    VisitMut, VisitorMut,
};

use super::error::SqlError;
use super::pgcatalog::rewrite::folded;
use super::{alike, multisets, naming, outputs, precedence, using};

/// Rewrites a statement in place, right after it was parsed from `sql` and checked.
pub fn statement(statement: &mut Statement, sql: &str) -> Result<(), SqlError> {
    if let Statement::Query(query) = statement {
        free_columns(query);
    }
    let mut visitor = Rewriter { error: None };
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut visitor);
    if let Some(error) = visitor.error {
        return Err(error);
    }
    if let Statement::Query(query) = statement {
        alike::tell_apart(query);
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
        super::values::value_lists::integers(&mut query.body);
        if let Err(error) = multisets::number_rows(&mut query.body) {
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

/// A column that is named beside a `*` may have the name of one that the `*` stands for: marks it, in the outermost query, where
/// ORDER BY alone can mean it.
fn free_columns(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let is_star = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
    if !select.projection.iter().any(is_star)
        || is_grouped
        || select.having.is_some()
        || matches!(select.distinct, Some(Distinct::On(_)))
    {
        return;
    }
    let count = select.projection.len();
    let mut marks: Vec<(String, Ident)> = Vec::new();
    for (index, item) in select.projection.iter_mut().enumerate() {
        let SelectItem::ExprWithAlias { alias, .. } = item else { continue };
        let name = folded(alias);
        // No other mark has a number as high.
        let mark = naming::quoted(naming::marked(&name, index.saturating_add(count)));
        *alias = mark.clone();
        marks.push((name, mark));
    }
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) else { return };
    for key in keys {
        if let Expr::Identifier(name) = &mut key.expr
            && let Some((_, mark)) = marks.iter().find(|(known, _)| *known == folded(name))
        {
            *name = mark.clone();
        }
    }
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

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;
    use datafusion::sql::parser::Statement as DfStatement;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    /// As PostgreSQL 15 answers.
    #[tokio::test]
    async fn postgresqls_spelling_is_planned() {
        let context = SessionContext::new();
        crate::gateway::values::register(&context);
        for (sql, wanted) in [
            ("SELECT -t.a AS a, t.* FROM (VALUES (1), (2)) t(a) ORDER BY t.a", "-11-22"),
            ("SELECT t.*, -t.a AS b FROM (VALUES (1), (2)) t(a) ORDER BY b", "2-21-1"),
            (r#"SELECT '{"a":{"b":1}}'::jsonb #>> '{a,b}'"#, "1"),
            (r#"SELECT '{"a":{"b":2}}'::json #> ARRAY['a', 'b']"#, "2"),
            (r#"SELECT '{"a":[3, 4]}'::json -> 'a' ->> 1"#, "4"),
            ("SELECT date('2020-01-02')", "2020-01-02"),
        ] {
            let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
            super::statement(&mut statement, sql).unwrap();
            let plan = context.state().statement_to_plan(DfStatement::Statement(Box::new(statement))).await.unwrap();
            let batches = context.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
            let text = datafusion::arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
            let rows = text.lines().skip(3).filter(|line| line.starts_with('|'));
            let values: String = rows.flat_map(str::chars).filter(|c| *c == '-' || c.is_ascii_digit()).collect();
            assert_eq!(values, wanted, "{sql}");
        }
    }
}
