//! GRANT and REVOKE of privileges and roles.

use super::{World, small};

#[test]
fn what_a_session_cannot_see_does_not_exist_for_it() {
    let world = small();
    assert_eq!(world.refused("C", "GRANT SELECT ON TABLE D.S.T TO ROLE B"), "002003");
    assert_eq!(world.refused("C", "REVOKE SELECT ON TABLE D.S.T FROM ROLE B"), "002003");
    assert_eq!(world.refused("C", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C"), "002003");
    assert_eq!(world.refused("C", "CREATE TABLE D.S.N (X INT)"), "002003");
    // Seen, and not the session's to grant.
    world.ok("B", "GRANT SELECT ON TABLE D.S.T TO ROLE C");
    world.ok("A", "GRANT USAGE ON DATABASE D TO ROLE C");
    world.ok("A", "GRANT USAGE ON SCHEMA D.S TO ROLE C");
    assert_eq!(world.refused("C", "GRANT SELECT ON TABLE D.S.T TO ROLE B"), "003001");
    assert_eq!(world.refused("C", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C COPY CURRENT GRANTS"), "003001");
}

#[test]
fn the_grantor_is_the_owner_the_holder_of_the_option_or_with_manage_grants_the_owner_all_the_same() {
    let world = small();
    world.ok("A", "GRANT USAGE ON DATABASE D TO ROLE C");
    world.ok("A", "GRANT USAGE ON SCHEMA D.S TO ROLE C");
    world.ok("B", "GRANT SELECT ON TABLE D.S.T TO ROLE C WITH GRANT OPTION");
    world.ok("C", "GRANT SELECT ON TABLE D.S.T TO ROLE A");
    world.ok("SECURITYADMIN", "GRANT INSERT ON TABLE D.S.T TO ROLE C");
    let rows = world.grants();
    assert!(rows.contains(&"C SELECT D.S.T by B with option".to_owned()), "{rows:?}");
    assert!(rows.contains(&"A SELECT D.S.T by C".to_owned()), "{rows:?}");
    assert!(rows.contains(&"C INSERT D.S.T by B".to_owned()), "{rows:?}");
    // A grant without the option leaves the option.
    world.ok("B", "GRANT SELECT ON TABLE D.S.T TO ROLE C");
    assert_eq!(world.grants(), rows);
}

#[test]
fn a_revoke_without_authority_succeeds_and_revokes_nothing() {
    let world = small();
    world.ok("A", "GRANT USAGE ON DATABASE D TO ROLE C");
    world.ok("A", "GRANT USAGE ON SCHEMA D.S TO ROLE C");
    world.ok("B", "GRANT SELECT ON TABLE D.S.T TO ROLE C");
    let before = world.grants();
    world.ok("C", "REVOKE SELECT ON TABLE D.S.T FROM ROLE C");
    world.ok("C", "REVOKE ALL ON TABLE D.S.T FROM ROLE C");
    world.ok("B", "REVOKE DELETE ON TABLE D.S.T FROM ROLE C");
    world.ok("C", "REVOKE SELECT ON FUTURE TABLES IN SCHEMA D.S FROM ROLE C");
    world.ok("C", "REVOKE ROLE A FROM ROLE SYSADMIN");
    world.ok("C", "REVOKE ROLE SYSADMIN FROM ROLE ACCOUNTADMIN");
    assert_eq!(world.grants(), before);
    world.ok("B", "REVOKE SELECT ON TABLE D.S.T FROM ROLE C");
    assert_eq!(world.grants().len() + 1, before.len());
}

#[test]
fn a_revoke_takes_the_row_of_every_active_grantor() {
    let world = small();
    for role in ["A", "C"] {
        world.ok("SECURITYADMIN", &format!("GRANT SELECT ON TABLE D.S.T TO ROLE {role} WITH GRANT OPTION"));
        world.ok("SECURITYADMIN", &format!("GRANT USAGE ON DATABASE D TO ROLE {role}"));
        world.ok("SECURITYADMIN", &format!("GRANT USAGE ON SCHEMA D.S TO ROLE {role}"));
    }
    world.ok("ACCOUNTADMIN", "CREATE ROLE X");
    for grantor in ["A", "B", "C"] {
        world.ok(grantor, "GRANT SELECT ON TABLE D.S.T TO ROLE X");
    }
    let of_x = |world: &World| world.grants().into_iter().filter(|g| g.starts_with("X ")).collect::<Vec<_>>();
    assert_eq!(of_x(&world), ["X SELECT D.S.T by A", "X SELECT D.S.T by B", "X SELECT D.S.T by C"]);
    // A alone takes its own; with B below it, both.
    world.ok("SECURITYADMIN", "GRANT ROLE B TO ROLE A");
    world.ok("A", "REVOKE SELECT ON TABLE D.S.T FROM ROLE X");
    assert_eq!(of_x(&world), ["X SELECT D.S.T by C"]);
    let removed = world.engine.state().removed.grants.len();
    assert_eq!(removed, 2, "each with its time");
}

#[test]
fn dependent_grants_need_cascade_and_go_with_it() {
    let world = small();
    for role in ["A", "C"] {
        world.ok("SECURITYADMIN", &format!("GRANT USAGE ON DATABASE D TO ROLE {role}"));
        world.ok("SECURITYADMIN", &format!("GRANT USAGE ON SCHEMA D.S TO ROLE {role}"));
    }
    world.ok("B", "GRANT SELECT ON TABLE D.S.T TO ROLE A WITH GRANT OPTION");
    world.ok("A", "GRANT SELECT ON TABLE D.S.T TO ROLE C WITH GRANT OPTION");
    world.ok("C", "GRANT SELECT ON TABLE D.S.T TO USER U");
    let before = world.grants();
    assert_eq!(world.refused("B", "REVOKE SELECT ON TABLE D.S.T FROM ROLE A"), "003036");
    assert_eq!(world.refused("B", "REVOKE GRANT OPTION FOR SELECT ON TABLE D.S.T FROM ROLE A RESTRICT"), "003036");
    assert_eq!(world.grants(), before);
    world.ok("B", "REVOKE GRANT OPTION FOR SELECT ON TABLE D.S.T FROM ROLE A CASCADE");
    let left: Vec<String> = world.grants().into_iter().filter(|g| g.contains("SELECT")).collect();
    assert_eq!(left, ["A SELECT D.S.T by B"]);
}

#[test]
fn all_privileges_are_those_that_the_session_may_grant_and_the_rest_is_a_warning() {
    let world = small();
    world.ok("A", "GRANT USAGE ON DATABASE D TO ROLE C");
    world.ok("A", "GRANT USAGE ON SCHEMA D.S TO ROLE C");
    assert_eq!(world.refused("C", "GRANT ALL ON SCHEMA D.S TO ROLE B"), "003001");
    world.ok("B", "GRANT SELECT, INSERT ON TABLE D.S.T TO ROLE C WITH GRANT OPTION");
    let said = world.ok("C", "GRANT ALL PRIVILEGES ON TABLE D.S.T TO ROLE A");
    assert_eq!(
        said,
        "Grant partially executed: privileges [APPLYBUDGET, DELETE, EVOLVE SCHEMA, REFERENCES, SELECT ERROR TABLE, \
         TRUNCATE, UPDATE] not granted."
    );
    let of_a: Vec<String> = world.grants().into_iter().filter(|g| g.starts_with("A ")).collect();
    assert_eq!(of_a, ["A INSERT D.S.T by C", "A SELECT D.S.T by C"]);
    assert_eq!(world.ok("B", "GRANT ALL ON TABLE D.S.T TO ROLE A"), "Statement executed successfully.");
}

#[test]
fn database_roles_hold_what_is_in_their_database_only() {
    let world = small();
    world.ok("ACCOUNTADMIN", "CREATE DATABASE E");
    world.ok("B", "GRANT SELECT ON TABLE D.S.T TO DATABASE ROLE D.R");
    world.ok("A", "GRANT MONITOR, CREATE SCHEMA ON DATABASE D TO DATABASE ROLE D.R");
    for refused in [
        "GRANT USAGE ON DATABASE E TO DATABASE ROLE D.R",
        "GRANT USAGE ON WAREHOUSE W TO DATABASE ROLE D.R",
        "GRANT CREATE ROLE ON ACCOUNT TO DATABASE ROLE D.R",
        "GRANT USAGE ON FUTURE SCHEMAS IN DATABASE E TO DATABASE ROLE D.R",
        "GRANT OWNERSHIP ON DATABASE E TO DATABASE ROLE D.R",
        "GRANT ROLE A TO DATABASE ROLE D.R",
    ] {
        assert_eq!(world.refused("ACCOUNTADMIN", refused), "003001", "{refused}");
    }
    let said = world.ok("A", "GRANT ALL ON DATABASE D TO DATABASE ROLE D.R");
    assert!(said.starts_with("Grant partially executed: privileges [APPLYBUDGET, CREATE DATABASE ROLE"), "{said}");
}

#[test]
fn users_and_shares_cannot_be_granted_everything() {
    let world =
        World::new("CREATE USER U; CREATE SHARE S; CREATE DATABASE D; CREATE SCHEMA D.S; CREATE TABLE D.S.T (X INT)");
    for refused in [
        "GRANT CREATE SCHEMA ON DATABASE D TO USER U",
        "GRANT USAGE ON FUTURE SCHEMAS IN DATABASE D TO USER U",
        "GRANT USAGE ON DATABASE D TO SHARE S WITH GRANT OPTION",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO SHARE S",
    ] {
        assert_eq!(world.refused("ACCOUNTADMIN", refused), "000002", "{refused}");
    }
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT OWNERSHIP ON TABLE D.S.T TO USER U"), "003001");
    world.ok("ACCOUNTADMIN", "GRANT SELECT ON TABLE D.S.T TO USER U WITH GRANT OPTION");
    world.ok("ACCOUNTADMIN", "GRANT USAGE ON DATABASE D TO SHARE S");
}

#[test]
fn roles_go_into_roles_without_circles_and_kinds_into_what_they_fit() {
    let world = small();
    world.ok("ACCOUNTADMIN", "CREATE DATABASE ROLE D.R2");
    world.ok("ACCOUNTADMIN", "GRANT ROLE A TO ROLE B");
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT ROLE B TO ROLE A"), "003041");
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT ROLE A TO ROLE A"), "003041");
    assert_eq!(world.refused("B", "GRANT ROLE C TO ROLE B"), "003001");
    world.ok("ACCOUNTADMIN", "GRANT DATABASE ROLE D.R TO DATABASE ROLE D.R2 WITH GRANT OPTION");
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT ROLE C TO ROLE B WITH GRANT OPTION"), "000002");
    world.ok("ACCOUNTADMIN", "CREATE DATABASE E");
    world.ok("ACCOUNTADMIN", "CREATE DATABASE ROLE E.R");
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT DATABASE ROLE E.R TO DATABASE ROLE D.R"), "003001");
    // Everybody has PUBLIC: nothing happens, and no circle comes of it.
    world.ok("ACCOUNTADMIN", "GRANT ROLE PUBLIC TO ROLE A");
    world.ok("ACCOUNTADMIN", "GRANT ROLE C TO ROLE PUBLIC");
    world.ok("C", "USE ROLE C");
}

#[test]
fn a_shared_database_role_holds_no_other_and_one_that_holds_another_is_not_shared() {
    let world = small();
    world.ok("ACCOUNTADMIN", "CREATE SHARE SH");
    world.ok("ACCOUNTADMIN", "CREATE DATABASE ROLE D.R2");
    world.ok("ACCOUNTADMIN", "GRANT DATABASE ROLE D.R TO SHARE SH");
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT DATABASE ROLE D.R2 TO DATABASE ROLE D.R"), "003001");
    assert_eq!(
        world.refused("ACCOUNTADMIN", "GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO DATABASE ROLE D.R"),
        "003001"
    );
    world.ok("ACCOUNTADMIN", "CREATE DATABASE ROLE D.R3");
    world.ok("ACCOUNTADMIN", "GRANT DATABASE ROLE D.R3 TO DATABASE ROLE D.R2");
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT DATABASE ROLE D.R2 TO SHARE SH"), "003001");
}

#[test]
fn in_a_managed_access_schema_its_owner_grants_and_owners_of_objects_do_not() {
    let world = small();
    world.ok("A", "ALTER SCHEMA D.S ENABLE MANAGED ACCESS");
    assert_eq!(world.refused("B", "GRANT SELECT ON TABLE D.S.T TO ROLE C"), "003001");
    world.ok("A", "GRANT SELECT ON TABLE D.S.T TO ROLE C");
    world.ok("A", "GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO ROLE C");
    assert!(world.grants().contains(&"C SELECT D.S.T by A".to_owned()));
    world.ok("A", "ALTER SCHEMA D.S DISABLE MANAGED ACCESS");
    assert_eq!(world.refused("A", "GRANT SELECT ON FUTURE VIEWS IN SCHEMA D.S TO ROLE C"), "003001");
    world.ok("B", "GRANT INSERT ON TABLE D.S.T TO ROLE C");
}

#[test]
fn future_grants_have_types_containers_and_one_owner() {
    let world = small();
    let run = |sql: &str| world.refused("SECURITYADMIN", sql);
    assert_eq!(run("GRANT APPLY ON FUTURE MASKING POLICIES IN SCHEMA D.S TO ROLE C"), "000002");
    assert_eq!(run("GRANT SELECT ON ALL PIPES IN SCHEMA D.S TO ROLE C"), "000002");
    assert_eq!(run("GRANT USAGE ON FUTURE SCHEMAS IN SCHEMA D.S TO ROLE C"), "001008");
    assert_eq!(run("GRANT OWNERSHIP ON FUTURE STREAMLITS IN SCHEMA D.S TO ROLE C"), "000002");
    assert_eq!(world.refused("B", "GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO ROLE C"), "003001");
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA D.S TO ROLE C");
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA D.S TO ROLE C");
    assert_eq!(run("GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA D.S TO ROLE A"), "003001");
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON FUTURE TABLES IN DATABASE D TO ROLE A");
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON FUTURE VIEWS IN SCHEMA D.S TO ROLE A");
    world.ok("SECURITYADMIN", "REVOKE OWNERSHIP ON FUTURE TABLES IN SCHEMA D.S FROM ROLE C");
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA D.S TO ROLE A");
}

#[test]
fn inherited_grants_and_container_manage_grants_need_the_account_to_opt_in() {
    let world = small();
    let inherited = "GRANT INHERITED SELECT ON ALL TABLES IN SCHEMA D.S TO ROLE C";
    assert_eq!(world.refused("SECURITYADMIN", inherited), "000002");
    assert_eq!(world.refused("SECURITYADMIN", "GRANT MANAGE GRANTS ON SCHEMA D.S TO ROLE C"), "000002");
    assert_eq!(world.refused("SYSADMIN", "ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'"), "003001");
    assert_eq!(world.refused("ACCOUNTADMIN", "ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'YES'"), "001008");
    assert_eq!(world.refused("ACCOUNTADMIN", "ALTER ACCOUNT SET TIMEZONE = 'UTC'"), "000002");
    world.ok("ACCOUNTADMIN", "ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'");
    world.ok("SECURITYADMIN", inherited);
    for refused in [
        "GRANT INHERITED OWNERSHIP ON ALL TABLES IN SCHEMA D.S TO ROLE C",
        "GRANT INHERITED USAGE ON ALL INTEGRATIONS IN ACCOUNT TO ROLE C",
        "GRANT INHERITED USAGE ON ALL STREAMLITS IN SCHEMA D.S TO ROLE C",
    ] {
        assert_eq!(world.refused("SECURITYADMIN", refused), "000002", "{refused}");
    }
    assert_eq!(world.refused("A", "GRANT MANAGE GRANTS ON SCHEMA D.S TO ROLE C"), "003001", "owning does not give it");
    world.ok("SECURITYADMIN", "GRANT MANAGE GRANTS ON SCHEMA D.S TO ROLE C");
    world.ok("C", "GRANT INSERT ON TABLE D.S.T TO ROLE C");
    assert!(world.grants().contains(&"C INSERT D.S.T by B".to_owned()), "in the owner's name");
    // A revoke on one object succeeds and changes nothing of an inherited grant.
    world.ok("C", "REVOKE SELECT ON TABLE D.S.T FROM ROLE C");
    assert_eq!(world.account().container_grants().count(), 1);
    world.ok("ACCOUNTADMIN", "ALTER ACCOUNT UNSET FEATURE_RBAC_INHERITED_GRANTS");
    assert_eq!(world.refused("SECURITYADMIN", inherited), "000002");
}

#[test]
fn imported_privileges_are_usage_and_a_row_per_object_and_come_and_go_whole() {
    let world = World::new("CREATE ROLE A; CREATE ROLE B; CREATE USER U; CREATE DATABASE ROLE_DB");
    let rows = || {
        world
            .account()
            .grants_to(&grantd_catalog::model::Principal::role(grantd_catalog::model::Ident::new("A").unwrap()))
            .count()
    };
    world.ok("ACCOUNTADMIN", "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE A");
    let views = crate::sandbox::engine::account_usage::views().count();
    assert_eq!(rows(), views + 2, "the database, its schema and its views");
    for refused in [
        "REVOKE USAGE ON DATABASE SNOWFLAKE FROM ROLE A",
        "GRANT USAGE ON DATABASE SNOWFLAKE TO ROLE B",
        "REVOKE SELECT ON VIEW SNOWFLAKE.ACCOUNT_USAGE.USERS FROM ROLE A",
        "GRANT SELECT ON VIEW SNOWFLAKE.ACCOUNT_USAGE.USERS TO ROLE B",
        "GRANT USAGE ON FUTURE SCHEMAS IN DATABASE SNOWFLAKE TO ROLE B",
    ] {
        assert_eq!(world.refused("ACCOUNTADMIN", refused), "003001", "{refused}");
    }
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT IMPORTED PRIVILEGES ON DATABASE ROLE_DB TO ROLE A"), "001008");
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO USER U"), "000002");
    assert_eq!(world.refused("B", "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE B"), "003001");
    world.ok("B", "REVOKE IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE FROM ROLE A");
    assert_eq!(rows(), views + 2);
    world.ok("ACCOUNTADMIN", "REVOKE IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE FROM ROLE A");
    assert_eq!(rows(), 0);
    world.ok("ACCOUNTADMIN", "GRANT DATABASE ROLE SNOWFLAKE.SECURITY_VIEWER TO ROLE B");
}
