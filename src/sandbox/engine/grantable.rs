//! What can be granted to whom at all, whoever grants it.

use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::{Account, Reach};
use grantd_catalog::model::{Change, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege};

/// Refuses a grant that the platform does not know.
pub(super) fn check(account: &Account, change: &Change) -> Result<(), Failure> {
    let why = match change {
        Change::GrantRole { role, to, .. } => of_role(role, to),
        Change::TransferOwnership { object, to, .. } => of_ownership(object, to),
        Change::GrantPrivilege { grantee, grant_option: true, .. } if grantee.kind == PrincipalKind::Share => {
            Some("a share gets no grant option".to_owned())
        }
        Change::GrantFuture { grantee, .. } if matches!(grantee.kind, PrincipalKind::User | PrincipalKind::Share) => {
            Some("future grants are made to roles and database roles".to_owned())
        }
        Change::GrantFuture { privilege, object_type, container, grantee, .. }
            if *privilege == Privilege::OWNERSHIP =>
        {
            let other = account.container_grants().find(|g| {
                g.reach == Reach::Future
                    && g.privilege == Privilege::OWNERSHIP
                    && (&g.object_type, &g.container) == (object_type, container)
                    && g.grantee != *grantee
            });
            other.map(|g| format!("{} owns the future {} there", g.grantee.shown(), object_type.plural_sql()))
        }
        Change::GrantInherited { privilege, .. } if *privilege == Privilege::OWNERSHIP => {
            Some("OWNERSHIP is not inherited".to_owned())
        }
        Change::GrantInherited { grantee, .. }
            if matches!(grantee.kind, PrincipalKind::ApplicationRole | PrincipalKind::Share) =>
        {
            Some("inherited grants are made to roles, database roles, users and applications".to_owned())
        }
        _ => None,
    };
    match why {
        Some(why) => Err(Failure::new("003059", "0A000", format!("SQL compilation error:\nUnsupported grant: {why}."))),
        None => Ok(()),
    }
}

/// Who a role can be granted to, by its kind.
fn of_role(role: &Principal, to: &Principal) -> Option<String> {
    let fits = match (role.kind, to.kind) {
        (PrincipalKind::Role, kind) => matches!(kind, PrincipalKind::Role | PrincipalKind::User),
        (PrincipalKind::DatabaseRole, PrincipalKind::DatabaseRole) => role.scope == to.scope,
        (PrincipalKind::InstanceRole, kind) => kind == PrincipalKind::Role,
        (_, PrincipalKind::DatabaseRole) => false,
        _ => true,
    };
    (!fits).then(|| format!("{} cannot be granted to {}", role.grantee_sql(), to.grantee_sql()))
}

/// Who can own: a role, or a database role of the object's database, which is not itself such an object.
fn of_ownership(object: &ObjectRef, to: &Principal) -> Option<String> {
    let fits = match to.kind {
        PrincipalKind::Role | PrincipalKind::ApplicationRole => true,
        PrincipalKind::DatabaseRole => {
            object.object_type != ObjectType::DATABASE
                && object.database.is_some()
                && to.scope.first() == object.database.as_ref()
        }
        _ => false,
    };
    (!fits).then(|| format!("{} cannot own {} {}", to.grantee_sql(), object.object_type.sql(), object.shown()))
}
