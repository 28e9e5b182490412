//! EXPLAIN: one column, as PostgreSQL shows it.

use std::sync::Arc;

use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use futures::StreamExt as _;
use postgres_types::Type;
use serde_json::Map;
use tokio_util::sync::CancellationToken;

use super::super::error::SqlError;
use super::super::front_door::{ExplainFormat, ExplainOptions};
use super::formats;
use super::nodes;
use super::plan::Planned;
use super::run::Run;
use super::shape;

/// The lines of the answer.
pub(crate) async fn lines(planned: Planned, options: ExplainOptions, sql: &Arc<str>) -> Result<Vec<String>, SqlError> {
    let columns = shape::of_plan(&planned.plan, &planned.state)?;
    let share = Arc::clone(&planned.share);
    let started = std::time::Instant::now();
    let mut run = Run::of(planned, sql)?;
    let mut plan = run.physical().await?;
    let planning = started.elapsed();
    let mut rows = None;
    let started = std::time::Instant::now();
    if options.analyze {
        let (ran, count) = tokio::select! {
            biased;
            error = share.ended() => return Err(error),
            counted = counted(&mut run) => counted?,
        };
        plan = ran;
        rows = Some(count);
    }
    let execution = started.elapsed();
    if options.format != ExplainFormat::Text {
        let estimate = estimated_rows(plan.as_ref());
        let mut node = Map::new();
        node.insert("Node Type".into(), plan.name().into());
        node.insert("Startup Cost".into(), 0.0.into());
        node.insert("Total Cost".into(), (estimate as f64).into());
        node.insert("Plan Rows".into(), estimate.into());
        node.insert("Plan Width".into(), columns.len().saturating_mul(8).into());
        if options.verbose {
            nodes::describe(run.logical(), &mut node);
        }
        if let Some(rows) = rows {
            node.insert("Actual Rows".into(), rows.into());
        }
        let millis = |time: std::time::Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        let times = options.analyze.then(|| (millis(planning), millis(execution)));
        return Ok(vec![formats::write(options.format, node, times, options.buffers)?]);
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

/// The answer about a command, as `ExplainOneUtility` has it.
pub(crate) fn without_plan(format: ExplainFormat) -> &'static str {
    match format {
        ExplainFormat::Text => "Utility statements have no plan structure",
        ExplainFormat::Json => "[\n  \"Utility Statement\"\n]",
        ExplainFormat::Xml => {
            "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Utility-Statement />\n</explain>"
        }
        ExplainFormat::Yaml => "- \"Utility Statement\"",
    }
}

/// The type of the answer's column.
pub(crate) fn column_type(format: ExplainFormat) -> Type {
    match format {
        ExplainFormat::Text | ExplainFormat::Yaml => Type::TEXT,
        ExplainFormat::Json => Type::JSON,
        ExplainFormat::Xml => Type::XML,
    }
}

/// Runs it, and counts its rows.
async fn counted(run: &mut Run) -> Result<(Arc<dyn ExecutionPlan>, u64), SqlError> {
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    loop {
        let (plan, mut stream) = run.start(&stop).await?;
        let mut count = 0u64;
        let error = loop {
            match stream.next().await {
                None => return Ok((plan, count)),
                Some(Ok(batch)) => count = count.saturating_add(batch.num_rows() as u64),
                Some(Err(error)) => break run.failed(&error),
            }
        };
        if !run.again(&error) {
            return Err(error);
        }
    }
}

fn estimated_rows(plan: &dyn ExecutionPlan) -> usize {
    let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::default());
    statistics.ok().and_then(|statistics| statistics.num_rows.get_value().copied()).unwrap_or(1_000)
}
