//! The first start, users by command and by CALL, as an administrator does it.

use crate::support::{Running, grantd, outcome, serve_with, utf8};
use std::path::{Path, PathBuf};
use std::process::Output;

struct Place {
    _folder: tempfile::TempDir,
    config: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("grantd.toml");
    std::fs::write(&config, "[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = \"state\"\n").unwrap();
    Place { _folder: folder, config }
}

fn user(config: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = grantd(&["user"]);
    outcome(&command.args(args).args(["--config", utf8(config)]).output().unwrap())
}

fn ask(running: &Running, who: &str, password: &str, sql: &str) -> Output {
    let url = running.url.replace("//grantd@", &format!("//{who}@"));
    grantd(&["sql", "--format", "csv", "-d", &url, sql]).env("PGPASSWORD", password).output().unwrap()
}

/// Standard output without its first line, or standard error.
fn answer(output: &Output) -> String {
    let (code, out, err) = outcome(output);
    if code == Some(0) { out.lines().skip(1).collect::<Vec<_>>().join("\n") } else { err }
}

#[test]
fn the_first_start_makes_an_administrator_who_makes_the_others() {
    let place = place();
    let mut running = serve_with(&place.config, "password");
    let root = running.word_after("with the password ");
    assert_eq!(answer(&ask(&running, "grantd", &root, "SELECT current_user")), "grantd");
    assert!(answer(&ask(&running, "grantd", "wrong", "SELECT 1")).contains("password authentication failed"));

    let made = answer(&ask(&running, "grantd", &root, "CALL create_user('ann')"));
    let (who, password) = made.split_once(",,").unwrap();
    assert_eq!(who, "ann");
    assert_eq!(answer(&ask(&running, "ann", password, "SELECT current_user")), "ann");
    let refused = answer(&ask(&running, "ann", password, "CALL create_user('eve')"));
    assert!(refused.contains("permission denied for procedure create_user"), "{refused}");
    let refused = answer(&ask(&running, "ann", password, "CALL list_users()"));
    assert!(refused.contains("permission denied"), "{refused}");

    let token = answer(&ask(&running, "grantd", &root, "CALL create_token('ann', 'dbt', '90')"));
    let token = token.rsplit(',').next().unwrap();
    assert_eq!(answer(&ask(&running, "ann", token, "SELECT current_user")), "ann");
    let listed = answer(&ask(&running, "grantd", &root, "CALL list_users()"));
    assert!(listed.contains("ann,f,f,token") && listed.contains("grantd,t,f,password"), "{listed}");
    assert!(!listed.contains(token) && !listed.contains(&root));
    let seen = answer(&ask(
        &running,
        "grantd",
        &root,
        "SELECT user_name, label, status FROM gateway_secrets WHERE kind = 'token'",
    ));
    assert_eq!(seen, "ann,dbt,active");
    let seen = answer(&ask(&running, "grantd", &root, "SELECT user_name, administrator, tokens FROM gateway_users"));
    assert_eq!(seen, "ann,f,1\ngrantd,t,0");
    let refused = answer(&ask(&running, "ann", token, "SELECT * FROM gateway_secrets"));
    assert!(refused.contains("permission denied for table gateway_secrets") && refused.contains("42501"), "{refused}");
    let rotated = answer(&ask(&running, "grantd", &root, "CALL rotate_token('3', '1')"));
    let rotated = rotated.strip_prefix("ann,4,").unwrap();
    for both in [token, rotated] {
        assert_eq!(answer(&ask(&running, "ann", both, "SELECT current_user")), "ann");
    }
    assert_eq!(outcome(&ask(&running, "grantd", &root, "CALL disable_user('ann')")).0, Some(0));
    assert!(answer(&ask(&running, "ann", token, "SELECT 1")).contains("password authentication failed"));
    let last = answer(&ask(&running, "grantd", &root, "CALL disable_user('grantd')"));
    assert!(last.contains("last administrator"), "{last}");

    // The daemon has the state: the command says what to do instead.
    let (code, _, error) = user(&place.config, &["list"]);
    assert!(code == Some(2) && error.contains("CALL list_users()"), "{error}");
}

#[test]
fn users_are_made_by_command_while_no_daemon_runs() {
    let place = place();
    let (code, password, error) = user(&place.config, &["add", "ann", "--administrator"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let (_, token, number) = user(&place.config, &["token", "ann", "--label", "ci", "--expires", "30d"]);
    assert!(token.starts_with("grantd_") && number.contains("token 2 of ann"), "{number}");
    let (code, _, error) = user(&place.config, &["add", "ann"]);
    assert!(code == Some(2) && error.contains("there is a user \"ann\" already"), "{error}");
    let (code, listed, _) = user(&place.config, &["list", "--format", "csv"]);
    assert!(code == Some(0) && listed.lines().count() == 3 && listed.contains("ann,t,f,token,2,ci"), "{listed}");
    let running = serve_with(&place.config, "password");
    for secret in [password.trim(), token.trim()] {
        assert_eq!(answer(&ask(&running, "ann", secret, "SELECT current_user")), "ann");
    }
}
