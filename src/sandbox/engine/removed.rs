//! What was in the account and is gone, with the time it went.

use grantd_catalog::account::{Account, Grant, Membership, Micros, ObjectInfo, Ownership, PrincipalInfo};
use grantd_catalog::model::{Change, Container, ObjectRef, ObjectType, OutboundGrants, Principal, PrincipalKind};

/// Rows that left the account, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Removed {
    /// Grants that were revoked.
    pub grants: Vec<(Grant, Micros)>,
    /// Memberships that ended.
    pub memberships: Vec<(Membership, Micros)>,
    /// Users and roles that were dropped.
    pub principals: Vec<(Principal, PrincipalInfo, Micros)>,
    /// Objects that were dropped.
    pub objects: Vec<(ObjectRef, ObjectInfo, Micros)>,
    /// Owners that are no more.
    pub ownerships: Vec<(Ownership, Micros)>,
}

/// How much had left the account at a moment.
#[derive(Clone, Debug)]
pub(super) struct Mark([usize; 5]);

impl Removed {
    pub(super) fn mark(&self) -> Mark {
        let Self { grants, memberships, principals, objects, ownerships } = self;
        Mark([grants.len(), memberships.len(), principals.len(), objects.len(), ownerships.len()])
    }

    /// Forgets what left after a moment.
    pub(super) fn forget_after(&mut self, Mark([grants, memberships, principals, objects, ownerships]): &Mark) {
        self.grants.truncate(*grants);
        self.memberships.truncate(*memberships);
        self.principals.truncate(*principals);
        self.objects.truncate(*objects);
        self.ownerships.truncate(*ownerships);
    }

    /// Keeps what a change is about to remove. Grants on an object go with it without a trace: the platform keeps none.
    pub(super) fn remember(&mut self, account: &Account, change: &Change, now: Micros) {
        match change {
            Change::RevokePrivilege { privilege, object, grantee, grant_option_only: false, granted_by, .. } => {
                let rows = account.grants_of_to(object, privilege, grantee);
                let rows = rows.filter(|g| granted_by.is_none() || g.granted_by == *granted_by);
                self.grants.extend(rows.map(|g| (g, now)));
            }
            Change::RevokeRole { role, from, granted_by } => {
                let rows = account.roles_of(from).filter(|m| m.role == *role);
                let rows = rows.filter(|m| granted_by.is_none() || m.granted_by == *granted_by);
                self.memberships.extend(rows.map(|m| (m, now)));
            }
            Change::TransferOwnership { object, outbound, .. } => {
                self.ownerships.extend(account.ownership(object).map(|o| (o, now)));
                if *outbound == Some(OutboundGrants::Revoke) {
                    self.grants.extend(account.grants_on(object).map(|g| (g, now)));
                }
            }
            Change::DropPrincipal { principal } => self.remember_principal(account, principal, now),
            Change::DropObject { object } => {
                let container = match (object.object_type.as_str(), &object.database) {
                    ("DATABASE", _) => Some(Container::Database(object.name.clone())),
                    ("SCHEMA", Some(database)) => Some(Container::Schema(database.clone(), object.name.clone())),
                    _ => None,
                };
                let itself = account.object(object);
                let inside = container.iter().flat_map(|container| account.objects_in(container));
                // Roles and users are principals; as securables they have no history of their own.
                let gone = itself.into_iter().chain(inside).filter(|(o, _)| Principal::from_object(o).is_none());
                self.objects.extend(gone.map(|(o, i)| (o.clone(), i.clone(), now)));
                if object.object_type == ObjectType::DATABASE {
                    let of_database =
                        |p: &&Principal| p.kind == PrincipalKind::DatabaseRole && p.scope.first() == Some(&object.name);
                    let roles: Vec<Principal> =
                        account.principals().map(|(p, _)| p).filter(of_database).cloned().collect();
                    roles.iter().for_each(|role| self.remember_principal(account, role, now));
                }
            }
            _ => {}
        }
    }

    fn remember_principal(&mut self, account: &Account, principal: &Principal, now: Micros) {
        if let Some(info) = account.principal(principal) {
            self.principals.push((principal.clone(), info.clone(), now));
        }
        self.grants.extend(account.grants_to(principal).map(|g| (g, now)));
        let rows = account.members_of(principal).chain(account.roles_of(principal));
        self.memberships.extend(rows.map(|m| (m, now)));
    }
}
