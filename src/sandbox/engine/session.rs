//! One login: its current role and names, and the statements that run in it.

use super::execute::{self, Known};
use super::query::{QueryContext, SessionRoles, select};
use super::refusals::{expand_error, missing, syntax_error};
use super::roles::{Active, can_use, closure, granted_to};
use super::{SandboxEngine, catalogue, show, user_of_login};
use crate::sandbox::protocol::engine::{Answer, EngineSession, Failure, LoginRequest, SessionNames, StatementKind};
use async_trait::async_trait;
use grantd_catalog::account::{Account, Micros};
use grantd_catalog::model::{Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Property};
use grantd_catalog::sql::{Kind, Names, Statement, Use, Verb, parse_script};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// One session.
pub(super) struct Session {
    pub(super) engine: SandboxEngine,
    pub(super) user: Principal,
    pub(super) role: Principal,
    pub(super) secondary: bool,
    pub(super) names: Names,
    pub(super) warehouse: Option<Ident>,
    parameters: BTreeMap<String, Value>,
    /// The active roles as the last statement that changed something found them.
    pub(super) known: Option<Known>,
}

impl Session {
    /// The session in which scripts run: ACCOUNTADMIN, no user of the account.
    pub(super) fn administrator(engine: SandboxEngine) -> Self {
        let role = Ident::new("ACCOUNTADMIN").map_or_else(|_| Principal::public(), Principal::role);
        Self {
            engine,
            user: Principal::user(Principal::public().name),
            role,
            secondary: false,
            names: Names::default(),
            warehouse: None,
            parameters: BTreeMap::new(),
            known: None,
        }
    }

    /// Opens a session for a user whose credentials were checked.
    pub(super) fn open(engine: SandboxEngine, login: &LoginRequest) -> Result<Self, Failure> {
        let account = engine.account();
        let refused = || Failure::new("390100", "08004", "Incorrect username or password was specified.");
        let user = user_of_login(&account, &login.login_name).ok_or_else(refused)?;
        let info = account.principal(&user).ok_or_else(refused)?;
        let property = |p| info.properties.get(p).map(str::to_owned);
        let role = match &login.role {
            Some(name) => {
                let role = named_role(name);
                role.filter(|r| can_use(&account, &user, r)).ok_or_else(|| {
                    Failure::new(
                        "390189",
                        "08001",
                        format!("Role '{name}' specified in the connect string is not granted to this user. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC."),
                    )
                })?
            }
            // A property holds the name as it is stored: it was folded, or not, when it was set.
            None => property(Property::DefaultRole)
                .and_then(|name| Ident::new(name).ok())
                .map(Principal::role)
                .filter(|r| can_use(&account, &user, r))
                .unwrap_or_else(Principal::public),
        };
        let secondary = match login.secondary_roles.as_deref() {
            Some(word) => word.eq_ignore_ascii_case("ALL"),
            None => property(Property::DefaultSecondaryRoles).is_none_or(|v| v.eq_ignore_ascii_case("ALL")),
        };
        let ident = |text: &Option<String>| text.as_ref().and_then(|t| folded(t));
        let names = Names { database: ident(&login.database), schema: ident(&login.schema) };
        let warehouse = ident(&login.warehouse).or_else(|| ident(&property(Property::DefaultWarehouse)));
        Ok(Self { engine, user, role, secondary, names, warehouse, parameters: BTreeMap::new(), known: None })
    }

    /// What is active now.
    pub(super) fn active<'a>(&self, account: &'a Account) -> Active<'a> {
        Active::new(account, &self.user, &self.role, self.secondary)
    }

    /// Runs a statement that is no query.
    pub(super) fn run(&mut self, statement: &Statement, text: &str) -> Result<Answer, Failure> {
        match &statement.kind {
            Kind::Use(target) => self.use_(target),
            Kind::Other(Verb::Session) => self.alter_session(text),
            Kind::Other(Verb::Transaction) => {
                Ok(Answer::status(StatementKind::Transaction, "Statement executed successfully."))
            }
            Kind::Other(Verb::Show) => show::show(self, text),
            Kind::Other(Verb::Describe) => show::describe(self, text),
            Kind::Other(Verb::Account) => execute::run(self, statement, text),
            Kind::Other(Verb::Call) => catalogue::call(text),
            Kind::Other(verb) => Err(Failure::unsupported(&format!("{verb:?}"))),
            _ => execute::run(self, statement, text),
        }
    }

    fn use_(&mut self, target: &Use) -> Result<Answer, Failure> {
        let account = self.engine.account();
        match target {
            Use::Role(name) => {
                let role = match name.parts.as_slice() {
                    [one] => Principal::role(one.clone()),
                    _ => return Err(Failure::unsupported("USE ROLE with a qualified name")),
                };
                if account.principal(&role).is_none() {
                    return Err(missing("Role", &name.shown()));
                }
                let scripts = self.user.name == Principal::public().name;
                if !scripts && !can_use(&account, &self.user, &role) && role != Principal::public() {
                    return Err(Failure::new(
                        "003013",
                        "42501",
                        format!(
                            "SQL access control error:\nRequested role '{}' is not assigned to the executing user. Specify another role to activate.",
                            name.shown()
                        ),
                    ));
                }
                self.role = role;
            }
            Use::SecondaryRoles { all } => self.secondary = *all,
            Use::Warehouse(name) => {
                let [one] = name.parts.as_slice() else { return Err(missing("Warehouse", &name.shown())) };
                let object = ObjectRef::top(ObjectType::WAREHOUSE, one.clone());
                if account.object(&object).is_none() || !self.active(&account).has_any(&object) {
                    return Err(missing("Warehouse", &name.shown()));
                }
                self.warehouse = Some(one.clone());
            }
            Use::Database(_) | Use::Schema(_) => {
                let statement = Statement {
                    at: grantd_catalog::sql::Position::START,
                    bytes: 0..0,
                    kind: Kind::Use(target.clone()),
                };
                let mut names = self.names.clone();
                statement.enter(&account, &mut names).map_err(|e| expand_error(&e))?;
                let active = self.active(&account);
                let database = names.database.clone().map(ObjectRef::database);
                let schema = names.database.clone().zip(names.schema.clone());
                let schema = schema.map(|(d, s)| ObjectRef::in_database(ObjectType::SCHEMA, d, s));
                let entered = database.is_none_or(|d| active.enters(&d)) && schema.is_none_or(|s| active.enters(&s));
                if !entered {
                    return Err(Failure::new(
                        "002043",
                        "02000",
                        "SQL compilation error:\nObject does not exist, or operation cannot be performed.",
                    ));
                }
                self.names = names;
            }
        }
        Ok(Answer::status(StatementKind::Use, "Statement executed successfully."))
    }

    /// `ALTER SESSION SET NAME = value ...`; what is unset goes back to the login's value.
    fn alter_session(&mut self, text: &str) -> Result<Answer, Failure> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let upper: Vec<String> = words.iter().map(|w| w.to_ascii_uppercase()).collect();
        let rest = match upper.as_slice() {
            [a, b, c, ..] if a == "ALTER" && b == "SESSION" && c == "SET" => words.get(3..).unwrap_or_default(),
            [a, b, c, ..] if a == "ALTER" && b == "SESSION" && c == "UNSET" => {
                for name in words.get(3..).unwrap_or_default() {
                    self.parameters.remove(&name.trim_matches(',').to_ascii_uppercase());
                }
                return Ok(Answer::status(StatementKind::Set, "Statement executed successfully."));
            }
            _ => return Err(Failure::unsupported("session variables")),
        };
        let joined = rest.join(" ");
        for part in joined.split(',') {
            let Some((name, value)) = part.split_once('=') else {
                return Err(Failure::new("001003", "42000", "SQL compilation error:\nexpected NAME = value"));
            };
            let value = value.trim();
            let value = match value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')) {
                Some(text) => Value::String(text.to_owned()),
                None => match value.to_ascii_lowercase().as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    other => other.parse::<i64>().map_or_else(|_| Value::String(value.to_owned()), Value::from),
                },
            };
            self.parameters.insert(name.trim().to_ascii_uppercase(), value);
        }
        Ok(Answer::status(StatementKind::Set, "Statement executed successfully."))
    }

    async fn query(&self, sql: &str) -> Result<Answer, Failure> {
        let (account, removed, now, lags) = {
            let mut state = self.engine.state();
            let now = state.tick();
            (Arc::clone(&state.account), Arc::clone(&state.removed), now, state.lags.clone())
        };
        let horizon = |view: &str| lags.get(view).map_or(Micros::MAX, |lag| now.saturating_sub(*lag));
        let active = self.active(&account);
        let may_read = |object: &ObjectRef| self.may_read(&active, object);
        let names = self.names();
        let roles = self.roles(&account, &active);
        let context = QueryContext {
            account: &account,
            removed: &removed,
            user: self.user.name.as_str(),
            names: &names,
            roles: &roles,
            now,
            horizon: &horizon,
            may_read: &may_read,
        };
        select(context, sql).await
    }

    fn roles(&self, account: &Account, active: &Active<'_>) -> SessionRoles {
        let names = |roles: &HashSet<Principal>| {
            let mut names: Vec<String> = roles
                .iter()
                .filter(|role| role.kind == PrincipalKind::Role)
                .map(|role| role.name.as_str().to_owned())
                .collect();
            names.sort();
            names
        };
        let available = closure(account, granted_to(account, &self.user));
        SessionRoles { available: names(&available), active: names(&active.all), secondary: self.secondary }
    }

    /// Views of `ACCOUNT_USAGE` belong to database roles of SNOWFLAKE; other relations follow the rules.
    fn may_read(&self, active: &Active<'_>, object: &ObjectRef) -> Result<(), Failure> {
        let denied = || missing("Object", &object.shown());
        let snowflake = object.database.as_ref().is_some_and(|d| d.as_str() == "SNOWFLAKE");
        if !snowflake {
            return if active.may_select(object) { Ok(()) } else { Err(denied()) };
        }
        let database = ObjectRef::database(Ident::new("SNOWFLAKE").map_err(Failure::internal)?);
        let viewer = if SECURITY_VIEWS.contains(&object.name.as_str()) { "SECURITY_VIEWER" } else { "OBJECT_VIEWER" };
        let holds = active
            .all
            .iter()
            .any(|p| p.scope.first().is_some_and(|d| d.as_str() == "SNOWFLAKE") && p.name.as_str() == viewer);
        // IMPORTED PRIVILEGES are stored as USAGE, and a row per view.
        let imported = active.account.grants_on(&database).any(|g| {
            matches!(g.privilege.as_str(), "IMPORTED PRIVILEGES" | "USAGE") && active.all.contains(&g.grantee)
        });
        if holds || imported || active.owns(&database) { Ok(()) } else { Err(denied()) }
    }
}

/// Views that `SECURITY_VIEWER` may read.
const SECURITY_VIEWS: &[&str] = &[
    "CREDENTIALS",
    "GRANTS_TO_ROLES",
    "GRANTS_TO_SHARES",
    "GRANTS_TO_USERS",
    "LOGIN_HISTORY",
    "NETWORK_POLICIES",
    "PASSWORD_POLICIES",
    "POLICY_REFERENCES",
    "ROLES",
    "SESSIONS",
    "SESSION_POLICIES",
    "SHARES",
    "USERS",
];

#[async_trait]
impl EngineSession for Session {
    async fn execute(
        &mut self,
        sql: &str,
        describe_only: bool,
        _parameters: &Map<String, Value>,
    ) -> Result<Answer, Failure> {
        let statements = parse_script(sql).map_err(|e| syntax_error(&e))?;
        let statement = match statements.as_slice() {
            [one] => one,
            [] => return Err(Failure::new("000900", "42601", "SQL compilation error:\nEmpty SQL statement.")),
            many => {
                return Err(Failure::new(
                    "000008",
                    "0A000",
                    format!("Actual statement count {} did not match the desired statement count 1.", many.len()),
                ));
            }
        };
        let text = sql.get(statement.bytes.clone()).unwrap_or_default();
        match &statement.kind {
            Kind::Other(Verb::Query) => self.query(text).await,
            Kind::Other(Verb::Show | Verb::Describe | Verb::Call) => self.run(statement, text),
            _ if describe_only => Ok(Answer::status(StatementKind::Ddl, "Statement executed successfully.")),
            _ => self.run(statement, text),
        }
    }

    fn names(&self) -> SessionNames {
        let text = |i: &Option<Ident>| i.as_ref().map(|i| i.as_str().to_owned());
        SessionNames {
            database: text(&self.names.database),
            schema: text(&self.names.schema),
            warehouse: text(&self.warehouse),
            role: Some(self.role.name.as_str().to_owned()),
        }
    }

    fn parameter(&self, name: &str) -> Option<Value> {
        self.parameters.get(name).cloned()
    }
}

/// A name of the connect string: quoted as it is, otherwise folded to upper case.
fn folded(text: &str) -> Option<Ident> {
    match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(quoted) => Ident::new(quoted.replace("\"\"", "\"")).ok(),
        None => Ident::unquoted(text).ok(),
    }
}

/// A role named by the connect string: quoted as it is stored, otherwise folded.
fn named_role(text: &str) -> Option<Principal> {
    folded(text).map(Principal::role)
}

/// The users' and roles' names that a session may list: everyone's, for roles that manage them.
pub(super) fn sees_all_users(active: &Active<'_>) -> bool {
    let on = ObjectRef::account();
    active.manages_grants(&on) || active.has(&active.all, "MONITOR USER", &on)
}
