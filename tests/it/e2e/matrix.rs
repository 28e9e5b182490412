//! The demo account is a matrix of roles and privileges. Every cell of it, and nothing else, is there over the wire.

use crate::support::demo;
use crate::support::wire::{column, connect, rows};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Client;

/// Functional roles, then one line per object: its type and name, and each role's privileges; `-` is none.
const PRIVILEGES: &[(&[&str], &str)] = &[
    (
        &["FR_WH_SANDBOX_OPERATE", "FR_WH_SANDBOX_USE", "FR_WH_MV_OPERATE", "FR_WH_MV_USE"],
        "WAREHOUSE SANDBOX_WH | USAGE + OPERATE | USAGE | - | -
         WAREHOUSE MV_WH | - | - | USAGE + OPERATE | USAGE",
    ),
    (
        &["FR_SANDBOX_WORK_WRITE", "FR_SANDBOX_WORK_READ"],
        "DATABASE SANDBOX_DB | USAGE | USAGE
         SCHEMA SANDBOX_DB.WORK | USAGE + CREATE TABLE + CREATE VIEW | USAGE
         TABLE SANDBOX_DB.WORK.DAILY_CASES | SELECT + INSERT + UPDATE + DELETE | SELECT
         TABLE SANDBOX_DB.WORK.NOTES | SELECT + INSERT + UPDATE + DELETE | SELECT
         STAGE SANDBOX_DB.WORK.EXTERNAL_S3_STAGE | USAGE | -",
    ),
    (
        &["FR_RAW_COVID19_WRITE", "FR_RAW_COVID19_READ"],
        "DATABASE RAW_DB | USAGE | USAGE
         SCHEMA RAW_DB.COVID19 | USAGE + CREATE TABLE + CREATE VIEW | USAGE
         STAGE RAW_DB.COVID19.COVID19_S3_STAGE | USAGE | USAGE
         STAGE RAW_DB.COVID19.COVID19_WORLD_TESTING_STAGE | USAGE | USAGE
         EXTERNAL_TABLE RAW_DB.COVID19.EXT_JHU_TIMESERIES | SELECT | SELECT
         EXTERNAL_TABLE RAW_DB.COVID19.EXT_COVID19_WORLD_TESTING | SELECT | SELECT
         MATERIALIZED_VIEW RAW_DB.COVID19.MV_JHU_TIMESERIES | SELECT | SELECT
         MATERIALIZED_VIEW RAW_DB.COVID19.MV_COVID19_WORLD_TESTING | SELECT | SELECT",
    ),
    (
        &["FR_BUDGET_BOOK_WRITE", "FR_BUDGET_BOOK_READ"],
        "DATABASE RAW_DB | USAGE | USAGE
         SCHEMA RAW_DB.BUDGET_BOOK | USAGE + CREATE TABLE + CREATE VIEW + CREATE STAGE | USAGE
         TABLE RAW_DB.BUDGET_BOOK.TRANSACTIONS | SELECT + INSERT + UPDATE + DELETE + TRUNCATE | SELECT
         STAGE RAW_DB.BUDGET_BOOK.BUDGET_BOOK_STAGE | READ + WRITE | READ
         FILE_FORMAT RAW_DB.BUDGET_BOOK.BUDGET_BOOK_CSV_FORMAT | USAGE | USAGE",
    ),
    (
        &["FR_CORTEX_ADMIN", "FR_CORTEX_USE"],
        "DATABASE CORTEX_DB | USAGE | USAGE
         SCHEMA CORTEX_DB.SEMANTIC_MODELS | USAGE | USAGE
         SCHEMA CORTEX_DB.SEARCH_SERVICES | USAGE + CREATE CORTEX SEARCH SERVICE | USAGE
         SCHEMA CORTEX_DB.AGENTS | USAGE | USAGE
         STAGE CORTEX_DB.SEMANTIC_MODELS.SEMANTIC_MODEL_FILES | READ + WRITE | READ
         SEMANTIC_VIEW CORTEX_DB.SEMANTIC_MODELS.COVID19_SEMANTIC | SELECT | SELECT
         SEMANTIC_VIEW CORTEX_DB.SEMANTIC_MODELS.BUDGET_BOOK_SEMANTIC | SELECT | SELECT
         AGENT CORTEX_DB.AGENTS.COVID19_AGENT | USAGE | USAGE
         AGENT CORTEX_DB.AGENTS.BUDGET_BOOK_AGENT | USAGE | USAGE
         CORTEX_SEARCH_SERVICE CORTEX_DB.SEARCH_SERVICES.BUDGET_BOOK_SEARCH | USAGE + MONITOR | USAGE
         DATABASE_ROLE SNOWFLAKE.CORTEX_USER | member | member
         DATABASE_ROLE SNOWFLAKE.CORTEX_AGENT_USER | member | member",
    ),
    (
        &["FR_MANAGED_ACCESS_TEST"],
        "DATABASE MANAGED_ACCESS_DB | USAGE
         SCHEMA MANAGED_ACCESS_DB.MANAGED_SCHEMA | USAGE + CREATE TABLE",
    ),
];

/// Functional role, whether `DEVELOPER_ROLE` includes it, whether `VIEWER_ROLE` does.
const INCLUDED: &[(&str, bool, bool)] = &[
    ("FR_WH_SANDBOX_OPERATE", true, false),
    ("FR_WH_SANDBOX_USE", false, true),
    ("FR_WH_MV_OPERATE", true, false),
    ("FR_WH_MV_USE", false, true),
    ("FR_SANDBOX_WORK_WRITE", true, false),
    ("FR_SANDBOX_WORK_READ", false, true),
    ("FR_RAW_COVID19_WRITE", true, false),
    ("FR_RAW_COVID19_READ", false, true),
    ("FR_BUDGET_BOOK_WRITE", true, false),
    ("FR_BUDGET_BOOK_READ", false, true),
    ("FR_CORTEX_USE", true, true),
    ("FR_CORTEX_ADMIN", true, false),
    ("FR_MANAGED_ACCESS_TEST", true, false),
];

const BUSINESS: [&str; 3] = ["DEVELOPER_ROLE", "VIEWER_ROLE", "SCHEMA_OWNER_ROLE"];

/// Privilege (or `member`), type and name of the object.
type Cell = (String, String, String);

/// What each functional role has.
fn expected() -> BTreeMap<&'static str, BTreeSet<Cell>> {
    let mut cells: BTreeMap<&str, BTreeSet<Cell>> = BTreeMap::new();
    for (roles, lines) in PRIVILEGES {
        for line in lines.lines() {
            let mut columns = line.split('|').map(str::trim);
            let (kind, name) = columns.next().unwrap().split_once(' ').unwrap();
            let columns: Vec<&str> = columns.collect();
            assert_eq!(columns.len(), roles.len(), "{line}");
            for (role, privileges) in roles.iter().zip(columns) {
                let own = cells.entry(role).or_default();
                for privilege in privileges.split(" + ").filter(|p| *p != "-") {
                    own.insert((privilege.to_owned(), kind.to_owned(), name.to_owned()));
                }
            }
        }
    }
    cells
}

fn cells(rows: Vec<Vec<String>>) -> BTreeSet<Cell> {
    rows.into_iter().map(|row| <[String; 3]>::try_from(row).unwrap().into()).collect()
}

async fn names(client: &Client, sql: &str) -> BTreeSet<String> {
    column(client, sql).await.into_iter().collect()
}

#[tokio::test]
async fn every_cell_of_the_privilege_matrix_and_nothing_more() {
    let running = demo();
    let client = connect(&running.url).await;
    let expected = expected();
    assert_eq!(expected.len(), 13);
    let found = names(&client, "SELECT role_name FROM roles WHERE role_name LIKE 'FR\\_%'").await;
    assert_eq!(found, expected.keys().map(|&role| role.to_owned()).collect());
    for (role, wanted) in &expected {
        let (members, granted): (BTreeSet<Cell>, BTreeSet<Cell>) =
            wanted.iter().cloned().partition(|(privilege, ..)| privilege == "member");
        let grants = format!("SELECT privilege, object_type, object FROM grants WHERE grantee = '{role}'");
        assert_eq!(cells(rows(&client, &grants).await), granted, "{role}: grants");
        let roles = format!("SELECT 'member', role_type, role_name FROM role_grants WHERE grantee = '{role}'");
        assert_eq!(cells(rows(&client, &roles).await), members, "{role}: role_grants");
        // The same by the function; `_` is LIKE's wildcard.
        let pattern = role.replace('_', "\\_");
        let own = format!(
            "SELECT CASE source WHEN 'member' THEN 'member' ELSE privilege END, object_type, object \
             FROM matrix('{pattern}') WHERE direct"
        );
        assert_eq!(cells(rows(&client, &own).await), *wanted, "{role}: matrix()");
        let options = format!("SELECT count(*) FROM matrix('{pattern}') WHERE grant_option");
        assert_eq!(column(&client, &options).await, ["0"], "{role}: grant options");
    }
}

#[tokio::test]
async fn future_tables_of_the_work_schema_are_covered_as_the_tables_are() {
    let running = demo();
    let client = connect(&running.url).await;
    let sql = "SELECT grantee, privilege, object_type || ' ' || object_database || '.' || object_schema \
               FROM future_grants";
    let mut wanted = BTreeSet::new();
    for (role, privileges) in
        [("FR_SANDBOX_WORK_WRITE", "SELECT INSERT UPDATE DELETE"), ("FR_SANDBOX_WORK_READ", "SELECT")]
    {
        for privilege in privileges.split(' ') {
            wanted.insert((role.to_owned(), privilege.to_owned(), "TABLE SANDBOX_DB.WORK".to_owned()));
        }
    }
    assert_eq!(cells(rows(&client, sql).await), wanted);
}

#[tokio::test]
async fn every_cell_of_the_inclusion_matrix_and_nothing_more() {
    let running = demo();
    let client = connect(&running.url).await;
    for (role, expected) in [
        ("DEVELOPER_ROLE", INCLUDED.iter().filter(|i| i.1).map(|i| i.0.to_owned()).collect()),
        ("VIEWER_ROLE", INCLUDED.iter().filter(|i| i.2).map(|i| i.0.to_owned()).collect()),
        ("SCHEMA_OWNER_ROLE", BTreeSet::new()),
    ] {
        let sql = format!("SELECT role_name FROM role_grants WHERE grantee = '{role}'");
        assert_eq!(names(&client, &sql).await, expected, "{role}");
    }
    // All of them roll up to SYSADMIN.
    let all: BTreeSet<String> = INCLUDED.iter().map(|i| i.0).chain(BUSINESS).map(str::to_owned).collect();
    assert_eq!(names(&client, "SELECT role_name FROM role_grants WHERE grantee = 'SYSADMIN'").await, all);
    for (user, expected) in [("SANDBOX_USER", &BUSINESS[..]), ("MAIN", &BUSINESS[..2])] {
        let sql = format!("SELECT role_name FROM role_grants WHERE granted_to = 'USER' AND grantee = '{user}'");
        assert_eq!(names(&client, &sql).await, expected.iter().map(|&role| role.to_owned()).collect(), "{user}");
    }
}

#[tokio::test]
async fn people_end_up_with_their_roles_cells_and_nothing_more() {
    let running = demo();
    let client = connect(&running.url).await;
    let expected = expected();
    // Both people have both business roles, and the two include every functional role between them.
    let mut everything: BTreeSet<Cell> = expected.values().flatten().cloned().collect();
    everything.retain(|(privilege, ..)| privilege != "member");
    for user in ["SANDBOX_USER", "MAIN"] {
        let sql = format!(
            "SELECT privilege, object_type, object FROM effective_privileges \
             WHERE user_name = '{user}' AND source <> 'ownership'"
        );
        if user == "SANDBOX_USER" {
            let owned = "SELECT DISTINCT object FROM effective_privileges WHERE source = 'ownership'";
            assert_eq!(column(&client, owned).await, ["MANAGED_ACCESS_DB.MANAGED_SCHEMA"]);
            let owners = "SELECT DISTINCT user_name FROM effective_privileges WHERE privilege = 'OWNERSHIP'";
            assert_eq!(column(&client, owners).await, ["SANDBOX_USER"]);
        }
        assert_eq!(cells(rows(&client, &sql).await), everything, "{user}");
        let unusable = format!("SELECT object FROM effective_privileges WHERE user_name = '{user}' AND NOT usable");
        assert_eq!(column(&client, &unusable).await, Vec::<String>::new(), "{user}: all of it can be used");
    }
    // Each role alone: what the role lens shows of one functional role is its line of the matrix.
    for (role, wanted) in &expected {
        let (developer, viewer) = INCLUDED.iter().find(|i| i.0 == *role).map(|i| (i.1, i.2)).unwrap();
        for (business, includes) in [("DEVELOPER_ROLE", developer), ("VIEWER_ROLE", viewer)] {
            let via = format!(
                "SELECT DISTINCT privilege, object_type, object FROM matrix('{}') \
                 WHERE via_role = '{role}' AND source <> 'member'",
                business.replace('_', "\\_")
            );
            let mut cell = if includes { wanted.clone() } else { BTreeSet::new() };
            cell.retain(|(privilege, ..)| privilege != "member");
            assert_eq!(cells(rows(&client, &via).await), cell, "{business} through {role}");
        }
    }
}
