//! The shrink guard and the budget: what is refused changes nothing, and says how to go on.

use super::account::{NAME, Platform, exact, shown, sync};
use grantd::daemon::{DaemonError, SyncRequest, SyncSettings};
use grantd::sync::{Budget, RunError, ShrinkGuard};
use std::fmt::Write as _;
use std::sync::Arc;

fn many_roles() -> String {
    (0..60).fold(String::new(), |mut sql, i| {
        let _ = writeln!(sql, "CREATE ROLE R{i};");
        sql
    })
}

#[tokio::test]
async fn a_snapshot_that_lost_too_much_is_refused_unless_forced() {
    let platform = Platform::start(&many_roles());
    let daemon = platform.daemon(exact());
    let first = sync(&daemon, SyncRequest::full()).await.unwrap();
    let before = shown(&daemon);
    platform.run(&drop_roles(40));
    for request in [SyncRequest::full(), SyncRequest::default(), SyncRequest::check()] {
        let error = sync(&daemon, request).await.unwrap_err();
        let shrunk = matches!(&error, DaemonError::Sync { error, .. } if matches!(error.as_ref(), RunError::Shrunk(_)));
        assert!(shrunk, "{error}");
        assert!(error.to_string().contains("lose 40 of") && error.to_string().contains("--force-shrink"), "{error}");
        assert!(Arc::ptr_eq(&shown(&daemon), &before), "the state before is served");
    }
    let world = daemon.world();
    let failed: Vec<_> = world.sync_runs.iter().filter(|r| r.status == "failed").collect();
    assert_eq!(failed.len(), 3);
    assert!(failed.iter().all(|r| r.error.as_ref().unwrap().contains("max_loss_roles") && r.snapshot_id.is_none()));
    assert_eq!(world.account(NAME).unwrap().snapshot_id, first.snapshot.0);
    let forced = sync(&daemon, SyncRequest { force_shrink: true, ..SyncRequest::full() }).await.unwrap();
    assert!(forced.snapshot > first.snapshot);
    assert!(shown(&daemon).principals().len() < before.principals().len());
}

#[tokio::test]
async fn the_shares_are_the_accounts_own() {
    let platform = Platform::start(&many_roles());
    let lenient = ShrinkGuard { roles: 100, users: 100, grants: 100, objects: 100 };
    let daemon = platform.daemon(SyncSettings { shrink: lenient, ..exact() });
    sync(&daemon, SyncRequest::full()).await.unwrap();
    platform.run(&drop_roles(60));
    sync(&daemon, SyncRequest::full()).await.unwrap();
}

#[tokio::test]
async fn a_run_beyond_its_budget_sends_nothing() {
    let platform = Platform::start(&many_roles());
    let daemon = platform.daemon(exact());
    for budget in [
        Budget { statements: Some(17), warehouse_seconds: None },
        Budget { statements: None, warehouse_seconds: Some(59) },
    ] {
        let request = SyncRequest { budget: Some(budget), ..SyncRequest::full() };
        let error = sync(&daemon, request).await.unwrap_err();
        assert!(
            matches!(&error, DaemonError::Sync { error, .. } if matches!(error.as_ref(), RunError::Budget(_))),
            "{error}"
        );
        assert!(error.to_string().contains("--plan"), "{error}");
    }
    assert_eq!(platform.controls.statements().statements, 0);
}

#[tokio::test]
async fn future_grants_count_against_the_budget_before_they_are_asked() {
    let platform = Platform::start("CREATE DATABASE D; CREATE SCHEMA D.A; CREATE SCHEMA D.B;");
    let daemon = platform.daemon(exact());
    let budget = Some(Budget { statements: Some(18), warehouse_seconds: None });
    let error = sync(&daemon, SyncRequest { budget, ..SyncRequest::full() }).await.unwrap_err();
    assert!(error.to_string().contains("its budget is 18"), "{error}");
    assert_eq!(platform.controls.statements().statements, 18, "the bulk was sent, the rest was not");
}

#[tokio::test]
async fn a_plan_sends_nothing_and_knows_the_rows_of_the_last_run() {
    let platform = Platform::start(&many_roles());
    let daemon = platform.daemon(exact());
    let blind = daemon.plan(NAME, SyncRequest::full(), false).await.unwrap();
    assert_eq!((platform.controls.statements().statements, blind.plan.len()), (0, 18));
    assert!(blind.plan.statements.iter().all(|s| s.rows.is_none()) && !blind.plan.future_grants_known);
    let looked = daemon.plan(NAME, SyncRequest::full(), true).await.unwrap();
    assert_eq!(platform.controls.statements().statements, 6, "only the SHOW commands");
    let rows = |planned: &grantd::daemon::Planned, name: &str| {
        planned.plan.statements.iter().find(|s| s.statement.name == name).and_then(|s| s.rows)
    };
    assert!(rows(&looked, "ROLES").unwrap() >= 60);
    let report = sync(&daemon, SyncRequest::full()).await.unwrap();
    platform.controls.reset_statements();
    let known = daemon.plan(NAME, SyncRequest::full(), false).await.unwrap();
    assert_eq!(platform.controls.statements().statements, 0);
    assert_eq!(known.plan.len(), report.statements, "the plan is what the run sent");
    assert!(known.plan.statements.iter().all(|s| s.rows.is_some()));
    let next = daemon.plan(NAME, SyncRequest::default(), false).await.unwrap();
    assert_eq!(next.extent.as_str(), "incremental");
    assert!(next.plan.statements.iter().any(|s| s.statement.sql.contains("MODIFIED_ON >= ")));
}

fn drop_roles(count: u32) -> String {
    let statements: Vec<String> = (0..count).map(|i| format!("DROP ROLE R{i};")).collect();
    statements.concat()
}
