//! The joins of a plan as PostgreSQL's EXPLAIN (VERBOSE, FORMAT JSON) shows them. Clients read there which columns can be NULL:
//! those of the inner side of an outer join.

use datafusion::common::JoinType;
use datafusion::logical_expr::{Expr, Join, LogicalPlan};
use serde_json::{Map, Value};

/// `Output`, and for a join `Join Type` and `Plans`.
pub(super) fn describe(plan: &LogicalPlan, node: &mut Map<String, Value>) {
    node.insert("Output".into(), output(plan).into());
    let Some(join) = join_of(plan) else { return };
    // A join that keeps the rows of its right side is one of the sides changed over that keeps those of its left.
    let (kind, outer, inner) = match join.join_type {
        JoinType::Inner => ("Inner", &join.left, &join.right),
        JoinType::Left => ("Left", &join.left, &join.right),
        JoinType::Right => ("Left", &join.right, &join.left),
        JoinType::Full => ("Full", &join.left, &join.right),
        _ => return,
    };
    node.insert("Join Type".into(), kind.into());
    node.insert("Plans".into(), Value::Array(vec![child(outer, "Outer"), child(inner, "Inner")]));
}

fn child(plan: &LogicalPlan, relationship: &str) -> Value {
    let mut node = Map::new();
    node.insert("Node Type".into(), kind(plan).into());
    node.insert("Parent Relationship".into(), relationship.into());
    describe(plan, &mut node);
    Value::Object(node)
}

/// The join whose rows a plan gives, as they are or as expressions.
fn join_of(plan: &LogicalPlan) -> Option<&Join> {
    match plan {
        LogicalPlan::Join(join) => Some(join),
        LogicalPlan::Projection(projection) => join_of(&projection.input),
        LogicalPlan::Filter(filter) => join_of(&filter.input),
        _ => None,
    }
}

fn kind(plan: &LogicalPlan) -> &'static str {
    match plan {
        LogicalPlan::Join(join) if join.on.is_empty() => "Nested Loop",
        LogicalPlan::Join(_) => "Hash Join",
        LogicalPlan::TableScan(_) => "Seq Scan",
        LogicalPlan::Aggregate(_) => "Aggregate",
        LogicalPlan::Sort(_) => "Sort",
        LogicalPlan::Limit(_) => "Limit",
        LogicalPlan::Window(_) => "WindowAgg",
        LogicalPlan::Union(_) => "Append",
        LogicalPlan::SubqueryAlias(_) => "Subquery Scan",
        LogicalPlan::Projection(projection) => match projection.input.as_ref() {
            input @ (LogicalPlan::Join(_) | LogicalPlan::Filter(_) | LogicalPlan::TableScan(_)) => kind(input),
            _ => "Result",
        },
        LogicalPlan::Filter(filter) => kind(&filter.input),
        _ => "Result",
    }
}

/// The expressions of a plan's columns.
fn output(plan: &LogicalPlan) -> Vec<String> {
    match plan {
        LogicalPlan::Projection(projection) => projection.expr.iter().map(shown).collect(),
        other => other.schema().columns().iter().map(|column| plain(&column.flat_name())).collect(),
    }
}

fn shown(expr: &Expr) -> String {
    match expr {
        Expr::Alias(alias) => shown(&alias.expr),
        Expr::Column(column) => plain(&column.flat_name()),
        other => plain(&other.to_string()),
    }
}

/// Without the marks of names that are made here.
fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control(), "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::logical_expr::{LogicalPlanBuilder, col, table_scan};

    #[test]
    fn the_inner_side_of_an_outer_join_is_the_one_that_can_be_missing() {
        let schema = Schema::new(vec![Field::new("x", DataType::Int32, false)]);
        let side = |name: &str| table_scan(Some(name), &schema, None).unwrap().build().unwrap();
        for (join_type, inner) in [(JoinType::Left, "b.x"), (JoinType::Right, "a.x")] {
            let plan = LogicalPlanBuilder::from(side("a"))
                .join(side("b"), join_type, (vec!["a.x"], vec!["b.x"]), None)
                .unwrap()
                .project(vec![col("b.x").alias("y"), col("a.x")])
                .unwrap()
                .build()
                .unwrap();
            let mut node = Map::new();
            describe(&plan, &mut node);
            assert_eq!(node["Output"], serde_json::json!(["b.x", "a.x"]));
            assert_eq!(node["Join Type"], "Left");
            let plans = node["Plans"].as_array().unwrap();
            assert_eq!(plans[1]["Parent Relationship"], "Inner");
            assert_eq!(plans[1]["Output"], serde_json::json!([inner]));
        }
    }
}
