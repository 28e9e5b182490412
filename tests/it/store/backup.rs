//! Backups: the state of one moment, whole, while the store is written to.

use super::{account, run};
use crate::support::{grantd, outcome, utf8};
use grantd::store::{DATABASE_FILE, Store, StoreError, backup, restore};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

fn content(n: u64) -> Vec<u8> {
    n.to_le_bytes().repeat(5_000)
}

fn commit(store: &Store, n: u64) {
    store.commit_snapshot("prod", &content(n), &run(n)).unwrap();
}

/// Everything that a copy names is there, and is of one moment.
fn check(dir: &Path) -> u64 {
    let store = Store::open(dir).unwrap();
    let (newest, bytes) = store.newest_snapshot("prod").unwrap().unwrap();
    assert!(bytes == content(newest.rows));
    let runs = store.sync_runs(Some("prod"), usize::MAX).unwrap();
    assert_eq!(runs.len() as u64, newest.rows, "the runs of that moment, no more and no fewer");
    for snapshot in store.snapshots("prod").unwrap().iter().filter(|s| !s.pruned) {
        assert!(store.read_snapshot("prod", snapshot.id).unwrap().1 == content(snapshot.rows));
    }
    newest.rows
}

#[test]
fn a_backup_is_whole_while_snapshots_are_committed_and_pruned() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(data.path()).unwrap();
    store.put_account(&account("prod")).unwrap();
    commit(&store, 1);
    let stop = AtomicBool::new(false);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 2.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                commit(&store, n);
                store.prune("prod", 2).unwrap();
            }
        });
        let copies: Vec<_> = (0..8).map(|i| copies.path().join(format!("copy-{i}"))).collect();
        let made: Vec<_> = copies.iter().map(|to| backup(data.path(), to)).collect();
        stop.store(true, Ordering::Relaxed);
        for (to, copied) in copies.iter().zip(made) {
            let copied = copied.unwrap();
            assert!(copied.segments >= 1 && copied.bytes > 40_000);
            seen.push(check(to));
        }
    });
    assert!(seen.is_sorted() && seen.first() < seen.last(), "it was written to meanwhile: {seen:?}");
    let left: Vec<_> = std::fs::read_dir(copies.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 8, "nothing unfinished is left: {left:?}");
}

#[test]
fn a_backup_restores_to_the_same_store() {
    let dir = tempfile::tempdir().unwrap();
    let [data, copy, again] = ["data", "copy", "again"].map(|name| dir.path().join(name));
    let store = Store::open(&data).unwrap();
    store.put_account(&account("prod")).unwrap();
    (1..=3).for_each(|n| commit(&store, n));
    // The store is open, as a daemon has it: the command works from outside.
    let made = outcome(&grantd(&["backup", "--data-dir", utf8(&data), utf8(&copy)]).output().unwrap());
    assert!(made.0 == Some(0) && made.1.contains("3 snapshots"), "{made:?}");
    std::fs::create_dir(&again).unwrap();
    let restored = outcome(&grantd(&["restore", "--data-dir", utf8(&again), utf8(&copy)]).output().unwrap());
    assert!(restored.0 == Some(0) && restored.1.contains("3 snapshots"), "{restored:?}");
    assert_eq!(check(&again), 3);
    assert_eq!(check(&copy), 3, "a backup can be opened itself");
    commit(&Store::open(&again).unwrap(), 4);
}

#[test]
fn a_copy_that_would_not_be_whole_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let [data, copy, other] = ["data", "copy", "other"].map(|name| dir.path().join(name));
    assert!(matches!(backup(&data, &copy), Err(StoreError::NoStore { .. })));
    let store = Store::open(&data).unwrap();
    store.put_account(&account("prod")).unwrap();
    commit(&store, 1);
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("theirs"), "x").unwrap();
    assert!(matches!(restore(&data, &other), Err(StoreError::NotEmpty { .. })));
    let file = data.join("snapshots").join(&store.newest_manifest("prod").unwrap().unwrap().file);
    for damage in [Some(&b"damaged"[..]), None] {
        match damage {
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let error = backup(&data, &copy).unwrap_err();
        assert!(matches!(error, StoreError::Unsound { .. }) && error.hint().is_some(), "{error}");
        assert!(!copy.exists());
    }
    drop(store);
    std::fs::write(data.join(DATABASE_FILE), "no database, but long enough to look at".repeat(100)).unwrap();
    assert!(matches!(backup(&data, &copy), Err(StoreError::Foreign { .. } | StoreError::Database { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing unfinished is left");
}
