//! Casts to PostgreSQL's types that Arrow has under another name: functions called like the type, whose result is marked with it.

use datafusion::error::{DataFusionError, Result};

use super::scalar::{Answer, Definition, Value, stable};
use crate::gateway::pgcatalog::catalog::Catalog;
use crate::gateway::pgcatalog::errors::sql_error;
use crate::gateway::values::array_literal;

pub(super) const FUNCTIONS: &[Definition] = &[
    // Of a system column, with a column that is NULL where its table has no row.
    stable("xid", (1, 2), "xid", |_, arguments| number(arguments, "xid")),
    stable("cid", (1, 2), "cid", |_, arguments| number(arguments, "cid")),
    stable("record", (1, 1), "record", |_, _| {
        Err(sql_error("0A000", "input of anonymous composite types is not implemented"))
    }),
    stable("oidvector", (1, 1), "oidvector", |_, arguments| vector(arguments, "oid")),
    stable("int2vector", (1, 1), "int2vector", |_, arguments| vector(arguments, "smallint")),
    stable("name_array", (1, 1), "_name", itself),
    stable("aclitem_array", (1, 1), "_aclitem", itself),
    stable("sql_identifier", (1, 1), "information_schema.sql_identifier", itself),
    stable("character_data", (1, 1), "information_schema.character_data", itself),
    stable("yes_or_no", (1, 1), "information_schema.yes_or_no", yes_or_no),
    stable("cardinal_number", (1, 1), "information_schema.cardinal_number", cardinal_number),
    stable("sql_identifier_array", (1, 1), "information_schema._sql_identifier", |catalog, arguments| {
        each(catalog, arguments, itself)
    }),
    stable("character_data_array", (1, 1), "information_schema._character_data", |catalog, arguments| {
        each(catalog, arguments, itself)
    }),
    stable("yes_or_no_array", (1, 1), "information_schema._yes_or_no", |catalog, arguments| {
        each(catalog, arguments, yes_or_no)
    }),
    stable("cardinal_number_array", (1, 1), "information_schema._cardinal_number", |catalog, arguments| {
        each(catalog, arguments, cardinal_number)
    }),
];

fn yes_or_no(_: &Catalog, arguments: &[Value]) -> Result<Value> {
    match arguments {
        [Value::Text(text)] if text.chars().count() > 3 => {
            Err(sql_error("22001", "value too long for type character varying(3)"))
        }
        [Value::Text(text)] if !matches!(text.as_str(), "YES" | "NO") => Err(check("yes_or_no", "yes_or_no_check")),
        _ => Ok(first(arguments)),
    }
}

fn cardinal_number(_: &Catalog, arguments: &[Value]) -> Result<Value> {
    match number(arguments, "integer")? {
        Value::Int(number) if number < 0 => Err(check("cardinal_number", "cardinal_number_domain_check")),
        number => Ok(number),
    }
}

/// Applies the cast to a domain to each element of an array, or of its text.
fn each(catalog: &Catalog, arguments: &[Value], cast: Answer) -> Result<Value> {
    let items = match first(arguments) {
        Value::List(items) => items,
        Value::Text(text) => {
            let items = array_literal::items(&text).map_err(|error| DataFusionError::External(Box::new(error)))?;
            items.into_iter().map(|item| item.map_or(Value::Null, Value::Text)).collect()
        }
        other => return Ok(other),
    };
    let applied = items.into_iter().map(|item| match item {
        Value::Null => Ok(Value::Null),
        item => cast(catalog, &[item]),
    });
    applied.collect::<Result<_>>().map(Value::List)
}

/// The type, by `pg_type.typname`, that a function of this file is called for.
pub(crate) fn type_of_cast(function: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|one| one.name == function).map(|one| one.returns)
}

fn first(arguments: &[Value]) -> Value {
    arguments.first().cloned().unwrap_or(Value::Null)
}

#[expect(clippy::unnecessary_wraps, reason = "the result of a function's answer")]
fn itself(_: &Catalog, arguments: &[Value]) -> Result<Value> {
    Ok(first(arguments))
}

fn check(domain: &str, constraint: &str) -> datafusion::error::DataFusionError {
    sql_error(
        "23514",
        format!("value for domain information_schema.{domain} violates check constraint \"{constraint}\""),
    )
}

fn invalid(text: &str, pg_type: &str) -> datafusion::error::DataFusionError {
    sql_error("22P02", format!("invalid input syntax for type {pg_type}: \"{text}\""))
}

fn number(arguments: &[Value], pg_type: &str) -> Result<Value> {
    match first(arguments) {
        Value::Text(text) => {
            text.trim().parse::<i32>().map(|number| Value::Int(number.into())).map_err(|_| invalid(&text, pg_type))
        }
        other => Ok(other),
    }
}

/// The numbers of a text with blanks between, or of an array.
fn vector(arguments: &[Value], element: &str) -> Result<Value> {
    let Value::Text(text) = first(arguments) else { return Ok(first(arguments)) };
    let numbers = text.split_whitespace().map(|word| word.parse().map(Value::Int).map_err(|_| invalid(word, element)));
    numbers.collect::<Result<_>>().map(Value::List)
}
