//! A running plan that can be stopped.
//!
//! A task is dropped only where it yields, and a join may compute for minutes before it has a batch to give. So every
//! operator with several inputs yields now and then (the engine does that for leaves only), and the condition of a join,
//! which is evaluated per chunk of pairs, fails once the statement is given up.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{FieldRef, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use tokio_util::sync::CancellationToken;

/// The same plan, which ends soon after `stop`.
pub(super) fn stoppable(plan: Arc<dyn ExecutionPlan>, stop: &CancellationToken) -> Result<Arc<dyn ExecutionPlan>> {
    let stopped = plan.transform_up(|node| {
        if node.children().len() < 2 {
            return Ok(Transformed::no(node));
        }
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(with_watched_condition(node, stop)?)) as _))
    })?;
    Ok(stopped.data)
}

fn with_watched_condition(node: Arc<dyn ExecutionPlan>, stop: &CancellationToken) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>()
        && let Some(filter) = join.filter()
    {
        let watched = NestedLoopJoinExecBuilder::from(join).with_filter(Some(watched(filter, stop))).build()?;
        return Ok(Arc::new(watched));
    }
    if let Some(join) = node.downcast_ref::<HashJoinExec>()
        && let Some(filter) = join.filter()
    {
        return join.builder().with_filter(Some(watched(filter, stop))).build_exec();
    }
    Ok(node)
}

fn watched(filter: &JoinFilter, stop: &CancellationToken) -> JoinFilter {
    let condition = Watched { condition: Arc::clone(filter.expression()), stop: stop.clone() };
    JoinFilter::new(Arc::new(condition), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
}

/// A condition that fails once the statement is given up.
#[derive(Debug)]
struct Watched {
    condition: Arc<dyn PhysicalExpr>,
    stop: CancellationToken,
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl PhysicalExpr for Watched {
    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.condition.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.stop.is_cancelled() {
            // Nobody reads it: who stopped the statement has its answer already.
            return Err(DataFusionError::Execution("the statement is stopped".to_owned()));
        }
        self.condition.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let [condition] = <[_; 1]>::try_from(children)
            .map_err(|given| DataFusionError::Internal(format!("{} conditions for one", given.len())))?;
        Ok(Arc::new(Self { condition, stop: self.stop.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Int64Array;
    use datafusion::physical_plan::collect;
    use datafusion::prelude::SessionContext;
    use std::sync::mpsc::RecvTimeoutError;
    use std::time::Duration;

    /// Each would compute for minutes without giving a row.
    const ENDLESS: [&str; 3] = [
        "SELECT count(*) FROM t a JOIN t b ON (a.n * b.n) % 7 = 9",
        "SELECT count(*) FROM t a JOIN t b ON a.one = b.one AND (a.n * b.n) % 7 = 9",
        "SELECT sum(a.n * b.n) FROM t a CROSS JOIN t b",
    ];

    #[test]
    fn a_join_that_gives_no_row_ends_when_it_is_stopped() {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let context = SessionContext::new();
        let n: Int64Array = (0..200_000).collect();
        let one = Int64Array::from_value(1, 200_000);
        let batch = RecordBatch::try_from_iter([("n", Arc::new(n) as _), ("one", Arc::new(one) as _)]).unwrap();
        context.register_batch("t", batch).unwrap();
        for sql in ENDLESS {
            let stop = CancellationToken::new();
            let plan = async { context.sql(sql).await.unwrap().create_physical_plan().await.unwrap() };
            let plan = stoppable(threads.block_on(plan), &stop).unwrap();
            let (sender, receiver) = std::sync::mpsc::channel();
            let task = context.task_ctx();
            let running = threads.spawn(async move {
                // Dropped with the task, or sent when it ends.
                let ended = sender;
                let _ = ended.send(collect(plan, task).await.is_ok());
            });
            std::thread::sleep(Duration::from_millis(300));
            assert!(!running.is_finished(), "{sql}");
            stop.cancel();
            running.abort();
            let ended = receiver.recv_timeout(Duration::from_secs(20));
            assert!(matches!(ended, Ok(false) | Err(RecvTimeoutError::Disconnected)), "{sql}: {ended:?}");
        }
        threads.shutdown_timeout(Duration::from_secs(20));
    }
}
