//! The relations that are defined by SQL: one file each in `catalog/views`, its comments on top.
//!
//! A view is planned once per process, over relations without a session. A session's own plan is that plan with its
//! scans pointed at the session's relations, made when the view is used, so opening a connection plans nothing.

use super::definition::{ColumnDef, ColumnType, Definition};
use super::provider::RelationTable;
use super::session::SessionState;
use super::world::World;
use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::Transformed;
use datafusion::datasource::provider_as_source;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableScan, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use futures::FutureExt as _;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// Name and text of every view, in the order of the reference.
pub(super) const FILES: &[(&str, &str)] = &[
    ("shadowed_future_grants", include_str!("../../views/shadowed_future_grants.sql")),
    ("orphan_roles", include_str!("../../views/orphan_roles.sql")),
    ("roles_outside_sysadmin", include_str!("../../views/roles_outside_sysadmin.sql")),
];

/// A view: what it is called and means, and the SQL that it is.
#[derive(Debug)]
pub struct View {
    definition: Definition,
    sql: &'static str,
    schema: SchemaRef,
    /// Over relations of no session.
    plan: LogicalPlan,
}

impl View {
    /// Name, columns and comments.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The statement that defines it, comments aside.
    pub fn sql(&self) -> &'static str {
        self.sql
    }
}

/// What the comments of a view's file say.
struct Header {
    comment: &'static str,
    columns: Vec<(&'static str, &'static str)>,
    sql: &'static str,
}

static VIEWS: LazyLock<Result<Vec<View>, String>> = LazyLock::new(|| {
    let context = SessionContext::new();
    let session = Arc::new(SessionState::new(Arc::new(World::default())));
    for (name, table) in super::providers(&session) {
        context.register_table(name, table).map_err(|e| e.to_string())?;
    }
    FILES.iter().map(|(name, text)| plan(&context, name, text).map_err(|e| format!("view {name}: {e}"))).collect()
});

/// Every view.
///
/// # Errors
/// A file does not plan or its comments do not fit its columns; a test sees to it that none is such.
pub fn views() -> Result<&'static [View]> {
    VIEWS.as_ref().map(Vec::as_slice).map_err(|e| DataFusionError::Internal(e.clone()))
}

/// The provider of every view, by name, for one session.
pub fn view_providers(session: &Arc<SessionState>) -> Result<Vec<(&'static str, Arc<dyn TableProvider>)>> {
    let table = |view: &'static View| {
        let provider: Arc<dyn TableProvider> = Arc::new(ViewTable { view, session: Arc::clone(session) });
        (view.definition.name, provider)
    };
    Ok(views()?.iter().map(table).collect())
}

/// Reads the comments: the first paragraph is the view's, `column: name: text` lines are its columns'.
fn header(text: &'static str) -> Header {
    let mut paragraph: Vec<&str> = Vec::new();
    let mut open = true;
    let mut columns = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        let Some(comment) = line.strip_prefix("--") else { break };
        let comment = comment.trim();
        if let Some((name, meaning)) = comment.strip_prefix("column: ").and_then(|c| c.split_once(": ")) {
            columns.push((name, meaning));
            open = false;
        } else if comment.is_empty() {
            open = false;
        } else if open {
            paragraph.push(comment);
        }
        rest = after;
    }
    // Comments of definitions live as long as the process; this one is made once.
    let comment = String::leak(paragraph.join(" ").trim_end_matches('.').to_owned());
    Header { comment, columns, sql: rest.trim() }
}

fn plan(context: &SessionContext, name: &'static str, text: &'static str) -> Result<View> {
    let Header { comment, columns, sql } = header(text);
    let invalid = |what: String| DataFusionError::Plan(what);
    // Every relation is in memory, so the plan is there at once.
    let plan = context
        .state()
        .create_logical_plan(sql)
        .now_or_never()
        .ok_or_else(|| invalid("its relations are not available at once".to_owned()))??;
    let fields = plan.schema().fields();
    if fields.len() != columns.len() {
        return Err(invalid(format!("{} columns and {} comments of columns", fields.len(), columns.len())));
    }
    let column =
        |(field, (name, comment)): (&Arc<datafusion::arrow::datatypes::Field>, (&'static str, &'static str))| {
            if field.name() != name {
                return Err(invalid(format!("column {} has the comment of {name}", field.name())));
            }
            let ty = match field.data_type() {
                DataType::Utf8View | DataType::Utf8 => ColumnType::Text,
                DataType::Boolean => ColumnType::Bool,
                DataType::Int64 => ColumnType::Int,
                DataType::Timestamp(..) => ColumnType::Time,
                other => return Err(invalid(format!("column {name} is of type {other}"))),
            };
            Ok((ColumnDef { name, ty, comment }, field.data_type().clone()))
        };
    let columns = fields.iter().zip(columns).map(column).collect::<Result<Vec<_>>>()?;
    if columns.iter().any(|(c, ty)| c.ty.arrow() != *ty) {
        return Err(invalid("a column is not of the Arrow type that relations use".to_owned()));
    }
    let definition = Definition::new(name, comment, columns.into_iter().map(|(c, _)| c).collect());
    let schema = definition.schema();
    let mut metadata = schema.metadata().clone();
    metadata.insert("definition".to_owned(), sql.to_owned());
    let schema = Arc::new(schema.as_ref().clone().with_metadata(metadata));
    Ok(View { definition, sql, schema, plan })
}

/// A view as DataFusion sees it in one session.
#[derive(Debug)]
struct ViewTable {
    view: &'static View,
    session: Arc<SessionState>,
}

impl ViewTable {
    /// The view's plan over the session's relations.
    fn plan(&self) -> Result<LogicalPlan> {
        let own = |node: LogicalPlan| match node {
            LogicalPlan::TableScan(scan) => {
                let name = scan.table_name.table();
                let relation = super::relation(name)
                    .ok_or_else(|| DataFusionError::Internal(format!("a view reads {name}, which is no relation")))?;
                let table = RelationTable::new(relation, Arc::clone(&self.session));
                let source = provider_as_source(Arc::new(table));
                Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan })))
            }
            other => Ok(Transformed::no(other)),
        };
        Ok(self.view.plan.clone().transform_up_with_subqueries(own)?.data)
    }
}

#[async_trait]
impl TableProvider for ViewTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.view.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    /// Used when a statement is planned: the view's plan takes the place of the scan.
    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        self.plan().ok().map(Cow::Owned)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut plan = LogicalPlanBuilder::from(self.plan()?);
        for filter in filters {
            plan = plan.filter(filter.clone())?;
        }
        if let Some(projection) = projection {
            let columns = projection.iter().filter_map(|i| self.view.schema.fields().get(*i));
            plan = plan.project(columns.map(|f| Expr::Column(f.name().as_str().into())).collect::<Vec<_>>())?;
        }
        state.create_physical_plan(&plan.limit(0, limit)?.build()?).await
    }
}
