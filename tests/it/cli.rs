//! The program as a user meets it: what it prints, where, and with which exit code.

mod arguments;
mod wire;

use std::process::{Command, Output, Stdio};

/// The program, with no variable of the machine that could change what it does.
fn grantd(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grantd"));
    for variable in
        ["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGOPTIONS", "PGSSLMODE", "GRANTD_LOG", "RUST_LOG"]
    {
        command.env_remove(variable);
    }
    command.args(args).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Exit code, standard output, standard error.
fn outcome(output: &Output) -> (Option<i32>, String, String) {
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_version_is_the_packages() {
    let (code, out, err) = outcome(&grantd(&["--version"]).output().unwrap());
    assert_eq!((code, out, err), (Some(0), format!("grantd {}\n", env!("CARGO_PKG_VERSION")), String::new()));
}

#[test]
fn help_goes_to_standard_output_and_teaches_by_example() {
    for args in [&["sql", "--help"][..], &["help", "sql"]] {
        let (code, out, err) = outcome(&grantd(args).output().unwrap());
        assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}");
        assert!(out.contains("Examples:\n  grantd sql \"SELECT * FROM accounts\""), "{out}");
    }
}

#[test]
fn wrong_arguments_are_explained_on_standard_error_with_exit_code_2() {
    for (args, said) in [
        (&[][..], "Usage: grantd <COMMAND>"),
        (&["sqll"], "a similar subcommand exists: 'sql'"),
        (&["sql"], "<SQL>"),
        (&["sql", "--format", "xml", "SELECT 1"], "[possible values: table, json, csv]"),
        (&["sql", "-p", "99999", "SELECT 1"], "99999"),
    ] {
        let (code, out, err) = outcome(&grantd(args).output().unwrap());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}");
        assert!(err.contains(said), "{args:?}: {err}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = grantd(&["sql", "--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let (code, _, err) = outcome(&child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""));
}
