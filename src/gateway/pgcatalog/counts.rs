//! Aggregates without GROUP BY inside of correlated subqueries: they give a row where nothing is found, too.

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, NullEquality, Result};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    BinaryExpr, Expr, FetchType, Limit, LogicalPlan, LogicalPlanBuilder, Operator, SkipType, lit,
};

use super::functions::SINGLE_VALUE;
use super::plan::{Domain, top_aggregate};

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

/// Whether it is known what an aggregate without rows is: NULL, or 0 for a count.
pub(super) fn known_without_rows(expr: &Expr) -> bool {
    function_name(expr) == Some("count") || null_without_rows(expr)
}

/// Whether LIMIT and OFFSET leave the one row of an aggregate as it is.
pub(super) fn keeps_one_row(limit: &Limit) -> Result<bool> {
    let (SkipType::Literal(0), FetchType::Literal(fetch)) = (limit.get_skip_type()?, limit.get_fetch_type()?) else {
        return Ok(false);
    };
    let one = top_aggregate(&limit.input).is_some_and(|aggregate| aggregate.group_expr.is_empty());
    Ok(one && fetch.is_none_or(|fetch| fetch > 0))
}

/// Whether a subquery looks outside only in equalities of its WHERE, and is not cut: then the planner makes a join of it.
pub(super) fn by_equalities(plan: &LogicalPlan) -> Result<bool> {
    let mut plain = true;
    plan.apply(|node| {
        plain &= match node {
            LogicalPlan::Limit(_) => false,
            LogicalPlan::Filter(filter) => split_conjunction(&filter.predicate).into_iter().all(|condition| {
                !condition.contains_outer()
                    || matches!(condition, Expr::BinaryExpr(BinaryExpr { op: Operator::Eq, .. }))
            }),
            other => !other.expressions().iter().any(Expr::contains_outer),
        };
        Ok(if plain { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(plain)
}

/// An aggregate that is grouped by combinations of outer columns alone, its plan's first columns, with a row for combinations
/// that it has no rows of.
pub(super) fn with_missing(
    plan: LogicalPlan,
    aggregates: &[Expr],
    combinations: &LogicalPlan,
    domain: &Domain,
) -> Result<(LogicalPlan, Domain)> {
    let columns = plan.schema().columns();
    let mut inner = Vec::with_capacity(columns.len());
    let mut keys = Vec::with_capacity(domain.len());
    for (index, column) in columns.iter().enumerate() {
        let column_expr = Expr::Column(column.clone());
        if index < domain.len() {
            let key = format!("{}_key", column.name);
            inner.push(column_expr.alias(&key));
            keys.push(Column::new_unqualified(key));
        } else {
            inner.push(column_expr);
        }
    }
    let right = LogicalPlanBuilder::from(plan).project(inner)?.build()?;
    let values = columns.iter().skip(domain.len()).zip(aggregates).map(|(column, aggregate)| {
        let value = Expr::Column(column.clone());
        let counted = function_name(aggregate) == Some("count");
        if counted { coalesce(vec![value, lit(0_i64)]).alias(&column.name) } else { value }
    });
    let left: Vec<Column> = domain.iter().map(|(_, to)| to.clone()).collect();
    let carried = left.iter().cloned().map(Expr::Column).collect::<Vec<_>>();
    let wanted = values.chain(carried).collect::<Vec<_>>();
    let plan = LogicalPlanBuilder::from(combinations.clone())
        .join_detailed(right, JoinType::Left, (left, keys), None, NullEquality::NullEqualsNull)?
        .project(wanted)?
        .build()?;
    Ok((plan, domain.clone()))
}
