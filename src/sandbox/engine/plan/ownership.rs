//! GRANT OWNERSHIP: what can change hands, into whose, by whom.

use super::{Planned, Planner};
use crate::sandbox::engine::refusals::{denied, dependent, forbidden};
use crate::sandbox::engine::roles::{closure, is_system_role};
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::Reach;
use grantd_catalog::model::{
    Change, Container, ObjectRef, ObjectType, OutboundGrants, Principal, PrincipalKind, Privilege,
};

/// Types whose ownership stays where it is.
const FIXED_OWNER: &[&str] =
    &["APPLICATION_ROLE", "APPLICATION_SERVICE", "CONNECTION", "INSTANCE_ROLE", "MODEL", "SERVICE", "SHARE"];

impl Planner<'_> {
    pub(super) fn transfer(
        &self,
        object: &ObjectRef,
        to: &Principal,
        outbound: Option<OutboundGrants>,
    ) -> Planned<Vec<Change>> {
        self.need_seen(object)?;
        if FIXED_OWNER.contains(&object.object_type.as_str()) {
            return Err(Failure::unsupported(&format!("GRANT OWNERSHIP ON {}", object.object_type.sql())));
        }
        self.check_owner(object, to)?;
        if Principal::from_object(object).as_ref().is_some_and(is_system_role) {
            return Err(forbidden(format!("The owner of system role {} cannot be changed.", object.shown())));
        }
        // MANAGE GRANTS on a container does not reach ownership.
        let manages = self.active.manages_account();
        let schema = self.managed_schema(object);
        let owns = self.active.owns(object) || schema.as_ref().is_some_and(|schema| self.active.owns(schema));
        if !owns && !manages {
            return Err(denied(object));
        }
        // With inherited grants, a role that is not the session's own takes MANAGE GRANTS.
        if self.state.inherited_grants && !manages && !self.active.all.contains(to) {
            return Err(forbidden(format!(
                "Ownership cannot be granted to role '{}', which is not active.",
                to.shown()
            )));
        }
        if let Some(schema) = schema {
            self.need_below_owner(&schema, to)?;
        }
        self.need_no_future_ownership(object, to)?;
        let has_grants = self.account.grants_on(object).any(|g| g.granted_by.is_some());
        // A role or user changes hands with what was granted on it.
        if has_grants && outbound.is_none() && Principal::from_object(object).is_none() {
            return Err(dependent(format!(
                "Dependent grant of privilege on {} {} exists. It must be revoked first, or use COPY CURRENT GRANTS or \
                 REVOKE CURRENT GRANTS.",
                object.object_type.sql(),
                object.shown()
            )));
        }
        let outbound = outbound.filter(|_| has_grants);
        Ok(vec![Change::TransferOwnership { object: object.clone(), to: to.clone(), outbound }])
    }

    /// Account roles own anything, database roles what is in their database; a database itself belongs to an account
    /// role, and so does every user and account role.
    fn check_owner(&self, object: &ObjectRef, to: &Principal) -> Planned<()> {
        match to.kind {
            PrincipalKind::Role => Ok(()),
            PrincipalKind::DatabaseRole if object.database.is_some() => {
                self.need_same_database(to, object.database.as_ref())
            }
            _ => Err(forbidden(format!(
                "{} cannot own a {}.",
                to.grantee_sql(),
                object.object_type.sql().to_lowercase()
            ))),
        }
    }

    /// In a managed access schema an object goes to its owner or a role below it.
    fn need_below_owner(&self, schema: &ObjectRef, to: &Principal) -> Planned<()> {
        let Some(owner) = self.account.owner(schema) else { return Ok(()) };
        if closure(self.account, [owner.clone()]).contains(to) {
            return Ok(());
        }
        Err(forbidden(format!(
            "In managed access schema {} ownership can only be granted to a role that {} has.",
            schema.shown(),
            owner.shown()
        )))
    }

    /// A managed access schema does not change hands while it has future OWNERSHIP grants.
    fn need_no_future_ownership(&self, object: &ObjectRef, to: &Principal) -> Planned<()> {
        let Some(database) = object.database.clone() else { return Ok(()) };
        let moves = self.account.owner(object) != Some(to);
        if object.object_type != ObjectType::SCHEMA || !moves || !self.is_managed(object) {
            return Ok(());
        }
        let container = Container::Schema(database, object.name.clone());
        let mut templates = self.account.container_grants_with(Reach::Future);
        if templates.any(|g| g.container == container && g.privilege == Privilege::OWNERSHIP) {
            return Err(dependent(format!(
                "Future OWNERSHIP grants in managed access schema {} must be revoked first.",
                object.shown()
            )));
        }
        Ok(())
    }
}
