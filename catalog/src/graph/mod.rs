//! The role graph and what follows from it: who has which role, and who may do what with which object.
//!
//! Nothing here walks paths: closures are unions over strongly connected components, so diamonds and cycles in bad
//! input cost nothing. The relation (user, privilege, object) itself is never stored; [`effective`] streams it.

mod closure;
pub mod cut;
pub mod effective;
pub mod explain;
pub mod impact;
mod lens;
mod reach;
pub mod redundant;
mod ways;

pub use closure::Closure;
pub use lens::{Lens, UserRoles};
pub use ways::{Source, Way};

use crate::model::{Principal, PrincipalKind};
use crate::snapshot::{NONE, Postings, Snapshot};
use std::sync::OnceLock;

/// What is derived from a snapshot once and shared by every question.
#[derive(Debug)]
pub struct Graph {
    /// For each principal, the principals that are granted to it directly (roles), in order, once each.
    granted: Postings,
    /// For each role, the principals that it is granted to directly.
    members: Postings,
    closure: Closure,
    public: u32,
    public_roles: Vec<u32>,
    first_user: u32,
    users: u32,
    lenses: [OnceLock<UserRoles>; 3],
    by_grantee: Postings,
    by_owner: Postings,
    inherited: ways::InheritedGrants,
    reach: reach::ReachIndex,
}

impl Graph {
    /// Builds the graph of a snapshot.
    pub fn build(snapshot: &Snapshot) -> Self {
        let count = snapshot.principals().len();
        let public = snapshot.principal_id(&Principal::public()).unwrap_or(NONE);
        // Granting PUBLIC does nothing: everyone has it. It is no membership of its own.
        let rows = snapshot.memberships().iter().filter(|m| m.role != public);
        let mut edges: Vec<(u32, u32)> = rows.map(|m| (m.member, m.role)).collect();
        edges.sort_unstable();
        edges.dedup();
        let granted = Postings::group(count, edges.iter().copied());
        let members = granted.transposed(count);
        let closure = Closure::build(&granted);
        let public_roles = closure.includes(public).to_vec();
        let kinds = || snapshot.principals().iter().map(|p| p.kind);
        // Users are the last kind in the order of principals.
        let users = kinds().filter(|k| *k == PrincipalKind::User).count() as u32;
        let first_user = count as u32 - users;
        let grants = snapshot.grants();
        let rows = 0..grants.len() as u32;
        let by_grantee = Postings::group(count, rows.map(|row| (grants.grantee(row), row)));
        let owned = (0..snapshot.object_count()).filter_map(|o| Some((snapshot.owner_of(o)?, o)));
        let by_owner = Postings::group(count, owned);
        let inherited = ways::InheritedGrants::build(snapshot);
        let reach = reach::ReachIndex::build(snapshot);
        Self {
            granted,
            members,
            closure,
            public,
            public_roles,
            first_user,
            users,
            lenses: Default::default(),
            by_grantee,
            by_owner,
            inherited,
            reach,
        }
    }

    /// The roles granted to a principal directly.
    pub fn granted_to(&self, principal: u32) -> &[u32] {
        self.granted.of(principal)
    }

    /// The principals that a role is granted to directly.
    pub fn members_of(&self, role: u32) -> &[u32] {
        self.members.of(role)
    }

    /// Everything that each principal includes by membership, PUBLIC aside.
    pub fn closure(&self) -> &Closure {
        &self.closure
    }

    /// The principal id of PUBLIC.
    pub fn public(&self) -> u32 {
        self.public
    }

    /// PUBLIC and what is granted to it: held by everyone.
    pub fn public_roles(&self) -> &[u32] {
        &self.public_roles
    }

    /// The principal ids of users.
    pub fn users(&self) -> std::ops::Range<u32> {
        self.first_user..self.first_user + self.users
    }

    /// Whether a principal id is a user's.
    pub fn is_user(&self, principal: u32) -> bool {
        principal != NONE && principal >= self.first_user
    }

    /// Which roles every user has under a lens; built at the first use.
    pub fn user_roles(&self, snapshot: &Snapshot, lens: Lens) -> &UserRoles {
        let [all, default, primary] = &self.lenses;
        let cell = match lens {
            Lens::All => all,
            Lens::Default => default,
            Lens::Primary => primary,
        };
        cell.get_or_init(|| UserRoles::build(snapshot, self, lens))
    }

    /// Grant rows by grantee.
    pub(crate) fn grants_to(&self, grantee: u32) -> &[u32] {
        self.by_grantee.of(grantee)
    }

    /// Objects by owner.
    pub(crate) fn owned_by(&self, owner: u32) -> &[u32] {
        self.by_owner.of(owner)
    }

    pub(crate) fn inherited(&self) -> &ways::InheritedGrants {
        &self.inherited
    }

    pub(crate) fn reach(&self) -> &reach::ReachIndex {
        &self.reach
    }
}
