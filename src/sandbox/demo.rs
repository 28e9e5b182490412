//! The demo account, as a script that makes it.

/// Snowflake SQL, to be run as ACCOUNTADMIN on an account that has the system roles and the database SNOWFLAKE.
pub const DEMO: &str = include_str!("demo.sql");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::engine::SandboxEngine;
    use crate::sandbox::protocol::engine::{Engine as _, LoginRequest};
    use datafusion::arrow::util::display::array_value_to_string;
    use grantd_catalog::account::{Account, Reach};
    use grantd_catalog::model::{Change, Ident, ObjectRef, Principal, Properties};
    use grantd_catalog::sql::{Kind, parse_changes, parse_script};
    use std::collections::BTreeSet;

    fn id(text: &str) -> Ident {
        Ident::new(text).unwrap()
    }

    /// What the script expects to be there.
    fn bootstrap() -> Account {
        let mut account = Account::new("DEMO");
        let mut create = |change: Change| account.apply(&change, None).unwrap();
        let none = Properties::default;
        for role in ["ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN"] {
            create(Change::CreateRole { role: Principal::role(id(role)), properties: none() });
        }
        create(Change::CreateObject { object: ObjectRef::database(id("SNOWFLAKE")), properties: none() });
        for role in ["CORTEX_USER", "CORTEX_AGENT_USER", "SECURITY_VIEWER", "OBJECT_VIEWER"] {
            let role = Principal::database_role(id("SNOWFLAKE"), id(role));
            create(Change::CreateRole { role, properties: none() });
        }
        account
    }

    fn made() -> Account {
        let mut account = bootstrap();
        for change in parse_changes(DEMO, &account).unwrap() {
            account.apply(&change, None).unwrap();
        }
        account
    }

    #[test]
    fn the_script_holds_only_statements_that_change_access_control_and_use() {
        for statement in parse_script(DEMO).unwrap() {
            let known = matches!(
                statement.kind,
                Kind::GrantPrivileges { .. }
                    | Kind::GrantOwnership { .. }
                    | Kind::GrantRole { .. }
                    | Kind::Create(_)
                    | Kind::Use(_)
            );
            assert!(known, "{}: {:?}", statement.at, statement.kind);
        }
    }

    /// Every privilege of the functional roles, as the matrix has it: `role: PRIVILEGE TYPE NAME`.
    #[test]
    fn functional_roles_hold_exactly_the_privileges_of_the_matrix() {
        let mut want: BTreeSet<String> = BTreeSet::new();
        let mut row = |roles: &str, privileges: &str, object: &str| {
            for role in roles.split(' ') {
                want.extend(privileges.split(" + ").map(|p| format!("FR_{role}: {p} {object}")));
            }
        };
        row("WH_SANDBOX_OPERATE", "USAGE + OPERATE", "WAREHOUSE SANDBOX_WH");
        row("WH_SANDBOX_USE", "USAGE", "WAREHOUSE SANDBOX_WH");
        row("WH_MV_OPERATE", "USAGE + OPERATE", "WAREHOUSE MV_WH");
        row("WH_MV_USE", "USAGE", "WAREHOUSE MV_WH");
        row("SANDBOX_WORK_WRITE SANDBOX_WORK_READ", "USAGE", "DATABASE SANDBOX_DB");
        row("SANDBOX_WORK_WRITE", "USAGE + CREATE TABLE + CREATE VIEW", "SCHEMA SANDBOX_DB.WORK");
        row("SANDBOX_WORK_READ", "USAGE", "SCHEMA SANDBOX_DB.WORK");
        for table in ["DAILY_CASES", "NOTES"] {
            let table = format!("TABLE SANDBOX_DB.WORK.{table}");
            row("SANDBOX_WORK_WRITE", "SELECT + INSERT + UPDATE + DELETE", &table);
            row("SANDBOX_WORK_READ", "SELECT", &table);
        }
        row("SANDBOX_WORK_WRITE", "USAGE", "STAGE SANDBOX_DB.WORK.EXTERNAL_S3_STAGE");
        let covid = "RAW_COVID19_WRITE RAW_COVID19_READ";
        row(covid, "USAGE", "DATABASE RAW_DB");
        row("RAW_COVID19_WRITE", "USAGE + CREATE TABLE + CREATE VIEW", "SCHEMA RAW_DB.COVID19");
        row("RAW_COVID19_READ", "USAGE", "SCHEMA RAW_DB.COVID19");
        row(covid, "USAGE", "STAGE RAW_DB.COVID19.COVID19_S3_STAGE");
        row(covid, "USAGE", "STAGE RAW_DB.COVID19.COVID19_WORLD_TESTING_STAGE");
        row(covid, "SELECT", "EXTERNAL_TABLE RAW_DB.COVID19.EXT_JHU_TIMESERIES");
        row(covid, "SELECT", "EXTERNAL_TABLE RAW_DB.COVID19.EXT_COVID19_WORLD_TESTING");
        row(covid, "SELECT", "MATERIALIZED_VIEW RAW_DB.COVID19.MV_JHU_TIMESERIES");
        row(covid, "SELECT", "MATERIALIZED_VIEW RAW_DB.COVID19.MV_COVID19_WORLD_TESTING");
        let budget = "BUDGET_BOOK_WRITE BUDGET_BOOK_READ";
        row(budget, "USAGE", "DATABASE RAW_DB");
        row("BUDGET_BOOK_WRITE", "USAGE + CREATE TABLE + CREATE VIEW + CREATE STAGE", "SCHEMA RAW_DB.BUDGET_BOOK");
        row("BUDGET_BOOK_READ", "USAGE", "SCHEMA RAW_DB.BUDGET_BOOK");
        let transactions = "TABLE RAW_DB.BUDGET_BOOK.TRANSACTIONS";
        row("BUDGET_BOOK_WRITE", "SELECT + INSERT + UPDATE + DELETE + TRUNCATE", transactions);
        row("BUDGET_BOOK_READ", "SELECT", transactions);
        row("BUDGET_BOOK_WRITE", "READ + WRITE", "STAGE RAW_DB.BUDGET_BOOK.BUDGET_BOOK_STAGE");
        row("BUDGET_BOOK_READ", "READ", "STAGE RAW_DB.BUDGET_BOOK.BUDGET_BOOK_STAGE");
        row(budget, "USAGE", "FILE_FORMAT RAW_DB.BUDGET_BOOK.BUDGET_BOOK_CSV_FORMAT");
        let cortex = "CORTEX_ADMIN CORTEX_USE";
        row(cortex, "USAGE", "DATABASE CORTEX_DB");
        row(cortex, "USAGE", "SCHEMA CORTEX_DB.SEMANTIC_MODELS");
        row("CORTEX_ADMIN", "USAGE + CREATE CORTEX SEARCH SERVICE", "SCHEMA CORTEX_DB.SEARCH_SERVICES");
        row("CORTEX_USE", "USAGE", "SCHEMA CORTEX_DB.SEARCH_SERVICES");
        row(cortex, "USAGE", "SCHEMA CORTEX_DB.AGENTS");
        row("CORTEX_ADMIN", "READ + WRITE", "STAGE CORTEX_DB.SEMANTIC_MODELS.SEMANTIC_MODEL_FILES");
        row("CORTEX_USE", "READ", "STAGE CORTEX_DB.SEMANTIC_MODELS.SEMANTIC_MODEL_FILES");
        row(cortex, "SELECT", "SEMANTIC_VIEW CORTEX_DB.SEMANTIC_MODELS.COVID19_SEMANTIC");
        row(cortex, "SELECT", "SEMANTIC_VIEW CORTEX_DB.SEMANTIC_MODELS.BUDGET_BOOK_SEMANTIC");
        row(cortex, "USAGE", "AGENT CORTEX_DB.AGENTS.COVID19_AGENT");
        row(cortex, "USAGE", "AGENT CORTEX_DB.AGENTS.BUDGET_BOOK_AGENT");
        row("CORTEX_ADMIN", "USAGE + MONITOR", "CORTEX_SEARCH_SERVICE CORTEX_DB.SEARCH_SERVICES.BUDGET_BOOK_SEARCH");
        row("CORTEX_USE", "USAGE", "CORTEX_SEARCH_SERVICE CORTEX_DB.SEARCH_SERVICES.BUDGET_BOOK_SEARCH");
        row("MANAGED_ACCESS_TEST", "USAGE", "DATABASE MANAGED_ACCESS_DB");
        row("MANAGED_ACCESS_TEST", "USAGE + CREATE TABLE", "SCHEMA MANAGED_ACCESS_DB.MANAGED_SCHEMA");
        // Beside the matrix: the login of grantd.
        want.insert("GRANTD_SYNC: USAGE WAREHOUSE GRANTD_WH".to_owned());
        for privilege in ["MONITOR USER", "MONITOR ROLE", "RESOLVE ALL"] {
            want.insert(format!("GRANTD_SYNC: {privilege} ACCOUNT ACCOUNT"));
        }
        let account = made();
        let is = |g: grantd_catalog::account::Grant| {
            format!("{}: {} {} {}", g.grantee.shown(), g.privilege, g.object.object_type, g.object.shown())
        };
        let is: BTreeSet<String> = account.grants().map(is).collect();
        assert_eq!(is, want);
        let future = account.container_grants().filter(|g| g.reach == Reach::Future);
        let future: BTreeSet<String> = future.map(|g| format!("{} {}", g.grantee.shown(), g.privilege)).collect();
        let future: Vec<&str> = future.iter().map(String::as_str).collect();
        assert_eq!(
            future,
            [
                "FR_SANDBOX_WORK_READ SELECT",
                "FR_SANDBOX_WORK_WRITE DELETE",
                "FR_SANDBOX_WORK_WRITE INSERT",
                "FR_SANDBOX_WORK_WRITE SELECT",
                "FR_SANDBOX_WORK_WRITE UPDATE"
            ]
        );
    }

    #[test]
    fn memberships_are_those_of_the_matrix_and_every_custom_role_is_in_sysadmin() {
        let account = made();
        let of = |member: Principal| -> Vec<String> {
            let mut roles: Vec<String> =
                account.memberships().filter(|m| m.member == member).map(|m| m.role.shown()).collect();
            roles.sort();
            roles
        };
        let role = |name: &str| Principal::role(id(name));
        assert_eq!(
            of(role("DEVELOPER_ROLE")),
            [
                "FR_BUDGET_BOOK_WRITE",
                "FR_CORTEX_ADMIN",
                "FR_CORTEX_USE",
                "FR_MANAGED_ACCESS_TEST",
                "FR_RAW_COVID19_WRITE",
                "FR_SANDBOX_WORK_WRITE",
                "FR_WH_MV_OPERATE",
                "FR_WH_SANDBOX_OPERATE"
            ]
        );
        assert_eq!(
            of(role("VIEWER_ROLE")),
            [
                "FR_BUDGET_BOOK_READ",
                "FR_CORTEX_USE",
                "FR_RAW_COVID19_READ",
                "FR_SANDBOX_WORK_READ",
                "FR_WH_MV_USE",
                "FR_WH_SANDBOX_USE"
            ]
        );
        let custom = |p: &Principal| {
            let name = p.name.as_str();
            name.starts_with("FR_") || ["DEVELOPER_ROLE", "VIEWER_ROLE", "SCHEMA_OWNER_ROLE"].contains(&name)
        };
        let mut all: Vec<String> = account.principals().filter(|(p, _)| custom(p)).map(|(p, _)| p.shown()).collect();
        all.sort();
        assert_eq!(all.len(), 16);
        assert_eq!(of(role("SYSADMIN")), all);
        let cortex = ["SNOWFLAKE.CORTEX_AGENT_USER", "SNOWFLAKE.CORTEX_USER"];
        assert_eq!(of(role("FR_CORTEX_ADMIN")), cortex);
        assert_eq!(of(role("FR_CORTEX_USE")), cortex);
        let user = |name: &str| Principal::user(id(name));
        assert_eq!(of(user("SANDBOX_USER")), ["DEVELOPER_ROLE", "SCHEMA_OWNER_ROLE", "VIEWER_ROLE"]);
        assert_eq!(of(user("MAIN")), ["DEVELOPER_ROLE", "VIEWER_ROLE"]);
        assert_eq!(of(user("GRANTD_SVC")), ["GRANTD_SYNC"]);
        assert_eq!(of(role("GRANTD_SYNC")), ["SNOWFLAKE.OBJECT_VIEWER", "SNOWFLAKE.SECURITY_VIEWER"]);
    }

    /// The script on the sandbox's own account, seen by the login that it makes for grantd.
    #[tokio::test]
    async fn the_service_user_reads_what_the_script_made() {
        let engine = SandboxEngine::new("DEMO");
        engine.run_script(DEMO).unwrap();
        let login = LoginRequest { login_name: "GRANTD_SVC".to_owned(), ..LoginRequest::default() };
        let mut session = engine.open(&login).unwrap();
        let mut count = async |view: &str, filter: &str| {
            let sql = format!("SELECT COUNT(*)::VARCHAR FROM SNOWFLAKE.ACCOUNT_USAGE.{view} WHERE {filter}");
            let answer = session.execute(&sql, false, &serde_json::Map::new()).await.unwrap();
            let cell = answer.batches.first().unwrap().column(0);
            array_value_to_string(cell, 0).unwrap().parse::<usize>().unwrap()
        };
        assert_eq!(count("USERS", "NAME IN ('SANDBOX_USER', 'MAIN', 'GRANTD_SVC')").await, 3);
        assert_eq!(count("ROLES", "NAME LIKE 'FR_%'").await, 13);
        assert_eq!(count("TABLES", "TABLE_CATALOG = 'RAW_DB' AND TABLE_OWNER = 'SYSADMIN'").await, 5);
        assert_eq!(count("SEMANTIC_VIEWS", "OWNER = 'SYSADMIN'").await, 2);
        assert_eq!(count("SCHEMATA", "IS_MANAGED_ACCESS = 'YES' AND SCHEMA_OWNER = 'SCHEMA_OWNER_ROLE'").await, 1);
        assert_eq!(count("GRANTS_TO_USERS", "GRANTEE_NAME = 'SANDBOX_USER'").await, 3);
        let memberships = "GRANTED_ON = 'ROLE' AND PRIVILEGE = 'USAGE' AND GRANTEE_NAME = 'SYSADMIN'";
        assert_eq!(count("GRANTS_TO_ROLES", memberships).await, 16);
        let builtin =
            "GRANTED_ON = 'ROLE' AND PRIVILEGE = 'USAGE' AND GRANTEE_NAME = 'ACCOUNTADMIN' AND GRANTED_BY = ''";
        assert_eq!(count("GRANTS_TO_ROLES", builtin).await, 2);
        let agents = "GRANTED_ON = 'CORTEX_AGENT' AND PRIVILEGE = 'USAGE'";
        assert_eq!(count("GRANTS_TO_ROLES", agents).await, 4);
    }
}
