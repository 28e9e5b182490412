//! `count(DISTINCT (a, b))`: the engine keeps each row as a value that holds on to the whole batch it came from. Here it counts
//! keys instead, which are as long as the row.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, BinaryArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// The same plan, which counts keys of rows and lists.
pub(super) fn by_keys(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let LogicalPlan::Aggregate(_) = &node else { return Ok(Transformed::no(node)) };
        let inputs = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let keyed = expr.transform_up(|expr| keyed(expr, &inputs))?;
            Ok(if keyed.transformed { keyed.update_data(|expr| name.restore(expr)) } else { keyed })
        })
    })
    .map(|transformed| transformed.data)
}

fn keyed(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::AggregateFunction(AggregateFunction { func, mut params }) = expr else {
        return Ok(Transformed::no(expr));
    };
    let mut found = false;
    if params.distinct && func.name() == "count" {
        for arg in &mut params.args {
            let kind = arg.get_type(schema)?;
            let is_nested = matches!(kind, DataType::Struct(_) | DataType::List(_));
            if is_nested && RowConverter::supports_fields(&[SortField::new(kind)]) {
                let function = Arc::new(ScalarUDF::new_from_impl(Key(Signature::any(1, Volatility::Immutable))));
                let row = std::mem::take(arg);
                *arg = Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![row]));
                found = true;
            }
        }
    }
    let expr = Expr::AggregateFunction(AggregateFunction { func, params });
    Ok(if found { Transformed::yes(expr) } else { Transformed::no(expr) })
}

/// Bytes that are equal where rows are not distinct; NULL for NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key(Signature);

impl ScalarUDFImpl for Key {
    fn name(&self) -> &'static str {
        "key"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values: Vec<ArrayRef> =
            args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<_>>()?;
        let sort = values.iter().map(|value| SortField::new(value.data_type().clone())).collect();
        let rows = RowConverter::new(sort)?.convert_columns(&values)?;
        let is_null = |row: usize| values.iter().any(|value| value.is_null(row));
        let keys: BinaryArray = rows.iter().enumerate().map(|(at, row)| (!is_null(at)).then_some(row)).collect();
        Ok(ColumnarValue::Array(Arc::new(keys) as ArrayRef))
    }
}
