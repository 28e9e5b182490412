//! Aggregates of one value that differ in its casts only, `max(x), max(x::date)`: the planner calls both `max(x)`, for its names leave
//! casts out. Such values get a label.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArguments, Query, Value, Visit, visit_expressions, visit_expressions_mut,
};

use super::pgcatalog::rewrite::{call, folded, take};
use super::values::as_given;
use super::values::rewrite::arguments_mut;

const AGGREGATES: &[&str] = &[
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "max",
    "min",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// Whether it is an aggregate, and not of a subquery, in which there could be others.
fn is_aggregate(function: &Function) -> bool {
    let name = function.name.0.last().and_then(|name| name.as_ident()).map(folded).unwrap_or_default();
    let is_query = |part: &Expr| matches!(part, Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. });
    AGGREGATES.contains(&name.as_str())
        && matches!(function.args, FunctionArguments::List(_))
        && !contains(&function.args, is_query)
}

fn contains(node: &impl Visit, is: impl Fn(&Expr) -> bool) -> bool {
    visit_expressions(node, |part| if is(part) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }).is_break()
}

/// A call's text without the casts in it.
fn without_casts(function: &Function) -> String {
    let mut bare = Expr::Function(function.clone());
    let _: ControlFlow<()> = visit_expressions_mut(&mut bare, |expr| {
        while let Expr::Cast { expr: inner, .. } = expr {
            *expr = take(inner);
        }
        ControlFlow::Continue(())
    });
    bare.to_string()
}

fn has_cast(expr: &Expr) -> bool {
    contains(expr, |part| matches!(part, Expr::Cast { .. }))
}

/// Labels what aggregates of a query are of, where others are of the same with other casts.
pub(super) fn tell_apart(query: &mut Query) {
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut casts = false;
    let _: ControlFlow<()> = visit_expressions(query, |expr| {
        if let Expr::Function(function) = expr
            && is_aggregate(function)
        {
            casts |= has_cast(expr);
            calls.entry(without_casts(function)).or_default().insert(expr.to_string());
        }
        ControlFlow::Continue(())
    });
    if !casts || calls.values().all(|alike| alike.len() < 2) {
        return;
    }
    let _: ControlFlow<()> = visit_expressions_mut(query, |expr| {
        if let Expr::Function(function) = expr
            && is_aggregate(function)
            && calls.get(&without_casts(function)).is_some_and(|alike| alike.len() > 1)
        {
            for argument in arguments_mut(&mut function.args).filter(|argument| has_cast(argument)) {
                let label = Expr::value(Value::SingleQuotedString(argument.to_string()));
                *argument = call(as_given::NAME, vec![take(argument), label]);
            }
        }
        ControlFlow::Continue(())
    });
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::Statement;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn told_apart(sql: &str) -> String {
        let Statement::Query(mut query) = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0) else {
            panic!("{sql}")
        };
        super::tell_apart(&mut query);
        query.to_string()
    }

    #[test]
    fn only_what_would_be_called_alike_is_labelled() {
        assert_eq!(
            told_apart("SELECT max(x), max(x::DATE) FROM t ORDER BY max(x::DATE)"),
            "SELECT max(x), max(as_given(x::DATE, 'x::DATE')) FROM t ORDER BY max(as_given(x::DATE, 'x::DATE'))"
        );
        for sql in
            ["SELECT max(x::DATE), min(x) FROM t", "SELECT sum(x), sum(x) FROM t", "SELECT f(x), f(x::DATE) FROM t"]
        {
            assert_eq!(told_apart(sql), sql);
        }
    }
}
