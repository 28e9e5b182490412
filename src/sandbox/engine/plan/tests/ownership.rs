//! GRANT OWNERSHIP.

use super::{World, small};

#[test]
fn manage_grants_on_a_container_does_not_reach_ownership() {
    let world = small();
    world.ok("ACCOUNTADMIN", "ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'");
    world.ok("SECURITYADMIN", "GRANT MANAGE GRANTS ON DATABASE D TO ROLE C");
    assert_eq!(world.refused("C", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C"), "003001");
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C");
    assert_eq!(world.owner("D.S.T"), "C");
}

#[test]
fn with_inherited_grants_ownership_goes_to_an_active_role_unless_grants_are_managed() {
    let world = small();
    world.ok("B", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C");
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE B");
    world.ok("ACCOUNTADMIN", "ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'");
    assert_eq!(world.refused("B", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C"), "003001");
    world.ok("SECURITYADMIN", "GRANT ROLE C TO ROLE B");
    world.ok("B", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C");
}

#[test]
fn some_types_keep_their_owner_and_some_kinds_own_nothing() {
    let world = World::new(
        "CREATE ROLE A; CREATE USER U; CREATE SHARE SH; CREATE DATABASE D; CREATE SCHEMA D.S; CREATE WAREHOUSE W;
         CREATE DATABASE ROLE D.R; CREATE TABLE D.S.T (X INT); CREATE DATABASE E; CREATE DATABASE ROLE E.R",
    );
    let run = |sql: &str| world.refused("ACCOUNTADMIN", sql);
    assert_eq!(run("GRANT OWNERSHIP ON SHARE SH TO ROLE A"), "000002");
    assert_eq!(run("GRANT OWNERSHIP ON DATABASE D TO DATABASE ROLE D.R"), "003001");
    assert_eq!(run("GRANT OWNERSHIP ON WAREHOUSE W TO DATABASE ROLE D.R"), "003001");
    assert_eq!(run("GRANT OWNERSHIP ON TABLE D.S.T TO DATABASE ROLE E.R"), "003001");
    assert_eq!(run("GRANT OWNERSHIP ON TABLE D.S.T TO USER U"), "003001");
    assert_eq!(run("GRANT OWNERSHIP ON ROLE SYSADMIN TO ROLE A"), "003001");
    world.ok("ACCOUNTADMIN", "GRANT OWNERSHIP ON TABLE D.S.T TO DATABASE ROLE D.R");
    assert_eq!(world.owner("D.S.T"), "D.R");
}

#[test]
fn grants_on_an_object_must_be_copied_or_revoked_and_those_on_a_role_stay() {
    let world = small();
    world.ok("B", "GRANT SELECT ON TABLE D.S.T TO ROLE C");
    assert_eq!(world.refused("B", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C"), "003036");
    world.ok("B", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE A COPY CURRENT GRANTS");
    assert!(world.grants().contains(&"C SELECT D.S.T by A".to_owned()), "{:?}", world.grants());
    world.ok("A", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE B REVOKE CURRENT GRANTS");
    assert!(!world.grants().iter().any(|g| g.contains("SELECT")));
    world.ok("ACCOUNTADMIN", "GRANT ROLE C TO USER U");
    world.ok("ACCOUNTADMIN", "GRANT OWNERSHIP ON ROLE C TO ROLE A");
    world.ok("A", "GRANT ROLE C TO USER U");
    let of_u = world.account().memberships().filter(|m| m.member.shown() == "U").count();
    assert_eq!(of_u, 2, "once per grantor");
}

#[test]
fn under_managed_access_ownership_goes_below_the_owner_of_the_schema() {
    let world = small();
    world.ok("A", "ALTER SCHEMA D.S ENABLE MANAGED ACCESS");
    assert_eq!(world.refused("A", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C"), "003001");
    world.ok("SECURITYADMIN", "GRANT ROLE C TO ROLE A");
    world.ok("A", "GRANT OWNERSHIP ON TABLE D.S.T TO ROLE C");
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA D.S TO ROLE C");
    assert_eq!(world.refused("A", "GRANT OWNERSHIP ON SCHEMA D.S TO ROLE C COPY CURRENT GRANTS"), "003036");
    world.ok("SECURITYADMIN", "REVOKE OWNERSHIP ON FUTURE TABLES IN SCHEMA D.S FROM ROLE C");
    world.ok("A", "GRANT OWNERSHIP ON SCHEMA D.S TO ROLE C COPY CURRENT GRANTS");
}

#[test]
fn a_dropped_role_leaves_its_objects_to_who_drops_it() {
    let world = small();
    world.ok("ACCOUNTADMIN", "DROP ROLE B");
    assert_eq!(world.owner("D.S.T"), "ACCOUNTADMIN");
    assert_eq!(world.refused("ACCOUNTADMIN", "DROP ROLE SYSADMIN"), "003001");
    assert_eq!(world.refused("C", "DROP ROLE A"), "003001");
}
