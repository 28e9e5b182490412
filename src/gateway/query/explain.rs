//! EXPLAIN: one column, as PostgreSQL shows it.

use std::sync::Arc;

use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use futures::StreamExt as _;
use postgres_types::Type;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::super::error::SqlError;
use super::super::front_door::{ExplainFormat, ExplainOptions};
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
        let mut node: Vec<Property> = vec![
            ("Node Type", plan.name().into()),
            ("Startup Cost", 0.0.into()),
            ("Total Cost", (estimate as f64).into()),
            ("Plan Rows", estimate.into()),
            ("Plan Width", columns.len().saturating_mul(8).into()),
            ("Output", columns.iter().map(|column| column.name.as_str()).collect()),
        ];
        node.extend(rows.map(|rows| ("Actual Rows", rows.into())));
        return Ok(vec![match options.format {
            ExplainFormat::Xml => xml(&node),
            ExplainFormat::Yaml => yaml(&node),
            ExplainFormat::Text | ExplainFormat::Json => json(node)?,
        }]);
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

/// What is told of a node of the plan.
type Property = (&'static str, Value);

/// The type of the answer's column.
pub(crate) fn column_type(format: ExplainFormat) -> Type {
    match format {
        ExplainFormat::Text | ExplainFormat::Yaml => Type::TEXT,
        ExplainFormat::Json => Type::JSON,
        ExplainFormat::Xml => Type::XML,
    }
}

fn json(node: Vec<Property>) -> Result<String, SqlError> {
    let node: Map<String, Value> = node.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    serde_json::to_string_pretty(&serde_json::json!([{ "Plan": node }])).map_err(|_| SqlError::internal())
}

/// A value without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn xml(node: &[Property]) -> String {
    let escaped = |value: &Value| plain(value).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut text = "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n    <Plan>\n".to_owned();
    for (name, value) in node {
        let tag = name.replace(' ', "-");
        let inner = match value {
            Value::Array(items) => {
                let items: Vec<_> =
                    items.iter().map(|item| format!("        <Item>{}</Item>", escaped(item))).collect();
                format!("\n{}\n      ", items.join("\n"))
            }
            other => escaped(other),
        };
        text.extend(["      <", &tag, ">", &inner, "</", &tag, ">\n"]);
    }
    text.push_str("    </Plan>\n  </Query>\n</explain>");
    text
}

fn yaml(node: &[Property]) -> String {
    let mut lines = vec!["- Plan: ".to_owned()];
    for (name, value) in node {
        match value {
            // Texts of JSON are texts of YAML.
            Value::Array(items) => {
                lines.push(format!("    {name}: "));
                lines.extend(items.iter().map(|item| format!("      - {item}")));
            }
            other => lines.push(format!("    {name}: {other}")),
        }
    }
    lines.join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_tells_the_same() {
        let node = [("Node Type", "A<B".into()), ("Plan Rows", 1.into()), ("Output", ["a", "b"].into_iter().collect())];
        assert_eq!(
            xml(&node),
            "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n    <Plan>\n      \
             <Node-Type>A&lt;B</Node-Type>\n      <Plan-Rows>1</Plan-Rows>\n      <Output>\n        <Item>a</Item>\n        \
             <Item>b</Item>\n      </Output>\n    </Plan>\n  </Query>\n</explain>"
        );
        let wanted = "- Plan: \n    Node Type: \"A<B\"\n    Plan Rows: 1\n    Output: \n      - \"a\"\n      - \"b\"";
        assert_eq!(yaml(&node), wanted);
        assert!(json(node.to_vec()).unwrap().contains("\"Plan Rows\": 1"));
    }
}
