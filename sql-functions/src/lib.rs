//! grantd's SQL functions, one file each, and the registry that puts them into a session.
//!
//! A function is a relation with arguments: it is bound when a statement is planned and computed when it is read, in
//! the session's pinned world.

mod access_diff;
mod changeset_impact;
mod changeset_sql;
mod drift_sql;
mod explain_access;
mod matrix;
mod minimal_revoke;
mod question;
mod who_can;

pub use changeset_impact::world_with_changeset;

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use datafusion::prelude::SessionContext;
use grantd_catalog::snapshot::nearest;
use grantd_catalog::tables::{
    AccountView, BatchSource, ChangesetRow, Definition, Relation, RelationTable, ScanRequest, SessionState, World, once,
};
use std::fmt;
use std::sync::Arc;

/// One argument of a function; all are `text`.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
}

/// A table function of the SQL surface.
pub trait SqlFunction: fmt::Debug + Send + Sync {
    /// Its arguments.
    fn arguments(&self) -> Vec<Argument>;

    /// Its name, result columns and comments.
    fn definition(&self) -> Definition;

    /// The function applied to arguments, as many as it takes; `None` for one that is left out.
    fn bind(&self, arguments: Vec<Option<String>>) -> Arc<dyn Relation>;
}

/// Every function, in the order of the reference.
pub fn functions() -> Vec<Arc<dyn SqlFunction>> {
    vec![
        Arc::new(who_can::WhoCan),
        Arc::new(explain_access::ExplainAccess),
        Arc::new(minimal_revoke::MinimalRevoke),
        Arc::new(matrix::Matrix),
        Arc::new(access_diff::AccessDiff),
        Arc::new(drift_sql::DriftSql),
        Arc::new(changeset_sql::ChangesetSql),
        Arc::new(changeset_impact::ChangesetImpact),
    ]
}

/// Registers every function for a session.
pub fn register(context: &SessionContext, session: &Arc<SessionState>) {
    for function in functions() {
        let name = function.definition().name;
        context.register_udtf(name, Arc::new(TableFunction { function, session: Arc::clone(session) }));
    }
}

#[derive(Debug)]
struct TableFunction {
    function: Arc<dyn SqlFunction>,
    session: Arc<SessionState>,
}

impl TableFunctionImpl for TableFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let wanted = self.function.arguments();
        let name = self.function.definition().name;
        let least = wanted.iter().filter(|a| !a.optional).count();
        let given = args.exprs().len();
        if given < least || given > wanted.len() {
            let message = format!(
                "function {name} takes {}, not {given} arguments: {}",
                if least == wanted.len() { format!("{least}") } else { format!("{least} to {}", wanted.len()) },
                usage(name, &wanted),
            );
            return Err(refused("42883", message));
        }
        let mut values = Vec::with_capacity(wanted.len());
        let mut missing = None;
        for (expr, argument) in args.exprs().iter().zip(&wanted) {
            let value = literal(expr).ok_or_else(|| {
                let usage = usage(name, &wanted);
                refused("42804", format!("argument {} of {name} must be a text literal: {usage}", argument.name))
            })?;
            if value.is_none() && !argument.optional {
                missing.get_or_insert(argument.name);
            }
            values.push(value);
        }
        values.resize(wanted.len(), None);
        let bound = match missing {
            Some(argument) => Arc::new(Missing { definition: self.function.definition(), argument }),
            None => self.function.bind(values),
        };
        Ok(Arc::new(RelationTable::new(bound, Arc::clone(&self.session))))
    }
}

/// A function whose argument is NULL that cannot be. It can be planned, as clients do to learn its columns, and fails when it runs.
#[derive(Debug)]
struct Missing {
    definition: Definition,
    argument: &'static str,
}

impl Relation for Missing {
    fn definition(&self) -> Definition {
        self.definition.clone()
    }

    fn open(&self, _: ScanRequest) -> Box<dyn BatchSource> {
        let message = format!("argument {} of {} cannot be NULL", self.argument, self.definition.name);
        once(move |_| Err(refused("22004", message)))
    }
}

fn usage(name: &str, arguments: &[Argument]) -> String {
    let list = arguments.iter().map(|a| if a.optional { format!("[{}]", a.name) } else { a.name.to_owned() });
    format!("{name}({})", list.collect::<Vec<_>>().join(", "))
}

/// The text of a literal argument; `Some(None)` for NULL, `None` when it is no literal.
fn literal(expr: &Expr) -> Option<Option<String>> {
    match expr {
        Expr::Literal(value, _) => match value {
            ScalarValue::Utf8(v) | ScalarValue::Utf8View(v) | ScalarValue::LargeUtf8(v) => Some(v.clone()),
            ScalarValue::Null => Some(None),
            other => Some(Some(other.to_string())),
        },
        Expr::Alias(alias) => literal(&alias.expr),
        Expr::Cast(cast) => literal(&cast.expr),
        _ => None,
    }
}

/// A required argument.
const fn required(name: &'static str) -> Argument {
    Argument { name, optional: false }
}

/// A required argument's value.
fn value(arguments: &mut std::vec::IntoIter<Option<String>>) -> String {
    arguments.next().flatten().unwrap_or_default()
}

/// The error for a name that means nothing.
fn unknown(what: &str, name: &str, nearest: Option<String>) -> DataFusionError {
    let hint = nearest.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
    refused("42704", format!("{what} \"{name}\" does not exist{hint}"))
}

/// The error for an object that no account has.
fn unknown_object(accounts: &[Arc<AccountView>], name: &str) -> DataFusionError {
    unknown("object", name, accounts.iter().find_map(|view| view.snapshot.nearest_object(name)))
}

/// The account of that name.
fn account<'w>(world: &'w World, name: &str) -> Result<&'w Arc<AccountView>> {
    world.account(name).ok_or_else(|| unknown("account", name, world.nearest_account(name)))
}

/// The changeset of that id.
fn changeset<'w>(world: &'w World, id: &str) -> Result<&'w ChangesetRow> {
    world.changesets.iter().find(|c| c.changeset == id).ok_or_else(|| {
        let ids = world.changesets.iter().map(|c| c.changeset.clone());
        unknown("changeset", id, nearest(&id.to_ascii_uppercase(), ids))
    })
}

/// Why a function does not answer; the gateway tells it with its SQLSTATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// SQLSTATE, such as `42704` for a name that means nothing.
    pub sqlstate: &'static str,
    /// What is wrong, and what was perhaps meant.
    pub message: String,
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FunctionError {}

fn refused(sqlstate: &'static str, message: String) -> DataFusionError {
    DataFusionError::External(Box::new(FunctionError { sqlstate, message }))
}
