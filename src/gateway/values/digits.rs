//! How many digits behind the point a computed `numeric` has: the rules of PostgreSQL's `numeric.c`, which count in groups of
//! four digits, and what they need of exact arithmetic.

use datafusion::arrow::datatypes::{Decimal256Type, DecimalType as _, i256};
use datafusion::error::{DataFusionError, Result};

use super::super::pgcatalog::errors::sql_error;

/// PostgreSQL computes at least so many significant digits.
const SIGNIFICANT: i32 = 16;
/// Digits of a group.
const GROUP: i32 = 4;
/// The most digits behind a point here.
const MOST: i32 = 70;
/// The digits of e to the power of one.
const LOG10_E: f64 = std::f64::consts::LOG10_E;

pub(super) fn overflow() -> DataFusionError {
    sql_error("22003", "value overflows numeric format".to_owned())
}

pub(super) fn power_of_ten(exponent: u32) -> Result<i256> {
    i256::from_i128(10).checked_pow(exponent).ok_or_else(overflow)
}

/// Half away from zero.
pub(super) fn rounded_quotient(above: i256, below: i256) -> Result<i256> {
    let quotient = above.checked_div(below).ok_or_else(overflow)?;
    let rest = above.checked_rem(below).ok_or_else(overflow)?.wrapping_abs();
    // Doubled it could overflow.
    if rest < below.wrapping_abs().wrapping_sub(rest) {
        return Ok(quotient);
    }
    let one = if above.is_negative() == below.is_negative() { i256::ONE } else { i256::MINUS_ONE };
    quotient.checked_add(one).ok_or_else(overflow)
}

/// A number with `from` digits behind its point as one with `to`.
pub(super) fn rescaled(value: i256, from: i32, to: i32) -> Result<i256> {
    if to >= from {
        if value == i256::ZERO {
            return Ok(value);
        }
        return value.checked_mul(power_of_ten(to.abs_diff(from))?).ok_or_else(overflow);
    }
    match power_of_ten(to.abs_diff(from)) {
        Ok(factor) => rounded_quotient(value, factor),
        // Nothing is left of it.
        Err(_) => Ok(i256::ZERO),
    }
}

/// How many digits a whole number has; none of zero.
pub(super) fn length(value: i256) -> i32 {
    let digits = match value.to_i128() {
        Some(value) => value.unsigned_abs().checked_ilog10().map_or(0, |last| last.saturating_add(1)),
        None => u32::try_from(value.to_string().trim_start_matches('-').len()).unwrap_or(0),
    };
    i32::try_from(digits).unwrap_or(0)
}

/// A number and the digits behind its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub value: i256,
    /// Digits behind the point of `value`.
    pub scale: i32,
    /// Digits behind the point that PostgreSQL has.
    pub shown: i32,
}

impl Number {
    /// A number that shows what its value has.
    pub(super) fn new(value: i256, scale: i32) -> Self {
        Self { value, scale, shown: scale }
    }

    /// How many digits behind the point are left without the zeros at the end.
    pub(super) fn trimmed(value: i256, scale: i32) -> i32 {
        let ten = i256::from_i128(10);
        let (mut value, mut scale) = (value, scale);
        while scale > 0 && value.wrapping_rem(ten) == i256::ZERO {
            if value == i256::ZERO {
                return 0;
            }
            value = value.wrapping_div(ten);
            scale = scale.saturating_sub(1);
        }
        scale.max(0)
    }

    /// The place of the first digit, counted from the point; `None` of zero.
    pub(super) fn first_place(self) -> Option<i32> {
        (self.value != i256::ZERO).then(|| length(self.value).saturating_sub(1).saturating_sub(self.scale))
    }

    /// The place of the first group, counted from the point.
    fn weight(self) -> i32 {
        self.first_place().map_or(0, |place| place.div_euclid(GROUP))
    }

    /// The first group and `more` behind it as one number.
    fn groups(self, more: i32) -> i32 {
        let last = self.weight().saturating_sub(more).saturating_mul(GROUP).saturating_add(self.scale);
        let factor = power_of_ten(last.unsigned_abs());
        let value = self.value.wrapping_abs();
        let found =
            factor.ok().and_then(|factor| if last < 0 { value.checked_mul(factor) } else { value.checked_div(factor) });
        found.and_then(i256::to_i128).and_then(|found| i32::try_from(found).ok()).unwrap_or(0)
    }

    pub(super) fn float(self) -> f64 {
        self.value.to_string().parse::<f64>().unwrap_or(f64::MAX) / 10_f64.powi(self.scale)
    }

    /// As many decimal digits as its logarithm has (`estimate_ln_dweight`).
    fn places_of_logarithm(self) -> i32 {
        let about = self.float();
        if (0.9..=1.1).contains(&about) {
            let one = rescaled(i256::ONE, 0, self.scale).unwrap_or(i256::ONE);
            let distance = Self { value: self.value.wrapping_sub(one), ..self };
            return distance.first_place().unwrap_or(0);
        }
        let last = self.weight().saturating_sub(1).saturating_mul(GROUP);
        let logarithm = f64::from(self.groups(1)).ln() + f64::from(last) * std::f64::consts::LN_10;
        truncated(logarithm.abs().log10())
    }

    /// The text, with the digits that are shown.
    pub(super) fn text(self) -> Result<String> {
        let value = rescaled(self.value, self.scale, self.shown)?;
        let scale = i8::try_from(self.shown).map_err(|_| overflow())?;
        Ok(Decimal256Type::format_decimal(value, 76, scale))
    }
}

/// As C casts.
fn truncated(value: f64) -> i32 {
    value.clamp(-2000.0, 2000.0).trunc() as i32
}

/// At least what the operands have.
fn at_least(digits: i32, operands: &[Number]) -> i32 {
    operands.iter().fold(digits, |digits, operand| digits.max(operand.shown)).clamp(0, MOST)
}

/// The digits of a quotient (`select_div_scale`).
pub(super) fn of_quotient(a: Number, b: Number) -> i32 {
    let mut weight = a.weight().saturating_sub(b.weight());
    if a.groups(0) <= b.groups(0) {
        weight = weight.saturating_sub(1);
    }
    at_least(SIGNIFICANT.saturating_sub(weight.saturating_mul(GROUP)), &[a, b])
}

pub(super) fn of_root(a: Number) -> i32 {
    let weight = a.weight().saturating_add(1).saturating_mul(GROUP) / 2;
    at_least(SIGNIFICANT.saturating_sub(weight.saturating_sub(1)), &[a])
}

/// The digits of e to the power of `exponent`, where the operands are `operands`.
pub(super) fn of_power(exponent: f64, operands: &[Number]) -> i32 {
    at_least(SIGNIFICANT.saturating_sub(truncated(exponent * LOG10_E)), operands)
}

/// The digits of a power with a whole exponent.
pub(super) fn of_whole_power(base: Number) -> i32 {
    at_least(SIGNIFICANT, &[base])
}

pub(super) fn of_logarithm(a: Number) -> i32 {
    at_least(SIGNIFICANT.saturating_sub(a.places_of_logarithm()), &[a])
}

pub(super) fn of_logarithm_with_base(base: Number, a: Number) -> i32 {
    let places = a.places_of_logarithm().saturating_sub(base.places_of_logarithm());
    at_least(SIGNIFICANT.saturating_sub(places), &[base, a])
}

/// The quotient with PostgreSQL's digits; with fewer where those leave no room to compute.
pub(super) fn quotient(a: Number, b: Number) -> Result<Number> {
    if b.value == i256::ZERO {
        return Err(sql_error("22012", "division by zero".to_owned()));
    }
    let wanted = of_quotient(a, b);
    quotient_with(a, b, wanted).or_else(|_| quotient_with(a, b, wanted.min(20)))
}

fn quotient_with(a: Number, b: Number, digits: i32) -> Result<Number> {
    let shift = digits.saturating_add(b.scale).saturating_sub(a.scale);
    let factor = power_of_ten(shift.unsigned_abs())?;
    let scaled = |number: i256| number.checked_mul(factor).ok_or_else(overflow);
    let (above, below) = if shift < 0 { (a.value, scaled(b.value)?) } else { (scaled(a.value)?, b.value) };
    Ok(Number::new(rounded_quotient(above, below)?, digits))
}

/// The root with `digits`, rounded.
pub(super) fn root(a: Number, digits: i32) -> Result<Number> {
    let square = rescaled(a.value, a.scale, digits.saturating_mul(2))?;
    let found = whole_root(square);
    // The next one is nearer from found² + found on.
    let rest = square.wrapping_sub(found.wrapping_mul(found));
    let found = if rest > found { found.wrapping_add(i256::ONE) } else { found };
    Ok(Number::new(found, digits))
}

/// The whole root, by Newton's method from above.
pub(super) fn whole_root(square: i256) -> i256 {
    if square <= i256::ZERO {
        return i256::ZERO;
    }
    let bits = 256_u32.saturating_sub(square.leading_zeros());
    let mut found = i256::ONE << u8::try_from(bits.div_ceil(2)).unwrap_or(128);
    loop {
        let other = square.checked_div(found).unwrap_or(i256::ONE);
        let next = found.wrapping_add(other) >> 1u8;
        if next >= found {
            return found;
        }
        found = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: i128, scale: i32) -> Number {
        Number::new(i256::from_i128(value), scale)
    }

    #[test]
    fn quotients_have_postgresql_digits() {
        for (a, b, wanted) in [
            ((70, 1), (2, 0), "3.5000000000000000"),
            ((1, 0), (30, 1), "0.33333333333333333333"),
            ((47, 0), (70, 1), "6.7142857142857143"),
            ((1_000_000, 0), (30, 1), "333333.333333333333"),
            ((-2, 0), (30, 1), "-0.66666666666666666667"),
            ((12_345_678, 3), (1, 3), "12345678.000000000000"),
            ((0, 0), (30, 1), "0.00000000000000000000"),
            ((3, 0), (3, 0), "1.00000000000000000000"),
            ((35, 1), (32, 1), "1.09375000000000000000"),
            ((16, 0), (13, 0), "1.2307692307692308"),
            ((1, 0), (70_000, 0), "0.000014285714285714285714"),
        ] {
            assert_eq!(quotient(number(a.0, a.1), number(b.0, b.1)).unwrap().text().unwrap(), wanted);
        }
        assert!(quotient(number(1, 0), number(0, 2)).is_err());
    }

    #[test]
    fn roots_are_whole() {
        for value in [0_i128, 1, 2, 3, 4, 15, 16, 17, 10_i128.pow(36), i128::MAX] {
            let found = whole_root(i256::from_i128(value)).to_i128().unwrap();
            assert!(found * found <= value && (found + 1).checked_mul(found + 1).is_none_or(|more| more > value));
        }
    }

    #[test]
    fn zeros_at_the_end_are_no_digits() {
        for (value, scale, wanted) in [(1500, 3, 1), (0, 5, 0), (15, 0, 0), (1000, 2, 0), (15, 1, 1)] {
            assert_eq!(Number::trimmed(i256::from_i128(value), scale), wanted);
        }
    }
}
