//! Values of parameters that are rows.

use std::sync::Arc;

use bytes::Buf as _;
use datafusion::arrow::array::StructArray;
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::scalar::ScalarValue;
use postgres_types::Field as PgField;

use super::super::error::SqlError;
use super::super::values::record_literal;
use super::param_values::{from_binary, from_text};
use super::params::arrow_type;

/// What a row of the columns becomes.
pub(super) fn carrier(columns: &[PgField]) -> DataType {
    let field = |column: &PgField| Field::new(column.name(), arrow_type(column.type_()), true);
    DataType::Struct(columns.iter().map(field).collect())
}

/// A row of values, `None` for NULL.
fn row(columns: &[PgField], values: Vec<Option<ScalarValue>>) -> Result<ScalarValue, SqlError> {
    let DataType::Struct(fields) = carrier(columns) else { return Err(SqlError::internal()) };
    let arrays = fields.iter().zip(values).map(|(field, value)| {
        let value = match value {
            Some(value) => value.cast_to(field.data_type()),
            None => ScalarValue::try_from(field.data_type()),
        };
        value.and_then(|value| value.to_array_of_size(1)).map_err(|error| SqlError::from(&error))
    });
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    if fields.is_empty() {
        return Ok(ScalarValue::Struct(Arc::new(StructArray::new_empty_fields(1, None))));
    }
    let row = StructArray::try_new(Fields::clone(&fields), arrays, None).map_err(|_| SqlError::internal())?;
    Ok(ScalarValue::Struct(Arc::new(row)))
}

/// A row from its text.
pub(super) fn read_text(text: &str, columns: &[PgField], zone: Option<Tz>) -> Result<ScalarValue, SqlError> {
    let items = record_literal::items(text, columns.len())?;
    let values = items
        .into_iter()
        .zip(columns)
        .map(|(item, column)| item.map(|item| from_text(&item, column.type_(), zone)).transpose());
    row(columns, values.collect::<Result<_, _>>()?)
}

/// A row from its binary form: a count, then the type, the length and the value of each column. `None` for another form.
pub(super) fn read_binary(raw: &[u8], columns: &[PgField]) -> Result<Option<ScalarValue>, SqlError> {
    let short = || SqlError::new("08P01", "insufficient data left in message");
    let mut raw = raw;
    let count = raw.try_get_i32().map_err(|_| short())?;
    if usize::try_from(count).ok() != Some(columns.len()) {
        let message = format!("wrong number of columns: {count}, expected {}", columns.len());
        return Err(SqlError::new("42804", message));
    }
    let mut values = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let (Ok(oid), Ok(length)) = (raw.try_get_u32(), raw.try_get_i32()) else { return Err(short()) };
        let wanted = column.type_();
        if oid != wanted.oid() {
            let message = format!(
                "binary data has type {oid} instead of expected {} ({}) in record column {}",
                wanted.oid(),
                wanted.name(),
                index.saturating_add(1)
            );
            return Err(SqlError::new("42804", message));
        }
        if length == -1 {
            values.push(None);
            continue;
        }
        let split = usize::try_from(length).ok().and_then(|length| raw.split_at_checked(length));
        let (value, rest) = split.ok_or_else(short)?;
        raw = rest;
        let Some(value) = from_binary(value, wanted)? else { return Ok(None) };
        values.push(Some(value));
    }
    if raw.is_empty() { row(columns, values).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postgres_types::Type;

    fn columns() -> Vec<PgField> {
        vec![PgField::new("a".to_owned(), Type::INT4), PgField::new("b".to_owned(), Type::TEXT)]
    }

    #[test]
    fn rows_are_the_same_in_both_forms() {
        let text = read_text("(7,)", &columns(), None).unwrap();
        let mut raw = vec![0, 0, 0, 2];
        raw.extend([0, 0, 0, 23, 0, 0, 0, 4, 0, 0, 0, 7]);
        raw.extend([0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(read_binary(&raw, &columns()).unwrap(), Some(text));
        assert_eq!(read_binary(&raw[..9], &columns()).unwrap_err().sqlstate, "08P01");
        assert_eq!(read_binary(&[0, 0, 0, 3], &columns()).unwrap_err().sqlstate, "42804");
        raw[7] = 25;
        assert_eq!(read_binary(&raw, &columns()).unwrap_err().sqlstate, "42804");
        assert_eq!(read_text("(x,y)", &columns(), None).unwrap_err().sqlstate, "22P02");
    }
}
