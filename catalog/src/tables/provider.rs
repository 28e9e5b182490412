//! The one `TableProvider`: plans a scan of a relation, streams its batches, pushes filters into it.

use super::definition::Definition;
use super::filters::{Dimension, Pushed, dimension};
use super::query_log::QueryLogView;
use super::session::SessionState;
use super::world::World;
use super::writer::Writer;
use crate::graph::Lens;
use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use std::fmt;
use std::sync::Arc;

/// What a scan of a relation works on.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// The pinned world.
    pub world: Arc<World>,
    /// The session's lens.
    pub lens: Lens,
    /// Filters that the relation took over.
    pub pushed: Pushed,
    /// Comparisons that the relation may use to read less; they are looked at again behind it.
    pub comparisons: Vec<Comparison>,
    /// The query log as the session sees it, if there is one.
    pub query_log: Option<QueryLogView>,
}

/// A column compared with a value.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The column.
    pub column: String,
    /// How it has to stand to the value.
    pub op: Operator,
    /// The value.
    pub value: ScalarValue,
}

impl Comparison {
    /// The comparison that a filter is, if its column is one of those.
    fn of(filter: &Expr, columns: &[&str]) -> Option<Self> {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
        let (column, op, value) = match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _)) => (column, *op, value),
            (Expr::Literal(value, _), Expr::Column(column)) => (column, op.swap()?, value),
            _ => return None,
        };
        let known = columns.contains(&column.name.as_str());
        known.then(|| Self { column: column.name.clone(), op, value: value.clone() })
    }
}

/// Yields a relation's rows, some at a time.
pub trait BatchSource: Send {
    /// Writes further rows, about a batch; `false` when there are no more after these.
    fn fill(&mut self, out: &mut Writer) -> Result<bool>;
}

/// A relation: what it is and how its rows come.
pub trait Relation: fmt::Debug + Send + Sync {
    /// Name, columns and comments.
    fn definition(&self) -> Definition;

    /// Opens a scan.
    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource>;

    /// The columns whose comparisons with a value help the relation to read less.
    fn compares(&self) -> &'static [&'static str] {
        &[]
    }

    /// The dimensions whose filters the relation evaluates itself, exactly.
    fn dimensions(&self) -> &'static [Dimension] {
        &[]
    }
}

/// A source that writes all its rows at once; for relations that are small by nature.
pub fn once(write: impl FnOnce(&mut Writer) -> Result<()> + Send + 'static) -> Box<dyn BatchSource> {
    struct Once<F>(Option<F>);
    impl<F: FnOnce(&mut Writer) -> Result<()> + Send> BatchSource for Once<F> {
        fn fill(&mut self, out: &mut Writer) -> Result<bool> {
            if let Some(write) = self.0.take() {
                write(out)?;
            }
            Ok(false)
        }
    }
    Box::new(Once(Some(write)))
}

/// What is the same of a relation in all sessions.
#[derive(Debug)]
pub(super) struct Shape {
    relation: Arc<dyn Relation>,
    pub(super) definition: Definition,
    schema: SchemaRef,
}

impl From<Arc<dyn Relation>> for Shape {
    fn from(relation: Arc<dyn Relation>) -> Self {
        let definition = relation.definition();
        let schema = definition.schema();
        Self { relation, definition, schema }
    }
}

/// A relation as DataFusion sees it in one session.
#[derive(Debug)]
pub struct RelationTable {
    shape: Arc<Shape>,
    session: Arc<SessionState>,
}

impl RelationTable {
    /// The relation in a session.
    pub fn new(relation: Arc<dyn Relation>, session: Arc<SessionState>) -> Self {
        Self::of(Arc::new(relation.into()), session)
    }

    pub(super) fn of(shape: Arc<Shape>, session: Arc<SessionState>) -> Self {
        Self { shape, session }
    }

    fn takes(&self, filter: &Expr) -> bool {
        dimension(filter, self.shape.relation.dimensions()).is_some()
    }
}

#[async_trait]
impl TableProvider for RelationTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.shape.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns: Vec<usize> =
            projection.cloned().unwrap_or_else(|| (0..self.shape.schema.fields().len()).collect());
        let projected = Arc::new(self.shape.schema.project(&columns)?);
        let taken: Vec<Expr> = filters.iter().filter(|f| self.takes(f)).cloned().collect();
        let world = self.session.world();
        let request = ScanRequest {
            pushed: Pushed::plan(state, taken, self.shape.relation.dimensions())?,
            world,
            lens: self.session.lens(),
            comparisons: filters.iter().filter_map(|f| Comparison::of(f, self.shape.relation.compares())).collect(),
            query_log: self.session.query_log(),
        };
        let stream = RelationStream {
            relation: Arc::clone(&self.shape.relation),
            types: self.shape.definition.columns.iter().map(|c| c.ty).collect(),
            schema: Arc::clone(&projected),
            columns,
            request,
        };
        Ok(Arc::new(StreamingTableExec::try_new(projected, vec![Arc::new(stream)], None, None, false, limit)?))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|f| {
                if self.takes(f) {
                    TableProviderFilterPushDown::Exact
                } else if Comparison::of(f, self.shape.relation.compares()).is_some() {
                    TableProviderFilterPushDown::Inexact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }
}

#[derive(Debug)]
struct RelationStream {
    relation: Arc<dyn Relation>,
    types: Vec<super::ColumnType>,
    schema: SchemaRef,
    columns: Vec<usize>,
    request: ScanRequest,
}

impl PartitionStream for RelationStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let writer = Writer::new(&self.types, Arc::clone(&self.schema), &self.columns);
        let batches =
            Batches { source: Some(self.relation.open(self.request.clone())), writer, ready: Vec::new().into_iter() };
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::iter(batches)))
    }
}

struct Batches {
    source: Option<Box<dyn BatchSource>>,
    writer: Writer,
    ready: std::vec::IntoIter<RecordBatch>,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.ready.next() {
                return Some(Ok(batch));
            }
            let source = self.source.as_mut()?;
            match source.fill(&mut self.writer) {
                Ok(true) => {}
                Ok(false) => self.source = None,
                Err(error) => {
                    self.source = None;
                    return Some(Err(error));
                }
            }
            if self.writer.rows() > 0 {
                match self.writer.finish() {
                    Ok(batch) => self.ready = split(&batch).into_iter(),
                    Err(error) => {
                        self.source = None;
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}

/// Cuts what a source wrote at once into batches of the usual size.
fn split(batch: &RecordBatch) -> Vec<RecordBatch> {
    let rows = batch.num_rows();
    (0..rows).step_by(super::BATCH_ROWS).map(|start| batch.slice(start, super::BATCH_ROWS.min(rows - start))).collect()
}
