//! A NULL among the whole numbers of a VALUES list is one of them: the planner would make it a `bigint`, and with it the column.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{Expr, LogicalPlan, Values};
use datafusion::sql::sqlparser::ast::{self, CastKind, SetExpr, UnaryOperator, Value, ValueWithSpan};

/// Gives the NULLs beside whole numbers the type `integer`, in the lists of a query's body.
pub(crate) fn integers(body: &mut SetExpr) {
    match body {
        SetExpr::Values(list) => {
            let columns = list.rows.first().map_or(0, |row| row.content.len());
            (0..columns).for_each(|column| integers_of(list, column));
        }
        SetExpr::SetOperation { left, right, .. } => {
            integers(left);
            integers(right);
        }
        _ => {}
    }
}

fn is_null(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Value(ValueWithSpan { value: Value::Null, .. }))
}

fn is_integer(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => text.parse::<i32>().is_ok(),
        ast::Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_integer(expr),
        _ => false,
    }
}

fn integers_of(list: &mut ast::Values, column: usize) {
    let cells = || list.rows.iter().filter_map(|row| row.content.get(column));
    if !cells().all(|cell| is_null(cell) || is_integer(cell)) || !cells().any(is_integer) {
        return;
    }
    for cell in list.rows.iter_mut().filter_map(|row| row.content.get_mut(column)).filter(|cell| is_null(cell)) {
        *cell = ast::Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(ast::Expr::value(Value::Null)),
            data_type: ast::DataType::Integer(None),
            array: false,
            format: None,
        };
    }
}

/// Takes the planner's cast off such NULLs; the numbers become `integer` next.
pub(super) fn without_bigint(list: Values) -> Transformed<LogicalPlan> {
    let is_cast = |expr: &Expr, to: &DataType| matches!(expr, Expr::Cast(cast) if cast.field.data_type() == to);
    let mut changed = false;
    let mut list = list;
    for cell in list.values.iter_mut().flatten() {
        if !is_cast(cell, &DataType::Int64) {
            continue;
        }
        if let Expr::Cast(outer) = cell
            && is_cast(&outer.expr, &DataType::Int32)
            && let Expr::Cast(inner) = outer.expr.as_ref()
            && matches!(inner.expr.as_ref(), Expr::Literal(ScalarValue::Null, _))
        {
            *cell = outer.expr.as_ref().clone();
            changed = true;
        }
    }
    if changed { Transformed::yes(LogicalPlan::Values(list)) } else { Transformed::no(LogicalPlan::Values(list)) }
}
