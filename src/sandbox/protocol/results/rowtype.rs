//! What a result says about its columns: the `rowtype` of the answer and the metadata of Arrow fields.

use serde_json::{Value, json};
use std::collections::HashMap;

use crate::sandbox::protocol::engine::{Column, SnowflakeType};

/// The most a VARCHAR holds, in characters; Snowflake tells it for every text without a length of its own.
const TEXT_LENGTH: u64 = 16_777_216;
/// The most a BINARY holds, in bytes.
const BINARY_LENGTH: u64 = 8_388_608;

/// The facts about a type that clients are told.
struct Facts {
    name: &'static str,
    length: Option<u64>,
    byte_length: Option<u64>,
    precision: Option<u8>,
    scale: Option<u8>,
}

fn facts(data_type: SnowflakeType) -> Facts {
    let plain = |name| Facts { name, length: None, byte_length: None, precision: None, scale: None };
    let time = |name, scale| Facts { precision: Some(0), scale: Some(scale), ..plain(name) };
    match data_type {
        SnowflakeType::Text => Facts { length: Some(TEXT_LENGTH), byte_length: Some(TEXT_LENGTH), ..plain("text") },
        SnowflakeType::Fixed { precision, scale } => {
            Facts { precision: Some(precision), scale: Some(scale), ..plain("fixed") }
        }
        SnowflakeType::Boolean => plain("boolean"),
        SnowflakeType::Real => plain("real"),
        SnowflakeType::Date => plain("date"),
        SnowflakeType::Time { scale } => time("time", scale),
        SnowflakeType::TimestampLtz { scale } => time("timestamp_ltz", scale),
        SnowflakeType::TimestampNtz { scale } => time("timestamp_ntz", scale),
        SnowflakeType::TimestampTz { scale } => {
            Facts { byte_length: Some(if scale <= 3 { 8 } else { 16 }), ..time("timestamp_tz", scale) }
        }
        SnowflakeType::Variant => plain("variant"),
        SnowflakeType::Object => plain("object"),
        SnowflakeType::Array => plain("array"),
        SnowflakeType::Binary => {
            Facts { length: Some(BINARY_LENGTH), byte_length: Some(BINARY_LENGTH), ..plain("binary") }
        }
    }
}

/// The entry of a column in `rowtype`.
pub(super) fn rowtype(column: &Column) -> Value {
    let facts = facts(column.data_type);
    json!({
        "name": column.name, "database": "", "schema": "", "table": "", "nullable": column.nullable,
        "type": facts.name, "length": facts.length, "byteLength": facts.byte_length,
        "precision": facts.precision, "scale": facts.scale, "collation": null
    })
}

/// The metadata of a column's Arrow field. Clients read the type from here, never from Arrow's own.
pub(super) fn metadata(column: &Column) -> HashMap<String, String> {
    let facts = facts(column.data_type);
    let numbers = [
        ("precision", facts.precision.map(u64::from)),
        ("scale", facts.scale.map(u64::from)),
        ("charLength", facts.length),
        ("byteLength", facts.byte_length),
    ];
    let mut metadata: HashMap<String, String> =
        numbers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_string()))).collect();
    metadata.insert("logicalType".to_owned(), facts.name.to_uppercase());
    metadata.insert("finalType".to_owned(), "T".to_owned());
    metadata.insert("nullable".to_owned(), column.nullable.to_string());
    metadata
}
