//! Accounts from a seed: small, reproducible, and with everything odd that an account can hold.
//!
//! An account is first a list of [`Fact`]s, so that a failing one can be made smaller ([`smallest`]) before a person
//! looks at it.
//!
//! - `names`, `rng`: what accounts are made of
//! - `maker`: the account so far; `inventory`, `memberships`, `grants`, `container_grants`: what is put into it
//! - `smallest`: a failing account made small

mod container_grants;
mod grants;
mod inventory;
mod maker;
mod memberships;
mod names;
mod rng;
mod smallest;

pub(crate) use smallest::smallest;

use grantd_catalog::account::{Account, ContainerGrant, Grant, Membership, ObjectInfo, Ownership, PrincipalInfo};
use grantd_catalog::model::{ObjectRef, Principal, Properties};
use maker::Maker;

/// One thing that is put into an account.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    /// A user, role, share or application of the inventory.
    Principal(Principal, Properties),
    /// An object of the inventory.
    Object(ObjectRef, Properties),
    /// A grant row.
    Grant(Grant),
    /// An owner.
    Ownership(Ownership),
    /// A membership.
    Membership(Membership),
    /// A future or inherited grant.
    ContainerGrant(ContainerGrant),
}

/// The account of a seed.
pub(crate) fn account(seed: u64) -> Account {
    build(&facts(seed))
}

/// Puts facts into a new account.
pub(crate) fn build(facts: &[Fact]) -> Account {
    let mut account = Account::new("RANDOM");
    for fact in facts.iter().cloned() {
        match fact {
            Fact::Principal(principal, properties) => {
                let info = PrincipalInfo { properties, listed: true, ..PrincipalInfo::default() };
                account.put_principal(principal, info);
            }
            Fact::Object(object, properties) => {
                account.put_object(object, ObjectInfo { properties, listed: true, ..ObjectInfo::default() });
            }
            Fact::Grant(grant) => account.put_grant(grant),
            Fact::Ownership(ownership) => account.put_ownership(&ownership),
            Fact::Membership(membership) => account.put_membership(&membership),
            Fact::ContainerGrant(grant) => account.put_container_grant(grant),
        }
    }
    account
}

/// The facts of a seed.
pub(crate) fn facts(seed: u64) -> Vec<Fact> {
    let mut maker = Maker::new(seed);
    maker.inventory();
    maker.memberships();
    maker.ownerships();
    maker.grants();
    maker.container_grants();
    maker.facts
}
