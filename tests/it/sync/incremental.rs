//! An incremental run, a check and a full run over one state of the platform give one state.

use super::account::{NAME, Platform, exact, shown, sync};
use grantd::daemon::{Daemon, SyncRequest, SyncSettings};
use grantd_catalog::snapshot::Snapshot;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::Duration;

const SCRIPT: &str = "
CREATE DATABASE D0; CREATE DATABASE D1;
CREATE SCHEMA D0.S0; CREATE SCHEMA D0.S1; CREATE SCHEMA D1.S0;
CREATE ROLE R0; CREATE ROLE R1; CREATE ROLE R2; CREATE ROLE R3;
CREATE USER U0; CREATE USER U1; CREATE USER U2;
CREATE DATABASE ROLE D0.DR0; CREATE DATABASE ROLE D1.DR0;
CREATE TABLE D0.S0.T0 (ID NUMBER); CREATE TABLE D0.S0.T1 (ID NUMBER); CREATE VIEW D1.S0.V0 AS SELECT 1 AS ONE;
GRANT ROLE R0 TO ROLE R1; GRANT ROLE R1 TO USER U0; GRANT DATABASE ROLE D0.DR0 TO ROLE R0;
GRANT SELECT ON TABLE D0.S0.T0 TO ROLE R0; GRANT SELECT ON VIEW D1.S0.V0 TO DATABASE ROLE D1.DR0;
GRANT SELECT ON FUTURE TABLES IN SCHEMA D0.S0 TO ROLE R2;
";

/// A statement that may or may not fit the account; the names are few, so that things are dropped and made anew.
fn statement(random: &mut StdRng) -> String {
    let mut n = |below: u32| random.random_range(0..below);
    let (role, other, user, schema, table) = (n(5), n(5), n(4), n(3), n(4));
    let (role, other) = (format!("R{role}"), format!("R{other}"));
    let schema = ["D0.S0", "D0.S1", "D1.S0"][schema as usize];
    let table = format!("{schema}.T{table}");
    let database = schema.get(..2).unwrap();
    match n(26) {
        0 => format!("CREATE ROLE {role}"),
        1 => format!("DROP ROLE {role}"),
        2 => format!("CREATE USER U{user}"),
        3 => format!("DROP USER U{user}"),
        4 | 5 => format!("GRANT ROLE {role} TO USER U{user}"),
        6 => format!("REVOKE ROLE {role} FROM USER U{user}"),
        7 => format!("GRANT ROLE {role} TO ROLE {other}"),
        8 => format!("REVOKE ROLE {role} FROM ROLE {other}"),
        9 | 10 => format!("CREATE TABLE {table} (ID NUMBER)"),
        11 => format!("DROP TABLE {table}"),
        12 => format!("CREATE OR REPLACE TABLE {table} (ID NUMBER)"),
        13 | 14 => format!("GRANT SELECT, INSERT ON TABLE {table} TO ROLE {role}"),
        15 => format!("GRANT SELECT ON TABLE {table} TO ROLE {role} WITH GRANT OPTION"),
        16 => format!("REVOKE SELECT ON TABLE {table} FROM ROLE {role} CASCADE"),
        17 => format!("GRANT OWNERSHIP ON TABLE {table} TO ROLE {role} COPY CURRENT GRANTS"),
        18 => format!("GRANT USAGE ON DATABASE {database} TO ROLE {role}"),
        19 => format!("REVOKE USAGE ON DATABASE {database} FROM ROLE {role}"),
        20 => format!("CREATE SCHEMA {schema}"),
        21 => format!("DROP SCHEMA {schema}"),
        22 => format!("GRANT SELECT ON FUTURE TABLES IN SCHEMA {schema} TO ROLE {role}"),
        23 => format!("CREATE DATABASE ROLE {database}.DR{user}"),
        24 => format!("DROP DATABASE ROLE {database}.DR{user}"),
        _ => format!("GRANT DATABASE ROLE {database}.DR{user} TO ROLE {role}"),
    }
}

fn difference(a: &Snapshot, b: &Snapshot) -> String {
    let why = a.state_difference(b).unwrap_or("nothing");
    let changes = grantd_catalog::snapshot::diff(a, b);
    let text: Vec<String> = changes.iter().take(5).map(|c| format!("{c:?}")).collect();
    format!("{why}: {}", text.join("; "))
}

/// `(kind, statements, snapshot)` of the newest run.
fn newest(daemon: &Daemon) -> (String, i64, Option<i64>) {
    let world = daemon.world();
    let run = world.sync_runs.iter().max_by_key(|r| r.run_id.parse::<i64>().unwrap()).unwrap();
    (run.kind.clone(), run.statements, run.snapshot_id)
}

#[tokio::test]
async fn an_incremental_run_equals_a_full_one_after_any_changes() {
    let seed = std::env::var("GRANTD_SYNC_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(7);
    let rounds = std::env::var("GRANTD_SYNC_ROUNDS").ok().and_then(|s| s.parse().ok()).unwrap_or(6);
    let mut random = StdRng::seed_from_u64(seed);
    let platform = Platform::start(SCRIPT);
    let by_changes = platform.daemon(exact());
    sync(&by_changes, SyncRequest::full()).await.unwrap();
    let mut done = 0;
    let mut incremental = 0;
    for round in 0..rounds {
        for _ in 0..random.random_range(1..25) {
            done += u32::from(platform.engine.run_script(&statement(&mut random)).is_ok());
        }
        sync(&by_changes, SyncRequest::default()).await.unwrap();
        incremental += u32::from(newest(&by_changes).0 == "incremental");
        let in_full = platform.daemon(exact());
        sync(&in_full, SyncRequest::full()).await.unwrap();
        let (a, b) = (shown(&by_changes), shown(&in_full));
        assert!(a.same_state(&b), "seed {seed}, round {round}: {}", difference(&a, &b));
    }
    assert!(done > rounds && incremental == rounds, "{done} statements, {incremental} of {rounds} incremental");
}

#[tokio::test]
async fn a_restarted_daemon_goes_on_from_the_last_snapshot() {
    let platform = Platform::start(SCRIPT);
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let store = std::sync::Arc::new(grantd::store::Store::open(dir.path()).unwrap());
        Daemon::open(store, [(NAME.to_owned(), platform.connector(exact()))].into()).unwrap()
    };
    sync(&open(), SyncRequest::full()).await.unwrap();
    platform.run("GRANT SELECT ON TABLE D0.S0.T1 TO ROLE R3");
    let again = open();
    assert!(!shown(&again).privileges().is_empty(), "the last snapshot is served before any sync");
    let report = sync(&again, SyncRequest::default()).await.unwrap();
    assert_eq!(report.kind, "incremental");
    let full = platform.daemon(exact());
    sync(&full, SyncRequest::full()).await.unwrap();
    assert!(shown(&again).same_state(&shown(&full)));
}

#[tokio::test]
async fn a_check_without_changes_makes_no_snapshot_and_needs_six_statements() {
    let platform = Platform::start(SCRIPT);
    let daemon = platform.daemon(exact());
    let full = sync(&daemon, SyncRequest::full()).await.unwrap();
    let covered = format!("{:?}", daemon.world().coverage);
    platform.controls.reset_statements();
    let check = sync(&daemon, SyncRequest::check()).await.unwrap();
    assert_eq!((check.changed, check.snapshot, check.statements), (false, full.snapshot, 6));
    assert_eq!(platform.controls.statements().statements, 6);
    assert_eq!(newest(&daemon), ("check".to_owned(), 6, Some(full.snapshot.0)));
    assert_eq!(format!("{:?}", daemon.world().coverage), covered, "a check leaves the coverage of the last reading");
}

#[tokio::test]
async fn a_check_shows_new_users_members_and_drops_at_once_and_a_full_run_agrees() {
    let platform = Platform::start(SCRIPT);
    let daemon = platform.daemon(exact());
    sync(&daemon, SyncRequest::full()).await.unwrap();
    for change in [
        "CREATE USER U9; GRANT ROLE R3 TO USER U9",
        "GRANT ROLE R2 TO ROLE R3",
        "REVOKE ROLE R1 FROM USER U0",
        "DROP USER U0",
        "DROP ROLE R1",
        "ALTER USER U1 SET DISABLED = TRUE",
    ] {
        platform.run(change);
        platform.controls.reset_statements();
        let report = sync(&daemon, SyncRequest::check()).await.unwrap();
        assert_eq!((report.kind.as_str(), report.changed), ("repair", true), "{change}");
        assert!(platform.controls.statements().statements <= 9, "{change}: {:?}", platform.controls.statements());
        let full = platform.daemon(exact());
        sync(&full, SyncRequest::full()).await.unwrap();
        let (a, b) = (shown(&daemon), shown(&full));
        assert!(a.same_state(&b), "{change}: {}", difference(&a, &b));
    }
    // Nothing flips back.
    let after = sync(&daemon, SyncRequest::default()).await.unwrap();
    assert_eq!(after.kind, "incremental");
    assert!(!sync(&daemon, SyncRequest::check()).await.unwrap().changed);
}

#[tokio::test]
async fn future_grants_of_new_containers_are_read_before_their_turn() {
    let platform = Platform::start(SCRIPT);
    let daemon = platform.daemon(SyncSettings { future_grants_interval: Duration::from_hours(6), ..exact() });
    sync(&daemon, SyncRequest::full()).await.unwrap();
    let before = shown(&daemon).container_grants().len();
    platform.run("CREATE SCHEMA D1.S9; GRANT SELECT ON FUTURE TABLES IN SCHEMA D1.S9 TO ROLE R0");
    platform.controls.reset_statements();
    sync(&daemon, SyncRequest::default()).await.unwrap();
    // The bulk, and one for the new schema.
    assert_eq!(platform.controls.statements().statements, 19);
    assert_eq!(shown(&daemon).container_grants().len(), before + 1, "those of the other containers were kept");
}

#[tokio::test]
async fn steps_say_what_was_sent_when_and_how_old_it_may_be() {
    let platform = Platform::start(SCRIPT);
    let daemon = platform.daemon(exact());
    sync(&daemon, SyncRequest::full()).await.unwrap();
    let world = daemon.world();
    let step = |name: &str| world.sync_steps.iter().find(|s| s.source == name).unwrap();
    let (grants, show) = (step("GRANTS_TO_ROLES"), step("SHOW ROLES"));
    assert_eq!((grants.part.as_deref(), show.part.as_deref()), (Some("B"), Some("A")));
    assert_eq!(grants.as_of, Some(grants.started_at - 120 * 60_000_000), "the view's documented latency");
    assert_eq!(show.as_of, Some(show.started_at));
    assert!(grants.statement.as_ref().unwrap().starts_with("SELECT PRIVILEGE"));
    let run = world.sync_runs.first().unwrap();
    let oldest = world.sync_steps.iter().filter_map(|s| s.as_of).min();
    assert_eq!((run.source.as_deref(), run.as_of, run.dangling), (Some("sync"), oldest, 0));
    let health = world.account(NAME).unwrap().health;
    assert_eq!((health.as_of, health.failures), (oldest, 0));
    assert!(health.last_success_at.is_some());
}

/// The size of a published specification (389 roles, 257 users, 114 databases), for which permifrost sends 5,313
/// statements before it grants anything, and tundra 3,430.
#[tokio::test]
async fn four_hundred_roles_and_114_databases_take_eighteen_statements_and_future_grants_one_per_container() {
    let mut script: Vec<String> = Vec::new();
    script.extend((0..400).map(|i| format!("CREATE ROLE R{i}")));
    script.extend((0..260).map(|i| format!("CREATE USER U{i}; GRANT ROLE R{} TO USER U{i}", i % 400)));
    for i in 0..114 {
        script.push(format!("CREATE DATABASE D{i}; CREATE SCHEMA D{i}.A; CREATE TABLE D{i}.A.T (X INT)"));
        script.push(format!("GRANT SELECT ON TABLE D{i}.A.T TO ROLE R{i}"));
    }
    let platform = Platform::start(&script.join(";"));
    let daemon = platform.daemon(SyncSettings { future_grants_interval: Duration::from_hours(6), ..exact() });
    let first = sync(&daemon, SyncRequest::full()).await.unwrap();
    // Of the databases there are the 114 and SNOWFLAKE, and each has two or three schemas: the roles are fewer.
    let roles = shown(&daemon).principals().iter().filter(|p| p.kind.is_role()).count();
    assert!(first.statements <= 18 + roles, "{} statements, {roles} roles", first.statements);
    platform.controls.reset_statements();
    let next = sync(&daemon, SyncRequest::default()).await.unwrap();
    let sent = platform.controls.statements().statements;
    assert_eq!((next.kind.as_str(), sent), ("incremental", 18));
    println!("first run {} statements, then {sent}, checks 6", first.statements);
}
