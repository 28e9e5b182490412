//! Exponentials, logarithms and powers of exact numbers, to 34 digits: more than PostgreSQL shows of what fits.

use datafusion::arrow::datatypes::i256;
use datafusion::error::Result;

use super::digits::{Number, length, overflow, power_of_ten, rescaled, rounded_quotient};

/// Digits behind the point of the numbers computed with, a product of which has room.
const DIGITS: i32 = 36;
const UNIT: i256 = i256::from_i128(10_i128.pow(36));
const LN_2: i256 = i256::from_i128(693_147_180_559_945_309_417_232_121_458_176_568);
const LN_10: i256 = i256::from_i128(2_302_585_092_994_045_684_017_991_454_684_364_208);
/// The root of two, about.
const ROOT_OF_2: i256 = i256::from_i128(1_414_213_562_373_095_048_801_688_724_209_698_079);
/// Digits of a result that are right.
const RIGHT: i32 = 34;
/// Digits of what is multiplied.
const FACTOR: i32 = 37;

fn times(a: i256, b: i256) -> i256 {
    a.wrapping_mul(b).wrapping_div(UNIT)
}

fn whole(number: i32) -> i256 {
    i256::from_i128(number.into())
}

/// The natural logarithm of a number above zero.
pub(super) fn logarithm(number: Number) -> Result<i256> {
    let last = length(number.value).saturating_sub(1);
    let tens = last.saturating_sub(number.scale);
    // From 1 to 10.
    let mut rest = rescaled(number.value, last, DIGITS)?;
    let mut twos = 0_i32;
    while rest > ROOT_OF_2 {
        rest = rest >> 1u8;
        twos = twos.saturating_add(1);
    }
    // ln(x) = 2 artanh((x - 1) / (x + 1))
    let part = rest.wrapping_sub(UNIT).wrapping_mul(UNIT).wrapping_div(rest.wrapping_add(UNIT));
    let square = times(part, part);
    let (mut term, mut sum, mut divisor) = (part, part, 1_i32);
    while term != i256::ZERO {
        term = times(term, square);
        divisor = divisor.saturating_add(2);
        sum = sum.wrapping_add(term.wrapping_div(whole(divisor)));
    }
    let powers = whole(twos).wrapping_mul(LN_2).wrapping_add(whole(tens).wrapping_mul(LN_10));
    Ok(sum.wrapping_add(sum).wrapping_add(powers))
}

/// The logarithm with `digits`.
pub(super) fn natural(number: Number, digits: i32) -> Result<Number> {
    let digits = digits.min(RIGHT);
    Ok(Number::new(rescaled(logarithm(number)?, DIGITS, digits)?, digits))
}

/// The logarithm of another base with `digits`.
pub(super) fn with_base(base: Number, number: Number, digits: i32) -> Result<Number> {
    let digits = digits.min(RIGHT);
    let above = logarithm(number)?.checked_mul(power_of_ten(digits.unsigned_abs())?).ok_or_else(overflow)?;
    Ok(Number::new(rounded_quotient(above, logarithm(base)?)?, digits))
}

/// e to the power of a number that has [`DIGITS`], with `digits`.
fn exponential(exponent: i256, digits: i32) -> Result<Number> {
    let twos = rounded_quotient(exponent, LN_2)?.to_i128().and_then(|twos| i32::try_from(twos).ok());
    let twos = match twos {
        Some(twos) => twos,
        None if exponent.is_negative() => i32::MIN,
        None => return Err(overflow()),
    };
    // More than 22 digits have no room for those behind the point.
    if twos > 73 {
        return Err(overflow());
    }
    if twos < -240 {
        return Ok(Number::new(i256::ZERO, digits));
    }
    let rest = exponent.wrapping_sub(whole(twos).wrapping_mul(LN_2));
    let (mut term, mut sum, mut divisor) = (UNIT, UNIT, 0_i32);
    while term != i256::ZERO {
        divisor = divisor.saturating_add(1);
        term = times(term, rest).wrapping_div(whole(divisor));
        sum = sum.wrapping_add(term);
    }
    let two = i256::from_i128(2).checked_pow(twos.unsigned_abs()).ok_or_else(overflow)?;
    if twos < 0 {
        let above = rescaled(sum, DIGITS, digits.max(DIGITS))?;
        let value = rounded_quotient(above, two)?;
        return Ok(Number::new(rescaled(value, digits.max(DIGITS), digits)?, digits));
    }
    let value = sum.checked_mul(two).ok_or_else(overflow)?;
    let digits = digits.min(RIGHT.saturating_sub(length(value).saturating_sub(DIGITS)));
    Ok(Number::new(rescaled(value, DIGITS, digits)?, digits))
}

/// e to the power of a number, with `digits`.
pub(super) fn exponential_of(number: Number, digits: i32) -> Result<Number> {
    match rescaled(number.value, number.scale, DIGITS) {
        Ok(exponent) => exponential(exponent, digits),
        Err(_) if number.value.is_negative() => Ok(Number::new(i256::ZERO, digits)),
        Err(error) => Err(error),
    }
}

/// A number above zero to the power of any, with `digits`.
pub(super) fn power(base: Number, exponent: Number, digits: i32) -> Result<Number> {
    let product = logarithm(base)?.checked_mul(exponent.value).ok_or_else(overflow)?;
    exponential(rescaled(product, exponent.scale, 0)?, digits)
}

/// Some digits and the power of ten that they are multiplied with.
#[derive(Clone, Copy)]
struct Factor {
    value: i256,
    power: i64,
}

impl Factor {
    fn new(value: i256, power: i64) -> Result<Self> {
        let more = length(value).saturating_sub(FACTOR).max(0);
        let power = power.checked_add(more.into()).ok_or_else(overflow)?;
        Ok(Self { value: rescaled(value, more, 0)?, power })
    }

    fn times(self, other: Self) -> Result<Self> {
        let value = self.value.checked_mul(other.value).ok_or_else(overflow)?;
        Self::new(value, self.power.checked_add(other.power).ok_or_else(overflow)?)
    }
}

/// A number to the power of a whole one, with `digits`.
pub(super) fn whole_power(base: Number, exponent: i32, digits: i32) -> Result<Number> {
    let mut factor = Factor::new(base.value, i64::from(base.scale).saturating_neg())?;
    let mut found = Factor::new(i256::ONE, 0)?;
    let mut left = exponent.unsigned_abs();
    while left > 0 {
        if left & 1 == 1 {
            found = found.times(factor)?;
        }
        left >>= 1;
        if left > 0 {
            factor = factor.times(factor)?;
        }
    }
    if exponent < 0 {
        let reciprocal = rounded_quotient(power_of_ten(74)?, found.value)?;
        found = Factor::new(reciprocal, found.power.saturating_add(74).saturating_neg())?;
    }
    let shift = i32::try_from(found.power.saturating_add(digits.into()));
    let shift = match shift {
        Ok(shift) => shift,
        Err(_) if found.power < 0 => i32::MIN,
        Err(_) => return Err(overflow()),
    };
    Ok(Number::new(rescaled(found.value, 0, shift)?, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: i128, scale: i32) -> Number {
        Number::new(i256::from_i128(value), scale)
    }

    fn text(found: Result<Number>) -> String {
        found.unwrap().text().unwrap()
    }

    #[test]
    fn known_digits() {
        assert_eq!(text(natural(number(2, 0), 34)), "0.6931471805599453094172321214581766");
        assert_eq!(text(natural(number(10, 0), 34)), "2.3025850929940456840179914546843642");
        assert_eq!(text(natural(number(1, 0), 16)), "0.0000000000000000");
        assert_eq!(text(natural(number(100_001, 5), 21)), "0.000009999950000333331");
        assert_eq!(text(natural(number(95, 2), 18)), "-0.051293294387550533");
        assert_eq!(text(exponential_of(number(1, 0), 33)), "2.718281828459045235360287471352662");
        assert_eq!(text(exponential_of(number(-20, 0), 24)), "0.000000002061153622438558");
        assert_eq!(text(exponential_of(number(500, 1), 1)), "5184705528587072464087.5");
        assert_eq!(text(with_base(number(20, 1), number(8, 0), 16)), "3.0000000000000000");
        assert_eq!(text(power(number(123_456, 3), number(25, 1), 11)), "169348.16848325965");
        assert_eq!(text(whole_power(number(30, 1), 40, 16)), "12157665459056928801.0000000000000000");
        assert_eq!(text(whole_power(number(15, 1), -40, 16)), "0.0000000904377268");
        assert_eq!(text(whole_power(number(1, 1), 1_000_000, 16)), "0.0000000000000000");
        assert!(exponential_of(number(100, 0), 16).is_err());
        assert!(whole_power(number(100, 1), i32::MAX, 16).is_err());
    }
}
