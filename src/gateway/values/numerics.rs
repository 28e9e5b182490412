//! `numeric` where PostgreSQL computes more digits than the planner, or in another type: division, roots and logarithms, and how
//! many digits of a computed number are shown.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, Decimal128Array, Float64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, DecimalType as _, Float64Type, Int32Type, i256,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::super::query::shape::ANY_NUMERIC;
use super::digits::{self, Number, overflow, rescaled};
use super::series;

/// Digits after the point of what is computed.
const COMPUTED_SCALE: i8 = 20;
const COMPUTED: DataType = DataType::Decimal128(38, COMPUTED_SCALE);
/// The same for what may be large.
const LARGE: DataType = DataType::Decimal128(38, 16);
/// Of variances, and of those that are not large: their zero has no digits.
pub(super) const VARIANCE: DataType = DataType::Decimal128(38, 13);
pub(super) const VARIANCE_SHORT: DataType = DataType::Decimal128(38, 19);
/// Of the root of a variance, which has as many digits as the variance.
pub(super) const DEVIATION: DataType = DataType::Decimal128(38, 21);

pub(super) fn functions() -> Vec<ScalarUDF> {
    [Op::Divide, Op::Exp, Op::Ln, Op::Log, Op::Power, Op::Sqrt, Op::Sign, Op::Out]
        .into_iter()
        .map(|op| ScalarUDF::new_from_impl(Numeric { op, signature: Signature::user_defined(Volatility::Immutable) }))
        .collect()
}

/// `var_samp` has a second name.
pub(super) fn aggregates() -> Vec<AggregateUDF> {
    vec![datafusion::functions_aggregate::variance::var_samp_udaf().as_ref().clone().with_aliases(["variance"])]
}

/// The function here that computes in `numeric` what the planner's function of the name computes in floating point.
pub(super) fn exact_function(name: &str) -> Option<&'static str> {
    let op = match name {
        "exp" => Op::Exp,
        "ln" => Op::Ln,
        "log" | "log10" => Op::Log,
        "power" | "pow" => Op::Power,
        "sqrt" => Op::Sqrt,
        _ => return None,
    };
    Some(op.name())
}

/// The name of the quotient of two numbers.
pub(super) const DIVIDE: &str = "numeric_div";
/// The name of the function that prints a number.
pub(super) const OUT: &str = "numeric_out";

/// The quotient of the sum and the number of values whose average has the type.
pub(super) fn mean(kind: &DataType) -> Option<ScalarUDF> {
    let DataType::Decimal128(38, scale) = *kind else { return None };
    let signature = Signature::user_defined(Volatility::Immutable);
    Some(ScalarUDF::new_from_impl(Numeric { op: Op::Mean(scale), signature }))
}

/// The text of what a call computes from exact numbers, with PostgreSQL's digits; `None` of other calls. `scales` are the digits
/// of its arguments.
pub(super) fn printed(function: &ScalarUDF, arguments: Vec<Expr>, scales: Vec<Expr>) -> Option<Expr> {
    let op = op_of(function).filter(|op| !matches!(op, Op::Sign | Op::Out))?;
    Some(text_function(op).call(arguments.into_iter().chain(scales).collect()))
}

/// Whether a function computes exact numbers whose digits [`printed`] knows.
pub(super) fn is_computing(function: &ScalarUDF) -> bool {
    op_of(function).is_some_and(|op| !matches!(op, Op::Sign | Op::Out))
}

/// The text of a number with `scale` digits behind the point.
pub(super) fn with_digits(value: Expr, scale: Expr) -> Expr {
    text_function(Op::Out).call(vec![value, scale])
}

fn op_of(function: &ScalarUDF) -> Option<Op> {
    let any: &dyn Any = function.inner().as_ref();
    any.downcast_ref::<Numeric>().map(|numeric| numeric.op)
}

fn text_function(op: Op) -> ScalarUDF {
    ScalarUDF::new_from_impl(Printed {
        op,
        name: format!("{}_text", op.name()),
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Op {
    Divide,
    /// The average with so many digits behind the point.
    Mean(i8),
    Exp,
    Ln,
    Log,
    Power,
    Sqrt,
    Sign,
    Out,
}

impl Op {
    fn name(self) -> &'static str {
        match self {
            Self::Divide => DIVIDE,
            Self::Mean(_) => "numeric_mean",
            Self::Exp => "numeric_exp",
            Self::Ln => "numeric_ln",
            Self::Log => "numeric_log",
            Self::Power => "numeric_power",
            Self::Sqrt => "numeric_sqrt",
            Self::Sign => "sign",
            Self::Out => OUT,
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Numeric {
    op: Op,
    signature: Signature,
}

pub(super) fn fitting(number: Option<i128>) -> Result<i128> {
    number.filter(|number| number.unsigned_abs() < 10_u128.pow(38)).ok_or_else(overflow)
}

/// Half away from zero.
fn rounded(value: i128, factor: i128) -> i128 {
    let (quotient, rest) = (value / factor, value % factor);
    if rest.unsigned_abs() >= factor.unsigned_abs().div_ceil(2) { quotient + value.signum() } else { quotient }
}

fn above_zero(number: Number) -> Result<Number> {
    let wrong = |what: &str| Err(sql_error("2201E", format!("cannot take logarithm of {what}")));
    match number.value {
        i256::ZERO => wrong("zero"),
        value if value.is_negative() => wrong("a negative number"),
        _ => Ok(number),
    }
}

fn logarithm(base: Number, number: Number) -> Result<Number> {
    let (base, number) = (above_zero(base)?, above_zero(number)?);
    if rescaled(i256::ONE, 0, base.scale).is_ok_and(|one| one == base.value) {
        return Err(sql_error("22012", "division by zero".to_owned()));
    }
    series::with_base(base, number, digits::of_logarithm_with_base(base, number))
}

fn power(base: Number, exponent: Number) -> Result<Number> {
    let undefined = |what: &str| Err(sql_error("2201F", what.to_owned()));
    if base.value == i256::ZERO && exponent.value.is_negative() {
        return undefined("zero raised to a negative power is undefined");
    }
    let whole = rescaled(exponent.value, exponent.scale, 0)?;
    let is_whole = rescaled(whole, 0, exponent.scale).is_ok_and(|same| same == exponent.value);
    if is_whole && let Some(whole) = whole.to_i128().and_then(|whole| i32::try_from(whole).ok()) {
        return series::whole_power(base, whole, digits::of_whole_power(base));
    }
    if base.value.is_negative() {
        return undefined("a negative number raised to a non-integer power yields a complex result");
    }
    if base.value == i256::ZERO {
        return Ok(Number::new(i256::ZERO, 16));
    }
    series::power(base, exponent, digits::of_power(base.float().ln() * exponent.float(), &[base, exponent]))
}

impl Op {
    /// The result, with PostgreSQL's digits.
    fn computed(self, numbers: &[Number]) -> Result<Number> {
        match (self, numbers) {
            (Self::Divide | Self::Mean(_), [a, b]) => digits::quotient(*a, *b),
            (Self::Exp, [a]) => series::exponential_of(*a, digits::of_power(a.float(), &[*a])),
            (Self::Ln, [a]) => series::natural(above_zero(*a)?, digits::of_logarithm(*a)),
            (Self::Log, [a]) => logarithm(Number::new(i256::from_i128(10), 0), *a),
            (Self::Log, [base, a]) => logarithm(*base, *a),
            (Self::Power, [a, b]) => power(*a, *b),
            (Self::Sqrt, [a]) if a.value.is_negative() => {
                Err(sql_error("2201F", "cannot take square root of a negative number".to_owned()))
            }
            (Self::Sqrt, [a]) => digits::root(*a, digits::of_root(*a)),
            (Self::Sign, [a]) => Ok(Number::new(i256::from_i128(a.value.signum().to_i128().unwrap_or(0)), 0)),
            _ => Err(self.wrong_arguments()),
        }
    }

    fn wrong_arguments(self) -> DataFusionError {
        sql_error("42883", format!("function {} does not exist with such arguments", self.name()))
    }

    /// How many arguments there are.
    fn wanted(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Divide | Self::Mean(_) | Self::Power => 2..=2,
            Self::Log => 1..=2,
            _ => 1..=1,
        }
    }
}

/// The values of an argument.
struct Values {
    values: Vec<Option<i256>>,
    scale: i32,
    is_open: bool,
}

impl Values {
    fn of(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Decimal128(_, scale) => {
                let values = array.as_primitive::<Decimal128Type>().iter().map(|value| value.map(i256::from_i128));
                Self { values: values.collect(), scale: (*scale).into(), is_open: is_open(array.data_type()) }
            }
            DataType::Decimal256(_, scale) => {
                let values = array.as_primitive::<Decimal256Type>().iter();
                Self { values: values.collect(), scale: (*scale).into(), is_open: true }
            }
            _ => return Self::of(&cast(array, &DataType::Decimal128(20, 0))?),
        })
    }

    /// The number of a row; without other knowledge an open one has the digits that are not zeros at its end.
    fn number(&self, row: usize, shown: Option<i32>) -> Option<Number> {
        let value = self.values.get(row).copied().flatten()?;
        let shown = shown.unwrap_or_else(|| if self.is_open { Number::trimmed(value, self.scale) } else { self.scale });
        Some(Number { value, scale: self.scale, shown })
    }
}

/// Numbers as their types and values say.
fn texts(array: &ArrayRef) -> Result<StringArray> {
    if let DataType::Decimal128(precision, scale) = *array.data_type() {
        let values = array.as_primitive::<Decimal128Type>().iter();
        return Ok(values.map(|value| value.map(|value| shown(value, precision, scale))).collect());
    }
    let values = Values::of(array)?;
    (0..array.len()).map(|row| values.number(row, None).map(Number::text).transpose()).collect()
}

fn arrays(args: &ScalarFunctionArgs) -> Result<Vec<ArrayRef>> {
    args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect()
}

impl ScalarUDFImpl for Numeric {
    fn name(&self) -> &str {
        self.op.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match (self.op, arguments) {
            (Op::Out, _) => DataType::Utf8,
            (Op::Sign, [DataType::Float64]) => DataType::Float64,
            (Op::Sign, _) => DataType::Decimal128(38, 0),
            (Op::Exp | Op::Power, _) => LARGE,
            (Op::Mean(scale), _) => DataType::Decimal128(38, scale),
            _ => COMPUTED,
        })
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        if !self.op.wanted().contains(&arguments.len()) {
            return Err(self.op.wrong_arguments());
        }
        arguments
            .iter()
            .map(|kind| match kind {
                DataType::Decimal128(..) => Ok(kind.clone()),
                DataType::Decimal256(..) if matches!(self.op, Op::Mean(_) | Op::Out) => Ok(kind.clone()),
                // PostgreSQL has it for floating point and numeric.
                _ if self.op == Op::Sign => Ok(DataType::Float64),
                kind if kind.is_integer() || kind.is_null() => Ok(DataType::Decimal128(20, 0)),
                _ => Err(self.op.wrong_arguments()),
            })
            .collect()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = arrays(&args)?;
        if let (Op::Sign, [array]) = (self.op, arrays.as_slice())
            && let Some(floats) = array.as_primitive_opt::<Float64Type>()
        {
            let sign = |value: f64| if value == 0.0 || value.is_nan() { value } else { value.signum() };
            let signs: Float64Array = floats.iter().map(|value| value.map(sign)).collect();
            return Ok(ColumnarValue::Array(Arc::new(signs)));
        }
        if let (Op::Out, [array]) = (self.op, arrays.as_slice()) {
            return Ok(ColumnarValue::Array(Arc::new(texts(array)?)));
        }
        let kind = args.return_field.data_type();
        let DataType::Decimal128(_, scale) = *kind else { return Err(self.op.wrong_arguments()) };
        let columns = arrays.iter().map(Values::of).collect::<Result<Vec<_>>>()?;
        let rows = (0..args.number_rows).map(|row| -> Result<Option<i128>> {
            let numbers: Option<Vec<Number>> = columns.iter().map(|column| column.number(row, None)).collect();
            let Some(numbers) = numbers else { return Ok(None) };
            let found = self.op.computed(&numbers)?;
            fitting(rescaled(found.value, found.scale, scale.into())?.to_i128()).map(Some)
        });
        let found: Decimal128Array = rows.collect::<Result<_>>()?;
        Ok(ColumnarValue::Array(Arc::new(found.with_data_type(kind.clone()))))
    }
}

/// The text of what another function computes, from its arguments and then the digits of each.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Printed {
    op: Op,
    name: String,
    signature: Signature,
}

impl ScalarUDFImpl for Printed {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = arrays(&args)?;
        let half = arrays.len() / 2;
        let (values, scales) = arrays.split_at_checked(half).ok_or_else(overflow)?;
        let columns = values.iter().map(Values::of).collect::<Result<Vec<_>>>()?;
        let scales = scales.iter().map(|scales| cast(scales, &DataType::Int32)).collect::<Result<Vec<_>, _>>()?;
        let rows = (0..args.number_rows).map(|row| -> Result<Option<String>> {
            let numbers = columns.iter().zip(&scales).map(|(column, scales)| {
                let scales = scales.as_primitive::<Int32Type>();
                let shown = (row < scales.len() && scales.is_valid(row)).then(|| scales.value(row));
                column.number(row, shown)
            });
            let Some(numbers) = numbers.collect::<Option<Vec<Number>>>() else { return Ok(None) };
            match (self.op, numbers.as_slice(), columns.as_slice()) {
                (Op::Out, [number], [column]) => {
                    // What is there is not hidden, and where only so many digits were computed no zeros stand for the others.
                    let most = if column.is_open { number.scale } else { 70 };
                    let least = Number::trimmed(number.value, number.scale);
                    Number { shown: number.shown.clamp(0, most.max(0)).max(least), ..*number }.text()
                }
                (op, numbers, _) => op.computed(numbers)?.text(),
            }
            .map(Some)
        });
        let texts: StringArray = rows.collect::<Result<_>>()?;
        Ok(ColumnarValue::Array(Arc::new(texts)))
    }
}

/// Whether the digits of a number of the type depend on its value.
pub(super) fn is_open(kind: &DataType) -> bool {
    *kind == ANY_NUMERIC || matches!(kind, DataType::Decimal128(38, 13 | 16 | 19 | 20 | 21 | 24))
}

/// A number as PostgreSQL shows it: of a computed one, 16 digits from the group of four that begins it.
pub(crate) fn shown(value: i128, precision: u8, scale: i8) -> String {
    let kind = DataType::Decimal128(precision, scale);
    if kind == ANY_NUMERIC {
        let text = Decimal128Type::format_decimal(value, precision, scale);
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    if !is_open(&kind) {
        return Decimal128Type::format_decimal(value, precision, scale);
    }
    if value == 0 {
        let of_variance = [VARIANCE, VARIANCE_SHORT, DEVIATION].contains(&kind);
        return if of_variance { "0".to_owned() } else { format!("0.{}", "0".repeat(20)) };
    }
    // The place of the first digit, counted from the point.
    let first = i32::try_from(value.unsigned_abs().ilog10()).unwrap_or(0).saturating_sub(i32::from(scale));
    let group = if kind == DEVIATION { first.div_euclid(2) } else { first.div_euclid(4) };
    let digits = 16_i32.saturating_sub(group.saturating_mul(4)).clamp(0, i32::from(scale));
    let digits = i8::try_from(digits).unwrap_or(scale);
    let factor = 10_i128.checked_pow(u32::from(scale.abs_diff(digits))).unwrap_or(1);
    Decimal128Type::format_decimal(rounded(value, factor), 38, digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_postgresql_digits() {
        let number = |(value, scale): (i128, i32)| Number::new(i256::from_i128(value), scale);
        let text = |op: Op, numbers: &[(i128, i32)]| {
            let numbers: Vec<_> = numbers.iter().copied().map(number).collect();
            op.computed(&numbers).and_then(Number::text)
        };
        for (op, numbers, wanted) in [
            (Op::Log, [(10, 0), (1000, 0)].as_slice(), "3.0000000000000000"),
            (Op::Log, &[(25, 1)], "0.3979400086720376"),
            (Op::Log, &[(1_000_000, 0)], "6.000000000000000"),
            (Op::Power, &[(20, 1), (3, 0)], "8.0000000000000000"),
            (Op::Power, &[(123_456, 3), (25, 1)], "169348.16848325965"),
            (Op::Power, &[(0, 0), (35, 1)], "0.0000000000000000"),
            (Op::Ln, &[(25, 1)], "0.9162907318741551"),
            (Op::Ln, &[(100_001, 5)], "0.000009999950000333331"),
            (Op::Exp, &[(25, 1)], "12.182493960703473"),
            (Op::Sqrt, &[(25, 1)], "1.581138830084190"),
            (Op::Sqrt, &[(1, 5)], "0.0031622776601683793"),
            (Op::Sqrt, &[(123_456_789, 4)], "111.1111106055556"),
        ] {
            assert_eq!(text(op, numbers).unwrap(), wanted);
        }
        assert!(text(Op::Ln, &[(0, 0)]).is_err());
        assert!(text(Op::Sqrt, &[(-1, 0)]).is_err());
        assert!(text(Op::Log, &[(100, 2), (2, 0)]).is_err());
    }
}
