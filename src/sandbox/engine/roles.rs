//! Which roles are active in a session, and what they hold: Snowflake's rules by plain loops, written to be read.

use grantd_catalog::account::{Account, ContainerGrant, Reach};
use grantd_catalog::model::{
    Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Property, privileges_of,
};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// A role and every role it includes; PUBLIC and what PUBLIC includes among them.
pub(super) fn closure(account: &Account, start: impl IntoIterator<Item = Principal>) -> HashSet<Principal> {
    let mut found: HashSet<Principal> = start.into_iter().chain([Principal::public()]).collect();
    let mut queue: Vec<Principal> = found.iter().cloned().collect();
    while let Some(member) = queue.pop() {
        for membership in account.roles_of(&member) {
            if found.insert(membership.role.clone()) {
                queue.push(membership.role);
            }
        }
    }
    found
}

/// The roles granted to a user directly.
pub(super) fn granted_to(account: &Account, user: &Principal) -> HashSet<Principal> {
    account.roles_of(user).map(|m| m.role).collect()
}

/// The account roles that a user can make its primary role: granted to it, or included in one that is.
pub(super) fn can_use(account: &Account, user: &Principal, role: &Principal) -> bool {
    role.kind == PrincipalKind::Role && closure(account, granted_to(account, user)).contains(role)
}

/// The roles of a session.
#[derive(Clone, Debug)]
pub(super) struct ActiveRoles {
    /// The closure of the primary role: what CREATE looks at.
    pub(super) primary: Arc<HashSet<Principal>>,
    /// Everything active, secondary roles and (with them) the user itself included.
    pub(super) all: Arc<HashSet<Principal>>,
}

impl ActiveRoles {
    pub(super) fn new(account: &Account, user: &Principal, role: &Principal, secondary: bool) -> Self {
        let primary = Arc::new(closure(account, [role.clone()]));
        if !secondary {
            return Self { all: Arc::clone(&primary), primary };
        }
        let mut all = primary.as_ref().clone();
        all.extend(closure(account, granted_to(account, user)));
        // Privileges granted to the user itself count only with secondary roles ALL.
        all.insert(user.clone());
        Self { primary, all: Arc::new(all) }
    }

    /// A role has been granted: what it includes is active where its new member is.
    pub(super) fn grant(&mut self, account: &Account, role: &Principal, to: &Principal) {
        // With secondary roles the user is in `all`, and so what it is granted.
        for set in [&mut self.primary, &mut self.all] {
            if set.contains(to) && !set.contains(role) {
                Arc::make_mut(set).extend(closure(account, [role.clone()]));
            }
        }
    }
}

/// What is active on an account: who counts for a check.
pub(super) struct Active<'a> {
    pub(super) account: &'a Account,
    pub(super) primary: Arc<HashSet<Principal>>,
    pub(super) all: Arc<HashSet<Principal>>,
    manages_account: OnceLock<bool>,
    resolves_all: OnceLock<bool>,
    /// The inherited grants to active roles.
    inherited: OnceLock<Vec<ContainerGrant>>,
}

impl<'a> Active<'a> {
    /// The active set of a session.
    pub(super) fn new(account: &'a Account, user: &Principal, role: &Principal, secondary: bool) -> Self {
        Self::of(account, &ActiveRoles::new(account, user, role, secondary))
    }

    /// These roles, found on this account.
    pub(super) fn of(account: &'a Account, roles: &ActiveRoles) -> Self {
        Self {
            account,
            primary: Arc::clone(&roles.primary),
            all: Arc::clone(&roles.all),
            manages_account: OnceLock::new(),
            resolves_all: OnceLock::new(),
            inherited: OnceLock::new(),
        }
    }

    /// Whether somebody of a set has a privilege on an object: granted, inherited, or by ownership.
    pub(super) fn has(&self, set: &HashSet<Principal>, privilege: &str, object: &ObjectRef) -> bool {
        let implied = privilege == "OWNERSHIP" || privileges_of(&object.object_type).contains(&privilege);
        (implied && self.account.owner(object).is_some_and(|o| set.contains(o)))
            || self.account.grants_of(object, &Privilege::new(privilege)).any(|g| set.contains(&g.grantee))
            || self.inherits(set, Some(privilege), object)
    }

    fn inherited(&self) -> &[ContainerGrant] {
        self.inherited.get_or_init(|| {
            let rows = self.account.container_grants_with(Reach::Inherited);
            rows.filter(|g| self.all.contains(&g.grantee)).collect()
        })
    }

    /// Whether an inherited grant of a privilege (any, when `None`) covers an object.
    fn inherits(&self, set: &HashSet<Principal>, privilege: Option<&str>, object: &ObjectRef) -> bool {
        self.inherited().iter().any(|g| {
            g.object_type == object.object_type
                && privilege.is_none_or(|p| g.privilege.as_str() == p)
                && set.contains(&g.grantee)
                && g.container.contains(object)
                && !self.is_of_share(object)
        })
    }

    /// Whether an object is, or lies in, a database made from a share: inherited grants leave those out.
    fn is_of_share(&self, object: &ObjectRef) -> bool {
        object.own_database().is_some_and(|database| self.account.is_import(database))
    }

    /// Whether any privilege on an object is held.
    pub(super) fn has_any(&self, object: &ObjectRef) -> bool {
        self.owns(object)
            || self.account.grants_on(object).any(|g| self.all.contains(&g.grantee))
            || self.inherits(&self.all, None, object)
    }

    /// Whether names in a container resolve: any privilege on it, an inherited grant on what is in it, or being a
    /// database role of it.
    pub(super) fn reaches(&self, container: &ObjectRef) -> bool {
        let inherited_here = || {
            self.inherited().iter().any(|g| match &g.container {
                Container::Account => false,
                Container::Database(d) => *container == ObjectRef::database(d.clone()),
                Container::Schema(d, s) => {
                    *container == ObjectRef::in_database(ObjectType::SCHEMA, d.clone(), s.clone())
                }
            })
        };
        self.has_any(container) || (inherited_here() && !self.is_of_share(container)) || self.has_a_role_of(container)
    }

    /// Whether a container can be made the current one: USAGE on it, however it is held.
    pub(super) fn enters(&self, container: &ObjectRef) -> bool {
        let imported = container.object_type == ObjectType::DATABASE
            && self.has(&self.all, Privilege::IMPORTED_PRIVILEGES.as_str(), container);
        self.has(&self.all, "USAGE", container) || imported || self.has_a_role_of(container)
    }

    /// Whether a database role of this database is active: such a role has USAGE on it.
    fn has_a_role_of(&self, database: &ObjectRef) -> bool {
        database.object_type == ObjectType::DATABASE
            && self.all.iter().any(|p| {
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

    /// Whether MANAGE GRANTS is held on the account itself.
    pub(super) fn manages_account(&self) -> bool {
        *self.manages_account.get_or_init(|| self.manages_on(&ObjectRef::account()))
    }

    fn manages_on(&self, place: &ObjectRef) -> bool {
        self.account.grants_of(place, &Privilege::MANAGE_GRANTS).any(|g| self.all.contains(&g.grantee))
    }

    /// Whether somebody active may grant and revoke anything on an object: MANAGE GRANTS on the account, or on a
    /// container of it or the container itself.
    pub(super) fn manages_grants(&self, object: &ObjectRef) -> bool {
        self.manages_account()
            || object.database.clone().is_some_and(|d| self.manages_on(&ObjectRef::database(d)))
            || schema_of(object).is_some_and(|s| self.manages_on(&s))
            || (matches!(object.object_type.as_str(), "DATABASE" | "SCHEMA") && self.manages_on(object))
    }

    /// Whether a session may know that an object exists. Everybody may name the account's roles, users and shares; the
    /// owner of a managed access schema grants on what is in it.
    pub(super) fn sees(&self, object: &ObjectRef) -> bool {
        matches!(object.object_type.as_str(), "ACCOUNT" | "ROLE" | "USER" | "SHARE")
            || (self.owns(object) && self.reaches_containers(object))
            || self.manages_grants(object)
            || *self.resolves_all.get_or_init(|| self.has(&self.all, "RESOLVE ALL", &ObjectRef::account()))
            || Principal::from_object(object).is_some_and(|p| self.all.contains(&p))
            || schema_of(object).is_some_and(|schema| self.is_managed(&schema) && self.owns(&schema))
            || (self.has_any(object) && self.reaches_containers(object))
            || (matches!(object.object_type.as_str(), "DATABASE" | "SCHEMA")
                && self.reaches(object)
                && self.reaches_containers(object))
    }

    /// Whether a schema has managed access.
    pub(super) fn is_managed(&self, schema: &ObjectRef) -> bool {
        self.account.object(schema).is_some_and(|(_, info)| info.properties.is_true(Property::ManagedAccess))
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
}

/// The role that holds what nobody else does.
pub(super) fn account_admin() -> Principal {
    Ident::new("ACCOUNTADMIN").map_or_else(|_| Principal::public(), Principal::role)
}

/// Whether a principal is one of the platform's own roles.
pub(super) fn is_system_role(principal: &Principal) -> bool {
    const SYSTEM: &[&str] = &["ACCOUNTADMIN", "ORGADMIN", "PUBLIC", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];
    principal.kind == PrincipalKind::Role && SYSTEM.contains(&principal.name.as_str())
}

/// The schema an object lies in.
pub(super) fn schema_of(object: &ObjectRef) -> Option<ObjectRef> {
    let (database, schema) = object.database.clone().zip(object.schema.clone())?;
    Some(ObjectRef::in_database(ObjectType::SCHEMA, database, schema))
}
