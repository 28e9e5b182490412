//! What is known of the accounts, in numbers.

use std::collections::BTreeMap;

use grantd_catalog::account::Micros;
use grantd_catalog::tables::World;

use crate::daemon::SyncCounts;

/// One account.
#[derive(Debug, Default)]
pub(super) struct AccountFigures {
    /// Its newest snapshot, unless there is none yet.
    pub(super) snapshot: Option<SnapshotFigures>,
    /// Runs since the start that brought what they should.
    pub(super) succeeded: u64,
    /// Runs since the start that failed.
    pub(super) failed: u64,
    /// Failed runs since the last that succeeded, also before the start.
    pub(super) failures: u64,
    /// Findings of the newest snapshot's coverage, by reason.
    pub(super) gaps: BTreeMap<String, u64>,
}

/// The newest snapshot of an account.
#[derive(Debug)]
pub(super) struct SnapshotFigures {
    /// Its number.
    pub(super) id: i64,
    /// The moment of the platform that it shows.
    pub(super) as_of: Micros,
    pub(super) users: u64,
    pub(super) roles: u64,
    pub(super) objects: u64,
    pub(super) grants: u64,
}

/// Every account that is configured or has a snapshot.
pub(super) fn figures<'a>(
    world: &World,
    configured: impl Iterator<Item = &'a str>,
    runs: &BTreeMap<String, SyncCounts>,
) -> BTreeMap<String, AccountFigures> {
    let mut all: BTreeMap<String, AccountFigures> =
        configured.map(|name| (name.to_owned(), AccountFigures::default())).collect();
    for view in &world.accounts {
        let snapshot = &view.snapshot;
        let roles = snapshot.principals().iter().filter(|p| p.kind.is_role()).count();
        let account = all.entry(view.name.clone()).or_default();
        account.failures = u64::try_from(view.health.failures).unwrap_or_default();
        account.snapshot = Some(SnapshotFigures {
            id: view.snapshot_id,
            as_of: view.health.as_of.unwrap_or_else(|| snapshot.taken_at()),
            users: snapshot.graph().users().len() as u64,
            roles: roles as u64,
            objects: u64::from(snapshot.object_count()),
            grants: snapshot.grants().len() as u64,
        });
    }
    for row in &world.coverage {
        if let Some(account) = all.get_mut(&row.account) {
            let gaps = account.gaps.entry(row.reason.clone()).or_default();
            *gaps = gaps.saturating_add(1);
        }
    }
    for (name, counts) in runs {
        if let Some(account) = all.get_mut(name) {
            (account.succeeded, account.failed) = (counts.succeeded, counts.failed);
        }
    }
    for (name, account) in all.iter_mut().filter(|(_, account)| account.snapshot.is_none()) {
        // Without a snapshot no run has succeeded.
        account.failures = world.sync_runs.iter().filter(|run| run.account == *name).count() as u64;
    }
    all
}
