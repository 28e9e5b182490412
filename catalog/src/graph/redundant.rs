//! What could be revoked without taking anything from anyone: memberships and grants implied by another path.

use super::{Source, Way};
use crate::snapshot::{NONE, Snapshot};
use std::collections::{HashSet, VecDeque};

/// A membership that another path implies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RedundantMembership {
    /// The role that is granted.
    pub role: u32,
    /// Who has it.
    pub member: u32,
    /// Another role granted to the member that includes it.
    pub via: u32,
}

/// What makes a grant needless, the plainest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ImpliedBy {
    /// The grantee owns the object.
    Ownership,
    /// The grantee has an inherited grant that covers the object.
    Inherited,
    /// Another role that the grantee includes carries the same.
    Role,
    /// PUBLIC, or a role granted to PUBLIC, carries the same.
    Public,
}

impl ImpliedBy {
    /// The word of the `implied_by` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ownership => "ownership",
            Self::Inherited => "inherited",
            Self::Role => "role",
            Self::Public => "public",
        }
    }
}

/// A grant row to a role that something else implies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RedundantGrant {
    /// The object.
    pub object: u32,
    /// The grant row.
    pub row: u32,
    /// What implies it.
    pub implied_by: ImpliedBy,
    /// Who carries that: the grantee, or the role it includes.
    pub carrier: u32,
    /// Rows of the same privilege, object and grantee, one per grantor; this one among them.
    pub parallel: u32,
}

impl Snapshot {
    /// The memberships, once per role and member, whose member reaches the role by another path too. That everyone
    /// has PUBLIC is no path here.
    pub fn redundant_memberships(&self) -> Vec<RedundantMembership> {
        let graph = self.graph();
        let closure = graph.closure();
        let mut found = Vec::new();
        for member in 0..self.principals().len() as u32 {
            let granted = graph.granted_to(member);
            for role in granted {
                let via = granted.iter().copied().filter(|via| via != role && closure.contains(*via, *role));
                // A path from a role that does not lead back to the member cannot use the membership itself.
                let apart = |via: &u32| !closure.contains(*via, member) || self.leads_around(*via, *role, member);
                if let Some(via) = via.into_iter().find(apart) {
                    found.push(RedundantMembership { role: *role, member, via });
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Whether one role leads to another without passing a principal; only circles in bad input make it matter.
    fn leads_around(&self, from: u32, to: u32, without: u32) -> bool {
        let mut seen = HashSet::from([from]);
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            if at == to {
                return true;
            }
            if at != without {
                queue.extend(self.graph().granted_to(at).iter().copied().filter(|next| seen.insert(*next)));
            }
        }
        false
    }

    /// The grant rows to roles on an object that something else implies, grant option and all.
    ///
    /// Rows of several grantors for the same grantee do not make each other redundant. Of roles that include each
    /// other (bad input) one keeps its grant.
    pub fn redundant_grants_on(&self, object: u32, ways: &mut Vec<Way>, out: &mut Vec<RedundantGrant>) {
        self.ways_on(object, ways);
        let graph = self.graph();
        let closure = graph.closure();
        let everyones = |role: u32| graph.public_roles().binary_search(&role).is_ok();
        for same in ways.chunk_by(|a, b| a.privilege == b.privilege) {
            for way in same.iter().filter(|w| w.kind == Source::Grant && w.evidence != NONE) {
                if !self.principals().at(way.carrier).kind.is_role() {
                    continue;
                }
                let implies = |other: &Way| {
                    if way.grant_option && !other.grant_option {
                        return None;
                    }
                    if other.carrier == way.carrier {
                        return match other.kind {
                            Source::Ownership => Some(ImpliedBy::Ownership),
                            Source::Inherited => Some(ImpliedBy::Inherited),
                            _ => None,
                        };
                    }
                    let mutual = closure.contains(other.carrier, way.carrier);
                    if closure.contains(way.carrier, other.carrier) && (!mutual || other.carrier < way.carrier) {
                        return Some(ImpliedBy::Role);
                    }
                    (everyones(other.carrier) && !everyones(way.carrier)).then_some(ImpliedBy::Public)
                };
                let reason = same.iter().filter_map(|other| Some((implies(other)?, other.carrier))).min();
                if let Some((implied_by, carrier)) = reason {
                    let parallel = same.iter().filter(|w| w.kind == Source::Grant && w.carrier == way.carrier).count();
                    out.push(RedundantGrant {
                        object,
                        row: way.evidence,
                        implied_by,
                        carrier,
                        parallel: parallel as u32,
                    });
                }
            }
        }
    }
}
