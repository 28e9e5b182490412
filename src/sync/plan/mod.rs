//! The statements of a run.
//!
//! Their number does not grow with users, roles, grants or objects. The exceptions are future grants, which no view
//! has (they are asked per container or per grantee, whichever is fewer), and the roles that a run looks at again, which
//! are limited.

pub mod estimate;

use super::kind::{Family, SourceKind, Spec};
use super::source::{Group, Statement};
use chrono::{DateTime, SecondsFormat};
use grantd_catalog::account::Micros;
use grantd_catalog::model::{Ident, ObjectType, PrincipalKind, Property};
use grantd_catalog::snapshot::Snapshot;
use std::collections::HashSet;
use std::fmt::Write as _;

/// SHOW commands, without a warehouse: fresh, and the only source of warehouses and integrations.
const SHOWS: &[(SourceKind, &str)] = &[
    (SourceKind::ShowUsers, "SHOW USERS"),
    (SourceKind::ShowRoles, "SHOW ROLES"),
    (SourceKind::ShowDatabases, "SHOW DATABASES"),
    (SourceKind::ShowSchemas, "SHOW SCHEMAS IN ACCOUNT"),
    (SourceKind::ShowWarehouses, "SHOW WAREHOUSES"),
    (SourceKind::ShowIntegrations, "SHOW INTEGRATIONS"),
];

/// The account's own catalogue of privileges. It changes with the platform's releases, so no check asks for it.
const OFFERS: &str = "CALL EXPLAIN_GRANTABLE_PRIVILEGES()";

/// Views that a login need not read: TABLES has every view, and VIEWS holds their text besides.
const FILES_ONLY: &[SourceKind] = &[SourceKind::Views];

/// Views with the same columns, which one statement reads together.
const TOGETHER: &[SourceKind] = &[
    SourceKind::Stages,
    SourceKind::FileFormats,
    SourceKind::Sequences,
    SourceKind::Pipes,
    SourceKind::Streams,
    SourceKind::Tasks,
    SourceKind::SemanticViews,
];

/// How much of the account a run reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    #[default]
    Full,
    /// Everything but the grants that were there already.
    Incremental,
    /// The SHOW commands: whether something changed.
    Check,
}

impl Extent {
    /// The word that `sync_runs.kind` shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
            Self::Check => "check",
        }
    }
}

/// The SHOW commands.
pub fn shows() -> Vec<Statement> {
    SHOWS.iter().map(|(kind, sql)| without_warehouse(Group::Shows, *kind, (*sql).to_owned())).collect()
}

/// A statement that needs no warehouse, named by its text.
fn without_warehouse(group: Group, kind: SourceKind, sql: String) -> Statement {
    Statement { group, name: sql.clone(), kind, sql, older_sql: None, needs_warehouse: false }
}

/// One SELECT per view; several in one where their columns are the same. With `since`, the grants that changed from then on.
pub fn views(since: Option<Micros>) -> Vec<Statement> {
    let read = |kind: &&SourceKind| {
        kind.spec().family == Family::AccountUsage && !FILES_ONLY.contains(kind) && !TOGETHER.contains(kind)
    };
    let mut statements: Vec<Statement> = SourceKind::ALL.iter().filter(read).map(|kind| view(*kind, since)).collect();
    statements.push(Statement {
        group: Group::Views,
        name: SourceKind::SchemaObjects.name().to_owned(),
        kind: SourceKind::SchemaObjects,
        sql: together(true),
        older_sql: Some(together(false)),
        needs_warehouse: true,
    });
    statements
}

/// The statements that do not depend on what others found: SHOWs first, then the views.
pub fn bulk(extent: Extent, since: Option<Micros>) -> Vec<Statement> {
    let mut statements = shows();
    if extent != Extent::Check {
        statements.push(without_warehouse(Group::Shows, SourceKind::GrantablePrivileges, OFFERS.to_owned()));
        statements.extend(views(since.filter(|_| extent == Extent::Incremental)));
    }
    statements
}

/// The views that a statement reads together, one by one: for an account in which one of them cannot be read.
pub fn apart(statement: &Statement) -> Option<Vec<Statement>> {
    (statement.kind == SourceKind::SchemaObjects).then(|| TOGETHER.iter().map(|kind| view(*kind, None)).collect())
}

/// The views that are read together.
pub fn read_together() -> &'static [SourceKind] {
    TOGETHER
}

/// The grants in full, for a run that cannot go by what changed.
pub fn all_grants() -> Statement {
    view(SourceKind::GrantsToRoles, None)
}

fn view(kind: SourceKind, since: Option<Micros>) -> Statement {
    let spec = kind.spec();
    let since = since.filter(|_| kind == SourceKind::GrantsToRoles);
    Statement {
        group: Group::Views,
        name: spec.name.to_owned(),
        kind,
        sql: select(&spec, true, since),
        older_sql: (!spec.recent.is_empty()).then(|| select(&spec, false, since)),
        needs_warehouse: true,
    }
}

/// Columns by name, never `*`: views grow. Rows of what is gone stay on the server, unless only changes are read.
fn select(spec: &Spec, with_recent: bool, since: Option<Micros>) -> String {
    let recent: &[&str] = if with_recent { spec.recent } else { &[] };
    let columns: Vec<&str> = spec
        .mandatory
        .iter()
        .chain(spec.optional)
        .chain(recent)
        .copied()
        .filter(|c| since.is_some() || Some(*c) != spec.deleted)
        .collect();
    let mut sql = format!("SELECT {} FROM SNOWFLAKE.ACCOUNT_USAGE.{}", columns.join(", "), spec.name);
    match (since, spec.deleted) {
        (Some(since), Some(deleted)) => {
            let since = literal(since);
            let _ = write!(sql, " WHERE CREATED_ON >= '{since}' OR MODIFIED_ON >= '{since}' OR {deleted} >= '{since}'");
        }
        (_, Some(deleted)) => {
            let _ = write!(sql, " WHERE {deleted} IS NULL");
        }
        (_, None) => {}
    }
    sql
}

/// A time with its zone, as every `TIMESTAMP_INPUT_FORMAT` of AUTO reads it.
fn literal(at: Micros) -> String {
    let at = DateTime::from_timestamp_micros(at).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Micros, false)
}

fn together(with_recent: bool) -> String {
    let one = |kind: &SourceKind| {
        let spec = kind.spec();
        let [name, schema, database] = [0, 1, 2].map(|i| spec.mandatory.get(i).copied().unwrap_or("NULL"));
        let owner = spec.optional.iter().find(|c| c.ends_with("OWNER")).copied().unwrap_or("NULL");
        let owner_kind = spec.recent.iter().find(|c| **c == "OWNER_ROLE_TYPE").filter(|_| with_recent);
        let deleted = spec.deleted.unwrap_or("NULL");
        format!(
            "SELECT '{}' AS SOURCE, {name} AS NAME, {schema} AS SCHEMA_NAME, {database} AS DATABASE_NAME, \
             {owner} AS OWNER, COMMENT AS COMMENT, CREATED AS CREATED, {} AS OWNER_ROLE_TYPE \
             FROM SNOWFLAKE.ACCOUNT_USAGE.{} WHERE {deleted} IS NULL",
            spec.name,
            owner_kind.map_or("CAST(NULL AS VARCHAR)", |c| *c),
            spec.name
        )
    };
    TOGETHER.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ")
}

/// The members of one role, as they are now.
pub fn members_of(role: &Ident) -> Statement {
    without_warehouse(Group::Repair, SourceKind::ShowGrantsOf, format!("SHOW GRANTS OF ROLE {}", role.quoted()))
}

/// What future grants can be asked by.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Databases that can hold future grants.
    pub databases: Vec<Ident>,
    /// Their schemas.
    pub schemas: Vec<(Ident, Ident)>,
    /// Account roles.
    pub roles: Vec<Ident>,
    /// Database roles.
    pub database_roles: Vec<(Ident, Ident)>,
}

impl Scope {
    /// What the last snapshot can be asked about.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut scope = Self::default();
        for (principal, id) in snapshot.principals().iter().zip(0..) {
            let listed = snapshot.principal_info(id).listed;
            match (principal.kind, principal.scope.first()) {
                (PrincipalKind::Role, _) if listed => scope.roles.push(principal.name.clone()),
                (PrincipalKind::DatabaseRole, Some(database)) if listed => {
                    scope.database_roles.push((database.clone(), principal.name.clone()));
                }
                _ => {}
            }
        }
        for id in (0..snapshot.object_count()).filter(|id| snapshot.object_listed(*id)) {
            let object = snapshot.object(id);
            if object.object_type == ObjectType::DATABASE {
                let kind = snapshot.object_properties(id).and_then(|p| p.get(Property::Kind));
                if kind.is_none_or(|k| k == "STANDARD") {
                    scope.databases.push(object.name);
                }
            } else if let (true, Some(database)) = (object.object_type == ObjectType::SCHEMA, object.database) {
                scope.schemas.push((database, object.name));
            }
        }
        // What imported databases and applications hold cannot have future grants.
        let known: HashSet<&Ident> = scope.databases.iter().collect();
        scope.schemas.retain(|(database, _)| known.contains(database));
        scope.database_roles.retain(|(database, _)| known.contains(database));
        scope
    }

    /// Only the containers that `before` has not: what future grants have to be asked for before their turn.
    pub fn new_containers(&self, before: &Self) -> Self {
        let databases: HashSet<&Ident> = before.databases.iter().collect();
        let schemas: HashSet<&(Ident, Ident)> = before.schemas.iter().collect();
        Self {
            databases: self.databases.iter().filter(|d| !databases.contains(d)).cloned().collect(),
            schemas: self.schemas.iter().filter(|s| !schemas.contains(s)).cloned().collect(),
            roles: Vec::new(),
            database_roles: Vec::new(),
        }
    }

    /// One SHOW FUTURE GRANTS per container.
    pub fn by_container(&self) -> Vec<Statement> {
        let databases = self.databases.iter().map(|d| format!("IN DATABASE {}", d.quoted()));
        future(databases.chain(self.schemas.iter().map(|s| format!("IN SCHEMA {}", pair(s)))))
    }

    fn by_grantee(&self) -> Vec<Statement> {
        let roles = self.roles.iter().map(|r| format!("TO ROLE {}", r.quoted()));
        future(roles.chain(self.database_roles.iter().map(|r| format!("TO DATABASE ROLE {}", pair(r)))))
    }
}

fn pair((outer, inner): &(Ident, Ident)) -> String {
    format!("{}.{}", outer.quoted(), inner.quoted())
}

/// One SHOW FUTURE GRANTS per container, or per grantee when there are fewer of those.
pub fn future_grants(scope: &Scope) -> Vec<Statement> {
    let containers = scope.databases.len() + scope.schemas.len();
    let grantees = scope.roles.len() + scope.database_roles.len();
    if containers <= grantees { scope.by_container() } else { scope.by_grantee() }
}

fn future(texts: impl Iterator<Item = String>) -> Vec<Statement> {
    let statement = |what| {
        without_warehouse(Group::FutureGrants, SourceKind::ShowFutureGrants, format!("SHOW FUTURE GRANTS {what}"))
    };
    texts.map(statement).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Ident {
        Ident::new(text).unwrap()
    }

    #[test]
    fn every_select_names_its_columns_and_leaves_out_what_is_gone() {
        let statements = bulk(Extent::Full, None);
        // The aim is 20 or fewer, whatever the size of the account.
        assert_eq!(statements.len(), 18);
        for statement in &statements {
            assert!(!statement.sql.contains('*'), "{}", statement.sql);
        }
        let roles = statements.iter().find(|s| s.name == "ROLES").unwrap();
        assert_eq!(
            roles.sql,
            "SELECT NAME, CREATED_ON, COMMENT, OWNER, ROLE_TYPE, ROLE_DATABASE_NAME, OWNER_ROLE_TYPE, ROLE_INSTANCE_ID \
             FROM SNOWFLAKE.ACCOUNT_USAGE.ROLES WHERE DELETED_ON IS NULL"
        );
        assert!(!roles.older_sql.as_ref().unwrap().contains("ROLE_INSTANCE_ID"));
        assert!(statements.iter().all(|s| s.name != "VIEWS"), "view texts are not read");
    }

    #[test]
    fn an_incremental_run_reads_changed_grants_with_their_ends_and_everything_else_whole() {
        let (full, changes) = (bulk(Extent::Full, None), bulk(Extent::Incremental, Some(1_767_323_045_678_901)));
        let differing: Vec<&Statement> = changes.iter().filter(|s| !full.contains(s)).collect();
        let [grants] = differing.as_slice() else { panic!("{differing:?}") };
        assert!(grants.sql.contains("DELETED_ON,"), "{}", grants.sql);
        assert!(grants.sql.ends_with(
            "WHERE CREATED_ON >= '2026-01-02T03:04:05.678901+00:00' OR MODIFIED_ON >= '2026-01-02T03:04:05.678901+00:00' \
             OR DELETED_ON >= '2026-01-02T03:04:05.678901+00:00'"
        ));
        assert_eq!(bulk(Extent::Check, None).len(), 6);
        assert!(bulk(Extent::Check, None).iter().all(|s| !s.needs_warehouse));
    }

    #[test]
    fn views_with_the_same_columns_are_one_statement_with_an_older_form() {
        let all = bulk(Extent::Full, None);
        let union = all.iter().find(|s| s.kind == SourceKind::SchemaObjects).unwrap();
        assert_eq!(union.sql.matches(" UNION ALL ").count(), TOGETHER.len() - 1);
        assert!(union.sql.contains("STAGE_OWNER AS OWNER") && union.sql.contains(", OWNER AS OWNER,"));
        assert!(!union.older_sql.as_ref().unwrap().contains(", OWNER_ROLE_TYPE AS"));
        assert_eq!(apart(union).unwrap().len(), TOGETHER.len());
    }

    #[test]
    fn future_grants_are_asked_the_shorter_way_with_quoted_names() {
        let mut scope = Scope {
            databases: vec![id("RAW")],
            schemas: vec![(id("RAW"), id("my \"odd\" schema"))],
            roles: vec![id("A"), id("B")],
            database_roles: vec![(id("RAW"), id("R"))],
        };
        let by_container: Vec<_> = future_grants(&scope).into_iter().map(|s| s.sql).collect();
        assert_eq!(
            by_container,
            [
                "SHOW FUTURE GRANTS IN DATABASE \"RAW\"",
                "SHOW FUTURE GRANTS IN SCHEMA \"RAW\".\"my \"\"odd\"\" schema\""
            ]
        );
        scope.roles.truncate(0);
        let by_grantee: Vec<_> = future_grants(&scope).into_iter().map(|s| s.sql).collect();
        assert_eq!(by_grantee, ["SHOW FUTURE GRANTS TO DATABASE ROLE \"RAW\".\"R\""]);
    }
}
