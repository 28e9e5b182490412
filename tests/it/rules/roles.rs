//! Memberships, and what a session's roles are for.

use super::platform::platform;

const OF_USER: [&str; 2] = ["role", "granted_by"];

#[test]
fn a_membership_that_would_make_a_circle_is_refused() {
    let platform = platform("CREATE ROLE C; GRANT ROLE A TO ROLE B; GRANT ROLE B TO ROLE C;");
    for sql in ["GRANT ROLE C TO ROLE A", "GRANT ROLE B TO ROLE A", "GRANT ROLE A TO ROLE A"] {
        assert!(platform.refuses(sql).contains("circle"), "{sql}");
    }
    platform.run("GRANT ROLE A TO ROLE C");
}

#[test]
fn a_database_role_takes_only_database_roles_of_its_own_database() {
    let platform = platform(
        "CREATE DATABASE OTHER; CREATE DATABASE ROLE DB.R; CREATE DATABASE ROLE DB.S; CREATE DATABASE ROLE OTHER.R;",
    );
    platform.run("GRANT DATABASE ROLE DB.R TO DATABASE ROLE DB.S");
    platform.refuses("GRANT DATABASE ROLE OTHER.R TO DATABASE ROLE DB.S");
    platform.refuses("GRANT ROLE A TO DATABASE ROLE DB.S");
}

#[tokio::test]
async fn public_is_never_listed_and_granting_it_changes_nothing() {
    let platform = platform("GRANT ROLE PUBLIC TO ROLE A; GRANT ROLE PUBLIC TO USER ALICE;");
    let roles = platform.show("SHOW GRANTS TO USER ALICE", &OF_USER[..1]).await;
    assert_eq!(roles, ["A", "B"]);
    assert_eq!(platform.show("SHOW GRANTS OF ROLE PUBLIC", &["grantee_name"]).await, [""; 0]);
    let listed = "SELECT ROLE FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_USERS WHERE ROLE = 'PUBLIC'";
    assert_eq!(platform.show(listed, &["ROLE"]).await, [""; 0]);
}

#[tokio::test]
async fn who_owns_a_role_has_nothing_of_it_and_can_grant_it() {
    let platform = platform(
        "GRANT USAGE ON DATABASE DB TO ROLE B; GRANT USAGE ON SCHEMA DB.S TO ROLE B; GRANT SELECT ON TABLE DB.S.T TO ROLE B;
         REVOKE ROLE B FROM USER ALICE; GRANT OWNERSHIP ON ROLE B TO ROLE A;",
    );
    let mut alice = platform.session("ALICE");
    assert!(!alice.may("SELECT COUNT(*) FROM DB.S.T").await);
    assert!(alice.may("GRANT ROLE B TO ROLE A").await);
    assert!(alice.may("SELECT COUNT(*) FROM DB.S.T").await);
}

#[tokio::test]
async fn create_looks_at_the_primary_role_alone_and_gives_it_the_object() {
    let platform = platform(
        "GRANT USAGE ON DATABASE DB TO ROLE A; GRANT USAGE ON SCHEMA DB.S TO ROLE A;
         GRANT CREATE TABLE ON SCHEMA DB.S TO ROLE B;",
    );
    let mut alice = platform.session("ALICE");
    alice.run("USE SECONDARY ROLES ALL").await.unwrap();
    assert!(!alice.may("CREATE TABLE DB.S.NEW (ID NUMBER)").await, "B is only a secondary role");
    platform.run("GRANT CREATE TABLE ON SCHEMA DB.S TO ROLE A");
    assert!(alice.may("CREATE TABLE DB.S.NEW (ID NUMBER)").await);
    let owner = platform.show("SHOW GRANTS ON TABLE DB.S.NEW", &["privilege", "grantee_name"]).await;
    assert_eq!(owner, ["OWNERSHIP A"]);
}

#[tokio::test]
async fn every_other_statement_takes_each_privilege_from_any_active_role() {
    let platform = platform(
        "GRANT USAGE ON DATABASE DB TO ROLE A; GRANT USAGE ON SCHEMA DB.S TO USER ALICE;
         GRANT SELECT ON TABLE DB.S.T TO ROLE B WITH GRANT OPTION;",
    );
    let mut alice = platform.session("ALICE");
    let statements = ["SELECT COUNT(*) FROM DB.S.T", "USE SCHEMA DB.S", "GRANT SELECT ON TABLE DB.S.T TO ROLE A"];
    for sql in statements {
        assert!(!alice.may(sql).await, "{sql}: A alone is active");
    }
    alice.run("USE SECONDARY ROLES ALL").await.unwrap();
    for sql in statements {
        assert!(alice.may(sql).await, "{sql}");
    }
}

#[tokio::test]
async fn usage_is_what_it_takes_to_use_a_container_and_any_privilege_to_read_in_it() {
    let platform = platform(
        "GRANT MONITOR ON DATABASE DB TO ROLE A; GRANT MONITOR ON SCHEMA DB.S TO ROLE A;
         GRANT SELECT ON TABLE DB.S.T TO ROLE A;",
    );
    let mut alice = platform.session("ALICE");
    assert!(alice.may("SELECT COUNT(*) FROM DB.S.T").await);
    for (sql, grant) in [
        ("USE DATABASE DB", "GRANT USAGE ON DATABASE DB TO ROLE A"),
        ("USE SCHEMA DB.S", "GRANT USAGE ON SCHEMA DB.S TO ROLE A"),
    ] {
        let refused = alice.run(sql).await.expect_err(sql);
        assert!(refused.contains("does not exist, or operation cannot be performed"), "{refused}");
        platform.run(grant);
        alice.run(sql).await.unwrap();
    }
}

#[tokio::test]
async fn secondary_roles_all_are_looked_up_at_every_statement() {
    let platform = platform(
        "CREATE ROLE LATER; GRANT USAGE ON DATABASE DB TO ROLE LATER; GRANT USAGE ON SCHEMA DB.S TO ROLE LATER;
         GRANT SELECT ON TABLE DB.S.T TO ROLE LATER;",
    );
    let mut alice = platform.session("ALICE");
    alice.run("USE SECONDARY ROLES ALL").await.unwrap();
    assert!(!alice.may("SELECT COUNT(*) FROM DB.S.T").await);
    platform.run("GRANT ROLE LATER TO USER ALICE");
    assert!(alice.may("SELECT COUNT(*) FROM DB.S.T").await);
    platform.run("REVOKE ROLE LATER FROM USER ALICE");
    assert!(!alice.may("SELECT COUNT(*) FROM DB.S.T").await);
}

#[tokio::test]
async fn the_system_roles_do_what_they_are_for() {
    let platform = platform("CREATE USER SYS; CREATE ROLE R; CREATE ROLE SCRATCH;");
    let statements = [
        ("USERADMIN", "CREATE ROLE MADE"),
        ("SYSADMIN", "CREATE DATABASE MADE"),
        ("SYSADMIN", "CREATE WAREHOUSE MADE"),
        ("SECURITYADMIN", "GRANT SELECT ON TABLE DB.S.T TO ROLE R"),
    ];
    for role in ["USERADMIN", "SYSADMIN", "SECURITYADMIN"] {
        let user = format!("OF_{role}");
        platform.run(&format!(
            "CREATE USER {user} DEFAULT_ROLE = {role} DEFAULT_SECONDARY_ROLES = (); GRANT ROLE {role} TO USER {user};"
        ));
        let mut session = platform.session(&user);
        for (able, sql) in statements {
            // SECURITYADMIN has USERADMIN.
            let may = able == role || (able == "USERADMIN" && role == "SECURITYADMIN");
            let sql = sql.replace("MADE", &format!("MADE_BY_{role}"));
            assert_eq!(session.may(&sql).await, may, "{role}: {sql}");
        }
    }
}
