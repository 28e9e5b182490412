//! The account before its first statement: system roles, their privileges, the SNOWFLAKE database.

use grantd_catalog::account::{Account, Grant, Membership, Micros, ObjectInfo, Ownership, PrincipalInfo};
use grantd_catalog::model::{Ident, ObjectRef, ObjectType, Principal, Privilege, Properties, Property};

/// Who contains whom.
const EDGES: &[(&str, &str)] =
    &[("SECURITYADMIN", "ACCOUNTADMIN"), ("SYSADMIN", "ACCOUNTADMIN"), ("USERADMIN", "SECURITYADMIN")];

/// Account privileges of the system roles.
const ACCOUNT_PRIVILEGES: &[(&str, &[&str])] = &[
    (
        "ACCOUNTADMIN",
        &[
            "APPLY MASKING POLICY",
            "APPLY ROW ACCESS POLICY",
            "APPLY TAG",
            "CREATE APPLICATION",
            "CREATE COMPUTE POOL",
            "CREATE EXTERNAL VOLUME",
            "CREATE INTEGRATION",
            "CREATE NETWORK POLICY",
            "CREATE SHARE",
            "EXECUTE ALERT",
            "EXECUTE MANAGED TASK",
            "EXECUTE TASK",
            "IMPORT SHARE",
            "MANAGE ACCOUNT SUPPORT CASES",
            "MONITOR EXECUTION",
            "MONITOR ROLE",
            "MONITOR USAGE",
            "MONITOR USER",
            "RESOLVE ALL",
        ],
    ),
    ("SECURITYADMIN", &["MANAGE GRANTS"]),
    ("SYSADMIN", &["CREATE DATABASE", "CREATE WAREHOUSE"]),
    ("USERADMIN", &["CREATE ROLE", "CREATE USER"]),
];

/// Database roles of SNOWFLAKE; those marked are granted to PUBLIC.
const SNOWFLAKE_ROLES: &[(&str, bool)] = &[
    ("ALERT_VIEWER", true),
    ("CLASSIFICATION_VIEWER", true),
    ("COPILOT_USER", true),
    ("CORE_VIEWER", true),
    ("CORTEX_AGENT_USER", false),
    ("CORTEX_USER", false),
    ("DATA_PRIVACY_VIEWER", true),
    ("GOVERNANCE_VIEWER", false),
    ("ML_USER", true),
    ("MONITORING_VIEWER", true),
    ("NOTIFICATION_VIEWER", true),
    ("OBJECT_VIEWER", false),
    ("SECURITY_VIEWER", false),
    ("USAGE_VIEWER", false),
];

fn role(name: &str) -> Option<Principal> {
    Ident::new(name).ok().map(Principal::role)
}

/// Fills a new account.
pub(super) fn fill(account: &mut Account, at: Micros) {
    let listed = |comment: &str| PrincipalInfo {
        properties: Properties::default().with(Property::Comment, comment),
        created_on: Some(at),
        listed: true,
    };
    for (name, comment) in [
        ("ACCOUNTADMIN", "Account administrator can manage all aspects of the account."),
        ("ORGADMIN", "Organization administrator can manage the organization and its accounts."),
        ("PUBLIC", "Public role is automatically available to every user in the account."),
        ("SECURITYADMIN", "Security administrator can manage security aspects of the account."),
        ("SYSADMIN", "System administrator can create and manage databases and warehouses."),
        ("USERADMIN", "User administrator can create and manage users and roles"),
    ] {
        if let Some(role) = role(name) {
            account.put_principal(role, listed(comment));
        }
    }
    for (child, parent) in EDGES {
        let (Some(role), Some(member)) = (role(child), role(parent)) else { continue };
        account.put_membership(&Membership {
            role,
            member,
            granted_by: None,
            grant_option: false,
            builtin: true,
            created_on: Some(at),
        });
    }
    for (holder, privileges) in ACCOUNT_PRIVILEGES {
        for privilege in *privileges {
            let Some(grantee) = role(holder) else { continue };
            account.put_grant(Grant {
                privilege: Privilege::new(privilege),
                object: ObjectRef::account(),
                grantee,
                granted_by: None,
                grant_option: true,
                created_on: Some(at),
            });
        }
    }
    snowflake(account, at);
}

fn snowflake(account: &mut Account, at: Micros) {
    let Ok(database) = Ident::new("SNOWFLAKE") else { return };
    let info = |properties| ObjectInfo { properties, created_on: Some(at), listed: true };
    let kind = Properties::default().with(Property::Kind, "APPLICATION");
    account.put_object(ObjectRef::database(database.clone()), info(kind));
    if let Ok(schema) = Ident::new("ACCOUNT_USAGE") {
        let schema = ObjectRef::in_database(ObjectType::SCHEMA, database.clone(), schema);
        let plain = Properties::default().with(Property::ManagedAccess, "false");
        account.put_object(schema, info(plain));
    }
    for (name, public) in SNOWFLAKE_ROLES {
        let Ok(name) = Ident::new(name) else { continue };
        let role = Principal::database_role(database.clone(), name);
        account.put_principal(role.clone(), PrincipalInfo { created_on: Some(at), listed: true, ..Default::default() });
        if *public {
            account.put_membership(&Membership {
                role,
                member: Principal::public(),
                granted_by: None,
                grant_option: false,
                builtin: false,
                created_on: Some(at),
            });
        }
    }
    if let Some(owner) = role("ACCOUNTADMIN") {
        account.put_ownership(&Ownership {
            object: ObjectRef::database(database),
            owner,
            granted_by: None,
            created_on: Some(at),
        });
    }
}
