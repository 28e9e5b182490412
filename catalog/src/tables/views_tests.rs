//! The views and findings on small accounts, through SQL as a session reads them.

use super::{AccountView, SessionState, World, providers, view_providers, views};
use crate::account::Account;
use crate::model::{ObjectType, Offer, Privilege};
use crate::snapshot::Snapshot;
use crate::sql::account_made_by;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

fn context(sql: &str) -> SessionContext {
    context_of(&account_made_by(sql))
}

fn context_of(account: &Account) -> SessionContext {
    let snapshot = Arc::new(Snapshot::freeze(account, 0));
    let view = AccountView::new("ACME".into(), "snowflake".into(), "import".into(), snapshot);
    let world = Arc::new(World { accounts: vec![Arc::new(view)], ..World::default() });
    let session = Arc::new(SessionState::new(world));
    let context = SessionContext::new();
    for (name, table) in providers(&session) {
        context.register_table(name, table).unwrap();
    }
    for (name, table) in view_providers(&session).unwrap() {
        context.register_table(name, table).unwrap();
    }
    context
}

/// The rows, cells joined by `|`, in order.
async fn rows(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let mut rows = Vec::new();
    for batch in &batches {
        for i in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|c| array_value_to_string(c, i).unwrap());
            rows.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    rows.sort();
    rows
}

const ROLES: &str = "CREATE USER ALICE; CREATE USER BOB; CREATE ROLE SYSADMIN; CREATE ROLE READER; CREATE ROLE ANALYST;
    CREATE ROLE LONELY; CREATE DATABASE DB; CREATE SCHEMA DB.S; CREATE SCHEMA DB.T; CREATE TABLE DB.S.X (A INT);
    GRANT ROLE READER TO ROLE ANALYST; GRANT ROLE ANALYST TO USER ALICE;";

#[tokio::test]
async fn views_plan_and_carry_their_comment_and_definition() {
    let context = context("");
    assert_eq!(views().unwrap().len(), super::views::FILES.len());
    for view in views().unwrap() {
        let d = view.definition();
        let provider = context.table_provider(d.name).await.unwrap();
        let schema = provider.schema();
        assert!(schema.metadata()["comment"].len() > 20 && !schema.metadata()["comment"].contains('\n'));
        assert!(schema.metadata()["definition"].starts_with("SELECT"), "{}", d.name);
        assert!(schema.fields().iter().all(|f| f.is_nullable() && f.metadata().contains_key("comment")));
        assert_eq!(rows(&context, &format!("SELECT * FROM {}", d.name)).await, Vec::<String>::new());
        let scanned = provider.scan(&context.state(), Some(&vec![1, 0]), &[], Some(1)).await.unwrap();
        assert_eq!(scanned.schema().fields().len(), 2);
    }
}

#[tokio::test]
async fn views_of_future_grants_show_each_schema_that_hides_a_template() {
    let context = context(&format!(
        "{ROLES} GRANT SELECT ON FUTURE TABLES IN DATABASE DB TO ROLE READER;
         GRANT SELECT ON FUTURE VIEWS IN DATABASE DB TO ROLE READER;
         GRANT INSERT ON FUTURE TABLES IN SCHEMA DB.S TO ROLE ANALYST;
         GRANT UPDATE ON FUTURE TABLES IN SCHEMA DB.S TO ROLE ANALYST;
         GRANT INSERT ON FUTURE TABLES IN SCHEMA DB.T TO ROLE ANALYST"
    ));
    let got = rows(
        &context,
        "SELECT privilege, object_type, object_database, grantee, shadowed_by FROM shadowed_future_grants",
    );
    assert_eq!(got.await, ["SELECT|TABLE|DB|READER|S", "SELECT|TABLE|DB|READER|T"]);
    let sql = "SELECT object_type, object_schema, privilege, shadowed, shadowed_by FROM future_grants";
    let want = [
        "TABLE|S|INSERT|false|",
        "TABLE|S|UPDATE|false|",
        "TABLE|T|INSERT|false|",
        "TABLE||SELECT|true|[S, T]",
        "VIEW||SELECT|false|",
    ];
    assert_eq!(rows(&context, sql).await, want);
}

#[tokio::test]
async fn views_of_roles_show_orphans_and_what_sysadmin_lacks() {
    let context = context(&format!("{ROLES} GRANT ROLE ANALYST TO ROLE SYSADMIN"));
    assert_eq!(rows(&context, "SELECT role_name FROM orphan_roles").await, ["LONELY", "SYSADMIN"]);
    assert_eq!(rows(&context, "SELECT role_name FROM roles_outside_sysadmin").await, ["LONELY"]);
    let joined =
        "SELECT o.role_name FROM orphan_roles o JOIN roles_outside_sysadmin r USING (account, role_name) LIMIT 5";
    assert_eq!(rows(&context, joined).await, ["LONELY"]);
}

#[tokio::test]
async fn views_of_a_role_show_its_privileges_and_members() {
    let context =
        context(&format!("{ROLES} GRANT SELECT ON TABLE DB.S.X TO ROLE READER; GRANT ROLE READER TO USER BOB"));
    let sql = "SELECT role_name, privilege, object, direct, via_role, source FROM role_privileges
        WHERE role_name IN ('ANALYST', 'READER') AND object_type = 'TABLE'";
    let want = ["ANALYST|SELECT|DB.S.X|false|READER|grant", "READER|SELECT|DB.S.X|true|READER|grant"];
    assert_eq!(rows(&context, sql).await, want);
    assert_eq!(rows(&context, "SELECT role_name FROM role_privileges").await, ["ANALYST", "READER"]);
    let sql = "SELECT user_name, direct, source FROM effective_role_members WHERE role_name = 'READER'";
    assert_eq!(rows(&context, sql).await, ["ALICE|false|inherited", "BOB|true|direct"]);
    let of_roles = "SELECT account, role_name, role_type, user_name, direct, source FROM ";
    let members = rows(&context, &format!("{of_roles} effective_role_members")).await;
    assert_eq!(members, rows(&context, &format!("{of_roles} effective_roles")).await);
}

#[tokio::test]
async fn views_of_grants_show_the_needless_and_the_useless() {
    let context = context(&format!(
        "{ROLES} GRANT SELECT ON TABLE DB.S.X TO ROLE READER; GRANT SELECT ON TABLE DB.S.X TO ROLE ANALYST;
         GRANT INSERT ON TABLE DB.S.X TO ROLE ANALYST; GRANT ROLE READER TO USER ALICE;
         GRANT INHERITED INSERT ON ALL TABLES IN DATABASE DB TO ROLE ANALYST;
         GRANT USAGE ON DATABASE DB TO ROLE READER; GRANT SELECT ON TABLE DB.S.X TO ROLE LONELY"
    ));
    let sql = "SELECT privilege, object, grantee, implied_by, via_role, parallel_grantors FROM redundant_grants";
    let want = ["INSERT|DB.S.X|ANALYST|inherited|ANALYST|1", "SELECT|DB.S.X|ANALYST|role|READER|1"];
    assert_eq!(rows(&context, sql).await, want);
    let sql = "SELECT role_name, grantee, via_role FROM redundant_role_grants";
    assert_eq!(rows(&context, sql).await, ["READER|ALICE|ANALYST"]);
    let sql = "SELECT privilege, object, grantee, source, users FROM unusable_grants";
    let want = [
        "INSERT|DB.S.X|ANALYST|grant|1",
        "INSERT|DB.S.X|ANALYST|inherited|1",
        "SELECT|DB.S.X|ANALYST|grant|1",
        "SELECT|DB.S.X|READER|grant|1",
    ];
    assert_eq!(rows(&context, sql).await, want);
}

#[tokio::test]
async fn views_list_what_a_type_offers() {
    let sql = "SELECT privilege, implied_by_ownership FROM privilege_catalog WHERE object_type = 'STREAMLIT'";
    assert_eq!(rows(&context(""), sql).await, ["EMBED|false", "OWNERSHIP|true", "USAGE|true"]);
    let sql = "SELECT DISTINCT account, source, grant_types FROM privilege_catalog WHERE object_type = 'ACCOUNT'";
    assert_eq!(rows(&context(""), sql).await, ["ACME|shipped|"]);
}

#[tokio::test]
async fn views_show_what_the_account_itself_offers_also_from_a_stored_snapshot() {
    let mut account = Account::new("ACME");
    let offer = |privilege: &str, ways: [&str; 2]| Offer {
        object_type: ObjectType::new("STREAMLIT"),
        privilege: Privilege::new(privilege),
        grant_types: ways.map(str::to_owned).to_vec(),
    };
    account.put_offers([offer("USAGE", ["ALL", "INDIVIDUAL"]), offer("NEW", ["FUTURE", "INDIVIDUAL"])]);
    let stored = Snapshot::decode(&Snapshot::freeze(&account, 0).encode().unwrap()).unwrap();
    assert_eq!(stored.offers().len(), 2);
    let context = context_of(&stored.thaw());
    let sql =
        "SELECT account, object_type, privilege, implied_by_ownership, grant_types, source FROM privilege_catalog";
    let want = [
        "ACME|STREAMLIT|NEW|false|[FUTURE, INDIVIDUAL]|account",
        "ACME|STREAMLIT|USAGE|true|[ALL, INDIVIDUAL]|account",
    ];
    assert_eq!(rows(&context, sql).await, want);
}
