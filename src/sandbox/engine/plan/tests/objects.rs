//! CREATE, ALTER and DROP.

use super::{World, small};
use grantd_catalog::model::{Container, Ident, Principal};

fn schemas(world: &World, database: &str) -> Vec<String> {
    let account = world.account();
    let inside = Container::Database(Ident::new(database).unwrap());
    let mut names: Vec<String> = account
        .objects_in(&inside)
        .filter(|(o, _)| o.object_type.as_str() == "SCHEMA")
        .map(|(o, _)| format!("{} {}", o.name.as_str(), account.owner(o).map(Principal::shown).unwrap_or_default()))
        .collect();
    names.sort();
    names
}

#[test]
fn a_database_comes_with_public_and_information_schema() {
    let world = World::new("CREATE DATABASE D");
    assert_eq!(schemas(&world, "D"), ["INFORMATION_SCHEMA ", "PUBLIC ACCOUNTADMIN"]);
    world.ok("ACCOUNTADMIN", "CREATE TABLE D.PUBLIC.T (X INT)");
    world.ok("ACCOUNTADMIN", "DROP SCHEMA D.PUBLIC");
    assert_eq!(world.refused("ACCOUNTADMIN", "CREATE TABLE D.PUBLIC.T (X INT)"), "002003");
    assert_eq!(world.refused("ACCOUNTADMIN", "GRANT USAGE ON SCHEMA D.PUBLIC TO ROLE SYSADMIN"), "002003");
    world.ok("ACCOUNTADMIN", "CREATE DATABASE I FROM SHARE ACC.SHARED");
    assert_eq!(schemas(&world, "I"), ["INFORMATION_SCHEMA "]);
}

#[test]
fn a_database_role_has_usage_on_its_database_from_nobody_and_keeps_it() {
    let world = small();
    let row = "D.R USAGE D by ".to_owned();
    assert!(world.grants().contains(&row));
    world.ok("ACCOUNTADMIN", "REVOKE USAGE ON DATABASE D FROM DATABASE ROLE D.R");
    assert!(world.grants().contains(&row));
}

#[test]
fn create_looks_at_the_primary_role_and_what_is_new_is_its_own() {
    let world = small();
    world.ok("A", "CREATE TABLE D.S.NEW (X INT)");
    assert_eq!(world.owner("D.S.NEW"), "A");
    assert_eq!(world.refused("B", "CREATE VIEW D.S.V AS SELECT 1"), "003001");
    world.ok("A", "GRANT CREATE VIEW ON SCHEMA D.S TO ROLE B");
    world.ok("B", "CREATE VIEW D.S.V AS SELECT 1");
    assert_eq!(
        world.ok("B", "CREATE VIEW IF NOT EXISTS D.S.V AS SELECT 1"),
        "D.S.V already exists, statement succeeded."
    );
    assert_eq!(world.refused("B", "CREATE VIEW D.S.V AS SELECT 1"), "002002");
    assert_eq!(world.refused("B", "CREATE ROLE X"), "003001");
    world.ok("B", "CREATE TEMPORARY TABLE D.S.TMP (X INT)");
}

#[test]
fn future_grants_become_grants_and_the_schemas_own_hide_the_databases() {
    let world = small();
    let admin = |sql: &str| world.ok("SECURITYADMIN", sql);
    admin("GRANT SELECT ON FUTURE TABLES IN DATABASE D TO ROLE C");
    admin("GRANT OWNERSHIP ON FUTURE TABLES IN DATABASE D TO ROLE B");
    admin("GRANT USAGE, READ ON FUTURE STAGES IN DATABASE D TO ROLE C");
    world.ok("A", "CREATE TABLE D.S.N1 (X INT)");
    assert_eq!(world.owner("D.S.N1"), "B");
    world.ok("A", "CREATE STAGE D.S.INNER_STAGE");
    world.ok("A", "CREATE STAGE D.S.OUTER_STAGE URL = 's3://bucket/'");
    admin("GRANT INSERT ON FUTURE TABLES IN SCHEMA D.S TO ROLE C");
    world.ok("A", "CREATE TABLE D.S.N2 (X INT)");
    assert_eq!(world.owner("D.S.N2"), "A");
    let of_c: Vec<String> = world.grants().into_iter().filter(|g| g.starts_with("C ")).collect();
    assert_eq!(
        of_c,
        ["C INSERT D.S.N2 by A", "C READ D.S.INNER_STAGE by A", "C SELECT D.S.N1 by B", "C USAGE D.S.OUTER_STAGE by A"]
    );
}

#[test]
fn future_ownership_of_a_database_does_not_reach_into_a_managed_schema() {
    let world = small();
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON FUTURE TABLES IN DATABASE D TO ROLE C");
    world.ok("A", "CREATE SCHEMA D.M WITH MANAGED ACCESS");
    world.ok("A", "CREATE TABLE D.M.T (X INT)");
    assert_eq!(world.owner("D.M.T"), "A");
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA D.M TO ROLE C");
    world.ok("A", "CREATE TABLE D.M.T2 (X INT)");
    assert_eq!(world.owner("D.M.T2"), "C");
}

#[test]
fn or_replace_drops_the_grants_and_copy_grants_keeps_them_under_a_new_owner() {
    let world = small();
    world.ok("B", "GRANT SELECT ON TABLE D.S.T TO ROLE C");
    world.ok("A", "GRANT USAGE ON DATABASE D TO ROLE C");
    world.ok("A", "GRANT USAGE, CREATE TABLE ON SCHEMA D.S TO ROLE C");
    assert_eq!(world.refused("C", "CREATE OR REPLACE TABLE D.S.T (X INT)"), "003001", "neither its own nor in its own");
    world.ok("SECURITYADMIN", "GRANT INSERT ON FUTURE TABLES IN SCHEMA D.S TO ROLE C");
    world.ok("SYSADMIN", "CREATE OR REPLACE TABLE D.S.T (X INT, Y INT) COPY GRANTS");
    assert_eq!(world.owner("D.S.T"), "SYSADMIN");
    let of_table = || world.grants().into_iter().filter(|g| g.contains("D.S.T")).collect::<Vec<_>>();
    assert_eq!(of_table(), ["C SELECT D.S.T by B"], "no future grants");
    world.ok("SYSADMIN", "CREATE OR REPLACE TABLE D.S.T (X INT)");
    assert_eq!(of_table(), ["C INSERT D.S.T by SYSADMIN"]);
    assert_eq!(world.engine.state().removed.objects.len(), 2, "each replaced table is a dropped one");
}

#[test]
fn a_renamed_object_keeps_its_grants_and_gets_no_future_ones() {
    let world = small();
    world.ok("SECURITYADMIN", "GRANT INSERT ON FUTURE TABLES IN SCHEMA D.S TO ROLE C");
    world.ok("B", "GRANT SELECT ON TABLE D.S.T TO ROLE C");
    assert_eq!(world.refused("C", "ALTER TABLE D.S.T RENAME TO D.S.T2"), "002003");
    world.ok("B", "ALTER TABLE D.S.T RENAME TO D.S.T2");
    assert!(world.grants().contains(&"C SELECT D.S.T2 by B".to_owned()));
    assert_eq!(world.owner("D.S.T2"), "B");
    world.ok("A", "ALTER SCHEMA D.S RENAME TO D.Z");
    assert!(world.grants().contains(&"C SELECT D.Z.T2 by B".to_owned()));
    world.ok("B", "CREATE TEMPORARY TABLE D.Z.OTHER (X INT)");
    assert_eq!(world.refused("B", "ALTER TABLE D.Z.T2 RENAME TO D.Z.OTHER"), "002002");
    assert_eq!(world.refused("ACCOUNTADMIN", "ALTER ROLE A RENAME TO Z"), "000002");
    assert_eq!(world.refused("A", "ALTER DATABASE D RENAME TO Z"), "000002", "it has a database role");
}

#[test]
fn who_may_alter_depends_on_what_is_altered() {
    let world = small();
    world.ok("ACCOUNTADMIN", "GRANT OPERATE ON WAREHOUSE W TO ROLE B");
    world.ok("B", "ALTER WAREHOUSE W RESUME");
    assert_eq!(world.refused("B", "ALTER WAREHOUSE W SET WAREHOUSE_SIZE = LARGE"), "003001");
    world.ok("ACCOUNTADMIN", "GRANT MODIFY ON WAREHOUSE W TO ROLE B");
    world.ok("B", "ALTER WAREHOUSE W SET WAREHOUSE_SIZE = LARGE");
    world.ok("B", "ALTER TABLE IF EXISTS D.S.NONE RENAME TO D.S.X");
    assert_eq!(world.refused("B", "UNDROP TABLE D.S.T"), "000002");
    assert_eq!(world.refused("B", "ALTER TABLE D.S.T SWAP WITH D.S.T2"), "000002");
}

#[test]
fn keys_are_set_and_taken_away_and_the_user_shows_that_there_is_one() {
    let world = small();
    let keys = || world.engine.state().keys.values().flatten().flatten().count();
    world.ok("ACCOUNTADMIN", "ALTER USER U SET RSA_PUBLIC_KEY = 'AQID' RSA_PUBLIC_KEY_2 = 'BAUG'");
    assert_eq!(keys(), 2);
    world.ok("ACCOUNTADMIN", "ALTER USER U UNSET RSA_PUBLIC_KEY");
    assert_eq!(keys(), 1);
    assert_eq!(world.refused("ACCOUNTADMIN", "ALTER USER U SET RSA_PUBLIC_KEY = '???'"), "002005");
    assert_eq!(world.refused("A", "ALTER USER U UNSET RSA_PUBLIC_KEY_2"), "003001");
    world.ok("ACCOUNTADMIN", "DROP USER U");
    assert_eq!(keys(), 0);
}

#[test]
fn an_external_table_reads_from_a_stage() {
    let world = small();
    world.ok("A", "CREATE STAGE D.S.ST URL = 's3://bucket/'");
    world.ok("A", "CREATE EXTERNAL TABLE D.S.E1 WITH LOCATION = @D.S.ST FILE_FORMAT = (TYPE = CSV)");
    world.ok("A", "CREATE EXTERNAL TABLE D.S.E2 LOCATION=@D.S.ST/path/ FILE_FORMAT=(TYPE=PARQUET)");
    world.ok("A", "CREATE EXTERNAL TABLE D.S.E3 (X INT AS (VALUE:c1::INT)) LOCATION=@ST AUTO_REFRESH = FALSE FILE_FORMAT=(TYPE=CSV)");
}
