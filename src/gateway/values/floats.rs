//! A float makes the numbers beside it floats, as PostgreSQL prefers `double precision` among them; the planner would make floats
//! decimals of 15 digits, which lose what is small and refuse what is big.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable as _, LogicalPlan, LogicalPlanBuilder, Operator, Values,
};

/// Functions whose arguments get one type.
const CHOOSING: &[&str] = &["coalesce", "nullif", "greatest", "least", "make_array"];

pub(super) fn is_float(kind: &DataType) -> bool {
    matches!(kind, DataType::Float32 | DataType::Float64)
}

fn is_exact(kind: &DataType) -> bool {
    matches!(kind, DataType::Decimal128(..) | DataType::Decimal256(..))
}

/// Whether there are floats and exact numbers.
fn is_mixed(kinds: &[Option<DataType>]) -> bool {
    let any = |is: fn(&DataType) -> bool| kinds.iter().flatten().any(is);
    any(is_float) && any(is_exact)
}

fn cast(expr: Expr) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), DataType::Float64))
}

/// The values that a comparison, BETWEEN or IN compares; none of any other expression.
pub(super) fn compared(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => vec![left, right],
        Expr::Between(Between { expr, low, high, .. }) => vec![expr, low, high],
        Expr::InList(InList { expr, list, .. }) => std::iter::once(expr.as_mut()).chain(list).collect(),
        _ => Vec::new(),
    }
}

/// What is compared with floats, or may be given instead of one.
pub(super) fn beside_floats(mut expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let mut compared: Vec<&mut Expr> = match &mut expr {
        Expr::ScalarFunction(function) if CHOOSING.contains(&function.name()) => function.args.iter_mut().collect(),
        other => compared(other),
    };
    let kinds: Vec<_> = compared.iter().map(|one| one.get_type(schema).ok()).collect();
    if !is_mixed(&kinds) {
        return Transformed::no(expr);
    }
    for (one, kind) in compared.iter_mut().zip(kinds) {
        if kind.as_ref().is_some_and(is_exact) {
            **one = cast(std::mem::take(*one));
        }
    }
    Transformed::yes(expr)
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// The rows of a VALUES list: the planner has made the floats of a column decimals already.
pub(super) fn in_values(mut list: Values) -> Result<Transformed<LogicalPlan>> {
    let empty = DFSchema::empty();
    let float_inside = |expr: &Expr| match expr {
        Expr::Cast(cast) => {
            *cast.field.data_type() == DataType::Decimal128(30, 15)
                && cast.expr.get_type(&empty).is_ok_and(|kind| is_float(&kind))
        }
        _ => false,
    };
    let mut changed = false;
    for column in 0..list.schema.fields().len() {
        if !list.values.iter().any(|row| row.get(column).is_some_and(float_inside)) {
            continue;
        }
        changed = true;
        for value in list.values.iter_mut().filter_map(|row| row.get_mut(column)) {
            let taken = std::mem::replace(value, Expr::Literal(ScalarValue::Null, None));
            *value = match taken {
                Expr::Cast(inner) if *inner.field.data_type() == DataType::Decimal128(30, 15) => cast(*inner.expr),
                other => cast(other),
            };
        }
    }
    if changed {
        return LogicalPlanBuilder::values(list.values)?.build().map(Transformed::yes);
    }
    Ok(Transformed::no(LogicalPlan::Values(list)))
}
