//! The query log of the running program: all routes, tampering, a disk that is full.

use crate::support::wire::{connect, told};
use crate::support::{Running, demo, grantd, outcome, serve, serve_ignoring, utf8};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, SimpleQueryMessage};

/// Computes for longer than anybody waits.
const SLOW: &str = "SELECT count(*) FROM generate_series(1, 100000) AS a(i) \
                    JOIN generate_series(1, 100000) AS b(i) ON (a.i * b.i) % 7 = 9";
/// How it is recorded.
const SLOW_MASKED: &str = "query 57014 SELECT count(*) FROM generate_series(?, …) AS a(i) \
                           JOIN generate_series(?, …) AS b(i) ON (a.i * b.i) % ? = ? NULL";

/// What a record has to say: kind, protocol, statement, outcome.
type Expected = (&'static str, &'static str, String, &'static str);

async fn records(client: &Client, of: &str) -> Vec<Vec<String>> {
    let sql = format!(
        "SELECT kind, protocol, statement, outcome, user_name, snapshots, sequence FROM query_log
         WHERE application_name = '{of}' AND protocol IS NOT NULL ORDER BY sequence"
    );
    crate::support::wire::rows(client, &sql).await
}

/// One round of every route, with names of its own; what is to be recorded of it.
async fn round(client: &Client, n: usize) -> Vec<Expected> {
    let mut expected: Vec<Expected> = Vec::new();
    let code = |result: Result<Vec<SimpleQueryMessage>, tokio_postgres::Error>| match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.code().unwrap().code().to_owned(),
    };
    // The simple protocol: single statements, and several in one text.
    for (sql, kinds) in [
        (format!("SELECT 'hunter2' AS m{n}"), vec![("query", format!("SELECT ? AS m{n}"), "ok")]),
        (format!("SELECT m{n} FROM users"), vec![("query", format!("SELECT m{n} FROM users"), "42703")]),
        (format!("DROP TABLE m{n}"), vec![("refused", format!("DROP TABLE m{n}"), "25006")]),
        (format!("SELEC m{n} 'hunter2"), vec![("parse", format!("SELEC m{n} ?"), "42601")]),
        (
            format!(
                "SET grantd.roles = default; EXPLAIN SELECT 1 AS m{n}; SHOW timezone; RESET grantd.roles; SELECT 1/0"
            ),
            vec![
                ("set", "SET grantd.roles = default".to_owned(), "ok"),
                ("explain", format!("EXPLAIN SELECT ? AS m{n}"), "ok"),
                ("show", "SHOW timezone".to_owned(), "ok"),
                ("set", "RESET grantd.roles".to_owned(), "ok"),
                ("query", "SELECT ?/?".to_owned(), "22012"),
            ],
        ),
        // A cursor.
        (
            format!(
                "BEGIN; DECLARE c{n} CURSOR FOR SELECT user_name FROM users; FETCH 1 FROM c{n}; MOVE 1 IN c{n}; CLOSE c{n}; \
                 COMMIT"
            ),
            vec![
                ("transaction", "BEGIN".to_owned(), "ok"),
                ("cursor", format!("DECLARE c{n} CURSOR FOR SELECT user_name FROM users"), "ok"),
                ("cursor", format!("FETCH ? FROM c{n}"), "ok"),
                ("cursor", format!("MOVE ? IN c{n}"), "ok"),
                ("cursor", format!("CLOSE c{n}"), "ok"),
                ("transaction", "COMMIT".to_owned(), "ok"),
            ],
        ),
        // Statements that SQL prepares.
        (
            format!("PREPARE p{n} AS SELECT $1::text; EXECUTE p{n}('hunter2'); DEALLOCATE p{n}"),
            vec![
                ("prepared", format!("PREPARE p{n} AS SELECT $1::text"), "ok"),
                ("prepared", format!("EXECUTE p{n}(?)"), "ok"),
                ("prepared", format!("DEALLOCATE p{n}"), "ok"),
            ],
        ),
        // CALL.
        (
            format!("CALL m{n}('hunter2')"),
            vec![("intent", format!("CALL m{n}(?)"), "ok"), ("call", format!("CALL m{n}(?)"), "42883")],
        ),
    ] {
        let found = code(client.simple_query(&sql).await);
        assert_eq!(found, kinds.last().unwrap().2, "{sql}");
        expected.extend(kinds.into_iter().map(|(kind, text, outcome)| (kind, "simple", text, outcome)));
    }
    // The extended protocol.
    client.query(&format!("SELECT user_name AS m{n} FROM users WHERE user_name <> $1"), &[&"hunter2"]).await.unwrap();
    expected.push(("query", "extended", format!("SELECT user_name AS m{n} FROM users WHERE user_name <> $1"), "ok"));
    assert!(client.query(&format!("SELECT m{n}"), &[]).await.is_err());
    expected.push(("parse", "extended", format!("SELECT m{n}"), "42703"));
    // COPY.
    let copy = client.copy_out(&format!("COPY (SELECT 1 AS m{n}) TO STDOUT")).await.unwrap();
    let copied: Vec<_> = futures::StreamExt::collect(copy).await;
    assert_eq!(copied.len(), 1);
    expected.push(("copy", "extended", format!("COPY (SELECT ? AS m{n}) TO STDOUT"), "ok"));
    expected
}

#[tokio::test]
async fn two_hundred_statements_by_six_routes_are_all_recorded() {
    let running = demo();
    let client = connect(&format!("{}?application_name=probe", running.url)).await;
    let mut expected = Vec::new();
    for n in 0..10 {
        expected.extend(round(&client, n).await);
    }
    assert!(expected.len() >= 200, "{}", expected.len());
    let reader = connect(&running.url).await;
    let found = records(&reader, "probe").await;
    for (record, (kind, protocol, text, outcome)) in found.iter().zip(&expected) {
        let told: Vec<&str> = record.iter().map(String::as_str).take(6).collect();
        assert_eq!(told, [*kind, *protocol, text, *outcome, "grantd", "{demo=1}"]);
    }
    assert_eq!(found.len(), expected.len());
    let all = crate::support::wire::rows(&reader, "SELECT * FROM query_log").await;
    assert!(!format!("{all:?}").contains("hunter2"));
    assert!(all.windows(2).all(|pair| pair[0][0].parse::<u64>().unwrap() == pair[1][0].parse::<u64>().unwrap() + 1));
}

#[tokio::test]
async fn a_cancelled_statement_is_recorded_and_calls_name_whom_they_are_about() {
    let running = demo();
    let client = connect(&running.url).await;
    let token = client.cancel_token();
    let slow = tokio::spawn(async move {
        let result = client.simple_query(SLOW);
        (result.await.is_err(), client)
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    token.cancel_query(tokio_postgres::NoTls).await.unwrap();
    let (is_cancelled, client) = slow.await.unwrap();
    assert!(is_cancelled);
    client.simple_query("SET statement_timeout = '100ms'").await.unwrap();
    assert!(client.simple_query(SLOW).await.is_err());
    client.simple_query("RESET statement_timeout; CALL create_user('ann', 'true')").await.unwrap();
    let rows = crate::support::wire::rows(
        &client,
        "SELECT kind, outcome, statement, detail FROM query_log WHERE outcome = '57014' OR kind IN ('intent', 'call')
         ORDER BY sequence",
    )
    .await;
    let lines: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
    assert_eq!(
        lines,
        [SLOW_MASKED, SLOW_MASKED, "intent ok CALL create_user(?, …) ann", "call ok CALL create_user(?, …) ann",]
    );
}

struct Place {
    _folder: tempfile::TempDir,
    config: PathBuf,
    state: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("grantd.toml");
    std::fs::write(&config, "[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = \"state\"\n").unwrap();
    let state = folder.path().join("state");
    Place { _folder: folder, config, state }
}

fn audit(place: &Place, args: &[&str]) -> (Option<i32>, String, String) {
    outcome(&grantd(&["audit"]).args(args).args(["--data-dir", utf8(&place.state)]).output().unwrap())
}

/// One question by a connection of its own.
async fn ask(running: &Running, sql: &str) -> Result<(), String> {
    let (client, connection) = match tokio_postgres::connect(&running.url, tokio_postgres::NoTls).await {
        Ok(connected) => connected,
        Err(error) => return Err(told(&error)),
    };
    tokio::spawn(connection);
    client.simple_query(sql).await.map(|_| ()).map_err(|error| told(&error))
}

fn segment(place: &Place) -> PathBuf {
    place.state.join("audit/000000000001.jsonl")
}

#[tokio::test]
async fn the_command_finds_what_was_changed_and_the_daemon_lets_nobody_in() {
    let place = place();
    let (code, _, error) = audit(&place, &["verify"]);
    assert!(code == Some(2) && error.contains("hint"), "{error}");
    let running = serve(&place.config);
    ask(&running, "SELECT 'hunter2'").await.unwrap();
    // Read, so that it is on the disk.
    ask(&running, "SELECT count(*) FROM query_log").await.unwrap();
    let (code, told, error) = audit(&place, &["verify"]);
    assert!(code == Some(0) && told.starts_with("the query log is whole: "), "{told}{error}");
    let (code, head, _) = audit(&place, &["head"]);
    assert_eq!(code, Some(0));
    assert_eq!(audit(&place, &["verify", "--head", head.trim()]).0, Some(0));
    let (code, _, error) = audit(&place, &["verify", "--head", "7"]);
    assert!(code == Some(2) && error.contains("grantd audit head"), "{error}");
    // kill -9: what was told to be on the disk is there.
    drop(running);
    assert_eq!(audit(&place, &["verify", "--head", head.trim()]).0, Some(0));
    let text = std::fs::read_to_string(segment(&place)).unwrap();
    assert!(!text.contains("hunter2") && text.contains("SELECT ?"));

    let edited = text.replacen("\"kind\":\"login\"", "\"kind\":\"logon\"", 1);
    assert_ne!(text, edited);
    std::fs::write(segment(&place), &edited).unwrap();
    let (code, told, error) = audit(&place, &["verify"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("record 2: it is not what was written") && told.contains("line 2"), "{told}");
    assert!(error.contains("grantd audit reset"), "{error}");
    let running = serve(&place.config);
    let refused = ask(&running, "SELECT 1").await.unwrap_err();
    assert!(refused.starts_with("58030: the query log is not whole"), "{refused}");
    let (code, _, error) = audit(&place, &["reset", "--reason", "x"]);
    assert!(code == Some(2) && error.contains("in use"), "{error}");
    drop(running);
    assert_eq!(std::fs::read_to_string(segment(&place)).unwrap(), edited, "a broken log is not written on");

    let (code, told, error) = audit(&place, &["reset", "--reason", "an edit was found"]);
    assert!(code == Some(0), "{told}{error}");
    let running = serve(&place.config);
    ask(&running, "SELECT 1").await.unwrap();
    drop(running);
    let (code, told, _) = audit(&place, &["verify"]);
    assert!(code == Some(0) && told.contains("an edit was found"), "{told}");
    assert_eq!(audit(&place, &["verify", "--head", head.trim()]).0, Some(1));
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |data| data.len())
}

/// Files of the program may grow to this size; without, to any.
fn limit(running: &Running, bytes: Option<u64>) {
    let bytes = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
    // Only the soft limit, which needs no right to be raised again.
    let args = ["--pid", &running.pid().to_string(), &format!("--fsize={bytes}:")];
    let output =
        Command::new("prlimit").args(args).output().expect("prlimit (util-linux) must be on PATH for this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn when_the_disk_is_full_changes_and_logins_are_refused_and_questions_are_answered() {
    let place = place();
    let running = serve_ignoring(&place.config, "XFSZ");
    let client = connect(&running.url).await;
    // The log larger than the database, so that it is the one that reaches the limit.
    let name = "x".repeat(8_000);
    let many = format!("SELECT 1 AS \"{name}\";").repeat(100);
    while size(&segment(&place)) < 2 * size(&place.state.join("grantd.db-wal")) + (1 << 20) {
        client.simple_query(&many).await.unwrap();
        client.simple_query("SELECT count(*) FROM query_log WHERE kind = 'login'").await.unwrap();
    }
    limit(&running, Some(size(&segment(&place)) + 1_000));
    let mut refused = String::new();
    for _ in 0..10 {
        if let Err(error) = client.simple_query("CALL create_user('ann')").await {
            refused = told(&error);
            if refused.starts_with("53100") {
                break;
            }
        }
    }
    assert!(refused.starts_with("53100: the query log cannot be written: no space left"), "{refused}");
    assert!(!refused.contains('/'), "no path: {refused}");
    client.simple_query("SELECT 1 AS answered").await.unwrap();
    let login = ask(&running, "SELECT 1").await.unwrap_err();
    assert!(login.starts_with("53100"), "{login}");
    assert_eq!(audit(&place, &["verify"]).0, Some(0), "what did not fit is not half there");

    limit(&running, None);
    let end = Instant::now() + Duration::from_mins(1);
    while ask(&running, "SELECT 1").await.is_err() {
        assert!(Instant::now() < end, "the log did not go on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    client.simple_query("CALL create_user('bob')").await.unwrap();
    let rows = crate::support::wire::rows(
        &client,
        "SELECT kind, outcome, statement FROM query_log
         WHERE outcome = '53100' OR kind = 'resume' OR statement LIKE '%answered' ORDER BY sequence",
    )
    .await;
    let lines: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
    for wanted in
        ["call 53100 CALL create_user(?)", "query ok SELECT ? AS answered", "login 53100 NULL", "resume ok NULL"]
    {
        assert!(lines.iter().any(|line| line == wanted), "{wanted} is not in {lines:?}");
    }
    assert_eq!(audit(&place, &["verify"]).0, Some(0));
}
