//! psql's own commands against the demo.

use crate::support::{Running, demo};
use std::process::Command;

fn psql(running: &Running, command: &str) -> String {
    let mut program = Command::new("psql");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            program.env_remove(&name);
        }
    }
    // Without a pager and without ~/.psqlrc.
    let output = program.args(["-X", "-P", "pager=off", "-c", command, &running.url]).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{command}: {errors}");
    assert!(!errors.contains("ERROR"), "{command}: {errors}");
    String::from_utf8(output.stdout).unwrap() + &errors
}

/// Whether a line has these cells, in this order.
fn has_row(answer: &str, cells: &[&str]) -> bool {
    let trimmed = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    answer.lines().map(trimmed).any(|row| row.len() >= cells.len() && row[..cells.len()] == *cells)
}

const RELATIONS: &[&str] = &[
    "accounts",
    "changes",
    "changesets",
    "coverage",
    "databases",
    "drift",
    "effective_grants",
    "effective_privileges",
    "effective_role_members",
    "effective_roles",
    "future_grants",
    "gateway_secrets",
    "gateway_users",
    "grants",
    "inherited_grants",
    "objects",
    "orphan_roles",
    "privilege_catalog",
    "query_log",
    "redundant_grants",
    "redundant_role_grants",
    "role_grants",
    "role_privileges",
    "roles",
    "roles_outside_sysadmin",
    "schemas",
    "shadowed_future_grants",
    "sync_runs",
    "sync_steps",
    "unusable_grants",
    "users",
    "warehouses",
];

#[test]
fn the_backslash_commands_show_what_there_is() {
    let running = demo();
    for command in ["\\d", "\\dv"] {
        let answer = psql(&running, command);
        for relation in RELATIONS {
            assert!(has_row(&answer, &["public", relation, "view", "grantd"]), "{command}: {relation}: {answer}");
        }
        assert!(answer.contains(&format!("({} rows)", RELATIONS.len())), "{command}: {answer}");
    }
    // There are no tables: nothing here can be written to. psql says so itself.
    assert_eq!(psql(&running, "\\dt"), "Did not find any relations.\n");

    let answer = psql(&running, "\\d+ effective_privileges");
    assert!(answer.contains("View \"public.effective_privileges\""), "{answer}");
    for (name, kind) in [("account", "text"), ("usable", "boolean"), ("role_count", "bigint")] {
        assert!(has_row(&answer, &[name, kind]), "{name}: {answer}");
    }
    assert!(answer.contains("Full name as SQL writes it: DB.SCH.T, quoted only where needed"), "{answer}");
    assert!(answer.contains("View definition:"), "{answer}");
    for relation in RELATIONS {
        let answer = psql(&running, &format!("\\d+ {relation}"));
        let rows = answer.lines().filter(|line| line.contains('|')).skip(1);
        for row in rows {
            let comment = row.rsplit('|').next().unwrap();
            assert!(!comment.trim().is_empty(), "{relation} has a column without a comment: {row}");
        }
    }

    let answer = psql(&running, "\\df");
    for (name, arguments) in [
        ("access_diff", "from_world text, to_world text"),
        ("changeset_impact", "changeset text"),
        ("changeset_sql", "changeset text"),
        ("drift_sql", "account text"),
        ("explain_access", "\"user\" text, privilege text, object text"),
        ("matrix", "role_pattern text"),
        ("who_can", "privilege text, object text"),
    ] {
        let row = answer.lines().find(|line| has_row(line, &["public", name]));
        let row = row.unwrap_or_else(|| panic!("no {name}: {answer}"));
        assert!(row.contains("TABLE(") && row.contains(arguments), "{row}");
    }
    assert!(has_row(&psql(&running, "\\l"), &["grantd", "grantd", "UTF8"]));
    // psql 15 writes a sentence, psql 18 a table.
    let answer = psql(&running, "\\conninfo");
    assert!(answer.contains("grantd") && answer.contains("127.0.0.1"), "{answer}");
}

#[test]
fn the_first_questions_of_a_newcomer_are_answered() {
    let running = demo();
    let who = "SELECT DISTINCT user_name FROM effective_privileges WHERE privilege = 'SELECT' \
               AND object = 'RAW_DB.BUDGET_BOOK.TRANSACTIONS'";
    let answer = psql(&running, who);
    assert!(has_row(&answer, &["SANDBOX_USER"]) && has_row(&answer, &["MAIN"]) && answer.contains("(2 rows)"));
    let why = "SELECT * FROM explain_access('SANDBOX_USER', 'SELECT', 'RAW_DB.BUDGET_BOOK.TRANSACTIONS')";
    let answer = psql(&running, why);
    let hops = [
        ["privilege", "membership", "SANDBOX_USER", "USER", "ROLE VIEWER_ROLE"],
        ["privilege", "membership", "VIEWER_ROLE", "ROLE", "ROLE FR_BUDGET_BOOK_READ"],
        ["privilege", "grant", "FR_BUDGET_BOOK_READ", "ROLE", "SELECT on TABLE RAW_DB.BUDGET_BOOK.TRANSACTIONS"],
    ];
    for hop in hops {
        let all = |line: &str| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            cells.len() > 8 && cells[3..8] == hop
        };
        assert!(answer.lines().any(all), "{hop:?}: {answer}");
    }
}
