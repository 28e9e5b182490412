//! The queue and its writer: durable intents, a disk that fails and comes back, a buffer that is full.

use super::*;
use crate::gateway::recorder::OK;
use crate::gateway::{Entry, Route, StatementText};
use crate::store::audit::{Record, verify};
use std::path::Path;
use std::time::{Instant, SystemTime};

fn entry(kind: &'static str) -> Entry {
    Entry {
        started_at: SystemTime::now(),
        took: Duration::from_millis(3),
        kind,
        user: "ann".into(),
        address: "127.0.0.1:1".into(),
        application: "x".repeat(300) + "ä",
        session: 7,
        route: Some(Route::Simple),
        text: StatementText { masked: "SELECT ?".into(), fingerprint: [1; 32], bytes: 10 },
        world: [Some("all".to_owned()), None],
        snapshots: [("prod".to_owned(), 3)].into_iter().collect(),
        rows: 2,
        bytes: 40,
        outcome: OK,
        detail: None,
    }
}

fn records(log: &QueryLog) -> Vec<Record> {
    let (dir, key, head) = log.readable().unwrap();
    let mut back = crate::store::audit::Backwards::open(&dir, key, head).unwrap();
    let mut all: Vec<Record> = std::iter::from_fn(|| back.before().unwrap()).collect();
    all.reverse();
    all
}

fn kinds(log: &QueryLog) -> Vec<String> {
    records(log).into_iter().map(|record| record.event.kind).collect()
}

/// The log as a folder that cannot be opened: a file stands in its place.
fn block(dir: &Path) {
    std::fs::write(dir.join("audit"), "").unwrap();
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn what_is_recorded_is_read_back_after_the_end_and_a_new_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let log = QueryLog::start(Arc::clone(&store)).unwrap();
    log.admit().await.unwrap();
    log.record(entry("query"));
    log.record_durably(entry("intent")).await.unwrap();
    let all = records(&log);
    assert_eq!(kinds(&log), ["start", "query", "intent"]);
    let event = &all[1].event;
    assert_eq!((event.rows, event.bytes, event.session, event.micros), (Some(2), Some(40), Some(7), 3_000));
    assert_eq!((event.text.as_deref(), event.text_bytes), (Some("SELECT ?"), Some(10)));
    assert_eq!((event.snapshots["prod"], event.roles.as_deref(), &event.changeset), (3, Some("all"), &None));
    assert_eq!(event.application.as_ref().unwrap().len(), 255);
    log.stop();
    let log = QueryLog::start(store).unwrap();
    assert_eq!(kinds(&log), ["start", "query", "intent", "stop", "start"]);
    assert_eq!(verify(folder.path(), None, &|_| {}).unwrap().head.sequence, 5);
}

#[tokio::test]
async fn a_disk_that_fails_refuses_intents_keeps_reads_until_the_buffer_is_full_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    block(folder.path());
    let log = QueryLog::with(Arc::new(Store::open(folder.path()).unwrap()), 10, 1 << 20).unwrap();
    let refused = log.record_durably(entry("login")).await.unwrap_err();
    assert!(refused.sqlstate == "58030" && refused.hint.is_some(), "{refused:?}");
    assert!(!format!("{refused:?}").contains(folder.path().to_str().unwrap()), "no path reaches a client: {refused:?}");
    let mut kept = 0;
    while log.admit().await.is_ok() {
        log.record(entry("query"));
        kept += 1;
    }
    // The start has a place too.
    assert_eq!(kept, 9);
    assert_eq!(log.admit().await.unwrap_err().sqlstate, "58030");
    std::fs::remove_file(folder.path().join("audit")).unwrap();
    until("the log goes on", || log.queue.failure().is_none());
    log.admit().await.unwrap();
    log.record_durably(entry("login")).await.unwrap();
    let all = records(&log);
    let kinds: Vec<&str> = all.iter().map(|record| record.event.kind.as_str()).collect();
    assert_eq!(kinds, [&["start"][..], &["query"; 9], &["resume", "login"]].concat());
    let told = all[10].event.detail.as_deref().unwrap();
    assert!(told.contains("2 statements and logins were refused without a record"), "{told}");
}

#[tokio::test]
async fn a_log_that_is_not_whole_is_never_written_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    QueryLog::start(Arc::clone(&store)).unwrap().stop();
    let segment = folder.path().join("audit/000000000001.jsonl");
    let text = std::fs::read_to_string(&segment).unwrap();
    std::fs::write(&segment, text.replace("\"kind\":\"stop\"", "\"kind\":\"halt\"")).unwrap();
    let log = QueryLog::start(store).unwrap();
    let refused = log.record_durably(entry("login")).await.unwrap_err();
    assert!(refused.sqlstate == "58030" && refused.message.contains("not whole"), "{refused:?}");
    std::thread::sleep(Duration::from_millis(1_500));
    log.stop();
    assert_eq!(std::fs::read_to_string(&segment).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn strangers_do_not_fill_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = QueryLog::start(Arc::new(Store::open(folder.path()).unwrap())).unwrap();
    for _ in 0..2_000 {
        log.record(Entry { session: 0, route: None, outcome: "28P01", ..entry("login") });
    }
    log.stop();
    let all = records(&log);
    assert_eq!(all.len(), 603);
    assert!(all[601].event.detail.as_ref().unwrap().contains("the last of 1400 refused logins"));
}

#[test]
fn many_sessions_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = QueryLog::with(Arc::new(Store::open(folder.path()).unwrap()), 64, 20_000).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    for _ in 0..100 {
                        log.admit().await.unwrap();
                        log.record(entry("query"));
                    }
                });
            });
        }
    });
    log.stop();
    let checked = verify(folder.path(), None, &|_| {}).unwrap();
    assert_eq!(checked.head.sequence, 802);
    assert!(checked.segments > 5, "{checked:?}");
}
