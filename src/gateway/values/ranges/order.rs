//! The order of ranges, which that of their texts is not: a sort by them is one by bytes that are in it.

use std::sync::Arc;

use datafusion::arrow::array::BinaryArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ExprSchemable as _, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::super::pgcatalog::types;
use super::elements::Element;
use super::functions::{failed, range_type, texts};
use super::span::{Bound, Span};
use super::{named, spans};

/// Sorts by ranges in their order.
pub(in super::super) fn in_order(node: LogicalPlan) -> Transformed<LogicalPlan> {
    let LogicalPlan::Sort(mut sort) = node else { return Transformed::no(node) };
    let mut changed = false;
    for key in &mut sort.expr {
        let field = key.expr.to_field(sort.input.schema());
        if field.is_ok_and(|(_, field)| named(&types::name_of(&field)).is_some()) {
            let function = Key { signature: Signature::any(1, Volatility::Immutable) };
            key.expr = ScalarUDF::new_from_impl(function).call(vec![std::mem::take(&mut key.expr)]);
            changed = true;
        }
    }
    Transformed::new(LogicalPlan::Sort(sort), changed, TreeNodeRecursion::Continue)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    signature: Signature,
}

impl ScalarUDFImpl for Key {
    fn name(&self) -> &'static str {
        "range_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let of = range_type(&args.arg_fields, 0).zip(args.args.first());
        let ((pg, _), value) = of.ok_or_else(|| DataFusionError::Internal("no range".to_owned()))?;
        let key = |text: &str| spans(text, &pg, None).map(|spans| key(&spans)).map_err(failed);
        let texts = texts(value, args.number_rows)?;
        let keys = texts.iter().map(|text| text.map(key).transpose()).collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array(Arc::new(BinaryArray::from_iter(keys))))
    }
}

/// Bytes that are in the order of ranges. A list that is the start of another one comes before it.
fn key(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::new();
    for Span { lower, upper } in spans {
        out.push(1);
        put_bound(&mut out, lower);
        put_bound(&mut out, upper);
    }
    out.push(0);
    out
}

fn put_bound(out: &mut Vec<u8>, bound: &Bound) {
    match bound.value {
        None => out.push(if bound.lower { 0 } else { 2 }),
        Some(value) => {
            out.push(1);
            put_element(out, value);
            out.push(u8::from(bound.inclusive != bound.lower));
        }
    }
}

fn put_element(out: &mut Vec<u8>, element: Element) {
    match element {
        Element::Low => out.push(0),
        Element::High => out.push(2),
        Element::Whole(value) => {
            out.push(1);
            out.extend((value ^ i64::MIN).to_be_bytes());
        }
        Element::Exact(value, scale) => {
            out.push(1);
            put_digits(out, value, scale);
        }
    }
}

/// The sign, where the digits begin, and the digits; of a negative number all of it upside down.
fn put_digits(out: &mut Vec<u8>, value: i128, scale: i8) {
    if value == 0 {
        out.push(1);
        return;
    }
    let digits = value.unsigned_abs().to_string();
    let before = i16::try_from(digits.len()).unwrap_or(i16::MAX).saturating_sub(scale.into());
    let mask = if value < 0 { 0xff } else { 0 };
    out.push(if value < 0 { 0 } else { 2 });
    out.extend((before ^ i16::MIN).to_be_bytes().map(|byte| byte ^ mask));
    out.extend(digits.trim_end_matches('0').bytes().map(|byte| byte ^ mask));
    // What has more digits comes after what ends here.
    out.push(mask);
}

#[cfg(test)]
mod tests {
    use postgres_types::Type;

    use super::*;

    #[test]
    fn keys_are_in_the_order_of_ranges() {
        for (pg, ordered) in [
            (
                Type::INT4_RANGE,
                &["empty", "(,5)", "(,)", "[-7,-5)", "[-5,10)", "[0,10)", "[1,2)", "[1,10)", "[1,)", "[2,3)"][..],
            ),
            (
                Type::NUM_RANGE,
                &[
                    "(,1]",
                    "[-10,1)",
                    "[-9.5,1)",
                    "[-0.05,1)",
                    "[-0.01,1)",
                    "[0,1)",
                    "(0,1)",
                    "[0.5,1)",
                    "[0.5,1.00]",
                    "[0.51,1)",
                    "[1,1]",
                    "[9,10)",
                    "[10,11)",
                ],
            ),
            (Type::DATE_RANGE, &["[-infinity,2024-01-01)", "[2024-01-01,infinity)", "[2024-01-01,)"]),
            (Type::INT4MULTI_RANGE, &["{}", "{[1,2)}", "{[1,2),[3,4)}", "{[1,3)}", "{[2,3)}"]),
        ] {
            let keys: Vec<_> = ordered.iter().map(|text| key(&spans(text, &pg, None).unwrap())).collect();
            assert!(keys.is_sorted_by(|one, next| one < next), "{pg}: {keys:?}");
        }
    }
}
