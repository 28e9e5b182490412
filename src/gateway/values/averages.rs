//! `avg` of exact numbers as the quotient of a sum and a count, which is rounded as PostgreSQL's; the planner's average is cut off.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::{
    Aggregate, AggregateUDF, Expr, ExprSchemable as _, LogicalPlan, Projection, Window, WindowFunctionDefinition,
};

use super::numerics;
use super::retyped::{WIDENED, cast_to};

/// The same plan, of the same types.
pub(crate) fn as_quotients(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let (computed, given) = match &node {
            LogicalPlan::Aggregate(aggregate) => (&aggregate.aggr_expr, &aggregate.input),
            LogicalPlan::Window(window) => (&window.window_expr, &window.input),
            _ => return Ok(Transformed::no(node)),
        };
        let schema = node.schema();
        let before = schema.fields().len().saturating_sub(computed.len());
        // Nothing reads the number of the grouping set but `grouping`, which is resolved in the aggregation itself.
        let is_read = |column: &Column| column.name != Aggregate::INTERNAL_GROUPING_ID;
        let mut columns: Vec<Expr> =
            schema.columns().into_iter().take(before).filter(is_read).map(Expr::Column).collect();
        let mut parts = Vec::with_capacity(computed.len());
        let mut found = false;
        for (expr, (qualifier, field)) in computed.iter().zip(schema.iter().skip(before)) {
            let Some((sum, count)) = parted(expr, given.schema()) else {
                columns.push(Expr::Column(Column::from((qualifier, field))));
                parts.push(expr.clone());
                continue;
            };
            let Some(mean) = numerics::mean(field.data_type()) else {
                columns.push(Expr::Column(Column::from((qualifier, field))));
                parts.push(expr.clone());
                continue;
            };
            // Names that no column has.
            let [of_sum, of_count] = ["sum", "count"].map(|part| format!("\u{1}{part} {}", parts.len()));
            let operands = [&of_sum, &of_count].map(|name| Expr::Column(Column::new_unqualified(name)));
            columns.push(mean.call(operands.to_vec()).alias_qualified(qualifier.cloned(), field.name()));
            parts.extend([sum.alias(of_sum), count.alias(of_count)]);
            found = true;
        }
        if !found {
            return Ok(Transformed::no(node));
        }
        let parts = match node {
            LogicalPlan::Aggregate(Aggregate { input, group_expr, .. }) => {
                LogicalPlan::Aggregate(Aggregate::try_new(input, group_expr, parts)?)
            }
            LogicalPlan::Window(Window { input, .. }) => LogicalPlan::Window(Window::try_new(parts, input)?),
            other => other,
        };
        Projection::try_new(columns, Arc::new(parts)).map(LogicalPlan::Projection).map(Transformed::yes)
    })
    .map(|transformed| transformed.data)
}

/// The sum and the count of an average of exact numbers.
fn parted(expr: &Expr, schema: &DFSchema) -> Option<(Expr, Expr)> {
    match expr {
        Expr::Alias(alias) => parted(&alias.expr, schema),
        Expr::AggregateFunction(AggregateFunction { func, params }) if !params.distinct => {
            let with = |func: Arc<AggregateUDF>, argument: Expr| {
                let mut params = params.clone();
                params.args = vec![argument];
                Expr::AggregateFunction(AggregateFunction { func, params })
            };
            let value = averaged(func, &params.args, schema)?;
            Some((with(sum_udaf(), summed(value.clone(), schema)?), with(count_udaf(), value)))
        }
        Expr::WindowFunction(window) if !window.params.distinct => {
            let WindowFunctionDefinition::AggregateUDF(func) = &window.fun else { return None };
            let with = |func: Arc<AggregateUDF>, argument: Expr| {
                let mut params = window.params.clone();
                params.args = vec![argument];
                let fun = WindowFunctionDefinition::AggregateUDF(func);
                Expr::WindowFunction(Box::new(WindowFunction { fun, params }))
            };
            let value = averaged(func, &window.params.args, schema)?;
            Some((with(sum_udaf(), summed(value.clone(), schema)?), with(count_udaf(), value)))
        }
        _ => None,
    }
}

/// What an average of exact numbers is taken over.
fn averaged(func: &AggregateUDF, arguments: &[Expr], schema: &DFSchema) -> Option<Expr> {
    let [argument] = arguments else { return None };
    let is_exact = matches!(argument.get_type(schema), Ok(DataType::Decimal128(..)));
    (func.name() == "avg" && is_exact).then(|| match argument {
        Expr::Cast(cast) if cast.field.name() == WIDENED => cast.expr.as_ref().clone(),
        other => other.clone(),
    })
}

/// The same values with room for their sum.
fn summed(value: Expr, schema: &DFSchema) -> Option<Expr> {
    let to = match value.get_type(schema).ok()? {
        DataType::Int16 | DataType::Int32 => DataType::Int64,
        DataType::Decimal128(_, scale) => DataType::Decimal256(76, scale),
        kind if kind.is_integer() => DataType::Decimal128(38, 0),
        _ => return None,
    };
    Some(cast_to(value, WIDENED, to, schema))
}
