//! `kill -9` at any moment of a sync: the old snapshot or the new one is served, whole, and the next sync goes on.
//!
//! `GRANTD_KILLS` says how often, `GRANTD_KILL_SEED` when.

use super::account::{NAME, Platform, exact, shown, sync};
use crate::support::{grantd, number, utf8};
use grantd::daemon::{Daemon, SyncRequest};
use grantd::store::Store;
use grantd_catalog::snapshot::Snapshot;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

/// What a process that starts on this folder serves before it syncs.
fn served(state: &Path) -> Option<Arc<Snapshot>> {
    let daemon = Daemon::open(Arc::new(Store::open(state).unwrap()), HashMap::new()).unwrap();
    daemon.world().account(NAME).map(|view| Arc::clone(&view.snapshot))
}

/// The account as it is now.
async fn now(platform: &Platform) -> Arc<Snapshot> {
    let daemon = platform.daemon(exact());
    sync(&daemon, SyncRequest::full()).await.unwrap();
    shown(&daemon)
}

fn sync_of(config: &Path) -> Command {
    let mut command = grantd(&["sync", "--config", utf8(config)]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_is_killed_leaves_the_old_snapshot_or_the_new_one() {
    let mut random = StdRng::seed_from_u64(number("GRANTD_KILL_SEED", 1));
    let tables: String = (0..200).map(|i| ["CREATE TABLE D.S.T", &i.to_string(), " (X INT);"].concat()).collect();
    let platform = Platform::start(&format!("CREATE ROLE R; CREATE DATABASE D; CREATE SCHEMA D.S; {tables}"));
    let folder = tempfile::tempdir().unwrap();
    let config = platform.configure(folder.path());
    let state = folder.path().join("state");
    let started = Instant::now();
    assert!(sync_of(&config).status().unwrap().success());
    let undisturbed = started.elapsed();
    let mut old = now(&platform).await;
    assert!(served(&state).unwrap().same_state(&old));
    let (mut kept, mut swapped) = (0, 0);
    for round in 0..number("GRANTD_KILLS", 12) {
        platform.run(&format!("GRANT SELECT ON TABLE D.S.T{} TO ROLE R; CREATE ROLE N{round}", round % 200));
        let new = now(&platform).await;
        let mut process = sync_of(&config).spawn().unwrap();
        let at = undisturbed.mul_f64(random.random_range(0.0..1.3));
        tokio::time::sleep(at).await;
        process.kill().unwrap();
        process.wait().unwrap();
        let found = served(&state).unwrap();
        if found.same_state(&new) {
            swapped += 1;
        } else {
            assert!(found.same_state(&old), "round {round}, killed after {at:?}");
            kept += 1;
        }
        // The next one, undisturbed, has it all.
        assert!(sync_of(&config).status().unwrap().success(), "round {round}");
        assert!(served(&state).unwrap().same_state(&new), "round {round}");
        old = new;
    }
    println!("killed {} times: {kept} times the old snapshot, {swapped} times the new one", kept + swapped);
}
