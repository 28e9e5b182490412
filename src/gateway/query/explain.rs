//! EXPLAIN: one column, as PostgreSQL shows it.

use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use futures::StreamExt as _;

use super::super::error::{SqlError, from_datafusion};
use super::super::front_door::ExplainOptions;
use super::plan::Planned;
use super::shape;

/// The lines of the answer.
pub(crate) async fn lines(planned: Planned, options: ExplainOptions, sql: &str) -> Result<Vec<String>, SqlError> {
    let failed = |error| from_datafusion(&error, sql);
    let columns = shape::of_plan(&planned.plan)?;
    let started = std::time::Instant::now();
    let plan = planned.state.create_physical_plan(&planned.plan).await.map_err(failed)?;
    let planning = started.elapsed();
    let mut rows = None;
    let started = std::time::Instant::now();
    if options.analyze {
        let mut stream = execute_stream(std::sync::Arc::clone(&plan), planned.state.task_ctx()).map_err(failed)?;
        let mut count = 0u64;
        while let Some(batch) = stream.next().await {
            count = count.saturating_add(batch.map_err(failed)?.num_rows() as u64);
        }
        rows = Some(count);
    }
    let execution = started.elapsed();
    if options.json {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let estimate = estimated_rows(plan.as_ref());
        let mut node = serde_json::json!({
            "Node Type": plan.name(),
            "Startup Cost": 0.0,
            "Total Cost": estimate as f64,
            "Plan Rows": estimate,
            "Plan Width": 8 * names.len(),
            "Output": names,
        });
        if let (Some(rows), Some(node)) = (rows, node.as_object_mut()) {
            node.insert("Actual Rows".into(), rows.into());
        }
        let answer = serde_json::json!([{ "Plan": node }]);
        return serde_json::to_string_pretty(&answer).map(|text| vec![text]).map_err(|_| SqlError::internal());
    }
    let text = if options.analyze {
        DisplayableExecutionPlan::with_metrics(plan.as_ref()).indent(options.verbose).to_string()
    } else {
        displayable(plan.as_ref()).indent(options.verbose).to_string()
    };
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let depth = line.len() - line.trim_start().len();
        let arrow = if depth == 0 { String::new() } else { format!("{}->  ", " ".repeat(depth * 3 - 4)) };
        // The estimate stands where the clients that read it look: on the first line.
        let cost = if lines.is_empty() {
            let estimate = estimated_rows(plan.as_ref());
            format!("  (cost=0.00..{estimate}.00 rows={estimate} width={})", 8 * columns.len())
        } else {
            String::new()
        };
        lines.push(format!("{arrow}{}{cost}", line.trim_start()));
    }
    if let Some(rows) = rows {
        lines.push(format!("Rows: {rows}"));
        lines.push(format!("Planning Time: {:.3} ms", planning.as_secs_f64() * 1e3));
        lines.push(format!("Execution Time: {:.3} ms", execution.as_secs_f64() * 1e3));
    }
    Ok(lines)
}

fn estimated_rows(plan: &dyn ExecutionPlan) -> usize {
    let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::default());
    statistics.ok().and_then(|statistics| statistics.num_rows.get_value().copied()).unwrap_or(1_000)
}
