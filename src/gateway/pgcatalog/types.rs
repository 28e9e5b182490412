//! PostgreSQL types as Arrow fields: which Arrow type carries a PostgreSQL type, and how the type's name travels with the field.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Decimal128Builder, Float32Builder, Float64Builder, Int16Builder,
    Int32Builder, Int64Builder, IntervalMonthDayNanoBuilder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use datafusion::error::{DataFusionError, Result};

use crate::gateway::values::{array_literal, intervals, timetz};

/// Field metadata key: the PostgreSQL type name of a column (`name`, `oid`, `regproc`, `_text`, ...), set wherever the Arrow type
/// alone would be read as another PostgreSQL type.
pub const TYPE_KEY: &str = "pg.type";
/// Field metadata key: the modifier of the type (a length, digits).
pub const TYPMOD_KEY: &str = "pg.typmod";
/// Field metadata key: the number of an array's first element, where that is not 1 (`oidvector::oid[]`).
pub const LOWER_KEY: &str = "pg.lower";
/// Field metadata key arrow-pg reads: an `Int32` that is an object identifier.
const OID_KEY: &str = "pg.oid_alias";
/// Field metadata key arrow-pg reads: a string that is PostgreSQL's one-byte `"char"`.
const CHAR_KEY: &str = "pg.char";

/// The object identifier types, all carried as `Int32` (every oid served here is below 2^31).
const OID_TYPES: [&str; 12] = [
    "oid",
    "regproc",
    "regprocedure",
    "regoper",
    "regoperator",
    "regclass",
    "regtype",
    "regnamespace",
    "regrole",
    "regconfig",
    "regdictionary",
    "regcollation",
];

/// True for `oid` and its aliases.
pub fn is_oid_type(name: &str) -> bool {
    OID_TYPES.contains(&name)
}

/// The type a domain of `information_schema` is sent as.
fn base_of(name: &str) -> &str {
    match name.strip_prefix("information_schema.") {
        Some("sql_identifier") => "name",
        Some("cardinal_number") => "int4",
        Some("character_data" | "yes_or_no") => "varchar",
        Some("time_stamp") => "timestamptz",
        _ => name,
    }
}

/// The type of the elements of an array type.
pub fn element_of(name: &str) -> Option<Cow<'_, str>> {
    let domain = || name.strip_prefix("information_schema._").map(|name| format!("information_schema.{name}"));
    name.strip_prefix('_').map(Cow::Borrowed).or_else(|| domain().map(Cow::Owned))
}

/// The number of the first element of a field's arrays.
pub fn lower_of(field: &Field) -> i32 {
    let said = field.metadata().get(LOWER_KEY).and_then(|lower| lower.parse().ok());
    said.unwrap_or_else(|| i32::from(!is_vector(&name_of(field))))
}

/// True for the vectors of the catalogs, whose elements are counted from 0.
pub fn is_vector(name: &str) -> bool {
    matches!(name, "int2vector" | "oidvector")
}

/// The Arrow type that carries the PostgreSQL type `name` (arrays begin with `_`).
pub fn arrow_type(name: &str) -> DataType {
    match base_of(name) {
        "bool" => DataType::Boolean,
        "int2" => DataType::Int16,
        "int4" | "xid" | "cid" => DataType::Int32,
        "int8" => DataType::Int64,
        "float4" => DataType::Float32,
        "float8" => DataType::Float64,
        "numeric" => DataType::Decimal128(38, 10),
        "bytea" => DataType::Binary,
        "timetz" => timetz::KIND,
        "timestamptz" => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        "interval" => DataType::Interval(IntervalUnit::MonthDayNano),
        "int2vector" => list_of("int2"),
        "oidvector" => list_of("oid"),
        name if is_oid_type(name) => DataType::Int32,
        name => match element_of(name) {
            Some(element) => list_of(&element),
            None => DataType::Utf8,
        },
    }
}

fn list_of(element: &str) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(arrow_type(element), true)))
}

/// The metadata that marks a field as the PostgreSQL type `name`; empty where the Arrow type says it already.
pub fn metadata(name: &str) -> HashMap<String, String> {
    let name = base_of(name);
    let mut metadata = HashMap::new();
    if !matches!(name, "bool" | "int2" | "int4" | "int8" | "float4" | "float8" | "text" | "timestamptz" | "bytea") {
        metadata.insert(TYPE_KEY.to_owned(), name.to_owned());
    }
    if is_oid_type(name) {
        metadata.insert(OID_KEY.to_owned(), name.to_owned());
    }
    if name == "char" {
        metadata.insert(CHAR_KEY.to_owned(), "true".to_owned());
    }
    metadata
}

/// A nullable field of the PostgreSQL type `pg_type`.
pub fn field(name: &str, pg_type: &str) -> FieldRef {
    let mut metadata = metadata(pg_type);
    // The domains of information_schema that have a modifier: varchar(3) and timestamptz(2).
    match pg_type {
        "information_schema.yes_or_no" => metadata.insert(TYPMOD_KEY.to_owned(), "7".to_owned()),
        "information_schema.time_stamp" => metadata.insert(TYPMOD_KEY.to_owned(), "2".to_owned()),
        _ => None,
    };
    Arc::new(Field::new(name, arrow_type(pg_type), true).with_metadata(metadata))
}

/// The PostgreSQL type name of a field: its own metadata, or what its Arrow type is sent as.
pub fn name_of(field: &Field) -> String {
    if let Some(name) = field.metadata().get(TYPE_KEY).or_else(|| field.metadata().get(OID_KEY)) {
        return name.clone();
    }
    name_of_arrow(field.data_type())
}

fn name_of_arrow(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Boolean => "bool",
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => "int2",
        DataType::UInt16 | DataType::Int32 => "int4",
        // Counts of rows and ordinal numbers.
        DataType::UInt32 | DataType::Int64 | DataType::UInt64 => "int8",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "numeric"
        }
        DataType::Float16 | DataType::Float32 => "float4",
        DataType::Float64 => "float8",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::FixedSizeBinary(timetz::WIDTH) => "timetz",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytea",
        DataType::Struct(_) => "record",
        DataType::Dictionary(_, value) => return name_of_arrow(value),
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => return format!("_{}", name_of(element)),
        _ => "text",
    };
    name.to_owned()
}

/// Splits PostgreSQL's text form of an array (`{a,"b c",NULL}`) or of a vector (`1 2 3`) into its elements.
pub fn split_array(text: &str) -> Option<Vec<Option<String>>> {
    if text.trim_start().starts_with('{') {
        return array_literal::items(text).ok();
    }
    (!text.contains(['{', '}'])).then(|| text.split_whitespace().map(|item| Some(item.to_owned())).collect())
}

/// Builds an Arrow array of `data_type` from PostgreSQL's text forms.
pub fn array_from_text<'a>(data_type: &DataType, cells: impl Iterator<Item = Option<&'a str>>) -> Result<ArrayRef> {
    macro_rules! parsed {
        ($builder:expr) => {{
            let mut builder = $builder;
            for cell in cells {
                match cell {
                    Some(text) => builder.append_value(text.parse().map_err(|_| malformed(text, data_type))?),
                    None => builder.append_null(),
                }
            }
            Ok(Arc::new(builder.finish()))
        }};
    }
    match data_type {
        DataType::Boolean => {
            let mut builder = BooleanBuilder::new();
            for cell in cells {
                builder.append_option(cell.map(|text| text == "t" || text == "true"));
            }
            Ok(Arc::new(builder.finish()))
        }
        DataType::Int16 => parsed!(Int16Builder::new()),
        DataType::Int32 => parsed!(Int32Builder::new()),
        DataType::Int64 => parsed!(Int64Builder::new()),
        DataType::Float32 => parsed!(Float32Builder::new()),
        DataType::Float64 => parsed!(Float64Builder::new()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            parsed!(TimestampMicrosecondBuilder::new().with_data_type(data_type.clone()))
        }
        DataType::Utf8 => {
            let mut builder = StringBuilder::new();
            for cell in cells {
                builder.append_option(cell);
            }
            Ok(Arc::new(builder.finish()))
        }
        DataType::List(element) => {
            let rows = cells
                .map(|cell| match cell {
                    Some(text) => split_array(text).map(Some).ok_or_else(|| malformed(text, data_type)),
                    None => Ok(None),
                })
                .collect::<Result<Vec<_>>>()?;
            list_from_text(element, &rows)
        }
        DataType::Interval(_) => {
            let mut builder = IntervalMonthDayNanoBuilder::new();
            for cell in cells {
                let read = |text| -> Result<IntervalMonthDayNano> {
                    let (months, days, micros) =
                        intervals::parse(text, "seconds").ok_or_else(|| malformed(text, data_type))?;
                    let nanos = micros.checked_mul(1_000).ok_or_else(|| malformed(text, data_type))?;
                    Ok(IntervalMonthDayNano::new(months, days, nanos))
                };
                builder.append_option(cell.map(read).transpose()?);
            }
            Ok(Arc::new(builder.finish()))
        }
        // Types of relations that are always empty here: only NULL can be asked for.
        DataType::Decimal128(..) | DataType::Binary => nulls_only(data_type, cells),
        other => Err(DataFusionError::Internal(format!("no PostgreSQL catalog column is of type {other}"))),
    }
}

fn nulls_only<'a>(data_type: &DataType, cells: impl Iterator<Item = Option<&'a str>>) -> Result<ArrayRef> {
    let mut count = 0_usize;
    for cell in cells {
        if let Some(text) = cell {
            return Err(malformed(text, data_type));
        }
        count = count.saturating_add(1);
    }
    Ok(match data_type {
        DataType::Binary => {
            let mut builder = BinaryBuilder::new();
            builder.append_nulls(count);
            Arc::new(builder.finish())
        }
        _ => {
            let mut builder = Decimal128Builder::new().with_data_type(data_type.clone());
            builder.append_nulls(count);
            Arc::new(builder.finish())
        }
    })
}

fn list_from_text(element: &FieldRef, rows: &[Option<Vec<Option<String>>>]) -> Result<ArrayRef> {
    macro_rules! list {
        ($builder:ty, $parse:expr) => {{
            let mut builder = ListBuilder::new(<$builder>::new()).with_field(Arc::clone(element));
            for row in rows {
                for item in row.iter().flatten() {
                    match item {
                        Some(text) => builder.values().append_value($parse(text.as_str())?),
                        None => builder.values().append_null(),
                    }
                }
                builder.append(row.is_some());
            }
            Ok(Arc::new(builder.finish()))
        }};
    }
    fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
        text.parse().map_err(|_| malformed(text, &DataType::Int64))
    }
    match element.data_type() {
        DataType::Int16 => list!(Int16Builder, number),
        DataType::Int32 => list!(Int32Builder, number),
        DataType::Int64 => list!(Int64Builder, number),
        DataType::Float32 => list!(Float32Builder, number),
        DataType::Float64 => list!(Float64Builder, number),
        DataType::Boolean => {
            list!(BooleanBuilder, |text: &str| Ok::<_, DataFusionError>(text == "t" || text == "true"))
        }
        DataType::Utf8 => list!(StringBuilder, |text: &str| Ok::<_, DataFusionError>(text.to_owned())),
        other => Err(DataFusionError::Internal(format!("no PostgreSQL catalog column is an array of {other}"))),
    }
}

fn malformed(text: &str, data_type: &DataType) -> DataFusionError {
    DataFusionError::Execution(format!("invalid input syntax for type {}: \"{text}\"", name_of_arrow(data_type)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_split_as_postgresql_prints_them() {
        let text = |items: &[&str]| Some(items.iter().map(|item| Some((*item).to_owned())).collect::<Vec<_>>());
        assert_eq!(split_array("{}"), text(&[]));
        assert_eq!(split_array("{a,\"b,c\",\"d\\\"e\"}"), text(&["a", "b,c", "d\"e"]));
        assert_eq!(split_array("{NULL,\"NULL\"}"), Some(vec![None, Some("NULL".to_owned())]));
        assert_eq!(split_array("1 2 3"), text(&["1", "2", "3"]));
        assert_eq!(split_array("{\"a}"), None);
    }
}
