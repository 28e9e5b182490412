//! The same account by sync and by import of its exports is the same account.

use super::connectors::{pythons, rbac};
use crate::support::operator::{OPERATOR, keys, operator_sql};
use crate::support::wire::{column, connect, rows};
use crate::support::{demo_of, grantd, outcome, serve, utf8, write_key};
use grantd::sandbox::demo::DEMO;
use std::path::Path;
use tokio_postgres::Client;

/// A configuration with the sandbox as the account `live`, and the operator's key.
pub(super) fn write_config(config: &Path, key: &Path, sandbox: &str) {
    write_key(key, &keys().private_key_pem);
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = \"state\"\n\n[[account]]\nname = \"live\"\n\
         account_identifier = \"SANDBOX\"\nhost = \"{sandbox}\"\nuser = \"{OPERATOR}\"\nrole = \"ACCOUNTADMIN\"\n\
         private_key_file = \"{}\"\nsync_interval = \"0\"\n",
        key.file_name().unwrap().to_str().unwrap()
    );
    std::fs::write(config, text).unwrap();
}

/// What goes beyond the demo account: odd names, a shadowed template, grants to a user, a database role, a dropped table
/// whose name is taken again.
const MORE: &str = r#"
USE ROLE ACCOUNTADMIN;
CREATE ROLE "my ""odd"" Role.$ é";
CREATE USER "ann.lee@example.com" DEFAULT_SECONDARY_ROLES = () DISABLED = TRUE COMMENT = 'two
lines, a "quote"';
GRANT ROLE "my ""odd"" Role.$ é" TO USER "ann.lee@example.com";
CREATE DATABASE "A.B";
CREATE SCHEMA "A.B"."C D" WITH MANAGED ACCESS;
CREATE TABLE "A.B"."C D"."x""y" (ID NUMBER);
DROP TABLE "A.B"."C D"."x""y";
CREATE TABLE "A.B"."C D"."x""y" (ID NUMBER);
CREATE VIEW "A.B"."C D".V AS SELECT 1 AS ONE;
CREATE FUNCTION "A.B"."C D".F(A NUMBER, B VARCHAR) RETURNS NUMBER AS '1';
CREATE SEQUENCE "A.B"."C D".SEQ;
CREATE DATABASE ROLE "A.B".READER;
CREATE DATABASE ROLE "A.B".WRITER;
GRANT DATABASE ROLE "A.B".READER TO DATABASE ROLE "A.B".WRITER;
GRANT DATABASE ROLE "A.B".WRITER TO ROLE "my ""odd"" Role.$ é";
GRANT USAGE ON SCHEMA "A.B"."C D" TO DATABASE ROLE "A.B".READER;
GRANT SELECT ON TABLE "A.B"."C D"."x""y" TO DATABASE ROLE "A.B".READER;
GRANT SELECT ON VIEW "A.B"."C D".V TO ROLE PUBLIC;
GRANT USAGE ON FUNCTION "A.B"."C D".F(NUMBER, VARCHAR) TO ROLE "my ""odd"" Role.$ é" WITH GRANT OPTION;
GRANT USAGE ON DATABASE "A.B" TO USER "ann.lee@example.com";
GRANT SELECT ON FUTURE TABLES IN DATABASE "A.B" TO ROLE "my ""odd"" Role.$ é";
GRANT SELECT ON FUTURE TABLES IN SCHEMA "A.B"."C D" TO DATABASE ROLE "A.B".READER;
"#;

/// Relations of an account's state, with the columns that may differ though the account is the same.
const RELATIONS: &[(&str, &[&str])] = &[
    // The sync itself is a login of the user it uses.
    ("users", &["last_success_login"]),
    ("roles", &[]),
    ("role_grants", &[]),
    ("grants", &[]),
    ("future_grants", &[]),
    ("inherited_grants", &[]),
    ("objects", &[]),
    ("databases", &[]),
    ("schemas", &[]),
    ("warehouses", &[]),
    ("effective_roles", &[]),
    ("effective_privileges", &[]),
    ("effective_grants", &[]),
];

/// The columns of a relation in which the same account cannot differ.
async fn columns_of(client: &Client, relation: &str, free: &[&str]) -> Vec<String> {
    let columns = format!(
        "SELECT attname FROM pg_attribute WHERE attrelid = '{relation}'::regclass AND attnum > 0 ORDER BY attnum"
    );
    let mut columns = column(client, &columns).await;
    columns.retain(|name| name != "account" && !free.contains(&name.as_str()));
    assert!(columns.len() > 3, "{relation}: {columns:?}");
    columns
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_syncs_of_an_unchanged_account_find_no_change() {
    let running = demo_of(&format!("{DEMO}{MORE}"));
    let client = connect(&running.url).await;
    let mut before = Vec::new();
    for (relation, free) in RELATIONS {
        let columns = columns_of(&client, relation, free).await.join(", ");
        let sql = format!("SELECT {columns} FROM {relation} ORDER BY {columns}");
        before.push((rows(&client, &sql).await, sql));
    }
    rows(&client, "CALL sync('demo')").await;
    assert_eq!(column(&client, "SELECT count(*) FROM sync_runs WHERE status = 'succeeded'").await, ["2"]);
    for (found, sql) in before {
        let after = rows(&client, &sql).await;
        assert_eq!(after.len(), found.len(), "{sql}");
        assert_eq!(after, found, "{sql}");
    }
    assert_eq!(column(&client, "SELECT count(*) FROM drift").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_and_import_make_the_same_account() {
    let sandbox = demo_of(&format!("{DEMO}{MORE}{}", operator_sql()));
    let folder = tempfile::tempdir().unwrap();
    let (config, key) = (folder.path().join("grantd.toml"), folder.path().join("key.p8"));
    let (dir, state) = (folder.path().join("exports"), folder.path().join("state"));
    write_config(&config, &key, &sandbox.sandbox);
    std::fs::create_dir(&dir).unwrap();
    rbac(&pythons()[0], &sandbox, &["export", utf8(&dir)]);
    for args in [
        &["import", "--account", "imported", "--data-dir", utf8(&state), utf8(&dir)][..],
        &["sync", "--config", utf8(&config)],
    ] {
        let (code, out, err) = outcome(&grantd(args).output().unwrap());
        assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}: {out}");
    }

    let running = serve(&config);
    let client = connect(&running.url).await;
    for (relation, free) in RELATIONS {
        let columns = columns_of(&client, relation, free).await;
        let of = |account: &str| format!("SELECT {} FROM {relation} WHERE account = '{account}'", columns.join(", "));
        let count = column(&client, &format!("SELECT count(*) FROM ({}) a", of("live"))).await;
        if *relation != "inherited_grants" {
            assert_ne!(count, ["0"], "{relation}");
        }
        for (one, other) in [("live", "imported"), ("imported", "live")] {
            let only = rows(&client, &format!("{} EXCEPT ALL {}", of(one), of(other))).await;
            assert!(only.is_empty(), "{relation}: only {one} has, of {columns:?}: {only:#?}");
        }
    }
    for worlds in ["'live', 'imported'", "'imported', 'live'"] {
        let found = rows(&client, &format!("SELECT user_name, effect, object FROM access_diff({worlds})")).await;
        assert_eq!(found, Vec::<Vec<String>>::new(), "{worlds}");
    }
    // No view has the catalogue of privileges, and nothing but privilege_catalog depends on it.
    let gaps = "SELECT account, source, reason, affects FROM coverage WHERE source <> 'VIEWS'";
    let absent = ["imported", "EXPLAIN_GRANTABLE_PRIVILEGES", "absent", "privilege_catalog"];
    assert_eq!(rows(&client, gaps).await, [absent]);
    let catalogues = "SELECT DISTINCT account, source FROM privilege_catalog ORDER BY account";
    assert_eq!(rows(&client, catalogues).await, [["imported", "shipped"], ["live", "account"]]);
    let differing = "SELECT count(*) FROM (SELECT object_type, privilege FROM privilege_catalog GROUP BY 1, 2 HAVING count(*) <> 2) x";
    assert_eq!(column(&client, differing).await, ["0"]);
}
