//! The account behind the protocol: what statements mean, who may run them, what they answer.
//!
//! - [`bootstrap`]: the account before its first statement
//! - [`session`]: one login: current role, names, statements
//! - [`roles`]: which roles are active, what they may do (Snowflake's rules, by plain loops)
//! - [`execute`], [`plan`]: GRANT, REVOKE, CREATE, ALTER, DROP; [`state`]: what they change
//! - [`show`]: SHOW commands; [`account_usage`], [`query`]: SELECT; [`catalogue`]: the one procedure
//! - [`removed`]: what was there and is gone, for `DELETED_ON`

pub mod account_usage;
mod bootstrap;
mod catalogue;
mod execute;
mod plan;
pub mod query;
mod refusals;
pub mod removed;
mod roles;
mod session;
mod show;
mod state;

pub use removed::Removed;

use super::protocol::engine::{Engine, EngineSession, Failure, LoginRequest};
use grantd_catalog::account::{Account, Micros};
use grantd_catalog::model::{Ident, Principal, PrincipalKind, Property};
use grantd_catalog::sql::{Position, parse_script};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// A small Snowflake account in memory.
#[derive(Clone, Debug)]
pub struct SandboxEngine {
    name: Arc<str>,
    state: Arc<Mutex<State>>,
}

/// Why a script did not run: which statement, and what it was told.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {failure}")]
pub struct ScriptFailure {
    /// Where the statement starts.
    pub at: Position,
    /// What Snowflake says.
    pub failure: Failure,
}

impl SandboxEngine {
    /// An account with the system's own roles and databases.
    pub fn new(name: &str) -> Self {
        let mut state = State::new(Account::new(name));
        let at = state.tick();
        bootstrap::fill(Arc::make_mut(&mut state.account), at);
        Self { name: name.into(), state: Arc::new(Mutex::new(state)) }
    }

    /// This account as it is, with no system role or privilege but those that it has.
    pub fn of_account(account: Account) -> Self {
        let name = Arc::from(account.name());
        Self { name, state: Arc::new(Mutex::new(State::new(account))) }
    }

    /// Runs a script as ACCOUNTADMIN. Statements before the first that fails stay done.
    pub fn run_script(&self, sql: &str) -> Result<(), ScriptFailure> {
        let statements = parse_script(sql)
            .map_err(|error| ScriptFailure { at: error.at, failure: refusals::syntax_error(&error) })?;
        let mut session = session::Session::administrator(self.clone());
        for statement in statements {
            let text = sql.get(statement.bytes.clone()).unwrap_or_default();
            session.run(&statement, text).map_err(|failure| ScriptFailure { at: statement.at, failure })?;
        }
        Ok(())
    }

    /// Makes sure that a service user can read the account: creates what is missing of user, role and warehouse,
    /// grants what a sync needs and registers the key.
    pub fn prepare_sync(&self, user: &str, role: &str, warehouse: &str, key: &[u8]) -> Result<(), ScriptFailure> {
        let quoted = |name: &str| {
            Ident::new(name).map(|i| i.quoted().to_string()).map_err(|error| ScriptFailure {
                at: Position::START,
                failure: Failure::new("001003", "42000", error.to_string()),
            })
        };
        let (user_sql, role_sql, warehouse_sql) = (quoted(user)?, quoted(role)?, quoted(warehouse)?);
        self.run_script(&format!(
            "CREATE ROLE IF NOT EXISTS {role_sql};
             CREATE WAREHOUSE IF NOT EXISTS {warehouse_sql} WAREHOUSE_SIZE = 'XSMALL';
             CREATE USER IF NOT EXISTS {user_sql} TYPE = SERVICE DEFAULT_ROLE = {role_sql}
               DEFAULT_WAREHOUSE = {warehouse_sql} DEFAULT_SECONDARY_ROLES = ();
             GRANT ROLE {role_sql} TO USER {user_sql};
             GRANT USAGE ON WAREHOUSE {warehouse_sql} TO ROLE {role_sql};
             GRANT DATABASE ROLE SNOWFLAKE.SECURITY_VIEWER TO ROLE {role_sql};
             GRANT DATABASE ROLE SNOWFLAKE.OBJECT_VIEWER TO ROLE {role_sql};
             GRANT MONITOR USER, MONITOR ROLE, RESOLVE ALL ON ACCOUNT TO ROLE {role_sql};"
        ))?;
        if let Ok(name) = Ident::new(user) {
            let user = Principal::user(name);
            let keys = self.state().keys.get(&user).cloned().unwrap_or_default();
            // Beside a key that is there already, as an administrator who rotates keys would put it.
            let slot = usize::from(keys.iter().flatten().next().is_some());
            self.state()
                .carry_out(&[plan::Step::Key { user, slot, key: Some(key.to_vec()) }])
                .map_err(|failure| ScriptFailure { at: Position::START, failure })?;
        }
        Ok(())
    }

    /// Makes views of `ACCOUNT_USAGE` show changes only after a while, as the platform's do (90 minutes to 3 hours).
    /// `view` is a name of [`account_usage::views`], or `None` for all of them; `false` when there is no such view.
    pub fn delay_usage(&self, view: Option<&str>, lag: Duration) -> bool {
        let lag = Micros::try_from(lag.as_micros()).unwrap_or(Micros::MAX);
        let views: Vec<&str> =
            account_usage::views().filter(|v| view.is_none_or(|name| name.eq_ignore_ascii_case(v))).collect();
        self.state().lags.extend(views.iter().map(|view| ((*view).to_owned(), lag)));
        !views.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            // A statement that panicked has changed nothing, like any other that fails.
            let mut state = poisoned.into_inner();
            state.abandon();
            self.state.clear_poison();
            state
        })
    }

    fn account(&self) -> Arc<Account> {
        Arc::clone(&self.state().account)
    }
}

/// The user who logs in with a name: by `LOGIN_NAME`, any case, or by the user's own name.
fn user_of_login(account: &Account, login_name: &str) -> Option<Principal> {
    let users = || account.principals().filter(|(p, info)| p.kind == PrincipalKind::User && info.listed);
    let named = |wanted: &str| {
        users().find(|(p, info)| {
            let login = info.properties.get(Property::LoginName).unwrap_or(p.name.as_str());
            login.eq_ignore_ascii_case(wanted)
        })
    };
    named(login_name).map(|(p, _)| p.clone())
}

impl Engine for SandboxEngine {
    fn account_name(&self) -> String {
        self.name.to_string()
    }

    fn public_keys(&self, login_name: &str) -> Result<Vec<Vec<u8>>, Failure> {
        let state = self.state();
        let Some(user) = user_of_login(&state.account, login_name) else { return Ok(Vec::new()) };
        if state.account.principal(&user).is_some_and(|info| info.properties.is_true(Property::Disabled)) {
            return Err(Failure::new(
                "390101",
                "08004",
                "User access disabled. Contact your local system administrator.",
            ));
        }
        Ok(state.keys.get(&user).cloned().unwrap_or_default().into_iter().flatten().collect())
    }

    fn open(&self, login: &LoginRequest) -> Result<Box<dyn EngineSession>, Failure> {
        Ok(Box::new(session::Session::open(self.clone(), login)?))
    }
}
