//! One sync run: every statement of the plan, then the account. All or nothing.

mod read;
mod scope;

use super::assemble::{AssembleError, Assembled, Carry, assemble_onto, differing_roles, look, overlay};
use super::coverage::{CoverageRow, CoverageStatus};
use super::kind::SourceKind;
use super::plan::estimate::{Budget, KnownRows, OverBudget, Plan};
use super::plan::{self, Extent, Scope};
use super::shrink::Shrunk;
use super::source::{Group, Progress, Source, SourceError};
use super::table::{Place, SourceTable, TableError};
use chrono::{DateTime, Utc};
use grantd_catalog::account::{Micros, Reach};
use grantd_catalog::model::Ident;
use grantd_catalog::snapshot::Snapshot;
use read::{Reads, merged, read_many};
use scope::scope;
use std::sync::Arc;
use std::time::Duration;

/// Most rows that SHOW gives (Snowflake's documentation of the SHOW commands).
pub const SHOW_LIMIT: usize = 10_000;

/// Roles that a run looks at a second time unless told otherwise.
pub const REPAIR_LIMIT: usize = 25;

/// What a run reads and what it may take.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Time for the whole run.
    pub deadline: Duration,
    /// Statements at the same time.
    pub concurrency: usize,
    /// How much is read. Anything but [`Extent::Full`] needs `before`; without it, the run is a full one.
    pub extent: Extent,
    /// Whether future grants are read: the part whose statements grow with the account. Otherwise those of `before` stay.
    pub future_grants: bool,
    /// Roles that may be looked at a second time.
    pub repair_limit: usize,
    /// What it may send and cost.
    pub budget: Budget,
    /// Rows of earlier runs, for the estimate that the budget is held against.
    pub known: KnownRows,
    /// The state before.
    pub before: Option<Before>,
}

/// The state that a run starts from.
#[derive(Clone, Debug)]
pub struct Before {
    /// The newest snapshot.
    pub snapshot: Arc<Snapshot>,
    /// Grants that changed from then on are not all in it: the time of the last reading less the overlap.
    pub grants_since: Micros,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_hours(1),
            concurrency: 4,
            extent: Extent::Full,
            future_grants: true,
            repair_limit: REPAIR_LIMIT,
            budget: Budget::default(),
            known: KnownRows::default(),
            before: None,
        }
    }
}

/// One statement that a run sent.
#[derive(Clone, Debug)]
pub struct Step {
    /// The group of the plan.
    pub group: Group,
    /// Its name in the plan.
    pub name: String,
    /// The text that was sent (the older one, when the account lacks columns).
    pub statement: String,
    /// Rows that it gave.
    pub rows: u64,
    /// When it was sent.
    pub started: DateTime<Utc>,
    /// What had happened until then is in its rows for sure: when it was sent, less the documented latency.
    pub as_of: Micros,
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
    /// The account, and what could not be seen of it; `None` when a check found nothing new.
    pub assembled: Option<Assembled>,
    /// Every statement, in the order of the plan.
    pub steps: Vec<Step>,
    /// How much was read: an incremental run becomes a full one when what changed is not enough.
    pub extent: Extent,
    /// Whether all future grants were read.
    pub future_grants: bool,
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
    /// The run would send or cost more than it may.
    #[error(transparent)]
    Budget(#[from] OverBudget),
    /// The account lost more than is believed without being asked.
    #[error(transparent)]
    Shrunk(#[from] Shrunk),
}

/// Reads what `options` say from `source` and assembles the account called `account`. Ends the session in any case.
///
/// # Errors
/// A needed statement failed, rows are missing, the budget or the time ran out; then nothing was changed anywhere.
pub async fn run(
    source: &dyn Source,
    account: &str,
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<RunOutcome, RunError> {
    let outcome = tokio::time::timeout(options.deadline, read_all(source, account, options, progress)).await;
    source.close().await;
    outcome.unwrap_or(Err(RunError::Deadline(options.deadline)))
}

async fn read_all(
    source: &dyn Source,
    account: &str,
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<RunOutcome, RunError> {
    let extent = if options.before.is_some() { options.extent } else { Extent::Full };
    let snapshot = options.before.as_ref().map(|before| before.snapshot.as_ref());
    let since = options.before.as_ref().map(|before| before.grants_since).filter(|_| extent == Extent::Incremental);
    Plan::new(extent, since, snapshot, options.future_grants, &options.known).check(options.budget)?;
    let reads = read_many(source, plan::bulk(extent, since), options, progress).await?;
    match (&options.before, extent) {
        (Some(before), Extent::Check) => check(source, before, options, reads, progress).await,
        _ => gather(source, account, options, (extent, since), reads, progress).await,
    }
}

/// A full or incremental run, once the views are read.
async fn gather(
    source: &dyn Source,
    account: &str,
    options: &RunOptions,
    (mut extent, since): (Extent, Option<Micros>),
    mut reads: Reads,
    progress: &dyn Progress,
) -> Result<RunOutcome, RunError> {
    let scope = scope(&reads.tables);
    let before = options.before.as_ref();
    let statements = match before {
        _ if options.future_grants => plan::future_grants(&scope),
        Some(before) => scope.new_containers(&Scope::of(&before.snapshot)).by_container(),
        None => Vec::new(),
    };
    options.budget.allows_statements(reads.steps.len() + statements.len())?;
    reads.extend(read_many(source, statements, options, progress).await?);
    if reads.tables.iter().all(|t| t.kind() != SourceKind::ShowFutureGrants)
        && (options.future_grants || before.is_some())
        && let Ok(none) = no_future_grants()
    {
        // Nothing to ask about, or every question refused: the findings say which.
        reads.tables.push(none);
    }
    let mut carry = before.map(|before| Carry {
        snapshot: Arc::clone(&before.snapshot),
        grants_since: since,
        future_grants: !options.future_grants,
    });
    let mut assembled = assemble_onto(account, &reads.tables, carry.as_ref())?;
    if let Some(doubt) = assembled.doubt.take() {
        tracing::info!(account, doubt, "the grants that changed are not enough; all are read");
        options.budget.allows_statements(reads.steps.len() + 1)?;
        reads.tables.retain(|t| t.kind() != SourceKind::GrantsToRoles);
        reads.extend(read_many(source, vec![plan::all_grants()], options, progress).await?);
        if let Some(carry) = &mut carry {
            carry.grants_since = None;
        }
        assembled = assemble_onto(account, &reads.tables, carry.as_ref())?;
        extent = Extent::Full;
    }
    let memberships = assembled.account.memberships().map(|m| (m.role, m.member));
    let differing = differing_roles(&reads.tables.iter().collect::<Vec<_>>(), memberships)?;
    repair(source, &mut assembled, differing, options, &mut reads, progress).await?;
    // A refusal says more than a plain absence of the same source.
    assembled.coverage.retain(|row| {
        let told = |f: &CoverageRow| match row.status {
            CoverageStatus::Absent => matches!(f.status, CoverageStatus::Absent | CoverageStatus::NotAuthorized),
            CoverageStatus::OlderColumns => f.status == CoverageStatus::OlderColumns,
            _ => false,
        };
        !reads.findings.iter().any(|f| f.source == row.source && told(f))
    });
    say_what_was_carried(&mut assembled, options, extent);
    assembled.coverage.extend(merged(reads.findings));
    assembled.coverage.sort();
    let future_grants = options.future_grants;
    Ok(RunOutcome { assembled: Some(assembled), steps: reads.steps, extent, future_grants })
}

/// A check, once the SHOW commands are read.
async fn check(
    source: &dyn Source,
    before: &Before,
    options: &RunOptions,
    mut reads: Reads,
    progress: &dyn Progress,
) -> Result<RunOutcome, RunError> {
    let tables: Vec<&SourceTable> = reads.tables.iter().collect();
    let changes = look(&before.snapshot, &tables)?;
    let name = |id: u32| before.snapshot.principals().get(id).cloned();
    let known = before.snapshot.memberships().iter().filter_map(|m| Some((name(m.role)?, name(m.member)?)));
    let mut differing = differing_roles(&tables, known)?;
    let mut outcome = RunOutcome { assembled: None, steps: Vec::new(), extent: Extent::Check, future_grants: false };
    if changes.is_empty() && differing.is_empty() {
        outcome.steps = reads.steps;
        return Ok(outcome);
    }
    tracing::info!(?changes, roles = differing.len(), "a check found changes");
    let mut assembled = overlay(&before.snapshot, &tables)?;
    // A user who is gone took his memberships along.
    let left = assembled.account.memberships().map(|m| (m.role, m.member));
    differing = differing_roles(&tables, left)?;
    repair(source, &mut assembled, differing, options, &mut reads, progress).await?;
    assembled.coverage.extend(merged(std::mem::take(&mut reads.findings)));
    assembled.coverage.sort();
    outcome.steps = reads.steps;
    outcome.assembled = Some(assembled);
    Ok(outcome)
}

/// Looks a second time at roles whose members differ.
async fn repair(
    source: &dyn Source,
    assembled: &mut Assembled,
    mut differing: Vec<Ident>,
    options: &RunOptions,
    reads: &mut Reads,
    progress: &dyn Progress,
) -> Result<(), RunError> {
    let left = options.budget.statements.map_or(usize::MAX, |all| (all as usize).saturating_sub(reads.steps.len()));
    let allowed = options.repair_limit.min(left);
    if differing.len() > allowed {
        let more = differing.split_off(allowed);
        let example = more.first().map(Ident::as_str).unwrap_or_default();
        let detail = format!(
            "roles whose number of members in SHOW ROLES differs and that were not looked at, such as {example}; raise \
             `repair_limit`"
        );
        let row = CoverageRow::new(SourceKind::ShowGrantsOf, CoverageStatus::Lag, more.len() as u64, detail);
        assembled.coverage.push(row);
    }
    let mut repaired = Vec::with_capacity(differing.len());
    for role in differing {
        let mut second = read_many(source, vec![plan::members_of(&role)], options, progress).await?;
        // A part of the members is no better than what is known.
        let whole = second.tables.pop().filter(|table| table.len() < SHOW_LIMIT);
        repaired.extend(whole.map(|table| (role, table)));
        reads.extend(second);
    }
    Ok(assembled.repair(&repaired)?)
}

/// Says which rows of the coverage stand for rows of an earlier run.
fn say_what_was_carried(assembled: &mut Assembled, options: &RunOptions, extent: Extent) {
    let Some(before) = &options.before else { return };
    let mut say = |kind: SourceKind, rows: Option<u64>, text: &str| {
        let read = |c: &&mut CoverageRow| c.source == kind.name() && c.status == CoverageStatus::Read;
        if let Some(row) = assembled.coverage.iter_mut().find(read) {
            row.rows = rows.unwrap_or(row.rows);
            text.clone_into(&mut row.detail);
        }
    };
    if extent == Extent::Incremental {
        let since = DateTime::from_timestamp_micros(before.grants_since).unwrap_or_default();
        let text = format!("the rows that changed since {since}; the others are those of the snapshot before");
        say(SourceKind::GrantsToRoles, None, &text);
    }
    if !options.future_grants {
        let future = before.snapshot.container_grants().iter().filter(|row| row.reach == Reach::Future).count();
        let text = "those of the snapshot before, and those of new containers; `future_grants_interval` says when all \
                    are read";
        say(SourceKind::ShowFutureGrants, Some(future as u64), text);
    }
}

/// An empty answer: the account has nothing that future grants could be asked about.
fn no_future_grants() -> Result<SourceTable, TableError> {
    let kind = SourceKind::ShowFutureGrants;
    let names = kind.spec().mandatory.iter().map(|c| (*c).to_owned()).collect();
    SourceTable::new(kind, Place::Statement(kind.name().to_owned()), names, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_state_before_is_a_full_one_by_default() {
        let options = RunOptions::default();
        assert_eq!((options.extent, options.repair_limit), (Extent::Full, REPAIR_LIMIT));
        assert!(options.before.is_none() && options.future_grants);
        assert_eq!(no_future_grants().unwrap().len(), 0);
    }
}
