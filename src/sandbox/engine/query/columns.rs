//! Result columns: what Snowflake calls them, and their types.

use super::functions::BARE;
use crate::sandbox::engine::account_usage::{TYPE_KEY, VARIANT};
use crate::sandbox::protocol::engine::{Column, Failure, SnowflakeType};
use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, SelectItem, SetExpr};
use std::collections::HashSet;

/// Ends the shown part of a name: what follows tells apart columns of the same name, which Snowflake allows.
const MARK: char = '\u{1}';

/// Names the columns of a query as Snowflake does: by their text when they have no name.
pub(super) fn name(query: &mut Query) {
    name_body(&mut query.body);
}

fn name_body(body: &mut SetExpr) {
    let select = match body {
        SetExpr::Select(select) => select,
        SetExpr::Query(query) => return name(query),
        // The first part names the columns of all.
        SetExpr::SetOperation { left, .. } => return name_body(left),
        _ => return,
    };
    let mut taken: HashSet<String> = HashSet::new();
    for (index, item) in select.projection.iter_mut().enumerate() {
        let shown = match item {
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => ident.value.clone(),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                parts.last().map(|i| i.value.clone()).unwrap_or_default()
            }
            SelectItem::UnnamedExpr(expr) => expr.to_string().to_uppercase(),
            SelectItem::ExprWithAlias { alias, .. } => alias.value.clone(),
            _ => continue,
        };
        let first = taken.insert(shown.clone());
        let unique = if first { shown } else { format!("{shown}{MARK}{index}") };
        let named = match item {
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => !BARE.contains(&ident.value.as_str()),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(_)) => true,
            _ => false,
        };
        match item {
            SelectItem::UnnamedExpr(expr) if !(named && first) => {
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', unique) };
            }
            SelectItem::ExprWithAlias { alias, .. } if !first => alias.value = unique,
            _ => {}
        }
    }
}

/// A result column, and the Arrow type that its values have to be cast to, if any.
pub(super) fn describe(field: &Field) -> Result<(Column, Option<DataType>), Failure> {
    let name = field.name().split(MARK).next().unwrap_or_default().to_owned();
    let fixed = |precision, scale| SnowflakeType::Fixed { precision, scale };
    let (data_type, cast) = match field.data_type() {
        _ if field.metadata().get(TYPE_KEY).is_some_and(|t| t == VARIANT) => (SnowflakeType::Variant, None),
        DataType::Utf8 | DataType::Utf8View => (SnowflakeType::Text, None),
        DataType::LargeUtf8 | DataType::Null => (SnowflakeType::Text, Some(DataType::Utf8)),
        DataType::Int64 => (fixed(38, 0), None),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
            (fixed(38, 0), Some(DataType::Int64))
        }
        DataType::UInt64 => (fixed(38, 0), Some(DataType::Decimal128(38, 0))),
        DataType::Decimal128(precision, scale) if *scale >= 0 => (fixed(*precision, scale.unsigned_abs()), None),
        DataType::Boolean => (SnowflakeType::Boolean, None),
        DataType::Float64 => (SnowflakeType::Real, None),
        DataType::Float32 | DataType::Float16 => (SnowflakeType::Real, Some(DataType::Float64)),
        DataType::Date32 => (SnowflakeType::Date, None),
        DataType::Timestamp(unit, zone) => {
            let scale = match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            let ltz = zone.is_some();
            (if ltz { SnowflakeType::TimestampLtz { scale } } else { SnowflakeType::TimestampNtz { scale } }, None)
        }
        DataType::Time64(unit) => {
            (SnowflakeType::Time { scale: if *unit == TimeUnit::Nanosecond { 9 } else { 6 } }, None)
        }
        DataType::Binary => (SnowflakeType::Binary, None),
        other => return Err(Failure::unsupported(&format!("a result column of type {other}"))),
    };
    Ok((Column::new(name, data_type), cast))
}
