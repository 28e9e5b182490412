//! What is wrong is told once: what, where, and what to do; with exit code 2, and the state as it was before.

use super::exports::write_config;
use crate::support::operator::{keys, operator_sql};
use crate::support::wire::{column, connect, rows};
use crate::support::write_key;
use crate::support::{demo_of, grantd, outcome, serve, utf8};
use grantd::sandbox::protocol::keys::KeyPair;
use std::path::Path;

/// Runs what must fail; what it said.
fn refused(args: &[&str]) -> String {
    let (code, out, err) = outcome(&grantd(args).output().unwrap());
    assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
    assert_eq!(err.matches("grantd: ").count(), 1, "one message: {err}");
    assert!(!err.contains("panicked"), "{err}");
    err
}

#[test]
fn a_script_that_names_an_unknown_role_says_where_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("team.sql");
    std::fs::write(&script, "CREATE ROLE ANALYST;\nCREATE USER ALICE;\n  GRANT ROLE ANALYTS TO USER ALICE;\n").unwrap();
    for command in [&["demo", "--listen", "127.0.0.1:0"][..], &["sandbox", "--listen", "127.0.0.1:0"]] {
        let said = refused(&[command, &["--script", utf8(&script)]].concat());
        assert!(said.contains("ANALYTS") && said.contains("does not exist"), "{said}");
        assert!(said.contains("did you mean ANALYST?"), "{said}");
        assert!(said.contains("line 3, column 3"), "{said}");
        assert!(said.contains(utf8(&script)), "{said}");
        assert!(said.contains("hint: the script is Snowflake SQL"), "{said}");
    }
    std::fs::write(&script, "CREATE ROLE ANALYST;\nGRANT SELEC ON TABLE D.S.T TO ROLE ANALYST;\n").unwrap();
    let said = refused(&["demo", "--listen", "127.0.0.1:0", "--script", utf8(&script)]);
    assert!(said.contains("SELEC") && said.contains("line 2") && said.contains("did you mean SELECT?"), "{said}");
    let said = refused(&["demo", "--script", utf8(&folder.path().join("none.sql"))]);
    assert!(said.contains("none.sql") && said.contains("No such file"), "{said}");
}

#[test]
fn a_port_in_use_is_named_with_the_option_that_changes_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("grantd.toml");
    std::fs::write(&config, format!("[server]\nlisten = \"{address}\"\ndata_dir = \"state\"\n")).unwrap();
    for (args, option) in [
        (&["demo", "--listen", &address][..], "--listen"),
        (&["demo", "--listen", "127.0.0.1:0", "--sandbox-listen", &address], "--sandbox-listen"),
        (&["sandbox", "--listen", &address], "--listen"),
        (&["serve", "--config", utf8(&config)], "server.listen"),
    ] {
        let said = refused(args);
        assert!(said.contains("is in use") && said.contains(&address), "{said}");
        assert!(said.contains(&format!("hint: choose another port with {option}")), "{said}");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("grantd.toml");
    for (text, said) in [
        (
            "[server]\ndata_dir = \"state\"\nlissen = \"127.0.0.1:0\"\n",
            &["lissen", ":3:1)", "did you mean listen?"][..],
        ),
        ("[server]\ndata_dir = \"state\"\nlisten = 5433\n", &[":3:"]),
        ("[server\n", &[":1:"]),
        ("[server]\ndata_dir = \"state\"\n[[account]]\nname = \"prod\"\n", &["account_identifier", ":3:", "prod"]),
    ] {
        std::fs::write(&config, text).unwrap();
        for command in ["serve", "sync"] {
            let found = refused(&[command, "--config", utf8(&config)]);
            for part in said {
                assert!(found.contains(part), "{part:?} in {found}");
            }
            assert!(found.contains(utf8(&config)), "{found}");
        }
        assert!(!folder.path().join("state").exists(), "nothing is made");
    }
    let found = refused(&["serve", "--config", utf8(&folder.path().join("none.toml"))]);
    assert!(found.contains("none.toml"), "{found}");
}

/// The number of users, the newest snapshot, and how the newest run ended, as a daemon with that state says.
async fn state(config: &Path, account: &str) -> Vec<String> {
    let running = serve(config);
    let client = connect(&running.url).await;
    let sql = format!(
        "SELECT users, grants, snapshot_at::text, last_sync_status, last_sync_error FROM accounts \
         WHERE account = '{account}'"
    );
    rows(&client, &sql).await.remove(0)
}

#[tokio::test]
async fn a_broken_export_is_named_with_file_and_line_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, data, config) =
        (folder.path().join("exports"), folder.path().join("state"), folder.path().join("grantd.toml"));
    std::fs::write(&config, "[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = \"state\"\n").unwrap();
    let small: [(&str, &str); 4] = [
        ("USERS.csv", "NAME,DISABLED\nALICE,false\nBOB,false\n"),
        ("ROLES.csv", "NAME,ROLE_TYPE\nANALYST,ROLE\n"),
        ("GRANTS_TO_USERS.csv", "ROLE,GRANTEE_NAME\nANALYST,ALICE\n"),
        ("GRANTS_TO_ROLES.csv", "PRIVILEGE,GRANTED_ON,NAME,GRANTED_TO,GRANTEE_NAME\nUSAGE,DATABASE,RAW,ROLE,ANALYST\n"),
    ];
    std::fs::create_dir(&dir).unwrap();
    for (file, text) in small {
        std::fs::write(dir.join(file), text).unwrap();
    }
    let import = ["import", "--account", "prod", "--data-dir", utf8(&data), utf8(&dir)];
    let (code, out, err) = outcome(&grantd(&import).output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let before = state(&config, "prod").await;
    assert_eq!((before[0].as_str(), before[3].as_str(), before[4].as_str()), ("2", "succeeded", "NULL"));

    for (file, text, said) in [
        ("ROLES.csv", "NAME,ROLE_TYPE\nANALYST,ROLE\nX,ROLE,MORE\n", &["ROLES.csv: line 3"][..]),
        ("GRANTS_TO_USERS.csv", "ROLE\nANALYST\n", &["GRANTS_TO_USERS.csv", "GRANTEE_NAME"]),
        ("USERS.csv", "NAME,DISABLED\nALICE,perhaps\n", &["USERS.csv", "line 2", "perhaps"]),
        ("ROLES.csv", "NAME,ROLE_TYPE\n\"ANALYST,ROLE\n", &["ROLES.csv"]),
    ] {
        let whole = std::fs::read_to_string(dir.join(file)).unwrap();
        std::fs::write(dir.join(file), text).unwrap();
        let found = refused(&import);
        for part in said {
            assert!(found.contains(part), "{part:?} in {found}");
        }
        std::fs::write(dir.join(file), whole).unwrap();
        let after = state(&config, "prod").await;
        assert_eq!((&after[..3], after[3].as_str()), (&before[..3], "failed"), "{file}: the state before stays");
        assert!(said.iter().all(|part| after[4].contains(part)), "accounts says why: {}", after[4]);
    }
    std::fs::remove_file(dir.join("ROLES.csv")).unwrap();
    let found = refused(&import);
    assert!(found.contains("no file for ROLES") && found.contains("export these views"), "{found}");
    // A new account is not made by a failed import.
    let found = refused(&["import", "--account", "new", "--data-dir", utf8(&data), utf8(&dir)]);
    assert!(found.contains("no file for ROLES"), "{found}");
    let running = serve(&config);
    let client = connect(&running.url).await;
    assert_eq!(column(&client, "SELECT account FROM accounts").await, ["prod"]);
}

#[tokio::test]
async fn a_wrong_key_fails_the_sync_and_keeps_the_state() {
    let sandbox = demo_of(&format!("CREATE ROLE ANALYST;{}", operator_sql()));
    let folder = tempfile::tempdir().unwrap();
    let (config, key) = (folder.path().join("grantd.toml"), folder.path().join("key.p8"));
    write_config(&config, &key, &sandbox.sandbox);
    let sync = ["sync", "--config", utf8(&config)];
    let (code, _, err) = outcome(&grantd(&sync).output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let before = state(&config, "live").await;

    write_key(&key, &KeyPair::generate().unwrap().private_key_pem);
    let said = refused(&sync);
    assert!(said.contains("390144") && said.contains("JWT token is invalid"), "{said}");
    assert!(said.contains("RSA_PUBLIC_KEY"), "the next step: {said}");
    assert!(!said.contains("PRIVATE KEY"), "no secret: {said}");
    let running = serve(&config);
    let client = connect(&running.url).await;
    let error = client.simple_query("CALL sync('live')").await.unwrap_err();
    let told = crate::support::wire::told(&error);
    assert!(
        told.starts_with("58000: ") && told.contains("390144") && told.contains("The state before stays"),
        "{told}"
    );
    let runs = rows(&client, "SELECT status, count(*) FROM sync_runs GROUP BY status ORDER BY status").await;
    assert_eq!(runs, [["failed", "2"], ["succeeded", "1"]]);
    assert!(column(&client, "SELECT error FROM sync_runs WHERE status = 'failed'").await[0].contains("390144"));
    drop(client);
    drop(running);
    let after = state(&config, "live").await;
    assert_eq!((&after[..3], after[3].as_str()), (&before[..3], "failed"));

    write_key(&key, &keys().private_key_pem);
    let (code, _, err) = outcome(&grantd(&sync).output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""), "with the right key it goes on");

    write_key(&key, "no key");
    let said = refused(&sync);
    assert!(said.contains("private key") || said.contains("key.p8"), "{said}");
    std::fs::remove_file(&key).unwrap();
    let said = refused(&sync);
    assert!(said.contains("key.p8"), "{said}");
}
