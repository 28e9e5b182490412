//! What a panic leaves in the log: its place, and nothing of what it says.

use std::process::Command;

use super::parsed;

/// Set for the child of the test below.
const CHILD: &str = "GRANTD_TEST_PANICS";

/// Not a test of its own: the process whose standard error the next one reads.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    grantd::cli::logging::init();
    grantd::cli::logging::panics::install();
    let threads = (0..3).map(|number| {
        std::thread::Builder::new()
            .name(format!("canary-thread-{number}"))
            .spawn(move || panic!("CANARY of {number}: SELECT 'CANARY'\nsecond line"))
            .unwrap()
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap_err();
    }
    assert_eq!(grantd::cli::logging::panics::count(), 3);
}

#[test]
fn a_panic_is_logged_with_its_place_and_without_its_text() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "operations::panics::child", "--nocapture"])
        .env(CHILD, "1")
        .env("GRANTD_LOG_FORMAT", "json")
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("CANARY") && !said.contains("second line"), "{said}");
    let mut ids: Vec<String> = said
        .lines()
        .map(|line| {
            let event = parsed(line);
            assert_eq!((&event["target"], &event["level"]), (&"grantd::panic".into(), &"ERROR".into()));
            assert!(event["location"].as_str().unwrap().contains("tests/it/operations/panics.rs:"), "{line}");
            assert!(event["thread"].as_str().unwrap().starts_with("canary-thread-"), "{line}");
            event["id"].as_str().unwrap().to_owned()
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{said}");
}
