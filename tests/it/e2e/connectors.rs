//! A person changes the account with the official connectors; grantd sees exactly that, and can take it back.

use crate::support::operator::{keys, operator_sql};
use crate::support::wire::{column, connect, rows};
use crate::support::{Running, client_folder, demo_of, environments, utf8};
use grantd::sandbox::demo::DEMO;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

fn folder() -> PathBuf {
    client_folder("connector")
}

/// The pythons of the pinned connectors, oldest first; made at the first call.
pub(super) fn pythons() -> &'static [String] {
    static PYTHONS: OnceLock<Vec<String>> = OnceLock::new();
    PYTHONS.get_or_init(|| environments("connector"))
}

/// Runs rbac.py as the operator against a sandbox; what it printed.
pub(super) fn rbac(python: &str, running: &Running, args: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("operator.p8");
    std::fs::write(&key, &keys().private_key_pem).unwrap();
    let port = running.sandbox.rsplit(':').next().unwrap();
    let output = Command::new(python)
        .arg(folder().join("rbac.py"))
        .args([port, utf8(&key)])
        .args(args)
        .env("SNOWFLAKE_HOME", home.path())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Change, object and grantee of every difference that `rbac.py change` makes.
const CHANGES: [[&str; 3]; 9] = [
    ["create role", "AUDITOR", "NULL"],
    ["create user", "\"eve@example.com\"", "NULL"],
    ["grant future privilege", "RAW_DB.BUDGET_BOOK", "AUDITOR"],
    ["grant privilege", "RAW_DB.BUDGET_BOOK.TRANSACTIONS", "AUDITOR"],
    ["grant privilege", "SANDBOX_WH", "AUDITOR"],
    ["grant role", "AUDITOR", "eve@example.com"],
    ["grant role", "FR_BUDGET_BOOK_READ", "AUDITOR"],
    ["revoke privilege", "RAW_DB.BUDGET_BOOK.TRANSACTIONS", "FR_BUDGET_BOOK_WRITE"],
    ["revoke role", "VIEWER_ROLE", "MAIN"],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_has_what_a_person_changed_and_its_script_takes_it_back() {
    for (python, version) in pythons().iter().zip(["4.8.1", "5.2.0"]) {
        let running = demo_of(&format!("{DEMO}{}", operator_sql()));
        let client = connect(&running.url).await;
        assert_eq!(column(&client, "SELECT change FROM drift").await, Vec::<String>::new());
        assert_eq!(rbac(python, &running, &["change"]), version);

        assert_eq!(column(&client, "SELECT count(*) FROM drift").await, ["0"], "not before the next sync");
        rows(&client, "CALL sync('demo')").await;
        let drift = "SELECT change, object, grantee FROM drift";
        let found: BTreeSet<Vec<String>> = rows(&client, drift).await.into_iter().collect();
        let wanted: BTreeSet<Vec<String>> = CHANGES.iter().map(|change| change.map(str::to_owned).to_vec()).collect();
        assert_eq!(found, wanted, "{version}");
        assert_eq!(column(&client, "SELECT count(*) FROM drift").await, [wanted.len().to_string()]);

        // What a person did is what people can do now.
        let eve = "SELECT privilege, usable FROM effective_privileges WHERE user_name = 'eve@example.com' \
                   AND object = 'RAW_DB.BUDGET_BOOK.TRANSACTIONS' ORDER BY privilege";
        assert_eq!(rows(&client, eve).await, [["INSERT", "t"], ["SELECT", "t"]]);
        // The owner's roles remain.
        let delete = "SELECT user_name, source FROM who_can('DELETE', 'RAW_DB.BUDGET_BOOK.TRANSACTIONS')";
        assert_eq!(rows(&client, delete).await, [["OPERATOR", "ownership"]]);

        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("revert.sql");
        let statements = column(&client, "SELECT sql FROM drift_sql('demo')").await;
        assert!(!statements.is_empty() && statements.iter().all(|sql| !sql.contains('\n')), "{statements:?}");
        std::fs::write(&script, statements.join("\n")).unwrap();
        assert_eq!(rbac(python, &running, &["run", utf8(&script)]), version);
        rows(&client, "CALL sync('demo')").await;
        assert_eq!(rows(&client, drift).await, Vec::<Vec<String>>::new(), "{version}: {statements:?}");
        assert_eq!(column(&client, "SELECT drift FROM accounts").await, ["0"]);
    }
}
