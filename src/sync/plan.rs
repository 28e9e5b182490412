//! The statements of a run.
//!
//! Their number does not grow with users, roles, grants or objects. The exception is future grants, which no view
//! has: they are asked per container or per grantee, whichever is fewer.

use super::kind::{Family, SourceKind, Spec};
use super::source::Statement;
use grantd_catalog::model::Ident;
use std::fmt::Write as _;

/// SHOW commands, and what is like one, without a warehouse: fresh, and the only source of warehouses, integrations and of
/// the account's own catalogue of privileges.
const SHOWS: &[(SourceKind, &str)] = &[
    (SourceKind::ShowUsers, "SHOW USERS"),
    (SourceKind::ShowRoles, "SHOW ROLES"),
    (SourceKind::ShowDatabases, "SHOW DATABASES"),
    (SourceKind::ShowSchemas, "SHOW SCHEMAS IN ACCOUNT"),
    (SourceKind::ShowWarehouses, "SHOW WAREHOUSES"),
    (SourceKind::ShowIntegrations, "SHOW INTEGRATIONS"),
    (SourceKind::GrantablePrivileges, "CALL EXPLAIN_GRANTABLE_PRIVILEGES()"),
];

/// Views that a login need not read: TABLES has every view, and VIEWS holds their text besides.
const FILES_ONLY: &[SourceKind] = &[SourceKind::Views];

/// The statements that do not depend on what others found: SHOWs first, then one SELECT per view.
pub fn bulk() -> Vec<Statement> {
    let shows = SHOWS.iter().map(|(kind, sql)| Statement {
        name: (*sql).to_owned(),
        kind: *kind,
        sql: (*sql).to_owned(),
        older_sql: None,
        needs_warehouse: false,
    });
    let views = SourceKind::ALL
        .iter()
        .filter(|kind| kind.spec().family == Family::AccountUsage && !FILES_ONLY.contains(kind))
        .map(|kind| {
            let spec = kind.spec();
            Statement {
                name: spec.name.to_owned(),
                kind: *kind,
                sql: select(&spec, true),
                older_sql: (!spec.recent.is_empty()).then(|| select(&spec, false)),
                needs_warehouse: true,
            }
        });
    shows.chain(views).collect()
}

/// Columns by name, never `*`: views grow. Rows of what is gone stay on the server.
fn select(spec: &Spec, with_recent: bool) -> String {
    let recent: &[&str] = if with_recent { spec.recent } else { &[] };
    let columns: Vec<&str> = spec
        .mandatory
        .iter()
        .chain(spec.optional)
        .chain(recent)
        .copied()
        .filter(|c| Some(*c) != spec.deleted)
        .collect();
    let mut sql = format!("SELECT {} FROM SNOWFLAKE.ACCOUNT_USAGE.{}", columns.join(", "), spec.name);
    if let Some(deleted) = spec.deleted {
        let _ = write!(sql, " WHERE {deleted} IS NULL");
    }
    sql
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

/// One SHOW FUTURE GRANTS per container, or per grantee when there are fewer of those.
pub fn future_grants(scope: &Scope) -> Vec<Statement> {
    let containers = scope.databases.len() + scope.schemas.len();
    let grantees = scope.roles.len() + scope.database_roles.len();
    let pair = |(outer, inner): &(Ident, Ident)| format!("{}.{}", outer.quoted(), inner.quoted());
    let texts: Vec<String> = if containers <= grantees {
        let databases = scope.databases.iter().map(|d| format!("IN DATABASE {}", d.quoted()));
        databases.chain(scope.schemas.iter().map(|s| format!("IN SCHEMA {}", pair(s)))).collect()
    } else {
        let roles = scope.roles.iter().map(|r| format!("TO ROLE {}", r.quoted()));
        roles.chain(scope.database_roles.iter().map(|r| format!("TO DATABASE ROLE {}", pair(r)))).collect()
    };
    texts
        .into_iter()
        .map(|what| {
            let sql = format!("SHOW FUTURE GRANTS {what}");
            let kind = SourceKind::ShowFutureGrants;
            Statement { name: sql.clone(), kind, sql, older_sql: None, needs_warehouse: false }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Ident {
        Ident::new(text).unwrap()
    }

    #[test]
    fn every_select_names_its_columns_and_leaves_out_what_is_gone() {
        let statements = bulk();
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
