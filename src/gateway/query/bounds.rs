//! Functions that make much out of little (`repeat('x', 2000000000)`, `generate_series(1, 9000000000)`) allocate outside
//! of what the engine accounts for, and at once, so that nobody could stop them. Here each is asked first how much it
//! would make.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _};
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, WindowFunctionDefinition,
};
use datafusion::physical_expr::PhysicalExpr as _;
use datafusion::physical_expr::expressions::{BinaryExpr, Column};
use datafusion::scalar::ScalarValue;

use super::super::error::SqlError;
use super::memory::Share;
use crate::config::size;

/// A step would make too much at once; with fewer rows at a time it may not.
const TOO_MUCH_AT_ONCE: &str = "the statement would make too much at once";

/// Whether the same could go well with fewer rows at a time.
pub(super) fn is_for_fewer_rows(error: &SqlError) -> bool {
    error.message == TOO_MUCH_AT_ONCE
}

/// 54000 for a step that would make `bytes` of `rows` rows.
pub(super) fn too_much(what: &str, bytes: u128, rows: usize, most: usize) -> DataFusionError {
    let most = size::shown(most as u64);
    let error = if rows > 1 {
        SqlError::new("54000", TOO_MUCH_AT_ONCE)
            .with_detail(format!("{what} would make {bytes} bytes of {rows} rows; {most} is the most."))
    } else {
        SqlError::new("54000", format!("a value of {bytes} bytes is too large"))
            .with_detail(format!("{what} would make it; {most} is the most."))
    };
    DataFusionError::External(Box::new(error.with_hint(
        "Make shorter values or lists, or of fewer rows. The limit is an eighth of statement_memory in [server] of grantd.toml.",
    )))
}

/// The same plan with functions that ask first.
pub(super) fn bounded(plan: LogicalPlan, share: &Arc<Share>) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| {
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            let asking = expr.transform_up(|expr| asking(expr, share))?;
            Ok(if asking.transformed { asking.update_data(|expr| name.restore(expr)) } else { asking })
        })
    })
    .map(|transformed| transformed.data)
}

fn asking(expr: Expr, share: &Arc<Share>) -> Result<Transformed<Expr>> {
    let (inner, args) = match expr {
        Expr::ScalarFunction(call) if rule(call.func.name()).is_some() => (Inner::Function(call.func), call.args),
        Expr::BinaryExpr(binary) if binary.op == Operator::StringConcat => {
            (Inner::Concatenation(Signature::user_defined(Volatility::Immutable)), vec![*binary.left, *binary.right])
        }
        // A list for each row, of all rows before it, all of them made in one step.
        Expr::WindowFunction(ref call) if is_list_of_rows(&call.fun) => {
            return Err(DataFusionError::External(Box::new(
                SqlError::unsupported(format!("{} is not supported as a window function", call.fun.name()))
                    .with_hint("Group the rows, and join the groups."),
            )));
        }
        other => return Ok(Transformed::no(other)),
    };
    let func = Arc::new(ScalarUDF::new_from_impl(Asking { inner, share: Arc::clone(share) }));
    Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })))
}

fn is_list_of_rows(function: &WindowFunctionDefinition) -> bool {
    matches!(function.name(), "array_agg" | "string_agg")
}

/// The size of the longest constant of a plan.
pub(super) fn longest_constant(plan: &LogicalPlan) -> Result<usize> {
    let mut longest = 0;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Literal(value, _) = expr {
                    longest = longest.max(value.size());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(longest)
}

/// How much of its arguments a function makes.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// All of them, one after another.
    Sum,
    /// The first, as often as the second says.
    Times,
    /// As many of the third as the second says.
    Filled,
    /// The third wherever the second is found in the first.
    Replaced,
    /// The third, at most once for every byte of the first, each with parts of the first.
    Rewritten,
    /// A list from the first to the second, by the third.
    Series,
    /// A list with an entry for every byte.
    Taken,
    /// The second between all entries of the first.
    Joined,
    /// The entries of all, with quotes and escapes; numbers as digits.
    Quoted,
}

fn rule(name: &str) -> Option<Rule> {
    Some(match name {
        "repeat" | "array_repeat" => Rule::Times,
        "lpad" | "rpad" | "array_resize" => Rule::Filled,
        "replace" => Rule::Replaced,
        "regexp_replace" => Rule::Rewritten,
        "range" | "generate_series" => Rule::Series,
        "string_to_array" | "regexp_match" | "regexp_matches" => Rule::Taken,
        "array_to_string" => Rule::Joined,
        // Escaped, a byte is four.
        "encode" | "json_of_list" | "jsonb_of_list" | "json_of_pairs" | "jsonb_of_pairs" => Rule::Quoted,
        "concat" | "concat_ws" | "make_array" | "array_append" | "array_prepend" | "array_concat" | "overlay"
        | "struct" | "named_struct" | "array_union" => Rule::Sum,
        _ => return None,
    })
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Inner {
    Function(Arc<ScalarUDF>),
    /// `||` of texts.
    Concatenation(Signature),
}

/// A function that asks first.
#[derive(Debug)]
struct Asking {
    inner: Inner,
    share: Arc<Share>,
}

impl PartialEq for Asking {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Asking {}

impl Hash for Asking {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Asking {
    fn name(&self) -> &str {
        match &self.inner {
            Inner::Function(function) => function.name(),
            Inner::Concatenation(_) => "||",
        }
    }

    fn signature(&self) -> &Signature {
        match &self.inner {
            Inner::Function(function) => function.signature(),
            Inner::Concatenation(signature) => signature,
        }
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match (&self.inner, types) {
            (Inner::Function(function), _) => function.coerce_types(types),
            (Inner::Concatenation(_), [left, right]) => {
                let (left, right) = BinaryTypeCoercer::new(left, &Operator::StringConcat, right).get_input_types()?;
                Ok(vec![left, right])
            }
            _ => Err(DataFusionError::Plan("|| has two operands".to_owned())),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match (&self.inner, types) {
            (Inner::Function(function), _) => function.return_type(types),
            (Inner::Concatenation(_), [left, right]) => {
                BinaryTypeCoercer::new(left, &Operator::StringConcat, right).get_result_type()
            }
            _ => Err(DataFusionError::Plan("|| has two operands".to_owned())),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match &self.inner {
            Inner::Function(function) => function.return_field_from_args(args),
            Inner::Concatenation(_) => {
                let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
                let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
                Ok(Arc::new(datafusion::arrow::datatypes::Field::new(self.name(), self.return_type(&types)?, nullable)))
            }
        }
    }

    fn short_circuits(&self) -> bool {
        matches!(&self.inner, Inner::Function(function) if function.short_circuits())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rule = rule(self.name()).unwrap_or(Rule::Sum);
        let is_one = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_one { 1 } else { args.number_rows };
        let bytes = estimate(rule, &args.args, rows)?;
        let most = self.share.step();
        if bytes > most as u128 {
            return Err(too_much(self.name(), bytes, rows, most));
        }
        // Small steps are what the room of others is kept for.
        if bytes > 1 << 20 {
            self.share.make(bytes as usize).map_err(|error| DataFusionError::External(Box::new(error)))?;
        }
        match &self.inner {
            Inner::Function(function) => function.invoke_with_args(args),
            Inner::Concatenation(_) => concatenate(&args.args, rows, is_one),
        }
    }
}

/// `||` as the engine computes it.
fn concatenate(args: &[ColumnarValue], rows: usize, is_one: bool) -> Result<ColumnarValue> {
    let [left, right] = args else { return Err(DataFusionError::Plan("|| has two operands".to_owned())) };
    let batch = RecordBatch::try_from_iter([("l", left.to_array(rows)?), ("r", right.to_array(rows)?)])?;
    let column = |name, index| Arc::new(Column::new(name, index));
    let joined = BinaryExpr::new(column("l", 0), Operator::StringConcat, column("r", 1)).evaluate(&batch)?;
    match joined {
        ColumnarValue::Array(array) if is_one => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
        other => Ok(other),
    }
}

/// Bytes that `rows` rows would take.
fn estimate(rule: Rule, args: &[ColumnarValue], rows: usize) -> Result<u128> {
    let lengths: Vec<Lengths> = args.iter().map(Lengths::of).collect();
    let length = |arg: usize, row: usize| lengths.get(arg).map_or(0, |lengths| lengths.at(row));
    if let Rule::Sum = rule {
        return Ok(lengths.iter().map(|lengths| lengths.total(rows)).sum());
    }
    let numbers: Vec<Numbers> = args.iter().map(Numbers::of).collect::<Result<_>>()?;
    let number = |arg: usize, row: usize| numbers.get(arg).and_then(|numbers| numbers.at(row));
    let each = |row: usize| -> u128 {
        let times = |arg| u128::try_from(number(arg, row).unwrap_or(0)).unwrap_or(0);
        match rule {
            Rule::Sum => 0,
            Rule::Times => length(0, row).saturating_mul(times(1)),
            // A character has at most four bytes.
            Rule::Filled => times(1).saturating_mul(length(2, row).clamp(1, 4).max(entry(args.get(2), length(2, row)))),
            Rule::Replaced => {
                let found = length(0, row) / length(1, row).max(1) + 1;
                length(0, row).saturating_add(found.saturating_mul(length(2, row)))
            }
            Rule::Rewritten => (length(0, row) + 1).saturating_mul(length(2, row) + 1),
            Rule::Series => {
                let (from, to) = (number(0, row).unwrap_or(0), number(1, row).unwrap_or(0));
                let (from, to) = if args.len() == 1 { (0, from) } else { (from, to) };
                let step = if args.len() > 2 { number(2, row).unwrap_or(1) } else { 1 };
                let steps = to.abs_diff(from) / step.unsigned_abs().max(1) + 1;
                steps.saturating_mul(8)
            }
            Rule::Taken => length(0, row).saturating_mul(20),
            Rule::Joined => length(0, row).saturating_mul(length(1, row) + 4),
            Rule::Quoted => (0..args.len()).map(|arg| length(arg, row)).sum::<u128>().saturating_mul(3),
        }
    };
    let is_one = args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
    Ok(if is_one { each(0) } else { (0..rows).map(each).fold(0, u128::saturating_add) })
}

/// The bytes of an entry of a list that is filled.
fn entry(value: Option<&ColumnarValue>, length: u128) -> u128 {
    match value.map(ColumnarValue::data_type) {
        Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) | None => 0,
        Some(_) => length.max(8),
    }
}

/// The bytes of a value in each row.
enum Lengths {
    All(u128),
    Each(ArrayRef),
}

impl Lengths {
    fn of(value: &ColumnarValue) -> Self {
        match value {
            ColumnarValue::Scalar(value) => Self::All(match value {
                ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
                    text.as_ref().map_or(0, String::len) as u128
                }
                other => other.size() as u128,
            }),
            ColumnarValue::Array(array) => Self::Each(Arc::clone(array)),
        }
    }

    fn at(&self, row: usize) -> u128 {
        match self {
            Self::All(length) => *length,
            Self::Each(array) => bytes_at(array, row) as u128,
        }
    }

    fn total(&self, rows: usize) -> u128 {
        match self {
            Self::All(length) => length.saturating_mul(rows as u128),
            Self::Each(array) => (0..array.len()).map(|row| bytes_at(array, row) as u128).sum(),
        }
    }
}

/// The bytes of one value of an array; of what is nested deeper, all that there are.
pub(super) fn bytes_at(array: &ArrayRef, row: usize) -> usize {
    if array.is_null(row) {
        return 0;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).len(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).len(),
        DataType::Utf8View => array.as_string_view().value(row).len(),
        DataType::Binary => array.as_binary::<i32>().value(row).len(),
        DataType::List(_) => list_bytes(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list_bytes(&array.as_list::<i64>().value(row)),
        other => other.primitive_width().unwrap_or_else(|| array.get_buffer_memory_size()),
    }
}

fn list_bytes(list: &ArrayRef) -> usize {
    match list.data_type().primitive_width() {
        Some(width) => width.saturating_mul(list.len()),
        None => (0..list.len()).map(|row| bytes_at(list, row).saturating_add(16)).sum(),
    }
}

/// The number that a value stands for in each row: a count, a bound, days, or nanoseconds of a time or interval.
enum Numbers {
    All(Option<i128>),
    Each(ArrayRef),
    None,
}

impl Numbers {
    fn of(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Scalar(value) => Self::All(scalar_number(value)),
            ColumnarValue::Array(array) if array.data_type().is_integer() => {
                Self::Each(datafusion::arrow::compute::cast(array, &DataType::Int64)?)
            }
            ColumnarValue::Array(array) if array.data_type().is_temporal() => Self::Each(Arc::clone(array)),
            ColumnarValue::Array(_) => Self::None,
        })
    }

    fn at(&self, row: usize) -> Option<i128> {
        match self {
            Self::All(number) => *number,
            Self::Each(array) => match array.as_primitive_opt::<Int64Type>() {
                Some(numbers) => (!numbers.is_null(row)).then(|| i128::from(numbers.value(row))),
                None => scalar_number(&ScalarValue::try_from_array(array, row).ok()?),
            },
            Self::None => None,
        }
    }
}

fn scalar_number(value: &ScalarValue) -> Option<i128> {
    const DAY: i128 = 86_400_000_000_000;
    Some(match value {
        ScalarValue::Date32(days) => i128::from((*days)?) * DAY,
        ScalarValue::TimestampSecond(time, _) => i128::from((*time)?) * 1_000_000_000,
        ScalarValue::TimestampMillisecond(time, _) => i128::from((*time)?) * 1_000_000,
        ScalarValue::TimestampMicrosecond(time, _) => i128::from((*time)?) * 1_000,
        ScalarValue::TimestampNanosecond(time, _) => i128::from((*time)?),
        ScalarValue::IntervalMonthDayNano(interval) => {
            let interval = (*interval)?;
            // The shortest month: there are no more steps than this.
            i128::from(interval.months) * 28 * DAY + i128::from(interval.days) * DAY + i128::from(interval.nanoseconds)
        }
        integer if integer.data_type().is_integer() => match integer.cast_to(&DataType::Int64) {
            Ok(ScalarValue::Int64(number)) => i128::from(number?),
            // Larger than an i64.
            _ => i128::from(i64::MAX),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Int64Array, StringArray};

    fn text(value: &str) -> ColumnarValue {
        ColumnarValue::Scalar(ScalarValue::from(value))
    }

    fn number(value: i64) -> ColumnarValue {
        ColumnarValue::Scalar(ScalarValue::from(value))
    }

    #[test]
    fn what_would_be_made_is_known_before() {
        let rows: ColumnarValue = ColumnarValue::Array(Arc::new(StringArray::from(vec!["ab", "abcd"])));
        let counts = ColumnarValue::Array(Arc::new(Int64Array::from(vec![Some(10), None])));
        let made = |name, args: &[ColumnarValue], rows| estimate(rule(name).unwrap(), args, rows).unwrap();
        assert_eq!(made("repeat", &[text("x"), number(2_000_000_000)], 1), 2_000_000_000);
        assert_eq!(made("repeat", &[text("x"), number(-1)], 1), 0);
        assert_eq!(made("repeat", &[rows.clone(), counts], 2), 20);
        assert_eq!(made("repeat", &[rows.clone(), number(3)], 2), 18);
        assert!(made("lpad", &[text("x"), number(1_000)], 1) >= 1_000);
        assert_eq!(made("replace", &[text("aaaa"), text("a"), text("bbb")], 1), 4 + 5 * 3);
        assert_eq!(made("generate_series", &[number(1), number(9_000_000_000)], 1), 72_000_000_000);
        assert_eq!(made("generate_series", &[number(10), number(1), number(-3)], 1), 32);
        assert_eq!(made("range", &[number(10)], 1), 88);
        assert_eq!(made("concat", &[rows, text("xyz")], 2), 12);
        assert_eq!(
            made("generate_series", &[number(i64::MIN), number(i64::MAX), number(0)], 1),
            (u128::from(u64::MAX) + 1) * 8
        );
    }
}
