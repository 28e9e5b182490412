//! Running a query whose relations are all there.

use super::error::from_datafusion;
use super::parse::Places;
use super::{columns, relations::Tables};
use crate::sandbox::protocol::engine::{Answer, Column, Failure, StatementKind};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Query, Statement as SqlStatement};
use futures::TryStreamExt as _;
use std::collections::HashMap;
use std::sync::Arc;

/// Memory that sorting, joining and grouping may take, in bytes.
const MAX_MEMORY: usize = 512 << 20;
/// Rows of an answer.
const MAX_ROWS: usize = 5_000_000;

pub(super) async fn run(query: Query, tables: Tables, places: &Places) -> Result<Answer, Failure> {
    let failed = |error: DataFusionError| from_datafusion(&error, places);
    let session = session(tables).map_err(failed)?;
    let statement = Statement::Statement(Box::new(SqlStatement::Query(Box::new(query))));
    let plan = session.state().statement_to_plan(statement).await.map_err(failed)?;
    let only_queries = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    only_queries.verify_plan(&plan).map_err(failed)?;
    let frame = session.execute_logical_plan(plan).await.map_err(failed)?;
    let mut stream = frame.execute_stream().await.map_err(failed)?;
    let described: Vec<(Column, Option<DataType>)> =
        stream.schema().fields().iter().map(|field| columns::describe(field)).collect::<Result<_, _>>()?;
    let mut batches = Vec::new();
    let mut rows = 0_usize;
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        rows = rows.saturating_add(batch.num_rows());
        if rows > MAX_ROWS {
            return Err(Failure::new("300005", "53400", format!("the sandbox answers at most {MAX_ROWS} rows")));
        }
        batches.push(converted(&batch, &described)?);
    }
    let columns = described.into_iter().map(|(column, _)| column).collect();
    Ok(Answer { kind: StatementKind::Select, columns, batches })
}

/// A session that knows these tables, functions and nothing else: no files, no tables from elsewhere.
fn session(tables: Tables) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new().with_target_partitions(1).with_create_default_catalog_and_schema(false);
    // Names were folded when they were read.
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(MAX_MEMORY))).build_arc()?;
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_table_factories(HashMap::new())
        .with_table_functions(HashMap::new())
        .with_file_formats(Vec::new())
        .build();
    let session = SessionContext::new_with_state(state);
    for ((database, schema, name), rows) in tables {
        let catalog = session.catalog(&database).unwrap_or_else(|| {
            let new: Arc<dyn CatalogProvider> = Arc::new(MemoryCatalogProvider::new());
            session.register_catalog(&database, Arc::clone(&new));
            new
        });
        let provider = if let Some(known) = catalog.schema(&schema) {
            known
        } else {
            let new: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
            catalog.register_schema(&schema, Arc::clone(&new))?;
            new
        };
        let Some(first) = rows.first() else { continue };
        let table = MemTable::try_new(first.schema(), vec![rows])?;
        provider.register_table(name, Arc::new(table))?;
    }
    Ok(session)
}

/// The batch with the types that the protocol knows.
fn converted(batch: &RecordBatch, described: &[(Column, Option<DataType>)]) -> Result<RecordBatch, Failure> {
    if described.iter().all(|(_, to)| to.is_none()) {
        return Ok(batch.clone());
    }
    let mut fields = Vec::with_capacity(described.len());
    let mut arrays = Vec::with_capacity(described.len());
    for ((field, array), (_, to)) in batch.schema().fields().iter().zip(batch.columns()).zip(described) {
        let array = match to {
            Some(to) => cast(array, to).map_err(Failure::internal)?,
            None => Arc::clone(array),
        };
        fields.push(field.as_ref().clone().with_data_type(array.data_type().clone()));
        arrays.push(array);
    }
    let schema = Arc::new(datafusion::arrow::datatypes::Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, arrays, &options).map_err(Failure::internal)
}
