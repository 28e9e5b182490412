//! A plan that runs: optimised, bounded, stoppable, with its own memory. Should a step make too much at once, it is
//! tried again with fewer rows at a time, as long as nobody has seen a row.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use tokio_util::sync::CancellationToken;

use super::super::error::{SqlError, TOO_MUCH_MEMORY, from_datafusion};
use super::bounds;
use super::interrupt::stoppable;
use super::memory::Share;
use super::narrow::narrowed;
use super::plan::Planned;

/// Rows at a time, one after another. A result that waits for its reader holds a few steps of them.
const ROWS: [usize; 3] = [2_048, 128, 1];

/// One statement's run.
pub(super) struct Run {
    state: SessionState,
    plan: LogicalPlan,
    share: Arc<Share>,
    rows: usize,
    sql: Arc<str>,
}

impl Run {
    /// Of a plan.
    pub(super) fn of(planned: Planned, sql: &Arc<str>) -> Result<Self, SqlError> {
        let Planned { state, plan, share, .. } = planned;
        let failed = |error| from_datafusion(&error, sql);
        let plan = state.optimize(&plan).map_err(failed)?;
        // A constant becomes a column of as many copies as there are rows.
        let longest = bounds::longest_constant(&plan).map_err(failed)?;
        let fit = share.step().checked_div(longest).unwrap_or(usize::MAX);
        let rows = ROWS.into_iter().find(|rows| *rows <= fit).unwrap_or(1);
        Ok(Self { state, plan, share, rows, sql: Arc::clone(sql) })
    }

    /// The plan before it is physical.
    pub(super) fn logical(&self) -> &LogicalPlan {
        &self.plan
    }

    /// The plan as people see it.
    pub(super) async fn physical(&mut self) -> Result<Arc<dyn ExecutionPlan>, SqlError> {
        let config = self.state.config().clone().with_batch_size(self.rows);
        *self.state.config_mut() = config;
        let plan = self.state.query_planner().create_physical_plan(&self.plan, &self.state).await;
        plan.map_err(|error| self.failed(&error))
    }

    /// Starts it; it ends soon after `stop`. Gives what runs, and its batches.
    pub(super) async fn start(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<(Arc<dyn ExecutionPlan>, SendableRecordBatchStream), SqlError> {
        let plan = self.physical().await?;
        let start = || -> datafusion::error::Result<_> {
            let plan = stoppable(narrowed(plan, self.rows, self.share.step())?, stop)?;
            let task = self.share.task(TaskContext::from(&self.state))?;
            let stream = execute_stream(Arc::clone(&plan), task)?;
            Ok((plan, stream))
        };
        start().map_err(|error| self.failed(&error))
    }

    /// What the client is told of an error.
    pub(super) fn failed(&self, error: &DataFusionError) -> SqlError {
        let error = from_datafusion(error, &self.sql);
        match self.share.refusal() {
            Some(refusal) if error.detail.as_deref() == Some(TOO_MUCH_MEMORY) => error.with_detail(refusal),
            _ => error,
        }
    }

    /// Whether to try again after this error, with fewer rows at a time.
    pub(super) fn again(&mut self, error: &SqlError) -> bool {
        let fewer = ROWS.into_iter().find(|rows| *rows < self.rows);
        match fewer {
            Some(fewer) if bounds::is_for_fewer_rows(error) => {
                self.rows = fewer;
                true
            }
            _ => false,
        }
    }
}
