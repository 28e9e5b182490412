//! What a run or an import could see, and what it could not: one row per source and finding.

use super::kind::SourceKind;
use std::fmt;

/// What a [`CoverageRow`] says about its source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CoverageStatus {
    /// It was read whole.
    Read,
    /// It was not there, or may not be read; `detail` says what is not known without it.
    Absent,
    /// The account lacks its newer columns.
    OlderColumns,
    /// The platform gave at most its limit of rows.
    Capped,
    /// Rows name something that no inventory lists (yet): they are kept. Usually the views' latency.
    Lag,
    /// Rows that cannot be placed, such as a database role whose database is not said.
    Unread,
    /// A file that belongs to no source.
    Ignored,
}

impl CoverageStatus {
    /// The word shown in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Absent => "absent",
            Self::OlderColumns => "older_columns",
            Self::Capped => "capped",
            Self::Lag => "lag",
            Self::Unread => "unread",
            Self::Ignored => "ignored",
        }
    }
}

impl fmt::Display for CoverageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One finding about one source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CoverageRow {
    /// Name of the view, the SHOW or the file.
    pub source: String,
    /// What is said about it.
    pub status: CoverageStatus,
    /// Rows concerned.
    pub rows: u64,
    /// The platform's documented maximum age of its rows, in minutes; 0 for none.
    pub latency_minutes: u32,
    /// For people: what it means, with an example.
    pub detail: String,
}

impl CoverageRow {
    /// A finding about a source.
    pub fn new(kind: SourceKind, status: CoverageStatus, rows: u64, detail: impl Into<String>) -> Self {
        let spec = kind.spec();
        Self {
            source: spec.name.to_owned(),
            status,
            rows,
            latency_minutes: spec.latency_minutes,
            detail: detail.into(),
        }
    }
}

/// What is not known without a source.
pub(crate) fn consequence(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Users | SourceKind::Roles | SourceKind::GrantsToRoles | SourceKind::GrantsToUsers => {
            "the account cannot be read"
        }
        SourceKind::GrantsToShares => "grants to shares are not known",
        SourceKind::Databases => "databases are known from SHOW and from grants only",
        SourceKind::Schemata => "schemas are known from SHOW and from grants only",
        SourceKind::Tables => "tables and views are known from grants only, some with a general type",
        SourceKind::Views => "views are known from TABLES and from grants only",
        SourceKind::Stages
        | SourceKind::Functions
        | SourceKind::Procedures
        | SourceKind::FileFormats
        | SourceKind::Sequences
        | SourceKind::Pipes
        | SourceKind::Streams
        | SourceKind::Tasks
        | SourceKind::SemanticViews
        | SourceKind::SchemaObjects => "objects of this type are known from grants only",
        SourceKind::ShowUsers => "users are as old as the view USERS; secondary roles may be unknown",
        SourceKind::ShowRoles => "roles are as old as the view ROLES",
        SourceKind::ShowDatabases => "databases are as old as the view DATABASES",
        SourceKind::ShowSchemas => "schemas are as old as the view SCHEMATA",
        SourceKind::ShowWarehouses => "warehouses are known from grants only",
        SourceKind::ShowIntegrations => "integrations are known from grants only",
        SourceKind::ShowFutureGrants => "future grants are not known",
        SourceKind::ShowGrantsOf => "the members of the role are as old as the views",
        SourceKind::ShowGrants | SourceKind::Fact => "grantd doctor cannot check it",
    }
}
