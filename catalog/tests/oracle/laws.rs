//! The laws of diff, apply and the snapshot's file, on random accounts with hostile names.

use crate::random::account;
use grantd_catalog::account::Account;
use grantd_catalog::model::ObjectRef;
use grantd_catalog::snapshot::{DiffBy, Snapshot, diff, diff_by};
use std::collections::BTreeSet;

/// Pairs of accounts checked; one seed names a pair.
const PAIRS: u64 = 300;

/// Two accounts of one name, so that one can become the other.
fn pair(seed: u64) -> (Snapshot, Snapshot) {
    let freeze = |account: &Account| Snapshot::freeze(account, 1);
    (freeze(&account(seed)), freeze(&account(seed + 1_000_000)))
}

/// The same account after some of the changes towards another: near neighbours, as two syncs are.
fn step(a: &Snapshot, b: &Snapshot, seed: u64) -> Snapshot {
    let mut account = a.thaw();
    for (change, i) in diff(a, b).iter().zip(seed..) {
        // A change may need one that was left out; then it does not apply, and nothing happens.
        if i % 3 == 0 {
            let _ = account.apply(change, Some(2));
        }
    }
    Snapshot::freeze(&account, 2)
}

/// Objects that only one of two snapshots has.
fn objects_of_one(a: &Snapshot, b: &Snapshot) -> Vec<ObjectRef> {
    let all = |s: &Snapshot| (0..s.object_count()).map(|id| s.object(id)).collect::<BTreeSet<_>>();
    all(a).symmetric_difference(&all(b)).cloned().collect()
}

#[test]
fn apply_of_diff_gives_the_other() {
    for seed in 0..PAIRS {
        let (a, b) = pair(seed);
        for (from, to) in [(&a, &b), (&b, &a), (&a, &step(&a, &b, seed))] {
            let changes = diff(from, to);
            let after = from.apply(&changes, 3).unwrap_or_else(|(i, e)| panic!("seed {seed}: {:?}: {e}", changes[i]));
            assert_eq!(after.state_difference(to), None, "seed {seed}: {:?}", objects_of_one(&after, to));
        }
    }
}

#[test]
fn a_snapshot_does_not_differ_from_itself() {
    for seed in 0..PAIRS {
        let (a, _) = pair(seed);
        assert_eq!(diff(&a, &a), [], "seed {seed}");
        assert!(a.same_state(&Snapshot::freeze(&a.thaw(), 9)), "seed {seed}");
    }
}

#[test]
fn a_diff_by_access_says_nothing_of_grantors_and_reaches_the_same_access() {
    for seed in 0..PAIRS {
        let (a, b) = pair(seed);
        let changes = diff_by(&a, &b, DiffBy::Access);
        assert!(changes.iter().all(|c| *c == c.clone().without_grantor()), "seed {seed}");
        let after = a.apply(&changes, 3).unwrap_or_else(|(i, e)| panic!("seed {seed}: {:?}: {e}", changes[i]));
        assert_eq!(diff_by(&after, &b, DiffBy::Access), [], "seed {seed}");
    }
}

#[test]
fn the_file_of_a_snapshot_reads_back() {
    for seed in 0..PAIRS {
        let (a, _) = pair(seed);
        let bytes = a.encode().unwrap();
        let read = Snapshot::decode(&bytes).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        assert!(read.same_state(&a), "seed {seed}");
        assert_eq!(read.encode().unwrap(), bytes, "seed {seed}: evidence is kept and the order is canonical");
    }
}

#[test]
fn a_cut_or_newer_file_is_refused() {
    let bytes = pair(1).0.encode().unwrap();
    for cut in [0, 5, 11, 40, bytes.len() / 2, bytes.len() - 2] {
        assert!(Snapshot::decode(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let mut newer = bytes.clone();
    newer[8] = 99;
    assert!(Snapshot::decode(&newer).unwrap_err().to_string().contains("use a newer grantd"));
    assert!(Snapshot::decode(b"not a snapshot").is_err());
}
