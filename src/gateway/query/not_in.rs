//! `x NOT IN (SELECT y ...)` that looks outside: the planner's join for it knows one key only, so it becomes NOT EXISTS.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, ExprSchema as _};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Expr, ExprSchemable as _, LogicalPlan, LogicalPlanBuilder, Subquery};

/// The same plan, with correlated NOT IN in WHERE written as NOT EXISTS.
pub(super) fn as_not_exists(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Filter(filter) = &node else { return Ok(Transformed::no(node)) };
        let schema = Arc::clone(filter.input.schema());
        node.map_expressions(|expr| {
            expr.transform_up(|part| match part {
                Expr::InSubquery(within)
                    if within.negated
                        && !within.subquery.outer_ref_columns.is_empty()
                        && !within.expr.contains_outer() =>
                {
                    Ok(Transformed::yes(not_exists(within, &schema)?))
                }
                other => Ok(Transformed::no(other)),
            })
        })
    })
    .map(|transformed| transformed.data)
}

/// NOT EXISTS a row that is equal or, where one side can be NULL, may be.
fn not_exists(within: InSubquery, schema: &DFSchema) -> Result<Expr> {
    let Subquery { subquery, mut outer_ref_columns, spans } = within.subquery;
    // Below the select list, where the subquery's own conditions are.
    let (input, value) = match subquery.as_ref() {
        LogicalPlan::Projection(projection) => {
            (Arc::clone(&projection.input), projection.expr.first().cloned().map(Expr::unalias))
        }
        other => (Arc::clone(&subquery), other.schema().columns().into_iter().next().map(Expr::Column)),
    };
    let Some(value) = value else {
        return Err(datafusion::error::DataFusionError::Plan("a subquery has no column".to_owned()));
    };
    let nullable = within.expr.nullable(schema)? || value.nullable(input.schema())?;
    let outside = within.expr.transform_up(|part| match part {
        Expr::Column(column) => {
            let field = Arc::clone(schema.field_from_column(&column)?);
            let reference = Expr::OuterReferenceColumn(field, column);
            if !outer_ref_columns.contains(&reference) {
                outer_ref_columns.push(reference.clone());
            }
            Ok(Transformed::yes(reference))
        }
        other => Ok(Transformed::no(other)),
    })?;
    let outside = outside.data;
    let mut condition = outside.clone().eq(value.clone());
    if nullable {
        condition = condition.or(outside.is_null()).or(value.is_null());
    }
    // One filter: the planner's join looks at the columns of the topmost only.
    let input = match Arc::unwrap_or_clone(input) {
        LogicalPlan::Filter(own) => {
            condition = own.predicate.and(condition);
            Arc::unwrap_or_clone(own.input)
        }
        other => other,
    };
    let plan = LogicalPlanBuilder::from(input).filter(condition)?.build()?;
    let subquery = Subquery { subquery: Arc::new(plan), outer_ref_columns, spans };
    Ok(Expr::Exists(Exists { subquery, negated: true }))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    #[tokio::test]
    async fn not_in_with_nulls_means_what_sql_says() {
        let ctx = SessionContext::new();
        let sql = "SELECT o.x FROM (VALUES (1, 1), (2, 1), (NULL, 1), (NULL, 9), (3, 2)) AS o (x, k) WHERE o.x NOT IN \
                   (SELECT i.y FROM (VALUES (1, 1), (NULL, 2), (5, 1)) AS i (y, k) WHERE i.k = o.k)";
        let plan = super::as_not_exists(ctx.state().create_logical_plan(sql).await.unwrap()).unwrap();
        let rows = ctx.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
        // 2, and the NULL that nothing is compared with.
        assert_eq!(rows.iter().map(datafusion::arrow::array::RecordBatch::num_rows).sum::<usize>(), 2);
    }
}
