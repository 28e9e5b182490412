//! A list of changes as a script: ordered so that each statement finds what it needs, each with what takes it back.

use super::inverse::inverse;
use super::render::{RenderError, render};
use crate::account::imports::as_a_whole;
use crate::account::{Account, ApplyError};
use crate::model::{Change, Ident, ObjectRef, Principal, Privilege};
use std::collections::BTreeSet;

/// Changes as SQL, in the order in which they can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The statements.
    pub statements: Vec<ScriptStatement>,
}

/// One statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptStatement {
    /// The change.
    pub change: Change,
    /// Its SQL, without `;`.
    pub sql: String,
    /// The SQL that takes it back, statement by statement; empty when it changed nothing.
    pub inverse: Vec<String>,
    /// What of the way back SQL cannot say.
    pub not_inverted: Vec<String>,
}

/// Why changes make no script: which change (counted from 0), and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// SQL cannot say it.
    #[error("change {index}: {error}")]
    Render {
        /// Which change.
        index: usize,
        /// Why not.
        error: RenderError,
    },
    /// It does not apply to the account.
    #[error("change {index}: {error}")]
    Apply {
        /// Which change.
        index: usize,
        /// Why not.
        error: ApplyError,
    },
}

/// Renders changes in an order that works: revokes, drops, creations
/// from the outside in, alterations, grants from the outside in with READ before WRITE, memberships, ownership last.
///
/// Where that order does not lead to the same account as the given one, because one change undoes part of another,
/// the given order stands. No statement comes twice in a row of the same effect: equal changes are said once. A row that
/// comes from a share is revoked as a whole, as the platform demands.
pub fn render_script(changes: &[Change], before: &Account) -> Result<Script, ScriptError> {
    let imported = |database: &Ident| before.is_import(database);
    let as_the_platform_takes_it = |change: &Change| match change {
        Change::RevokePrivilege { .. } => as_a_whole(change.clone(), imported),
        other => other.clone(),
    };
    let changes: Vec<Change> = changes.iter().map(as_the_platform_takes_it).collect();
    let given: Vec<(usize, &Change)> = changes.iter().enumerate().collect();
    let after = apply_all(&given, before)?;
    let mut ordered = given.clone();
    ordered.sort_by_key(|(index, change)| (rank(change), *index));
    let mut said = BTreeSet::new();
    ordered.retain(|(_, change)| render(change).map_or(true, |sql| said.insert(sql)));
    let order = match apply_all(&ordered, before) {
        Ok(other) if same(&changes, &after, &other) => ordered,
        _ => given,
    };
    let mut now = before.clone();
    let mut statements = Vec::with_capacity(order.len());
    for (index, change) in order {
        let sql = render(change).map_err(|error| ScriptError::Render { index, error })?;
        let (mut back, mut not_inverted) = (Vec::new(), Vec::new());
        for change in inverse(change, &now) {
            match render(&as_a_whole(change, imported)) {
                Ok(sql) if back.contains(&sql) => {}
                Ok(sql) => back.push(sql),
                Err(error) => not_inverted.push(error.to_string()),
            }
        }
        apply(change, index, &mut now)?;
        statements.push(ScriptStatement { change: change.clone(), sql, inverse: back, not_inverted });
    }
    Ok(Script { statements })
}

fn apply(change: &Change, index: usize, account: &mut Account) -> Result<(), ScriptError> {
    match account.apply(change, None) {
        // The platform accepts a REVOKE of what is not granted.
        Ok(()) | Err(ApplyError::NotGranted(_)) => Ok(()),
        Err(error) => Err(ScriptError::Apply { index, error }),
    }
}

fn apply_all(changes: &[(usize, &Change)], before: &Account) -> Result<Account, ScriptError> {
    let mut account = before.clone();
    for (index, change) in changes {
        apply(change, *index, &mut account)?;
    }
    Ok(account)
}

/// Where a change stands in a script: phase, then depth or importance within it.
fn rank(change: &Change) -> (u8, u8) {
    let depth = |o: &ObjectRef| o.parts().count().min(9) as u8;
    let of_principal = |p: &Principal| depth(&p.as_object());
    match change {
        Change::RevokePrivilege { privilege, object, .. } => {
            let write_first = u8::from(privilege.as_str() != "WRITE");
            (0, (9 - depth(object)) * 2 + write_first)
        }
        Change::RevokeFuture { .. } | Change::RevokeInherited { .. } | Change::RevokeRole { .. } => (1, 0),
        Change::DropObject { object } => (2, 9 - depth(object)),
        Change::DropPrincipal { principal } => (3, 9 - of_principal(principal)),
        Change::CreateRole { role: principal, .. } | Change::CreateUser { user: principal, .. } => {
            (4, of_principal(principal) * 2 + 1)
        }
        Change::CreateObject { object, .. } => (4, depth(object) * 2),
        Change::AlterPrincipal { .. } | Change::AlterObject { .. } => (5, 0),
        Change::GrantPrivilege { privilege, object, .. } => {
            let account = object.object_type == crate::model::ObjectType::ACCOUNT;
            let first = u8::from(*privilege != Privilege::USAGE && privilege.as_str() != "READ");
            (6, if account { 0 } else { depth(object) * 2 + first })
        }
        Change::GrantInherited { .. } | Change::GrantFuture { .. } => (7, 0),
        Change::GrantRole { .. } => (8, 0),
        Change::TransferOwnership { object, .. } => (9, 9 - depth(object)),
    }
}

/// Whether two accounts that the same changes were applied to are the same where the changes reached.
fn same(changes: &[Change], a: &Account, b: &Account) -> bool {
    let mut objects: BTreeSet<ObjectRef> = BTreeSet::new();
    let mut principals: BTreeSet<Principal> = BTreeSet::new();
    for change in changes {
        match change {
            Change::CreateUser { user: p, .. }
            | Change::CreateRole { role: p, .. }
            | Change::AlterPrincipal { principal: p, .. }
            | Change::DropPrincipal { principal: p } => {
                principals.insert(p.clone());
                objects.insert(p.as_object());
            }
            Change::CreateObject { object, .. }
            | Change::AlterObject { object, .. }
            | Change::DropObject { object }
            | Change::GrantPrivilege { object, .. }
            | Change::RevokePrivilege { object, .. }
            | Change::TransferOwnership { object, .. } => {
                objects.insert(object.clone());
            }
            _ => {}
        }
    }
    let row = |g: crate::account::Grant| (g.privilege, g.object, g.grantee, g.granted_by, g.grant_option);
    let of_objects = objects.iter().all(|o| {
        let rows = |x: &Account| x.grants_on(o).map(row).collect::<BTreeSet<_>>();
        let info = |x: &Account| x.object(o).map(|(found, info)| (found.clone(), info.properties.clone()));
        a.owner(o) == b.owner(o) && info(a) == info(b) && rows(a) == rows(b)
    });
    let of_principals = principals.iter().all(|p| {
        let info = |x: &Account| x.principal(p).map(|i| i.properties.clone());
        info(a) == info(b)
    });
    let members = |x: &Account| x.memberships().map(|m| (m.role, m.member, m.granted_by, m.grant_option)).collect();
    let members: (BTreeSet<_>, BTreeSet<_>) = (members(a), members(b));
    let templates = |x: &Account| {
        let key = |g: crate::account::ContainerGrant| {
            (g.reach, g.container, g.object_type, g.privilege, g.grantee, g.grant_option)
        };
        x.container_grants().map(key).collect::<BTreeSet<_>>()
    };
    of_objects && of_principals && members.0 == members.1 && templates(a) == templates(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{account_made_by, parse_changes};

    fn script(setup: &str, sql: &str) -> Vec<String> {
        let account = account_made_by(setup);
        let changes = parse_changes(sql, &account).unwrap();
        let script = render_script(&changes, &account).unwrap();
        script.statements.into_iter().map(|s| s.sql).collect()
    }

    #[test]
    fn containers_come_before_objects_and_ownership_comes_last() {
        let sql = "CREATE ROLE R; CREATE DATABASE D; CREATE SCHEMA D.S; CREATE STAGE D.S.ST;
            GRANT OWNERSHIP ON STAGE D.S.ST TO ROLE R; GRANT WRITE, READ ON STAGE D.S.ST TO ROLE R;
            GRANT USAGE ON SCHEMA D.S TO ROLE R; GRANT USAGE ON DATABASE D TO ROLE R;";
        assert_eq!(
            script("", sql),
            [
                "CREATE DATABASE \"D\"",
                "CREATE ROLE \"R\"",
                "CREATE SCHEMA \"D\".\"S\"",
                "CREATE STAGE \"D\".\"S\".\"ST\"",
                "GRANT USAGE ON DATABASE \"D\" TO ROLE \"R\"",
                "GRANT USAGE ON SCHEMA \"D\".\"S\" TO ROLE \"R\"",
                "GRANT READ ON STAGE \"D\".\"S\".\"ST\" TO ROLE \"R\"",
                "GRANT WRITE ON STAGE \"D\".\"S\".\"ST\" TO ROLE \"R\"",
                "GRANT OWNERSHIP ON STAGE \"D\".\"S\".\"ST\" TO ROLE \"R\"",
            ]
        );
    }

    #[test]
    fn a_drop_comes_before_the_creation_of_the_same_name() {
        let sql = "DROP ROLE R; CREATE ROLE R; GRANT ROLE R TO ROLE PUBLIC";
        let got = script("CREATE ROLE R", sql);
        assert_eq!(got, ["DROP ROLE \"R\"", "CREATE ROLE \"R\"", "GRANT ROLE \"R\" TO ROLE \"PUBLIC\""]);
    }

    #[test]
    fn what_comes_from_a_share_is_revoked_as_a_whole_and_once() {
        let setup = "CREATE ROLE R; CREATE DATABASE D FROM SHARE P.S; CREATE SCHEMA D.S; CREATE VIEW D.S.V AS SELECT 1;
            CREATE VIEW D.S.W AS SELECT 1; GRANT IMPORTED PRIVILEGES ON DATABASE D TO ROLE R";
        let account = account_made_by(setup);
        let sql = "REVOKE SELECT ON VIEW D.S.V FROM ROLE R; REVOKE SELECT ON VIEW D.S.W FROM ROLE R";
        let script = render_script(&parse_changes(sql, &account).unwrap(), &account).unwrap();
        let [only] = script.statements.as_slice() else { panic!("{script:?}") };
        assert_eq!(only.sql, "REVOKE IMPORTED PRIVILEGES ON DATABASE \"D\" FROM ROLE \"R\"");
        assert_eq!(only.inverse, ["GRANT IMPORTED PRIVILEGES ON DATABASE \"D\" TO ROLE \"R\""]);
    }

    #[test]
    fn the_given_order_stands_where_another_would_change_the_outcome() {
        let setup = "CREATE ROLE A; CREATE ROLE B; CREATE DATABASE D";
        let sql = "GRANT OWNERSHIP ON DATABASE D TO ROLE A REVOKE CURRENT GRANTS; GRANT USAGE ON DATABASE D TO ROLE B";
        assert!(script(setup, sql)[0].starts_with("GRANT OWNERSHIP"));
    }

    #[test]
    fn the_inverse_brings_the_account_back() {
        let setup = "CREATE ROLE A; CREATE ROLE B; CREATE USER U; CREATE DATABASE D; CREATE SCHEMA D.S; CREATE TABLE D.S.T (X INT);
            GRANT ROLE A TO ROLE B; GRANT ROLE A TO USER U; GRANT SELECT ON TABLE D.S.T TO ROLE A WITH GRANT OPTION;
            GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO ROLE A; GRANT OWNERSHIP ON SCHEMA D.S TO ROLE A;";
        let account = account_made_by(setup);
        let rows = |x: &Account| {
            let mut rows: Vec<String> = x.grants().map(|g| format!("{g:?}")).collect();
            rows.extend(x.memberships().map(|m| format!("{m:?}")));
            rows.extend(x.container_grants().map(|g| format!("{g:?}")));
            rows.extend(x.ownerships().map(|o| format!("{:?} {:?}", o.object, o.owner)));
            rows.extend(x.objects().map(|(o, i)| format!("{o:?} {:?}", i.properties)));
            rows.sort();
            rows
        };
        for sql in [
            "DROP ROLE A",
            "DROP SCHEMA D.S",
            "DROP DATABASE D",
            "DROP TABLE D.S.T",
            "REVOKE SELECT ON TABLE D.S.T FROM ROLE A CASCADE",
            "REVOKE GRANT OPTION FOR SELECT ON TABLE D.S.T FROM ROLE A",
            "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE B REVOKE CURRENT GRANTS",
            "REVOKE ROLE A FROM USER U",
            "ALTER SCHEMA D.S ENABLE MANAGED ACCESS",
            "REVOKE SELECT ON FUTURE TABLES IN SCHEMA D.S FROM ROLE A",
            "GRANT ALL ON SCHEMA D.S TO ROLE B",
        ] {
            let mut now = account.clone();
            let mut backs = Vec::new();
            for change in parse_changes(sql, &account).unwrap() {
                backs.push(inverse(&change, &now));
                now.apply(&change, None).unwrap();
            }
            for change in backs.into_iter().rev().flatten() {
                now.apply(&change, None).unwrap_or_else(|e| panic!("{sql}: {change:?}: {e}"));
            }
            let first_owner = sql.starts_with("GRANT OWNERSHIP ON TABLE");
            if first_owner {
                // A table that nobody was known to own cannot be given back to nobody.
                assert_eq!(now.grants().count(), account.grants().count(), "{sql}");
            } else {
                assert_eq!(rows(&now), rows(&account), "{sql}");
            }
        }
    }
}
