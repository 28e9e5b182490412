//! What a relation is called, what it holds and what each column means.

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

/// Type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnType {
    /// `text`
    Text,
    /// `boolean`
    Bool,
    /// `bigint`
    Int,
    /// `timestamptz`, microseconds, UTC
    Time,
    /// `text[]`
    Texts,
}

impl ColumnType {
    /// The Arrow type: texts are views, so that each batch carries its own buffers.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8View,
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Texts => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
        }
    }

    /// PostgreSQL's name of the type.
    pub fn postgres(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bool => "boolean",
            Self::Int => "bigint",
            Self::Time => "timestamp with time zone",
            Self::Texts => "text[]",
        }
    }
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct ColumnDef {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: ColumnType,
    /// What it means.
    pub comment: &'static str,
}

/// One relation.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub comment: &'static str,
    /// Its columns, in order.
    pub columns: Vec<ColumnDef>,
}

impl Definition {
    /// A relation with the given columns.
    pub fn new(name: &'static str, comment: &'static str, columns: Vec<ColumnDef>) -> Self {
        Self { name, comment, columns }
    }

    /// The Arrow schema; comments stand in the metadata under `comment`.
    pub fn schema(&self) -> SchemaRef {
        let comment = |text: &str| HashMap::from([("comment".to_owned(), text.to_owned())]);
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|c| Field::new(c.name, c.ty.arrow(), true).with_metadata(comment(c.comment)))
            .collect();
        Arc::new(Schema::new_with_metadata(fields, comment(self.comment)))
    }
}

/// A text column.
pub(super) const fn text(name: &'static str, comment: &'static str) -> ColumnDef {
    ColumnDef { name, ty: ColumnType::Text, comment }
}

/// A boolean column.
pub(super) const fn bool(name: &'static str, comment: &'static str) -> ColumnDef {
    ColumnDef { name, ty: ColumnType::Bool, comment }
}

/// An integer column.
pub(super) const fn int(name: &'static str, comment: &'static str) -> ColumnDef {
    ColumnDef { name, ty: ColumnType::Int, comment }
}

/// A time column.
pub(super) const fn time(name: &'static str, comment: &'static str) -> ColumnDef {
    ColumnDef { name, ty: ColumnType::Time, comment }
}

/// A column of lists of texts.
pub(super) const fn texts(name: &'static str, comment: &'static str) -> ColumnDef {
    ColumnDef { name, ty: ColumnType::Texts, comment }
}

/// The first column of every synced relation.
pub(super) const ACCOUNT: ColumnDef = text("account", "Account, by the name it has in grantd");

/// The columns that name an object.
pub(super) const OBJECT: [ColumnDef; 5] = [
    text("object_type", "Type of the object: TABLE, VIEW, SCHEMA, WAREHOUSE, ..."),
    text("object_database", "Database the object lies in; NULL outside databases"),
    text("object_schema", "Schema the object lies in; NULL outside schemas"),
    text("object_name", "Last part of the object's name, as stored"),
    text("object", "Full name as SQL writes it: DB.SCH.T, quoted only where needed"),
];

/// Joins columns and column groups.
pub(super) fn columns<const N: usize>(groups: [&[ColumnDef]; N]) -> Vec<ColumnDef> {
    groups.concat()
}
