//! Operators that depend on PostgreSQL's types: a string literal beside an array, an object identifier or a number is read as one,
//! as PostgreSQL's untyped literals are.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use datafusion::functions_nested::expr_fn::{array_has_all, array_has_any};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use datafusion::{common::not_impl_err, logical_expr::registry::FunctionRegistry};

use super::catalog::Catalog;
use super::errors::sql_error;
use super::functions;
use super::types;
use super::whole_rows;
use crate::gateway::values::{array_literal, bytea, interval_order};

/// Registers the operators on a context.
pub(super) fn register(ctx: &SessionContext, catalog: &Arc<Catalog>) -> Result<()> {
    ctx.state_ref().write().register_expr_planner(Arc::new(Literals { catalog: Arc::clone(catalog) }))
}

#[derive(Debug)]
struct Literals {
    catalog: Arc<Catalog>,
}

impl Literals {
    /// The literal as a value of the other side's type; `None` to leave it.
    fn read(&self, text: &str, other: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
        let Ok((_, field)) = other.to_field(schema) else { return Ok(None) };
        let pg_type = types::name_of(&field);
        Ok(match field.data_type() {
            DataType::Int32 if types::is_oid_type(&pg_type) => {
                Some(lit(functions::resolve(&self.catalog, text, &pg_type)?))
            }
            number if number.is_integer() => {
                let value: i64 = text.trim().parse().map_err(|_| {
                    sql_error(
                        "22P02",
                        format!("invalid input syntax for type {}: \"{text}\"", functions::type_name(&pg_type)),
                    )
                })?;
                Some(lit(value))
            }
            DataType::Boolean => match text.trim().to_ascii_lowercase().as_str() {
                "t" | "true" | "y" | "yes" | "on" | "1" => Some(lit(true)),
                "f" | "false" | "n" | "no" | "off" | "0" => Some(lit(false)),
                _ => {
                    return Err(sql_error("22P02", format!("invalid input syntax for type boolean: \"{text}\"")));
                }
            },
            DataType::Interval(_) | DataType::Duration(_) => Some(interval_order::literal(text)?),
            DataType::Binary => {
                let bytes = bytea::parse(text).map_err(|error| sql_error(error.sqlstate, error.message))?;
                Some(lit(ScalarValue::Binary(Some(bytes))))
            }
            list @ DataType::List(_) => {
                // A malformed text is refused with its reason.
                array_literal::items(text).map_err(|error| sql_error(error.sqlstate, error.message))?;
                let array = types::array_from_text(list, std::iter::once(Some(text)))?;
                Some(Expr::Literal(ScalarValue::try_from_array(&array, 0)?, None))
            }
            _ => None,
        })
    }
}

impl Literals {
    /// `@>`, `<@` and `&&` of arrays; an untyped literal or parameter is an array like the other side.
    fn array_operator(&self, expr: &RawBinaryExpr, schema: &DFSchema) -> Result<Option<Expr>> {
        if !matches!(expr.op, BinaryOperator::AtArrow | BinaryOperator::ArrowAt | BinaryOperator::PGOverlap) {
            return Ok(None);
        }
        let side = |expr: &Expr, other: &Expr| -> Result<Option<Expr>> {
            if let Ok(DataType::List(_)) = expr.get_type(schema) {
                return Ok(Some(expr.clone()));
            }
            let Ok(list @ DataType::List(_)) = other.get_type(schema) else { return Ok(None) };
            match expr {
                Expr::Placeholder(parameter) if parameter.field.is_none() => {
                    let field = Arc::new(Field::new("", list, true));
                    Ok(Some(Expr::Placeholder(Placeholder::new_with_field(parameter.id.clone(), Some(field)))))
                }
                other_side => match literal_text(other_side) {
                    Some(text) => self.read(text, other, schema),
                    None => Ok(None),
                },
            }
        };
        let (Some(left), Some(right)) = (side(&expr.left, &expr.right)?, side(&expr.right, &expr.left)?) else {
            return Ok(None);
        };
        Ok(Some(match expr.op {
            BinaryOperator::AtArrow => array_has_all(left, right),
            BinaryOperator::ArrowAt => array_has_all(right, left),
            _ => array_has_any(left, right),
        }))
    }
}

fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => Some(text),
        _ => None,
    }
}

impl ExprPlanner for Literals {
    fn plan_binary_op(&self, mut expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if let Some(row) = whole_rows::plan(&self.catalog, &expr, schema)? {
            return Ok(PlannerResult::Planned(row));
        }
        let comparison = matches!(
            expr.op,
            BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::Gt
                | BinaryOperator::GtEq
        );
        if let Some(planned) = super::super::values::range_operator(&expr, schema) {
            return Ok(PlannerResult::Planned(planned));
        }
        if let Some(planned) = super::super::values::timetz_operator(&expr, schema) {
            return Ok(PlannerResult::Planned(planned));
        }
        if let Some(planned) = self.array_operator(&expr, schema)? {
            return Ok(PlannerResult::Planned(planned));
        }
        let arithmetic = matches!(
            expr.op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
        );
        let is_number = |side: &Expr| side.get_type(schema).is_ok_and(|kind| kind.is_integer());
        // An untyped literal is a number like the other one.
        if arithmetic
            && is_number(&expr.right)
            && let Some(text) = literal_text(&expr.left)
            && let Some(value) = self.read(text, &expr.right, schema)?
        {
            expr.left = value;
        } else if arithmetic
            && is_number(&expr.left)
            && let Some(text) = literal_text(&expr.right)
            && let Some(value) = self.read(text, &expr.left, schema)?
        {
            expr.right = value;
        }
        if !comparison {
            let planned = super::super::values::interval_operator(&expr, schema)
                .or_else(|| super::super::values::jsonb_operator(&expr, schema));
            return Ok(match planned {
                Some(planned) => PlannerResult::Planned(planned),
                None => PlannerResult::Original(expr),
            });
        }
        let replaced = match (literal_text(&expr.left), literal_text(&expr.right)) {
            (None, Some(text)) => self.read(text, &expr.left, schema)?.map(|value| (false, value)),
            (Some(text), None) => self.read(text, &expr.right, schema)?.map(|value| (true, value)),
            _ => None,
        };
        match replaced {
            Some((true, value)) => expr.left = value,
            Some((false, value)) => expr.right = value,
            None => return Ok(PlannerResult::Original(expr)),
        }
        let operator = match expr.op {
            BinaryOperator::Eq => datafusion::logical_expr::Operator::Eq,
            BinaryOperator::NotEq => datafusion::logical_expr::Operator::NotEq,
            BinaryOperator::Lt => datafusion::logical_expr::Operator::Lt,
            BinaryOperator::LtEq => datafusion::logical_expr::Operator::LtEq,
            BinaryOperator::Gt => datafusion::logical_expr::Operator::Gt,
            BinaryOperator::GtEq => datafusion::logical_expr::Operator::GtEq,
            other => return not_impl_err!("operator {other}"),
        };
        Ok(PlannerResult::Planned(datafusion::logical_expr::binary_expr(expr.left, operator, expr.right)))
    }
}
