//! The binary form of values.

use bytes::{BufMut as _, BytesMut};
use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use postgres_types::{Kind, Type};

use super::super::error::SqlError;
use super::super::query::param_values::{EPOCH_DAYS, EPOCH_MICROS};
use super::super::query::shape::{Column, type_of};
use super::super::values::ranges;
use super::{
    Part, bytes, days, decimal, integer, interval, list, micros, out_of_range, part, sized, string, time_with_zone,
    undictionary, unsupported,
};

/// Appends a row as COPY BINARY has it: a count, then sized values.
pub(crate) fn copy_row(
    out: &mut BytesMut,
    batch: &RecordBatch,
    row: usize,
    columns: &[Column],
) -> Result<(), SqlError> {
    out.put_u16(columns.len() as u16);
    for (array, column) in batch.columns().iter().zip(columns) {
        sized(out, |out| self::column(out, array, row, column))?;
    }
    Ok(())
}

/// Appends a value of a column; `false` is NULL.
pub(crate) fn column(out: &mut BytesMut, array: &ArrayRef, row: usize, column: &Column) -> Result<bool, SqlError> {
    value(out, &part(array, &column.pg, Part::Number), row, &column.pg, column.lower)
}

/// Appends a value; `false` is NULL. The first element of an array is its `lower` one.
pub(super) fn value(out: &mut BytesMut, array: &ArrayRef, row: usize, pg: &Type, lower: i32) -> Result<bool, SqlError> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Ok(false);
    }
    if let Some((values, key)) = undictionary(array, row) {
        return value(out, &values, key, pg, lower);
    }
    let array = array.as_ref();
    if let Some(text) = string(array, row) {
        put_string(out, text, pg)?;
    } else if let Some(number) = integer(array, row) {
        put_integer(out, number, pg)?;
    } else if let Some(text) = decimal(array, row) {
        put_numeric(out, &text)?;
    } else if let Some(days) = days(array, row) {
        let days = days.checked_sub(EPOCH_DAYS.into()).and_then(|days| i32::try_from(days).ok());
        out.put_i32(days.ok_or_else(|| SqlError::new("22008", "date out of range"))?);
    } else if let Some((months, days, micros)) = interval(array, row)? {
        out.put_i64(micros);
        out.put_i32(days);
        out.put_i32(months);
    } else if let Some(elements) = list(array, row) {
        put_array(out, &elements, pg, lower)?;
    } else if let Some(time) = time_with_zone(array, row) {
        out.put_i64(time.micros);
        out.put_i32(time.west);
    } else if let Some(raw) = bytes(array, row) {
        out.put_slice(raw);
    } else if let Some(micros) = micros(array, row)? {
        let since = if matches!(array.data_type(), DataType::Timestamp(..)) { EPOCH_MICROS } else { 0 };
        out.put_i64(micros.checked_sub(since).ok_or_else(|| SqlError::new("22008", "timestamp out of range"))?);
    } else {
        match array.data_type() {
            DataType::Boolean => out.put_u8(array.as_boolean().value(row).into()),
            DataType::Float16 => out.put_f32(array.as_primitive::<Float16Type>().value(row).to_f32()),
            DataType::Float32 => out.put_f32(array.as_primitive::<Float32Type>().value(row)),
            DataType::Float64 => out.put_f64(array.as_primitive::<Float64Type>().value(row)),
            DataType::Struct(_) => put_record(out, array, row)?,
            _ => return Err(unsupported(array)),
        }
    }
    Ok(true)
}

fn put_string(out: &mut BytesMut, text: &str, pg: &Type) -> Result<(), SqlError> {
    match *pg {
        Type::CHAR => out.put_u8(text.as_bytes().first().copied().unwrap_or(0)),
        Type::UUID => {
            let id = uuid::Uuid::parse_str(text).map_err(|_| SqlError::new("22P03", "a uuid has a wrong form"))?;
            out.put_slice(id.as_bytes());
        }
        Type::JSONB => {
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        // A number with the digits that are shown of it.
        Type::NUMERIC => put_numeric(out, text)?,
        _ if ranges::is_range(pg) => ranges::send(out, text, pg)?,
        _ => out.put_slice(text.as_bytes()),
    }
    Ok(())
}

fn put_integer(out: &mut BytesMut, number: i128, pg: &Type) -> Result<(), SqlError> {
    let range = |_| out_of_range(pg);
    match *pg {
        Type::INT2 => out.put_i16(i16::try_from(number).map_err(range)?),
        Type::INT4 => out.put_i32(i32::try_from(number).map_err(range)?),
        Type::INT8 => out.put_i64(i64::try_from(number).map_err(range)?),
        Type::NUMERIC => put_numeric(out, &number.to_string())?,
        Type::BOOL => out.put_u8(u8::from(number != 0)),
        Type::TEXT => out.put_slice(number.to_string().as_bytes()),
        // oid and its aliases: 32 bits, sign or not.
        _ => match u32::try_from(number) {
            Ok(number) => out.put_u32(number),
            Err(_) => out.put_i32(i32::try_from(number).map_err(range)?),
        },
    }
    Ok(())
}

/// Groups of four decimal digits around the point.
pub(crate) fn put_numeric(out: &mut BytesMut, text: &str) -> Result<(), SqlError> {
    let range = || SqlError::new("22003", "numeric out of range");
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let padded_whole = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
    let padded_fraction = format!("{fraction}{}", "0".repeat((4 - fraction.len() % 4) % 4));
    let group = |chunk: &[u8]| {
        chunk.iter().fold(0u16, |all, byte| all.wrapping_mul(10).wrapping_add(u16::from(byte.wrapping_sub(b'0'))))
    };
    let mut groups: Vec<u16> = padded_whole.as_bytes().chunks(4).map(group).collect();
    let mut weight = i16::try_from(groups.len()).map_err(|_| range())? - 1;
    groups.extend(padded_fraction.as_bytes().chunks(4).map(group));
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let leading = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..leading);
    weight = weight.saturating_sub(i16::try_from(leading).map_err(|_| range())?);
    if groups.is_empty() {
        weight = 0;
    }
    out.put_u16(u16::try_from(groups.len()).map_err(|_| range())?);
    out.put_i16(weight);
    out.put_u16(if negative && !groups.is_empty() { 0x4000 } else { 0 });
    out.put_u16(u16::try_from(fraction.len()).map_err(|_| range())?);
    for group in groups {
        out.put_u16(group);
    }
    Ok(())
}

fn put_array(out: &mut BytesMut, elements: &ArrayRef, pg: &Type, lower: i32) -> Result<(), SqlError> {
    let element = match (pg.kind(), pg) {
        (Kind::Array(element), _) => element.clone(),
        (_, &Type::INT2_VECTOR) => Type::INT2,
        (_, &Type::OID_VECTOR) => Type::OID,
        _ => Type::TEXT,
    };
    if list(elements.as_ref(), 0).is_some() && !elements.is_empty() {
        return Err(SqlError::unsupported("binary arrays with several dimensions are not supported"));
    }
    // A vector has its one dimension also where it has no elements.
    let has_dimension = !elements.is_empty() || lower == 0;
    out.put_i32(i32::from(has_dimension));
    out.put_i32(i32::from(elements.null_count() > 0));
    out.put_u32(element.oid());
    if has_dimension {
        out.put_i32(i32::try_from(elements.len()).map_err(|_| SqlError::new("54000", "array too large"))?);
        out.put_i32(lower);
    }
    for row in 0..elements.len() {
        sized(out, |out| value(out, elements, row, &element, 1))?;
    }
    Ok(())
}

fn put_record(out: &mut BytesMut, array: &dyn Array, row: usize) -> Result<(), SqlError> {
    let (columns, fields) = (array.as_struct().columns(), array.as_struct().fields());
    out.put_i32(i32::try_from(columns.len()).map_err(|_| SqlError::internal())?);
    for (column, field) in columns.iter().zip(fields) {
        let pg = type_of(field)?;
        out.put_u32(pg.oid());
        sized(out, |out| value(out, column, row, &pg, 1))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_groups() {
        let bytes = |text: &str| {
            let mut out = BytesMut::new();
            put_numeric(&mut out, text).unwrap();
            out.to_vec()
        };
        assert_eq!(bytes("12.5"), [0, 2, 0, 0, 0, 0, 0, 1, 0, 12, 0x13, 0x88]);
        assert_eq!(bytes("-0.0001"), [0, 1, 0xff, 0xff, 0x40, 0, 0, 4, 0, 1]);
        assert_eq!(bytes("0.00"), [0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(bytes("10000"), [0, 1, 0, 1, 0, 0, 0, 0, 0, 1]);
    }
}
