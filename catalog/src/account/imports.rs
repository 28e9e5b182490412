//! Databases made from a share: `IMPORTED PRIVILEGES`, and what the platform keeps of it.
//!
//! `GRANT IMPORTED PRIVILEGES ON DATABASE d TO ROLE r` is stored as USAGE on the database and one row per object that
//! the share exposes. Such a row can be neither granted nor revoked alone; only the whole can.

use super::{Account, ApplyError, Grant, GrantKey, Micros};
use crate::model::{
    Change, Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Properties, Property,
};

/// Whether a database is made from a share. SNOWFLAKE is: it is listed as an application.
pub fn is_imported(name: &str, properties: Option<&Properties>) -> bool {
    name == "SNOWFLAKE" || properties.and_then(|p| p.get(Property::Kind)) == Some("IMPORTED DATABASE")
}

/// The privileges that a share can give on objects of a type, and so those of its consumers.
pub fn exposed(object_type: &ObjectType) -> &'static [&'static str] {
    match object_type.as_str() {
        "DATABASE" | "SCHEMA" | "FUNCTION" => &["USAGE"],
        "TABLE" | "EXTERNAL_TABLE" | "ICEBERG_TABLE" | "DYNAMIC_TABLE" | "VIEW" | "MATERIALIZED_VIEW" => &["SELECT"],
        "SEMANTIC_VIEW" => &["REFERENCES", "SELECT"],
        "TAG" => &["READ"],
        _ => &[],
    }
}

/// A grant or revoke as the platform takes it: of a row that comes from a share, the whole (to account roles only).
pub fn as_a_whole(change: Change, imported: impl Fn(&Ident) -> bool) -> Change {
    let database = |object: &ObjectRef, grantee: &Principal| {
        let name = object.own_database();
        let of_role = grantee.kind == PrincipalKind::Role && object.object_type.as_str() != "DATABASE_ROLE";
        name.filter(|name| of_role && imported(name)).map(|name| ObjectRef::database(name.clone()))
    };
    match change {
        Change::GrantPrivilege { privilege, object, grantee, grant_option, granted_by } => {
            match database(&object, &grantee) {
                Some(object) => Change::GrantPrivilege {
                    privilege: Privilege::IMPORTED_PRIVILEGES,
                    object,
                    grantee,
                    grant_option: false,
                    granted_by,
                },
                None => Change::GrantPrivilege { privilege, object, grantee, grant_option, granted_by },
            }
        }
        Change::RevokePrivilege { privilege, object, grantee, grant_option_only, cascade, granted_by } => {
            match database(&object, &grantee) {
                Some(object) => Change::RevokePrivilege {
                    privilege: Privilege::IMPORTED_PRIVILEGES,
                    object,
                    grantee,
                    grant_option_only: false,
                    cascade: false,
                    granted_by: None,
                },
                None => Change::RevokePrivilege { privilege, object, grantee, grant_option_only, cascade, granted_by },
            }
        }
        other => other,
    }
}

impl Account {
    /// Whether a database of this account is made from a share.
    pub fn is_import(&self, database: &Ident) -> bool {
        let known = self.object(&ObjectRef::database(database.clone()));
        known.is_some_and(|(_, info)| is_imported(database.as_str(), Some(&info.properties)))
    }

    /// Whether a privilege on an object stands for what a share exposes.
    pub(super) fn is_whole_import(&self, privilege: &Privilege, object: &ObjectRef) -> bool {
        *privilege == Privilege::IMPORTED_PRIVILEGES
            && object.object_type == ObjectType::DATABASE
            && self.is_import(&object.name)
    }

    /// The rows that IMPORTED PRIVILEGES on a database stand for: on the database and on everything in it that is
    /// known, since what is not exposed is not seen.
    pub fn exposed_by(&self, database: &ObjectRef) -> Vec<(Privilege, ObjectRef)> {
        let container = Container::Database(database.name.clone());
        let inside = self.objects_in(&container).map(|(object, _)| object);
        let mut rows: Vec<_> = std::iter::once(database)
            .chain(inside)
            .flat_map(|o| exposed(&o.object_type).iter().map(|privilege| (Privilege::new(privilege), o.clone())))
            .collect();
        rows.sort();
        rows
    }

    /// Grants IMPORTED PRIVILEGES as the rows it is kept as.
    pub(super) fn grant_imported(
        &mut self,
        rows: Vec<(Privilege, ObjectRef)>,
        grantee: &Principal,
        granted_by: Option<&Principal>,
        at: Option<Micros>,
    ) {
        for (privilege, object) in rows {
            self.put_grant(Grant {
                privilege,
                object,
                grantee: grantee.clone(),
                granted_by: granted_by.cloned(),
                grant_option: false,
                created_on: at,
            });
        }
    }

    /// Revokes IMPORTED PRIVILEGES: every row of the grantee on the database and in it.
    pub(super) fn revoke_imported(&mut self, database: &ObjectRef, grantee: &Principal) -> Result<(), ApplyError> {
        let inside = |g: &Grant| g.object == *database || g.object.database.as_ref() == Some(&database.name);
        let held: Vec<GrantKey> = self
            .grants
            .iter()
            .filter_map(|(key, info)| Some((*key, self.grant_row(*key, *info)?)))
            .filter(|(_, g)| g.grantee == *grantee && !g.object.object_type.is_role() && inside(g))
            .map(|(key, _)| key)
            .collect();
        if held.is_empty() {
            let what = format!("IMPORTED PRIVILEGES on DATABASE {} to {}", database.quoted(), grantee.grantee_sql());
            return Err(ApplyError::NotGranted(what));
        }
        for key in held {
            self.grants.remove(&key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{parse_changes, render};

    fn account(sql: &str) -> Account {
        let mut account = Account::new("A");
        for change in parse_changes(sql, &account).unwrap() {
            account.apply(&change, None).unwrap();
        }
        account
    }

    const SHARED: &str = "CREATE ROLE R; CREATE USER U; CREATE DATABASE D FROM SHARE P.S; CREATE SCHEMA D.S;
        CREATE VIEW D.S.V AS SELECT 1; CREATE STAGE D.S.G; CREATE DATABASE OWN; CREATE TABLE OWN.PUBLIC.T (A INT);";

    #[test]
    fn imported_privileges_are_kept_as_usage_and_a_row_per_exposed_object() {
        let account = account(&format!("{SHARED} GRANT IMPORTED PRIVILEGES ON DATABASE D TO ROLE R"));
        let mut rows: Vec<String> = account.grants().map(|g| format!("{} {}", g.privilege, g.object.shown())).collect();
        rows.sort();
        assert_eq!(rows, ["SELECT D.S.V", "USAGE D", "USAGE D.S"]);
    }

    #[test]
    fn revoking_imported_privileges_takes_every_row_and_is_refused_where_there_is_none() {
        let granted = format!(
            "{SHARED} GRANT IMPORTED PRIVILEGES ON DATABASE D TO ROLE R; GRANT USAGE ON DATABASE OWN TO ROLE R;
             REVOKE IMPORTED PRIVILEGES ON DATABASE D FROM ROLE R"
        );
        let mut account = account(&granted);
        assert_eq!(account.grants().map(|g| g.object.shown()).collect::<Vec<_>>(), ["OWN"]);
        let revoke = Change::RevokePrivilege {
            privilege: Privilege::IMPORTED_PRIVILEGES,
            object: ObjectRef::database(Ident::new("D").unwrap()),
            grantee: Principal::role(Ident::new("R").unwrap()),
            grant_option_only: false,
            cascade: false,
            granted_by: None,
        };
        assert!(matches!(account.apply(&revoke, None), Err(ApplyError::NotGranted(_))));
    }

    #[test]
    fn a_row_from_a_share_is_granted_and_revoked_as_a_whole() {
        let imported = |name: &Ident| name.as_str() == "D";
        for (sql, whole) in [
            ("REVOKE SELECT ON VIEW D.S.V FROM ROLE R", "REVOKE IMPORTED PRIVILEGES ON DATABASE \"D\" FROM ROLE \"R\""),
            ("GRANT USAGE ON DATABASE D TO ROLE R", "GRANT IMPORTED PRIVILEGES ON DATABASE \"D\" TO ROLE \"R\""),
            (
                "REVOKE SELECT ON TABLE OWN.PUBLIC.T FROM ROLE R",
                "REVOKE SELECT ON TABLE \"OWN\".\"PUBLIC\".\"T\" FROM ROLE \"R\"",
            ),
        ] {
            let account = account(&format!(
                "{SHARED} GRANT SELECT ON TABLE OWN.PUBLIC.T TO ROLE R;
                GRANT IMPORTED PRIVILEGES ON DATABASE D TO ROLE R"
            ));
            let change = parse_changes(sql, &account).unwrap().remove(0);
            assert_eq!(render(&as_a_whole(change, imported)).unwrap(), whole);
        }
    }
}
