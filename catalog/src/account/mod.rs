//! An account that can be edited: what sources fill, what [`Account::apply`] changes, what freezes into a snapshot.
//!
//! Editing is mechanical. The platform's rules about who may do what (dependent grants, managed access, cycles) are
//! enforced where statements are executed, so that any state a source reports can be held and compared.

mod apply;
mod attempt;
pub mod imports;
mod lookup;
mod names;
mod rename;
mod rows;

pub use apply::ApplyError;

use crate::model::{Container, ObjectRef, ObjectType, Offer, Principal, PrincipalKind, Privilege, Properties};
use names::{Interner, Names};
use rows::Rows;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

/// Microseconds since 1970-01-01 00:00 UTC.
pub type Micros = i64;

/// What is known of a user, role or other grantee besides its grants.
#[derive(Clone, Default, Debug)]
pub struct PrincipalInfo {
    /// Its attributes.
    pub properties: Properties,
    /// When it was created, if known. Evidence, not state.
    pub created_on: Option<Micros>,
    /// Whether the inventory lists it; `false` when it is only mentioned by a grant.
    pub listed: bool,
}

/// What is known of a securable besides its grants.
#[derive(Clone, Default, Debug)]
pub struct ObjectInfo {
    /// Its attributes.
    pub properties: Properties,
    /// When it was created, if known. Evidence, not state.
    pub created_on: Option<Micros>,
    /// Whether the inventory lists it; `false` when it is only mentioned by a grant.
    pub listed: bool,
}

/// One grant row. OWNERSHIP is not among them: see [`Ownership`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Grant {
    /// What is granted.
    pub privilege: Privilege,
    /// On what.
    pub object: ObjectRef,
    /// To whom.
    pub grantee: Principal,
    /// By whom; `None` for grants of the system. Part of the row's identity.
    pub granted_by: Option<Principal>,
    /// Whether the grantee may grant it on.
    pub grant_option: bool,
    /// When. Evidence, not state.
    pub created_on: Option<Micros>,
}

/// Who owns an object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ownership {
    /// What is owned.
    pub object: ObjectRef,
    /// The owner.
    pub owner: Principal,
    /// The grantor that the platform recorded. Evidence, not state.
    pub granted_by: Option<Principal>,
    /// When. Evidence, not state.
    pub created_on: Option<Micros>,
}

/// One membership: `member` has everything `role` has.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Membership {
    /// The role that is granted.
    pub role: Principal,
    /// Who receives it.
    pub member: Principal,
    /// By whom; part of the row's identity.
    pub granted_by: Option<Principal>,
    /// `WITH GRANT OPTION` (database roles only).
    pub grant_option: bool,
    /// Made by the platform itself, such as SYSADMIN in ACCOUNTADMIN.
    pub builtin: bool,
    /// When. Evidence, not state.
    pub created_on: Option<Micros>,
}

/// Whether a grant on a container is a template or live.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reach {
    /// `ON FUTURE`: a template for objects yet to come, never access.
    Future,
    /// `INHERITED`: live on every object of the type in the container.
    Inherited,
}

/// A future or inherited grant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ContainerGrant {
    /// Template or live.
    pub reach: Reach,
    /// Where.
    pub container: Container,
    /// On objects of this type.
    pub object_type: ObjectType,
    /// What.
    pub privilege: Privilege,
    /// To whom.
    pub grantee: Principal,
    /// With grant option (future grants only).
    pub grant_option: bool,
    /// By whom, where the platform says so. Evidence, not state.
    pub granted_by: Option<Principal>,
    /// When. Evidence, not state.
    pub created_on: Option<Micros>,
}

const NO_GRANTOR: u32 = u32::MAX;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct GrantKey {
    object: u32,
    privilege: u32,
    grantee: u32,
    granted_by: u32,
}

#[derive(Clone, Copy, Debug)]
struct GrantInfo {
    grant_option: bool,
    created_on: Option<Micros>,
}

#[derive(Clone, Copy, Debug)]
struct OwnerInfo {
    owner: u32,
    granted_by: u32,
    created_on: Option<Micros>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct MembershipKey {
    role: u32,
    member: u32,
    granted_by: u32,
}

#[derive(Clone, Copy, Debug)]
struct MembershipInfo {
    grant_option: bool,
    builtin: bool,
    created_on: Option<Micros>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct ContainerGrantKey {
    reach: Reach,
    container: Container,
    object_type: ObjectType,
    privilege: u32,
    grantee: u32,
}

#[derive(Clone, Copy, Debug)]
struct ContainerGrantInfo {
    grant_option: bool,
    granted_by: u32,
    created_on: Option<Micros>,
}

/// An account's access control, editable. Names are interned; rows are keyed by what makes them one row.
#[derive(Clone, Debug)]
pub struct Account {
    name: String,
    principals: Names<Principal, PrincipalInfo>,
    objects: Names<ObjectRef, ObjectInfo>,
    privileges: Interner<Privilege>,
    grantors: Interner<Principal>,
    grants: Rows<GrantKey, GrantInfo>,
    owners: Rows<u32, OwnerInfo>,
    memberships: Rows<MembershipKey, MembershipInfo>,
    /// The same memberships as member, role, grantor.
    roles_by_member: Rows<(u32, u32, u32), ()>,
    container_grants: Rows<ContainerGrantKey, ContainerGrantInfo>,
    /// Which objects are in which container; made when it is first asked for, forgotten when an object goes.
    contents: OnceLock<lookup::Contents>,
    /// In order of type and privilege; empty when the platform was not asked.
    offers: Vec<Offer>,
}

/// The name under which an object is looked up: relations share one namespace.
fn object_key(object: &ObjectRef) -> ObjectRef {
    let mut key = object.clone();
    if key.object_type.is_relation() {
        key.object_type = ObjectType::TABLE;
    }
    key
}

impl Account {
    /// An account with nothing in it but PUBLIC and the account itself.
    pub fn new(name: impl Into<String>) -> Self {
        let mut account = Self {
            name: name.into(),
            principals: Names::new(),
            objects: Names::new(),
            privileges: Interner::new(),
            grantors: Interner::new(),
            grants: Rows::new(),
            owners: Rows::new(),
            memberships: Rows::new(),
            roles_by_member: Rows::new(),
            container_grants: Rows::new(),
            contents: OnceLock::new(),
            offers: Vec::new(),
        };
        account.put_principal(Principal::public(), PrincipalInfo { listed: true, ..PrincipalInfo::default() });
        account.put_object(ObjectRef::account(), ObjectInfo { listed: true, ..ObjectInfo::default() });
        account
    }

    /// The name that `account` columns show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds what the account says can be granted.
    pub fn put_offers(&mut self, offers: impl IntoIterator<Item = Offer>) {
        self.offers.extend(offers);
        self.offers.sort();
        self.offers.dedup();
    }

    /// What the account says can be granted; nothing when it was not asked.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// Puts a user, role or other grantee, replacing what was known of it.
    pub fn put_principal(&mut self, principal: Principal, info: PrincipalInfo) {
        self.principals.put(principal.clone(), principal, info);
    }

    /// Puts a securable, replacing what was known of it. A listed type wins over one that a grant mentioned.
    pub fn put_object(&mut self, object: ObjectRef, info: ObjectInfo) {
        self.insert_object(object, info);
    }

    fn insert_object(&mut self, object: ObjectRef, info: ObjectInfo) -> u32 {
        let key = object_key(&object);
        let is_new = self.objects.find(&key).is_none();
        let placed = self.contents.get_mut().filter(|_| is_new).map(|contents| (contents, object.clone()));
        let id = self.objects.put(key, object, info);
        if let Some((contents, object)) = placed {
            lookup::place(contents, id, &object);
        }
        id
    }

    /// Puts a grant row, replacing one with the same privilege, object, grantee and grantor.
    ///
    /// Grantee and object need not be known yet; they are then held as not listed. OWNERSHIP becomes the owner.
    pub fn put_grant(&mut self, grant: Grant) {
        if grant.privilege == Privilege::OWNERSHIP {
            let Grant { object, grantee: owner, granted_by, created_on, .. } = grant;
            return self.put_ownership(&Ownership { object, owner, granted_by, created_on });
        }
        let key = GrantKey {
            object: self.object_id(&grant.object),
            privilege: self.privileges.id(&grant.privilege),
            grantee: self.principal_id(&grant.grantee),
            granted_by: self.grantor_id(grant.granted_by.as_ref()),
        };
        self.grants.insert(key, GrantInfo { grant_option: grant.grant_option, created_on: grant.created_on });
    }

    /// Sets the owner of an object.
    pub fn put_ownership(&mut self, ownership: &Ownership) {
        let object = self.object_id(&ownership.object);
        let info = OwnerInfo {
            owner: self.principal_id(&ownership.owner),
            granted_by: self.grantor_id(ownership.granted_by.as_ref()),
            created_on: ownership.created_on,
        };
        self.owners.insert(object, info);
    }

    /// Puts a membership, replacing one with the same role, member and grantor.
    pub fn put_membership(&mut self, membership: &Membership) {
        let key = MembershipKey {
            role: self.principal_id(&membership.role),
            member: self.principal_id(&membership.member),
            granted_by: self.grantor_id(membership.granted_by.as_ref()),
        };
        let info = MembershipInfo {
            grant_option: membership.grant_option,
            builtin: membership.builtin,
            created_on: membership.created_on,
        };
        self.memberships.insert(key, info);
        self.roles_by_member.insert((key.member, key.role, key.granted_by), ());
    }

    /// Puts a future or inherited grant.
    pub fn put_container_grant(&mut self, grant: ContainerGrant) {
        let key = ContainerGrantKey {
            reach: grant.reach,
            container: grant.container,
            object_type: grant.object_type,
            privilege: self.privileges.id(&grant.privilege),
            grantee: self.principal_id(&grant.grantee),
        };
        let info = ContainerGrantInfo {
            grant_option: grant.grant_option,
            granted_by: self.grantor_id(grant.granted_by.as_ref()),
            created_on: grant.created_on,
        };
        self.container_grants.insert(key, info);
    }

    /// Every user, role and other grantee, in no particular order.
    pub fn principals(&self) -> impl Iterator<Item = (&Principal, &PrincipalInfo)> {
        self.principals.iter().map(|(_, p, info)| (p, info))
    }

    /// What is known of a principal.
    pub fn principal(&self, principal: &Principal) -> Option<&PrincipalInfo> {
        self.principals.find(principal).map(|(_, _, info)| info)
    }

    /// Every securable, in no particular order. Roles and users are among them only when something is granted on them.
    pub fn objects(&self) -> impl Iterator<Item = (&ObjectRef, &ObjectInfo)> {
        self.objects.iter().map(|(_, o, info)| (o, info))
    }

    /// The securable of that name as it is known: a relation is found by any relation type.
    pub fn object(&self, object: &ObjectRef) -> Option<(&ObjectRef, &ObjectInfo)> {
        self.objects.find(&object_key(object)).map(|(_, o, info)| (o, info))
    }

    /// The attributes of a securable, to be edited.
    pub fn object_info_mut(&mut self, object: &ObjectRef) -> Option<&mut ObjectInfo> {
        self.objects.find_mut(&object_key(object))
    }

    /// The attributes of a principal, to be edited.
    pub fn principal_info_mut(&mut self, principal: &Principal) -> Option<&mut PrincipalInfo> {
        self.principals.find_mut(principal)
    }

    /// The owner of a securable.
    pub fn owner(&self, object: &ObjectRef) -> Option<&Principal> {
        let (id, ..) = self.objects.find(&object_key(object))?;
        self.principals.name(self.owners.get(&id)?.owner)
    }

    /// Every ownership.
    pub fn ownerships(&self) -> impl Iterator<Item = Ownership> + '_ {
        self.owners.iter().filter_map(|(object, info)| self.ownership_row(*object, info))
    }

    /// Every grant row, by object.
    pub fn grants(&self) -> impl Iterator<Item = Grant> + '_ {
        self.grants.iter().filter_map(|(key, info)| self.grant_row(*key, *info))
    }

    /// The grant rows on one securable, OWNERSHIP aside.
    pub fn grants_on(&self, object: &ObjectRef) -> impl Iterator<Item = Grant> + '_ {
        let id = self.objects.find(&object_key(object)).map(|(id, ..)| id);
        id.into_iter()
            .flat_map(|id| self.grants.range(keys_of(id)))
            .filter_map(|(key, info)| self.grant_row(*key, *info))
    }

    /// Every membership.
    pub fn memberships(&self) -> impl Iterator<Item = Membership> + '_ {
        self.memberships.iter().filter_map(|(key, info)| self.membership_row(*key, *info))
    }

    /// Every future and inherited grant, in order.
    pub fn container_grants(&self) -> impl Iterator<Item = ContainerGrant> + '_ {
        self.container_grants.iter().filter_map(|(key, info)| self.container_grant_row(key, *info))
    }

    fn ownership_row(&self, object: u32, info: &OwnerInfo) -> Option<Ownership> {
        Some(Ownership {
            object: self.objects.name(object)?.clone(),
            owner: self.principals.name(info.owner)?.clone(),
            granted_by: self.grantor(info.granted_by),
            created_on: info.created_on,
        })
    }

    fn membership_row(&self, key: MembershipKey, info: MembershipInfo) -> Option<Membership> {
        Some(Membership {
            role: self.principals.name(key.role)?.clone(),
            member: self.principals.name(key.member)?.clone(),
            granted_by: self.grantor(key.granted_by),
            grant_option: info.grant_option,
            builtin: info.builtin,
            created_on: info.created_on,
        })
    }

    fn container_grant_row(&self, key: &ContainerGrantKey, info: ContainerGrantInfo) -> Option<ContainerGrant> {
        Some(ContainerGrant {
            reach: key.reach,
            container: key.container.clone(),
            object_type: key.object_type.clone(),
            privilege: self.privileges.get(key.privilege)?.clone(),
            grantee: self.principals.name(key.grantee)?.clone(),
            grant_option: info.grant_option,
            granted_by: self.grantor(info.granted_by),
            created_on: info.created_on,
        })
    }

    fn grant_row(&self, key: GrantKey, info: GrantInfo) -> Option<Grant> {
        Some(Grant {
            privilege: self.privileges.get(key.privilege)?.clone(),
            object: self.objects.name(key.object)?.clone(),
            grantee: self.principals.name(key.grantee)?.clone(),
            granted_by: self.grantor(key.granted_by),
            grant_option: info.grant_option,
            created_on: info.created_on,
        })
    }

    fn principal_id(&mut self, principal: &Principal) -> u32 {
        match self.principals.find(principal) {
            Some((id, ..)) => id,
            None => self.principals.put(principal.clone(), principal.clone(), PrincipalInfo::default()),
        }
    }

    fn object_id(&mut self, object: &ObjectRef) -> u32 {
        let key = object_key(object);
        match self.objects.find(&key) {
            Some((id, ..)) => id,
            None => {
                // A user or role that is known is a known securable too; one that is not is mentioned by now.
                let principal = Principal::from_object(object);
                let listed = principal.as_ref().and_then(|p| self.principal(p)).is_some_and(|p| p.listed);
                if let Some(principal) = &principal {
                    self.principal_id(principal);
                }
                self.insert_object(object.clone(), ObjectInfo { listed, ..ObjectInfo::default() })
            }
        }
    }

    fn grantor_id(&mut self, grantor: Option<&Principal>) -> u32 {
        grantor.map_or(NO_GRANTOR, |g| self.grantors.id(g))
    }

    fn grantor(&self, id: u32) -> Option<Principal> {
        self.grantors.get(id).cloned()
    }

    /// Whether a principal of this kind and name is known.
    pub fn has(&self, kind: PrincipalKind, name: &str) -> bool {
        self.principals().any(|(p, _)| p.kind == kind && p.scope.is_empty() && p.name.as_str() == name)
    }
}

/// All keys of grants on one object.
fn keys_of(object: u32) -> RangeInclusive<GrantKey> {
    let key = |n| GrantKey { object, privilege: n, grantee: n, granted_by: n };
    key(0)..=key(u32::MAX)
}
