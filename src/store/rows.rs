//! The rows that go in and out of the store: plain data.

use std::fmt;

/// Microseconds since 1970-01-01 UTC.
pub type Micros = i64;

/// Names a snapshot within a store. Later snapshots have greater ids; an id is never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SnapshotId(pub i64);

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A closed list of words that is stored as text.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $($(#[$item_doc])* $item,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$item,)+];

            /// The word that is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$item => $word,)+
                }
            }

            /// The value of a stored word.
            pub fn parse(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Where an account's snapshots come from.
    AccountSource {
        /// Read from the platform.
        Sync = "sync",
        /// Read from exported files.
        Import = "import",
        /// Read from grantd's own sandbox.
        Sandbox = "sandbox",
    }
}

words! {
    /// How a run ended.
    RunStatus {
        /// With a snapshot.
        Succeeded = "succeeded",
        /// With an error; the snapshot before it is still the newest.
        Failed = "failed",
    }
}

words! {
    /// How a step of a run ended.
    StepStatus {
        /// All its rows were read.
        Succeeded = "succeeded",
        /// It ended the run.
        Failed = "failed",
        /// It was not possible or not needed; what that costs is in the coverage.
        Skipped = "skipped",
    }
}

words! {
    /// Where a changeset stands.
    ChangesetStatus {
        /// Being written.
        Draft = "draft",
        /// Waiting for somebody else's decision.
        PendingReview = "pending_review",
        /// Accepted, not yet applied.
        Approved = "approved",
        /// Done on the platform.
        Applied = "applied",
        /// Applying it ended with an error; some of its statements may have been done.
        Failed = "failed",
        /// Given up.
        Cancelled = "cancelled",
    }
}

impl ChangesetStatus {
    /// The statuses that may follow this one.
    ///
    /// Rejection leads back to `draft`; so does an edit of what was submitted, approved or failed, which then needs
    /// a new decision. What was applied or cancelled stays so.
    pub fn next(self) -> &'static [ChangesetStatus] {
        use ChangesetStatus::{Applied, Approved, Cancelled, Draft, Failed, PendingReview};
        match self {
            Draft => &[PendingReview, Cancelled],
            PendingReview => &[Approved, Draft, Cancelled],
            Approved => &[Applied, Failed, Draft, Cancelled],
            Failed => &[Draft, Cancelled],
            Applied | Cancelled => &[],
        }
    }
}

/// An account that grantd keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountRow {
    /// The name that users give it; the first column of every table.
    pub name: String,
    /// `snowflake`.
    pub platform: String,
    /// Where its snapshots come from.
    pub source: AccountSource,
    /// When grantd first heard of it.
    pub created_at: Micros,
}

/// What a run did, as the caller reports it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunRow {
    /// What sort of run: `full`, `incremental`, `check`, `repair`, `import`.
    pub kind: String,
    /// Where the rows came from: `sync`, `import`, `sandbox`.
    pub source: Option<String>,
    /// When it started.
    pub started_at: Micros,
    /// When it ended.
    pub finished_at: Micros,
    /// The moment that the snapshot describes.
    pub taken_at: Micros,
    /// How fresh its parts are.
    pub freshness: Freshness,
    /// Rows that name something no inventory lists.
    pub dangling: u64,
    /// Rows read.
    pub rows: u64,
    /// Statements sent to the platform.
    pub statements: u64,
    /// Its steps in order.
    pub steps: Vec<StepRow>,
    /// What it could not see.
    pub coverage: Vec<CoverageRow>,
}

/// When the parts of a snapshot were last read. A run that reads less keeps the times of the run before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Freshness {
    /// What had happened until then was seen for sure.
    pub as_of: Option<Micros>,
    /// When grants were last read, all or what changed.
    pub grants_at: Option<Micros>,
    /// When everything was last read.
    pub full_at: Option<Micros>,
    /// When all future grants were last read.
    pub future_at: Option<Micros>,
}

/// One step of a run: a statement, a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepRow {
    /// The letter of its group in the plan: `A`, `B`, `C`, `D`.
    pub part: Option<String>,
    /// The text that was sent.
    pub statement: Option<String>,
    /// What had happened until then is in its rows for sure.
    pub as_of: Option<Micros>,
    /// What was read: `SHOW ROLES`, `GRANTS_TO_ROLES.csv`.
    pub name: String,
    /// When it started.
    pub started_at: Micros,
    /// When it ended.
    pub finished_at: Micros,
    /// How it ended.
    pub status: StepStatus,
    /// Rows read, when it got that far.
    pub rows: Option<u64>,
    /// The platform's id of the statement.
    pub query_id: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Something that a run could not see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CoverageRow {
    /// Which source has the gap: `SHOW FUTURE GRANTS`.
    pub source: String,
    /// On which object, when it is about one.
    pub object: Option<String>,
    /// Why, in a word or two.
    pub reason: String,
    /// The platform's message or what to do about it.
    pub detail: Option<String>,
    /// Which relations are incomplete because of it.
    pub affects: Option<String>,
}

/// A run as it was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncRun {
    /// The account.
    pub account: String,
    /// Names the run within the store; later runs have greater ids.
    pub run_id: i64,
    /// What sort of run.
    pub kind: String,
    /// Where the rows came from.
    pub source: Option<String>,
    /// When it started.
    pub started_at: Micros,
    /// When it ended.
    pub finished_at: Micros,
    /// How fresh its parts are.
    pub freshness: Freshness,
    /// Rows that name something no inventory lists.
    pub dangling: u64,
    /// How it ended.
    pub status: RunStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// What it produced.
    pub snapshot: Option<SnapshotId>,
    /// Rows read.
    pub rows: u64,
    /// Statements sent.
    pub statements: u64,
}

/// What is known about a snapshot without reading it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// Its id.
    pub id: SnapshotId,
    /// The account.
    pub account: String,
    /// The moment it describes.
    pub taken_at: Micros,
    /// The file's name in the `snapshots` directory.
    pub file: String,
    /// The SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// The size of the file.
    pub bytes: u64,
    /// Rows that were read to make it.
    pub rows: u64,
    /// The file is gone; only this record is left.
    pub pruned: bool,
}

/// The snapshot that was accepted as right: drift is what differs from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Baseline {
    /// The account.
    pub account: String,
    /// The accepted snapshot.
    pub snapshot: SnapshotId,
    /// Why it was accepted.
    pub note: String,
    /// Who accepted it.
    pub set_by: String,
    /// When.
    pub set_at: Micros,
}

/// What a prune removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PruneReport {
    /// Snapshots that can no longer be read.
    pub snapshots: u64,
    /// Files removed. Fewer than snapshots when several had the same content.
    pub files: u64,
    /// Bytes of those files.
    pub bytes: u64,
}

/// A changeset about to be stored, in status `draft`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewChangeset {
    /// The account it would change.
    pub account: String,
    /// What it is for.
    pub title: String,
    /// Who proposes it.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
    /// What was proposed, as it was written.
    pub sql: String,
    /// The snapshot it was made against.
    pub base_snapshot: Option<SnapshotId>,
    /// Its changes in order.
    pub changes: Vec<ChangeRow>,
}

/// Changes that somebody proposes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changeset {
    /// `cs_` and eight hex digits.
    pub id: String,
    /// The account it would change.
    pub account: String,
    /// What it is for.
    pub title: String,
    /// Where it stands.
    pub status: ChangesetStatus,
    /// Who proposed it.
    pub created_by: String,
    /// When.
    pub created_at: Micros,
    /// What was proposed, as it was written.
    pub sql: String,
    /// The snapshot it was made against.
    pub base_snapshot: Option<SnapshotId>,
}

/// One change of a changeset; its position is its place in the list, from 1.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChangeRow {
    /// What sort of change: `grant_privilege`, `create_role`.
    pub kind: String,
    /// The platform's SQL, quoted.
    pub sql: String,
    /// The SQL that takes it back; `None` where nothing does.
    pub inverse_sql: Option<String>,
    /// The privilege granted or revoked.
    pub privilege: Option<String>,
    /// The type of the object or principal it is about.
    pub object_type: Option<String>,
    /// The object's database.
    pub object_database: Option<String>,
    /// The object's schema.
    pub object_schema: Option<String>,
    /// The object's own name.
    pub object_name: Option<String>,
    /// The object's full name as SQL writes it.
    pub object: Option<String>,
    /// `ROLE`, `USER`, `DATABASE ROLE`.
    pub grantee_type: Option<String>,
    /// Who gains or loses.
    pub grantee: Option<String>,
}

/// One status that a changeset has had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangesetStep {
    /// When it got there.
    pub at: Micros,
    /// Who moved it.
    pub by: String,
    /// Where it was; `None` when it was created.
    pub from: Option<ChangesetStatus>,
    /// Where it is.
    pub to: ChangesetStatus,
    /// Why.
    pub note: String,
}
