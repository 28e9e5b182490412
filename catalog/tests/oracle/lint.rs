//! What is odd in an account: orphan roles, roles outside SYSADMIN, needless memberships, shadowed templates.

use super::{Lens, Oracle};
use grantd_catalog::account::ContainerGrant;
use grantd_catalog::model::{Container, Ident, Principal};
use std::collections::BTreeSet;

/// The roles that come with an account.
const SYSTEM_ROLES: [&str; 7] =
    ["ACCOUNTADMIN", "GLOBALORGADMIN", "ORGADMIN", "PUBLIC", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];

impl Oracle {
    /// The roles that no user has, by any lens; never PUBLIC.
    pub(crate) fn reachable_by_nobody(&self) -> BTreeSet<Principal> {
        let had: BTreeSet<Principal> = self.effective_roles(Lens::All).into_iter().map(|(_, role, _)| role).collect();
        self.roles.iter().filter(|role| !had.contains(role) && **role != Principal::public()).cloned().collect()
    }

    /// The roles of any kind that SYSADMIN does not reach, those that come with an account aside.
    pub(crate) fn not_under_sysadmin(&self) -> BTreeSet<Principal> {
        let sysadmin = Principal::role(Ident::new("SYSADMIN").unwrap());
        let reached = self.closure(&BTreeSet::from([sysadmin]));
        let system = |role: &Principal| SYSTEM_ROLES.iter().any(|s| *role == Principal::role(Ident::new(s).unwrap()));
        self.roles.iter().filter(|role| !reached.contains(role) && !system(role)).cloned().collect()
    }

    /// `(role, member)` of every membership whose member, a role or a user, reaches the role by another path too. That
    /// everybody has PUBLIC is no path here.
    pub(crate) fn redundant_memberships(&self) -> BTreeSet<(Principal, Principal)> {
        let mut redundant = BTreeSet::new();
        for (member, granted) in &self.granted_roles {
            for role in granted {
                let mut starts = granted.clone();
                starts.remove(role);
                if self.closure_without(&starts, (role, member)).contains(role) {
                    redundant.insert((role.clone(), member.clone()));
                }
            }
        }
        redundant
    }

    /// The closure as if one membership were not there.
    fn closure_without(&self, starts: &BTreeSet<Principal>, gone: (&Principal, &Principal)) -> BTreeSet<Principal> {
        let mut reached = starts.clone();
        loop {
            let next = reached.iter().flat_map(|member| {
                let granted = self.granted_to(member).into_iter();
                granted.filter(move |role| (role, member) != gone).collect::<Vec<_>>()
            });
            let grown: BTreeSet<Principal> = reached.iter().cloned().chain(next).collect();
            if grown == reached {
                return reached;
            }
            reached = grown;
        }
    }

    /// `(template on a database, template on a schema of it that hides it there)`: same object type, whoever the
    /// grantees and whatever the privileges.
    pub(crate) fn shadowed_future_grants(&self) -> BTreeSet<(ContainerGrant, ContainerGrant)> {
        let mut pairs = BTreeSet::new();
        for wide in &self.future {
            for narrow in &self.future {
                let below = matches!((&wide.container, &narrow.container),
                    (Container::Database(db), Container::Schema(of, _)) if db == of);
                if below && wide.object_type == narrow.object_type {
                    pairs.insert((wide.clone(), narrow.clone()));
                }
            }
        }
        pairs
    }
}
