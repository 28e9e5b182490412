//! Large accounts: the work of a statement is proportional to what it changes.

use super::World;
use datafusion::arrow::record_batch::RecordBatch;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Tables in schemas, and roles to grant them to.
fn objects(schemas: usize, tables: usize, roles: usize) -> String {
    let mut sql = "CREATE DATABASE D;\n".to_owned();
    for s in 0..schemas {
        writeln!(sql, "CREATE SCHEMA D.S{s};").unwrap();
        for t in 0..tables {
            writeln!(sql, "CREATE TABLE D.S{s}.T{t} (X INT);").unwrap();
        }
    }
    for r in 0..roles {
        writeln!(sql, "CREATE ROLE R{r}; GRANT ROLE R{r} TO ROLE SYSADMIN;").unwrap();
    }
    sql
}

/// The time of a script on an account.
fn time(world: &World, sql: &str) -> Duration {
    let start = Instant::now();
    if let Err(error) = world.engine.run_script(sql) {
        panic!("{error}");
    }
    start.elapsed()
}

fn grants(schemas: usize, tables: usize, roles: std::ops::Range<usize>) -> String {
    let mut sql = String::new();
    for r in roles {
        for s in 0..schemas {
            for t in 0..tables {
                writeln!(sql, "GRANT SELECT ON TABLE D.S{s}.T{t} TO ROLE R{r};").unwrap();
            }
        }
    }
    sql
}

#[test]
fn a_statement_costs_the_same_in_a_large_account() {
    let world = World::new(&objects(10, 20, 100));
    let first = time(&world, &grants(10, 20, 0..5));
    let between = grants(10, 20, 5..95);
    world.engine.run_script(&between).unwrap();
    let last = time(&world, &grants(10, 20, 95..100));
    assert_eq!(world.grants().len(), 20_000);
    // Nineteen times the grants. Copying the account for each statement would take more than ten times as long.
    assert!(last < first * 5 + Duration::from_millis(200), "{first:?} at first, {last:?} at last");
}

/// Prints the figures of `docs/testing.md`: `cargo test --workspace --lib -- --ignored --nocapture volume`.
#[tokio::test]
#[ignore = "prints figures; takes a minute"]
async fn figures() {
    use crate::sandbox::protocol::engine::{Engine as _, LoginRequest};
    let world = World::new("");
    println!("20 schemas, 2,000 tables, 50 roles: {:?}", time(&world, &objects(20, 100, 50)));
    println!("100,000 GRANT statements: {:?}", time(&world, &grants(20, 100, 0..50)));
    let large = World::new("");
    println!("500 schemas, 100,000 tables, 200 roles: {:?}", time(&large, &objects(500, 200, 200)));
    let mut bulk = String::new();
    for s in 0..500 {
        for r in 0..10 {
            writeln!(bulk, "GRANT SELECT ON ALL TABLES IN SCHEMA D.S{s} TO ROLE R{};", (s + r * 17) % 200).unwrap();
        }
    }
    println!("1,000,000 grants by 5,000 bulk statements: {:?}", time(&large, &bulk));
    for (name, world) in [("100,000", &world), ("1,000,000", &large)] {
        world.engine.prepare_sync("SVC", "SYNC", "WH", &[1, 2, 3]).unwrap();
        let login = LoginRequest { login_name: "SVC".to_owned(), ..LoginRequest::default() };
        let mut session = world.engine.open(&login).unwrap();
        let start = Instant::now();
        let sql = "SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_ROLES";
        let answer = session.execute(sql, false, &serde_json::Map::new()).await.unwrap();
        let rows: usize = answer.batches.iter().map(RecordBatch::num_rows).sum();
        println!("GRANTS_TO_ROLES of {name} grants: {rows} rows in {:?}", start.elapsed());
    }
}
