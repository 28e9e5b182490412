//! `/healthz`, `/readyz`, `/metrics` and `grantd health`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use grantd::monitoring::{FAMILIES, Family, Kind};
use serde_json::Value;

use super::{Served, account, http, status, until};
use crate::support::operator::operator_sql;
use crate::support::wire::{connect, rows};
use crate::support::{demo_of, grantd, outcome, utf8};

const ACCOUNT: &str = "CREATE DATABASE DB; CREATE SCHEMA DB.S; CREATE TABLE DB.S.HIDDEN_TABLE (A INT); CREATE ROLE HIDDEN_ROLE;\
                       GRANT SELECT ON TABLE DB.S.HIDDEN_TABLE TO ROLE HIDDEN_ROLE; CREATE USER HIDDEN_USER;";

type Labels = BTreeMap<String, String>;

/// A page of Prometheus' text format 0.0.4: every series and its value. What is not of the format ends the test.
struct Page {
    kinds: BTreeMap<String, String>,
    series: BTreeMap<(String, Labels), f64>,
}

impl Page {
    fn parse(text: &str) -> Page {
        let mut page = Page { kinds: BTreeMap::new(), series: BTreeMap::new() };
        let mut helped = BTreeSet::new();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, sentence) = help.split_once(' ').unwrap();
                assert!(sentence.len() > 5 && helped.insert(name.to_owned()), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind) && helped.contains(name), "{line}");
                assert!(page.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
            } else {
                page.sample(line);
            }
        }
        page
    }

    fn sample(&mut self, line: &str) {
        let name: String = line.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        let rest = line.split_at(name.len()).1;
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest),
            None => (Labels::new(), rest),
        };
        let value: f64 = value.strip_prefix(' ').unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let family = family.filter(|family| self.kinds.get(*family).is_some_and(|kind| kind == "histogram"));
        assert!(self.kinds.contains_key(family.unwrap_or(&name)), "no TYPE before {line}");
        assert!(self.series.insert((name, labels), value).is_none(), "twice: {line}");
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.series.get(&(name.to_owned(), labels)).copied()
    }
}

/// Labels up to their closing brace, and what follows.
fn labels(mut rest: &str) -> (Labels, &str) {
    let mut labels = Labels::new();
    loop {
        let (name, after) = rest.split_once("=\"").unwrap();
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    other => panic!("\\{other} is no escape"),
                }),
                (_, c) => value.push(c),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none());
        let after = after.split_at(end + 1).1;
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return (labels, after.strip_prefix('}').unwrap()),
        }
    }
}

fn get_ready(served: &Served) -> (u16, Value) {
    let (status, body) = served.get("/readyz");
    (status, serde_json::from_str(&body).unwrap())
}

fn health(served: &Served, ready: bool) -> (Option<i32>, String, String) {
    let mut command = grantd(&["health", "--config", utf8(&served.config())]);
    command.env("GRANTD__SERVER__METRICS_LISTEN", served.metrics.to_string());
    if ready {
        command.arg("--ready");
    }
    outcome(&command.output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_readiness_and_metrics_tell_how_the_daemon_is() {
    let sandbox = demo_of(&format!("{ACCOUNT}{}", operator_sql()));
    let accounts = account("live", &sandbox.sandbox, "") + &account("far", "http://127.0.0.1:1", "");
    let served = Served::start("", &accounts, &[]);
    assert_eq!(served.get("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(served.get("/elsewhere").0, 404);

    // One account is read at once; of the other nothing is known, and it is said since when.
    until("the account is there", || get_ready(&served).1["accounts"][1]["ready"] == true);
    until("the other has failed", || get_ready(&served).1["accounts"][0]["failures"].as_u64() > Some(0));
    let (status, ready) = get_ready(&served);
    assert_eq!((status, &ready["ready"]), (503, &Value::Bool(false)));
    let why = ready["why"].as_array().unwrap();
    assert_eq!(why.len(), 1, "{ready}");
    let why = why[0].as_str().unwrap();
    assert!(why.starts_with("account \"far\" has had no snapshot since 20") && why.contains("sync_runs"), "{why}");
    let live = &ready["accounts"][1];
    assert!(live["account"] == "live" && live["snapshot"].as_i64() > Some(0), "{ready}");
    assert!(live["as_of"].as_str().unwrap().ends_with('Z'), "{ready}");
    assert_eq!(health(&served, false), (Some(0), String::new(), String::new()));
    let (code, _, error) = health(&served, true);
    assert!(code == Some(1) && error.contains("account \\\"far\\\" has had no snapshot"), "{error}");

    let client = connect(&served.url()).await;
    assert_eq!(rows(&client, "SELECT 1 UNION ALL SELECT 2").await.len(), 2);
    client.simple_query("SELECT nothing").await.unwrap_err();
    let (status, text) = served.get("/metrics");
    assert_eq!(status, 200);
    let page = Page::parse(&text);
    let value =
        |name: &str, labels: &[(&str, &str)]| page.value(name, labels).unwrap_or_else(|| panic!("{name}: {text}"));
    let count = |name: &str, labels: &[(&str, &str)]| value(name, labels) as i64;
    let kinds: BTreeMap<String, String> =
        FAMILIES.iter().map(|family| (family.name.to_owned(), family.kind.word().to_owned())).collect();
    assert_eq!(page.kinds, kinds);
    let queries = |class| count("grantd_gateway_statements_total", &[("kind", "query"), ("sqlstate_class", class)]);
    assert_eq!((queries("00"), queries("42")), (1, 1));
    assert_eq!(count("grantd_gateway_rows_total", &[]), 2);
    assert_eq!(count("grantd_gateway_statement_duration_seconds_count", &[]), 2);
    assert_eq!(count("grantd_gateway_statement_duration_seconds_bucket", &[("le", "+Inf")]), 2);
    assert_eq!(count("grantd_gateway_sessions", &[]), 1);
    assert_eq!(count("grantd_panics_total", &[]), 0);
    assert!(value("grantd_gateway_sent_bytes_total", &[]) > 100.0);
    assert!(value("grantd_process_resident_memory_bytes", &[]) > 1e6);
    assert!(value("grantd_query_memory_limit_bytes", &[]) > 1e6);
    let of = |name: &str| value(name, &[("account", "live")]);
    assert!(
        of("grantd_account_users") >= 2.0 && of("grantd_account_roles") >= 6.0 && of("grantd_account_grants") > 10.0
    );
    let age = of("grantd_account_snapshot_age_seconds");
    // ACCOUNT_USAGE shows the account as it was up to three hours ago.
    assert!((0.0..4.0 * 3_600.0).contains(&age), "{age}");
    let runs =
        |account, outcome| count("grantd_account_sync_runs_total", &[("account", account), ("outcome", outcome)]);
    assert!(runs("live", "succeeded") >= 1 && runs("live", "failed") == 0 && runs("far", "failed") >= 1);
    assert_eq!(page.value("grantd_account_snapshot_id", &[("account", "far")]), None);
    // No login: no names but those of accounts.
    let shown = format!("{text}{ready}");
    for name in ["HIDDEN", "tester", "ACCOUNTADMIN", "127.0.0.1"] {
        assert!(!shown.contains(name), "{name}: {shown}");
    }
}

#[test]
fn the_port_of_metrics_bounds_what_a_connection_may_take() {
    let mut served = Served::start("", "", &[]);
    assert_eq!(served.get("/readyz").0, 200, "without accounts there is nothing to wait for");
    let of = |request: &str| status(&http(served.metrics, request).0);
    assert_eq!(of("POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"), 405);
    let long = format!("GET /healthz HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert_ne!(of(&long), 200);
    let many = "X: 1\r\n".repeat(200);
    assert_ne!(of(&format!("GET /healthz HTTP/1.1\r\nHost: h\r\n{many}\r\n")), 200);
    assert_ne!(of("\0\u{1}garbage\r\n\r\n"), 200);

    // Clients that say nothing have their places for some seconds, and no more.
    let silent: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(served.metrics).unwrap()).collect();
    served.event(|event| event["message"] == "too many connections ask for metrics; one was closed");
    let begun = Instant::now();
    for mut stream in silent {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let _ = stream.write_all(b"GET /healthz HT");
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(served.get("/healthz").0, 200);
}

#[test]
fn health_asks_the_gateway_where_no_metrics_are_shown() {
    let served = Served::start("", "", &[]);
    let config = served.folder.path().join("other.toml");
    let ask = |listen: &str, more: &[&str]| {
        std::fs::write(&config, format!("[server]\nlisten = \"{listen}\"\ndata_dir = \"state\"\n")).unwrap();
        outcome(&grantd(&["health", "--config", utf8(&config)]).args(more).output().unwrap())
    };
    assert_eq!(ask(&served.gateway.to_string(), &[]), (Some(0), String::new(), String::new()));
    let (code, _, error) = ask(&served.gateway.to_string(), &["--ready"]);
    assert!(code == Some(1) && error.contains("metrics_listen is not set"), "{error}");
    let (code, _, error) = ask("127.0.0.1:1", &[]);
    assert!(code == Some(1) && error.contains("does not answer"), "{error}");
}

#[test]
fn names_of_metrics_follow_prometheus_rules_and_are_documented() {
    let units = ["_seconds", "_bytes", "_info", "_total"];
    let counts = [
        "_fds",
        "_threads",
        "_starting",
        "_sessions",
        "_id",
        "_users",
        "_roles",
        "_objects",
        "_grants",
        "_gaps",
        "_failures",
    ];
    for Family { name, kind, labels, help, .. } in FAMILIES {
        assert!(name.starts_with("grantd_") && help.ends_with('.'), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        assert!(units.iter().chain(&counts).any(|end| name.ends_with(end)), "{name} has no unit");
        let known = ["account", "kind", "outcome", "reason", "sqlstate_class", "version"];
        assert!(labels.iter().all(|label| known.contains(label)), "{name}: {labels:?}");
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).unwrap();
    for Family { name, kind, labels, help, .. } in FAMILIES {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let row = format!("| `{name}` | {} | {labels} | {help} |", kind.word());
        assert!(page.contains(&row), "docs/operations.md lacks this row, or has another:\n{row}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `grantd_")).count();
    assert_eq!(rows, FAMILIES.len());
}
