//! Tools that write grants, as they come from their registry, on the sandbox: grantd shows exactly what they granted.

use crate::support::operator::{OPERATOR, keys, operator_sql};
use crate::support::wire::{connect, rows};
use crate::support::{Running, client_folder, demo_of, environments, utf8, write_key};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    client_folder("writers")
}

fn account() -> Running {
    demo_of(&format!("{}{}", std::fs::read_to_string(folder().join("account.sql")).unwrap(), operator_sql()))
}

/// Runs a tool as the operator against the sandbox.
fn run(tool: &Path, args: &[&str], running: &Running) {
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("operator.p8");
    write_key(&key, &keys().private_key_pem);
    let port = running.sandbox.rsplit(':').next().unwrap();
    let connection = format!(
        "[work]\naccount = \"SANDBOX\"\nuser = \"{OPERATOR}\"\nrole = \"ACCOUNTADMIN\"\nhost = \"127.0.0.1\"\n\
         port = {port}\nprotocol = \"http\"\nauthenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"{}\"\n",
        utf8(&key)
    );
    write_key(&home.path().join("connections.toml"), &connection);
    let mut command = Command::new(tool);
    command.args(args).current_dir(folder());
    for (name, value) in [
        ("HOME", utf8(home.path())),
        ("SNOWFLAKE_HOME", utf8(home.path())),
        ("NO_PROXY", "127.0.0.1"),
        ("SNOWFLAKE_TEST_URL", &running.sandbox),
        ("PYTHONPATH", utf8(&folder().join("redirect"))),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        // permifrost and tundra.
        ("PERMISSION_BOT_USER", OPERATOR),
        ("PERMISSION_BOT_ACCOUNT", "SANDBOX"),
        ("PERMISSION_BOT_DATABASE", "RAW"),
        ("PERMISSION_BOT_WAREHOUSE", "LOADING"),
        ("PERMISSION_BOT_ROLE", "SECURITYADMIN"),
        ("PERMISSION_BOT_KEY_PATH", utf8(&key)),
        // snowcap.
        ("SNOWFLAKE_ACCOUNT", "SANDBOX"),
        ("SNOWFLAKE_USER", OPERATOR),
        ("SNOWFLAKE_ROLE", "ACCOUNTADMIN"),
        ("SNOWFLAKE_AUTHENTICATOR", "SNOWFLAKE_JWT"),
        ("SNOWFLAKE_PRIVATE_KEY_PATH", utf8(&key)),
    ] {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}: {}{}", tool.display(), text(&output.stdout), text(&output.stderr));
    assert!(!text(&output.stdout).contains("[ERROR]"), "{}", text(&output.stdout));
}

/// What the roles of the specification have after a sync, one line each.
async fn granted(running: &Running) -> BTreeSet<String> {
    let client = connect(&running.url).await;
    rows(&client, "CALL sync('demo')").await;
    let roles = "('ANALYST', 'LOADER', 'REPORTER')";
    let users = "('ALICE', 'BOB')";
    let mut all = BTreeSet::new();
    for sql in [
        format!(
            "SELECT privilege, object_type, object, grantee FROM grants WHERE grantee IN {roles} AND privilege <> 'OWNERSHIP'"
        ),
        format!(
            "SELECT 'FUTURE ' || privilege, object_type, concat_ws('.', object_database, object_schema), grantee FROM future_grants WHERE grantee IN {roles}"
        ),
        format!(
            "SELECT 'ROLE', role_name, 'TO', grantee FROM role_grants WHERE role_name IN {roles} AND grantee IN {roles} OR grantee IN {users}"
        ),
    ] {
        all.extend(rows(&client, &sql).await.into_iter().map(|row| row.join(" ")));
    }
    all
}

fn set<'a>(lines: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    lines.into_iter().map(str::to_owned).collect()
}

/// What permifrost and tundra make of `spec.yml`.
const SPECIFIED: [&str; 28] = [
    "USAGE WAREHOUSE LOADING ANALYST",
    "OPERATE WAREHOUSE LOADING ANALYST",
    "MONITOR WAREHOUSE LOADING ANALYST",
    "USAGE DATABASE RAW ANALYST",
    "USAGE SCHEMA RAW.SALES ANALYST",
    "SELECT TABLE RAW.SALES.ORDERS ANALYST",
    "SELECT TABLE RAW.SALES.ITEMS ANALYST",
    "SELECT VIEW RAW.SALES.OPEN_ORDERS ANALYST",
    "FUTURE SELECT TABLE RAW.SALES ANALYST",
    "FUTURE SELECT VIEW RAW.SALES ANALYST",
    "USAGE WAREHOUSE LOADING LOADER",
    "OPERATE WAREHOUSE LOADING LOADER",
    "MONITOR WAREHOUSE LOADING LOADER",
    "USAGE DATABASE MART LOADER",
    "MONITOR DATABASE MART LOADER",
    "CREATE SCHEMA DATABASE MART LOADER",
    "USAGE SCHEMA MART.CORE LOADER",
    "SELECT TABLE MART.CORE.FACTS LOADER",
    "INSERT TABLE MART.CORE.FACTS LOADER",
    "UPDATE TABLE MART.CORE.FACTS LOADER",
    "DELETE TABLE MART.CORE.FACTS LOADER",
    "TRUNCATE TABLE MART.CORE.FACTS LOADER",
    "REFERENCES TABLE MART.CORE.FACTS LOADER",
    "FUTURE SELECT TABLE MART.CORE LOADER",
    "FUTURE SELECT VIEW MART.CORE LOADER",
    "ROLE ANALYST TO LOADER",
    "ROLE ANALYST TO ALICE",
    "ROLE LOADER TO BOB",
];

/// What tundra adds: it takes more types to be read as tables are.
const SPECIFIED_TO_TUNDRA: [&str; 8] = [
    "FUTURE SELECT DYNAMIC_TABLE RAW.SALES ANALYST",
    "FUTURE SELECT ICEBERG_TABLE RAW.SALES ANALYST",
    "FUTURE SELECT SEMANTIC_VIEW RAW.SALES ANALYST",
    "FUTURE USAGE STREAMLIT RAW.SALES ANALYST",
    "FUTURE SELECT DYNAMIC_TABLE MART.CORE LOADER",
    "FUTURE SELECT ICEBERG_TABLE MART.CORE LOADER",
    "FUTURE SELECT SEMANTIC_VIEW MART.CORE LOADER",
    "FUTURE USAGE STREAMLIT MART.CORE LOADER",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tools_grant_is_what_grantd_shows() {
    let environments = environments("writers");
    let [permifrost, snow, tundra, snowcap] = environments.as_slice() else { panic!("{environments:?}") };
    let [permifrost, snow, tundra, snowcap] = [permifrost, snow, tundra, snowcap].map(Path::new);

    let sandbox = account();
    run(&permifrost.join("bin/permifrost"), &["run", "spec.yml"], &sandbox);
    assert_eq!(granted(&sandbox).await, set(SPECIFIED), "permifrost");

    let sandbox = account();
    let arguments = ["sql", "-c", "work", "-f", "grants.sql", "--format", "json", "--enable-templating", "NONE"];
    run(&snow.join("bin/snow"), &arguments, &sandbox);
    let wanted = [
        "ROLE LOADER TO BOB",
        "USAGE DATABASE RAW LOADER",
        "USAGE SCHEMA RAW.SALES LOADER",
        "INSERT TABLE RAW.SALES.ORDERS LOADER",
        "INSERT TABLE RAW.SALES.ITEMS LOADER",
    ];
    assert_eq!(granted(&sandbox).await, set(wanted), "snow");

    let sandbox = account();
    run(&tundra.join("bin/tundra"), &["run", "spec.yml"], &sandbox);
    assert_eq!(granted(&sandbox).await, set(SPECIFIED.into_iter().chain(SPECIFIED_TO_TUNDRA)), "tundra");

    let sandbox = account();
    run(&snowcap.join("bin/snowcap"), &["apply", "--config", "snowcap.yml"], &sandbox);
    let wanted = [
        "ROLE REPORTER TO LOADER",
        "ROLE REPORTER TO ALICE",
        "USAGE WAREHOUSE LOADING REPORTER",
        "USAGE DATABASE RAW REPORTER",
        "USAGE SCHEMA RAW.SALES REPORTER",
        "SELECT TABLE RAW.SALES.ORDERS REPORTER",
        "SELECT TABLE RAW.SALES.ITEMS REPORTER",
        "FUTURE SELECT TABLE RAW.SALES REPORTER",
    ];
    assert_eq!(granted(&sandbox).await, set(wanted), "snowcap");
}
