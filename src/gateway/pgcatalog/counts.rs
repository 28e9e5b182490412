//! Aggregates without GROUP BY inside of correlated subqueries: they give a row where nothing is found, too.

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, FetchType, Limit, LogicalPlan, Operator, SkipType};

use super::functions::SINGLE_VALUE;
use super::plan::top_aggregate;

/// The name of an aggregate function; `None` for what is none.
fn function_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Alias(alias) => function_name(&alias.expr),
        Expr::AggregateFunction(function) => Some(function.func.name()),
        _ => None,
    }
}

/// Whether an aggregate without rows is NULL.
pub(super) fn null_without_rows(expr: &Expr) -> bool {
    function_name(expr).is_some_and(|name| {
        matches!(name, "array_agg" | "string_agg" | SINGLE_VALUE | "min" | "max" | "bool_and" | "bool_or")
    })
}

/// Whether an aggregate is 0 without rows.
pub(super) fn counts(expr: &Expr) -> bool {
    function_name(expr).is_some_and(|name| matches!(name, "count" | "regr_count"))
}

/// Whether it is known what an aggregate without rows is: NULL, or 0 for a count.
pub(super) fn known_without_rows(expr: &Expr) -> bool {
    counts(expr) || null_without_rows(expr)
}

/// Whether LIMIT and OFFSET leave the one row of an aggregate as it is.
pub(super) fn keeps_one_row(limit: &Limit) -> Result<bool> {
    let (SkipType::Literal(0), FetchType::Literal(fetch)) = (limit.get_skip_type()?, limit.get_fetch_type()?) else {
        return Ok(false);
    };
    let one = top_aggregate(&limit.input).is_some_and(|aggregate| aggregate.group_expr.is_empty());
    Ok(one && fetch.is_none_or(|fetch| fetch > 0))
}

/// Whether a condition is one of a column with something outside, which the planner makes a join of
/// (`can_pullup_over_aggregation`).
fn joins_column(condition: &Expr) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition else { return false };
    let is_column = |expr: &Expr| match expr {
        Expr::Column(_) => true,
        Expr::Cast(cast) => matches!(cast.expr.as_ref(), Expr::Column(_)),
        _ => false,
    };
    (is_column(left) && !right.any_column_refs()) || (is_column(right) && !left.any_column_refs())
}

/// Whether a subquery looks outside only in equalities of its WHERE, and is not cut: then the planner makes a join of it.
pub(super) fn by_equalities(plan: &LogicalPlan) -> Result<bool> {
    let mut plain = true;
    plan.apply(|node| {
        plain &= match node {
            LogicalPlan::Limit(_) => false,
            LogicalPlan::Filter(filter) => split_conjunction(&filter.predicate)
                .into_iter()
                .all(|condition| !condition.contains_outer() || joins_column(condition)),
            other => !other.expressions().iter().any(Expr::contains_outer),
        };
        Ok(if plain { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(plain)
}
