//! Snapshots that are swapped a hundred times a second under readers: each statement sees one of them, whole, and none
//! older than when it was asked; a transaction sees one.
//!
//! A long run: `GRANTD_SWAP_QUERIES=1000000 cargo test --workspace --test it -- gateway::snapshots`.

use super::*;
use crate::support::number;

const READERS: u64 = 8;
/// Three tables of one snapshot, joined; each row has the snapshot's number.
const QUERY: &str = "select a.v, b.v, c.v, count(*) from version_one a join version_two b on a.n = b.n join version_three c on b.n = c.n \
                     group by a.v, b.v, c.v";

fn seen(rows: &[tokio_postgres::Row]) -> u64 {
    let [row] = rows else { panic!("{} rows: snapshots are mixed", rows.len()) };
    let [a, b, c, count]: [i64; 4] = [0, 1, 2, 3].map(|at| row.get(at));
    assert!(a == b && b == c && count == ROWS, "mixed: {a}, {b}, {c}, {count} rows");
    a as u64
}

async fn read(server: Arc<Server>, reader: u64, queries: u64) {
    let mut client = server.client().await;
    let prepared = client.prepare(QUERY).await.unwrap();
    let mut last = 0;
    for query in 0..queries {
        let before = server.version.load(Ordering::SeqCst);
        let found = match (query + reader) % 4 {
            0 => seen(&client.query(QUERY, &[]).await.unwrap()),
            1 => {
                let transaction = client.transaction().await.unwrap();
                let first = seen(&transaction.query(&prepared, &[]).await.unwrap());
                assert_eq!(
                    seen(&transaction.query(&prepared, &[]).await.unwrap()),
                    first,
                    "a transaction sees one snapshot"
                );
                transaction.commit().await.unwrap();
                first
            }
            _ => seen(&client.query(&prepared, &[]).await.unwrap()),
        };
        assert!(found >= before && found <= server.version.load(Ordering::SeqCst), "stale: {found} after {before}");
        assert!(found >= last, "back from {last} to {found}");
        last = found;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_mixed_or_stale_while_snapshots_are_swapped() {
    let server = Arc::new(Server::start());
    let queries = number("GRANTD_SWAP_QUERIES", 400) / READERS;
    let swapping = {
        let version = Arc::clone(&server.version);
        tokio::spawn(async move {
            let mut every = tokio::time::interval(Duration::from_millis(10));
            loop {
                every.tick().await;
                version.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let readers: Vec<_> = (0..READERS).map(|reader| tokio::spawn(read(Arc::clone(&server), reader, queries))).collect();
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(!swapping.is_finished());
    swapping.abort();
}
