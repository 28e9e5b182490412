//! A world: what every relation shows at one moment. Immutable; a sync or a call makes a new one.

use crate::account::Micros;
use crate::model::{Change, ObjectRef, Principal};
use crate::snapshot::{DiffBy, Snapshot, diff_by, nearest};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// All accounts and what was done with them.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The accounts, by name.
    pub accounts: Vec<Arc<AccountView>>,
    /// Finished and failed sync runs.
    pub sync_runs: Vec<SyncRunRow>,
    /// The steps of the runs.
    pub sync_steps: Vec<SyncStepRow>,
    /// What could not be seen.
    pub coverage: Vec<CoverageRow>,
    /// Proposed changes.
    pub changesets: Vec<ChangesetRow>,
    /// Their steps.
    pub changes: Vec<ChangeRow>,
}

/// One account: its newest snapshot and the state that was accepted.
#[derive(Debug)]
pub struct AccountView {
    /// Name in grantd.
    pub name: String,
    /// `snowflake`.
    pub platform: String,
    /// Where its data comes from: `sync`, `import` or `sandbox`.
    pub source: String,
    /// The newest snapshot.
    pub snapshot: Arc<Snapshot>,
    /// Its id in the store; 0 when it is in none.
    pub snapshot_id: i64,
    /// The accepted state, and when and by whom it was accepted.
    pub baseline: Option<Baseline>,
    /// Last finished or failed run: when, how it ended, and the error.
    pub last_run: Option<(Micros, String, Option<String>)>,
    /// How fresh it is, and whether syncs fail.
    pub health: Health,
    drift: OnceLock<Vec<DriftRow>>,
}

/// How fresh an account is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// When a run last succeeded.
    pub last_success_at: Option<Micros>,
    /// What had happened until then was seen for sure.
    pub as_of: Option<Micros>,
    /// Runs that failed since one succeeded.
    pub failures: i64,
}

/// An accepted state.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// The state.
    pub snapshot: Arc<Snapshot>,
    /// Its id in the store; 0 when it is in none.
    pub snapshot_id: i64,
    /// When it was accepted.
    pub accepted_at: Micros,
    /// By whom.
    pub accepted_by: String,
    /// Why.
    pub note: String,
}

/// One difference between the accepted and the newest state.
#[derive(Debug, Clone)]
pub struct DriftRow {
    /// The change that happened.
    pub change: Change,
    /// Stable name of the difference: the same difference has the same id in every sync.
    pub drift_id: String,
    /// The object concerned.
    pub object: Option<ObjectRef>,
    /// Who gained or lost.
    pub grantee: Option<Principal>,
    /// How it was.
    pub previous_state: Option<String>,
    /// How it is.
    pub current_state: Option<String>,
    /// When the newest snapshot was taken.
    pub detected_at: Micros,
    /// What brings the accepted state back; several statements are separated by `;` and a line break.
    pub revert_sql: String,
}

/// One sync run or import.
#[derive(Debug, Clone, Default)]
pub struct SyncRunRow {
    /// Account.
    pub account: String,
    /// Name of the run.
    pub run_id: String,
    /// `full`, `incremental`, `check`, `repair` or `import`.
    pub kind: String,
    /// Where its rows came from: `sync`, `import` or `sandbox`.
    pub source: Option<String>,
    /// What had happened until then was seen for sure.
    pub as_of: Option<Micros>,
    /// Rows that name something no inventory lists.
    pub dangling: i64,
    /// When it began.
    pub started_at: Micros,
    /// When it ended.
    pub finished_at: Option<Micros>,
    /// `succeeded` or `failed`.
    pub status: String,
    /// Why it failed.
    pub error: Option<String>,
    /// Statements sent or files read.
    pub statements: i64,
    /// Rows read.
    pub rows: i64,
    /// The snapshot it made.
    pub snapshot_id: Option<i64>,
}

/// One step of a run: a statement or a file.
#[derive(Debug, Clone, Default)]
pub struct SyncStepRow {
    /// Account.
    pub account: String,
    /// Name of the run.
    pub run_id: String,
    /// Position in the run, from 1.
    pub step: i64,
    /// What was read.
    pub source: String,
    /// The letter of its group in the plan.
    pub part: Option<String>,
    /// What had happened until then is in its rows for sure.
    pub as_of: Option<Micros>,
    /// `succeeded`, `failed` or `skipped`.
    pub status: String,
    /// Why it gave nothing.
    pub error: Option<String>,
    /// The text that was sent.
    pub statement: Option<String>,
    /// The platform's id of the statement.
    pub query_id: Option<String>,
    /// Rows read.
    pub rows: i64,
    /// When it began.
    pub started_at: Micros,
    /// Milliseconds it took.
    pub millis: i64,
}

/// Something that was not seen.
#[derive(Debug, Clone, Default)]
pub struct CoverageRow {
    /// Account.
    pub account: String,
    /// Where it would have been seen.
    pub source: String,
    /// What it is about, if one thing: its full name.
    pub object: Option<String>,
    /// The database that it is about, if one, by its stored name.
    pub object_database: Option<String>,
    /// Why: `absent`, `not_authorized`, `lag`, `imported`, ...
    pub reason: String,
    /// In words.
    pub detail: String,
    /// The relation that may lack rows for it, or have too many; [`ACCESS`] where that changes who may do what.
    pub affects: Option<String>,
}

/// What a coverage row affects when it could change effective access, and so everything that is computed from it.
pub const ACCESS: &str = "effective_privileges";

/// One changeset.
#[derive(Debug, Clone, Default)]
pub struct ChangesetRow {
    /// Account.
    pub account: String,
    /// Its id: `cs_7f3a01bc`.
    pub changeset: String,
    /// Title.
    pub title: String,
    /// `draft`, `pending_review`, `approved`, `applied`, `failed`, `cancelled`.
    pub status: String,
    /// Who proposed it.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
    /// The SQL as it was proposed.
    pub sql: String,
}

/// One step of a changeset, as it was rendered when it was proposed.
#[derive(Debug, Clone, Default)]
pub struct ChangeRow {
    /// Account.
    pub account: String,
    /// Its changeset.
    pub changeset: String,
    /// Position, from 1.
    pub position: i64,
    /// Kind of change: `grant privilege`.
    pub change: String,
    /// Type, database, schema, name and full name of the object.
    pub object: [Option<String>; 5],
    /// Who gains or loses.
    pub grantee: Option<String>,
    /// The statement, quoted.
    pub sql: String,
    /// What undoes it.
    pub inverse_sql: String,
}

/// The object and grantee of a change, as columns.
#[derive(Debug, Clone, Default)]
pub struct ObjectColumns {
    /// Object, if the change is about one.
    pub object: Option<ObjectRef>,
    /// Grantee, if the change has one.
    pub grantee: Option<Principal>,
}

impl ObjectColumns {
    /// What a change is about.
    pub fn of(change: &Change) -> Self {
        use crate::model::Container;
        let container = |c: &Container| match c {
            Container::Account => ObjectRef::account(),
            Container::Database(d) => ObjectRef::database(d.clone()),
            Container::Schema(d, s) => ObjectRef::in_database(crate::model::ObjectType::SCHEMA, d.clone(), s.clone()),
        };
        let (object, grantee) = match change {
            Change::CreateUser { user: p, .. }
            | Change::CreateRole { role: p, .. }
            | Change::AlterPrincipal { principal: p, .. }
            | Change::DropPrincipal { principal: p } => (Some(p.as_object()), None),
            Change::CreateObject { object, .. }
            | Change::AlterObject { object, .. }
            | Change::DropObject { object } => (Some(object.clone()), None),
            Change::GrantPrivilege { object, grantee, .. } | Change::RevokePrivilege { object, grantee, .. } => {
                (Some(object.clone()), Some(grantee.clone()))
            }
            Change::TransferOwnership { object, to, .. } => (Some(object.clone()), Some(to.clone())),
            Change::GrantRole { role, to, .. } => (Some(role.as_object()), Some(to.clone())),
            Change::RevokeRole { role, from, .. } => (Some(role.as_object()), Some(from.clone())),
            Change::GrantFuture { container: c, grantee, .. }
            | Change::RevokeFuture { container: c, grantee, .. }
            | Change::GrantInherited { container: c, grantee, .. }
            | Change::RevokeInherited { container: c, grantee, .. } => (Some(container(c)), Some(grantee.clone())),
        };
        Self { object, grantee }
    }
}

impl ObjectColumns {
    /// The object as the texts of its five columns.
    pub fn texts(&self) -> [Option<String>; 5] {
        let object = self.object.as_ref();
        [
            object.map(|o| o.object_type.as_str().to_owned()),
            object.and_then(|o| o.database.as_ref()).map(|d| d.as_str().to_owned()),
            object.and_then(|o| o.schema.as_ref()).map(|d| d.as_str().to_owned()),
            object.map(|o| o.name.as_str().to_owned()),
            object.map(ObjectRef::shown),
        ]
    }
}

impl AccountView {
    /// An account with its newest snapshot.
    pub fn new(name: String, platform: String, source: String, snapshot: Arc<Snapshot>) -> Self {
        Self {
            name,
            platform,
            source,
            snapshot,
            snapshot_id: 0,
            baseline: None,
            last_run: None,
            health: Health::default(),
            drift: OnceLock::new(),
        }
    }

    /// The same account in another state.
    pub fn with_snapshot(&self, snapshot: Arc<Snapshot>) -> Self {
        let (name, platform, source) = (self.name.clone(), self.platform.clone(), self.source.clone());
        Self {
            baseline: self.baseline.clone(),
            last_run: self.last_run.clone(),
            health: self.health,
            ..Self::new(name, platform, source, snapshot)
        }
    }

    /// The differences between the accepted and the newest state; none without a baseline.
    pub fn drift(&self) -> &[DriftRow] {
        self.drift.get_or_init(|| {
            let Some(baseline) = &self.baseline else { return Vec::new() };
            let changes = diff_by(&baseline.snapshot, &self.snapshot, DiffBy::Access);
            crate::drift::rows(&self.name, &baseline.snapshot, &self.snapshot, changes)
        })
    }
}

impl World {
    /// The account of that name.
    pub fn account(&self, name: &str) -> Option<&Arc<AccountView>> {
        self.accounts.iter().find(|a| a.name == name)
    }

    /// Why an answer about who may do what with an object may be wrong, in words: the rows of `coverage` that could change
    /// it. `database` is the object's, or the database itself; `None` outside databases.
    pub fn caveat(&self, account: &str, database: Option<&str>) -> Option<String> {
        let concerns = |row: &&CoverageRow| {
            row.account == account
                && row.affects.as_deref() == Some(ACCESS)
                && (row.object_database.is_none() || row.object_database.as_deref() == database)
        };
        let rows = self.coverage.iter().filter(concerns);
        let found: BTreeSet<String> = rows.map(|row| format!("{} ({})", row.source, row.reason)).collect();
        let found: Vec<String> = found.into_iter().collect();
        (!found.is_empty()).then(|| format!("may be incomplete, see coverage: {}", found.join(", ")))
    }

    /// The name of an account that is nearest to one that is not there, if it is near enough to be a slip.
    pub fn nearest_account(&self, name: &str) -> Option<String> {
        nearest(&name.to_ascii_uppercase(), self.accounts.iter().map(|a| a.name.clone()))
    }
}
