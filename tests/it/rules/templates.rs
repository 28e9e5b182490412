//! Future grants become grants; inherited grants are live.

use super::platform::platform;

const ROW: [&str; 2] = ["privilege", "grantee_name"];

#[tokio::test]
async fn a_future_grant_becomes_a_grant_when_an_object_is_created() {
    let platform = platform("GRANT SELECT ON FUTURE TABLES IN DATABASE DB TO ROLE A;");
    assert_eq!(platform.show("SHOW GRANTS ON TABLE DB.S.T", &ROW).await, ["OWNERSHIP OWNER"], "not what was there");
    platform.run("CREATE TABLE DB.S.NEW (ID NUMBER)");
    let on_new = "SHOW GRANTS ON TABLE DB.S.NEW";
    assert_eq!(platform.show(on_new, &ROW).await, ["OWNERSHIP ACCOUNTADMIN", "SELECT A"]);
    platform.run("REVOKE SELECT ON FUTURE TABLES IN DATABASE DB FROM ROLE A");
    assert_eq!(platform.show(on_new, &ROW).await, ["OWNERSHIP ACCOUNTADMIN", "SELECT A"], "what was made stays");
    platform.run("CREATE TABLE DB.S.LATER (ID NUMBER)");
    assert_eq!(platform.show("SHOW GRANTS ON TABLE DB.S.LATER", &ROW).await, ["OWNERSHIP ACCOUNTADMIN"]);
}

#[tokio::test]
async fn a_schemas_future_grants_hide_all_of_the_databases_for_that_type() {
    let platform = platform(
        "GRANT SELECT, INSERT ON FUTURE TABLES IN DATABASE DB TO ROLE A; GRANT SELECT ON FUTURE VIEWS IN DATABASE DB TO ROLE A;
         GRANT DELETE ON FUTURE TABLES IN SCHEMA DB.S TO ROLE B; CREATE SCHEMA DB.FREE;
         CREATE TABLE DB.S.NEW (ID NUMBER); CREATE VIEW DB.S.V AS SELECT 1 AS ONE; CREATE TABLE DB.FREE.NEW (ID NUMBER);",
    );
    for (object, expected) in [
        ("TABLE DB.S.NEW", &["DELETE B", "OWNERSHIP ACCOUNTADMIN"][..]),
        ("VIEW DB.S.V", &["OWNERSHIP ACCOUNTADMIN", "SELECT A"]),
        ("TABLE DB.FREE.NEW", &["INSERT A", "OWNERSHIP ACCOUNTADMIN", "SELECT A"]),
    ] {
        assert_eq!(platform.show(&format!("SHOW GRANTS ON {object}"), &ROW).await, expected, "{object}");
    }
}

#[tokio::test]
async fn a_revoke_on_one_object_does_not_end_an_inherited_grant() {
    let platform = platform(
        "GRANT USAGE ON DATABASE DB TO ROLE A; GRANT USAGE ON SCHEMA DB.S TO ROLE A;
         GRANT INHERITED SELECT ON ALL TABLES IN DATABASE DB TO ROLE A;",
    );
    let mut alice = platform.session("ALICE");
    assert!(alice.may("SELECT COUNT(*) FROM DB.S.T").await);
    platform.run("REVOKE SELECT ON TABLE DB.S.T FROM ROLE A");
    assert!(alice.may("SELECT COUNT(*) FROM DB.S.T").await, "the revoke succeeds and changes nothing");
    platform.run("REVOKE INHERITED SELECT ON ALL TABLES IN DATABASE DB FROM ROLE A");
    assert!(!alice.may("SELECT COUNT(*) FROM DB.S.T").await);
}

#[test]
fn an_inherited_grant_takes_no_grant_option_and_gives_no_ownership() {
    let platform = platform("CREATE DATABASE ROLE DB.R;");
    for sql in [
        "GRANT INHERITED SELECT ON ALL TABLES IN DATABASE DB TO ROLE A WITH GRANT OPTION",
        "GRANT INHERITED OWNERSHIP ON ALL TABLES IN DATABASE DB TO ROLE A",
    ] {
        platform.refuses(sql);
    }
    platform.run("GRANT INHERITED SELECT ON ALL TABLES IN DATABASE DB TO DATABASE ROLE DB.R");
}

#[tokio::test]
async fn one_role_owns_the_future_objects_of_a_type_in_a_container() {
    let platform = platform("GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA DB.S TO ROLE A;");
    platform.refuses("GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA DB.S TO ROLE B");
    platform.run("CREATE TABLE DB.S.NEW (ID NUMBER)");
    assert_eq!(platform.show("SHOW GRANTS ON TABLE DB.S.NEW", &ROW).await, ["OWNERSHIP A"]);
}
