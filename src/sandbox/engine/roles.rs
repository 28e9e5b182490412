//! Which roles are active in a session, and what they may do: Snowflake's rules by plain loops, written to be read.

use grantd_catalog::account::{Account, Reach};
use grantd_catalog::model::{
    Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Property, privileges_of,
};
use std::collections::BTreeSet;

/// A role and every role it includes; PUBLIC and what PUBLIC includes among them.
pub(super) fn closure(account: &Account, start: impl IntoIterator<Item = Principal>) -> BTreeSet<Principal> {
    let edges: Vec<(Principal, Principal)> = account.memberships().map(|m| (m.member, m.role)).collect();
    let mut found: BTreeSet<Principal> = start.into_iter().collect();
    found.insert(Principal::public());
    loop {
        let new: Vec<Principal> = edges
            .iter()
            .filter(|(member, role)| found.contains(member) && !found.contains(role))
            .map(|(_, role)| role.clone())
            .collect();
        if new.is_empty() {
            return found;
        }
        found.extend(new);
    }
}

/// The roles granted to a user directly.
pub(super) fn granted_to(account: &Account, user: &Principal) -> BTreeSet<Principal> {
    account.memberships().filter(|m| m.member == *user).map(|m| m.role).collect()
}

/// The account roles that a user can make its primary role: granted to it, or included in one that is.
pub(super) fn can_use(account: &Account, user: &Principal, role: &Principal) -> bool {
    role.kind == PrincipalKind::Role && closure(account, granted_to(account, user)).contains(role)
}

/// What is active: who counts for a check.
pub(super) struct Active<'a> {
    pub account: &'a Account,
    /// The closure of the primary role: what CREATE looks at.
    pub primary: BTreeSet<Principal>,
    /// Everything active, secondary roles and (with them) the user itself included.
    pub all: BTreeSet<Principal>,
}

impl<'a> Active<'a> {
    /// The active set of a session.
    pub(super) fn new(account: &'a Account, user: &Principal, role: &Principal, secondary: bool) -> Self {
        let primary = closure(account, [role.clone()]);
        let mut all = primary.clone();
        if secondary {
            all.extend(closure(account, granted_to(account, user)));
            // Privileges granted to the user itself count only with secondary roles ALL.
            all.insert(user.clone());
        }
        Self { account, primary, all }
    }

    /// Whether somebody of a set has a privilege on an object: granted, inherited, or by ownership.
    pub(super) fn has(&self, set: &BTreeSet<Principal>, privilege: &str, object: &ObjectRef) -> bool {
        let granted =
            self.account.grants_on(object).any(|g| g.privilege.as_str() == privilege && set.contains(&g.grantee));
        let owned = self.account.owner(object).is_some_and(|o| set.contains(o));
        let implied = privilege == "OWNERSHIP" || privileges_of(&object.object_type).contains(&privilege);
        granted || (owned && implied) || self.inherits(set, Some(privilege), object)
    }

    /// Whether an inherited grant of a privilege (any, when `None`) covers an object.
    fn inherits(&self, set: &BTreeSet<Principal>, privilege: Option<&str>, object: &ObjectRef) -> bool {
        self.account.container_grants().any(|g| {
            g.reach == Reach::Inherited
                && g.object_type == object.object_type
                && privilege.is_none_or(|p| g.privilege.as_str() == p)
                && set.contains(&g.grantee)
                && g.container.contains(object)
        })
    }

    /// Whether any privilege on an object is held.
    pub(super) fn has_any(&self, object: &ObjectRef) -> bool {
        self.account.grants_on(object).any(|g| self.all.contains(&g.grantee))
            || self.account.owner(object).is_some_and(|o| self.all.contains(o))
            || self.inherits(&self.all, None, object)
    }

    /// Whether names in a container resolve: any privilege on it, an inherited grant on what is in it, or being a
    /// database role of it.
    pub(super) fn reaches(&self, container: &ObjectRef) -> bool {
        let inherited_here = self.account.container_grants().any(|g| {
            g.reach == Reach::Inherited
                && self.all.contains(&g.grantee)
                && match &g.container {
                    Container::Account => false,
                    Container::Database(d) => *container == ObjectRef::database(d.clone()),
                    Container::Schema(d, s) => {
                        *container == ObjectRef::in_database(ObjectType::SCHEMA, d.clone(), s.clone())
                    }
                }
        });
        self.has_any(container) || inherited_here || self.has_a_role_of(container)
    }

    /// Whether a container can be made the current one: USAGE on it, however it is held.
    pub(super) fn enters(&self, container: &ObjectRef) -> bool {
        let imported = container.object_type == ObjectType::DATABASE
            && self.has(&self.all, Privilege::IMPORTED_PRIVILEGES.as_str(), container);
        self.has(&self.all, "USAGE", container) || imported || self.has_a_role_of(container)
    }

    /// Whether a database role of this database is active: such a role has USAGE on it.
    fn has_a_role_of(&self, database: &ObjectRef) -> bool {
        self.all.iter().any(|p| {
            p.kind == PrincipalKind::DatabaseRole
                && p.scope.first().is_some_and(|d| *database == ObjectRef::database(d.clone()))
        })
    }

    /// Whether the containers of an object resolve.
    pub(super) fn reaches_containers(&self, object: &ObjectRef) -> bool {
        let database = object.database.clone().map(ObjectRef::database);
        let schema = schema_of(object);
        database.is_none_or(|d| self.reaches(&d)) && schema.is_none_or(|s| self.reaches(&s))
    }

    /// Whether a relation can be read.
    pub(super) fn may_select(&self, object: &ObjectRef) -> bool {
        self.has(&self.all, "SELECT", object) && self.reaches_containers(object)
    }

    /// Whether somebody active may grant and revoke anything on an object.
    pub(super) fn manages_grants(&self, object: &ObjectRef) -> bool {
        let on = |container: &ObjectRef| {
            let rows = self.account.grants_on(container);
            rows.into_iter().any(|g| g.privilege == Privilege::MANAGE_GRANTS && self.all.contains(&g.grantee))
        };
        on(&ObjectRef::account())
            || object.database.clone().is_some_and(|d| on(&ObjectRef::database(d)))
            || schema_of(object).is_some_and(|s| on(&s))
            || (matches!(object.object_type.as_str(), "DATABASE" | "SCHEMA") && on(object))
    }

    /// Whether an object's owner is active.
    pub(super) fn owns(&self, object: &ObjectRef) -> bool {
        self.account.owner(object).is_some_and(|o| self.all.contains(o))
    }

    /// Whether an object, or a container it lies in, is owned: who may drop it.
    pub(super) fn owns_with_containers(&self, object: &ObjectRef) -> bool {
        self.owns(object)
            || schema_of(object).is_some_and(|s| self.owns(&s))
            || object.database.clone().is_some_and(|d| self.owns(&ObjectRef::database(d)))
    }

    /// The role in whose name a privilege on an object is granted, or `None` when nobody active may grant it.
    ///
    /// The object's owner, or in a managed access schema the schema's owner; else a holder of the grant
    /// option; else, with MANAGE GRANTS, the owner all the same.
    pub(super) fn grantor(&self, privilege: &Privilege, object: &ObjectRef) -> Option<Option<Principal>> {
        let managed = schema_of(object).is_some_and(|s| self.is_managed(&s));
        let owner =
            if managed { schema_of(object).and_then(|s| self.account.owner(&s)) } else { self.account.owner(object) };
        if let Some(owner) = owner.filter(|o| self.all.contains(*o)) {
            return Some(Some(owner.clone()));
        }
        if !managed {
            let option = self
                .account
                .grants_on(object)
                .find(|g| g.privilege == *privilege && g.grant_option && self.all.contains(&g.grantee));
            if let Some(option) = option {
                return Some(Some(option.grantee));
            }
        }
        self.manages_grants(object).then(|| self.account.owner(object).or(owner).cloned().or_else(account_admin))
    }

    fn is_managed(&self, schema: &ObjectRef) -> bool {
        self.account.object(schema).is_some_and(|(_, info)| info.properties.is_true(Property::ManagedAccess))
    }

    /// The role in whose name a role is granted.
    pub(super) fn role_grantor(&self, role: &Principal) -> Option<Option<Principal>> {
        let object = role.as_object();
        let owner = self.account.owner(&object).cloned();
        if owner.as_ref().is_some_and(|o| self.all.contains(o)) {
            return Some(owner);
        }
        let option =
            self.account.memberships().find(|m| m.role == *role && m.grant_option && self.all.contains(&m.member));
        if let Some(option) = option {
            return Some(Some(option.member));
        }
        self.manages_grants(&object).then(|| owner.or_else(account_admin))
    }
}

/// Who is recorded for grants on what has no owner, such as the account.
fn account_admin() -> Option<Principal> {
    Ident::new("ACCOUNTADMIN").ok().map(Principal::role)
}

/// The schema an object lies in.
pub(super) fn schema_of(object: &ObjectRef) -> Option<ObjectRef> {
    let (database, schema) = object.database.clone().zip(object.schema.clone())?;
    Some(ObjectRef::in_database(ObjectType::SCHEMA, database, schema))
}
