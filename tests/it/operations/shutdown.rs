//! The end: nobody new, idle sessions at once, running statements until the deadline, exit code 0.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::{Served, account, arm};
use crate::support::operator::operator_sql;
use crate::support::wire::{connect, rows};
use crate::support::{Running, demo_of};

/// A sandbox whose statements each wait so long.
fn slow_sandbox(milliseconds: u64) -> Running {
    let sandbox = demo_of(&operator_sql());
    arm(&sandbox, serde_json::json!({"kind": "latency", "milliseconds": milliseconds}));
    sandbox
}

fn code(error: &tokio_postgres::Error) -> Option<&SqlState> {
    error.code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_runs_has_until_the_deadline_and_then_ends_with_57p01() {
    let sandbox = slow_sandbox(600_000);
    let accounts = account("live", &sandbox.sandbox, "sync_interval = \"0\"");
    let mut served = Served::start("shutdown_timeout = \"2s\"", &accounts, &[]);
    let (busy, idle) = (connect(&served.url()).await, connect(&served.url()).await);
    assert_eq!(rows(&idle, "SELECT 1").await.len(), 1);
    let running = tokio::spawn(async move { busy.simple_query("CALL sync('live')").await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let begun = Instant::now();
    served.running.terminate();
    served.event(|event| event["message"] == "the end has begun");
    let refused = idle.simple_query("SELECT 1").await.unwrap_err();
    assert!(code(&refused) == Some(&SqlState::ADMIN_SHUTDOWN) || refused.is_closed(), "{refused:?}");
    assert!(tokio_postgres::connect(&served.url(), NoTls).await.is_err(), "nobody new is let in");
    let ended = running.await.unwrap().unwrap_err();
    assert_eq!(code(&ended), Some(&SqlState::ADMIN_SHUTDOWN), "{ended:?}");
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    let (exit, said) = served.running.ended();
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("statements that still run are ended") && said.contains("\"ended\""), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_ends_in_time_is_answered() {
    // A sync logs in, and reads for some seconds.
    let sandbox = slow_sandbox(20);
    let accounts = account("live", &sandbox.sandbox, "sync_interval = \"0\"");
    let mut served = Served::start("shutdown_timeout = \"2m\"", &accounts, &[]);
    let client = connect(&served.url()).await;
    let running = tokio::spawn(async move {
        let answer = client.simple_query("CALL sync('live')").await;
        (answer, client)
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    served.running.terminate();
    served.event(|event| event["message"] == "the end has begun");
    let (answer, client) = running.await.unwrap();
    answer.unwrap();
    assert!(client.simple_query("SELECT 1").await.is_err());
    assert_eq!(served.running.ended().0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let sandbox = slow_sandbox(600_000);
    let accounts = account("live", &sandbox.sandbox, "sync_interval = \"0\"");
    let mut served = Served::start("shutdown_timeout = \"10m\"", &accounts, &[]);
    let busy = connect(&served.url()).await;
    let running = tokio::spawn(async move { busy.simple_query("CALL sync('live')").await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    served.running.terminate();
    served.event(|event| event["message"] == "the end has begun");
    served.running.terminate();
    assert_eq!(served.running.ended().0, Some(143));
    running.await.unwrap().unwrap_err();
}

#[test]
fn a_sync_under_way_ends_and_leaves_the_state_as_it_was() {
    let sandbox = slow_sandbox(5_000);
    let accounts = account("live", &sandbox.sandbox, "sync_interval = \"1h\"");
    let mut served = Served::start("", &accounts, &[]);
    std::thread::sleep(Duration::from_secs(1));
    let begun = Instant::now();
    served.running.terminate();
    let (exit, said) = served.running.ended();
    assert_eq!(exit, Some(0), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let store = grantd::store::Store::open(served.folder.path().join("state")).unwrap();
    assert!(store.sync_runs(None, 10).unwrap().is_empty());
}

#[test]
fn systemd_is_told_when_it_is_ready_and_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let heard = || {
        let mut message = [0; 256];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let mut served = Served::start("", "", &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert_eq!(heard().trim(), "READY=1");
    served.running.terminate();
    assert_eq!(heard().trim(), "STOPPING=1");
    assert_eq!(served.running.ended().0, Some(0));
}
