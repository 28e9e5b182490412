//! Queries: SELECT over the views of `ACCOUNT_USAGE`, and over relations that hold nothing.
//!
//! The text is read with Snowflake's rules for names and becomes a syntax tree; functions of the session become values;
//! every relation is found and checked before anything runs; DataFusion does the rest. It sees only what was put before
//! it: no files, no other tables, no statement but a query.

mod columns;
mod error;
mod functions;
mod parse;
mod relations;
mod run;
#[cfg(test)]
mod tests;

use super::removed::Removed;
use crate::sandbox::protocol::engine::{Answer, Failure, SessionNames};
use grantd_catalog::account::{Account, Micros};
use grantd_catalog::model::ObjectRef;

/// What a query looks at.
#[derive(Clone, Copy)]
pub struct QueryContext<'a> {
    /// The account.
    pub account: &'a Account,
    /// What was in it.
    pub removed: &'a Removed,
    /// The session's user, as stored.
    pub user: &'a str,
    /// The session's current names, as stored.
    pub names: &'a SessionNames,
    /// The session's roles.
    pub roles: &'a SessionRoles,
    /// The time of the statement.
    pub now: Micros,
    /// The time up to which a view of `ACCOUNT_USAGE` has caught up.
    pub horizon: &'a (dyn Fn(&str) -> Micros + Sync),
    /// Whether the session may read a relation; asked for every relation of the query.
    pub may_read: &'a (dyn Fn(&ObjectRef) -> Result<(), Failure> + Sync),
}

/// The account roles of a session, by name, sorted.
#[derive(Debug, Clone, Default)]
pub struct SessionRoles {
    /// Those that its user can use.
    pub available: Vec<String>,
    /// Those that are active: the primary role, the secondary ones, and what they have.
    pub active: Vec<String>,
    /// Whether all roles of the user are secondary roles.
    pub secondary: bool,
}

/// Answers a query.
///
/// Relations of the account exist but hold no rows, and the columns that the query names.
pub async fn select(context: QueryContext<'_>, sql: &str) -> Result<Answer, Failure> {
    let parsed = parse::parse(sql)?;
    let mut query = parsed.query;
    // Names first: a function's column is called by its text, not by its value.
    columns::name(&mut query);
    functions::replace(&mut query, &context)?;
    let tables = relations::resolve(&mut query, &context)?;
    run::run(query, tables, &parsed.places).await
}
