//! Operators of ranges: comparisons, `@>`, `<@`, `&&`, `<<` and `>>`.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::planner::RawBinaryExpr;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable as _, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use postgres_types::Type;

use super::super::super::pgcatalog::types;
use super::super::super::query::params::arrow_type;
use super::elements::Element;
use super::functions::{cast_function, failed, range_type, texts};
use super::span::{Bound, Span};
use super::{RANGE_TYPES, named, spans};

/// What is asked of two ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    IsContained,
    Overlaps,
    Before,
    After,
}

impl Operator {
    fn of(op: &BinaryOperator) -> Option<Self> {
        Some(match op {
            BinaryOperator::Eq => Self::Equal,
            BinaryOperator::NotEq => Self::NotEqual,
            BinaryOperator::Lt => Self::Less,
            BinaryOperator::LtEq => Self::LessOrEqual,
            BinaryOperator::Gt => Self::Greater,
            BinaryOperator::GtEq => Self::GreaterOrEqual,
            BinaryOperator::AtArrow => Self::Contains,
            BinaryOperator::ArrowAt => Self::IsContained,
            BinaryOperator::PGOverlap => Self::Overlaps,
            BinaryOperator::PGBitwiseShiftLeft => Self::Before,
            BinaryOperator::PGBitwiseShiftRight => Self::After,
            _ => return None,
        })
    }

    fn holds(self, left: &[Span], right: &[Span]) -> bool {
        let order = || {
            let pairs = left.iter().zip(right).map(|(left, right)| left.compare(right));
            pairs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then(left.len().cmp(&right.len()))
        };
        let contains = |all: &[Span], part: &[Span]| part.iter().all(|part| all.iter().any(|one| one.contains(part)));
        let before = |first: &[Span], second: &[Span]| match (first.last(), second.first()) {
            (Some(first), Some(second)) => first.upper.compare(&second.lower).is_lt(),
            _ => false,
        };
        match self {
            Self::Equal => order().is_eq(),
            Self::NotEqual => order().is_ne(),
            Self::Less => order().is_lt(),
            Self::LessOrEqual => order().is_le(),
            Self::Greater => order().is_gt(),
            Self::GreaterOrEqual => order().is_ge(),
            Self::Contains => contains(left, right),
            Self::IsContained => contains(right, left),
            Self::Overlaps => left.iter().any(|left| right.iter().any(|right| left.overlaps(right))),
            Self::Before => before(left, right),
            Self::After => before(right, left),
        }
    }
}

/// An operator beside a range; `None` to leave it.
pub(crate) fn operator(expr: &RawBinaryExpr, schema: &DFSchema) -> Option<Expr> {
    let operator = Operator::of(&expr.op)?;
    let of = |side: &Expr| side.to_field(schema).ok().and_then(|(_, field)| named(&types::name_of(&field)));
    let (left, right) = (of(&expr.left), of(&expr.right));
    let (left, right) = match (left, right) {
        (Some((_, one)), Some((_, other))) if one == other => (expr.left.clone(), expr.right.clone()),
        (Some((pg, subtype)), None) => {
            let takes_element = operator == Operator::Contains;
            (expr.left.clone(), beside(&expr.right, &pg, &subtype, takes_element, schema)?)
        }
        (None, Some((pg, subtype))) => {
            let takes_element = operator == Operator::IsContained;
            (beside(&expr.left, &pg, &subtype, takes_element, schema)?, expr.right.clone())
        }
        _ => return None,
    };
    let compare = Compare { operator, signature: Signature::any(2, Volatility::Immutable) };
    Some(ScalarUDF::new_from_impl(compare).call(vec![left, right]))
}

/// What stands beside a range: an untyped value is one of its type, a value of what it is over is an element.
fn beside(value: &Expr, pg: &Type, subtype: &Type, takes_element: bool, schema: &DFSchema) -> Option<Expr> {
    let untyped = match value {
        Expr::Literal(ScalarValue::Utf8(_) | ScalarValue::Null, _) => Some(value.clone()),
        Expr::Placeholder(parameter) if parameter.field.is_none() => {
            let field = types::field("", pg.name());
            Some(Expr::Placeholder(Placeholder::new_with_field(parameter.id.clone(), Some(field))))
        }
        _ => None,
    };
    if let Some(untyped) = untyped {
        let name = RANGE_TYPES.into_iter().find(|name| *name == pg.name())?;
        return Some(cast_function(name)?.call(vec![untyped]));
    }
    let kind = value.get_type(schema).ok()?;
    let is_number = |kind: &DataType| kind.is_integer() || kind.is_decimal();
    let to = arrow_type(subtype);
    let fits = if *subtype == Type::NUMERIC { is_number(&kind) } else { kind.is_integer() == to.is_integer() };
    if !takes_element || !fits || !(is_number(&kind) || kind.is_temporal()) {
        return None;
    }
    let to = match kind {
        exact @ DataType::Decimal128(..) => exact,
        _ if *subtype == Type::NUMERIC => DataType::Decimal128(20, 0),
        _ => to,
    };
    Some(Expr::Cast(Cast::new(Box::new(value.clone()), to)))
}

/// The function of an operator.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Compare {
    operator: Operator,
    signature: Signature,
}

/// A side of an operator: its ranges in each row.
fn side(args: &ScalarFunctionArgs, at: usize) -> Result<Vec<Option<Vec<Span>>>> {
    let value = args.args.get(at).ok_or_else(|| DataFusionError::Internal("two arguments".to_owned()))?;
    if let Some((pg, _)) = range_type(&args.arg_fields, at) {
        let read = |text: &str| spans(text, &pg, None).map_err(failed);
        return texts(value, args.number_rows)?.iter().map(|text| text.map(read).transpose()).collect();
    }
    // An element is the range of it alone.
    let array: ArrayRef = value.to_array(args.number_rows)?;
    let alone = |row: usize| {
        let value = Element::of_scalar(&ScalarValue::try_from_array(&array, row)?);
        let bound = |value, lower| Bound { value: Some(value), inclusive: true, lower };
        Ok(value.map(|value| vec![Span { lower: bound(value, true), upper: bound(value, false) }]))
    };
    (0..args.number_rows).map(alone).collect()
}

impl ScalarUDFImpl for Compare {
    fn name(&self) -> &'static str {
        "range_compare"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let sides = side(&args, 0)?.into_iter().zip(side(&args, 1)?);
        let answers = sides.map(|(left, right)| Some(self.operator.holds(&left?, &right?)));
        Ok(ColumnarValue::Array(Arc::new(answers.collect::<BooleanArray>())))
    }
}
