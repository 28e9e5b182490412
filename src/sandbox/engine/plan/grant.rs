//! GRANT and REVOKE of privileges: who may, who is recorded as the grantor, what depends on what.

use super::{DONE, Plan, Planned, Planner, Step};
use crate::sandbox::engine::refusals::{denied, dependent, forbidden, invalid, missing_object};
use crate::sandbox::engine::roles::account_admin;
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::Grant;
use grantd_catalog::model::{Change, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege};
use grantd_catalog::sql::ast::{Form, Privileges, Target, Within};
use grantd_catalog::sql::{Kind, Statement};
use std::collections::{BTreeSet, HashSet};

/// Types that `ON FUTURE` does not know.
const NO_FUTURE: &[&str] = &[
    "AGGREGATION_POLICY",
    "COMPUTE_POOL",
    "DATABASE",
    "EXPERIMENT",
    "GATEWAY",
    "IMAGE_REPOSITORY",
    "JOIN_POLICY",
    "MASKING_POLICY",
    "ORGANIZATION_PROFILE",
    "PACKAGES_POLICY",
    "PROJECTION_POLICY",
    "ROW_ACCESS_POLICY",
    "SESSION_POLICY",
    "SNAPSHOT",
    "STORAGE_LIFECYCLE_POLICY",
    "TAG",
    "WAREHOUSE",
];

/// Types that `ON ALL` does not know.
const NO_ALL: &[&str] = &[
    "COMPUTE_POOL",
    "EXPERIMENT",
    "GATEWAY",
    "JOIN_POLICY",
    "MASKING_POLICY",
    "PIPE",
    "STORAGE_LIFECYCLE_POLICY",
    "TAG",
    "WAREHOUSE",
];

/// What of a database a database role may hold.
const OF_DATABASE_ROLES: &[&str] = &["CREATE SCHEMA", "MODIFY", "MONITOR", "USAGE"];

impl Planner<'_> {
    pub(super) fn grant_or_revoke(&self, statement: &Statement) -> Planned<Plan> {
        self.check_form(&statement.kind)?;
        let all = matches!(&statement.kind, Kind::GrantPrivileges { privileges: Privileges::All, .. });
        let mut steps: Vec<Step> = Vec::new();
        let mut left_out: BTreeSet<String> = BTreeSet::new();
        let mut refused: Option<Failure> = None;
        for change in self.expand(statement)? {
            match (self.authorise(&change), &change) {
                (Ok(changes), _) => steps.extend(changes.into_iter().map(Step::Change)),
                // ALL is what the session may grant; what is left out is a warning.
                (Err(failure), Change::GrantPrivilege { privilege, .. }) if all && failure.code != "002003" => {
                    left_out.insert(privilege.as_str().to_owned());
                    refused.get_or_insert(failure);
                }
                (Err(failure), _) => return Err(failure),
            }
        }
        match refused {
            Some(failure) if steps.is_empty() => Err(failure),
            Some(_) => {
                let names: Vec<String> = left_out.into_iter().collect();
                let message = format!("Grant partially executed: privileges [{}] not granted.", names.join(", "));
                Ok(Plan { steps, message })
            }
            None => Ok(Plan { steps, message: DONE.to_owned() }),
        }
    }

    /// Which types `ON ALL` and `ON FUTURE` know, whatever the account holds.
    fn check_form(&self, kind: &Kind) -> Planned<()> {
        let (form, target) = match kind {
            Kind::GrantPrivileges { form, target, .. } | Kind::RevokePrivileges { form, target, .. } => (*form, target),
            Kind::GrantOwnership { target, .. } => (Form::default(), target),
            _ => return Ok(()),
        };
        if form.inherited {
            return self.need_inherited_grants("INHERITED grants");
        }
        match target {
            Target::Future(t, _) if NO_FUTURE.contains(&t.as_str()) => {
                Err(Failure::unsupported(&format!("GRANT/REVOKE ON FUTURE {}", t.plural_sql())))
            }
            Target::Future(_, Within::Account) => Err(invalid("Future grants are IN DATABASE or IN SCHEMA.")),
            Target::Future(t, Within::Schema(_)) if *t == ObjectType::SCHEMA => {
                Err(invalid("FUTURE SCHEMAS are granted IN DATABASE."))
            }
            Target::All(t, _) if NO_ALL.contains(&t.as_str()) => {
                Err(Failure::unsupported(&format!("GRANT/REVOKE ON ALL {}", t.plural_sql())))
            }
            Target::All(_, Within::Account) => Err(invalid("ON ALL without INHERITED is IN DATABASE or IN SCHEMA.")),
            _ => Ok(()),
        }
    }

    /// The changes that carry out one change, each with its grantor; or why the session may not.
    fn authorise(&self, change: &Change) -> Planned<Vec<Change>> {
        match change {
            Change::GrantPrivilege { privilege, object, grantee, grant_option, .. } => {
                self.grant(privilege, object, grantee, *grant_option)
            }
            Change::RevokePrivilege { privilege, object, grantee, grant_option_only, cascade, .. } => {
                self.revoke(privilege, object, grantee, *grant_option_only, *cascade)
            }
            Change::TransferOwnership { object, to, outbound } => self.transfer(object, to, *outbound),
            Change::GrantRole { role, to, grant_option, .. } => self.grant_role(role, to, *grant_option),
            Change::RevokeRole { role, from, .. } => self.revoke_role(role, from),
            Change::GrantFuture { .. }
            | Change::GrantInherited { .. }
            | Change::RevokeFuture { .. }
            | Change::RevokeInherited { .. } => self.container_grant(change),
            // The schema PUBLIC of a database: it comes with the database, and here it was dropped.
            Change::CreateObject { object, .. } => Err(missing_object(object)),
            other => Err(Failure::internal(format!("a grant became {}", other.kind()))),
        }
    }

    fn grant(
        &self,
        privilege: &Privilege,
        object: &ObjectRef,
        grantee: &Principal,
        grant_option: bool,
    ) -> Planned<Vec<Change>> {
        self.need_seen(object)?;
        if *privilege == Privilege::IMPORTED_PRIVILEGES {
            return self.import(object, grantee, grant_option);
        }
        self.need_not_imported(privilege, object)?;
        self.check_grantee(privilege, object, grantee, grant_option)?;
        if *privilege == Privilege::MANAGE_GRANTS && object.object_type != ObjectType::ACCOUNT {
            self.need_inherited_grants("MANAGE GRANTS on a container")?;
        }
        let granted_by = self.grantor(privilege, object).ok_or_else(|| denied(object))?;
        // A grant without the option does not take away one that is there.
        let held = || {
            let mut rows = self.account.grants_of_to(object, privilege, grantee);
            rows.any(|g| g.grant_option && g.granted_by.as_ref() == Some(&granted_by))
        };
        Ok(vec![Change::GrantPrivilege {
            privilege: privilege.clone(),
            object: object.clone(),
            grantee: grantee.clone(),
            grant_option: grant_option || held(),
            granted_by: Some(granted_by),
        }])
    }

    /// What users, shares and database roles cannot be granted.
    fn check_grantee(
        &self,
        privilege: &Privilege,
        object: &ObjectRef,
        grantee: &Principal,
        grant_option: bool,
    ) -> Planned<()> {
        let of_database = object.object_type == ObjectType::DATABASE;
        match grantee.kind {
            PrincipalKind::User if privilege.as_str().starts_with("CREATE ") => {
                Err(Failure::unsupported(&format!("GRANT {privilege} TO USER")))
            }
            PrincipalKind::Share if grant_option => Err(Failure::unsupported("WITH GRANT OPTION TO SHARE")),
            PrincipalKind::DatabaseRole => {
                self.need_same_database(grantee, object.own_database())?;
                let manages = *privilege == Privilege::MANAGE_GRANTS;
                if of_database && !manages && !OF_DATABASE_ROLES.contains(&privilege.as_str()) {
                    return Err(Failure::unsupported(&format!("GRANT {privilege} ON DATABASE TO DATABASE ROLE")));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The role in whose name a privilege on an object is granted, or `None` when nobody active may grant it.
    ///
    /// The object's owner, or in a managed access schema the schema's owner; else a holder of the grant
    /// option; else, with MANAGE GRANTS, the owner all the same. Owning a container does not give MANAGE
    /// GRANTS on it.
    pub(super) fn grantor(&self, privilege: &Privilege, object: &ObjectRef) -> Option<Principal> {
        let managed = self.managed_schema(object);
        let owner = self.account.owner(managed.as_ref().unwrap_or(object));
        if let Some(owner) = owner.filter(|o| self.active.all.contains(*o) && *privilege != Privilege::MANAGE_GRANTS) {
            return Some(owner.clone());
        }
        if managed.is_none() {
            let options = self.account.grants_of(object, privilege);
            let mut holders = options.filter(|g| g.grant_option && self.active.all.contains(&g.grantee));
            if let Some(holder) = holders.next() {
                return Some(holder.grantee);
            }
        }
        let manages = self.active.manages_grants(object);
        manages.then(|| self.account.owner(object).or(owner).cloned().unwrap_or_else(account_admin))
    }

    /// The rows that a REVOKE takes: those whose grantor is active, all of them with MANAGE GRANTS or as the owner of
    /// the managed schema, never the system's. None is no error.
    fn revoke(
        &self,
        privilege: &Privilege,
        object: &ObjectRef,
        grantee: &Principal,
        option_only: bool,
        cascade: bool,
    ) -> Planned<Vec<Change>> {
        self.need_seen(object)?;
        if *privilege == Privilege::IMPORTED_PRIVILEGES {
            return self.unimport(object, grantee);
        }
        self.need_not_imported(privilege, object)?;
        let whole = self.active.manages_grants(object)
            || self.managed_schema(object).is_some_and(|schema| self.active.owns(&schema));
        let rows: Vec<Grant> = self
            .account
            .grants_of_to(object, privilege, grantee)
            .filter(|g| g.granted_by.as_ref().is_some_and(|by| whole || self.active.all.contains(by)))
            .filter(|g| g.grant_option || !option_only)
            .collect();
        let dependents = self.dependents(object, &rows);
        if let Some(first) = dependents.first().filter(|_| !cascade) {
            return Err(dependent(format!(
                "Dependent grant of privilege '{privilege}' on securable '{}' to role '{}' exists. It must be revoked \
                 first; use CASCADE to revoke it too.",
                object.shown(),
                first.grantee.shown()
            )));
        }
        let change = |row: Grant, grant_option_only: bool| Change::RevokePrivilege {
            privilege: row.privilege,
            object: row.object,
            grantee: row.grantee,
            grant_option_only,
            cascade: false,
            granted_by: row.granted_by,
        };
        let own = rows.into_iter().map(|row| change(row, option_only));
        Ok(own.chain(dependents.into_iter().map(|row| change(row, false))).collect())
    }

    /// The grants that only the grant option of `removed` rows allowed, and those that these allowed in turn.
    fn dependents(&self, object: &ObjectRef, removed: &[Grant]) -> Vec<Grant> {
        let Some(first) = removed.iter().find(|g| g.grant_option) else { return Vec::new() };
        let of_privilege: Vec<Grant> = self.account.grants_of(object, &first.privilege).collect();
        let owner = self.account.owner(object);
        let row = |g: &Grant| (g.grantee.clone(), g.granted_by.clone());
        let mut gone: HashSet<(Principal, Option<Principal>)> = removed.iter().map(row).collect();
        let mut found = Vec::new();
        let mut queue: Vec<Principal> = removed.iter().filter(|g| g.grant_option).map(|g| g.grantee.clone()).collect();
        while let Some(grantor) = queue.pop() {
            let still_holds =
                of_privilege.iter().any(|g| g.grantee == grantor && g.grant_option && !gone.contains(&row(g)));
            if still_holds || owner == Some(&grantor) {
                continue;
            }
            for g in of_privilege.iter().filter(|g| g.granted_by.as_ref() == Some(&grantor)) {
                if gone.insert(row(g)) {
                    found.push(g.clone());
                    if g.grant_option {
                        queue.push(g.grantee.clone());
                    }
                }
            }
        }
        found
    }

    /// What is in SNOWFLAKE or an imported database is granted and revoked as a whole.
    fn need_not_imported(&self, privilege: &Privilege, object: &ObjectRef) -> Planned<()> {
        let itself = object.object_type == ObjectType::DATABASE && *privilege != Privilege::USAGE;
        let imported = !itself && !object.object_type.is_role() && self.is_imported(object.own_database());
        if imported {
            return Err(forbidden(
                "Granting individual privileges on imported database is not allowed. \
                 Use 'GRANT IMPORTED PRIVILEGES' instead.",
            ));
        }
        Ok(())
    }
}
