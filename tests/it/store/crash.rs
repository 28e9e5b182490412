//! A process that is killed at any moment of a commit leaves the old snapshot or the new one, whole.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use grantd::store::{RunStatus, Store};

use super::{account, run};

const DIRECTORY: &str = "GRANTD_TEST_CRASH_DIRECTORY";
/// Kills of one test; a long run sets the variable to 200.
const ROUNDS: &str = "GRANTD_CRASH_ROUNDS";
const FEW_ROUNDS: u64 = 20;

/// What the `n`th snapshot holds: long enough that writing it takes several calls.
fn content(n: u64) -> Vec<u8> {
    n.to_le_bytes().repeat(20_000)
}

/// Run by the test below in a process of its own: commits snapshot after snapshot and says so after each.
#[test]
#[ignore = "the child of kill_at_any_moment_leaves_a_whole_state"]
fn child() {
    let dir = std::env::var(DIRECTORY).unwrap();
    let store = Store::open(dir).unwrap();
    store.put_account(&account("prod")).unwrap();
    let committed = store.newest_snapshot("prod").unwrap().map_or(0, |(manifest, _)| manifest.rows);
    for n in committed + 1.. {
        store.commit_snapshot("prod", &content(n), &run(n)).unwrap();
        println!("committed {n}");
        if n % 4 == 0 {
            store.prune("prod", 2).unwrap();
        }
    }
}

#[test]
fn kill_at_any_moment_leaves_a_whole_state() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    let rounds = std::env::var(ROUNDS).ok().and_then(|n| n.parse().ok()).unwrap_or(FEW_ROUNDS);
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["store::crash::child", "--exact", "--ignored", "--nocapture"])
            .env(DIRECTORY, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let number = |line: &str| line.rsplit_once("committed ").map(|(_, n)| n.parse::<u64>().unwrap());
        // The first commit of this round proves that the child is at work.
        let first = lines.by_ref().map(Result::unwrap).find_map(|line| number(&line)).expect("the child commits");
        assert_eq!(first, acknowledged + 1, "nothing that was acknowledged is lost, nothing is made up");
        std::thread::sleep(Duration::from_micros(rand::random_range(0..30_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.map(Result::unwrap).filter_map(|line| number(&line)).last().unwrap_or(first);

        let store = Store::open(dir.path()).unwrap();
        let (manifest, bytes) = store.newest_snapshot("prod").unwrap().unwrap();
        assert!((last..=last + 1).contains(&manifest.rows), "round {round}: {} after {last}", manifest.rows);
        assert!(bytes == content(manifest.rows), "round {round}: the content is that of the newest commit");
        let runs = store.sync_runs(Some("prod"), usize::MAX).unwrap();
        assert_eq!(runs.len() as u64, manifest.rows, "one run per snapshot");
        assert!(runs.iter().all(|run| run.status == RunStatus::Succeeded));
        assert_eq!(store.sync_steps(runs.first().unwrap().run_id).unwrap(), run(manifest.rows).steps);
        let mut readable = 0;
        for old in store.snapshots("prod").unwrap().iter().filter(|old| !old.pruned) {
            assert!(store.read_snapshot("prod", old.id).unwrap().1 == content(old.rows));
            readable += 1;
        }
        let files = std::fs::read_dir(dir.path().join("snapshots")).unwrap().count();
        assert_eq!(files, readable, "round {round}: no file without a row");
        acknowledged = manifest.rows;
    }
}
