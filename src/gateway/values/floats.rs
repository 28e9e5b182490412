//! A float makes the numbers beside it floats, as PostgreSQL prefers `double precision` among them; the planner would make floats
//! decimals of 15 digits, which lose what is small and refuse what is big.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable as _, LogicalPlan, LogicalPlanBuilder, Operator, Union, Values,
};

/// Functions whose arguments get one type.
const CHOOSING: &[&str] = &["coalesce", "nullif", "greatest", "least", "make_array"];

fn is_float(kind: &DataType) -> bool {
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

/// What is compared with floats, or may be given instead of one.
pub(super) fn beside_floats(mut expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let mut compared: Vec<&mut Expr> = match &mut expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => vec![left, right],
        Expr::Between(Between { expr, low, high, .. }) => vec![expr, low, high],
        Expr::InList(InList { expr, list, .. }) => std::iter::once(expr.as_mut()).chain(list).collect(),
        Expr::ScalarFunction(function) if CHOOSING.contains(&function.name()) => function.args.iter_mut().collect(),
        _ => return Transformed::no(expr),
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

/// Rows of one column from several queries, or from a VALUES list.
pub(super) fn in_columns(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match plan {
        LogicalPlan::Union(union) => in_union(union),
        LogicalPlan::Values(values) => in_values(values),
        other => Ok(Transformed::no(other)),
    }
}

fn in_union(union: Union) -> Result<Transformed<LogicalPlan>> {
    let mixed: Vec<bool> = (0..union.schema.fields().len())
        .map(|column| {
            let kind = |input: &Arc<LogicalPlan>| input.schema().fields().get(column).map(|it| it.data_type().clone());
            is_mixed(&union.inputs.iter().map(kind).collect::<Vec<_>>())
        })
        .collect();
    if !mixed.contains(&true) {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    let inputs = union.inputs.into_iter().map(|input| {
        let columns = input.schema().columns().into_iter().zip(&mixed).map(|(column, mixed)| {
            let name = column.name.clone();
            let column = Expr::Column(column);
            if *mixed { cast(column).alias(name) } else { column }
        });
        let columns: Vec<Expr> = columns.collect();
        LogicalPlanBuilder::from(Arc::unwrap_or_clone(input)).project(columns)?.build().map(Arc::new)
    });
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    Union::try_new_with_loose_types(inputs).map(|union| Transformed::yes(LogicalPlan::Union(union)))
}

/// The planner has made the floats of a column decimals already.
fn in_values(mut list: Values) -> Result<Transformed<LogicalPlan>> {
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
