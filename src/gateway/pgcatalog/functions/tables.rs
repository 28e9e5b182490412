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
    ctx.register_udtf("pg_available_extensions", Arc::new(Extensions));
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

/// `pg_available_extensions()`: there are none.
#[derive(Debug)]
struct Extensions;

impl TableFunctionImpl for Extensions {
    fn call(&self, arguments: &[Expr]) -> Result<Arc<dyn TableProvider>> {
        no_arguments("pg_available_extensions", arguments)?;
        let columns = [("name", "name"), ("default_version", "text"), ("comment", "text")];
        let fields = columns.iter().map(|(name, pg_type)| types::field(name, pg_type));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(Arc::new(MemTable::try_new(schema, vec![Vec::new()])?))
    }
}
