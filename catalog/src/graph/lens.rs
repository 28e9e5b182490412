//! Which roles a user has, under the three readings of a session.

use super::Graph;
use crate::model::{Ident, Principal, PrincipalKind, Property};
use crate::snapshot::{Column, Postings, Snapshot};
use std::fmt;
use std::str::FromStr;

/// Which roles count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Lens {
    /// Everything a user can activate: all granted roles and the user's own privileges.
    #[default]
    All,
    /// The user's default session: default role and default secondary roles.
    Default,
    /// The default role alone.
    Primary,
}

impl Lens {
    /// Every lens.
    pub const ALL: [Self; 3] = [Self::All, Self::Default, Self::Primary];

    /// The word of `grantd.roles`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Default => "default",
            Self::Primary => "primary",
        }
    }
}

impl fmt::Display for Lens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lens {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|l| l.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| format!("{text:?} is not one of all, default, primary"))
    }
}

/// The roles of every user under one lens.
#[derive(Debug)]
pub struct UserRoles {
    /// For each user (counted from the first), its roles by membership, in order; PUBLIC's aside.
    roles: Postings,
    /// For each principal, the users (counted from the first) that have it, in order; PUBLIC's aside.
    users: Postings,
    /// Whether what is granted to the user itself counts.
    own_grants: Column<bool>,
}

impl UserRoles {
    pub(super) fn build(snapshot: &Snapshot, graph: &Graph, lens: Lens) -> Self {
        let users = graph.users();
        let mut own_grants = Vec::with_capacity(users.len());
        let roles = Postings::from_runs(users.clone().map(|user| {
            let secondary = secondary_roles(snapshot, user, lens);
            own_grants.push(secondary);
            let mut run: Vec<u32> = if secondary {
                graph.closure.includes(user).iter().copied().filter(|r| *r != user).collect()
            } else {
                Vec::new()
            };
            if lens != Lens::All
                && let Some(role) = default_role(snapshot, graph, user)
            {
                run.extend_from_slice(graph.closure.includes(role));
            }
            // Only roles can be had; a user is no role even in a circle of bad input.
            run.retain(|r| !graph.is_user(*r));
            run.sort_unstable();
            run.dedup();
            run
        }));
        let by_role = roles.transposed(snapshot.principals().len());
        Self { roles, users: by_role, own_grants: own_grants.into() }
    }

    /// The roles of a user (counted from the first user) by membership, in order; PUBLIC's aside.
    pub fn roles_of(&self, user: u32) -> &[u32] {
        self.roles.of(user)
    }

    /// The users (counted from the first) that have a role by membership, in order.
    pub fn users_of(&self, role: u32) -> &[u32] {
        self.users.of(role)
    }

    /// Whether what is granted to the user itself counts.
    pub fn counts_own_grants(&self, user: u32) -> bool {
        self.own_grants.get(user).copied().unwrap_or(false)
    }
}

/// Whether every granted role is active besides the primary one.
///
/// Snowflake's default is ALL since bundle `2024_07`, so an unknown setting counts as ALL.
fn secondary_roles(snapshot: &Snapshot, user: u32, lens: Lens) -> bool {
    match lens {
        Lens::All => true,
        Lens::Primary => false,
        Lens::Default => {
            let value = snapshot.principal_info(user).properties.get(Property::DefaultSecondaryRoles);
            value.is_none_or(|v| v.eq_ignore_ascii_case("ALL"))
        }
    }
}

/// The default role, when it is an account role that the user can activate, granted to it or included in one that is:
/// the platform does not check the name when it is set.
pub(super) fn default_role(snapshot: &Snapshot, graph: &Graph, user: u32) -> Option<u32> {
    let name = snapshot.principal_info(user).properties.get(Property::DefaultRole)?;
    let role = snapshot.principal_id(&Principal::role(Ident::new(name).ok()?))?;
    let granted = graph.closure.contains(user, role);
    (granted && snapshot.principals().at(role).kind == PrincipalKind::Role).then_some(role)
}
