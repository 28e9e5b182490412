//! A subquery that is a value has none when it finds no row, also where its column is never NULL: the planner would take
//! `(SELECT 1 WHERE false) IS NULL` for false.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// A subquery whose value may be missing.
pub(super) fn that_may_be_empty(expr: Expr) -> Transformed<Expr> {
    let never_null = match &expr {
        Expr::ScalarSubquery(query) => {
            query.subquery.schema().fields().first().is_some_and(|column| !column.is_nullable())
        }
        _ => false,
    };
    if !never_null {
        return Transformed::no(expr);
    }
    let function = FoundOrNull { signature: Signature::any(1, Volatility::Immutable) };
    Transformed::yes(ScalarUDF::new_from_impl(function).call(vec![expr]))
}

/// The value itself, which may be NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FoundOrNull {
    signature: Signature,
}

impl ScalarUDFImpl for FoundOrNull {
    fn name(&self) -> &'static str {
        "found_or_null"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.first().cloned().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = args.arg_fields.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        Ok(field.as_ref().clone().with_nullable(true).into())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        args.args.into_iter().next().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))
    }
}
