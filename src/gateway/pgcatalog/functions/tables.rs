//! Set-returning functions that are catalogs in all but name.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::catalog::{MemTable, TableFunctionImpl, TableProvider};
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::Expr;

use crate::gateway::pgcatalog::catalog::Catalog;
use crate::gateway::pgcatalog::errors::sql_error;
use crate::gateway::pgcatalog::relations::SystemSchema;
use crate::gateway::pgcatalog::{facts, types};

/// Registers the set-returning functions.
pub(super) fn register(ctx: &SessionContext, catalog: &Arc<Catalog>) {
    let settings = Relation { name: "pg_settings", schema: SystemSchema::new("pg_catalog", Arc::clone(catalog)) };
    ctx.register_udtf("pg_show_all_settings", Arc::new(settings));
    ctx.register_udtf("pg_get_keywords", Arc::new(Keywords));
    for (name, columns) in [("pg_available_extensions", EXTENSIONS), ("pg_available_extension_versions", VERSIONS)] {
        ctx.register_udtf(name, Arc::new(Nothing { name, columns }));
    }
}

fn no_arguments(name: &str, arguments: &[Expr]) -> Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    Err(sql_error("42883", format!("function {name} takes no arguments")))
}

/// A function that returns a relation of `pg_catalog`.
#[derive(Debug)]
struct Relation {
    name: &'static str,
    schema: SystemSchema,
}

impl TableFunctionImpl for Relation {
    fn call(&self, arguments: &[Expr]) -> Result<Arc<dyn TableProvider>> {
        no_arguments(self.name, arguments)?;
        self.schema.provider(self.name)
    }
}

const EXTENSIONS: &[(&str, &str)] = &[("name", "name"), ("default_version", "text"), ("comment", "text")];
const VERSIONS: &[(&str, &str)] = &[
    ("name", "name"),
    ("version", "text"),
    ("superuser", "bool"),
    ("trusted", "bool"),
    ("relocatable", "bool"),
    ("schema", "name"),
    ("requires", "_name"),
    ("comment", "text"),
];

/// A function whose rows are never any: there are no extensions.
#[derive(Debug)]
struct Nothing {
    name: &'static str,
    columns: &'static [(&'static str, &'static str)],
}

impl TableFunctionImpl for Nothing {
    fn call(&self, arguments: &[Expr]) -> Result<Arc<dyn TableProvider>> {
        no_arguments(self.name, arguments)?;
        let fields: Vec<_> = self.columns.iter().map(|(name, pg_type)| types::field(name, pg_type)).collect();
        Ok(Arc::new(MemTable::try_new(Arc::new(Schema::new(fields)), vec![Vec::new()])?))
    }
}

/// `pg_get_keywords()`.
#[derive(Debug)]
struct Keywords;

impl TableFunctionImpl for Keywords {
    fn call(&self, arguments: &[Expr]) -> Result<Arc<dyn TableProvider>> {
        no_arguments("pg_get_keywords", arguments)?;
        let pg_types =
            [("word", "text"), ("catcode", "char"), ("barelabel", "bool"), ("catdesc", "text"), ("baredesc", "text")];
        let schema = Arc::new(Schema::new(
            pg_types.iter().map(|(name, pg_type)| types::field(name, pg_type)).collect::<Vec<_>>(),
        ));
        let rows = facts::table("pg_keywords").map(|table| table.rows.as_slice()).unwrap_or_default();
        let columns = schema
            .fields()
            .iter()
            .enumerate()
            .map(|(index, field)| {
                let cells = rows.iter().map(|row| row.get(index).and_then(Option::as_deref));
                types::array_from_text(field.data_type(), cells)
            })
            .collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}
