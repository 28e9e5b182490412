//! Why a user has a privilege: the shortest chain of memberships, and how many there are.

use super::{Lens, Oracle};
use grantd_catalog::model::{ObjectRef, Principal, Privilege};
use std::collections::{BTreeMap, BTreeSet};

/// The answer to "why".
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Why {
    /// Who carries the privilege itself: active roles, and the user. Nobody means no access.
    pub(crate) carriers: BTreeSet<Principal>,
    /// The chains of memberships that start with the user.
    pub(crate) by_membership: Chains,
    /// The chains that start with the PUBLIC that everybody has.
    pub(crate) through_public: Chains,
}

/// The chains from some starts to some carriers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Chains {
    /// Hops to the nearest carrier: 0 for the user itself, 1 for an activated role or PUBLIC; `None` without a chain.
    pub(crate) shortest: Option<usize>,
    /// Number of distinct chains, to every carrier; `None` when there is a cycle on the way.
    pub(crate) count: Option<u128>,
}

impl Oracle {
    /// Why `user` has `privilege` on `object`.
    pub(crate) fn why(&self, user: &Principal, privilege: &Privilege, object: &ObjectRef, lens: Lens) -> Why {
        let carriers = self.carriers(user, privilege, object, lens);
        Why {
            by_membership: self.chains_by_membership(user, lens, &carriers),
            through_public: self.chains_through_public(&carriers),
            carriers,
        }
    }

    /// The active roles, and the user, that carry a privilege themselves.
    pub(crate) fn carriers(
        &self,
        user: &Principal,
        privilege: &Privilege,
        object: &ObjectRef,
        lens: Lens,
    ) -> BTreeSet<Principal> {
        let active = self.active(user, lens);
        let gives = |c: &&super::privileges::Carried| c.privilege == *privilege && c.object == *object;
        let of_all = self.carried().iter().filter(gives).map(|c| c.carrier.clone());
        of_all.filter(|c| active.has(c)).collect()
    }

    /// From the user by its activated roles; the user itself is a chain of no hops. That every role has PUBLIC too makes
    /// no chain.
    pub(crate) fn chains_by_membership(&self, user: &Principal, lens: Lens, carriers: &BTreeSet<Principal>) -> Chains {
        let starts = self.activated(user, lens);
        let own = carriers.contains(user);
        Chains {
            shortest: if own { Some(0) } else { self.shortest(&starts, carriers) },
            count: self.count(&starts, carriers).map(|n| n + u128::from(own)),
        }
    }

    /// From PUBLIC.
    pub(crate) fn chains_through_public(&self, carriers: &BTreeSet<Principal>) -> Chains {
        let starts = BTreeSet::from([Principal::public()]);
        Chains { shortest: self.shortest(&starts, carriers), count: self.count(&starts, carriers) }
    }

    fn shortest(&self, starts: &BTreeSet<Principal>, carriers: &BTreeSet<Principal>) -> Option<usize> {
        let mut seen = BTreeSet::new();
        let mut layer = starts.clone();
        let mut hops = 1;
        while !layer.is_empty() {
            if layer.iter().any(|role| carriers.contains(role)) {
                return Some(hops);
            }
            seen.extend(layer.iter().cloned());
            let next: BTreeSet<Principal> = layer.iter().flat_map(|role| self.granted_to(role)).collect();
            layer = next.difference(&seen).cloned().collect();
            hops += 1;
        }
        None
    }

    /// count(x) = 1 if x is a carrier, and the sum over what is granted to x.
    fn count(&self, starts: &BTreeSet<Principal>, carriers: &BTreeSet<Principal>) -> Option<u128> {
        let mut waiting = self.closure(starts);
        let mut counted = BTreeMap::<Principal, u128>::new();
        while !waiting.is_empty() {
            let ready = |role: &&Principal| self.granted_to(role).iter().all(|r| counted.contains_key(r));
            let ready: Vec<Principal> = waiting.iter().filter(ready).cloned().collect();
            if ready.is_empty() {
                return None;
            }
            for role in ready {
                let below: u128 = self.granted_to(&role).iter().filter_map(|r| counted.get(r)).sum();
                waiting.remove(&role);
                counted.insert(role.clone(), below + u128::from(carriers.contains(&role)));
            }
        }
        Some(starts.iter().filter_map(|role| counted.get(role)).sum())
    }
}
