//! OWNERSHIP: one role's, moved and never taken away.

use super::platform::platform;

const ROW: [&str; 3] = ["privilege", "grantee_name", "granted_by"];

#[tokio::test]
async fn ownership_moves_with_grants_copied_or_revoked_and_not_while_they_stand() {
    let platform = platform("");
    let mut bob = platform.session("BOB");
    bob.run("GRANT SELECT ON TABLE DB.S.T TO ROLE A").await.unwrap();
    let on_table = "SHOW GRANTS ON TABLE DB.S.T";
    let refused = bob.run("GRANT OWNERSHIP ON TABLE DB.S.T TO ROLE B").await.expect_err("grants stand");
    assert!(refused.starts_with("003036"), "{refused}");
    assert_eq!(platform.show(on_table, &ROW).await, ["OWNERSHIP OWNER OWNER", "SELECT A OWNER"]);

    bob.run("GRANT OWNERSHIP ON TABLE DB.S.T TO ROLE B COPY CURRENT GRANTS").await.unwrap();
    assert_eq!(platform.show(on_table, &ROW).await, ["OWNERSHIP B B", "SELECT A B"], "the new owner is the grantor");
    assert!(!bob.may("GRANT SELECT ON TABLE DB.S.T TO ROLE A").await, "there is one owner");

    platform.run("GRANT OWNERSHIP ON TABLE DB.S.T TO ROLE OWNER REVOKE CURRENT GRANTS");
    assert_eq!(platform.show(on_table, &ROW).await, ["OWNERSHIP OWNER OWNER"]);
}

#[tokio::test]
async fn a_role_is_transferred_with_its_memberships() {
    let platform = platform("GRANT OWNERSHIP ON ROLE B TO ROLE A;");
    assert_eq!(platform.show("SHOW GRANTS OF ROLE B", &["grantee_name"]).await, ["ALICE"]);
    assert_eq!(platform.show("SHOW GRANTS ON ROLE B", &ROW[..2]).await, ["OWNERSHIP A"]);
}

#[test]
fn ownership_is_never_revoked_except_of_what_is_to_come() {
    let platform = platform("GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA DB.S TO ROLE A;");
    assert!(platform.refuses("REVOKE OWNERSHIP ON TABLE DB.S.T FROM ROLE OWNER").contains("only transferred"));
    platform.run("REVOKE OWNERSHIP ON FUTURE TABLES IN SCHEMA DB.S FROM ROLE A");
}

#[tokio::test]
async fn what_a_dropped_role_owned_belongs_to_the_role_that_dropped_it() {
    let platform = platform("DROP ROLE OWNER;");
    assert_eq!(platform.show("SHOW GRANTS ON TABLE DB.S.T", &ROW[..2]).await, ["OWNERSHIP ACCOUNTADMIN"]);
}

#[tokio::test]
async fn who_owns_a_container_neither_reads_nor_grants_what_lies_in_it() {
    let platform = platform(
        "GRANT OWNERSHIP ON DATABASE DB TO ROLE A COPY CURRENT GRANTS; GRANT OWNERSHIP ON SCHEMA DB.S TO ROLE A COPY CURRENT GRANTS;",
    );
    let mut alice = platform.session("ALICE");
    assert!(!alice.may("SELECT COUNT(*) FROM DB.S.T").await);
    assert!(!alice.may("GRANT SELECT ON TABLE DB.S.T TO ROLE A").await);
}

#[tokio::test]
async fn who_owns_an_object_grants_on_it_and_drops_it_and_no_other_privilege_does() {
    let platform = platform(
        "GRANT USAGE ON DATABASE DB TO ROLE A; GRANT USAGE ON SCHEMA DB.S TO ROLE A;
         GRANT ALL PRIVILEGES ON TABLE DB.S.T TO ROLE A;",
    );
    let (mut alice, mut bob) = (platform.session("ALICE"), platform.session("BOB"));
    for sql in ["GRANT SELECT ON TABLE DB.S.T TO ROLE B", "DROP TABLE DB.S.T"] {
        assert!(!alice.may(sql).await, "{sql}: ALICE has every privilege but OWNERSHIP");
        assert!(bob.may(sql).await, "{sql}");
    }
}

#[test]
fn an_owner_is_a_role_or_a_database_role_of_the_same_database() {
    let platform =
        platform("CREATE DATABASE OTHER; CREATE DATABASE ROLE DB.R; CREATE DATABASE ROLE OTHER.R; CREATE SHARE SH;");
    for sql in [
        "GRANT OWNERSHIP ON TABLE DB.S.T TO DATABASE ROLE OTHER.R COPY CURRENT GRANTS",
        "GRANT OWNERSHIP ON DATABASE DB TO DATABASE ROLE DB.R COPY CURRENT GRANTS",
        "GRANT OWNERSHIP ON TABLE DB.S.T TO USER ALICE COPY CURRENT GRANTS",
    ] {
        platform.refuses(sql);
    }
    platform.run("GRANT OWNERSHIP ON TABLE DB.S.T TO DATABASE ROLE DB.R COPY CURRENT GRANTS");
}
