//! `grantd setup` makes a login that `grantd doctor` finds healthy and that a sync works with.

use crate::support::operator::{OPERATOR, Operator, operator_sql};
use crate::support::{Running, demo_of, grantd, outcome, utf8};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An account to look at.
const ACCOUNT: &str = "CREATE DATABASE DB; CREATE SCHEMA DB.S; CREATE TABLE DB.S.T (A INT); CREATE ROLE OTHER;";

/// The files of `grantd setup` in a folder, and what it said.
fn set_up(folder: &Path, more: &[&str]) -> (PathBuf, String) {
    let out = folder.join("prod");
    let args = [
        &["setup", "--account-identifier", "SANDBOX", "--name", "prod", "--service-user", "READER_SVC"][..],
        &["--role", "READER", "--warehouse", "READER_WH", "--yes", "--out", utf8(&out)],
        more,
    ];
    let (code, said, err) = outcome(&grantd(&args.concat()).output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{said}");
    (out, said)
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

/// A command on the configuration, with the sandbox as its host.
fn command(name: &str, folder: &Path, sandbox: &Running) -> Command {
    let mut command = grantd(&[name, "--config", utf8(&folder.join("grantd.toml"))]);
    command.env("GRANTD__ACCOUNT__PROD__HOST", &sandbox.sandbox);
    command
}

/// What the doctor found, and its exit code.
fn doctor(folder: &Path, sandbox: &Running) -> (Option<i32>, Vec<Value>) {
    let mut doctor = command("doctor", folder, sandbox);
    let (code, said, err) = outcome(&doctor.args(["--format", "json"]).output().unwrap());
    assert_eq!(err, "", "{said}");
    (code, serde_json::from_str(&said).unwrap())
}

fn with_status<'v>(findings: &'v [Value], status: &str) -> Vec<&'v Value> {
    findings.iter().filter(|finding| finding["status"] == status).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_setup_makes_is_healthy_and_the_doctor_sees_every_change() {
    let folder = tempfile::tempdir().unwrap();
    let (files, said) = set_up(folder.path(), &["--allowed-ip", "127.0.0.1/32"]);
    assert!(said.contains("setup.sql") && said.contains("fingerprint is SHA256:"), "{said}");
    let sandbox = demo_of(&format!("{ACCOUNT}{}{}", operator_sql(), read(&files.join("setup.sql"))));

    let (code, findings) = doctor(&files, &sandbox);
    assert_eq!(code, Some(0), "{findings:#?}");
    assert_eq!(with_status(&findings, "ok").len(), findings.len(), "{findings:#?}");
    let (code, said, err) = outcome(&command("sync", &files, &sandbox).output().unwrap());
    assert!(code == Some(0) && said.starts_with("synced account prod"), "{said}{err}");

    let operator = Operator::login(&sandbox.sandbox).await;
    for sql in ["USE ROLE ACCOUNTADMIN", "GRANT INSERT ON TABLE DB.S.T TO ROLE PUBLIC"] {
        operator.run(sql).await.unwrap();
    }
    let (code, findings) = doctor(&files, &sandbox);
    let failed = with_status(&findings, "fail");
    assert_eq!((code, failed.len()), (Some(1), 1), "{findings:#?}");
    let detail = failed[0]["detail"].as_str().unwrap();
    assert!(detail.contains("INSERT on TABLE") && detail.contains("through PUBLIC"), "{detail}");

    // What the doctor says mends it does.
    for sql in [
        "REVOKE INSERT ON TABLE DB.S.T FROM ROLE PUBLIC",
        "REVOKE DATABASE ROLE SNOWFLAKE.OBJECT_VIEWER FROM ROLE READER",
        "GRANT ROLE READER TO ROLE OTHER",
        "GRANT CREATE DATABASE ON ACCOUNT TO ROLE OTHER",
        "GRANT ROLE OTHER TO USER READER_SVC",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA DB.S TO ROLE READER",
    ] {
        operator.run(sql).await.unwrap();
    }
    let (code, findings) = doctor(&files, &sandbox);
    assert_eq!(code, Some(1), "{findings:#?}");
    let has = |status: &str, text: &str| {
        let found = with_status(&findings, status);
        let found = found.iter().find(|f| f["detail"].as_str().unwrap().contains(text));
        found.unwrap_or_else(|| panic!("no {status} with {text:?}: {findings:#?}"))["fix"].clone()
    };
    let fix = has("warn", "SNOWFLAKE.OBJECT_VIEWER is missing");
    assert!(has("warn", "TABLES: tables and views are known from grants only").is_null());
    has("warn", "others have it too: OTHER");
    has("fail", "future grants give it privileges on new objects");
    has("warn", "USAGE on ROLE OTHER through READER_SVC");
    has("fail", "CREATE DATABASE on ACCOUNT");
    operator.run(fix.as_str().unwrap().trim_end_matches(';')).await.unwrap();
    let (_, findings) = doctor(&files, &sandbox);
    assert!(!findings.iter().any(|f| f["detail"].as_str().unwrap().contains("is missing")), "{findings:#?}");
}

#[test]
fn facts_of_a_live_account_name_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = set_up(folder.path(), &[]);
    let odd = "CREATE ROLE UNMISTAKABLE; GRANT SELECT ON TABLE DB.S.T TO ROLE UNMISTAKABLE;";
    let sandbox = demo_of(&format!("{ACCOUNT}{odd}{}", read(&files.join("setup.sql"))));
    let mut doctor = command("doctor", &files, &sandbox);
    let (code, said, err) = outcome(&doctor.args(["--live", "--format", "csv"]).output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    for fact in ["version of the platform", "form of a SELECT,\"Arrow", "form of SHOW ROLES,JSON", "grants: all rows"] {
        assert!(said.contains(fact), "no {fact:?} in {said}");
    }
    for name in ["UNMISTAKABLE", "READER", OPERATOR, "PRIVATE KEY"] {
        assert!(!said.contains(name), "{name} in {said}");
    }
}

#[test]
fn setup_changes_no_file_and_says_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = set_up(folder.path(), &["--with-usage"]);
    assert!(read(&files.join("setup.sql")).contains("GOVERNANCE_VIEWER"));
    let key = read(&files.join("grantd.p8"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(files.join("grantd.p8")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = ["setup", "--account-identifier", "SANDBOX", "--yes", "--out", utf8(&files)];
    let (code, _, err) = outcome(&grantd(&again).output().unwrap());
    assert!(code == Some(2) && err.contains("nothing was changed"), "{err}");
    assert_eq!(read(&files.join("grantd.p8")), key);
    let (code, _, err) = outcome(&grantd(&["setup", "--yes"]).output().unwrap());
    assert!(code == Some(2) && err.contains("--account-identifier is missing"), "{err}");
}

#[test]
fn the_doctor_tells_of_a_login_that_does_not_work() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = set_up(folder.path(), &[]);
    let sandbox = demo_of(ACCOUNT);
    let (code, findings) = doctor(&files, &sandbox);
    assert_eq!((code, findings.len()), (Some(1), 1), "{findings:#?}");
    assert_eq!((findings[0]["check"].as_str(), findings[0]["status"].as_str()), (Some("login"), Some("fail")));
}
