//! Calls of functions that there are not, told with the types of their arguments, as PostgreSQL tells them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{FunctionRegistry as _, SessionState};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::{self, Visit as _, Visitor};

use super::super::error::undefined_function;
use super::super::pgcatalog::rewrite::folded;
use super::super::pgcatalog::{functions, types};

/// What the planner reads without looking for a function.
const KNOWN: &[&str] = &["unnest"];

/// Registers the functions that a statement calls and that there are not: each fails with the types it was called with.
pub(super) fn register(state: &mut SessionState, statement: &ast::Statement) {
    let mut called = Called::default();
    let _ = statement.visit(&mut called);
    for name in called.names {
        let known = state.scalar_functions().contains_key(&name)
            || state.aggregate_functions().contains_key(&name)
            || state.window_functions().contains_key(&name)
            || KNOWN.contains(&name.as_str());
        if !known {
            let missing = Missing { name, signature: Signature::variadic_any(Volatility::Volatile) };
            // Nothing of the name is there, so that registering it does not fail.
            let _ = state.register_udf(Arc::new(ScalarUDF::new_from_impl(missing)));
        }
    }
}

/// The names of functions that are called without a schema.
#[derive(Default)]
struct Called {
    names: BTreeSet<String>,
}

impl Visitor for Called {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        if let ast::Expr::Function(function) = expr
            && let [part] = function.name.0.as_slice()
            && let Some(name) = part.as_ident()
        {
            self.names.insert(folded(name));
        }
        ControlFlow::Continue(())
    }
}

/// A function that there is not.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Missing {
    name: String,
    signature: Signature,
}

impl Missing {
    fn error(&self, shown: &[String]) -> DataFusionError {
        DataFusionError::External(Box::new(undefined_function(&format!("{}({})", self.name, shown.join(", ")))))
    }
}

/// The type of an argument: literals in quotes have none yet, whole numbers are as small as they can be.
fn shown(field: &FieldRef, value: Option<&ScalarValue>) -> String {
    let tagged = field.metadata().contains_key(types::TYPE_KEY);
    match (field.data_type(), value) {
        (DataType::Null, _) => "unknown".to_owned(),
        (DataType::Utf8 | DataType::Utf8View, Some(_)) if !tagged => "unknown".to_owned(),
        (_, Some(ScalarValue::Int64(Some(number)))) if !tagged && i32::try_from(*number).is_ok() => {
            "integer".to_owned()
        }
        _ => functions::type_name(&types::name_of(field)),
    }
}

impl ScalarUDFImpl for Missing {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(self.error(&[]))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let values = args.scalar_arguments.iter().copied();
        let shown: Vec<String> = args.arg_fields.iter().zip(values).map(|(field, value)| shown(field, value)).collect();
        Err(self.error(&shown))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.error(&[]))
    }
}
