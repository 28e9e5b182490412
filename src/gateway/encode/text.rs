//! The text form of values.

use std::fmt::Write as _;

use bytes::{BufMut as _, BytesMut};
use chrono::{DateTime, NaiveDateTime, Offset as _, TimeZone as _, Timelike as _};
use datafusion::arrow::array::{Array, ArrayRef, AsArray as _};
use datafusion::arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use postgres_types::{Kind, Type};

use super::super::error::SqlError;
use super::super::values::ranges;
use super::{
    Style, bytes, days, decimal, integer, interval, list, micros, out_of_range, string, time_with_zone, undictionary,
    unsupported,
};

/// Appends a value; `false` is NULL.
pub(super) fn value(
    out: &mut BytesMut,
    array: &ArrayRef,
    row: usize,
    pg: &Type,
    style: &Style,
) -> Result<bool, SqlError> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Ok(false);
    }
    if let Some((values, key)) = undictionary(array, row) {
        return value(out, &values, key, pg, style);
    }
    let array = array.as_ref();
    if let Some(text) = string(array, row) {
        match ranges::shown(text, pg, style.zone)? {
            Some(text) => out.put_slice(text.as_bytes()),
            None => out.put_slice(text.as_bytes()),
        }
    } else if let Some(number) = integer(array, row) {
        let fits = match *pg {
            Type::INT4 => i32::try_from(number).is_ok(),
            Type::INT8 => i64::try_from(number).is_ok(),
            _ => true,
        };
        if !fits {
            return Err(out_of_range(pg));
        }
        // Object ids are unsigned, whatever holds them.
        let number = if *pg == Type::OID && number < 0 { number + (1 << 32) } else { number };
        put(out, format_args!("{number}"));
    } else if let Some(text) = decimal(array, row) {
        out.put_slice(text.as_bytes());
    } else if let Some(days) = days(array, row) {
        put_date(out, days)?;
    } else if let Some((months, days, micros)) = interval(array, row)? {
        put_interval(out, months, days, micros);
    } else if let Some(elements) = list(array, row) {
        put_list(out, &elements, pg, style)?;
    } else if let Some(time) = time_with_zone(array, row) {
        put_time(out, time.micros);
        put_offset(out, -time.west);
    } else if let Some(raw) = bytes(array, row) {
        put_bytea(out, raw, style);
    } else if let Some(micros) = micros(array, row)? {
        match array.data_type() {
            DataType::Timestamp(_, zone) => put_timestamp(out, micros, zone.is_some(), style)?,
            _ => put_time(out, micros),
        }
    } else {
        match array.data_type() {
            DataType::Boolean => out.put_u8(if array.as_boolean().value(row) { b't' } else { b'f' }),
            DataType::Float16 => put_float(out, array.as_primitive::<Float16Type>().value(row).to_f64(), None),
            DataType::Float32 => {
                let number = array.as_primitive::<Float32Type>().value(row);
                put_float(out, number.into(), Some(number));
            }
            DataType::Float64 => put_float(out, array.as_primitive::<Float64Type>().value(row), None),
            DataType::Struct(_) => put_record(out, array, row, style)?,
            _ => return Err(unsupported(array)),
        }
    }
    Ok(true)
}

fn put(out: &mut BytesMut, text: std::fmt::Arguments<'_>) {
    // Writing into memory does not fail.
    let _ = out.write_fmt(text);
}

/// The shortest digits that give the number back, with an exponent where PostgreSQL uses one.
fn put_float(out: &mut BytesMut, number: f64, single: Option<f32>) {
    if number.is_nan() {
        out.put_slice(b"NaN");
        return;
    }
    if number.is_infinite() {
        out.put_slice(if number > 0.0 { b"Infinity" } else { b"-Infinity" });
        return;
    }
    let scientific = single.map_or_else(|| format!("{number:e}"), |number| format!("{number:e}"));
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let largest = if single.is_some() { 6 } else { 15 };
    if number == 0.0 || (-4..largest).contains(&exponent) {
        match single {
            Some(number) => put(out, format_args!("{number}")),
            None => put(out, format_args!("{number}")),
        }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        put(out, format_args!("{mantissa}e{sign}{:02}", exponent.abs()));
    }
}

fn date_out_of_range() -> SqlError {
    SqlError::new("22008", "date out of range")
}

/// Year, with BC told apart.
fn put_day(out: &mut BytesMut, day: &impl chrono::Datelike) -> bool {
    let (ce, year) = day.year_ce();
    put(out, format_args!("{year:04}-{:02}-{:02}", day.month(), day.day()));
    ce
}

fn put_date(out: &mut BytesMut, days: i64) -> Result<(), SqlError> {
    let seconds = days.checked_mul(86_400).ok_or_else(date_out_of_range)?;
    let day = DateTime::from_timestamp(seconds, 0).ok_or_else(date_out_of_range)?;
    if !put_day(out, &day) {
        out.put_slice(b" BC");
    }
    Ok(())
}

/// `.5` for 500,000 microseconds; nothing for zero.
fn put_fraction(out: &mut BytesMut, micros: u32) {
    if micros > 0 {
        let digits = format!(".{micros:06}");
        out.put_slice(digits.trim_end_matches('0').as_bytes());
    }
}

fn put_time(out: &mut BytesMut, micros: i64) {
    let seconds = micros.div_euclid(1_000_000);
    put(out, format_args!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60));
    put_fraction(out, u32::try_from(micros.rem_euclid(1_000_000)).unwrap_or(0));
}

fn put_timestamp(out: &mut BytesMut, micros: i64, zoned: bool, style: &Style) -> Result<(), SqlError> {
    let utc = DateTime::from_timestamp_micros(micros).ok_or_else(date_out_of_range)?.naive_utc();
    let offset = match (&style.zone, zoned) {
        (Some(zone), true) => zone.offset_from_utc_datetime(&utc).fix().local_minus_utc(),
        _ => 0,
    };
    let local: NaiveDateTime =
        utc.checked_add_signed(chrono::TimeDelta::seconds(offset.into())).ok_or_else(date_out_of_range)?;
    let ce = put_day(out, &local);
    put(out, format_args!(" {:02}:{:02}:{:02}", local.hour(), local.minute(), local.second()));
    put_fraction(out, local.nanosecond() / 1_000 % 1_000_000);
    if zoned {
        put_offset(out, offset);
    }
    if !ce {
        out.put_slice(b" BC");
    }
    Ok(())
}

/// `+01`, or `-05:30`, for seconds east of UTC.
fn put_offset(out: &mut BytesMut, east: i32) {
    let away = east.unsigned_abs();
    put(out, format_args!("{}{:02}", if east < 0 { '-' } else { '+' }, away / 3_600));
    if !away.is_multiple_of(3_600) {
        put(out, format_args!(":{:02}", away / 60 % 60));
    }
    if !away.is_multiple_of(60) {
        put(out, format_args!(":{:02}", away % 60));
    }
}

/// `1 year 2 mons 3 days 04:05:06.7`, PostgreSQL's own style.
fn put_interval(out: &mut BytesMut, months: i32, days: i32, micros: i64) {
    let mut parts: Vec<String> = Vec::new();
    let mut negative_before = false;
    for (count, one, many) in [(months / 12, "year", "years"), (months % 12, "mon", "mons"), (days, "day", "days")] {
        if count != 0 {
            let plus = if negative_before && count > 0 { "+" } else { "" };
            parts.push(format!("{plus}{count} {}", if count == 1 { one } else { many }));
            negative_before = count < 0;
        }
    }
    if micros != 0 || parts.is_empty() {
        let mut time = BytesMut::new();
        put(
            &mut time,
            format_args!(
                "{}",
                if micros < 0 {
                    "-"
                } else if negative_before {
                    "+"
                } else {
                    ""
                }
            ),
        );
        put_time(&mut time, i64::try_from(micros.unsigned_abs()).unwrap_or(i64::MAX));
        parts.push(String::from_utf8_lossy(&time).into_owned());
    }
    out.put_slice(parts.join(" ").as_bytes());
}

fn put_bytea(out: &mut BytesMut, raw: &[u8], style: &Style) {
    if style.escape_bytea {
        for byte in raw {
            match byte {
                b'\\' => out.put_slice(b"\\\\"),
                0x20..=0x7e => out.put_u8(*byte),
                other => put(out, format_args!("\\{other:03o}")),
            }
        }
        return;
    }
    out.put_slice(b"\\x");
    for byte in raw {
        put(out, format_args!("{byte:02x}"));
    }
}

/// `[0:1]=`, before an array whose first element is the `lower` one.
pub(super) fn put_bounds(out: &mut BytesMut, array: &ArrayRef, row: usize, lower: i32) {
    let elements = if array.is_null(row) { None } else { list(array.as_ref(), row) };
    let last = |length: usize| i32::try_from(length).ok()?.checked_add(lower)?.checked_sub(1);
    if let Some(last) = elements.filter(|elements| !elements.is_empty()).and_then(|elements| last(elements.len())) {
        put(out, format_args!("[{lower}:{last}]="));
    }
}

fn put_list(out: &mut BytesMut, elements: &ArrayRef, pg: &Type, style: &Style) -> Result<(), SqlError> {
    let element = match pg.kind() {
        Kind::Array(element) => element.clone(),
        _ => Type::TEXT,
    };
    // The vectors of the catalog are written without braces.
    let vector = *pg == Type::INT2_VECTOR || *pg == Type::OID_VECTOR;
    if !vector {
        out.put_u8(b'{');
    }
    let mut text = BytesMut::new();
    for row in 0..elements.len() {
        if row > 0 {
            out.put_u8(if vector { b' ' } else { b',' });
        }
        if let Some(inner) = (!elements.is_null(row)).then(|| list(elements.as_ref(), row)).flatten() {
            put_list(out, &inner, pg, style)?;
            continue;
        }
        text.clear();
        if !value(&mut text, elements, row, &element, style)? {
            out.put_slice(b"NULL");
        } else if needs_quotes(&text) {
            put_quoted(out, &text, b"\\\"", b"\\\\");
        } else {
            out.put_slice(&text);
        }
    }
    if !vector {
        out.put_u8(b'}');
    }
    Ok(())
}

fn needs_quotes(text: &[u8]) -> bool {
    text.is_empty()
        || text.eq_ignore_ascii_case(b"null")
        || text.iter().any(|byte| {
            matches!(byte, b'{' | b'}' | b'"' | b'\\' | b',') || byte.is_ascii_whitespace() || *byte == 0x0b
        })
}

fn put_quoted(out: &mut BytesMut, text: &[u8], quote: &[u8], backslash: &[u8]) {
    out.put_u8(b'"');
    for byte in text {
        match byte {
            b'"' => out.put_slice(quote),
            b'\\' => out.put_slice(backslash),
            other => out.put_u8(*other),
        }
    }
    out.put_u8(b'"');
}

fn put_record(out: &mut BytesMut, array: &dyn Array, row: usize, style: &Style) -> Result<(), SqlError> {
    out.put_u8(b'(');
    let mut text = BytesMut::new();
    let columns = array.as_struct().columns().iter().zip(array.as_struct().fields());
    for (index, (column, field)) in columns.enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        text.clear();
        let pg = super::super::query::shape::type_of(field)?;
        if value(&mut text, column, row, &pg, style)? {
            let special =
                |byte: &u8| matches!(byte, b'(' | b')' | b'"' | b'\\' | b',' | 0x0b) || byte.is_ascii_whitespace();
            if text.is_empty() || text.iter().any(special) {
                put_quoted(out, &text, b"\"\"", b"\\\\");
            } else {
                out.put_slice(&text);
            }
        }
    }
    out.put_u8(b')');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr as _;
    use std::sync::Arc;

    use datafusion::arrow::array::timezone::Tz;
    use datafusion::arrow::array::{
        Float32Array, Float64Array, IntervalMonthDayNanoArray, ListArray, TimestampMicrosecondArray,
    };
    use datafusion::arrow::datatypes::{Int32Type, IntervalMonthDayNano};

    fn text(array: ArrayRef, pg: &Type, style: &Style) -> String {
        let mut out = BytesMut::new();
        let [array] = &[array];
        assert!(value(&mut out, array, 0, pg, style).unwrap());
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn floats_are_written_as_postgresql_writes_them() {
        for (number, wanted) in [
            (8.0, "8"),
            (0.1, "0.1"),
            (1e20, "1e+20"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (-0.0, "-0"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (1.5e300, "1.5e+300"),
        ] {
            assert_eq!(text(Arc::new(Float64Array::from(vec![number])), &Type::FLOAT8, &Style::default()), wanted);
        }
        assert_eq!(
            text(Arc::new(Float32Array::from(vec![1_234_567.0])), &Type::FLOAT4, &Style::default()),
            "1.234567e+06"
        );
        assert_eq!(text(Arc::new(Float32Array::from(vec![0.1])), &Type::FLOAT4, &Style::default()), "0.1");
    }

    #[test]
    fn timestamps_are_shown_in_the_zone_with_a_short_fraction() {
        let at =
            |micros: i64| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC")) };
        let zone = |name| Style { zone: Some(Tz::from_str(name).unwrap()), escape_bytea: false };
        let base = 1_767_225_600_000_000; // 2026-01-01 00:00:00 UTC
        assert_eq!(text(at(base), &Type::TIMESTAMPTZ, &Style::default()), "2026-01-01 00:00:00+00");
        assert_eq!(text(at(base + 250_000), &Type::TIMESTAMPTZ, &Style::default()), "2026-01-01 00:00:00.25+00");
        assert_eq!(text(at(base), &Type::TIMESTAMPTZ, &zone("Europe/Berlin")), "2026-01-01 01:00:00+01");
        assert_eq!(text(at(base), &Type::TIMESTAMPTZ, &zone("Asia/Kolkata")), "2026-01-01 05:30:00+05:30");
        assert_eq!(
            text(at(-62_198_755_200_000_000), &Type::TIMESTAMPTZ, &Style::default()),
            "0002-01-01 00:00:00+00 BC"
        );
    }

    #[test]
    fn intervals_arrays_and_bytes() {
        let interval = |months, days, micros: i64| -> ArrayRef {
            Arc::new(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(months, days, micros * 1_000)]))
        };
        let plain = Style::default();
        assert_eq!(text(interval(14, 3, 3_661_500_000), &Type::INTERVAL, &plain), "1 year 2 mons 3 days 01:01:01.5");
        assert_eq!(text(interval(0, 0, 0), &Type::INTERVAL, &plain), "00:00:00");
        assert_eq!(text(interval(0, -1, 60_000_000), &Type::INTERVAL, &plain), "-1 days +00:01:00");
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None, Some(3)])]);
        assert_eq!(text(Arc::new(list), &Type::INT4_ARRAY, &plain), "{1,NULL,3}");
        let bytes = datafusion::arrow::array::BinaryArray::from(vec![&b"\x00a\\"[..]]);
        assert_eq!(text(Arc::new(bytes.clone()), &Type::BYTEA, &plain), "\\x00615c");
        assert_eq!(text(Arc::new(bytes), &Type::BYTEA, &Style { escape_bytea: true, ..plain }), "\\000a\\\\");
        assert!(needs_quotes(b"a b") && needs_quotes(b"") && needs_quotes(b"NULL") && !needs_quotes(b"a.b"));
    }
}
