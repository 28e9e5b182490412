//! A whole run: all or nothing, honest about what it could not see.

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, StringArray};
use grantd::sync::plan;
use grantd::sync::source::Silent;
use grantd::sync::table::Place;
use grantd::sync::{
    CoverageStatus, Extent, Group, Progress, RunError, RunOptions, Source, SourceError, SourceKind, SourceTable,
    Statement, run,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A source whose answers are what the test says.
#[derive(Default)]
struct Script {
    rows: HashMap<SourceKind, Vec<Vec<(&'static str, String)>>>,
    refuse: HashMap<SourceKind, &'static str>,
    older: Vec<SourceKind>,
    /// The statement whose container is gone by the time it is asked.
    vanished: Option<&'static str>,
    stuck: bool,
    sent: AtomicUsize,
    closed: AtomicUsize,
}

fn refused(code: &str) -> SourceError {
    SourceError::Server {
        code: code.into(),
        sqlstate: "02000".into(),
        message: "no".into(),
        query_id: "q".into(),
        advice: String::new(),
    }
}

#[async_trait]
impl Source for Script {
    async fn read(&self, statement: &Statement, _: &dyn Progress) -> Result<SourceTable, SourceError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if self.stuck {
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
        if self.vanished == Some(statement.name.as_str()) {
            return Err(refused("002003"));
        }
        // A statement that reads several views together fails as soon as one of them cannot be read.
        let reads = |kind: &SourceKind| {
            let view = format!("ACCOUNT_USAGE.{} ", kind.name());
            *kind == statement.kind || (statement.kind == SourceKind::SchemaObjects && statement.sql.contains(&view))
        };
        if let Some((_, code)) = self.refuse.iter().find(|(kind, _)| reads(kind)) {
            return Err(refused(code));
        }
        let lacks = |kind: &SourceKind| {
            // A whole word: OWNER_ROLE_TYPE is no OWNER, and AS OWNER_ROLE_TYPE names no column of the view.
            let names = |c: &&str| {
                let text = statement.sql.replace(&format!(" AS {c}"), "");
                text.split(|ch: char| !ch.is_alphanumeric() && ch != '_').any(|word| word == *c)
            };
            reads(kind) && kind.spec().recent.iter().any(names)
        };
        if self.older.iter().any(lacks) {
            return Err(refused("000904"));
        }
        let rows = self.rows.get(&statement.kind).cloned().unwrap_or_default();
        let names: Vec<&str> = statement.kind.spec().columns().collect();
        let columns = names
            .iter()
            .map(|name| {
                let cell = |row: &Vec<(&str, String)>| row.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
                Arc::new(rows.iter().map(cell).collect::<StringArray>()) as ArrayRef
            })
            .collect();
        let names = names.into_iter().map(str::to_owned).collect();
        Ok(SourceTable::new(statement.kind, Place::Statement(statement.name.clone()), names, vec![columns])?)
    }

    async fn close(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }
}

fn names(column: &'static str, values: &[&str]) -> Vec<Vec<(&'static str, String)>> {
    values.iter().map(|v| vec![(column, (*v).to_owned())]).collect()
}

fn account() -> Script {
    let mut script = Script::default();
    script.rows.insert(SourceKind::Users, names("NAME", &["ALICE"]));
    script.rows.insert(SourceKind::Roles, names("NAME", &["ANALYST", "LOADER", "OTHER"]));
    script.rows.insert(SourceKind::Databases, names("DATABASE_NAME", &["RAW"]));
    let schema = vec![("CATALOG_NAME", "RAW".to_owned()), ("SCHEMA_NAME", "S".to_owned())];
    script.rows.insert(SourceKind::Schemata, vec![schema]);
    let member = vec![("ROLE", "ANALYST".to_owned()), ("GRANTEE_NAME", "ALICE".to_owned())];
    script.rows.insert(SourceKind::GrantsToUsers, vec![member]);
    script
}

#[tokio::test]
async fn a_run_sends_the_plan_and_closes_the_session() {
    let script = account();
    let outcome = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap();
    // One database and one schema are fewer than three roles.
    assert_eq!(outcome.steps.len(), plan::bulk(Extent::Full, None).len() + 2);
    assert_eq!(script.sent.load(Ordering::Relaxed), outcome.steps.len());
    assert_eq!(script.closed.load(Ordering::Relaxed), 1);
    assert_eq!(outcome.assembled.as_ref().unwrap().account.memberships().filter(|m| !m.builtin).count(), 1);
    let step = outcome.steps.iter().find(|s| s.name == "ROLES").unwrap();
    assert_eq!((step.rows, step.refused.as_deref()), (3, None));
    assert!(outcome.assembled.as_ref().unwrap().coverage.iter().all(|c| c.status == CoverageStatus::Read));
}

#[tokio::test]
async fn more_users_and_roles_do_not_mean_more_statements() {
    let mut script = account();
    let many: Vec<String> = (0..500).map(|i| format!("R{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    script.rows.insert(SourceKind::Roles, names("NAME", &many));
    script.rows.insert(SourceKind::Users, names("NAME", &many));
    let outcome = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap();
    assert_eq!(outcome.steps.len(), plan::bulk(Extent::Full, None).len() + 2);
}

#[tokio::test]
async fn sources_that_may_be_absent_become_coverage() {
    let mut script = account();
    script.refuse.insert(SourceKind::SemanticViews, "002003");
    script.refuse.insert(SourceKind::ShowFutureGrants, "003001");
    script.refuse.insert(SourceKind::GrantablePrivileges, "002141");
    script.older.push(SourceKind::GrantsToRoles);
    let outcome = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap();
    let rows = |source: &str, status| {
        let rows = outcome
            .assembled
            .as_ref()
            .unwrap()
            .coverage
            .iter()
            .filter(move |c| c.source == source && c.status == status);
        rows.map(|c| c.rows).collect::<Vec<_>>()
    };
    assert_eq!(rows("SEMANTIC_VIEWS", CoverageStatus::NotAuthorized), [0]);
    assert_eq!(rows("EXPLAIN_GRANTABLE_PRIVILEGES", CoverageStatus::Absent), [0]);
    assert_eq!(rows("SHOW_FUTURE_GRANTS", CoverageStatus::NotAuthorized), [2], "two containers could not be asked");
    assert_eq!(rows("GRANTS_TO_ROLES", CoverageStatus::OlderColumns).len(), 1);
    let older = outcome.steps.iter().find(|s| s.name == "GRANTS_TO_ROLES").unwrap();
    assert!(!older.statement.contains("IS_INHERITED"));
    assert!(outcome.steps.iter().any(|s| s.refused.is_some()));
}

#[tokio::test]
async fn a_container_that_vanishes_between_the_statements_is_coverage_and_no_failure() {
    let script = Script { vanished: Some("SHOW FUTURE GRANTS IN SCHEMA \"RAW\".\"S\""), ..account() };
    let outcome = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap();
    let assembled = outcome.assembled.unwrap();
    assert_eq!(outcome.steps.iter().filter(|s| s.refused.is_some()).count(), 1);
    let absent = |c: &&grantd::sync::CoverageRow| c.status == CoverageStatus::NotAuthorized;
    let absent: Vec<_> = assembled.coverage.iter().filter(absent).map(|c| (c.source.as_str(), c.rows)).collect();
    assert_eq!(absent, [("SHOW_FUTURE_GRANTS", 1)], "of two containers");
    assert_eq!(assembled.account.memberships().filter(|m| !m.builtin).count(), 1, "all else is there");
}

#[tokio::test]
async fn a_run_without_a_needed_source_brings_nothing() {
    for (kind, code) in [(SourceKind::GrantsToRoles, "002003"), (SourceKind::Tables, "000606")] {
        let mut script = account();
        script.refuse.insert(kind, code);
        let error = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap_err();
        assert!(matches!(&error, RunError::Statement { statement, .. } if statement == kind.name()), "{error}");
        assert_eq!(script.closed.load(Ordering::Relaxed), 1, "the session is closed in any case");
    }
}

#[tokio::test]
async fn a_show_cut_at_its_limit_is_no_success_where_nothing_else_has_the_rest() {
    let many: Vec<String> = (0..10_000).map(|i| format!("W{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut script = account();
    script.rows.insert(SourceKind::ShowWarehouses, names("NAME", &many));
    let error = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap_err();
    assert!(matches!(error, RunError::Capped { rows: 10_000, .. }), "{error}");
    let mut script = account();
    script.rows.insert(SourceKind::ShowUsers, names("NAME", &many));
    let outcome = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap();
    let capped = |c: &&grantd::sync::CoverageRow| c.status == CoverageStatus::Capped && c.source == "SHOW_USERS";
    assert_eq!(outcome.assembled.as_ref().unwrap().coverage.iter().filter(capped).count(), 1);
}

#[tokio::test]
async fn a_run_ends_at_its_deadline() {
    let script = Script { stuck: true, ..account() };
    let options = RunOptions { deadline: Duration::from_millis(200), ..RunOptions::default() };
    let error = run(&script, "acme", &options, &Silent).await.unwrap_err();
    assert!(matches!(error, RunError::Deadline(_)), "{error}");
    assert_eq!(script.closed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn every_source_has_a_form_for_accounts_without_its_newer_columns() {
    for &kind in SourceKind::ALL.iter().filter(|kind| !kind.spec().recent.is_empty() && **kind != SourceKind::Views) {
        let mut script = account();
        script.older.push(kind);
        let outcome = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap();
        let together = plan::read_together().contains(&kind);
        let source = if together { SourceKind::SchemaObjects } else { kind };
        let older: Vec<&str> = outcome
            .assembled
            .as_ref()
            .unwrap()
            .coverage
            .iter()
            .filter(|c| c.status == CoverageStatus::OlderColumns)
            .map(|c| c.source.as_str())
            .collect();
        assert_eq!(older, [source.name()], "{kind}: the fallback is in the coverage");
        let step = outcome.steps.iter().find(|s| s.name == source.name()).unwrap();
        assert!(step.refused.is_none(), "{kind}");
        assert_eq!(outcome.steps.len(), plan::bulk(Extent::Full, None).len() + 2, "{kind}: nothing else was asked");
    }
}

#[tokio::test]
async fn views_read_together_are_asked_one_by_one_when_one_of_them_cannot_be_read() {
    let mut script = account();
    script.refuse.insert(SourceKind::Tasks, "002003");
    let outcome = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap();
    let coverage = &outcome.assembled.as_ref().unwrap().coverage;
    let absent: Vec<&str> =
        coverage.iter().filter(|c| c.status == CoverageStatus::NotAuthorized).map(|c| c.source.as_str()).collect();
    assert_eq!(absent, ["TASKS"]);
    for kind in plan::read_together().iter().filter(|kind| **kind != SourceKind::Tasks) {
        assert!(coverage.iter().any(|c| c.source == kind.name() && c.status == CoverageStatus::Read), "{kind}");
    }
    // The union that failed, and one for each of its seven views.
    assert_eq!(outcome.steps.len(), plan::bulk(Extent::Full, None).len() + 2 + 7);
}

/// A role whose members SHOW ROLES counts, and what SHOW GRANTS OF ROLE says.
fn with_counters(mut script: Script, counted: i64) -> Script {
    let role = |name: &str, users: i64| {
        let zero = "0".to_owned();
        vec![("NAME", name.to_owned()), ("ASSIGNED_TO_USERS", users.to_string()), ("GRANTED_TO_ROLES", zero)]
    };
    let roles = vec![role("ANALYST", counted), role("LOADER", 0), role("OTHER", 0)];
    script.rows.insert(SourceKind::ShowRoles, roles);
    let member = |name: &str| {
        vec![("ROLE", "ANALYST".to_owned()), ("GRANTED_TO", "USER".to_owned()), ("GRANTEE_NAME", name.to_owned())]
    };
    script.rows.insert(SourceKind::ShowGrantsOf, vec![member("ALICE"), member("BOB")]);
    script.rows.insert(SourceKind::ShowUsers, names("NAME", &["ALICE", "BOB"]));
    script
}

#[tokio::test]
async fn a_role_whose_members_differ_is_looked_at_a_second_time_and_no_other() {
    let members = |outcome: &grantd::sync::RunOutcome| {
        let account = &outcome.assembled.as_ref().unwrap().account;
        account.memberships().filter(|m| !m.builtin).map(|m| m.member.name.as_str().to_owned()).collect::<Vec<_>>()
    };
    let same = run(&with_counters(account(), 1), "acme", &RunOptions::default(), &Silent).await.unwrap();
    assert_eq!(
        (members(&same), same.steps.iter().filter(|s| s.group == Group::Repair).count()),
        (vec!["ALICE".into()], 0)
    );
    let outcome = run(&with_counters(account(), 2), "acme", &RunOptions::default(), &Silent).await.unwrap();
    let repair: Vec<&str> =
        outcome.steps.iter().filter(|s| s.group == Group::Repair).map(|s| s.statement.as_str()).collect();
    assert_eq!(repair, ["SHOW GRANTS OF ROLE \"ANALYST\""]);
    assert_eq!(members(&outcome), ["ALICE", "BOB"]);
    let none = RunOptions { repair_limit: 0, ..RunOptions::default() };
    let outcome = run(&with_counters(account(), 2), "acme", &none, &Silent).await.unwrap();
    assert_eq!(members(&outcome), ["ALICE"]);
    let said = outcome.assembled.as_ref().unwrap().coverage.iter().find(|c| c.source == "SHOW_GRANTS_OF").unwrap();
    assert!(said.status == CoverageStatus::Lag && said.rows == 1 && said.detail.contains("ANALYST"), "{said:?}");
}

#[tokio::test]
async fn what_names_something_that_no_inventory_lists_is_kept_and_counted_as_lag() {
    let mut script = account();
    let grant = |name: &str| {
        [
            ("PRIVILEGE", "SELECT"),
            ("GRANTED_ON", "TABLE"),
            ("NAME", name),
            ("TABLE_CATALOG", "RAW"),
            ("TABLE_SCHEMA", "S"),
            ("GRANTED_TO", "ROLE"),
            ("GRANTEE_NAME", "ANALYST"),
        ]
        .map(|(column, value)| (column, value.to_owned()))
        .to_vec()
    };
    script.rows.insert(SourceKind::GrantsToRoles, vec![grant("NEW"), grant("NEWER")]);
    let outcome = run(&script, "acme", &RunOptions::default(), &Silent).await.unwrap();
    let assembled = outcome.assembled.unwrap();
    assert_eq!(assembled.account.grants().count(), 2);
    let lag: Vec<_> = assembled.coverage.iter().filter(|c| c.status == CoverageStatus::Lag).collect();
    assert!(lag.len() == 1 && lag[0].rows == 2 && lag[0].detail.contains("RAW.S.NEW"), "{lag:?}");
}
