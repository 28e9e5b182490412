//! What was asked of the sandbox: statements by command, requests by endpoint.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;

use super::sessions::lock;

/// Commands beyond this many different ones are counted together.
const MOST_COMMANDS: usize = 200;
/// The name they are counted under.
const OTHER: &str = "OTHER";

/// Counts since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Statements that reached the engine.
    pub statements: u64,
    /// Those that failed or were aborted.
    pub failed: u64,
    /// Statements by their leading words: `SELECT`, `SHOW GRANTS`, `CREATE ROLE`, `GRANT`.
    pub by_command: BTreeMap<String, u64>,
    /// HTTP requests by endpoint, those that a fault spoilt included: `query-request`, `login-request`, `chunk`.
    pub requests: BTreeMap<String, u64>,
}

impl Counts {
    pub(super) fn to_json(&self, sessions: usize) -> Value {
        json!({
            "statements": self.statements, "failed": self.failed, "by_command": self.by_command,
            "requests": self.requests, "open_sessions": sessions
        })
    }
}

/// Counts that many sessions add to.
#[derive(Default)]
pub(super) struct Counter(Mutex<Counts>);

impl Counter {
    pub(super) fn request(&self, endpoint: &str) {
        *lock(&self.0).requests.entry(endpoint.to_owned()).or_default() += 1;
    }

    pub(super) fn statement(&self, sql: &str) {
        let command = command(sql);
        let mut counts = lock(&self.0);
        counts.statements += 1;
        let known = counts.by_command.contains_key(&command) || counts.by_command.len() < MOST_COMMANDS;
        let command = if known { command } else { OTHER.to_owned() };
        *counts.by_command.entry(command).or_default() += 1;
    }

    pub(super) fn failure(&self) {
        lock(&self.0).failed += 1;
    }

    pub(super) fn read(&self) -> Counts {
        lock(&self.0).clone()
    }

    pub(super) fn reset(&self) {
        *lock(&self.0) = Counts::default();
    }
}

/// The words that name a statement: the first, and for SHOW, CREATE and their like the next too. Never a user's value.
fn command(sql: &str) -> String {
    let mut words = uncommented(sql).split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or(OTHER).to_ascii_uppercase();
    let short = |word: &&str| word.len() <= 20;
    match first.as_str() {
        "SHOW" | "CREATE" | "ALTER" | "DROP" | "USE" | "DESCRIBE" | "DESC" | "UNDROP" => {
            let noise = ["OR", "REPLACE", "TERSE", "TEMPORARY", "TRANSIENT"];
            let next = words.find(|word| !noise.iter().any(|n| n.eq_ignore_ascii_case(word))).filter(short);
            next.map_or(first.clone(), |next| format!("{first} {}", next.to_ascii_uppercase()))
        }
        "SELECT" | "WITH" | "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "GRANT" | "REVOKE" | "CALL" | "SET"
        | "UNSET" | "BEGIN" | "COMMIT" | "ROLLBACK" => first,
        _ => OTHER.to_owned(),
    }
}

/// The text after leading white space and comments.
fn uncommented(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        let after = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
        rest = after.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::{Counter, command};

    #[test]
    fn a_statement_is_named_by_its_leading_words() {
        for (sql, expected) in [
            ("select 1", "SELECT"),
            ("-- a\n /* b */ SHOW TERSE ROLES", "SHOW ROLES"),
            ("create or replace role \"x\"", "CREATE ROLE"),
            ("GRANT ROLE a TO USER b", "GRANT"),
            ("(select 1)", "SELECT"),
            ("'secret'", "OTHER"),
            ("", "OTHER"),
            ("--", "OTHER"),
            ("/*", "OTHER"),
        ] {
            assert_eq!(command(sql), expected, "{sql}");
        }
    }

    #[test]
    fn garbage_cannot_grow_the_counts_without_end() {
        let counter = Counter::default();
        for n in 0..1_000_u32 {
            let word: String = n.to_string().chars().map(|c| char::from(b'A' + c as u8 - b'0')).collect();
            counter.statement(&format!("SHOW {word}"));
        }
        let counts = counter.read();
        assert_eq!(counts.statements, 1_000);
        assert!(counts.by_command.len() <= 201);
        assert_eq!(counts.by_command.values().sum::<u64>(), 1_000);
    }
}
