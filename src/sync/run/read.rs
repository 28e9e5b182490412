//! Sending statements: older columns for older accounts, what may be absent, what was cut.

use super::{RunError, RunOptions, SHOW_LIMIT, Step};
use crate::sync::coverage::{CoverageRow, CoverageStatus, consequence};
use crate::sync::kind::{Family, SourceKind};
use crate::sync::plan;
use crate::sync::source::{Progress, Source, SourceError, Statement};
use crate::sync::table::SourceTable;
use chrono::Utc;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::time::Instant;

/// What statements gave.
#[derive(Default)]
pub(super) struct Reads {
    /// Every statement that was sent, in the order of the plan.
    pub(super) steps: Vec<Step>,
    /// The rows of those that were answered.
    pub(super) tables: Vec<SourceTable>,
    /// What is to be said about them.
    pub(super) findings: Vec<CoverageRow>,
}

impl Reads {
    pub(super) fn extend(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.tables.extend(other.tables);
        self.findings.extend(other.findings);
    }
}

/// Reads every statement, several at a time.
pub(super) async fn read_many(
    source: &dyn Source,
    statements: Vec<Statement>,
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<Reads, RunError> {
    let mut reads = Reads::default();
    // The first one logs in; the others would only wait for it, or repeat a refused login.
    let mut statements = statements.into_iter();
    let Some(first) = statements.next() else { return Ok(reads) };
    reads.extend(read(source, first, progress).await?);
    let rest: Vec<Reads> = stream::iter(statements)
        .map(|statement| read(source, statement, progress))
        .buffered(options.concurrency.max(1))
        .try_collect()
        .await?;
    for more in rest {
        reads.extend(more);
    }
    Ok(reads)
}

/// Reads a statement; when views that are read together cannot be, one by one.
async fn read(source: &dyn Source, statement: Statement, progress: &dyn Progress) -> Result<Reads, RunError> {
    let Some(apart) = plan::apart(&statement) else { return read_one(source, statement, progress).await };
    let name = statement.name.clone();
    let mut reads = read_one(source, statement, progress).await?;
    let Some(table) = reads.tables.pop() else {
        // The statement says that one of them is missing, not which: what each of them says is what counts.
        reads.findings.clear();
        for statement in apart {
            reads.extend(read_one(source, statement, progress).await?);
        }
        return Ok(reads);
    };
    let tables = table.split(plan::read_together());
    reads.tables = tables.map_err(|e| RunError::Statement { statement: name, error: Box::new(e.into()) })?;
    Ok(reads)
}

async fn read_one(source: &dyn Source, statement: Statement, progress: &dyn Progress) -> Result<Reads, RunError> {
    let started = Utc::now();
    let clock = Instant::now();
    progress.note(&statement, "started");
    let mut sent = statement.clone();
    let mut reads = Reads::default();
    let mut result = source.read(&sent, progress).await;
    if let (Err(error), Some(older)) = (&result, &statement.older_sql)
        && error.is_unknown_column()
    {
        let detail = format!("the account lacks newer columns: {error}");
        reads.findings.push(CoverageRow::new(statement.kind, CoverageStatus::OlderColumns, 0, detail));
        sent.sql.clone_from(older);
        result = source.read(&sent, progress).await;
    }
    let latency = i64::from(statement.kind.spec().latency_minutes) * 60_000_000;
    let mut step = Step {
        group: statement.group,
        name: statement.name.clone(),
        statement: sent.sql.clone(),
        rows: 0,
        started,
        as_of: started.timestamp_micros().saturating_sub(latency),
        millis: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        query_id: String::new(),
        refused: None,
    };
    match result {
        Ok(table) => {
            step.rows = table.len() as u64;
            step.query_id.clone_from(&table.receipt().query_id);
            progress.note(&statement, &format!("{} rows", table.len()));
            reads.findings.extend(capped(&statement, table.len())?);
            reads.tables.push(table);
        }
        Err(error) if !statement.kind.is_required() && may_be_absent(&statement, &error) => {
            progress.note(&statement, "not readable, going on without it");
            let detail = format!("{}: {} ({error})", statement.name, consequence(statement.kind));
            step.refused = Some(error.to_string());
            let status = if error.is_not_authorized() { CoverageStatus::NotAuthorized } else { CoverageStatus::Absent };
            reads.findings.push(CoverageRow::new(statement.kind, status, 0, detail));
        }
        Err(error) => return Err(RunError::Statement { statement: statement.name, error: Box::new(error) }),
    }
    reads.steps.push(step);
    Ok(reads)
}

/// A view that is read together with others may lack a column that the older form names too.
fn may_be_absent(statement: &Statement, error: &SourceError) -> bool {
    error.is_absent() || (statement.kind == SourceKind::SchemaObjects && error.is_unknown_column())
}

/// A SHOW with the most rows it can have is a part. Where a view has the rest, that is a finding; else an error.
fn capped(statement: &Statement, rows: usize) -> Result<Option<CoverageRow>, RunError> {
    let shows = statement.kind.spec().family == Family::Show || statement.kind == SourceKind::ShowGrantsOf;
    if !shows || rows < SHOW_LIMIT {
        return Ok(None);
    }
    match statement.kind {
        kind if kind.is_repeated() || kind == SourceKind::ShowGrantsOf => {
            let detail =
                format!("{}: SHOW gives at most 10,000 rows; the others are as old as the view", statement.name);
            Ok(Some(CoverageRow::new(statement.kind, CoverageStatus::Capped, rows as u64, detail)))
        }
        _ => Err(RunError::Capped { statement: statement.name.clone(), rows }),
    }
}

/// One finding per source and status: a hundred containers that may not be asked are one row with their number.
pub(super) fn merged(findings: Vec<CoverageRow>) -> Vec<CoverageRow> {
    let mut out: Vec<CoverageRow> = Vec::new();
    for finding in findings {
        if let Some(known) = out.iter_mut().find(|f| f.source == finding.source && f.status == finding.status) {
            known.rows += 1;
        } else {
            let rows = if finding.source == SourceKind::ShowFutureGrants.name() { 1 } else { finding.rows };
            out.push(CoverageRow { rows, ..finding });
        }
    }
    out
}
