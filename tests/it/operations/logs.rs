//! One event is one line, whatever clients, the platform or names put into it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::{Served, account, arm, parsed, until};
use crate::support::demo_of;
use crate::support::operator::operator_sql;
use crate::support::wire::connect;

/// What would forge a line, steer a terminal or turn the reading direction.
const HOSTILE: &[&str] = &[
    "eve\n{\"level\":\"INFO\",\"message\":\"forged\"}",
    "eve\r\n2026-11-27T00:00:00.000000Z  INFO grantd::query: forged",
    "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7}",
    "\u{202e}gpj.exe\u{2066}\u{2069}\u{200f}",
    "\u{85}\u{2028}\u{2029}\u{0b}\u{0c}\u{8}\u{7f}",
    "\u{feff}\u{200b}\u{e0041}\"quote\\back=slash",
];

/// Whether a line has a character that is not text.
fn moves_a_cursor(line: &str) -> bool {
    line.chars().any(|c| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'))
}

/// A startup packet with this user and application; the answer is read and thrown away.
fn knock(served: &Served, user: &str, application: &str) {
    let mut body = (3_u32 << 16).to_be_bytes().to_vec();
    for text in ["user", user, "database", "grantd", "application_name", application] {
        body.extend(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let mut stream = TcpStream::connect(served.gateway).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut bytes = u32::try_from(body.len() + 4).unwrap().to_be_bytes().to_vec();
    bytes.extend(body);
    // One that is too long is refused before it is read.
    let _ = stream.write_all(&bytes);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Puts everything hostile through every door; gives standard error.
fn everything(format: &str) -> String {
    let sandbox = demo_of(&operator_sql());
    let message = HOSTILE.concat() + &"x".repeat(1 << 20);
    arm(&sandbox, serde_json::json!({"kind": "failure", "code": "000603", "message": message}));
    let environment = [("GRANTD_LOG", "trace"), ("GRANTD_LOG_FORMAT", format)];
    let mut served = Served::start_heard("", &account("live", &sandbox.sandbox, ""), &environment);
    until("a sync fails", || served.running.said().contains("sync failed"));
    for text in HOSTILE {
        knock(&served, text, "psql");
        knock(&served, "eve", text);
    }
    knock(&served, &"u".repeat(255), &"a".repeat(9_000));
    knock(&served, &"u".repeat(1 << 20), "psql");
    knock(&served, "eve", &"a".repeat(1 << 20));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for text in HOSTILE {
            let mut config = tokio_postgres::Config::new();
            config.host("127.0.0.1").port(served.gateway.port()).dbname("grantd").user(*text).application_name(*text);
            let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.simple_query("SELECT 1").await.unwrap();
        }
        let client = connect(&served.url()).await;
        for text in HOSTILE {
            let quoted = text.replace('\'', "''");
            client.simple_query(&format!("SET application_name = '{quoted}'")).await.unwrap();
            client.simple_query(&format!("SELECT '{quoted}'")).await.unwrap();
            client.simple_query(&format!("SELECT \"{}\"", text.replace('"', "\"\""))).await.unwrap_err();
            client.simple_query(&format!("{text} is no SQL")).await.unwrap_err();
            client.simple_query(&format!("CALL sync('{quoted}')")).await.unwrap_err();
        }
        let _ = client.simple_query(&format!("SET application_name = '{}'", "a".repeat(1 << 19))).await;
        client.simple_query(&format!("SELECT '{}'", "b".repeat(1 << 19))).await.unwrap();
        client.simple_query("CALL sync('live')").await.unwrap_err();
    });
    served.running.terminate();
    let (code, said) = served.running.ended();
    assert_eq!(code, Some(0));
    assert!(said.contains("forged"), "the test reached no log line: {said}");
    said
}

#[test]
fn every_event_is_one_whole_json_object() {
    let said = everything("json");
    assert!(said.ends_with('\n'));
    for line in said.lines() {
        let event = parsed(line);
        assert!(!moves_a_cursor(line), "{line:?}");
        assert!(line.len() < 40_000, "{} bytes", line.len());
        for field in ["ts", "level", "target", "message"] {
            assert!(event[field].is_string(), "{line}");
        }
        for name in ["user", "application"] {
            let value = event[name].as_str().unwrap_or_default();
            let kept = value.split_once("… (").map_or(value, |(kept, _)| kept);
            assert!(kept.len() <= 63, "{line}");
        }
        assert_ne!(event["message"], "forged");
    }
    let users = said.lines().map(parsed).filter_map(|event| event["user"].as_str().map(str::to_owned));
    assert!(users.collect::<Vec<_>>().iter().any(|user| user.contains(HOSTILE[0].split_at(20).0)));
}

#[test]
fn every_event_is_one_line_for_people() {
    let said = everything("text");
    for line in said.lines() {
        assert!(!moves_a_cursor(line), "{line:?}");
        let (ts, rest) = line.split_at(28);
        assert!(ts.starts_with("20") && ts.ends_with("Z "), "{line:?}");
        let level = rest.trim_start().split(' ').next().unwrap();
        assert!(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&level), "{line:?}");
        assert!(line.len() < 40_000, "{} bytes", line.len());
    }
}

#[test]
fn an_error_that_ends_the_daemon_is_an_event_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("grantd.toml");
    std::fs::write(&config, "[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = \"state\"\nlog_fromat = \"x\"\n").unwrap();
    let mut command = crate::support::grantd(&["serve", "--config", crate::support::utf8(&config)]);
    let output = command.env("GRANTD_LOG_FORMAT", "json").output().unwrap();
    let (code, out, err) = crate::support::outcome(&output);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let event = parsed(err.trim_end());
    assert!(event["message"].as_str().unwrap().contains("unknown field `log_fromat`"), "{event}");
    assert_eq!((&event["level"], &event["hint"]), (&"ERROR".into(), &"did you mean log_format?".into()));
}
