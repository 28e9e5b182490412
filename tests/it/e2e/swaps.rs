//! The daemon's snapshots, swapped by real syncs under readers: what was made together is seen together.
//!
//! A long run: `GRANTD_SYNC_SWAPS=500 cargo test --workspace --test it -- e2e::swaps`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio_postgres::Client;

use crate::support::operator::{Operator, operator_sql};
use crate::support::wire::{connect, rows};
use crate::support::{demo_of, number};

/// Of every role that is called K..., the role itself, that it is granted, and what it is granted: as many of each.
const QUERY: &str = "select count(distinct r.role_name), count(distinct m.role_name), count(distinct g.grantee) \
                     from roles r full join role_grants m on m.role_name = r.role_name \
                     full join grants g on g.grantee = r.role_name and g.privilege = 'USAGE' \
                     where coalesce(r.role_name, m.role_name, g.grantee) like 'K%'";

fn counted(rows: &[tokio_postgres::Row]) -> i64 {
    let [roles, members, grants]: [i64; 3] = [0, 1, 2].map(|at| rows[0].get(at));
    assert!(roles == members && members == grants, "mixed: {roles} roles, {members} memberships, {grants} grants");
    roles
}

async fn read(client: Client, synced: Arc<AtomicI64>, over: Arc<AtomicBool>) -> u64 {
    let prepared = client.prepare(QUERY).await.unwrap();
    let (mut last, mut asked) = (0, 0);
    while !over.load(Ordering::SeqCst) {
        let before = synced.load(Ordering::SeqCst);
        let found = counted(&client.query(&prepared, &[]).await.unwrap());
        assert!(found >= before && found >= last, "stale: {found} after {before} and {last}");
        last = found;
        asked += 1;
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_each_sync_whole() {
    let script = format!("CREATE DATABASE D;\n{}", operator_sql());
    let running = demo_of(&script);
    let operator = Operator::login(&running.sandbox).await;
    let client = connect(&running.url).await;
    let (synced, over) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut readers = Vec::new();
    for _ in 0..8 {
        let reader = connect(&running.url).await;
        readers.push(tokio::spawn(read(reader, Arc::clone(&synced), Arc::clone(&over))));
    }
    for step in 0..number("GRANTD_SYNC_SWAPS", 6) as i64 {
        for sql in [
            format!("CREATE ROLE K{step}"),
            format!("GRANT ROLE K{step} TO ROLE ACCOUNTADMIN"),
            format!("GRANT USAGE ON DATABASE D TO ROLE K{step}"),
        ] {
            operator.run(&sql).await.unwrap();
        }
        rows(&client, "CALL sync('demo')").await;
        synced.store(step + 1, Ordering::SeqCst);
    }
    over.store(true, Ordering::SeqCst);
    let mut asked = 0;
    for reader in readers {
        asked += reader.await.unwrap();
    }
    assert!(asked > 20, "{asked}");
    assert_eq!(counted(&client.query(QUERY, &[]).await.unwrap()), synced.load(Ordering::SeqCst));
}
