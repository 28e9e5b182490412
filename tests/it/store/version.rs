//! Every published store version opens, and what is newer or foreign is refused untouched.

use std::fs;
use std::path::{Path, PathBuf};

use grantd::store::{
    AccountSource, ChangesetStatus, DATABASE_FILE, NewSecret, RunStatus, STORE_VERSION, SecretKind, SnapshotId, Store,
    StoreError, UserRow,
};
use rusqlite::Connection;

use super::{account, changeset, run};

fn fixture(version: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store").join(format!("v{version}"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Fills a store with something of everything; a new version gets its fixture by running this once, ignored or not.
fn fill(dir: &Path) {
    let store = Store::open(dir).unwrap();
    store.put_account(&account("prod")).unwrap();
    let first = store.commit_snapshot("prod", b"first snapshot", &run(1)).unwrap();
    let second = store.commit_snapshot("prod", b"second snapshot", &run(2)).unwrap();
    store.set_baseline("prod", second, "reviewed", "ann", 42).unwrap();
    store.prune("prod", 1).unwrap();
    store.record_failed_run("prod", &run(3), "login refused").unwrap();
    let id = store.create_changeset(&changeset("prod", Some(second))).unwrap().id;
    store.set_changeset_status(&id, ChangesetStatus::PendingReview, "ann", "please", 43).unwrap();
    assert!(first < second);
    let user = UserRow {
        name: "ann".to_owned(),
        administrator: true,
        disabled: false,
        salt: vec![7; 16],
        rounds: 15_000,
        created_at: 44,
    };
    store.add_user(&user, &secret(SecretKind::Password)).unwrap();
    store.add_secret("ann", &secret(SecretKind::Token)).unwrap();
}

fn secret(kind: SecretKind) -> NewSecret {
    NewSecret {
        kind,
        label: "dbt".to_owned(),
        stored_key: [1; 32],
        server_key: [2; 32],
        created_at: 45,
        expires_at: Some(46),
    }
}

/// What came with version 3.
fn check_users(dir: &Path) {
    let store = Store::open(dir).unwrap();
    let [ann] = store.users().unwrap().try_into().unwrap();
    assert_eq!((ann.name.as_str(), ann.administrator, ann.rounds, ann.salt), ("ann", true, 15_000, vec![7; 16]));
    let kinds: Vec<_> = store
        .secrets(Some("ann"))
        .unwrap()
        .iter()
        .map(|s| (s.secret.kind, s.secret.stored_key, s.secret.expires_at))
        .collect();
    assert_eq!(kinds, [(SecretKind::Password, [1; 32], Some(46)), (SecretKind::Token, [1; 32], Some(46))]);
}

fn check(dir: &Path) {
    let store = Store::open(dir).unwrap();
    let kept = store.account("prod").unwrap().unwrap();
    assert_eq!((kept.platform.as_str(), kept.source), ("snowflake", AccountSource::Sync));
    let (manifest, bytes) = store.newest_snapshot("prod").unwrap().unwrap();
    assert_eq!((bytes.as_slice(), manifest.taken_at), (&b"second snapshot"[..], run(2).taken_at));
    assert!(matches!(store.read_snapshot("prod", SnapshotId(1)).unwrap_err(), StoreError::Pruned { .. }));
    let baseline = store.baseline("prod").unwrap().unwrap();
    assert_eq!((baseline.snapshot, baseline.note.as_str(), baseline.set_at), (manifest.id, "reviewed", 42));
    let runs = store.sync_runs(Some("prod"), 10).unwrap();
    let statuses: Vec<_> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [RunStatus::Failed, RunStatus::Succeeded, RunStatus::Succeeded]);
    assert_eq!(store.sync_steps(2).unwrap(), run(2).steps);
    assert_eq!(store.coverage("prod").unwrap(), run(2).coverage);
    let [proposed] = store.changesets().unwrap().try_into().unwrap();
    assert_eq!((proposed.status, proposed.base_snapshot), (ChangesetStatus::PendingReview, Some(manifest.id)));
    assert_eq!(store.changes(&proposed.id).unwrap(), changeset("prod", None).changes);
    assert_eq!(store.changeset_steps(&proposed.id).unwrap().len(), 2);
    // It can be written to as well.
    store.commit_snapshot("prod", b"next", &run(4)).unwrap();
}

#[test]
fn every_published_version_opens() {
    for version in 1..=STORE_VERSION {
        let dir = tempfile::tempdir().unwrap();
        copy(&fixture(version), dir.path());
        check(dir.path());
        if version >= 3 {
            check_users(dir.path());
        }
    }
}

#[test]
fn what_this_version_writes_passes_the_same_check() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    check(dir.path());
    check_users(dir.path());
}

#[test]
#[ignore = "writes the fixture of a new store version into tests/fixtures/store"]
fn write_fixture() {
    let dir = fixture(STORE_VERSION);
    assert!(!dir.exists(), "the fixture of a published version never changes");
    fill(&dir);
    fs::remove_file(dir.join("lock")).unwrap();
}

#[test]
fn a_newer_store_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    let file = dir.path().join(DATABASE_FILE);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", STORE_VERSION + 1).unwrap();
    let before = fs::read(&file).unwrap();

    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found, supported, .. } if found == supported + 1), "{error}");
    assert!(error.to_string().contains(DATABASE_FILE), "{error}");
    assert!(error.hint().unwrap().contains("newer grantd"));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_foreign_database_is_refused_and_left_as_it_is() {
    for make_foreign in [
        |file: &Path| Connection::open(file).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap(),
        |file: &Path| fs::write(file, "not a database, but long enough to look at".repeat(100)).unwrap(),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(DATABASE_FILE);
        make_foreign(&file);
        let before = fs::read(&file).unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
        assert_eq!(fs::read(&file).unwrap(), before);
    }
}

#[test]
fn the_database_is_durable_and_checks_its_references() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    // WAL is a property of the file; what a connection sets is seen in what the store refuses.
    let file = Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
    let mode: String = file.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let id: i64 = file.pragma_query_value(None, "application_id", |row| row.get(0)).unwrap();
    assert_eq!(id.to_be_bytes()[4..], *b"grnt");
}
