//! What ranges are over: the values of their bounds, in their order and forms.

use std::cmp::Ordering;

use bytes::{BufMut as _, BytesMut};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{ArrayRef, Decimal128Array};
use datafusion::scalar::ScalarValue;
use postgres_types::Type;

use super::super::super::encode::{Style, binary_value, put_numeric, text_value};
use super::super::super::error::SqlError;
use super::super::super::query::param_values::{from_binary, from_text};
use super::super::super::query::shape::Column;
use super::super::rewrite::with_seconds;

/// The value of a bound.
#[derive(Debug, Clone, Copy)]
pub(super) enum Element {
    /// `-infinity`, which is a day and a moment.
    Low,
    /// A number, a day, or a microsecond.
    Whole(i64),
    /// Digits, and how many of them are behind the point.
    Exact(i128, i8),
    /// `infinity`.
    High,
}

/// Compares exact numbers.
fn by_digits((left, of_left): (i128, i8), (right, of_right): (i128, i8)) -> Ordering {
    // A number that does not fit with more digits is farther from zero than all that do.
    let with = |number: i128, more: i16| {
        let factor = u32::try_from(more).ok().and_then(|more| 10_i128.checked_pow(more));
        let far = if number == 0 { 0 } else { number.signum().saturating_mul(i128::MAX) };
        factor.and_then(|factor| number.checked_mul(factor)).unwrap_or(far)
    };
    let behind = i16::from(of_right) - i16::from(of_left);
    if behind >= 0 { with(left, behind).cmp(&right) } else { left.cmp(&with(right, -behind)) }
}

impl Element {
    pub(super) fn compare(self, other: Self) -> Ordering {
        let rank = |element| match element {
            Self::Low => 0,
            Self::Whole(_) | Self::Exact(..) => 1,
            Self::High => 2,
        };
        match (self, other) {
            (Self::Whole(left), Self::Whole(right)) => left.cmp(&right),
            (Self::Exact(left, of_left), Self::Exact(right, of_right)) => by_digits((left, of_left), (right, of_right)),
            _ => rank(self).cmp(&rank(other)),
        }
    }

    /// The one after it, of types that have one.
    pub(super) fn next(self, subtype: &Type) -> Result<Self, SqlError> {
        let Self::Whole(value) = self else { return Ok(self) };
        let (last, code, name) = match *subtype {
            Type::INT8 => (i64::MAX, "22003", "bigint"),
            Type::DATE => (i64::from(i32::MAX), "22008", "date"),
            _ => (i64::from(i32::MAX), "22003", "integer"),
        };
        let next = value.checked_add(1).filter(|next| *next <= last);
        next.map(Self::Whole).ok_or_else(|| SqlError::new(code, format!("{name} out of range")))
    }

    /// A value that is not NULL.
    pub(super) fn of_scalar(value: &ScalarValue) -> Option<Self> {
        Some(match *value {
            ScalarValue::Int32(Some(value)) | ScalarValue::Date32(Some(value)) => Self::Whole(value.into()),
            ScalarValue::Int64(Some(value)) | ScalarValue::TimestampMicrosecond(Some(value), _) => Self::Whole(value),
            ScalarValue::Decimal128(Some(value), _, scale) => Self::Exact(value, scale),
            _ => return None,
        })
    }

    pub(super) fn scalar(self, subtype: &Type) -> Result<ScalarValue, SqlError> {
        let infinite = || SqlError::unsupported("infinite dates and timestamps are not supported outside of ranges");
        let narrow = |value| i32::try_from(value).map_err(|_| SqlError::internal());
        Ok(match (self, subtype) {
            (Self::Whole(value), &Type::INT4) => ScalarValue::Int32(Some(narrow(value)?)),
            (Self::Whole(value), &Type::INT8) => ScalarValue::Int64(Some(value)),
            (Self::Whole(value), &Type::DATE) => ScalarValue::Date32(Some(narrow(value)?)),
            (Self::Whole(value), &Type::TIMESTAMP) => ScalarValue::TimestampMicrosecond(Some(value), None),
            (Self::Whole(value), _) => ScalarValue::TimestampMicrosecond(Some(value), Some("UTC".into())),
            (Self::Exact(value, scale), _) => ScalarValue::Decimal128(Some(value), 38, scale),
            (Self::Low | Self::High, _) => return Err(infinite()),
        })
    }

    fn array(self, subtype: &Type) -> Result<ArrayRef, SqlError> {
        self.scalar(subtype)?.to_array().map_err(|error| SqlError::from(&error))
    }

    /// From its text form.
    pub(super) fn read(text: &str, subtype: &Type, zone: Option<Tz>) -> Result<Self, SqlError> {
        if has_infinity(subtype) {
            match text.trim().to_ascii_lowercase().as_str() {
                "infinity" => return Ok(Self::High),
                "-infinity" => return Ok(Self::Low),
                _ => {}
            }
        }
        let whole = if is_moment(subtype) { with_seconds(text) } else { None };
        let value = from_text(whole.as_deref().unwrap_or(text), subtype, zone)?;
        Self::of_scalar(&value).ok_or_else(SqlError::internal)
    }

    /// Its text form.
    pub(super) fn print(self, subtype: &Type, zone: Option<Tz>) -> Result<String, SqlError> {
        match self {
            Self::Low => return Ok("-infinity".to_owned()),
            Self::High => return Ok("infinity".to_owned()),
            Self::Exact(value, scale) => return Ok(digits(value, scale)),
            Self::Whole(_) => {}
        }
        let mut out = BytesMut::new();
        let style = Style { zone, ..Style::default() };
        text_value(&mut out, &self.array(subtype)?, 0, &Column::new("", subtype.clone()), &style)?;
        String::from_utf8(out.to_vec()).map_err(|_| SqlError::internal())
    }

    /// From its binary form; `None` for a wrong one.
    pub(super) fn receive(raw: &[u8], subtype: &Type) -> Result<Option<Self>, SqlError> {
        if has_infinity(subtype) {
            if Some(raw) == infinity(subtype, false).as_deref() {
                return Ok(Some(Self::Low));
            }
            if Some(raw) == infinity(subtype, true).as_deref() {
                return Ok(Some(Self::High));
            }
        }
        Ok(from_binary(raw, subtype)?.as_ref().and_then(Self::of_scalar))
    }

    /// Appends its binary form.
    pub(super) fn send(self, out: &mut BytesMut, subtype: &Type) -> Result<(), SqlError> {
        match self {
            Self::Low | Self::High => {
                let bytes = infinity(subtype, matches!(self, Self::High)).ok_or_else(SqlError::internal)?;
                out.put_slice(&bytes);
                Ok(())
            }
            Self::Exact(value, scale) => put_numeric(out, &digits(value, scale)),
            Self::Whole(_) => {
                binary_value(out, &self.array(subtype)?, 0, &Column::new("", subtype.clone())).map(|_| ())
            }
        }
    }
}

/// A number with all of its digits.
fn digits(value: i128, scale: i8) -> String {
    let array = Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale);
    array.map_or_else(|_| value.to_string(), |array| array.value_as_string(0))
}

fn is_moment(subtype: &Type) -> bool {
    matches!(*subtype, Type::TIMESTAMP | Type::TIMESTAMPTZ)
}

fn has_infinity(subtype: &Type) -> bool {
    *subtype == Type::DATE || is_moment(subtype)
}

/// The binary form of the least or the greatest value.
fn infinity(subtype: &Type, high: bool) -> Option<Vec<u8>> {
    Some(match *subtype {
        Type::DATE => (if high { i32::MAX } else { i32::MIN }).to_be_bytes().to_vec(),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => (if high { i64::MAX } else { i64::MIN }).to_be_bytes().to_vec(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_numbers_have_an_order() {
        let element = |text: &str| Element::read(text, &Type::NUMERIC, None).unwrap();
        for (left, right, wanted) in [
            ("1.50", "1.5", Ordering::Equal),
            ("-1.51", "-1.5", Ordering::Less),
            ("10", "9.999999999999999999999999999999999999", Ordering::Greater),
            ("-12345678901234567890123456789012345678", "0.00000000000000001", Ordering::Less),
            ("0", "0.000", Ordering::Equal),
        ] {
            assert_eq!(element(left).compare(element(right)), wanted, "{left} {right}");
        }
        assert_eq!(element("1.50").print(&Type::NUMERIC, None).unwrap(), "1.50");
        assert_eq!(element(" -0.5").print(&Type::NUMERIC, None).unwrap(), "-0.5");
    }

    #[test]
    fn elements_have_a_next_one_until_the_last() {
        let next = |value, subtype| Element::Whole(value).next(subtype).map_err(|error| error.sqlstate);
        assert!(matches!(next(1, &Type::INT4), Ok(Element::Whole(2))));
        assert_eq!(next(i32::MAX.into(), &Type::INT4).unwrap_err(), "22003");
        assert_eq!(next(i64::MAX, &Type::INT8).unwrap_err(), "22003");
        assert_eq!(next(i32::MAX.into(), &Type::DATE).unwrap_err(), "22008");
    }
}
