//! Literals that are read while the statement is rewritten: numbers with exponents, bytes and arrays.

use datafusion::sql::sqlparser::ast::{
    Array, CastKind, DataType, ExactNumberInfo, Expr, UnaryOperator, Value, ValueWithSpan,
};
use std::fmt::Write as _;

use super::super::error::SqlError;
use super::{array_literal, bytea, numeric_texts};

/// Most digits of a numeric literal, and of the zeros after its digits.
const DIGITS: i64 = 76;
const ZEROS: usize = 128;
/// Most digits of a number that is computed with.
const MOST: u64 = 38;
/// Digits before the point of the type of numbers of any digits.
const BEFORE_POINT: u64 = 28;

/// The text of a string literal.
pub(super) fn string(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(ValueWithSpan {
            value: Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text),
            ..
        }) => Some(text),
        _ => None,
    }
}

/// The text of a number, with its sign.
fn number(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => Some(text.clone()),
        Expr::Nested(inner) => number(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            number(expr).filter(|text| !text.starts_with('-')).map(|text| format!("-{text}"))
        }
        _ => None,
    }
}

/// A literal that is cast to a floating point type, as a text where the planner's numbers are too short for it.
pub(super) fn float(value: &Expr, data_type: &DataType) -> Result<Option<Expr>, SqlError> {
    let short = match data_type {
        DataType::Real | DataType::Float4 => true,
        DataType::Float(ExactNumberInfo::Precision(bits)) => *bits <= 24,
        DataType::Float(_) | DataType::Float8 | DataType::Double(_) | DataType::DoublePrecision => false,
        _ => return Ok(None),
    };
    let written = number(value);
    let Some(text) = written.as_deref().or_else(|| string(value)) else { return Ok(None) };
    // Words, like infinity, are not out of range.
    if text.contains(|c: char| c.is_ascii_digit())
        && let Ok(wide) = text.trim().parse::<f64>()
    {
        let (infinite, zero, name) = if short {
            let narrow = wide as f32;
            (narrow.is_infinite(), narrow == 0.0, "real")
        } else {
            (wide.is_infinite(), wide == 0.0, "double precision")
        };
        let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
        if infinite || (zero && mantissa.contains(|c: char| matches!(c, '1'..='9'))) {
            return Err(SqlError::new("22003", format!("\"{text}\" is out of range for type {name}")));
        }
    }
    let has_exponent = |text: &String| text.contains(['e', 'E']);
    Ok(written.filter(has_exponent).map(|text| Expr::value(Value::SingleQuotedString(text))))
}

fn too_many_digits() -> SqlError {
    SqlError::unsupported(format!("numeric values of more than {DIGITS} digits are not supported"))
}

/// A number whose exponent moves the point behind its digits, written out: the planner would give it a scale below zero, which its
/// arithmetic does not expect. `None` to leave it; 0A000 for a number that the planner's numeric cannot hold.
pub(super) fn numeric(text: &str) -> Result<Option<Expr>, SqlError> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let digits = match whole.trim_start_matches('0') {
        "" => length(fraction.trim_start_matches('0')),
        whole => length(whole).saturating_add(length(fraction)),
    };
    let scale = length(fraction).saturating_sub(exponent);
    let refused = too_many_digits;
    if digits.max(scale) > DIGITS {
        return Err(refused());
    }
    // A whole number of more than 64 bits with its sign is a numeric; the planner would take it for one without a sign.
    let is_long = text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<i64>().is_err();
    if scale >= 0 && !is_long {
        return Ok(None);
    }
    let zeros = usize::try_from(-scale.min(0)).ok().filter(|zeros| *zeros <= ZEROS).ok_or_else(refused)?;
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let written = if digits.is_empty() { "0".to_owned() } else { format!("{digits}{}", "0".repeat(zeros)) };
    if is_long && written.len() > MOST as usize {
        return Ok(None);
    }
    let precision = u64::try_from(written.len()).ok().filter(|length| *length <= MOST).ok_or_else(refused)?;
    // It stays a numeric, however small.
    Ok(Some(Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::value(Value::Number(written, false))),
        data_type: DataType::Numeric(ExactNumberInfo::PrecisionAndScale(precision, 0)),
        array: false,
        format: None,
    }))
}

/// A literal that is cast to `numeric` as a number with its digits; `None` to leave what is no literal, and no number.
pub(super) fn exact(expr: &Expr) -> Result<Option<Expr>, SqlError> {
    let number = match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => Some(text.as_str()),
        other => string(other),
    };
    let Some(text) = number else { return Ok(None) };
    let Ok(written) = numeric_texts::read(text) else { return Ok(None) };
    let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
    let length = u64::try_from(whole.trim_start_matches('-').len().saturating_add(fraction.len())).ok();
    let Some(length) = length.filter(|length| *length <= MOST) else { return Err(too_many_digits()) };
    let cast = |value, info| Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::value(value)),
        data_type: DataType::Numeric(info),
        array: false,
        format: None,
    };
    if fraction.is_empty() {
        // A number of any digits has so many before its point; of more, it has none behind.
        return Ok(Some(if length <= BEFORE_POINT {
            cast(Value::SingleQuotedString(written), ExactNumberInfo::None)
        } else {
            cast(Value::SingleQuotedString(written), ExactNumberInfo::PrecisionAndScale(length, 0))
        }));
    }
    // What has a point is a numeric already.
    Ok(Some(match written.strip_prefix('-') {
        Some(digits) => {
            let number = Box::new(Expr::value(Value::Number(digits.to_owned(), false)));
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: number }
        }
        None => Expr::value(Value::Number(written, false)),
    }))
}

/// The text of a `bytea` as a literal of its bytes.
pub(super) fn bytes(text: &str) -> Result<Expr, SqlError> {
    let mut hex = String::new();
    for byte in bytea::parse(text)? {
        // Writing into memory does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(Expr::value(Value::HexStringLiteral(hex)))
}

/// The text of an array as the array of its elements, each cast to the element type.
pub(super) fn array(text: &str, element: &DataType) -> Result<Expr, SqlError> {
    let cast = |item: Option<String>| Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::value(item.map_or(Value::Null, Value::SingleQuotedString))),
        data_type: element.clone(),
        array: false,
        format: None,
    };
    let elem = array_literal::items(text)?.into_iter().map(cast).collect();
    Ok(Expr::Array(Array { elem, named: true }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_exponents() {
        let value = |text: &str| Expr::value(Value::Number(text.to_owned(), false));
        let text = |expr: &Expr, kind: &DataType| float(expr, kind).map(|expr| expr.map(|expr| expr.to_string()));
        let wide = DataType::DoublePrecision;
        assert_eq!(text(&value("1e300"), &wide).unwrap().as_deref(), Some("'1e300'"));
        assert_eq!(text(&value("1e-300"), &DataType::Float8).unwrap().as_deref(), Some("'1e-300'"));
        assert_eq!(text(&value("1.5"), &wide).unwrap(), None);
        assert_eq!(text(&value("0e400"), &wide).unwrap().as_deref(), Some("'0e400'"));
        for (number, kind) in [("1e400", &wide), ("1e-400", &wide), ("1e300", &DataType::Real)] {
            assert_eq!(text(&value(number), kind).unwrap_err().sqlstate, "22003", "{number}");
        }
    }

    #[test]
    fn numbers_have_a_largest_size() {
        for text in ["1e37", "1e-76", "1.5", "12345678901234567890", "0"] {
            assert!(numeric(text).is_ok(), "{text}");
        }
        for text in ["1e38", "1e300", "1e-300", "1e-77", "1e99999999999999999999"] {
            assert_eq!(numeric(text).unwrap_err().sqlstate, "0A000", "{text}");
        }
    }
}
