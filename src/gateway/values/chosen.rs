//! The type of an expression that chooses among values: CASE, COALESCE, NULLIF, GREATEST, LEAST.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable as _};

use super::super::pgcatalog::types;
use super::arrays;
use super::retyped::{WIDENED, cast_to};
use super::typing::is_text;

/// Marks the expression with the type that PostgreSQL resolves for it (`name`, `varchar`, `oid`, ...).
pub(super) fn named_type(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match resolved(&expr, schema) {
        Some(name) => {
            // An array of arrays has the type of those.
            let is_array = matches!(&expr, Expr::ScalarFunction(function) if function.name() == "make_array");
            let name = if is_array && !name.starts_with('_') { format!("_{name}") } else { name };
            let shown = expr.schema_name().to_string();
            Transformed::yes(expr.alias_with_metadata(shown, Some(types::metadata(&name).into())))
        }
        None => Transformed::no(expr),
    }
}

/// The values in the order in which PostgreSQL looks at their types: ELSE comes first.
fn values(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Case(case) => {
            let then = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
            case.else_expr.as_deref().into_iter().chain(then).collect()
        }
        // The second one only takes part in the comparison.
        Expr::ScalarFunction(function) if function.name() == "nullif" => function.args.iter().take(1).collect(),
        Expr::ScalarFunction(function) => function.args.iter().collect(),
        _ => Vec::new(),
    }
}

/// The type's name; `None` where the values say it without a mark.
fn resolved(expr: &Expr, schema: &DFSchema) -> Option<String> {
    let mut found: Option<(String, DataType)> = None;
    for value in values(expr) {
        // Literals and parameters take any type.
        if matches!(value, Expr::Literal(..) | Expr::Placeholder(_)) {
            continue;
        }
        let (_, field) = value.to_field(schema).ok()?;
        let (name, kind) = (types::name_of(&field), field.data_type().clone());
        found = match found {
            None => Some((name, kind)),
            Some((known, carrier)) => {
                // Values that are carried differently are made one type by the planner.
                if carrier != kind && !(is_text(&carrier) && is_text(&kind)) {
                    return None;
                }
                let moves = implicit(&known, &name) && !implicit(&name, &known);
                Some((if moves { name } else { known }, carrier))
            }
        };
    }
    let (name, _) = found?;
    // Strings of limited length are compared as text.
    let compared = matches!(expr, Expr::ScalarFunction(function) if function.name() == "nullif");
    (needs_mark(&name) && !(compared && name == "varchar")).then_some(name)
}

/// Whether what carries values of a type does not say itself that they are.
pub(super) fn needs_mark(name: &str) -> bool {
    let is_carried_by_itself = matches!(name, "numeric" | "interval" | "date" | "time" | "timetz" | "timestamp");
    types::metadata(name).contains_key(types::TYPE_KEY) && !is_carried_by_itself
}

/// Whether PostgreSQL casts one type to another of the same category by itself. Whoever has text or `oid` stays with it: they
/// are what their categories prefer.
fn implicit(from: &str, to: &str) -> bool {
    match (from, to) {
        ("varchar" | "bpchar", "name") | ("varchar", "bpchar") | ("bpchar", "varchar") => true,
        ("int2" | "int4", to) => types::is_oid_type(to),
        _ => false,
    }
}

/// The results of a CASE.
fn results(case: &Case) -> impl Iterator<Item = &Expr> {
    case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref())
}

fn results_mut(case: &mut Case) -> impl Iterator<Item = &mut Expr> {
    case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut()).chain(case.else_expr.as_deref_mut())
}

/// Reads the literals among the results of a CASE that has arrays as arrays, too; whether there were any.
pub(super) fn literal_arrays(case: &mut Case, schema: &DFSchema) -> bool {
    let element = results(case).find_map(|result| match result.get_type(schema) {
        Ok(DataType::List(element)) => Some(element),
        _ => None,
    });
    let Some(element) = element else { return false };
    let mut read = false;
    for result in results_mut(case) {
        if matches!(result, Expr::Literal(ScalarValue::Utf8(Some(_)), _)) {
            let literal = std::mem::take(result);
            *result = arrays::from_text(Arc::clone(&element)).call(vec![literal]);
            read = true;
        }
    }
    read
}

/// Makes the numbers among the results of a CASE floats where one is, else exact where one is; whether it did.
pub(super) fn common_number(case: &mut Case, schema: &DFSchema) -> bool {
    let mut digits: Option<i8> = None;
    let (mut whole, mut differ, mut float) = (false, false, false);
    for result in results(case) {
        match result.get_type(schema) {
            Ok(DataType::Float32 | DataType::Float64) => float = true,
            Ok(DataType::Decimal128(_, scale)) => {
                differ |= digits.is_some_and(|known| known != scale);
                digits = Some(digits.unwrap_or(scale).max(scale));
            }
            Ok(DataType::Null) => {}
            Ok(kind) if kind.is_integer() => whole = true,
            _ => return false,
        }
    }
    let Some(scale) = digits.filter(|_| whole || differ || float) else { return false };
    let common = if float { DataType::Float64 } else { DataType::Decimal128(38, scale) };
    for result in results_mut(case) {
        let inner = std::mem::take(result);
        *result = if float {
            Expr::Cast(Cast::new(Box::new(inner), common.clone()))
        } else {
            cast_to(inner, WIDENED, common.clone(), schema)
        };
    }
    true
}
