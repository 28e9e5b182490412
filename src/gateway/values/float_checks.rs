//! Where floats have no result: PostgreSQL refuses a division by zero and the logarithm of what is not above zero, for which the
//! planner has Infinity and NaN.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray as _};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::numeric::div;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable as _, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::floats::is_float;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Check {
    /// The quotient of two floats.
    Quotient,
    /// The argument of a logarithm.
    Positive,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    check: Check,
    signature: Signature,
}

fn call(check: Check, arguments: Vec<Expr>) -> Expr {
    let signature = Signature::user_defined(Volatility::Immutable);
    ScalarUDF::new_from_impl(Checked { check, signature }).call(arguments)
}

/// The quotient of two numbers of which one is a float.
pub(super) fn quotient(left: &Expr, right: &Expr, schema: &DFSchema) -> Option<Expr> {
    let (one, other) = (left.get_type(schema).ok()?, right.get_type(schema).ok()?);
    let numbers = one.is_numeric() && other.is_numeric() && (is_float(&one) || is_float(&other));
    numbers.then(|| call(Check::Quotient, vec![left.clone(), right.clone()]))
}

/// A logarithm of floats, whose arguments are looked at.
pub(super) fn logarithm(function: &mut ScalarFunction, schema: &DFSchema) -> bool {
    // One with a base is of exact numbers.
    if !matches!(function.name(), "ln" | "log" | "log10" | "log2") || function.args.len() != 1 {
        return false;
    }
    let is_looked_at = |expr: &Expr| matches!(expr, Expr::ScalarFunction(inner) if inner.name() == "positive");
    let is_number = |expr: &Expr| expr.get_type(schema).is_ok_and(|kind| is_float(&kind) || kind.is_integer());
    if !function.args.iter().all(|argument| is_number(argument) && !is_looked_at(argument)) {
        return false;
    }
    for argument in &mut function.args {
        *argument = call(Check::Positive, vec![std::mem::take(argument)]);
    }
    true
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &'static str {
        match self.check {
            Check::Quotient => "float8div",
            Check::Positive => "positive",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let single = self.check == Check::Quotient && arguments.iter().all(|kind| *kind == DataType::Float32);
        Ok(if single { DataType::Float32 } else { DataType::Float64 })
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![self.return_type(arguments)?; arguments.len()])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let wide = |array: &ArrayRef| cast(array, &DataType::Float64);
        match (self.check, columns.as_slice()) {
            (Check::Quotient, [left, right]) => {
                let (dividends, divisors) = (wide(left)?, wide(right)?);
                let pairs = dividends.as_primitive::<Float64Type>().iter().zip(divisors.as_primitive::<Float64Type>());
                for (dividend, divisor) in pairs {
                    if divisor == Some(0.0) && dividend.is_some_and(|dividend| !dividend.is_nan()) {
                        return Err(sql_error("22012", "division by zero"));
                    }
                }
                Ok(ColumnarValue::Array(div(left, right)?))
            }
            (Check::Positive, [value]) => {
                let values = wide(value)?;
                for value in values.as_primitive::<Float64Type>().iter().flatten() {
                    if value == 0.0 {
                        return Err(sql_error("2201E", "cannot take logarithm of zero"));
                    }
                    if value < 0.0 {
                        return Err(sql_error("2201E", "cannot take logarithm of a negative number"));
                    }
                }
                Ok(ColumnarValue::Array(Arc::clone(&values)))
            }
            (_, other) => Err(DataFusionError::Internal(format!("{} arguments of {:?}", other.len(), self.check))),
        }
    }
}
