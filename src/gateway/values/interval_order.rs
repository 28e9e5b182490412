//! Intervals in PostgreSQL's order: a month counts 30 days and a day 24 hours, so that `interval '1 day' = interval '24 hours'`. The
//! planner compares months, then days, then time, and the difference of two moments has no days.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, Decimal128Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::super::encode::interval;
use super::super::pgcatalog::errors::sql_error;
use super::{floats, intervals};

const DAY: i128 = 86_400_000_000;
/// Room for the longest interval in microseconds.
const VALUE: DataType = DataType::Decimal128(38, 0);

fn is_interval(kind: &DataType) -> bool {
    matches!(kind, DataType::Interval(_) | DataType::Duration(_))
}

/// Whether the values of a type are in another order than the planner's; those of one unit are not.
fn is_mixed(expr: &Expr, schema: &DFSchema) -> bool {
    matches!(expr.get_type(schema), Ok(DataType::Interval(_)))
}

/// The length of an interval in microseconds.
fn value(interval: Expr) -> Expr {
    ScalarUDF::new_from_impl(Length { signature: Signature::any(1, Volatility::Immutable) }).call(vec![interval])
}

/// The interval of an untyped text.
pub(crate) fn literal(text: &str) -> Result<Expr> {
    let wrong = || sql_error("22007", format!("invalid input syntax for type interval: \"{text}\""));
    let (months, days, micros) = intervals::parse(text, "seconds").ok_or_else(wrong)?;
    let nanos = micros.checked_mul(1_000).ok_or_else(wrong)?;
    Ok(Expr::Literal(ScalarValue::new_interval_mdn(months, days, nanos), None))
}

/// A comparison of intervals as one of their lengths.
pub(super) fn compared(mut expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut sides = floats::compared(&mut expr);
    let kinds: Vec<Option<DataType>> = sides.iter().map(|side| side.get_type(schema).ok()).collect();
    let fits = |side: &Expr, kind: &Option<DataType>| match (side, kind) {
        (Expr::Literal(ScalarValue::Utf8(_), _) | Expr::Placeholder(_), _) => true,
        (_, Some(kind)) => is_interval(kind) || *kind == DataType::Null,
        _ => false,
    };
    let any = kinds.iter().flatten().any(is_interval);
    if !any || !sides.iter().zip(&kinds).all(|(side, kind)| fits(side, kind)) {
        return Ok(Transformed::no(expr));
    }
    for side in &mut sides {
        let taken = std::mem::take(*side);
        **side = value(match taken {
            Expr::Literal(ScalarValue::Utf8(Some(text)), _) => literal(&text)?,
            other => other,
        });
    }
    Ok(Transformed::yes(expr))
}

/// Sorts by intervals in their order.
pub(super) fn in_order(node: LogicalPlan) -> Transformed<LogicalPlan> {
    let LogicalPlan::Sort(mut sort) = node else { return Transformed::no(node) };
    let mut changed = false;
    for key in &mut sort.expr {
        if is_mixed(&key.expr, sort.input.schema()) {
            key.expr = value(std::mem::take(&mut key.expr));
            changed = true;
        }
    }
    Transformed::new(LogicalPlan::Sort(sort), changed, TreeNodeRecursion::Continue)
}

/// The keys of a window in their order; whether there were any.
pub(super) fn keys_in_order(keys: &mut [Sort], schema: &DFSchema) -> bool {
    let mut changed = false;
    for key in keys.iter_mut().filter(|key| is_mixed(&key.expr, schema)) {
        key.expr = value(std::mem::take(&mut key.expr));
        changed = true;
    }
    changed
}

/// The least or greatest interval is the first one in their order.
pub(super) fn extreme(aggregate: &mut AggregateFunction, schema: &DFSchema) -> bool {
    let ascending = match aggregate.func.name() {
        "min" => true,
        "max" => false,
        _ => return false,
    };
    let [argument] = aggregate.params.args.as_slice() else { return false };
    if !is_mixed(argument, schema) || !aggregate.params.order_by.is_empty() {
        return false;
    }
    aggregate.params.order_by = vec![value(argument.clone()).sort(ascending, false)];
    aggregate.params.distinct = false;
    aggregate.func = first_value_udaf();
    true
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Length {
    signature: Signature,
}

fn length(months: i32, days: i32, micros: i64) -> i128 {
    (i128::from(months) * 30 + i128::from(days)) * DAY + i128::from(micros)
}

impl ScalarUDFImpl for Length {
    fn name(&self) -> &'static str {
        "interval_length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(VALUE)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let argument = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let is_one = matches!(argument, ColumnarValue::Scalar(_));
        let array = argument.to_array(if is_one { 1 } else { args.number_rows })?;
        let lengths = (0..array.len()).map(|row| {
            if array.is_null(row) || *array.data_type() == DataType::Null {
                return Ok(None);
            }
            let parts = interval(array.as_ref(), row).map_err(|error| DataFusionError::External(Box::new(error)))?;
            Ok(parts.map(|(months, days, micros)| length(months, days, micros)))
        });
        let lengths = lengths.collect::<Result<Decimal128Array>>()?.with_data_type(VALUE);
        if is_one {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&lengths, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(lengths) as ArrayRef))
    }
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn a_month_has_thirty_days() {
        assert_eq!(length(1, 0, 0), length(0, 30, 0));
        assert_eq!(length(0, 1, 0), length(0, 0, 86_400_000_000));
        assert!(length(0, 0, 90_000_000_000) > length(0, 1, 0));
        assert!(length(i32::MAX, i32::MAX, i64::MAX) > 0);
    }
}
