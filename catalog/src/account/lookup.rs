//! Looking up the rows of one object, role or container without reading the others.

use super::{
    Account, ContainerGrant, ContainerGrantKey, Grant, GrantKey, Membership, MembershipKey, ObjectInfo, Ownership,
    Reach, keys_of, object_key,
};
use crate::model::{Container, Ident, ObjectRef, ObjectType, Principal, Privilege};
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

/// The numbers of the objects in each database, and in it by schema (`None`: right in the database).
pub(super) type Contents = HashMap<Ident, BTreeMap<Option<Ident>, Vec<u32>>>;

/// Adds an object to the contents of its containers.
pub(super) fn place(contents: &mut Contents, id: u32, object: &ObjectRef) {
    if let Some(database) = &object.database {
        contents.entry(database.clone()).or_default().entry(object.schema.clone()).or_default().push(id);
    }
}

/// The keys of the grants of one privilege on one object.
pub(super) fn keys_of_privilege(object: u32, privilege: u32) -> RangeInclusive<GrantKey> {
    let key = |n| GrantKey { object, privilege, grantee: n, granted_by: n };
    key(0)..=key(u32::MAX)
}

/// The keys of the grants of one privilege on one object to one grantee.
pub(super) fn keys_of_grantee(object: u32, privilege: u32, grantee: u32) -> RangeInclusive<GrantKey> {
    let key = |granted_by| GrantKey { object, privilege, grantee, granted_by };
    key(0)..=key(u32::MAX)
}

impl Account {
    fn object_number(&self, object: &ObjectRef) -> Option<u32> {
        self.objects.find(&object_key(object)).map(|(id, ..)| id)
    }

    /// Whether anything but OWNERSHIP is granted on a securable.
    pub fn has_grants_on(&self, object: &ObjectRef) -> bool {
        self.object_number(object).is_some_and(|id| self.grants.range(keys_of(id)).next().is_some())
    }

    /// The rows of one privilege on one securable.
    pub fn grants_of<'a>(&'a self, object: &ObjectRef, privilege: &Privilege) -> impl Iterator<Item = Grant> + use<'a> {
        let found = self.object_number(object).zip(self.privileges.find(privilege));
        found
            .into_iter()
            .flat_map(|(object, privilege)| self.grants.range(keys_of_privilege(object, privilege)))
            .filter_map(|(key, info)| self.grant_row(*key, *info))
    }

    /// The rows of one privilege on one securable to one grantee: one per grantor.
    pub fn grants_of_to<'a>(
        &'a self,
        object: &ObjectRef,
        privilege: &Privilege,
        grantee: &Principal,
    ) -> impl Iterator<Item = Grant> + use<'a> {
        let object = self.object_number(object).zip(self.privileges.find(privilege));
        let found = object.zip(self.principals.find(grantee).map(|(id, ..)| id));
        found
            .into_iter()
            .flat_map(|((object, privilege), grantee)| self.grants.range(keys_of_grantee(object, privilege, grantee)))
            .filter_map(|(key, info)| self.grant_row(*key, *info))
    }

    /// Everything granted to one grantee, OWNERSHIP aside. Reads the keys of all grants.
    pub fn grants_to<'a>(&'a self, grantee: &Principal) -> impl Iterator<Item = Grant> + use<'a> {
        let id = self.principals.find(grantee).map(|(id, ..)| id);
        id.into_iter()
            .flat_map(|id| self.grants.iter().filter(move |(key, _)| key.grantee == id))
            .filter_map(|(key, info)| self.grant_row(*key, *info))
    }

    /// The ownership of one securable.
    pub fn ownership(&self, object: &ObjectRef) -> Option<Ownership> {
        let id = self.object_number(object)?;
        self.ownership_row(id, self.owners.get(&id)?)
    }

    /// What one principal owns. Reads all ownerships.
    pub fn owned_by<'a>(&'a self, owner: &Principal) -> impl Iterator<Item = Ownership> + use<'a> {
        let id = self.principals.find(owner).map(|(id, ..)| id);
        id.into_iter()
            .flat_map(|id| self.owners.iter().filter(move |(_, info)| info.owner == id))
            .filter_map(|(object, info)| self.ownership_row(*object, info))
    }

    /// Who has a role directly.
    pub fn members_of<'a>(&'a self, role: &Principal) -> impl Iterator<Item = Membership> + use<'a> {
        let id = self.principals.find(role).map(|(id, ..)| id);
        let keys = |role| {
            let key = |n| MembershipKey { role, member: n, granted_by: n };
            key(0)..=key(u32::MAX)
        };
        id.into_iter()
            .flat_map(move |id| self.memberships.range(keys(id)))
            .filter_map(|(key, info)| self.membership_row(*key, *info))
    }

    /// The roles that a member has directly.
    pub fn roles_of<'a>(&'a self, member: &Principal) -> impl Iterator<Item = Membership> + use<'a> {
        let id = self.principals.find(member).map(|(id, ..)| id);
        id.into_iter().flat_map(|id| self.roles_by_member.range((id, 0, 0)..=(id, u32::MAX, u32::MAX))).filter_map(
            |((member, role, granted_by), ())| {
                let key = MembershipKey { role: *role, member: *member, granted_by: *granted_by };
                self.membership_row(key, *self.memberships.get(&key)?)
            },
        )
    }

    /// The future or inherited grants of one object type, defined on exactly one container.
    pub fn container_grants_of<'a>(
        &'a self,
        reach: Reach,
        container: &Container,
        object_type: &ObjectType,
    ) -> impl Iterator<Item = ContainerGrant> + use<'a> {
        let key = |n| ContainerGrantKey {
            reach,
            container: container.clone(),
            object_type: object_type.clone(),
            privilege: n,
            grantee: n,
        };
        self.container_grants
            .range(key(0)..=key(u32::MAX))
            .filter_map(|(key, info)| self.container_grant_row(key, *info))
    }

    /// Every grant of this reach. Reads the keys of all future and inherited grants.
    pub fn container_grants_with(&self, reach: Reach) -> impl Iterator<Item = ContainerGrant> + '_ {
        self.container_grants
            .iter()
            .filter(move |(key, _)| key.reach == reach)
            .filter_map(|(key, info)| self.container_grant_row(key, *info))
    }

    /// The securables in a container, at any depth, in no particular order.
    pub fn objects_in<'a>(
        &'a self,
        container: &Container,
    ) -> Box<dyn Iterator<Item = (&'a ObjectRef, &'a ObjectInfo)> + 'a> {
        let contents = || {
            self.contents.get_or_init(|| {
                let mut contents = Contents::new();
                self.objects.iter().for_each(|(id, object, _)| place(&mut contents, id, object));
                contents
            })
        };
        let shown = |id: &u32| self.objects.entry(*id);
        match container {
            Container::Account => Box::new(self.objects()),
            Container::Database(d) => {
                Box::new(contents().get(d).into_iter().flat_map(BTreeMap::values).flatten().filter_map(shown))
            }
            Container::Schema(d, s) => {
                let of_schema = contents().get(d).and_then(|schemas| schemas.get(&Some(s.clone())));
                Box::new(of_schema.into_iter().flatten().filter_map(shown))
            }
        }
    }
}
