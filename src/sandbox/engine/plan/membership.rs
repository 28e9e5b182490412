//! GRANT ROLE and REVOKE ROLE: which role goes into which, in whose name.

use super::{Planned, Planner};
use crate::sandbox::engine::refusals::{denied, forbidden};
use crate::sandbox::engine::roles::{account_admin, closure};
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::Membership;
use grantd_catalog::model::{Change, Principal, PrincipalKind};

impl Planner<'_> {
    pub(super) fn grant_role(&self, role: &Principal, to: &Principal, grant_option: bool) -> Planned<Vec<Change>> {
        self.need_seen(&role.as_object())?;
        // Everyone has PUBLIC already.
        if *role == Principal::public() {
            return Ok(Vec::new());
        }
        self.check_kinds(role, to, grant_option)?;
        let granted_by = self.role_grantor(role).ok_or_else(|| denied(&role.as_object()))?;
        let circle = to.kind.is_role() && *to != Principal::public();
        if circle && (role == to || closure(self.account, [role.clone()]).contains(to)) {
            return Err(Failure::new(
                "003041",
                "42710",
                format!(
                    "SQL execution error: Role {} cannot be granted to {}: it would make a circle.",
                    role.shown(),
                    to.shown()
                ),
            ));
        }
        let held = || {
            let mut rows = self.account.roles_of(to);
            rows.any(|m| m.role == *role && m.grant_option && m.granted_by.as_ref() == Some(&granted_by))
        };
        Ok(vec![Change::GrantRole {
            role: role.clone(),
            to: to.clone(),
            grant_option: grant_option || held(),
            granted_by: Some(granted_by),
        }])
    }

    /// Which kind of role goes into what.
    fn check_kinds(&self, role: &Principal, to: &Principal, grant_option: bool) -> Planned<()> {
        use PrincipalKind as K;
        let database_role = role.kind == K::DatabaseRole;
        if grant_option && !(database_role && to.kind.is_role()) {
            return Err(Failure::unsupported("WITH GRANT OPTION for anything but database roles to roles"));
        }
        let fits = match (role.kind, to.kind) {
            (K::Role, K::Role | K::User)
            | (K::DatabaseRole, K::Role | K::User | K::Share | K::Application)
            | (K::ApplicationRole, K::Role | K::ApplicationRole | K::User | K::Application)
            | (K::InstanceRole, K::Role) => true,
            (K::DatabaseRole, K::DatabaseRole) => role.scope == to.scope,
            _ => false,
        };
        if !fits {
            return Err(forbidden(format!("{} cannot be granted to {}.", role.grantee_sql(), to.grantee_sql())));
        }
        if database_role && to.kind == K::DatabaseRole {
            let shared = self.account.members_of(to).any(|m| m.member.kind == K::Share);
            if shared {
                return Err(forbidden(format!("No role can be granted to the shared database role {}.", to.shown())));
            }
        }
        if database_role && to.kind == K::Share {
            let contains = self.account.roles_of(role).any(|m| m.role.kind == K::DatabaseRole);
            if contains {
                return Err(forbidden(format!("Database role {} has another one and cannot be shared.", role.shown())));
            }
        }
        Ok(())
    }

    /// The role in whose name a role is granted: its owner, a holder of the grant option, or with MANAGE GRANTS the
    /// owner all the same.
    fn role_grantor(&self, role: &Principal) -> Option<Principal> {
        let object = role.as_object();
        let owner = self.account.owner(&object).cloned();
        if let Some(owner) = owner.as_ref().filter(|o| self.active.all.contains(*o)) {
            return Some(owner.clone());
        }
        if role.kind == PrincipalKind::DatabaseRole {
            let mut options = self.account.members_of(role).filter(|m| m.grant_option);
            if let Some(option) = options.find(|m| self.active.all.contains(&m.member)) {
                return Some(option.member);
            }
        }
        self.active.manages_grants(&object).then(|| owner.unwrap_or_else(account_admin))
    }

    /// Takes the rows whose grantor is active; all of them as the role's owner or with MANAGE GRANTS; never the
    /// platform's own. None is no error.
    pub(super) fn revoke_role(&self, role: &Principal, from: &Principal) -> Planned<Vec<Change>> {
        let object = role.as_object();
        self.need_seen(&object)?;
        let whole = self.active.owns(&object) || self.active.manages_grants(&object);
        let taken = |m: &Membership| {
            let by = m.granted_by.as_ref();
            m.role == *role && !m.builtin && by.map_or(whole, |by| whole || self.active.all.contains(by))
        };
        let rows = self.account.roles_of(from).filter(taken);
        Ok(rows.map(|m| Change::RevokeRole { role: m.role, from: m.member, granted_by: m.granted_by }).collect())
    }
}
