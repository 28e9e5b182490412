//! Which roles a user has, and how.

use super::{Lens, Oracle};
use grantd_catalog::model::{Ident, Principal, PrincipalKind, Property};
use std::collections::{BTreeMap, BTreeSet};

/// How a user comes to a role; a plainer way wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum How {
    /// The role is granted to the user.
    Direct,
    /// The role is granted to another role that the user has.
    Inherited,
    /// Only because everybody has PUBLIC.
    Public,
}

/// What is active for a user under a lens.
pub(crate) struct Active {
    /// The user.
    pub(crate) user: Principal,
    /// The active roles.
    pub(crate) roles: BTreeMap<Principal, How>,
    /// Whether what is granted to the user itself counts.
    pub(crate) user_grants: bool,
}

impl Active {
    /// Whether what this principal carries is available to the user.
    pub(crate) fn has(&self, carrier: &Principal) -> bool {
        self.roles.contains_key(carrier) || (self.user_grants && *carrier == self.user)
    }
}

impl Oracle {
    /// `(user, role, how)` for every user and active role.
    pub(crate) fn effective_roles(&self, lens: Lens) -> BTreeSet<(Principal, Principal, How)> {
        let rows = |user: &Principal| {
            let active = self.active(user, lens);
            active.roles.into_iter().map(|(role, how)| (active.user.clone(), role, how)).collect::<Vec<_>>()
        };
        self.users.keys().flat_map(rows).collect()
    }

    /// The active set: closure(activated roles) U closure(PUBLIC) [U the user's own grants].
    pub(crate) fn active(&self, user: &Principal, lens: Lens) -> Active {
        let activated = self.activated(user, lens);
        let mut roles = BTreeMap::new();
        for role in self.public_is_everyones() {
            roles.insert(role, How::Public);
        }
        for role in self.closure(&activated) {
            let direct = activated.contains(&role) && self.granted_to(user).contains(&role);
            roles.insert(role, if direct { How::Direct } else { How::Inherited });
        }
        Active { user: user.clone(), roles, user_grants: self.secondary_roles_count(user, lens) }
    }

    /// The primary role is the default role; with secondary roles every granted role is active. Database
    /// and application roles cannot be activated, so that those granted to the user itself need secondary roles. With
    /// these the default role adds nothing: it is among the granted ones or below them.
    pub(crate) fn activated(&self, user: &Principal, lens: Lens) -> BTreeSet<Principal> {
        if self.secondary_roles_count(user, lens) {
            self.granted_to(user)
        } else {
            self.default_role(user).into_iter().collect()
        }
    }

    /// `DEFAULT_ROLE` is a plain string that nobody checks. It names an account role, and counts when the user
    /// has that role, directly or by inheritance; otherwise the primary role is PUBLIC.
    pub(crate) fn default_role(&self, user: &Principal) -> Option<Principal> {
        let name = self.users.get(user)?.get(Property::DefaultRole)?;
        let role = Principal::role(Ident::new(name).ok()?);
        self.closure(&self.granted_to(user)).contains(&role).then_some(role)
    }

    /// `DEFAULT_SECONDARY_ROLES` is ALL unless it is known to be none.
    pub(crate) fn secondary_roles_count(&self, user: &Principal, lens: Lens) -> bool {
        match lens {
            Lens::All => true,
            Lens::Default => {
                let property = self.users.get(user).and_then(|p| p.get(Property::DefaultSecondaryRoles));
                property.is_none_or(|value| value == "ALL")
            }
            Lens::Primary => false,
        }
    }

    /// PUBLIC and what is granted to PUBLIC, for every user.
    pub(crate) fn public_is_everyones(&self) -> BTreeSet<Principal> {
        self.closure(&BTreeSet::from([Principal::public()]))
    }

    /// The roles granted to a principal itself.
    pub(crate) fn granted_to(&self, member: &Principal) -> BTreeSet<Principal> {
        self.granted_roles.get(member).cloned().unwrap_or_default()
    }

    /// a role has everything of the roles granted to it, at any depth. Starts are part of the answer.
    pub(crate) fn closure(&self, starts: &BTreeSet<Principal>) -> BTreeSet<Principal> {
        let mut reached = starts.clone();
        let mut new = reached.clone();
        while !new.is_empty() {
            let next: BTreeSet<Principal> = new.iter().flat_map(|role| self.granted_to(role)).collect();
            new = next.difference(&reached).cloned().collect();
            reached.extend(new.iter().cloned());
        }
        reached
    }

    /// `(role, other role that it reaches)`, without the PUBLIC that everybody has.
    pub(crate) fn role_closure(&self) -> BTreeSet<(Principal, Principal)> {
        let pairs = |role: &Principal| {
            let reached = self.closure(&self.granted_to(role));
            reached.into_iter().filter(|r| r != role).map(|r| (role.clone(), r)).collect::<Vec<_>>()
        };
        self.roles.iter().flat_map(pairs).collect()
    }

    /// The account roles that a user can make its primary role: granted, at any depth, and PUBLIC.
    pub(crate) fn activatable(&self, user: &Principal) -> BTreeSet<Principal> {
        let active = self.active(user, Lens::All);
        active.roles.into_keys().filter(|role| role.kind == PrincipalKind::Role).collect()
    }

    /// The active set of one role alone: its closure and PUBLIC's.
    pub(crate) fn active_as(&self, user: &Principal, role: &Principal) -> Active {
        let mut roles: BTreeMap<_, _> = self.public_is_everyones().into_iter().map(|r| (r, How::Public)).collect();
        roles.extend(self.closure(&BTreeSet::from([role.clone()])).into_iter().map(|r| (r, How::Inherited)));
        Active { user: user.clone(), roles, user_grants: false }
    }
}
