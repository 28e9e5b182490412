//! The store's promises, through its public interface: all or nothing, checked at read, one process, every version.

mod backup;
mod crash;
mod version;

use std::fs;

use grantd::store::{
    AccountRow, AccountSource, ChangeRow, ChangesetStatus, CoverageRow, NewChangeset, RunRow, RunStatus, SnapshotId,
    StepRow, StepStatus, Store, StoreError,
};

fn store() -> Store {
    let store = Store::in_memory().unwrap();
    store.put_account(&account("prod")).unwrap();
    store
}

fn account(name: &str) -> AccountRow {
    AccountRow {
        name: name.to_owned(),
        platform: "snowflake".to_owned(),
        source: AccountSource::Sync,
        created_at: 1_760_000_000_000_000,
    }
}

/// A run whose numbers all follow from `n`.
fn run(n: u64) -> RunRow {
    let at = 1_760_000_000_000_000 + i64::try_from(n).unwrap() * 1_000_000;
    RunRow {
        kind: "full".to_owned(),
        started_at: at,
        finished_at: at + 500_000,
        taken_at: at + 1,
        rows: n,
        statements: 2,
        steps: vec![
            StepRow {
                part: None,
                statement: None,
                as_of: None,
                name: "SHOW ROLES".to_owned(),
                started_at: at,
                finished_at: at + 10,
                status: StepStatus::Succeeded,
                rows: Some(n),
                query_id: Some("01b2-c3".to_owned()),
                error: None,
            },
            StepRow {
                part: None,
                statement: None,
                as_of: None,
                name: "SHOW SHARES".to_owned(),
                started_at: at + 10,
                finished_at: at + 20,
                status: StepStatus::Skipped,
                rows: None,
                query_id: None,
                error: Some("insufficient privileges".to_owned()),
            },
        ],
        coverage: vec![CoverageRow {
            source: "SHOW SHARES".to_owned(),
            object: None,
            reason: "no privilege".to_owned(),
            detail: Some("GRANT IMPORT SHARE ON ACCOUNT TO ROLE GRANTD".to_owned()),
            affects: Some("grants".to_owned()),
        }],
        ..RunRow::default()
    }
}

fn changeset(account: &str, base_snapshot: Option<SnapshotId>) -> NewChangeset {
    NewChangeset {
        account: account.to_owned(),
        title: "Ann joins the analysts".to_owned(),
        created_by: "ann".to_owned(),
        created_at: 5,
        sql: "grant role analyst to user ann".to_owned(),
        base_snapshot,
        changes: vec![ChangeRow {
            kind: "grant_role".to_owned(),
            sql: r#"GRANT ROLE "ANALYST" TO USER "ANN""#.to_owned(),
            inverse_sql: Some(r#"REVOKE ROLE "ANALYST" FROM USER "ANN""#.to_owned()),
            object_type: Some("ROLE".to_owned()),
            object_name: Some("ANALYST".to_owned()),
            object: Some("ANALYST".to_owned()),
            grantee_type: Some("USER".to_owned()),
            grantee: Some("ANN".to_owned()),
            ..ChangeRow::default()
        }],
    }
}

#[test]
fn a_committed_snapshot_comes_back_with_its_run_steps_and_coverage() {
    let store = store();
    assert!(store.newest_snapshot("prod").unwrap().is_none());
    let first = store.commit_snapshot("prod", b"one", &run(1)).unwrap();
    let second = store.commit_snapshot("prod", b"two", &run(2)).unwrap();
    assert!(second > first);

    let (manifest, bytes) = store.newest_snapshot("prod").unwrap().unwrap();
    assert_eq!(bytes, b"two");
    assert_eq!((manifest.id, manifest.rows, manifest.bytes, manifest.taken_at), (second, 2, 3, run(2).taken_at));
    assert_eq!(store.read_snapshot("prod", first).unwrap().1, b"one");

    let runs = store.sync_runs(Some("prod"), 10).unwrap();
    assert_eq!(runs.iter().map(|run| run.snapshot).collect::<Vec<_>>(), [Some(second), Some(first)]);
    let newest = runs.first().unwrap();
    assert_eq!((newest.status, newest.rows, newest.statements, &newest.error), (RunStatus::Succeeded, 2, 2, &None));
    assert_eq!(store.sync_steps(newest.run_id).unwrap(), run(2).steps);
    assert_eq!(store.coverage("prod").unwrap(), run(2).coverage);
}

#[test]
fn a_store_that_is_opened_again_has_everything() {
    let dir = tempfile::tempdir().unwrap();
    let id = {
        let store = Store::open(dir.path()).unwrap();
        store.put_account(&account("prod")).unwrap();
        store.commit_snapshot("prod", b"one", &run(1)).unwrap();
        store.create_changeset(&changeset("prod", None)).unwrap().id
    };
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.accounts().unwrap(), [account("prod")]);
    assert_eq!(store.newest_snapshot("prod").unwrap().unwrap().1, b"one");
    assert_eq!(store.changes(&id).unwrap(), changeset("prod", None).changes);
}

#[test]
fn a_failed_run_is_recorded_and_changes_nothing_else() {
    let store = store();
    store.commit_snapshot("prod", b"one", &run(1)).unwrap();
    let baseline = store.baseline("prod").unwrap();
    let mut broken = run(2);
    broken.coverage.clear();
    let run_id = store.record_failed_run("prod", &broken, "login refused").unwrap();

    assert_eq!(store.newest_snapshot("prod").unwrap().unwrap().1, b"one");
    assert_eq!(store.baseline("prod").unwrap(), baseline);
    // The gaps of what is served are those of the run that made it.
    assert_eq!(store.coverage("prod").unwrap(), run(1).coverage);
    let newest = store.sync_runs(None, 1).unwrap().remove(0);
    assert_eq!((newest.run_id, newest.status, newest.snapshot), (run_id, RunStatus::Failed, None));
    assert_eq!(newest.error.as_deref(), Some("login refused"));
}

#[test]
fn a_snapshot_that_cannot_be_recorded_leaves_no_row_and_no_file() {
    let store = store();
    store.commit_snapshot("prod", b"one", &run(1)).unwrap();
    let mut impossible = run(2);
    impossible.statements = u64::MAX;
    let error = store.commit_snapshot("prod", b"two", &impossible).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { what: "statements", .. }), "{error}");
    assert_eq!(store.newest_snapshot("prod").unwrap().unwrap().1, b"one");
    assert_eq!(store.sync_runs(None, 10).unwrap().len(), 1);
    assert_eq!(fs::read_dir(store.dir().join("snapshots")).unwrap().count(), 1);
}

#[test]
fn the_first_snapshot_is_the_baseline_until_another_is_accepted() {
    let store = store();
    let first = store.commit_snapshot("prod", b"one", &run(1)).unwrap();
    let second = store.commit_snapshot("prod", b"two", &run(2)).unwrap();
    assert_eq!(store.baseline("prod").unwrap().unwrap().snapshot, first);
    store.set_baseline("prod", second, "after the audit", "ann", 7).unwrap();
    let baseline = store.baseline("prod").unwrap().unwrap();
    assert_eq!((baseline.snapshot, baseline.set_at), (second, 7));
    assert_eq!((baseline.note.as_str(), baseline.set_by.as_str()), ("after the audit", "ann"));

    store.put_account(&account("other")).unwrap();
    let error = store.set_baseline("other", second, "", "ann", 8).unwrap_err();
    assert!(matches!(error, StoreError::NoSnapshot { .. }), "{error}");
}

#[test]
fn a_damaged_or_missing_file_is_named_and_older_snapshots_stay_readable() {
    let store = store();
    let first = store.commit_snapshot("prod", b"one", &run(1)).unwrap();
    store.commit_snapshot("prod", b"two", &run(2)).unwrap();
    let (manifest, _) = store.newest_snapshot("prod").unwrap().unwrap();
    let file = store.dir().join("snapshots").join(&manifest.file);

    for (damage, said) in [(Some(&b"tw0"[..]), "SHA-256"), (Some(&b"tw"[..]), "2 bytes"), (None, "missing")] {
        match damage {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let error = store.newest_snapshot("prod").unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains(&manifest.file), "{error}");
    }
    assert_eq!(store.read_snapshot("prod", first).unwrap().1, b"one");
}

#[test]
fn a_prune_keeps_the_newest_the_baseline_and_the_bases_of_open_changesets() {
    let store = store();
    let ids: Vec<SnapshotId> = (0..6)
        .map(|n: u64| store.commit_snapshot("prod", format!("content {n}").as_bytes(), &run(n)).unwrap())
        .collect();
    let open = store.create_changeset(&changeset("prod", Some(ids[2]))).unwrap();
    let closed = store.create_changeset(&changeset("prod", Some(ids[3]))).unwrap();
    store.set_changeset_status(&closed.id, ChangesetStatus::Cancelled, "ann", "", 9).unwrap();

    let report = store.prune("prod", 1).unwrap();
    assert_eq!((report.snapshots, report.files, report.bytes), (3, 3, 27));
    let readable: Vec<bool> = ids.iter().map(|id| store.read_snapshot("prod", *id).is_ok()).collect();
    // 0 is the baseline, 2 has an open changeset, 5 is the newest.
    assert_eq!(readable, [true, false, true, false, false, true]);
    assert!(matches!(store.read_snapshot("prod", ids[1]).unwrap_err(), StoreError::Pruned { .. }));
    assert_eq!(store.snapshots("prod").unwrap().len(), 6, "the record stays");
    assert_eq!(store.prune("prod", 0).unwrap().snapshots, 0, "the newest always stays");

    store.set_changeset_status(&open.id, ChangesetStatus::Cancelled, "ann", "", 9).unwrap();
    assert_eq!(store.prune("prod", 1).unwrap().snapshots, 1);
}

#[test]
fn two_snapshots_with_the_same_content_share_a_file_until_both_are_pruned() {
    let store = store();
    store.commit_snapshot("prod", b"baseline", &run(0)).unwrap();
    for n in 1..=3 {
        store.commit_snapshot("prod", b"same", &run(n)).unwrap();
    }
    let files = || fs::read_dir(store.dir().join("snapshots")).unwrap().count();
    assert_eq!(files(), 2);
    let report = store.prune("prod", 1).unwrap();
    assert_eq!((report.snapshots, report.files), (2, 0));
    assert_eq!(store.newest_snapshot("prod").unwrap().unwrap().1, b"same");
    store.commit_snapshot("prod", b"next", &run(4)).unwrap();
    assert_eq!(store.prune("prod", 1).unwrap().files, 1);
    assert_eq!(files(), 2);
}

#[test]
fn two_stores_never_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(dir.path()).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    let expected = format!("(process {})", std::process::id());
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(error.to_string().contains(&expected), "{error}");
    drop(first);
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_temporary_store_leaves_nothing() {
    let store = store();
    let dir = store.dir().to_path_buf();
    assert!(dir.is_dir());
    drop(store);
    assert!(!dir.exists());
}

#[test]
fn accounts_keep_their_platform_and_first_date() {
    let store = store();
    store.put_account(&AccountRow { source: AccountSource::Import, created_at: 99, ..account("prod") }).unwrap();
    let kept = store.account("prod").unwrap().unwrap();
    assert_eq!((kept.source, kept.created_at), (AccountSource::Import, account("prod").created_at));
    let error = store.put_account(&AccountRow { platform: "databricks".to_owned(), ..account("prod") }).unwrap_err();
    assert!(matches!(error, StoreError::OtherPlatform { .. }), "{error}");
    assert!(store.put_account(&account("")).is_err());
    // Names are values, whatever they hold.
    store.put_account(&account("../o'dd \"name\"/😀")).unwrap();
    store.commit_snapshot("../o'dd \"name\"/😀", b"x", &run(1)).unwrap();
    assert_eq!(store.newest_snapshot("../o'dd \"name\"/😀").unwrap().unwrap().1, b"x");
}

#[test]
fn an_unknown_account_is_refused_everywhere() {
    let store = store();
    let refusals = [
        store.commit_snapshot("nope", b"x", &run(1)).map(|_| ()),
        store.record_failed_run("nope", &run(1), "no").map(|_| ()),
        store.set_baseline("nope", SnapshotId(1), "", "ann", 1),
        store.create_changeset(&changeset("nope", None)).map(|_| ()),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert!(matches!(error, StoreError::NoAccount { .. }), "{error}");
        assert_eq!(error.sqlstate(), "02000");
        assert!(error.hint().is_some());
    }
    assert_eq!(fs::read_dir(store.dir().join("snapshots")).unwrap().count(), 0);
}

#[test]
fn a_changeset_is_a_draft_with_an_id_that_can_be_typed() {
    let store = store();
    let base = store.commit_snapshot("prod", b"one", &run(1)).unwrap();
    let created = store.create_changeset(&changeset("prod", Some(base))).unwrap();
    let digits = created.id.strip_prefix("cs_").unwrap();
    assert!(digits.len() == 8 && digits.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase()));
    assert_eq!(created.status, ChangesetStatus::Draft);
    assert_eq!(store.changeset(&created.id).unwrap(), Some(created.clone()));
    assert_eq!(store.changesets().unwrap(), std::slice::from_ref(&created));
    assert_eq!(store.changes(&created.id).unwrap(), changeset("prod", None).changes);
    assert_eq!(store.changeset("cs_nope").unwrap(), None);
}

#[test]
fn a_changeset_moves_only_as_its_status_allows() {
    use ChangesetStatus::{Applied, Approved, Cancelled, Draft, Failed, PendingReview};
    let ways: [&[ChangesetStatus]; 5] = [
        &[PendingReview, Approved, Applied],
        &[PendingReview, Approved, Failed, Draft, PendingReview],
        &[PendingReview, Draft, Cancelled],
        &[PendingReview, Approved, Cancelled],
        &[Cancelled],
    ];
    let store = store();
    for way in ways {
        let id = store.create_changeset(&changeset("prod", None)).unwrap().id;
        let mut from = Draft;
        for (at, to) in (10..).zip(way) {
            for refused in ChangesetStatus::ALL.iter().filter(|status| !from.next().contains(status)) {
                let error = store.set_changeset_status(&id, *refused, "ann", "", at).unwrap_err();
                assert!(matches!(error, StoreError::Transition { .. }), "{from} -> {refused}: {error}");
            }
            store.set_changeset_status(&id, *to, "bob", "why", at).unwrap();
            assert_eq!(store.changeset(&id).unwrap().unwrap().status, *to);
            from = *to;
        }
        let steps = store.changeset_steps(&id).unwrap();
        assert_eq!(steps.len(), way.len() + 1);
        let last = steps.last().unwrap();
        assert_eq!((last.to, last.by.as_str(), last.note.as_str()), (from, "bob", "why"));
    }
    let error = store.set_changeset_status("cs_00000000", Cancelled, "ann", "", 1).unwrap_err();
    assert!(matches!(error, StoreError::NoChangeset { .. }), "{error}");
}
