//! Times with zones beside other values: comparisons, intervals and dates.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, InList, Placeholder};
use datafusion::logical_expr::planner::RawBinaryExpr;
use datafusion::logical_expr::{Cast, Expr, ExprSchemable as _, Operator, binary_expr};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::super::super::pgcatalog::errors::sql_error;
use super::super::super::pgcatalog::{casts, types};
use super::super::outputs;
use super::KIND;
use super::functions::{Function, cast_function};

fn comparison(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        _ => return None,
    })
}

/// An operator beside a time with a zone; `None` to leave it.
pub(crate) fn operator(expr: &RawBinaryExpr, schema: &DFSchema) -> Option<Expr> {
    let kind = |side: &Expr| side.get_type(schema).ok();
    let (left, right) = (kind(&expr.left), kind(&expr.right));
    let own = Some(KIND);
    if left != own && right != own {
        return None;
    }
    if let Some(op) = comparison(&expr.op) {
        return match (left == own, right == own) {
            (true, false) => Some(binary_expr(expr.left.clone(), op, beside(&expr.right, schema)?)),
            (false, true) => Some(binary_expr(beside(&expr.left, schema)?, op, expr.right.clone())),
            _ => None,
        };
    }
    if expr.op == BinaryOperator::StringConcat {
        let text = |value: &Expr, is_own: bool| {
            if is_own { outputs::text().call(vec![value.clone()]) } else { value.clone() }
        };
        let both = (text(&expr.left, left == own), text(&expr.right, right == own));
        return Some(binary_expr(both.0, Operator::StringConcat, both.1));
    }
    let is_interval = |kind: &Option<DataType>| matches!(kind, Some(DataType::Interval(_)));
    let is_date = |kind: &Option<DataType>| matches!(kind, Some(DataType::Date32));
    let (time, other, kind) =
        if left == own { (&expr.left, &expr.right, right) } else { (&expr.right, &expr.left, left.clone()) };
    let function = match expr.op {
        BinaryOperator::Plus if is_interval(&kind) => Function::Plus,
        BinaryOperator::Minus if is_interval(&kind) && left == own => Function::Minus,
        BinaryOperator::Plus if is_date(&kind) => Function::On,
        _ => return None,
    };
    Some(function.call(vec![time.clone(), other.clone()]))
}

/// What is compared with a time with a zone: an untyped value is one, a time gets the session's zone.
fn beside(value: &Expr, schema: &DFSchema) -> Option<Expr> {
    let value = match value {
        Expr::Placeholder(parameter) if parameter.field.is_none() => {
            let field = types::field("", "timetz");
            Expr::Placeholder(Placeholder::new_with_field(parameter.id.clone(), Some(field)))
        }
        Expr::Literal(ScalarValue::Utf8(_) | ScalarValue::Null, _) => value.clone(),
        other => match other.get_type(schema).ok()? {
            DataType::Time32(_) | DataType::Time64(_) => other.clone(),
            _ => return None,
        },
    };
    Some(cast_function().call(vec![value]))
}

/// A cast of a time with a zone: to a time, which leaves the zone out; that to a text is left to others. 42846 for any other.
pub(in super::super) fn cast_away(cast: &Cast, schema: &DFSchema) -> Result<Option<Expr>> {
    if !is_own(&cast.expr, schema) {
        return Ok(None);
    }
    let to = cast.field.data_type();
    if *to == KIND || to.is_string() || to.is_nested() {
        return Ok(None);
    }
    if !matches!(to, DataType::Time32(_) | DataType::Time64(_)) {
        let to = types::name_of(&cast.field);
        return Err(sql_error("42846", casts::refused("timetz", &to)));
    }
    let time = Function::Time.call(vec![cast.expr.as_ref().clone()]);
    Ok(Some(Expr::Cast(Cast::new_from_field(Box::new(time), cast.field.clone()))))
}

fn is_own(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|kind| kind == KIND)
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Utf8(_), _))
}

/// Reads the literals of BETWEEN, IN and CASE that stand beside a time with a zone.
pub(in super::super) fn read_literals(mut expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let literals: Vec<&mut Expr> = match &mut expr {
        Expr::InList(InList { expr, list, .. }) if is_own(expr, schema) => list.iter_mut().collect(),
        Expr::Between(Between { expr, low, high, .. }) if is_own(expr, schema) => vec![low, high],
        Expr::Case(case) => {
            let results = || case.when_then_expr.iter().map(|(_, then)| then).chain(case.else_expr.as_ref());
            if !results().any(|result| is_own(result, schema)) {
                return Transformed::no(expr);
            }
            let then = case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut());
            then.chain(case.else_expr.as_deref_mut()).collect()
        }
        _ => return Transformed::no(expr),
    };
    let mut read = false;
    for literal in literals.into_iter().filter(|literal| is_text(literal)) {
        *literal = cast_function().call(vec![std::mem::take(literal)]);
        read = true;
    }
    if read { Transformed::yes(expr) } else { Transformed::no(expr) }
}
