//! What a run will send and cost, before it sends anything; and the budget that may refuse it.

use super::{Extent, Scope, bulk, future_grants};
use crate::sync::source::{Group, Statement};
use grantd_catalog::account::Micros;
use grantd_catalog::snapshot::Snapshot;
use std::collections::BTreeMap;

/// Rows that an XS warehouse reads and sends in a second; measured on no account in particular, on the low side.
const ROWS_PER_SECOND: u64 = 100_000;
/// Seconds that any statement takes on a running warehouse.
const STATEMENT_SECONDS: u64 = 1;
/// What a warehouse that is resumed is billed for at least (Snowflake's documentation of warehouse billing).
const LEAST_BILLED_SECONDS: u64 = 60;

/// Rows that statements gave in earlier runs, by their names.
#[derive(Clone, Debug, Default)]
pub struct KnownRows(BTreeMap<String, u64>);

impl KnownRows {
    /// What is known of a statement.
    pub fn of(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// Notes what a statement gave.
    pub fn note(&mut self, name: impl Into<String>, rows: u64) {
        self.0.insert(name.into(), rows);
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the rows of SHOW commands for what the views of the same things will give, where nothing better is known.
    pub fn guess_views(&mut self) {
        for (show, view) in [
            ("SHOW USERS", "USERS"),
            ("SHOW ROLES", "ROLES"),
            ("SHOW DATABASES", "DATABASES"),
            ("SHOW SCHEMAS IN ACCOUNT", "SCHEMATA"),
        ] {
            if let (Some(rows), None) = (self.of(show), self.of(view)) {
                self.note(view, rows);
            }
        }
    }
}

/// What a run may send and cost at most; `None` is without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Statements of all groups.
    pub statements: Option<u32>,
    /// Seconds of a warehouse, as estimated.
    pub warehouse_seconds: Option<u32>,
}

/// A run that would go beyond its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the run would take {needed} {what}, and its budget is {allowed}; nothing more was sent. Raise `{key}`, or see \
     `grantd sync --plan`"
)]
pub struct OverBudget {
    /// `statements` or `warehouse seconds`.
    pub what: &'static str,
    /// The key of the configuration.
    pub key: &'static str,
    /// What it would take.
    pub needed: u64,
    /// What it may take.
    pub allowed: u64,
}

impl Budget {
    /// Refuses more statements than allowed.
    pub fn allows_statements(self, needed: usize) -> Result<(), OverBudget> {
        check("statements", "max_statements", needed as u64, self.statements)
    }

    /// Refuses more seconds of a warehouse than allowed.
    pub fn allows_warehouse(self, needed: u64) -> Result<(), OverBudget> {
        check("warehouse seconds", "max_warehouse_seconds", needed, self.warehouse_seconds)
    }
}

fn check(what: &'static str, key: &'static str, needed: u64, allowed: Option<u32>) -> Result<(), OverBudget> {
    match allowed.map(u64::from) {
        Some(allowed) if needed > allowed => Err(OverBudget { what, key, needed, allowed }),
        _ => Ok(()),
    }
}

/// One statement of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStatement {
    /// The statement.
    pub statement: Statement,
    /// Rows that it will give; `None` when nothing is known.
    pub rows: Option<u64>,
    /// Seconds of a warehouse that it will take; 0 without one.
    pub warehouse_seconds: u64,
}

/// Everything that a run would send, but for the second looks of group D, which depend on what it finds.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The statements in order.
    pub statements: Vec<PlannedStatement>,
    /// Whether the containers and roles are known that future grants are asked by.
    pub future_grants_known: bool,
}

impl Plan {
    /// Plans a run from what is known of the account.
    ///
    /// `since` is the time from which an incremental run reads; `before` tells the containers for future grants.
    pub fn new(
        extent: Extent,
        since: Option<Micros>,
        before: Option<&Snapshot>,
        future: bool,
        known: &KnownRows,
    ) -> Self {
        let mut statements = bulk(extent, since);
        if future && extent != Extent::Check {
            statements.extend(before.map(Scope::of).as_ref().map(future_grants).unwrap_or_default());
        }
        let planned = statements.into_iter().map(|statement| {
            let rows = known.of(&statement.name);
            let warehouse_seconds = if statement.needs_warehouse { seconds(rows.unwrap_or_default()) } else { 0 };
            PlannedStatement { statement, rows, warehouse_seconds }
        });
        Self { statements: planned.collect(), future_grants_known: before.is_some() || !future }
    }

    /// Number of statements.
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Number of statements of a group.
    pub fn count(&self, group: Group) -> usize {
        self.statements.iter().filter(|s| s.statement.group == group).count()
    }

    /// Seconds of a warehouse: the statements one after the other, and at least what a resumed warehouse is billed.
    pub fn warehouse_seconds(&self) -> u64 {
        match self.statements.iter().map(|s| s.warehouse_seconds).sum() {
            0 => 0,
            seconds => LEAST_BILLED_SECONDS.max(seconds),
        }
    }

    /// Refuses a plan beyond its budget.
    pub fn check(&self, budget: Budget) -> Result<(), OverBudget> {
        budget.allows_statements(self.len())?;
        budget.allows_warehouse(self.warehouse_seconds())
    }
}

fn seconds(rows: u64) -> u64 {
    STATEMENT_SECONDS.saturating_add(rows / ROWS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_counts_its_statements_rows_and_seconds() {
        let mut known = KnownRows::default();
        known.note("GRANTS_TO_ROLES", 30_000_000);
        known.note("SHOW USERS", 260);
        known.guess_views();
        let plan = Plan::new(Extent::Full, None, None, true, &known);
        assert_eq!((plan.len(), plan.count(Group::Shows), plan.count(Group::Views)), (18, 7, 11));
        assert!(!plan.future_grants_known);
        // Eleven statements of a second, and 300 seconds for the rows.
        assert_eq!(plan.warehouse_seconds(), 311);
        let users = plan.statements.iter().find(|s| s.statement.name == "USERS").unwrap();
        assert_eq!((users.rows, users.warehouse_seconds), (Some(260), 1));
        let check = Plan::new(Extent::Check, None, None, true, &known);
        assert_eq!((check.len(), check.warehouse_seconds()), (6, 0));
        assert_eq!(Plan::new(Extent::Full, None, None, true, &KnownRows::default()).warehouse_seconds(), 60);
    }

    #[test]
    fn a_budget_refuses_with_what_is_needed_and_what_to_raise() {
        let plan = Plan::new(Extent::Full, None, None, false, &KnownRows::default());
        let budget = |statements, warehouse_seconds| Budget { statements, warehouse_seconds };
        assert_eq!(plan.check(budget(Some(18), Some(60))), Ok(()));
        let error = plan.check(budget(Some(17), None)).unwrap_err().to_string();
        assert!(error.contains("18 statements") && error.contains("budget is 17") && error.contains("max_statements"));
        let error = plan.check(budget(None, Some(30))).unwrap_err();
        assert_eq!((error.needed, error.allowed, error.key), (60, 30, "max_warehouse_seconds"));
    }
}
