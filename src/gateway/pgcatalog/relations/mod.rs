//! The relations of `pg_catalog` and `information_schema`: every one PostgreSQL 15 has, with its columns and types; rows where this
//! database has something to say.

mod information;
mod objects;
mod session;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};

use super::catalog::Catalog;
use super::errors::sql_error;
use super::facts::{self, SystemRelation};
use super::types;

/// A cell in PostgreSQL's text form; `None` is NULL.
type Cell = Option<Cow<'static, str>>;

/// A cell that holds `value`.
#[expect(clippy::needless_pass_by_value, reason = "called with references and numbers alike")]
#[expect(clippy::unnecessary_wraps, reason = "a cell is one, NULL or not")]
fn cell(value: impl ToString) -> Cell {
    Some(Cow::Owned(value.to_string()))
}

/// A cell that holds a constant.
#[expect(clippy::unnecessary_wraps, reason = "a cell is one, NULL or not")]
fn text(value: &'static str) -> Cell {
    Some(Cow::Borrowed(value))
}

/// PostgreSQL's `t` or `f`.
fn flag(value: bool) -> Cell {
    text(if value { "t" } else { "f" })
}

/// Collects the rows of one relation by column name.
struct Rows {
    relation: &'static SystemRelation,
    rows: Vec<Vec<Cell>>,
}

impl Rows {
    fn new(relation: &'static SystemRelation) -> Self {
        Self { relation, rows: Vec::new() }
    }

    /// Adds a row. Columns that are not named are NULL, or their type's zero where PostgreSQL declares them NOT NULL.
    fn push<const N: usize>(&mut self, cells: [(&'static str, Cell); N]) {
        let mut named = HashMap::from(cells);
        let row = self
            .relation
            .columns
            .iter()
            .map(|column| {
                named.remove(column.name).unwrap_or_else(|| if column.not_null { zero(column.pg_type) } else { None })
            })
            .collect();
        debug_assert!(named.is_empty(), "{} has no columns {:?}", self.relation.name, named.keys());
        self.rows.push(row);
    }

    fn into_batch(self) -> Result<RecordBatch> {
        batch(self.relation, &schema_of(self.relation), &self.rows)
    }
}

/// The value of a NOT NULL column that a row does not name.
fn zero(pg_type: &str) -> Cell {
    text(match pg_type {
        "bool" => "f",
        "name" | "text" | "char" | "int2vector" | "oidvector" => "",
        array if array.starts_with('_') => "{}",
        _ => "0",
    })
}

fn schema_of(relation: &SystemRelation) -> SchemaRef {
    Arc::new(Schema::new(
        relation.columns.iter().map(|column| types::field(column.name, column.pg_type)).collect::<Vec<_>>(),
    ))
}

fn batch(relation: &SystemRelation, schema: &SchemaRef, rows: &[Vec<Cell>]) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| {
            types::array_from_text(field.data_type(), rows.iter().map(|row| row.get(index).and_then(Option::as_deref)))
                .map_err(|error| error.context(format!("column {} of {}", field.name(), relation.name)))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// PostgreSQL's own rows of a catalog, built once for the process.
fn builtin_rows(relation: &'static SystemRelation) -> Result<Option<RecordBatch>> {
    static BUILT: LazyLock<Mutex<HashMap<&'static str, RecordBatch>>> = LazyLock::new(Mutex::default);
    if relation.schema != "pg_catalog" || relation.name == "pg_settings" {
        return Ok(None);
    }
    let lock = || BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(batch) = lock().get(relation.name) {
        return Ok(Some(batch.clone()));
    }
    let batch = match relation.name {
        "pg_class" => objects::builtin_classes(relation)?,
        "pg_attribute" => objects::builtin_attributes(relation)?,
        name => {
            let Some(table) = facts::table(name) else { return Ok(None) };
            if !relation.columns.iter().map(|column| column.name).eq(table.header.iter().copied()) {
                return Err(DataFusionError::Internal(format!("the columns of {name} are not those of its rows")));
            }
            match name {
                "pg_type" => objects::builtin_types(relation, &table.rows)?,
                _ => batch(relation, &schema_of(relation), &table.rows)?,
            }
        }
    };
    lock().insert(relation.name, batch.clone());
    Ok(Some(batch))
}

/// The rows of `information_schema` that tell of the built-in relations, built once for the process.
fn builtin_information(relation: &'static SystemRelation, database: &str) -> Result<Option<RecordBatch>> {
    /// By relation and database.
    type Built = HashMap<(&'static str, String), Option<RecordBatch>>;
    static BUILT: LazyLock<Mutex<Built>> = LazyLock::new(Mutex::default);
    let lock = || BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let key = (relation.name, database.to_owned());
    if let Some(batch) = lock().get(&key) {
        return Ok(batch.clone());
    }
    let mut rows = Rows::new(relation);
    information::builtin_rows(database, &mut rows);
    let batch = if rows.rows.is_empty() { None } else { Some(rows.into_batch()?) };
    lock().insert(key, batch.clone());
    Ok(batch)
}

/// The schema `pg_catalog` or `information_schema` of one connection.
#[derive(Debug)]
pub(crate) struct SystemSchema {
    name: &'static str,
    catalog: Arc<Catalog>,
}

impl SystemSchema {
    /// The schema called `name` over a connection's catalog.
    pub(crate) fn new(name: &'static str, catalog: Arc<Catalog>) -> Self {
        Self { name, catalog }
    }

    /// The connection's catalog.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The oid of a relation by its schema and name.
    pub(crate) fn class_oid(&self, schema: &str, name: &str) -> Option<i32> {
        match facts::relation(schema, name) {
            Some(relation) => Some(relation.oid),
            None => self.catalog.relations.get(name).map(|relation| relation.oid),
        }
    }

    /// A relation of the schema, with its rows of this moment.
    ///
    /// # Errors
    /// When there is no such relation.
    pub(crate) fn provider(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        let relation = facts::relation(self.name, name)
            .ok_or_else(|| sql_error("42P01", format!("relation \"{}.{name}\" does not exist", self.name)))?;
        Ok(Arc::new(MemTable::try_new(schema_of(relation), vec![self.batches(relation)?])?))
    }

    fn batches(&self, relation: &'static SystemRelation) -> Result<Vec<RecordBatch>> {
        let mut batches: Vec<RecordBatch> = builtin_rows(relation)?.into_iter().collect();
        let mut rows = Rows::new(relation);
        let catalog = self.catalog.as_ref();
        match self.name {
            "pg_catalog" => {
                objects::rows(catalog, &mut rows);
                session::rows(catalog, &mut rows);
            }
            _ => {
                batches.extend(builtin_information(relation, &catalog.identity.database)?);
                information::rows(catalog, &mut rows);
            }
        }
        if !rows.rows.is_empty() {
            batches.push(rows.into_batch()?);
        }
        Ok(batches)
    }
}

#[async_trait]
impl SchemaProvider for SystemSchema {
    fn table_names(&self) -> Vec<String> {
        facts::RELATIONS
            .iter()
            .filter(|relation| relation.schema == self.name)
            .map(|relation| relation.name.to_owned())
            .collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if self.table_exist(name) { self.provider(name).map(Some) } else { Ok(None) }
    }

    fn table_exist(&self, name: &str) -> bool {
        facts::relation(self.name, name).is_some()
    }
}
