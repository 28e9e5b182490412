//! The types of the columns of UNION, which PostgreSQL resolves from two queries at a time: a NULL takes the other one's type, and of
//! two kinds of numbers it is the wider one. The planner says that they are the first query's.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{Cast, Expr, LogicalPlan, LogicalPlanBuilder, Union};

use super::super::pgcatalog::types;
use super::{floats, value_lists};

/// Rows of one column from several queries, or from a VALUES list.
pub(super) fn in_columns(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match plan {
        LogicalPlan::Union(union) => in_union(union),
        LogicalPlan::Values(values) => match value_lists::without_bigint(values) {
            Transformed { data: LogicalPlan::Values(values), transformed: false, .. } => floats::in_values(values),
            changed => Ok(changed),
        },
        other => Ok(Transformed::no(other)),
    }
}

/// Gives the queries of a UNION columns of the same types.
fn in_union(union: Union) -> Result<Transformed<LogicalPlan>> {
    let columns: Vec<Option<Field>> = (0..union.schema.fields().len())
        .map(|column| {
            let mut fields = union.inputs.iter().filter_map(|input| input.schema().fields().get(column));
            let first = fields.next()?.as_ref().clone();
            let (found, changed) = fields.fold((first, false), |(found, changed), field| match common(&found, field) {
                Some(common) => (common, true),
                None => (found, changed),
            });
            changed.then_some(found)
        })
        .collect();
    if columns.iter().all(Option::is_none) {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    let inputs = union.inputs.into_iter().map(|input| {
        let own = input.schema().iter().zip(&columns);
        let expressions: Vec<Expr> = own
            .map(|((qualifier, field), wanted)| {
                let column = Expr::from((qualifier, field));
                let to =
                    wanted.as_ref().and_then(|wanted| Some((wanted, cast_to(field.data_type(), wanted.data_type())?)));
                match to {
                    Some((wanted, kind)) => Expr::Cast(Cast::new(Box::new(column), kind))
                        .alias_with_metadata(field.name(), Some(wanted.metadata().into())),
                    None => column,
                }
            })
            .collect();
        LogicalPlanBuilder::from(Arc::unwrap_or_clone(input)).project(expressions)?.build().map(Arc::new)
    });
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    Union::try_new_with_loose_types(inputs).map(|union| Transformed::yes(LogicalPlan::Union(union)))
}

/// What a column is cast to. Exact numbers keep their digits, of which the planner knows the common ones when parameters have values.
fn cast_to(kind: &DataType, wanted: &DataType) -> Option<DataType> {
    use DataType::{Decimal128, Int16, Int32, Int64};
    match (kind, wanted) {
        (kind, wanted) if kind == wanted => None,
        (Decimal128(..), Decimal128(..)) => None,
        (Int16, Decimal128(..)) => Some(Decimal128(5, 0)),
        (Int32, Decimal128(..)) => Some(Decimal128(10, 0)),
        (Int64, Decimal128(..)) => Some(Decimal128(20, 0)),
        _ => Some(wanted.clone()),
    }
}

/// The type of a column that two queries have with different ones; `None` to leave it to the planner.
fn common(left: &Field, right: &Field) -> Option<Field> {
    let plain = |kind: DataType| Field::new("", kind, true);
    // The length of a type is not taken over.
    let marked =
        |field: &Field| plain(field.data_type().clone()).with_metadata(types::metadata(&types::name_of(field)));
    match (left.data_type(), right.data_type()) {
        (DataType::Null, DataType::Null) => Some(plain(DataType::Utf8)),
        (DataType::Null, _) => Some(marked(right)),
        (_, DataType::Null) => Some(marked(left)),
        (left_kind, right_kind) => {
            let is_number = |field: &Field| !types::is_oid_type(&types::name_of(field));
            let kind = (is_number(left) && is_number(right)).then(|| number(left_kind, right_kind)).flatten();
            kind.map(plain)
        }
    }
}

/// The kind of number that two kinds become; `None` where they are one, or no numbers.
pub(super) fn number(left: &DataType, right: &DataType) -> Option<DataType> {
    use DataType::{Decimal128, Float32, Float64, Int16, Int32, Int64};
    let is_exact = |kind: &DataType| matches!(kind, Int16 | Int32 | Int64 | Decimal128(..));
    Some(match (left, right) {
        (left, right) if left == right => return None,
        (Float64, Float32) | (Float32, Float64) => Float64,
        (float @ (Float32 | Float64), other) | (other, float @ (Float32 | Float64)) if is_exact(other) => float.clone(),
        (Decimal128(_, left), Decimal128(_, right)) => Decimal128(38, *left.max(right)),
        (Decimal128(_, scale), Int16 | Int32 | Int64) | (Int16 | Int32 | Int64, Decimal128(_, scale)) => {
            Decimal128(38, *scale)
        }
        (Int64, Int16 | Int32) | (Int16 | Int32, Int64) => Int64,
        (Int32, Int16) | (Int16, Int32) => Int32,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_wider_type() {
        use DataType::{Boolean, Decimal128, Float32, Float64, Int16, Int32, Int64, Null, Utf8};
        let of = |left: &DataType, right: &DataType| {
            let field = |kind: &DataType| Field::new("x", kind.clone(), true);
            common(&field(left), &field(right)).map(|field| field.data_type().clone())
        };
        for (left, right, wanted) in [
            (Null, Null, Some(Utf8)),
            (Null, Boolean, Some(Boolean)),
            (Utf8, Null, Some(Utf8)),
            (Int16, Int64, Some(Int64)),
            (Int32, Decimal128(3, 1), Some(Decimal128(38, 1))),
            (Decimal128(3, 1), Decimal128(3, 2), Some(Decimal128(38, 2))),
            (Decimal128(3, 1), Float32, Some(Float32)),
            (Float32, Float64, Some(Float64)),
            (Int32, Int32, None),
            (Int32, Utf8, None),
        ] {
            assert_eq!(of(&left, &right), wanted, "{left} {right}");
        }
    }

    #[test]
    fn a_null_takes_the_name_of_a_type_and_not_its_length() {
        let mut metadata = types::metadata("varchar");
        metadata.insert(types::TYPMOD_KEY.to_owned(), "7".to_owned());
        let field = Field::new("x", DataType::Utf8, true).with_metadata(metadata);
        let found = common(&Field::new("x", DataType::Null, true), &field).unwrap();
        assert_eq!(*found.metadata(), types::metadata("varchar"));
    }
}
