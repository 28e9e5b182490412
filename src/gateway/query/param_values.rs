//! Values of parameters from the wire, as text and in binary.

use std::str::FromStr as _;

use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::scalar::ScalarValue;
use postgres_types::{Kind, Type};

use super::super::error::SqlError;
use super::super::frame::utf8;
use super::super::pgcatalog::functions::is_cast_function;
use super::super::values::timetz::{self, TimeTz};
use super::super::values::{array_literal, bytea, intervals, ranges};
use super::param_rows;
use super::params::{ParamType, arrow_type, long_name};

/// A value from the wire.
pub(crate) fn value(
    raw: Option<&[u8]>,
    binary: bool,
    ty: &ParamType,
    zone: Option<Tz>,
    number: usize,
) -> Result<ScalarValue, SqlError> {
    ty.exists()?;
    let Some(raw) = raw else { return ty.null() };
    if binary {
        from_binary(raw, &ty.pg)?
            .ok_or_else(|| SqlError::new("22P03", format!("incorrect binary data format in bind parameter {number}")))
    } else {
        from_text(&text_of(raw)?, &ty.pg, zone)
    }
}

/// The text in bytes of the wire.
fn text_of(raw: &[u8]) -> Result<String, SqlError> {
    let text = utf8(raw)?;
    if text.contains('\0') {
        return Err(SqlError::new("22021", "invalid byte sequence for encoding \"UTF8\": 0x00"));
    }
    Ok(text)
}

/// A value from its text form.
pub(crate) fn from_text(text: &str, pg: &Type, zone: Option<Tz>) -> Result<ScalarValue, SqlError> {
    let dates = matches!(*pg, Type::DATE | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::INTERVAL);
    let invalid = || {
        let code = if dates { "22007" } else { "22P02" };
        SqlError::new(code, format!("invalid input syntax for type {}: \"{text}\"", long_name(pg)))
    };
    if let Kind::Domain(base) = pg.kind() {
        return from_text(text, base, zone);
    }
    if ranges::is_range(pg) {
        return ranges::keep(text, pg, zone).map(|kept| ScalarValue::Utf8(Some(kept)));
    }
    if let Kind::Composite(columns) = pg.kind() {
        return param_rows::read_text(text, columns, zone);
    }
    if let Kind::Array(element) = pg.kind()
        && matches!(arrow_type(pg), DataType::List(_))
    {
        let values = array_literal::items(text)?
            .into_iter()
            .map(|item| match item {
                Some(item) => from_text(&item, element, zone),
                None => ScalarValue::try_from(&arrow_type(element)).map_err(|error| SqlError::from(&error)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        return array(values, element);
    }
    let trimmed = text.trim();
    // Infinity is written in letters: digits that make it are too big a number.
    let is_number = |finite: bool| finite || !trimmed.bytes().any(|byte| byte.is_ascii_digit());
    let too_big = || SqlError::new("22003", format!("\"{trimmed}\" is out of range for type {}", long_name(pg)));
    Ok(match *pg {
        Type::BOOL => {
            let lower = trimmed.to_ascii_lowercase();
            let starts = |word: &str, least: usize| lower.len() >= least && word.starts_with(&lower);
            if lower == "1" || lower == "on" || starts("true", 1) || starts("yes", 1) {
                ScalarValue::Boolean(Some(true))
            } else if lower == "0" || starts("off", 2) || starts("false", 1) || starts("no", 1) {
                ScalarValue::Boolean(Some(false))
            } else {
                return Err(invalid());
            }
        }
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::XID => {
            let Ok(wide) = trimmed.parse::<i128>() else { return Err(invalid()) };
            let range =
                || SqlError::new("22003", format!("value \"{trimmed}\" is out of range for type {}", long_name(pg)));
            match *pg {
                Type::INT2 => ScalarValue::Int16(Some(i16::try_from(wide).map_err(|_| range())?)),
                Type::INT4 => ScalarValue::Int32(Some(i32::try_from(wide).map_err(|_| range())?)),
                _ => ScalarValue::Int64(Some(i64::try_from(wide).map_err(|_| range())?)),
            }
        }
        Type::FLOAT4 => {
            let value: f32 = trimmed.parse().map_err(|_| invalid())?;
            ScalarValue::Float32(Some(if is_number(value.is_finite()) { value } else { return Err(too_big()) }))
        }
        Type::FLOAT8 => {
            let value: f64 = trimmed.parse().map_err(|_| invalid())?;
            ScalarValue::Float64(Some(if is_number(value.is_finite()) { value } else { return Err(too_big()) }))
        }
        Type::NUMERIC => decimal(trimmed).ok_or_else(invalid)?,
        Type::BYTEA => ScalarValue::Binary(Some(bytea::parse(text)?)),
        Type::TIMESTAMPTZ => {
            let from = zone.map_or_else(|| "UTC".to_owned(), |zone| zone.to_string());
            let ty = DataType::Timestamp(TimeUnit::Microsecond, Some(from.into()));
            match ScalarValue::try_from_string(trimmed.to_owned(), &ty) {
                Ok(ScalarValue::TimestampMicrosecond(micros, _)) => {
                    ScalarValue::TimestampMicrosecond(micros, Some("UTC".into()))
                }
                _ => return Err(invalid()),
            }
        }
        Type::TIMETZ => kept(timetz::read(text, zone)?),
        Type::INTERVAL => {
            let (months, days, micros) = intervals::parse(trimmed, "seconds").ok_or_else(invalid)?;
            let nanos = micros.checked_mul(1_000).ok_or_else(invalid)?;
            ScalarValue::new_interval_mdn(months, days, nanos)
        }
        Type::DATE | Type::TIME | Type::TIMESTAMP => {
            let value = ScalarValue::try_from_string(trimmed.to_owned(), &arrow_type(pg)).map_err(|_| invalid())?;
            if value.is_null() {
                return Err(invalid());
            }
            value
        }
        Type::UUID => {
            let id = uuid::Uuid::from_str(trimmed).map_err(|_| invalid())?;
            ScalarValue::Utf8(Some(id.to_string()))
        }
        _ => ScalarValue::Utf8(Some(text.to_owned())),
    })
}

fn kept(time: TimeTz) -> ScalarValue {
    ScalarValue::FixedSizeBinary(timetz::WIDTH, Some(time.keep().to_vec()))
}

/// An array of values of one type. Exact numbers come with digits of their own and get as many as the one that has most.
fn array(mut values: Vec<ScalarValue>, element: &Type) -> Result<ScalarValue, SqlError> {
    let mut item = arrow_type(element);
    if let DataType::Decimal128(precision, _) = item {
        let scales = values.iter().filter_map(|value| match value {
            ScalarValue::Decimal128(Some(_), _, scale) => Some(*scale),
            _ => None,
        });
        item = DataType::Decimal128(precision, scales.max().unwrap_or(0));
        for value in &mut values {
            *value = value.cast_to(&item).map_err(|error| SqlError::from(&error))?;
        }
    }
    Ok(ScalarValue::List(ScalarValue::new_list(&values, &item, true)))
}

fn decimal(text: &str) -> Option<ScalarValue> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let plain: String = digits.chars().filter(|c| *c != '.').collect();
    let unsigned = plain.trim_start_matches(['-', '+']);
    if unsigned.is_empty() || !unsigned.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let mut value: i128 = plain.parse().ok()?;
    let mut scale = i32::try_from(fraction).ok()?.checked_sub(exponent)?;
    while scale < 0 {
        value = value.checked_mul(10)?;
        scale += 1;
    }
    ScalarValue::try_new_decimal128(value, 38, i8::try_from(scale).ok()?).ok()
}

/// Microseconds and days between 1970 and 2000, where PostgreSQL counts from.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
pub(crate) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// The bytes of a binary value whose size is the same for every value of its type.
fn width_of(pg: &Type) -> usize {
    match *pg {
        Type::INT2 => 2,
        Type::INT4 | Type::OID | Type::XID | Type::FLOAT4 | Type::DATE => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        Type::TIMETZ => 12,
        Type::INTERVAL | Type::UUID => 16,
        _ if is_cast_function(pg.name()) => 4,
        _ => 0,
    }
}

fn insufficient() -> SqlError {
    SqlError::new("08P01", "insufficient data left in message")
}

/// A value from its binary form; `None` for another form.
pub(crate) fn from_binary(raw: &[u8], pg: &Type) -> Result<Option<ScalarValue>, SqlError> {
    if raw.len() < width_of(pg) {
        return Err(insufficient());
    }
    if raw.is_empty() && matches!(*pg, Type::BOOL | Type::CHAR | Type::JSONB) {
        return Err(SqlError::new("08P01", "no data left in message"));
    }
    let i64_of = |raw: &[u8]| raw.try_into().ok().map(i64::from_be_bytes);
    let i32_of = |raw: &[u8]| raw.try_into().ok().map(i32::from_be_bytes);
    Ok(match *pg {
        Type::BOOL => match raw {
            [byte] => Some(ScalarValue::Boolean(Some(*byte != 0))),
            _ => None,
        },
        Type::INT2 => raw.try_into().ok().map(|raw| ScalarValue::Int16(Some(i16::from_be_bytes(raw)))),
        Type::INT4 => i32_of(raw).map(|value| ScalarValue::Int32(Some(value))),
        Type::INT8 => i64_of(raw).map(|value| ScalarValue::Int64(Some(value))),
        Type::OID | Type::XID => {
            raw.try_into().ok().map(|raw| ScalarValue::Int64(Some(i64::from(u32::from_be_bytes(raw)))))
        }
        // Names or numbers: the function of the cast reads both.
        _ if is_cast_function(pg.name()) => {
            raw.try_into().ok().map(|raw| ScalarValue::Utf8(Some(u32::from_be_bytes(raw).to_string())))
        }
        Type::FLOAT4 => raw.try_into().ok().map(|raw| ScalarValue::Float32(Some(f32::from_be_bytes(raw)))),
        Type::FLOAT8 => raw.try_into().ok().map(|raw| ScalarValue::Float64(Some(f64::from_be_bytes(raw)))),
        Type::DATE => {
            i32_of(raw).and_then(|days| days.checked_add(EPOCH_DAYS)).map(|days| ScalarValue::Date32(Some(days)))
        }
        Type::TIME => i64_of(raw)
            .filter(|micros| (0..=86_400_000_000).contains(micros))
            .map(|micros| ScalarValue::Time64Microsecond(Some(micros))),
        Type::TIMETZ => TimeTz::receive(raw)?.map(kept),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            let zone = (*pg == Type::TIMESTAMPTZ).then(|| "UTC".into());
            i64_of(raw)
                .and_then(|micros| micros.checked_add(EPOCH_MICROS))
                .map(|micros| ScalarValue::TimestampMicrosecond(Some(micros), zone))
        }
        Type::INTERVAL => match (raw.get(..8), raw.get(8..12), raw.get(12..)) {
            (Some(micros), Some(days), Some(months)) => i64_of(micros)
                .and_then(|micros| micros.checked_mul(1_000))
                .zip(i32_of(days).zip(i32_of(months)))
                .map(|(nanos, (days, months))| ScalarValue::new_interval_mdn(months, days, nanos)),
            _ => None,
        },
        Type::UUID => uuid::Uuid::from_slice(raw).ok().map(|id| ScalarValue::Utf8(Some(id.to_string()))),
        Type::BYTEA => Some(ScalarValue::Binary(Some(raw.to_vec()))),
        Type::NUMERIC => numeric_from_binary(raw),
        Type::JSONB => match raw.split_first() {
            Some((1, rest)) => Some(ScalarValue::Utf8(Some(text_of(rest)?))),
            _ => None,
        },
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::JSON | Type::CHAR => {
            Some(ScalarValue::Utf8(Some(text_of(raw)?)))
        }
        _ => match pg.kind() {
            Kind::Array(element) => array_from_binary(raw, element)?,
            Kind::Domain(base) => from_binary(raw, base)?,
            Kind::Range(_) | Kind::Multirange(_) => ranges::receive(raw, pg)?.map(|kept| ScalarValue::Utf8(Some(kept))),
            Kind::Composite(columns) => param_rows::read_binary(raw, columns)?,
            _ => {
                return Err(SqlError::unsupported(format!(
                    "binary parameters of type {} are not supported",
                    pg.name()
                )));
            }
        },
    })
}

fn array_from_binary(raw: &[u8], element: &Type) -> Result<Option<ScalarValue>, SqlError> {
    use bytes::Buf as _;
    let mut raw = raw;
    let item = arrow_type(element);
    let (Ok(dimensions), Ok(_nulls), Ok(oid)) = (raw.try_get_i32(), raw.try_get_i32(), raw.try_get_u32()) else {
        return Ok(None);
    };
    if dimensions == 0 {
        return array(Vec::new(), element).map(Some);
    }
    if dimensions != 1 || oid != element.oid() {
        return Ok(None);
    }
    let (Ok(count), Ok(_lower)) = (raw.try_get_i32(), raw.try_get_i32()) else { return Ok(None) };
    let mut values = Vec::new();
    for _ in 0..count {
        let Ok(length) = raw.try_get_i32() else { return Ok(None) };
        if length == -1 {
            values.push(ScalarValue::try_from(&item).map_err(|error| SqlError::from(&error))?);
            continue;
        }
        let Some((bytes, rest)) = usize::try_from(length).ok().and_then(|length| raw.split_at_checked(length)) else {
            return Ok(None);
        };
        raw = rest;
        let Some(value) = from_binary(bytes, element)? else { return Ok(None) };
        values.push(value);
    }
    if raw.is_empty() { array(values, element).map(Some) } else { Ok(None) }
}

fn numeric_from_binary(raw: &[u8]) -> Option<ScalarValue> {
    use bytes::Buf as _;
    let mut raw = raw;
    let groups = raw.try_get_u16().ok()?;
    let weight = i32::from(raw.try_get_i16().ok()?);
    let sign = raw.try_get_u16().ok()?;
    let scale = i32::from(raw.try_get_u16().ok()?);
    let mut value: i128 = 0;
    for _ in 0..groups {
        let group = raw.try_get_u16().ok().filter(|group| *group < 10_000)?;
        value = value.checked_mul(10_000)?.checked_add(i128::from(group))?;
    }
    // The last group stands for 10000^(weight - groups + 1).
    let mut digits = weight.checked_sub(i32::from(groups))?.checked_add(1)?.checked_mul(4)?.checked_add(scale)?;
    if !raw.is_empty() || sign > 0x4000 || digits.abs() > 200 {
        return None;
    }
    while digits > 0 && value != 0 {
        value = value.checked_mul(10)?;
        digits -= 1;
    }
    while digits < 0 {
        value /= 10;
        digits += 1;
    }
    ScalarValue::try_new_decimal128(if sign == 0x4000 { -value } else { value }, 38, i8::try_from(scale).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_values_are_checked() {
        assert_eq!(from_text("x", &Type::INT4, None).unwrap_err().sqlstate, "22P02");
        assert_eq!(from_text("99999999999", &Type::INT4, None).unwrap_err().sqlstate, "22003");
        assert_eq!(from_text("1e400", &Type::FLOAT8, None).unwrap_err().sqlstate, "22003");
        assert_eq!(from_text("1e50", &Type::FLOAT4, None).unwrap_err().sqlstate, "22003");
        assert_eq!(from_text("-infinity", &Type::FLOAT4, None).unwrap(), ScalarValue::Float32(Some(f32::NEG_INFINITY)));
        assert_eq!(from_text("soon", &Type::TIMESTAMPTZ, None).unwrap_err().sqlstate, "22007");
        assert_eq!(from_text("yes", &Type::BOOL, None).unwrap(), ScalarValue::Boolean(Some(true)));
        assert_eq!(from_text("-1.50", &Type::NUMERIC, None).unwrap(), ScalarValue::Decimal128(Some(-150), 38, 2));
    }

    #[test]
    fn the_numbers_of_an_array_keep_their_values() {
        let item = DataType::Decimal128(38, 2);
        let number = |value| ScalarValue::Decimal128(value, 38, 2);
        let wanted = [None, Some(150), Some(225)].map(number);
        let found = from_text("{NULL,1.5,2.25}", &Type::NUMERIC_ARRAY, None).unwrap();
        assert_eq!(found, ScalarValue::List(ScalarValue::new_list(&wanted, &item, true)));
    }

    #[test]
    fn texts_have_no_zero_byte() {
        let ty = |pg: Type| ParamType { arrow: arrow_type(&pg), pg };
        for (binary, pg) in [(true, Type::TEXT), (false, Type::TEXT), (true, Type::VARCHAR), (false, Type::NAME)] {
            let error = value(Some(b"a\0b"), binary, &ty(pg), None, 1).unwrap_err();
            assert_eq!(error.sqlstate, "22021");
        }
    }

    #[test]
    fn binary_numbers_have_their_width() {
        assert_eq!(from_binary(&[0, 0, 0, 7], &Type::INT4).unwrap(), Some(ScalarValue::Int32(Some(7))));
        assert_eq!(from_binary(&[0, 7], &Type::INT8).unwrap_err().sqlstate, "08P01");
        assert_eq!(from_binary(&[0, 0, 0, 0, 7], &Type::INT4).unwrap(), None);
        // 12.5: groups 12 and 5000, weight 0, scale 1.
        let raw = [0, 2, 0, 0, 0, 0, 0, 1, 0, 12, 0x13, 0x88];
        assert_eq!(numeric_from_binary(&raw), Some(ScalarValue::Decimal128(Some(125), 38, 1)));
    }
}
