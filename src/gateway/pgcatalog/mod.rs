//! PostgreSQL's own catalog for a connection: `pg_catalog`, `information_schema`, and the functions clients introspect with, answered
//! as PostgreSQL 15 answers them about a database whose relations are views.
//!
//! [`install`] registers it on a connection's context; [`rewrite::statement`] turns PostgreSQL's spelling into what DataFusion
//! plans; [`plan::finish`] does what has to be done on the plan.

mod array_queries;
pub(crate) mod casts;
pub mod catalog;
mod counts;
pub mod errors;
mod facts;
pub(super) mod functions;
mod indexes;
mod literals;
mod operators;
pub mod plan;
mod relations;
pub mod rewrite;
pub(crate) mod row_types;
pub(crate) mod sets;
mod system_columns;
#[cfg(test)]
mod tests;
pub mod types;
mod whole_rows;

use std::fmt;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::sql::sqlparser::ast::Statement;

pub use catalog::{COMMENT_KEY, DEFINITION_KEY};
pub(crate) use facts::{INFORMATION_SCHEMA, argument_type, type_by_oid, user_settings};
pub use types::TYPE_KEY;

/// The PostgreSQL version whose catalog this is, as `server_version`.
pub const SERVER_VERSION: &str = "15.18";
/// The same as `server_version_num`.
pub const SERVER_VERSION_NUM: &str = "150018";

/// Who is connected to what.
#[derive(Clone)]
pub struct Identity {
    /// The role that logged in.
    pub user: String,
    /// The database's name.
    pub database: String,
    /// The process id the client was told.
    pub backend_pid: i32,
    /// The session's settings.
    pub settings: Arc<dyn Settings>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("user", &self.user).field("database", &self.database).finish_non_exhaustive()
    }
}

/// A session's settings, for `current_setting`, `set_config` and `pg_settings`.
pub trait Settings: Send + Sync {
    /// The value of a setting; `None` when there is no such setting.
    fn get(&self, name: &str) -> Option<String>;
    /// Sets a setting for the session, or only for its transaction.
    ///
    /// # Errors
    /// When there is no such setting, or it refuses the value.
    fn set(&self, name: &str, value: &str, local: bool) -> Result<()>;
    /// Every setting: name, value, description.
    fn all(&self) -> Vec<(String, String, String)>;
    /// The session's prepared statements that have a name.
    fn prepared(&self) -> Vec<PreparedStatement> {
        Vec::new()
    }
    /// The session's cursors and portals.
    fn cursors(&self) -> Vec<Cursor> {
        Vec::new()
    }
    /// Cancels the statement of the connection `pid`, or `ends` the connection; whether there is one.
    ///
    /// # Errors
    /// When it is not the session's to signal.
    fn signal(&self, pid: i32, ends: bool) -> Result<bool> {
        let _ = (pid, ends);
        Ok(false)
    }
    /// Every session of the server.
    fn sessions(&self) -> Vec<Session> {
        Vec::new()
    }
}

/// A row of `pg_stat_activity`.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its number.
    pub pid: i32,
    /// Its user.
    pub user: String,
    /// Its `application_name`.
    pub application: String,
    /// What it does, where that may be told.
    pub doing: Option<Doing>,
}

/// What a session does. Moments are microseconds since 1970-01-01 UTC.
#[derive(Debug, Clone)]
pub struct Doing {
    /// Where the client is: its address and port; `None` for the Unix socket.
    pub address: Option<(String, i32)>,
    /// When the session began.
    pub started: i64,
    /// When its transaction began.
    pub transaction_started: Option<i64>,
    /// When its last statement began.
    pub statement_started: Option<i64>,
    /// Since when it is in its state.
    pub since: i64,
    /// The state, as PostgreSQL calls it.
    pub state: &'static str,
    /// The last statement, without its literals.
    pub statement: Arc<str>,
}

/// A row of `pg_prepared_statements`.
#[derive(Debug, Clone)]
pub struct PreparedStatement {
    /// Its name.
    pub name: String,
    /// The text that it was prepared from.
    pub statement: Arc<str>,
    /// When, in microseconds since 1970-01-01 UTC.
    pub made: i64,
    /// The oids of its parameters' types.
    pub parameters: Vec<u32>,
    /// Whether it was prepared by PREPARE, not by the protocol.
    pub from_sql: bool,
}

/// A row of `pg_cursors`.
#[derive(Debug, Clone)]
pub struct Cursor {
    /// Its name.
    pub name: String,
    /// The text that it was made from.
    pub statement: Arc<str>,
    /// WITH HOLD.
    pub holdable: bool,
    /// BINARY.
    pub binary: bool,
    /// Whether it can go back.
    pub scrollable: bool,
    /// When it was made, in microseconds since 1970-01-01 UTC.
    pub made: i64,
}

/// What a table function declares, for `\df` and `pg_proc`. Types are `pg_type.typname`s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionDoc {
    /// The function's name in schema `public`.
    pub name: String,
    /// Its arguments: name and type.
    pub arguments: Vec<(String, String)>,
    /// The columns it returns: name and type.
    pub returns: Vec<(String, String)>,
    /// Its comment.
    pub comment: String,
}

/// The oid of a built-in type by `pg_type.typname`.
pub(crate) fn type_oid(name: &str) -> Option<i32> {
    facts::type_by_name(name).map(|known| known.oid)
}

/// Marks what in a statement is a whole row of a relation, before it is planned.
pub(crate) fn mark_rows(state: &SessionState, statement: &mut Statement) {
    let options = &state.config_options().catalog;
    let own = state.catalog_list().catalog(&options.default_catalog).and_then(|all| all.schema("pg_catalog"));
    let own = own.as_ref().map(|own| -> &dyn std::any::Any { own.as_ref() });
    if let Some(own) = own.and_then(|own| own.downcast_ref::<relations::SystemSchema>()) {
        whole_rows::mark(own.catalog(), &options.default_schema, statement);
    }
}

/// The oid of a relation that a plan reads, published or built in.
pub(crate) fn class_oid(state: &SessionState, schema: Option<&str>, name: &str) -> Option<i32> {
    let options = &state.config_options().catalog;
    let own = state.catalog_list().catalog(&options.default_catalog)?.schema("pg_catalog")?;
    let own: &dyn std::any::Any = own.as_ref();
    own.downcast_ref::<relations::SystemSchema>()?.class_oid(schema.unwrap_or(&options.default_schema), name)
}

/// Registers `pg_catalog`, `information_schema` and PostgreSQL's functions on a connection's context.
///
/// The published relations are those of the context's default catalog and schema at this moment: register them first. Register
/// grantd's own functions afterwards when one shares a name with PostgreSQL's.
///
/// # Errors
/// When the context has no default schema, or a relation in it cannot be read.
pub fn install(ctx: &SessionContext, identity: &Identity, functions: &[FunctionDoc]) -> Result<()> {
    let options = ctx.copied_config().options().catalog.clone();
    let missing = || DataFusionError::Configuration("the context has no default catalog and schema".to_owned());
    let provider = ctx.catalog(&options.default_catalog).ok_or_else(missing)?;
    let public = provider.schema(&options.default_schema).ok_or_else(missing)?;
    let catalog = Arc::new(catalog::Catalog::read(public.as_ref(), identity, functions)?);
    for schema in ["pg_catalog", "information_schema"] {
        provider.register_schema(schema, Arc::new(relations::SystemSchema::new(schema, Arc::clone(&catalog))))?;
    }
    super::values::register(ctx);
    functions::register(ctx, &catalog);
    operators::register(ctx, &catalog)
}
