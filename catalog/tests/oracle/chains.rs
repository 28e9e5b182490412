//! Why a user has a privilege: the shortest chain of memberships, and how many there are.

use super::{Lens, Oracle};
use grantd_catalog::model::{ObjectRef, Principal, Privilege};
use std::collections::{BTreeMap, BTreeSet};

/// The answer to "why".
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Why {
    /// Who carries the privilege itself: active roles, and the user.
    pub(crate) carriers: BTreeSet<Principal>,
    /// Hops from the user to the nearest carrier: 0 for the user itself, 1 for an activated role or PUBLIC.
    pub(crate) shortest: Option<usize>,
    /// Distinct chains from the user to a carrier, every carrier counted; `None` when there is a cycle on the way.
    pub(crate) chains: Option<u128>,
}

impl Oracle {
    /// Why `user` has `privilege` on `object`. No carriers, no access.
    pub(crate) fn why(&self, user: &Principal, privilege: &Privilege, object: &ObjectRef, lens: Lens) -> Why {
        let active = self.active(user, lens);
        let carries = |c: &&super::privileges::Carried| c.privilege == *privilege && c.object == *object;
        let all = self.carried();
        let carriers: BTreeSet<Principal> =
            all.iter().filter(carries).map(|c| c.carrier.clone()).filter(|c| active.has(c)).collect();
        let shortest = self.shortest(user, lens, &carriers);
        let chains = self.chains(user, lens, &carriers);
        Why { carriers, shortest, chains }
    }

    /// What is one hop from the user: the roles it activates, and PUBLIC. That every role has PUBLIC too makes no chain.
    fn first_hop(&self, user: &Principal, lens: Lens) -> BTreeSet<Principal> {
        let mut hop = self.activated(user, lens);
        hop.insert(Principal::public());
        hop
    }

    fn shortest(&self, user: &Principal, lens: Lens, carriers: &BTreeSet<Principal>) -> Option<usize> {
        if carriers.contains(user) {
            return Some(0);
        }
        let mut seen = BTreeSet::new();
        let mut layer = self.first_hop(user, lens);
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

    /// chains(x) = 1 if x carries it, and the sum over what is granted to x.
    fn chains(&self, user: &Principal, lens: Lens, carriers: &BTreeSet<Principal>) -> Option<u128> {
        let first = self.first_hop(user, lens);
        let mut waiting = self.closure(&first);
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
        let below: u128 = first.iter().filter_map(|role| counted.get(role)).sum();
        Some(below + u128::from(carriers.contains(user)))
    }
}
