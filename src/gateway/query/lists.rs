//! The types of parameters that are lists: in `value = ANY($1)`, `$1` is an array of what the value is.

use std::collections::BTreeMap;

use datafusion::arrow::datatypes::Field;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable as _, LogicalPlan};
use postgres_types::Type;

use super::super::pgcatalog::types;
use super::params::{array_of, planner_type};

/// The array types by the number of the parameter; of several comparisons the first one counts.
pub(super) fn elements(plan: &LogicalPlan) -> Result<BTreeMap<usize, Type>> {
    let mut found = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        let inputs = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Some((number, value)) = compared(part)
                    && let Ok((_, field)) = value.to_field(&inputs)
                    && let Some(array) = array_against(&field)
                {
                    found.entry(number).or_insert(array);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

/// A parameter that is a list, and what its elements are compared with: what the planner makes of ANY and ALL.
fn compared(expr: &Expr) -> Option<(usize, &Expr)> {
    match expr {
        Expr::ScalarFunction(function) if function.name() == "array_has" => match function.args.as_slice() {
            [list, value] => Some((number(list)?, value)),
            _ => None,
        },
        Expr::BinaryExpr(BinaryExpr { left, right, .. }) => match (end(left), end(right)) {
            (Some(number), None) => Some((number, right)),
            (None, Some(number)) => Some((number, left)),
            _ => None,
        },
        _ => None,
    }
}

/// The parameter of which an expression is the least or the greatest element.
fn end(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::ScalarFunction(function) if matches!(function.name(), "array_min" | "array_max") => {
            number(function.args.first()?)
        }
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Placeholder(placeholder) => placeholder.id.strip_prefix('$')?.parse().ok(),
        _ => None,
    }
}

/// The array whose elements PostgreSQL compares with a value: strings of any length as text, object identifiers by number.
fn array_against(field: &Field) -> Option<Type> {
    let name = types::name_of(field);
    let element = match planner_type(field).pg {
        _ if types::is_oid_type(&name) => Type::OID,
        _ if name == "xid" => Type::XID,
        Type::VARCHAR => Type::TEXT,
        other => other,
    };
    array_of(&element)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn an_array_has_the_type_of_what_it_is_compared_with() {
        for (name, wanted) in [
            ("name", Type::NAME_ARRAY),
            ("char", Type::CHAR_ARRAY),
            ("oid", Type::OID_ARRAY),
            ("regclass", Type::OID_ARRAY),
            ("xid", Type::XID_ARRAY),
            ("varchar", Type::TEXT_ARRAY),
            ("text", Type::TEXT_ARRAY),
            ("uuid", Type::UUID_ARRAY),
            ("int2", Type::INT2_ARRAY),
            ("numeric", Type::NUMERIC_ARRAY),
            ("timestamptz", Type::TIMESTAMPTZ_ARRAY),
        ] {
            assert_eq!(array_against(&types::field("x", name)), Some(wanted), "{name}");
        }
        assert_eq!(array_against(&Field::new("x", DataType::Date32, true)), Some(Type::DATE_ARRAY));
    }
}
