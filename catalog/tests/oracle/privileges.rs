//! What users can do, and through which grants.

use super::roles::{Active, How};
use super::{Lens, Oracle};
use grantd_catalog::account::{ContainerGrant, Grant, Micros, Ownership};
use grantd_catalog::model::{
    Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Property, privileges_of,
};
use std::collections::{BTreeMap, BTreeSet};

/// What makes somebody carry a privilege on an object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Way {
    /// A grant row on the object.
    Grant,
    /// An inherited grant on all objects of the type in this container.
    Inherited(Container),
    /// Ownership of the object.
    Ownership,
}

/// One privilege on one object, carried by one principal through one grant row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Carried {
    pub(crate) carrier: Principal,
    pub(crate) privilege: Privilege,
    pub(crate) object: ObjectRef,
    pub(crate) way: Way,
    pub(crate) grant_option: bool,
    pub(crate) granted_by: Option<Principal>,
    pub(crate) created_on: Option<Micros>,
}

/// Why a row of effective privileges is there, the plainest reason first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Source {
    /// A grant row on the object, to a role.
    Grant,
    /// Granted to the user itself.
    User,
    /// A container's inherited grant, to a role.
    Inherited,
    /// A role owns the object.
    Ownership,
    /// Only what everybody has.
    Public,
}

/// One row of effective privileges.
#[expect(clippy::struct_excessive_bools, reason = "they are the columns of the row")]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct EffectivePrivilege {
    pub(crate) user: Principal,
    pub(crate) privilege: Privilege,
    pub(crate) object: ObjectRef,
    pub(crate) user_disabled: bool,
    pub(crate) grant_option: bool,
    pub(crate) usable: bool,
    pub(crate) usage_missing: bool,
    pub(crate) source: Source,
    pub(crate) role_count: usize,
}

/// One row of effective grants: a user and a grant row that gives it something, expanded to what it gives.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct EffectiveGrant {
    pub(crate) user: Principal,
    pub(crate) carried: Carried,
}

/// The databases and schemas that an active set gets into.
#[derive(Default)]
struct Containers {
    /// With any privilege.
    reached: BTreeSet<ObjectRef>,
    /// With USAGE or OWNERSHIP.
    usage: BTreeSet<ObjectRef>,
}

impl Oracle {
    /// One row for each distinct user, privilege and object.
    pub(crate) fn effective_privileges(&self, lens: Lens) -> BTreeSet<EffectivePrivilege> {
        let carried = self.carried();
        let rows = |user| self.privileges_of_active(carried, &self.active(user, lens));
        self.users.keys().flat_map(rows).collect()
    }

    /// One row for each user and grant row that gives it something; a grant that gives several privileges or objects
    /// (OWNERSHIP, inherited) has one for each.
    pub(crate) fn effective_grants(&self, lens: Lens) -> BTreeSet<EffectiveGrant> {
        let carried = self.carried();
        let mut rows = BTreeSet::new();
        for user in self.users.keys() {
            let active = self.active(user, lens);
            for row in carried.iter().filter(|c| active.has(&c.carrier)) {
                rows.insert(EffectiveGrant { user: user.clone(), carried: row.clone() });
            }
        }
        rows
    }

    /// `(role, carried row)`: what a role has itself and through the roles granted to it, PUBLIC's aside.
    pub(crate) fn role_privileges(&self) -> BTreeSet<(Principal, Carried)> {
        let carried = self.carried();
        let mut rows = BTreeSet::new();
        for role in &self.roles {
            let closure = self.closure(&BTreeSet::from([role.clone()]));
            for row in carried.iter().filter(|c| closure.contains(&c.carrier)) {
                rows.insert((role.clone(), row.clone()));
            }
        }
        rows
    }

    /// What a user can only use by combining roles: usable with all, but with no single primary role.
    pub(crate) fn only_by_combining_roles(&self) -> BTreeSet<(Principal, Privilege, ObjectRef)> {
        let carried = self.carried();
        let mut rows = BTreeSet::new();
        for user in self.users.keys() {
            let usable = |active: &Active| {
                let all = self.privileges_of_active(carried, active).into_iter().filter(|row| row.usable);
                all.map(|row| (row.user, row.privilege, row.object)).collect::<BTreeSet<_>>()
            };
            let mut combined = usable(&self.active(user, Lens::All));
            for role in self.activatable(user) {
                for row in usable(&self.active_as(user, &role)) {
                    combined.remove(&row);
                }
            }
            rows.extend(combined);
        }
        rows
    }

    fn privileges_of_active(&self, carried: &[Carried], active: &Active) -> Vec<EffectivePrivilege> {
        let containers = containers_of(carried, &self.inherited_that_resolve(), active);
        let mut ways = BTreeMap::<(&Privilege, &ObjectRef), Vec<&Carried>>::new();
        for row in carried.iter().filter(|c| active.has(&c.carrier)) {
            ways.entry((&row.privilege, &row.object)).or_default().push(row);
        }
        let disabled = self.users.get(&active.user).is_some_and(|p| p.is_true(Property::Disabled));
        let row = |((privilege, object), ways): ((&Privilege, &ObjectRef), Vec<&Carried>)| EffectivePrivilege {
            user: active.user.clone(),
            privilege: privilege.clone(),
            object: object.clone(),
            user_disabled: disabled,
            grant_option: ways.iter().any(|way| way.grant_option),
            usable: enclosing(object).iter().all(|c| containers.reached.contains(c)),
            usage_missing: !enclosing(object).iter().all(|c| containers.usage.contains(c)),
            source: ways.iter().map(|way| source_of(way, active)).min().unwrap_or(Source::Public),
            role_count: role_count(&ways),
        };
        ways.into_iter().map(row).collect()
    }

    /// Every privilege that anybody carries, by whatever kind of grant.
    pub(crate) fn carried(&self) -> &[Carried] {
        self.carried.get_or_init(|| {
            let covers = |g| self.inherited_covers_listed_objects_of_exactly_that_type(g);
            let mut carried = Vec::new();
            carried.extend(self.grants.iter().filter_map(explicit_grant));
            carried.extend(self.ownerships.iter().flat_map(|o| self.ownership_implies_the_privileges_of_the_type(o)));
            carried.extend(self.inherited.iter().flat_map(covers));
            carried
        })
    }

    /// OWNERSHIP is a privilege and implies all of its type, on that object and not on what is in it. The
    /// owner may grant them on, except in a schema with managed access.
    fn ownership_implies_the_privileges_of_the_type(&self, ownership: &Ownership) -> Vec<Carried> {
        let Ownership { object, owner, granted_by, created_on } = ownership;
        let implied = privileges_of(&object.object_type).iter().map(|name| Privilege::new(name));
        let of_type = implied.filter(|privilege| !is_membership(privilege, &object.object_type));
        let carry = |privilege| Carried {
            carrier: owner.clone(),
            privilege,
            object: object.clone(),
            way: Way::Ownership,
            grant_option: !self.in_a_managed_access_schema(object),
            granted_by: granted_by.clone(),
            created_on: *created_on,
        };
        std::iter::once(Privilege::OWNERSHIP).chain(of_type).map(carry).collect()
    }

    /// The owner of an object in such a schema cannot grant on it; the owner of the schema still can on the
    /// schema itself.
    fn in_a_managed_access_schema(&self, object: &ObjectRef) -> bool {
        enclosing(object).iter().any(|container| self.managed_schemas.contains(container))
    }

    /// Inherited grants leave databases made from a share out.
    fn lies_in_a_share(&self, object: &ObjectRef) -> bool {
        let is_database = object.object_type == ObjectType::DATABASE;
        let database = if is_database { Some(&object.name) } else { object.database.as_ref() };
        database.is_some_and(|d| self.imported.contains(d))
    }

    fn inherited_that_resolve(&self) -> Vec<ContainerGrant> {
        let within = |g: &&ContainerGrant| !g.container.database().is_some_and(|d| self.imported.contains(d));
        self.inherited.iter().filter(within).cloned().collect()
    }

    /// Every object of that type in the container, of no other type, by no grant row of its own. A grant
    /// option does not combine with it.
    fn inherited_covers_listed_objects_of_exactly_that_type(&self, grant: &ContainerGrant) -> Vec<Carried> {
        if is_membership(&grant.privilege, &grant.object_type) {
            return Vec::new();
        }
        let covered = |o: &&ObjectRef| {
            o.object_type == grant.object_type && lies_in(&grant.container, o) && !self.lies_in_a_share(o)
        };
        let carry = |object: &ObjectRef| Carried {
            carrier: grant.grantee.clone(),
            privilege: grant.privilege.clone(),
            object: object.clone(),
            way: Way::Inherited(grant.container.clone()),
            grant_option: false,
            granted_by: grant.granted_by.clone(),
            created_on: grant.created_on,
        };
        self.listed.iter().filter(covered).map(carry).collect()
    }
}

/// USAGE on a role is membership, written as a privilege; never an object privilege.
fn is_membership(privilege: &Privilege, object_type: &ObjectType) -> bool {
    *privilege == Privilege::USAGE && object_type.is_role()
}

fn explicit_grant(grant: &Grant) -> Option<Carried> {
    (!is_membership(&grant.privilege, &grant.object.object_type)).then(|| Carried {
        carrier: grant.grantee.clone(),
        privilege: grant.privilege.clone(),
        object: grant.object.clone(),
        way: Way::Grant,
        grant_option: grant.grant_option,
        granted_by: grant.granted_by.clone(),
        created_on: grant.created_on,
    })
}

/// Whether a container holds an object: everything, or what has this database, or what has this schema in its name.
fn lies_in(container: &Container, object: &ObjectRef) -> bool {
    match container {
        Container::Account => true,
        Container::Database(db) => object.database.as_ref() == Some(db),
        Container::Schema(db, schema) => object.database.as_ref() == Some(db) && object.schema.as_ref() == Some(schema),
    }
}

/// An object in a schema needs the schema and the database, one directly in a database needs that; a
/// database and everything outside databases needs nothing more.
fn enclosing(object: &ObjectRef) -> Vec<ObjectRef> {
    let Some(db) = &object.database else { return Vec::new() };
    let mut needed = vec![ObjectRef::database(db.clone())];
    needed.extend(object.schema.iter().map(|schema| schema_of(db, schema)));
    needed
}

fn schema_of(db: &Ident, schema: &Ident) -> ObjectRef {
    ObjectRef::in_database(ObjectType::SCHEMA, db.clone(), schema.clone())
}

/// Any privilege on a container resolves it; each may come from a different active role.
fn containers_of(carried: &[Carried], inherited: &[ContainerGrant], active: &Active) -> Containers {
    let mut found = Containers::default();
    for row in carried.iter().filter(|c| active.has(&c.carrier)) {
        if row.object.object_type == ObjectType::DATABASE || row.object.object_type == ObjectType::SCHEMA {
            found.reached.insert(row.object.clone());
            if gives_usage(&row.privilege, &row.object.object_type) {
                found.usage.insert(row.object.clone());
            }
        }
    }
    found.reached.extend(inherited.iter().filter(|g| active.has(&g.grantee)).filter_map(an_inherited_grant_resolves));
    for role in active.roles.keys() {
        let own = a_database_role_has_usage_on_its_own_database(role);
        found.reached.extend(own.clone());
        found.usage.extend(own);
    }
    found
}

/// OWNERSHIP implies USAGE. IMPORTED PRIVILEGES on a database is stored as USAGE.
fn gives_usage(privilege: &Privilege, object_type: &ObjectType) -> bool {
    *privilege == Privilege::USAGE
        || *privilege == Privilege::OWNERSHIP
        || (*privilege == Privilege::IMPORTED_PRIVILEGES && *object_type == ObjectType::DATABASE)
}

/// An inherited grant resolves exactly the container it names: a schema but not its database, a database
/// but not its schemas; the account is no container to resolve. A membership is not a privilege here either.
fn an_inherited_grant_resolves(grant: &ContainerGrant) -> Option<ObjectRef> {
    if is_membership(&grant.privilege, &grant.object_type) {
        return None;
    }
    match &grant.container {
        Container::Account => None,
        Container::Database(db) => Some(ObjectRef::database(db.clone())),
        Container::Schema(db, schema) => Some(schema_of(db, schema)),
    }
}

/// a database role always has USAGE on its own database, and who has the role has it too.
fn a_database_role_has_usage_on_its_own_database(role: &Principal) -> Option<ObjectRef> {
    if role.kind != PrincipalKind::DatabaseRole {
        return None;
    }
    role.scope.first().cloned().map(ObjectRef::database)
}

/// The reason that one way gives.
fn source_of(way: &Carried, active: &Active) -> Source {
    if way.carrier == active.user {
        return Source::User;
    }
    match (active.roles.get(&way.carrier), &way.way) {
        (Some(How::Public) | None, _) => Source::Public,
        (Some(_), Way::Grant) => Source::Grant,
        (Some(_), Way::Inherited(_)) => Source::Inherited,
        (Some(_), Way::Ownership) => Source::Ownership,
    }
}

/// How many active roles carry the privilege themselves; the user is no role.
fn role_count(ways: &[&Carried]) -> usize {
    ways.iter().map(|way| &way.carrier).filter(|carrier| carrier.kind.is_role()).collect::<BTreeSet<_>>().len()
}
