//! Who may grant what to whom, and what becomes of it.

use super::platform::platform;

const ROW: [&str; 3] = ["privilege", "grantee_name", "granted_by"];
const ON_TABLE: &str = "SHOW GRANTS ON TABLE DB.S.T";

#[tokio::test]
async fn with_manage_grants_the_owner_is_recorded_as_grantor_and_no_data_is_read() {
    let platform = platform("GRANT MANAGE GRANTS ON ACCOUNT TO ROLE A;");
    let mut alice = platform.session("ALICE");
    assert!(!alice.may("SELECT COUNT(*) FROM DB.S.T").await);
    assert!(alice.may("GRANT SELECT ON TABLE DB.S.T TO ROLE B").await);
    assert_eq!(platform.show(ON_TABLE, &ROW).await, ["OWNERSHIP OWNER OWNER", "SELECT B OWNER"]);
}

#[tokio::test]
async fn manage_grants_on_a_container_grants_within_it_and_transfers_nothing() {
    let platform = platform("CREATE DATABASE OTHER; GRANT MANAGE GRANTS ON DATABASE DB TO ROLE A;");
    let mut alice = platform.session("ALICE");
    assert!(alice.may("GRANT SELECT ON TABLE DB.S.T TO ROLE B").await);
    assert!(!alice.may("GRANT USAGE ON DATABASE OTHER TO ROLE B").await);
    assert!(!alice.may("GRANT OWNERSHIP ON TABLE DB.S.T TO ROLE A COPY CURRENT GRANTS").await);
    platform.run("REVOKE MANAGE GRANTS ON DATABASE DB FROM ROLE A CASCADE");
    assert_eq!(platform.show(ON_TABLE, &ROW).await, ["OWNERSHIP OWNER OWNER", "SELECT B OWNER"], "what it made stays");
}

#[tokio::test]
async fn in_a_managed_access_schema_its_owner_grants_and_the_owners_of_objects_do_not() {
    let platform = platform("GRANT OWNERSHIP ON SCHEMA DB.S TO ROLE A COPY CURRENT GRANTS;");
    let (mut alice, mut bob) = (platform.session("ALICE"), platform.session("BOB"));
    let grant = "GRANT SELECT ON TABLE DB.S.T TO ROLE B";
    assert!(bob.may(grant).await, "the owner of the table, as long as access is not managed");
    platform.run("GRANT USAGE ON DATABASE DB TO ROLE A");
    alice.run("ALTER SCHEMA DB.S ENABLE MANAGED ACCESS").await.unwrap();
    assert!(!bob.may(grant).await);
    assert!(bob.may("SELECT COUNT(*) FROM DB.S.T").await, "access stays");
    assert!(alice.may(grant).await);
}

#[test]
fn users_get_no_create_privilege_no_ownership_and_no_future_grant() {
    let platform = platform("GRANT SELECT ON TABLE DB.S.T TO USER ALICE;");
    for sql in [
        "GRANT CREATE TABLE ON SCHEMA DB.S TO USER ALICE",
        "GRANT OWNERSHIP ON TABLE DB.S.T TO USER ALICE",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA DB.S TO USER ALICE",
    ] {
        platform.refuses(sql);
    }
    platform.run("GRANT INHERITED SELECT ON ALL TABLES IN SCHEMA DB.S TO USER ALICE");
}

#[test]
fn shares_get_no_future_grants_and_no_grant_option() {
    let platform = platform("CREATE SHARE SH; GRANT USAGE ON DATABASE DB TO SHARE SH;");
    platform.refuses("GRANT SELECT ON FUTURE TABLES IN SCHEMA DB.S TO SHARE SH");
    platform.refuses("GRANT USAGE ON SCHEMA DB.S TO SHARE SH WITH GRANT OPTION");
}

#[tokio::test]
async fn all_privileges_are_those_of_the_type_at_that_moment_and_not_ownership() {
    let platform = platform("GRANT ALL PRIVILEGES ON TABLE DB.S.T TO ROLE A; CREATE TABLE DB.S.LATER (ID NUMBER);");
    let rows = platform.show(ON_TABLE, &ROW[..2]).await;
    let of_a: Vec<_> = rows.iter().filter(|row| row.ends_with(" A")).collect();
    assert!(of_a.len() > 5 && of_a.iter().any(|row| *row == "SELECT A"), "{rows:?}");
    assert!(!rows.iter().any(|row| row == "OWNERSHIP A" || row.starts_with("ALL")), "{rows:?}");
    let later = platform.show("SHOW GRANTS ON TABLE DB.S.LATER", &ROW[..2]).await;
    assert_eq!(later, ["OWNERSHIP ACCOUNTADMIN"]);
}

#[tokio::test]
async fn grants_by_two_grantors_are_two_rows_and_each_takes_back_its_own() {
    let platform = platform(
        "GRANT USAGE ON DATABASE DB TO ROLE A; GRANT USAGE ON SCHEMA DB.S TO ROLE A; CREATE ROLE C;
         GRANT SELECT ON TABLE DB.S.T TO ROLE A WITH GRANT OPTION;",
    );
    let (mut alice, mut bob) = (platform.session("ALICE"), platform.session("BOB"));
    for session in [&mut alice, &mut bob] {
        session.run("GRANT SELECT ON TABLE DB.S.T TO ROLE C").await.unwrap();
    }
    let to_c = "SHOW GRANTS TO ROLE C";
    assert_eq!(platform.show(to_c, &["privilege", "granted_by"]).await, ["SELECT A", "SELECT OWNER"]);
    alice.run("REVOKE SELECT ON TABLE DB.S.T FROM ROLE C").await.unwrap();
    assert_eq!(platform.show(to_c, &["privilege", "granted_by"]).await, ["SELECT OWNER"]);
    alice.run("REVOKE SELECT ON TABLE DB.S.T FROM ROLE C").await.expect("a revoke of nothing succeeds");
    assert_eq!(platform.show(to_c, &["privilege", "granted_by"]).await, ["SELECT OWNER"], "and changes nothing");
}

#[tokio::test]
async fn nobody_can_revoke_the_usage_that_a_database_role_has_on_its_database() {
    let platform = platform(
        "CREATE DATABASE ROLE DB.R; GRANT DATABASE ROLE DB.R TO ROLE A;
         GRANT USAGE ON SCHEMA DB.S TO DATABASE ROLE DB.R; GRANT SELECT ON TABLE DB.S.T TO DATABASE ROLE DB.R;
         REVOKE USAGE ON DATABASE DB FROM DATABASE ROLE DB.R;",
    );
    let mut alice = platform.session("ALICE");
    assert!(alice.may("SELECT COUNT(*) FROM DB.S.T").await);
    assert!(alice.may("USE SCHEMA DB.S").await);
}

#[tokio::test]
async fn a_table_that_is_replaced_loses_its_grants_unless_they_are_copied() {
    let platform = platform("GRANT SELECT ON TABLE DB.S.T TO ROLE A;");
    platform.run("CREATE OR REPLACE TABLE DB.S.T (ID NUMBER) COPY GRANTS");
    let rows = platform.show(ON_TABLE, &ROW[..2]).await;
    assert!(rows.contains(&"SELECT A".to_owned()), "{rows:?}");
    platform.run("CREATE OR REPLACE TABLE DB.S.T (ID NUMBER)");
    let rows = platform.show(ON_TABLE, &ROW[..2]).await;
    assert_eq!(rows, ["OWNERSHIP ACCOUNTADMIN"]);
}

#[tokio::test]
async fn a_clone_of_a_table_has_no_grants_of_its_own() {
    let platform = platform("GRANT SELECT ON TABLE DB.S.T TO ROLE A; CREATE TABLE DB.S.COPY CLONE DB.S.T;");
    assert_eq!(platform.show("SHOW GRANTS ON TABLE DB.S.COPY", &ROW[..2]).await, ["OWNERSHIP ACCOUNTADMIN"]);
}

#[tokio::test]
async fn a_view_is_read_with_its_owners_privileges() {
    let platform = platform(
        "CREATE VIEW DB.S.V AS SELECT * FROM DB.S.T;
         GRANT USAGE ON DATABASE DB TO ROLE A; GRANT USAGE ON SCHEMA DB.S TO ROLE A; GRANT SELECT ON VIEW DB.S.V TO ROLE A;",
    );
    let mut alice = platform.session("ALICE");
    assert!(alice.may("SELECT COUNT(*) FROM DB.S.V").await);
    assert!(!alice.may("SELECT COUNT(*) FROM DB.S.T").await, "which the view reads");
}

#[tokio::test]
async fn the_systems_own_grants_have_no_grantor_and_cannot_be_revoked() {
    let platform = platform("");
    let before = platform.show("SHOW GRANTS TO ROLE SECURITYADMIN", &["privilege", "name", "granted_by"]).await;
    assert!(before.iter().any(|row| row.starts_with("MANAGE GRANTS")), "{before:?}");
    platform
        .run("REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE SECURITYADMIN; REVOKE ROLE USERADMIN FROM ROLE SECURITYADMIN;");
    let after = platform.show("SHOW GRANTS TO ROLE SECURITYADMIN", &["privilege", "name", "granted_by"]).await;
    assert_eq!(before, after);
}
