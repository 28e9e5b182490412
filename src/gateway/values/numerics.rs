//! `numeric` where PostgreSQL computes more digits than the planner, or in another type: division, roots and logarithms, and how
//! many digits of a computed number are shown.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray as _, Decimal128Array, Float64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, DecimalType as _, Float64Type, i256};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::super::query::shape::ANY_NUMERIC;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Op {
    Divide,
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

/// A value and the digits after its point.
type Number = (i128, i8);

pub(super) fn overflow() -> DataFusionError {
    sql_error("22003", "value overflows numeric format".to_owned())
}

pub(super) fn power_of_ten(exponent: u32) -> Result<i256> {
    i256::from_i128(10).checked_pow(exponent).ok_or_else(overflow)
}

/// The quotient, rounded to the digits of what is computed.
fn divide((a, of_a): Number, (b, of_b): Number) -> Result<i128> {
    if b == 0 {
        return Err(sql_error("22012", "division by zero".to_owned()));
    }
    let shift = i32::from(COMPUTED_SCALE) + i32::from(of_b) - i32::from(of_a);
    let factor = power_of_ten(shift.unsigned_abs())?;
    let (a, b) = (i256::from_i128(a), i256::from_i128(b));
    let scaled = |number: i256| number.checked_mul(factor).ok_or_else(overflow);
    let (a, b) = if shift < 0 { (a, scaled(b)?) } else { (scaled(a)?, b) };
    let (quotient, rest) = (a.checked_div(b).ok_or_else(overflow)?, a.checked_rem(b).ok_or_else(overflow)?);
    let twice = rest.wrapping_abs().checked_add(rest.wrapping_abs()).ok_or_else(overflow)?;
    let one = if a.is_negative() == b.is_negative() { i256::ONE } else { i256::MINUS_ONE };
    let quotient = if twice >= b.wrapping_abs() { quotient.checked_add(one).ok_or_else(overflow)? } else { quotient };
    fitting(quotient.to_i128())
}

pub(super) fn fitting(number: Option<i128>) -> Result<i128> {
    number.filter(|number| number.unsigned_abs() < 10_u128.pow(38)).ok_or_else(overflow)
}

fn float((value, scale): Number) -> f64 {
    value as f64 / 10_f64.powi(i32::from(scale))
}

/// The number with the 16 digits that are certain.
fn from_float(value: f64, scale: i8) -> Result<i128> {
    let text = format!("{value:.15e}");
    let (mantissa, exponent) = text.split_once('e').ok_or_else(overflow)?;
    let mantissa: i128 = mantissa.replace('.', "").parse().map_err(|_| overflow())?;
    let exponent: i32 = exponent.parse().map_err(|_| overflow())?;
    let shift = exponent.saturating_sub(15).saturating_add(i32::from(scale));
    let factor = 10_i128.checked_pow(shift.unsigned_abs());
    if shift < 0 {
        return Ok(factor.map_or(0, |factor| rounded(mantissa, factor)));
    }
    fitting(factor.and_then(|factor| mantissa.checked_mul(factor)))
}

/// Half away from zero.
fn rounded(value: i128, factor: i128) -> i128 {
    let (quotient, rest) = (value / factor, value % factor);
    if rest.unsigned_abs() >= factor.unsigned_abs().div_ceil(2) { quotient + value.signum() } else { quotient }
}

fn logarithm(number: Number) -> Result<Number> {
    let wrong = |what: &str| Err(sql_error("2201E", format!("cannot take logarithm of {what}")));
    match number.0 {
        0 => wrong("zero"),
        ..0 => wrong("a negative number"),
        _ => Ok(number),
    }
}

impl Op {
    fn computed(self, numbers: &[Number]) -> Result<i128> {
        match (self, numbers) {
            (Self::Divide, [a, b]) => divide(*a, *b),
            (Self::Exp, [a]) => from_float(float(*a).exp(), 16),
            (Self::Ln, [a]) => from_float(float(logarithm(*a)?).ln(), COMPUTED_SCALE),
            (Self::Log, [a]) => from_float(float(logarithm(*a)?).log10(), COMPUTED_SCALE),
            (Self::Log, [base, a]) => {
                let (base, a) = (float(logarithm(*base)?), float(logarithm(*a)?));
                let is = |known: f64| (base - known).abs() < f64::EPSILON;
                let found = if is(10.0) {
                    a.log10()
                } else if is(2.0) {
                    a.log2()
                } else if is(1.0) {
                    return Err(sql_error("22012", "division by zero".to_owned()));
                } else {
                    a.ln() / base.ln()
                };
                from_float(found, COMPUTED_SCALE)
            }
            (Self::Power, [a, b]) => {
                let (a, b) = (float(*a), float(*b));
                if a == 0.0 && b < 0.0 {
                    return Err(sql_error("2201F", "zero raised to a negative power is undefined".to_owned()));
                }
                if a < 0.0 && b.fract() != 0.0 {
                    let words = "a negative number raised to a non-integer power yields a complex result";
                    return Err(sql_error("2201F", words.to_owned()));
                }
                from_float(a.powf(b), 16)
            }
            (Self::Sqrt, [a]) if a.0 < 0 => {
                Err(sql_error("2201F", "cannot take square root of a negative number".to_owned()))
            }
            (Self::Sqrt, [a]) => from_float(float(*a).sqrt(), COMPUTED_SCALE),
            (Self::Sign, [a]) => Ok(a.0.signum()),
            _ => Err(self.wrong_arguments()),
        }
    }

    fn wrong_arguments(self) -> DataFusionError {
        sql_error("42883", format!("function {} does not exist with such arguments", self.name()))
    }
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
            _ => COMPUTED,
        })
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let wanted = match self.op {
            Op::Divide | Op::Power => 2..=2,
            Op::Log => 1..=2,
            _ => 1..=1,
        };
        if !wanted.contains(&arguments.len()) {
            return Err(self.op.wrong_arguments());
        }
        arguments
            .iter()
            .map(|kind| match kind {
                DataType::Decimal128(..) => Ok(kind.clone()),
                // PostgreSQL has it for floating point and numeric.
                _ if self.op == Op::Sign => Ok(DataType::Float64),
                kind if kind.is_integer() || kind.is_null() => Ok(DataType::Decimal128(20, 0)),
                _ => Err(self.op.wrong_arguments()),
            })
            .collect()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays: Vec<ArrayRef> =
            args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect::<Result<_>>()?;
        if let (Op::Sign, [array]) = (self.op, arrays.as_slice())
            && let Some(floats) = array.as_primitive_opt::<Float64Type>()
        {
            let sign = |value: f64| if value == 0.0 || value.is_nan() { value } else { value.signum() };
            let signs: Float64Array = floats.iter().map(|value| value.map(sign)).collect();
            return Ok(ColumnarValue::Array(Arc::new(signs)));
        }
        let columns = arrays
            .iter()
            .map(|array| match array.data_type() {
                DataType::Decimal128(_, scale) => Ok((Arc::clone(array), *scale)),
                _ => cast(array, &DataType::Decimal128(20, 0)).map(|array| (array, 0)).map_err(DataFusionError::from),
            })
            .collect::<Result<Vec<_>>>()?;
        let mut columns: Vec<_> =
            columns.iter().map(|(array, scale)| (array.as_primitive::<Decimal128Type>().iter(), *scale)).collect();
        let rows = (0..args.number_rows).map(|_| -> Option<Vec<Number>> {
            // Every column moves on, also beside a NULL.
            let row: Vec<Option<Number>> =
                columns.iter_mut().map(|(column, scale)| Some((column.next().flatten()?, *scale))).collect();
            row.into_iter().collect()
        });
        let kind = args.return_field.data_type();
        if self.op == Op::Out {
            let text = |numbers: Vec<Number>| numbers.first().map(|(value, scale)| shown(*value, 38, *scale));
            let texts: StringArray = rows.map(|row| row.and_then(text)).collect();
            return Ok(ColumnarValue::Array(Arc::new(texts)));
        }
        let found: Decimal128Array =
            rows.map(|row| row.map(|numbers| self.op.computed(&numbers)).transpose()).collect::<Result<_>>()?;
        Ok(ColumnarValue::Array(Arc::new(found.with_data_type(kind.clone()))))
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
    fn quotients_have_postgresql_digits() {
        let quotient = |a, b| shown(divide(a, b).unwrap(), 38, COMPUTED_SCALE);
        for (a, b, wanted) in [
            ((70, 1), (2, 0), "3.5000000000000000"),
            ((1, 0), (30, 1), "0.33333333333333333333"),
            ((47, 0), (70, 1), "6.7142857142857143"),
            ((1_000_000, 0), (30, 1), "333333.333333333333"),
            ((-2, 0), (30, 1), "-0.66666666666666666667"),
            ((12_345_678, 3), (1, 3), "12345678.000000000000"),
            ((0, 0), (30, 1), "0.00000000000000000000"),
        ] {
            assert_eq!(quotient(a, b), wanted);
        }
        assert!(divide((1, 0), (0, 2)).is_err());
    }

    #[test]
    fn functions_are_exact_to_sixteen_digits() {
        let text = |op: Op, numbers: &[Number], scale| shown(op.computed(numbers).unwrap(), 38, scale);
        assert_eq!(text(Op::Log, &[(10, 0), (1000, 0)], 20), "3.0000000000000000");
        assert_eq!(text(Op::Power, &[(20, 1), (3, 0)], 16), "8.0000000000000000");
        assert_eq!(text(Op::Ln, &[(20, 1)], 20), "0.69314718055994530000");
        assert!(Op::Ln.computed(&[(0, 0)]).is_err());
        assert!(Op::Sqrt.computed(&[(-1, 0)]).is_err());
        assert!(Op::Power.computed(&[(100, 1), (40, 0)]).is_err());
    }
}
