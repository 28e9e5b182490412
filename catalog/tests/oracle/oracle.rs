//! What the oracle reads from an account: plain sets of rows, nothing derived.

use super::privileges::Carried;
use grantd_catalog::account::{Account, ContainerGrant, Grant, Ownership, Reach};
use grantd_catalog::model::{Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Properties, Property};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Which of a user's roles count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Lens {
    /// Everything the user can activate, and what is granted to the user itself.
    All,
    /// The session that a login without further words starts.
    Default,
    /// The default role alone.
    Primary,
}

impl Lens {
    /// Every lens.
    pub(crate) const ALL: [Self; 3] = [Self::All, Self::Default, Self::Primary];
}

/// The rows of one account.
pub(crate) struct Oracle {
    /// Every user and its attributes.
    pub(crate) users: BTreeMap<Principal, Properties>,
    /// Every role of any kind.
    pub(crate) roles: BTreeSet<Principal>,
    /// `member -> roles granted to it`: grantors aside, PUBLIC aside.
    pub(crate) granted_roles: BTreeMap<Principal, BTreeSet<Principal>>,
    /// Explicit grant rows.
    pub(crate) grants: Vec<Grant>,
    /// Owners.
    pub(crate) ownerships: Vec<Ownership>,
    /// Live grants on containers.
    pub(crate) inherited: Vec<ContainerGrant>,
    /// Templates, never access.
    pub(crate) future: Vec<ContainerGrant>,
    /// The objects that the inventory lists.
    pub(crate) listed: BTreeSet<ObjectRef>,
    /// The databases made from a share.
    pub(crate) imported: BTreeSet<Ident>,
    /// The schemas with managed access.
    pub(crate) managed_schemas: BTreeSet<ObjectRef>,
    /// What everybody carries, once it was asked for.
    pub(crate) carried: OnceLock<Vec<Carried>>,
}

impl Oracle {
    /// Reads an account.
    pub(crate) fn new(account: &Account) -> Self {
        let of_kind = |keep: fn(PrincipalKind) -> bool| {
            account.principals().filter(move |(p, _)| keep(p.kind)).map(|(p, info)| (p.clone(), info))
        };
        let (inherited, future) = account.container_grants().partition(|g| g.reach == Reach::Inherited);
        let managed = |(object, _): &(&ObjectRef, _)| {
            account.object(object).is_some_and(|(_, info)| info.properties.is_true(Property::ManagedAccess))
        };
        Self {
            users: of_kind(|k| k == PrincipalKind::User).map(|(p, info)| (p, info.properties.clone())).collect(),
            roles: of_kind(PrincipalKind::is_role).map(|(p, _)| p).collect(),
            granted_roles: memberships_that_count(account),
            grants: account.grants().collect(),
            ownerships: account.ownerships().collect(),
            inherited,
            future,
            imported: account
                .objects()
                .filter(|(o, info)| made_from_a_share(o, &info.properties))
                .map(|(o, _)| o.name.clone())
                .collect(),
            listed: account.objects().filter(|(_, info)| info.listed).map(|(o, _)| o.clone()).collect(),
            managed_schemas: account.objects().filter(managed).map(|(o, _)| o.clone()).collect(),
            carried: OnceLock::new(),
        }
    }
}

/// SNOWFLAKE, and what SHOW DATABASES calls an imported database.
fn made_from_a_share(object: &ObjectRef, properties: &Properties) -> bool {
    object.object_type == ObjectType::DATABASE
        && (object.name.as_str() == "SNOWFLAKE" || properties.get(Property::Kind) == Some("IMPORTED DATABASE"))
}

/// a membership is one whoever granted it, and however often. `GRANT ROLE PUBLIC` is a no-op: every user
/// and role has PUBLIC already. Only roles can be granted.
fn memberships_that_count(account: &Account) -> BTreeMap<Principal, BTreeSet<Principal>> {
    let mut granted = BTreeMap::<Principal, BTreeSet<Principal>>::new();
    for row in account.memberships() {
        if row.role.kind.is_role() && row.role != Principal::public() {
            granted.entry(row.member).or_default().insert(row.role);
        }
    }
    granted
}
