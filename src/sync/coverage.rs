//! What a run or an import could see, and what it could not: one row per source and finding.

use super::kind::SourceKind;
use grantd_catalog::account::Reach;
use grantd_catalog::model::{Ident, ObjectType};
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::tables::ACCESS;
use std::fmt;

/// What a [`CoverageRow`] says about its source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CoverageStatus {
    /// It was read whole.
    Read,
    /// It was not there, or may not be read; `detail` says what is not known without it.
    Absent,
    /// The login's role may not read it, or it is not there: the platform does not say which.
    NotAuthorized,
    /// The account lacks its newer columns.
    OlderColumns,
    /// The platform gave at most its limit of rows.
    Capped,
    /// Rows name something that no inventory lists (yet): they are kept. Usually the views' latency.
    Lag,
    /// Rows that cannot be placed, such as a database role whose database is not said.
    Unread,
    /// What lies in a database made from a share: the views do not list all of it.
    Imported,
    /// A file that belongs to no source.
    Ignored,
}

impl CoverageStatus {
    /// The word shown in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Absent => "absent",
            Self::NotAuthorized => "not_authorized",
            Self::OlderColumns => "older_columns",
            Self::Capped => "capped",
            Self::Lag => "lag",
            Self::Unread => "unread",
            Self::Imported => "imported",
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
    /// The database it is about; `None` when it is about the whole account.
    pub database: Option<Ident>,
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
            database: None,
        }
    }

    /// The same about one database.
    pub fn of_database(self, database: Option<Ident>) -> Self {
        Self { database, ..self }
    }

    /// The relation whose rows it could change; [`ACCESS`] where it could change who may do what in this account.
    pub fn affects(&self, snapshot: &Snapshot) -> Option<&'static str> {
        use SourceKind as K;
        let kind = K::parse(&self.source)?;
        let (access, plain) = match (kind, self.status) {
            (_, CoverageStatus::Read | CoverageStatus::Ignored) => return None,
            // Its newer columns say of which type somebody is, and who owns a role.
            (K::Users, status) => (status != CoverageStatus::OlderColumns, "users"),
            (K::Roles, status) => (status != CoverageStatus::OlderColumns, "roles"),
            (K::GrantsToRoles | K::GrantsToUsers, _) => (true, "grants"),
            (K::GrantsToShares, _) => (false, "grants"),
            // Without it types are general, and what an owner has follows from the type.
            (K::Tables | K::Views, _) => (true, "objects"),
            // Only SHOW tells an empty list of secondary roles from the default.
            (K::ShowUsers, _) => (true, "users"),
            (K::ShowRoles, _) => (false, "roles"),
            (K::ShowFutureGrants, _) => (false, "future_grants"),
            (K::GrantablePrivileges, _) => (false, "privilege_catalog"),
            // An inherited grant covers what is listed: who may do what depends on the list where there is such a grant.
            (kind, status) => {
                let still_listed = status == CoverageStatus::OlderColumns || kind.is_repeated();
                (!still_listed && has_inherited_grants(snapshot, kind), relation_of(kind))
            }
        };
        Some(if access { ACCESS } else { plain })
    }
}

/// The relation that shows the rows of an inventory.
fn relation_of(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Databases | SourceKind::ShowDatabases => "databases",
        SourceKind::Schemata | SourceKind::ShowSchemas => "schemas",
        SourceKind::ShowWarehouses => "warehouses",
        _ => "objects",
    }
}

/// Whether the account has an inherited grant on the type of objects that an inventory lists.
fn has_inherited_grants(snapshot: &Snapshot, kind: SourceKind) -> bool {
    let Some(listed) = super::assemble::listed_type(kind).map(ObjectType::new) else { return false };
    let grants = snapshot.container_grants().iter().filter(|row| row.reach == Reach::Inherited);
    grants.map(|row| snapshot.container_grant(row)).any(|grant| grant.object_type == listed)
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
        SourceKind::GrantablePrivileges => "privileges that only this account has are not in privilege_catalog",
        SourceKind::ShowFutureGrants => "future grants are not known",
        SourceKind::ShowGrantsOf => "the members of the role are as old as the views",
        SourceKind::ShowGrants | SourceKind::Fact => "grantd doctor cannot check it",
    }
}
