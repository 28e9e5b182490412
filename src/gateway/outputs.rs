//! Names that a select list gives and FROM has, too: PostgreSQL keeps input and output columns apart, the planner does not.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins, Value,
    visit_expressions,
};

use super::naming::quoted;
use super::pgcatalog::rewrite::{folded, select as select_of};

/// The derived table that a query with an outer ORDER BY selects from.
const ORDERED: &str = "\u{1}ordered";

/// What an item is called.
fn output(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(folded(name)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last().map(folded),
        _ => None,
    }
}

/// Whether an expression names `t.c` where `c` is the name of another output column, or that `c` in more than its name alone.
fn names_hidden(expr: &Expr, items: &[SelectItem]) -> bool {
    if matches!(expr, Expr::Identifier(_)) {
        return false;
    }
    let found = visit_expressions(expr, |part| {
        let column = match part {
            Expr::CompoundIdentifier(names) => names.last().map(folded),
            Expr::Identifier(name) => Some(folded(name)),
            _ => None,
        };
        let Some(column) = column else { return ControlFlow::Continue(()) };
        let hidden = items.iter().any(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } => folded(alias) == column && expr != part,
            _ => false,
        });
        if hidden { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    found.is_break()
}

/// `SELECT f(t.c) AS c FROM t ORDER BY t.c`, or `ORDER BY g(c)`, which are of the input columns: the key becomes a column of its
/// own, and the query is ordered from outside.
pub(super) fn order_outside(query: &mut Query) {
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) else { return };
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    if select.distinct.is_some() || !keys.iter().any(|key| names_hidden(&key.expr, &select.projection)) {
        return;
    }
    let Some(names) = select.projection.iter().map(output).collect::<Option<Vec<_>>>() else { return };
    for (index, key) in keys.iter_mut().enumerate() {
        let is_output = match &key.expr {
            Expr::Identifier(name) => names.contains(&folded(name)),
            Expr::Value(_) => true,
            _ => false,
        };
        if !is_output {
            let alias = quoted(format!("\u{1}key {index}"));
            let expr = std::mem::replace(&mut key.expr, Expr::Identifier(alias.clone()));
            select.projection.push(SelectItem::ExprWithAlias { expr, alias });
        }
    }
    let columns = names.into_iter().map(|name| SelectItem::UnnamedExpr(Expr::Identifier(quoted(name))));
    let nothing = || select_of(SelectItem::UnnamedExpr(Expr::value(Value::Null)), Vec::new());
    let mut inner = nothing();
    std::mem::swap(&mut inner.body, &mut query.body);
    let alias = TableAlias { explicit: true, name: quoted(ORDERED.to_owned()), columns: Vec::new(), at: None };
    let relation = TableFactor::Derived { lateral: false, subquery: Box::new(inner), alias: Some(alias), sample: None };
    if let SetExpr::Select(outer) = query.body.as_mut() {
        outer.projection = columns.collect();
        outer.from = vec![TableWithJoins { relation, joins: Vec::new() }];
    }
}

/// The relations of a FROM, and what they are called.
fn relations(select: &Select) -> impl Iterator<Item = (String, &TableFactor)> {
    let factors = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    factors.filter_map(|factor| match factor {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some((folded(&alias.name), factor))
        }
        TableFactor::Table { name, .. } => Some((name.0.last()?.as_ident().map(folded)?, factor)),
        _ => None,
    })
}

/// Columns in a select list that are of a query around it, which the planner calls by a name of its own: where they are.
pub(super) fn outer_columns(select: &Select) -> Vec<bool> {
    let tables = relations(select).map(|(name, _)| name).collect::<Vec<_>>();
    let factors = select.from.iter().map(|from| from.joins.len().saturating_add(1)).sum::<usize>();
    let is_outer = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => match names.as_slice() {
            [table, _] => tables.len() == factors && !tables.contains(&folded(table)),
            _ => false,
        },
        _ => false,
    };
    select.projection.iter().map(is_outer).collect()
}

/// `SELECT f(t.c) AS c ... GROUP BY c` groups by the input column.
pub(super) fn group_by_inputs(select: &mut Select) {
    let GroupByExpr::Expressions(groups, _) = &select.group_by else { return };
    let tables = relations(select).map(|(name, _)| name).collect::<Vec<_>>();
    let inputs = groups.iter().map(|group| {
        let Expr::Identifier(name) = group else { return None };
        let name = folded(name);
        let expr = select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if folded(alias) == name => Some(expr),
            _ => None,
        })?;
        let found = visit_expressions(expr, |part| match part {
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [table, column] if folded(column) == name && tables.contains(&folded(table)) => {
                    ControlFlow::Break(part.clone())
                }
                _ => ControlFlow::Continue(()),
            },
            Expr::Identifier(column) if folded(column) == name => match tables.as_slice() {
                [only] => ControlFlow::Break(Expr::CompoundIdentifier(vec![quoted(only.clone()), column.clone()])),
                _ => ControlFlow::Continue(()),
            },
            _ => ControlFlow::Continue(()),
        });
        found.break_value()
    });
    let inputs = inputs.collect::<Vec<_>>();
    if let GroupByExpr::Expressions(groups, _) = &mut select.group_by {
        for (group, input) in groups.iter_mut().zip(inputs) {
            if let Some(input) = input {
                *group = input;
            }
        }
    }
}

/// The names of a query's columns, when all are written out.
pub(super) fn columns(body: &SetExpr) -> Option<Vec<String>> {
    match body {
        SetExpr::Select(select) => select.projection.iter().map(output).collect(),
        SetExpr::SetOperation { left, .. } => columns(left),
        SetExpr::Query(query) => columns(&query.body),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn rewritten(sql: &str) -> String {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        super::super::rewrite::statement(&mut statement, sql).unwrap();
        statement.to_string().replace('\u{1}', "$")
    }

    #[test]
    fn a_key_that_an_output_column_hides_is_ordered_by() {
        assert_eq!(
            rewritten("SELECT abs(t.c) AS c FROM t ORDER BY t.c DESC LIMIT 1"),
            "SELECT \"c\" FROM (SELECT abs(t.c) AS c, t.c AS \"$key 0\" FROM t) AS \"$ordered\" ORDER BY \"$key 0\" DESC LIMIT 1"
        );
        assert_eq!(
            rewritten("SELECT abs(c) AS c FROM t ORDER BY c + 1, c"),
            "SELECT \"c\" FROM (SELECT abs(c) AS c, c + 1 AS \"$key 0\" FROM t) AS \"$ordered\" ORDER BY \"$key 0\", c"
        );
        assert_eq!(rewritten("SELECT abs(c) AS c FROM t ORDER BY c"), "SELECT abs(c) AS c FROM t ORDER BY c");
        assert_eq!(rewritten("SELECT t.c AS c FROM t ORDER BY t.c"), "SELECT t.c AS c FROM t ORDER BY t.c");
    }

    #[test]
    fn groups_are_of_input_columns() {
        assert!(rewritten("SELECT abs(t.c) AS c FROM t GROUP BY c").ends_with("GROUP BY t.c"));
        assert!(rewritten("SELECT abs(t.d) AS c FROM t GROUP BY c").ends_with("GROUP BY c"));
    }

    #[test]
    fn outer_columns_keep_their_names() {
        assert!(rewritten("SELECT (SELECT t.c) FROM t").contains("(SELECT t.c AS \"c\")"));
        assert!(rewritten("SELECT (SELECT u.c FROM u) FROM t").contains("(SELECT u.c FROM u)"));
    }
}
