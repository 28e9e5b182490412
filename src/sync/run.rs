//! One sync run: every statement of the plan, then the account. All or nothing.

use super::assemble::{AssembleError, Assembled, assemble};
use super::coverage::{CoverageRow, CoverageStatus, consequence};
use super::kind::{Family, SourceKind};
use super::plan::{self, Scope};
use super::source::{Progress, Source, SourceError, Statement};
use super::table::{SourceTable, TableError};
use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use grantd_catalog::model::{Ident, PrincipalKind};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Most rows that SHOW gives (Snowflake's documentation of the SHOW commands).
pub const SHOW_LIMIT: usize = 10_000;

/// What a run may take.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Time for the whole run.
    pub deadline: Duration,
    /// Statements at the same time.
    pub concurrency: usize,
    /// Whether future grants are read: the part whose statements grow with the account.
    pub future_grants: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { deadline: Duration::from_hours(1), concurrency: 4, future_grants: true }
    }
}

/// One statement that a run sent.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name in the plan.
    pub name: String,
    /// The text that was sent (the older one, when the account lacks columns).
    pub statement: String,
    /// Rows that it gave.
    pub rows: u64,
    /// When it was sent.
    pub started: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// The platform's id of the query; empty when it gave none.
    pub query_id: String,
    /// Why it gave nothing, for a source that a run can do without.
    pub refused: Option<String>,
}

/// What a run brings.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// The account, and what could not be seen of it.
    pub assembled: Assembled,
    /// Every statement, in the order of the plan.
    pub steps: Vec<Step>,
}

/// Why a run brought nothing. The previous snapshot stays.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A statement without which there is no account failed, or the connection did.
    #[error("{statement}: {error}")]
    Statement {
        /// Its name in the plan.
        statement: String,
        /// What happened.
        #[source]
        error: Box<SourceError>,
    },
    /// The only source of something gave as many rows as SHOW can: there are more.
    #[error("{statement} gave {rows} rows, the most that SHOW gives: some are missing, and no other source has them")]
    Capped {
        /// The statement.
        statement: String,
        /// Its rows.
        rows: usize,
    },
    /// The rows make no account.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// The run took too long.
    #[error("the run was not done within {0:?}; raise `run_timeout` or use a larger warehouse")]
    Deadline(Duration),
}

/// Reads everything from `source` and assembles the account called `account`. Ends the session in any case.
///
/// # Errors
/// A needed statement failed, rows are missing, or time ran out; then nothing was changed anywhere.
pub async fn run(
    source: &dyn Source,
    account: &str,
    options: RunOptions,
    progress: &dyn Progress,
) -> Result<RunOutcome, RunError> {
    let outcome = tokio::time::timeout(options.deadline, read_all(source, account, options, progress)).await;
    source.close().await;
    outcome.unwrap_or(Err(RunError::Deadline(options.deadline)))
}

async fn read_all(
    source: &dyn Source,
    account: &str,
    options: RunOptions,
    progress: &dyn Progress,
) -> Result<RunOutcome, RunError> {
    let mut reads = read_many(source, plan::bulk(), options, progress).await?;
    if options.future_grants {
        let scope = scope(&reads);
        reads.extend(read_many(source, plan::future_grants(&scope), options, progress).await?);
    }
    let mut steps = Vec::with_capacity(reads.len());
    let mut tables = Vec::with_capacity(reads.len());
    let mut findings = Vec::new();
    for read in reads {
        steps.push(read.step);
        tables.extend(read.table);
        findings.extend(read.finding);
    }
    if options.future_grants && tables.iter().all(|t| t.kind() != SourceKind::ShowFutureGrants) {
        // Nothing to ask about, or every question refused: the findings say which.
        if let Ok(none) = no_future_grants() {
            tables.push(none);
        }
    }
    let mut assembled = assemble(account, &tables)?;
    // A refusal says more than a plain absence of the same source.
    assembled.coverage.retain(|row| {
        let told = |f: &CoverageRow| match row.status {
            CoverageStatus::Absent => matches!(f.status, CoverageStatus::Absent | CoverageStatus::NotAuthorized),
            CoverageStatus::OlderColumns => f.status == CoverageStatus::OlderColumns,
            _ => false,
        };
        !findings.iter().any(|f| f.source == row.source && told(f))
    });
    assembled.coverage.extend(merged(findings));
    assembled.coverage.sort();
    Ok(RunOutcome { assembled, steps })
}

/// An empty answer: the account has nothing that future grants could be asked about.
fn no_future_grants() -> Result<SourceTable, TableError> {
    let kind = SourceKind::ShowFutureGrants;
    let names = kind.spec().mandatory.iter().map(|c| (*c).to_owned()).collect();
    SourceTable::new(kind, super::table::Place::Statement(kind.name().to_owned()), names, Vec::new())
}

/// One statement done.
struct Read {
    step: Step,
    table: Option<SourceTable>,
    finding: Option<CoverageRow>,
}

async fn read_many(
    source: &dyn Source,
    statements: Vec<Statement>,
    options: RunOptions,
    progress: &dyn Progress,
) -> Result<Vec<Read>, RunError> {
    // The first one logs in; the others would only wait for it, or repeat a refused login.
    let mut statements = statements.into_iter();
    let Some(first) = statements.next() else { return Ok(Vec::new()) };
    let mut reads = vec![read_one(source, first, progress).await?];
    let rest: Vec<Read> = stream::iter(statements)
        .map(|statement| read_one(source, statement, progress))
        .buffered(options.concurrency.max(1))
        .try_collect()
        .await?;
    reads.extend(rest);
    Ok(reads)
}

async fn read_one(source: &dyn Source, statement: Statement, progress: &dyn Progress) -> Result<Read, RunError> {
    let started = Utc::now();
    let clock = Instant::now();
    progress.note(&statement, "started");
    let mut sent = statement.clone();
    let mut finding = None;
    let mut result = source.read(&sent, progress).await;
    if let (Err(error), Some(older)) = (&result, &statement.older_sql)
        && error.is_unknown_column()
    {
        let detail = format!("the account lacks newer columns: {error}");
        finding = Some(CoverageRow::new(statement.kind, CoverageStatus::OlderColumns, 0, detail));
        sent.sql.clone_from(older);
        result = source.read(&sent, progress).await;
    }
    let mut step = Step {
        name: statement.name.clone(),
        statement: sent.sql.clone(),
        rows: 0,
        started,
        millis: 0,
        query_id: String::new(),
        refused: None,
    };
    let done = |step: &mut Step| step.millis = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(table) => {
            done(&mut step);
            step.rows = table.len() as u64;
            step.query_id.clone_from(&table.receipt().query_id);
            progress.note(&statement, &format!("{} rows", table.len()));
            if let Some(capped) = capped(&statement, table.len())? {
                finding = Some(capped);
            }
            Ok(Read { step, table: Some(table), finding })
        }
        Err(error) if !statement.kind.is_required() && error.is_absent() => {
            done(&mut step);
            progress.note(&statement, "not readable, going on without it");
            let detail = format!("{}: {} ({error})", statement.name, consequence(statement.kind));
            step.refused = Some(error.to_string());
            let status = if error.is_not_authorized() { CoverageStatus::NotAuthorized } else { CoverageStatus::Absent };
            let finding = CoverageRow::new(statement.kind, status, 0, detail);
            Ok(Read { step, table: None, finding: Some(finding) })
        }
        Err(error) => Err(RunError::Statement { statement: statement.name, error: Box::new(error) }),
    }
}

/// A SHOW with the most rows it can have is a part. Where a view has the rest, that is a finding; else an error.
fn capped(statement: &Statement, rows: usize) -> Result<Option<CoverageRow>, RunError> {
    if statement.kind.spec().family != Family::Show || rows < SHOW_LIMIT {
        return Ok(None);
    }
    match statement.kind {
        kind if kind.is_repeated() => {
            let detail = "SHOW gives at most 10,000 rows; the others are as old as the view";
            Ok(Some(CoverageRow::new(statement.kind, CoverageStatus::Capped, rows as u64, detail)))
        }
        _ => Err(RunError::Capped { statement: statement.name.clone(), rows }),
    }
}

/// One finding per source and status: a hundred containers that may not be asked are one row with their number.
fn merged(findings: Vec<CoverageRow>) -> Vec<CoverageRow> {
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

/// The containers and grantees that future grants can be asked about, from what was read.
fn scope(reads: &[Read]) -> Scope {
    let (mut databases, mut foreign) = (BTreeSet::new(), BTreeSet::new());
    let (mut schemas, mut roles, mut database_roles) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let name = |text: Option<std::borrow::Cow<'_, str>>| text.and_then(|t| Ident::new(&*t).ok());
    for table in reads.iter().filter_map(|r| r.table.as_ref()) {
        let columns: [&'static str; 3] = match table.kind() {
            SourceKind::Databases => ["DATABASE_NAME", "", "TYPE"],
            SourceKind::ShowDatabases => ["NAME", "", "KIND"],
            SourceKind::Schemata => ["SCHEMA_NAME", "CATALOG_NAME", ""],
            SourceKind::ShowSchemas => ["NAME", "DATABASE_NAME", ""],
            SourceKind::Roles => ["NAME", "ROLE_DATABASE_NAME", "ROLE_TYPE"],
            SourceKind::ShowRoles => ["NAME", "", ""],
            _ => continue,
        };
        let [own, outer, kind] = columns.map(|c| table.column(c));
        for row in table.rows() {
            let Some(own) = name(row.filled(own)) else { continue };
            let (outer, kind) = (name(row.filled(outer)), row.filled(kind));
            match table.kind() {
                SourceKind::Databases | SourceKind::ShowDatabases => {
                    let standard = kind.is_none_or(|k| k.eq_ignore_ascii_case("STANDARD"));
                    if standard {
                        databases.insert(own)
                    } else {
                        foreign.insert(own)
                    };
                }
                SourceKind::Schemata | SourceKind::ShowSchemas => {
                    schemas.extend(outer.map(|database| (database, own)));
                }
                _ => match (kind.and_then(|k| PrincipalKind::parse(&k)), outer) {
                    (None | Some(PrincipalKind::Role), _) => {
                        roles.insert(own);
                    }
                    (Some(PrincipalKind::DatabaseRole), Some(database)) => {
                        database_roles.insert((database, own));
                    }
                    _ => {}
                },
            }
        }
    }
    // Imported databases and applications hold no future grants.
    databases.retain(|d| !foreign.contains(d));
    let askable =
        |(database, name): &(Ident, Ident)| databases.contains(database) && name.as_str() != "INFORMATION_SCHEMA";
    Scope {
        schemas: schemas.into_iter().filter(askable).collect(),
        database_roles: database_roles.into_iter().filter(|(d, _)| databases.contains(d)).collect(),
        databases: databases.into_iter().collect(),
        roles: roles.into_iter().collect(),
    }
}
