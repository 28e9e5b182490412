//! Moments that meet times without a zone: PostgreSQL reads those in the session's zone, the planner in UTC.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Cast, Expr, ExprSchemable as _, LogicalPlan, Operator};

use super::typing::each_expression;
use super::zones;

/// Rewrites casts and comparisons of a plan. `zone` is the session's, as the planner names it.
pub(crate) fn in_zone(zone: Option<&str>, plan: LogicalPlan) -> Result<LogicalPlan> {
    let zone = zone.unwrap_or("UTC");
    each_expression(plan, &|expr, inputs| Ok(rewritten(zone, expr, inputs)))
}

fn is_moment(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(_, Some(_)))
}

fn is_local(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(_, None) | DataType::Date32)
}

fn compares(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn cast(expr: Expr, to: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), to))
}

fn rewritten(zone: &str, expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let kind = |expr: &Expr| expr.get_type(schema).ok();
    match expr {
        Expr::Cast(to)
            if matches!(to.field.data_type(), DataType::Timestamp(_, None))
                && kind(&to.expr).is_some_and(|from| is_moment(&from)) =>
        {
            let local = zones::in_zone(zone, *to.expr);
            Transformed::yes(cast(local, to.field.data_type().clone()))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(op) => {
            let (first, second) = (kind(&left), kind(&right));
            let beside = |expr: Box<Expr>, other: Option<&DataType>| match other {
                Some(other) => operand(zone, *expr, other, schema),
                None => Transformed::no(*expr),
            };
            let left = beside(left, second.as_ref());
            let right = beside(right, first.as_ref());
            let changed = left.transformed || right.transformed;
            let expr = BinaryExpr { left: Box::new(left.data), op, right: Box::new(right.data) };
            if changed { Transformed::yes(Expr::BinaryExpr(expr)) } else { Transformed::no(Expr::BinaryExpr(expr)) }
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let Some(value) = kind(&expr) else {
                return Transformed::no(Expr::Between(Between { expr, negated, low, high }));
            };
            let low = operand(zone, *low, &value, schema);
            let high = operand(zone, *high, &value, schema);
            let changed = low.transformed || high.transformed;
            let between = Expr::Between(Between { expr, negated, low: Box::new(low.data), high: Box::new(high.data) });
            if changed { Transformed::yes(between) } else { Transformed::no(between) }
        }
        Expr::InList(InList { expr, list, negated }) => {
            let Some(value) = kind(&expr) else { return Transformed::no(Expr::InList(InList { expr, list, negated })) };
            let list: Vec<_> = list.into_iter().map(|item| operand(zone, item, &value, schema)).collect();
            let changed = list.iter().any(|item| item.transformed);
            let list = list.into_iter().map(|item| item.data).collect();
            let list = Expr::InList(InList { expr, list, negated });
            if changed { Transformed::yes(list) } else { Transformed::no(list) }
        }
        other => Transformed::no(other),
    }
}

/// A value that is compared with one of the type `beside`.
fn operand(zone: &str, expr: Expr, beside: &DataType, schema: &DFSchema) -> Transformed<Expr> {
    if !matches!(beside, DataType::Timestamp(..)) {
        return Transformed::no(expr);
    }
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), metadata) => {
            let text = super::rewrite::with_seconds(&text).unwrap_or(text);
            let literal = Expr::Literal(ScalarValue::Utf8(Some(text)), metadata);
            let zone = is_moment(beside).then(|| zone.into());
            Transformed::yes(cast(literal, DataType::Timestamp(TimeUnit::Microsecond, zone)))
        }
        expr if is_moment(beside) && expr.get_type(schema).is_ok_and(|kind| is_local(&kind)) => {
            let local = cast(expr, DataType::Timestamp(TimeUnit::Microsecond, None));
            Transformed::yes(zones::in_zone(zone, local))
        }
        expr => Transformed::no(expr),
    }
}
