//! Future and inherited grants: templates and live grants on containers.

use super::{Planned, Planner, place};
use crate::sandbox::engine::refusals::{denied, forbidden};
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::Reach;
use grantd_catalog::model::{Change, Container, ObjectType, Principal, PrincipalKind, Privilege};

/// Types that have future grants, but no future OWNERSHIP.
const NO_FUTURE_OWNERSHIP: &[&str] = &[
    "AUTHENTICATION_POLICY",
    "NOTEBOOK",
    "PASSWORD_POLICY",
    "PRIVACY_POLICY",
    "SERVICE",
    "SNAPSHOT_POLICY",
    "SNAPSHOT_SET",
    "STREAMLIT",
];

/// Types without inherited grants.
const NO_INHERITED: &[&str] = &["APPLICATION", "APPLICATION_PACKAGE", "INTEGRATION", "SHARE"];

/// Account privileges cannot be inherited, nor can these on what they would make of it.
const NO_INHERITED_USAGE: &[&str] = &["ROLE", "STREAMLIT", "USER"];

impl Planner<'_> {
    /// A change of a future or inherited grant.
    pub(super) fn container_grant(&self, change: &Change) -> Planned<Vec<Change>> {
        match change {
            Change::GrantFuture { privilege, object_type, container, grantee, .. } => {
                self.need_manager(container, true)?;
                self.check_future(privilege, object_type, container, grantee)?;
                Ok(vec![change.clone()])
            }
            Change::GrantInherited { privilege, object_type, container, grantee } => {
                self.need_manager(container, false)?;
                self.check_inherited(privilege, object_type, container, grantee)?;
                Ok(vec![change.clone()])
            }
            // A revoke of what is not granted, or by who may not, succeeds and does nothing.
            Change::RevokeFuture { privilege, object_type, container, grantee } => {
                let held = self.holds(Reach::Future, privilege, object_type, container, grantee);
                Ok((held && self.manages(container, true)?).then(|| change.clone()).into_iter().collect())
            }
            Change::RevokeInherited { privilege, object_type, container, grantee } => {
                let held = self.holds(Reach::Inherited, privilege, object_type, container, grantee);
                Ok((held && self.manages(container, false)?).then(|| change.clone()).into_iter().collect())
            }
            other => Err(Failure::internal(format!("a grant in a container became {}", other.kind()))),
        }
    }

    fn check_future(
        &self,
        privilege: &Privilege,
        object_type: &ObjectType,
        container: &Container,
        grantee: &Principal,
    ) -> Planned<()> {
        if !matches!(grantee.kind, PrincipalKind::Role | PrincipalKind::DatabaseRole) {
            return Err(Failure::unsupported(&format!("future grants to a {}", grantee.kind.object_type().sql())));
        }
        self.need_same_database(grantee, container.database())?;
        let shared = || self.account.members_of(grantee).any(|m| m.member.kind == PrincipalKind::Share);
        if grantee.kind == PrincipalKind::DatabaseRole && shared() {
            return Err(forbidden(format!(
                "Future grants to the shared database role {} are not allowed.",
                grantee.shown()
            )));
        }
        if self.is_imported(container.database()) {
            return Err(forbidden("Future grants in an imported database are not allowed."));
        }
        if *privilege != Privilege::OWNERSHIP {
            return Ok(());
        }
        if NO_FUTURE_OWNERSHIP.contains(&object_type.as_str()) {
            return Err(Failure::unsupported(&format!("GRANT OWNERSHIP ON FUTURE {}", object_type.plural_sql())));
        }
        let mut owners = self.account.container_grants_of(Reach::Future, container, object_type);
        if let Some(other) = owners.find(|g| g.privilege == Privilege::OWNERSHIP && g.grantee != *grantee) {
            return Err(forbidden(format!(
                "Future ownership of {} is granted to {} already, and there is one per type and container.",
                object_type.plural_sql(),
                other.grantee.shown()
            )));
        }
        Ok(())
    }

    fn check_inherited(
        &self,
        privilege: &Privilege,
        object_type: &ObjectType,
        container: &Container,
        grantee: &Principal,
    ) -> Planned<()> {
        self.need_same_database(grantee, container.database())?;
        let usage = *privilege == Privilege::USAGE && NO_INHERITED_USAGE.contains(&object_type.as_str());
        let to_application_role = grantee.kind == PrincipalKind::ApplicationRole;
        let never = NO_INHERITED.contains(&object_type.as_str()) || *privilege == Privilege::OWNERSHIP;
        if usage || to_application_role || never || grantee.kind == PrincipalKind::Share {
            let what =
                format!("INHERITED {privilege} ON ALL {} TO {}", object_type.plural_sql(), grantee.grantee_sql());
            return Err(Failure::unsupported(&what));
        }
        if self.is_imported(container.database()) {
            return Err(forbidden("Inherited grants in an imported database are not allowed."));
        }
        Ok(())
    }

    fn holds(
        &self,
        reach: Reach,
        privilege: &Privilege,
        object_type: &ObjectType,
        container: &Container,
        grantee: &Principal,
    ) -> bool {
        let mut rows = self.account.container_grants_of(reach, container, object_type);
        rows.any(|g| g.privilege == *privilege && g.grantee == *grantee)
    }

    /// Whether the session may grant in a container: with MANAGE GRANTS; templates in a managed access schema also as
    /// its owner.
    fn manages(&self, container: &Container, owner_too: bool) -> Planned<bool> {
        let place = place(container);
        self.need_seen(&place)?;
        let owner = owner_too && self.is_managed(&place) && self.active.owns(&place);
        Ok(owner || self.active.manages_grants(&place))
    }

    fn need_manager(&self, container: &Container, owner_too: bool) -> Planned<()> {
        if self.manages(container, owner_too)? { Ok(()) } else { Err(denied(&place(container))) }
    }
}
