//! IMPORTED PRIVILEGES on SNOWFLAKE and on databases made from shares.

use super::{Planned, Planner};
use crate::sandbox::engine::refusals::{denied, invalid};
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::model::{Change, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege};

impl Planner<'_> {
    /// Whether a database comes from elsewhere.
    pub(super) fn is_imported(&self, database: Option<&Ident>) -> bool {
        database.is_some_and(|database| self.account.is_import(database))
    }

    /// USAGE on the database and one row per object that it exposes.
    pub(super) fn import(&self, object: &ObjectRef, grantee: &Principal, option: bool) -> Planned<Vec<Change>> {
        if object.object_type != ObjectType::DATABASE || !self.is_imported(Some(&object.name)) {
            return Err(invalid(format!("{} is not an imported database.", object.shown())));
        }
        if grantee.kind != PrincipalKind::Role {
            return Err(Failure::unsupported("IMPORTED PRIVILEGES to anything but an account role"));
        }
        if option {
            return Err(Failure::unsupported("IMPORTED PRIVILEGES WITH GRANT OPTION"));
        }
        let granted_by = self.grantor(&Privilege::USAGE, object).ok_or_else(|| denied(object))?;
        let row = |(privilege, object)| Change::GrantPrivilege {
            privilege,
            object,
            grantee: grantee.clone(),
            grant_option: false,
            granted_by: Some(granted_by.clone()),
        };
        Ok(self.account.exposed_by(object).into_iter().map(row).collect())
    }

    /// Takes every row that `import` made. Without authority nothing goes, and that is no error.
    pub(super) fn unimport(&self, object: &ObjectRef, grantee: &Principal) -> Planned<Vec<Change>> {
        let manages = self.active.manages_grants(object);
        let mut changes = Vec::new();
        for (privilege, object) in self.account.exposed_by(object) {
            for row in self.account.grants_of_to(&object, &privilege, grantee) {
                if row.granted_by.as_ref().is_some_and(|by| manages || self.active.all.contains(by)) {
                    changes.push(Change::RevokePrivilege {
                        privilege: row.privilege,
                        object: row.object,
                        grantee: row.grantee,
                        grant_option_only: false,
                        cascade: false,
                        granted_by: row.granted_by,
                    });
                }
            }
        }
        Ok(changes)
    }
}
