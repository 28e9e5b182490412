//! Who has which role.

use super::Fact;
use super::maker::Maker;
use super::names::id;
use grantd_catalog::account::Membership;
use grantd_catalog::model::{Principal, PrincipalKind, Properties};

impl Maker {
    pub(super) fn memberships(&mut self) {
        let roles = self.roles.clone();
        // Dense enough for diamonds, and from later to earlier so that there is no cycle.
        for (i, member) in roles.iter().enumerate() {
            for _ in 0..self.rng.below(4) {
                if let Some(role) = self.rng.pick(&roles[..i]) {
                    self.membership(&role, member);
                }
            }
        }
        let database_roles = self.database_roles.clone();
        for (i, role) in database_roles.iter().enumerate() {
            let same: Vec<_> = database_roles[i + 1..].iter().filter(|r| r.scope == role.scope).cloned().collect();
            let takers = [&roles[..], &same, &same, &self.users, &self.outsiders].concat();
            for _ in 0..self.rng.below(3) {
                self.grant_role_to_one_of(role, &takers);
            }
        }
        if let [viewer, reader] = &self.application_roles.clone()[..] {
            let takers = [&roles[..], &self.users, &self.outsiders].concat();
            self.grant_role_to_one_of(viewer, &takers);
            self.grant_role_to_one_of(reader, &takers);
            self.grant_role_to_one_of(reader, std::slice::from_ref(viewer));
        }
        for user in self.users.clone() {
            for _ in 0..self.rng.below(4) {
                let role = self.rng.pick(&roles).unwrap();
                self.membership(&role, &user);
            }
        }
        self.roles_of_everybody();
        if self.rng.percent(15) {
            self.bad_memberships();
        }
    }

    fn grant_role_to_one_of(&mut self, role: &Principal, takers: &[Principal]) {
        if let Some(member) = self.rng.pick(takers) {
            self.membership(role, &member);
        }
    }

    /// PUBLIC has roles of its own, kept at the low end so that this makes no cycle.
    fn roles_of_everybody(&mut self) {
        if self.rng.percent(30) {
            let low = [&self.database_roles[..], &self.application_roles].concat();
            if let Some(role) = self.rng.pick(&low) {
                self.membership(&role, &Principal::public());
            }
        }
        if self.rng.percent(20) {
            let lone = Principal::role(id("EVERYBODYS"));
            self.facts.push(Fact::Principal(lone.clone(), Properties::default()));
            self.membership(&lone, &Principal::public());
            self.roles.push(lone);
        }
    }

    /// What the platform would refuse and an export may hold all the same: cycles, roles inside themselves, account
    /// roles in database roles.
    fn bad_memberships(&mut self) {
        let all = [&self.roles[..], &self.database_roles, &self.application_roles].concat();
        for _ in 0..=self.rng.below(4) {
            let (role, member) = (self.rng.pick(&all).unwrap(), self.rng.pick(&all).unwrap());
            self.membership(&role, &member);
        }
    }

    /// One membership, sometimes once more by another grantor. Of PUBLIC too: a grant that must change nothing.
    fn membership(&mut self, role: &Principal, member: &Principal) {
        let builtin = self.rng.percent(5);
        for _ in 0..=usize::from(self.rng.percent(20)) {
            let granted_by = if builtin { None } else { self.grantor() };
            let grant_option = role.kind == PrincipalKind::DatabaseRole && self.rng.percent(10);
            let created_on = self.time();
            let (role, member) = (role.clone(), member.clone());
            let row = Membership { role, member, granted_by, grant_option, builtin, created_on };
            self.facts.push(Fact::Membership(row));
        }
    }
}
