//! The sandbox denies by the same rules: on random accounts, under all three lenses, a user reads there exactly what
//! grantd calls usable.
//!
//! The sandbox decides by loops of its own over the rows of the account (`src/sandbox/engine/roles.rs`), and asks neither
//! the snapshot nor its graph. `GRANTD_SANDBOX_ACCOUNTS` says how many accounts, `GRANTD_SANDBOX_SEED` the first seed.

#[path = "../../../catalog/tests/oracle/random/mod.rs"]
mod random;

use crate::support::number;
use grantd::sandbox::engine::SandboxEngine;
use grantd::sandbox::protocol::engine::{Engine, EngineSession, LoginRequest};
use grantd_catalog::account::{Account, ObjectInfo, PrincipalInfo};
use grantd_catalog::graph::Lens;
use grantd_catalog::graph::effective::{Scan, Wanted};
use grantd_catalog::model::{ObjectRef, ObjectType, Principal, PrincipalKind, Property};
use grantd_catalog::snapshot::Snapshot;
use random::{account, build, facts, smallest};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// The account as the platform itself would have it: everything that is mentioned is there, with the schema and database
/// it lies in; nobody is disabled, and every user can log in by a name that only it has (as `LOGIN_NAME` must be).
fn as_the_platform_has_it(account: &Account) -> Account {
    let mut whole = account.clone();
    for (nth, (principal, info)) in account.principals().enumerate() {
        let mut properties = info.properties.clone();
        if principal.kind == PrincipalKind::User {
            properties.set(Property::LoginName, Some(format!("login{nth}")));
            properties.set(Property::Disabled, Some("false".to_owned()));
        }
        whole.put_principal(principal.clone(), PrincipalInfo { properties, listed: true, ..info.clone() });
    }
    let containers = account.objects().flat_map(|(object, _)| {
        let Some(database) = object.database.clone() else { return Vec::new() };
        let schema = object.schema.clone().map(|s| ObjectRef::in_database(ObjectType::SCHEMA, database.clone(), s));
        schema.into_iter().chain([ObjectRef::database(database)]).collect()
    });
    for container in containers {
        whole.put_object(container, ObjectInfo::default());
    }
    for (object, info) in account.objects() {
        whole.put_object(object.clone(), info.clone());
    }
    let listed: Vec<(ObjectRef, ObjectInfo)> = whole.objects().map(|(o, info)| (o.clone(), info.clone())).collect();
    for (object, info) in listed {
        whole.put_object(object, ObjectInfo { listed: true, ..info });
    }
    whole
}

/// By user and object: whether a privilege is usable, and whether USAGE is missing.
type Rows = BTreeMap<(Principal, ObjectRef), (bool, bool)>;

/// What grantd says under one lens.
struct Answers {
    select: Rows,
    usage: Rows,
}

impl Answers {
    fn of(snapshot: &Arc<Snapshot>, lens: Lens) -> Self {
        let of = |privilege| {
            let privileges = Some(snapshot.privilege_id(privilege).into_iter().collect());
            let mut scan = Scan::new(snapshot.clone(), Wanted { users: None, objects: None, privileges, lens });
            let mut rows = Vec::new();
            while scan.rows(rows.len() + 1000, &mut rows) {}
            let named = |id| snapshot.principals().at(id).clone();
            rows.iter().map(|r| ((named(r.user), snapshot.object(r.object)), (r.usable, r.usage_missing))).collect()
        };
        Self { select: of("SELECT"), usage: of("USAGE") }
    }
}

/// The account roles that a user has.
fn roles_of(snapshot: &Snapshot, user: &Principal) -> BTreeSet<Principal> {
    let graph = snapshot.graph();
    let id = snapshot.principal_id(user).unwrap();
    let nth = graph.users().position(|u| u == id).unwrap();
    let had = graph.user_roles(snapshot, Lens::All);
    let ids = had.roles_of(u32::try_from(nth).unwrap()).iter().chain(graph.public_roles());
    ids.map(|id| snapshot.principals().at(*id).clone()).filter(|p| p.kind == PrincipalKind::Role).collect()
}

fn quoted(object: &ObjectRef) -> String {
    let parts = object.database.iter().chain(&object.schema).chain([&object.name]);
    parts.map(|part| part.quoted().to_string()).collect::<Vec<_>>().join(".")
}

/// One session of the sandbox.
struct Session<'a> {
    runtime: &'a Runtime,
    session: Box<dyn EngineSession>,
}

impl Session<'_> {
    /// Whether a statement runs. The one refusal that is expected is that of missing rights; any other is a mistake.
    fn runs(&mut self, sql: &str) -> Result<bool, String> {
        match self.runtime.block_on(self.session.execute(sql, false, &Map::new())) {
            Ok(_) => Ok(true),
            Err(failure) if ["002003", "002043", "003013"].contains(&failure.code.as_str()) => Ok(false),
            Err(failure) => Err(format!("{sql}: {failure:?}")),
        }
    }

    fn must_run(&mut self, sql: &str) -> Result<(), String> {
        if self.runs(sql)? { Ok(()) } else { Err(format!("refused: {sql}")) }
    }
}

/// One account in both: what grantd says of it, and the sandbox that has it.
struct Comparison {
    account: Account,
    engine: SandboxEngine,
    relations: Vec<ObjectRef>,
    schemas: Vec<ObjectRef>,
    /// Questions that were asked, and those that were answered with yes.
    asked: usize,
    allowed: usize,
}

impl Comparison {
    fn new(account: &Account) -> Self {
        let account = as_the_platform_has_it(account);
        let known = |keep: fn(&ObjectType) -> bool| {
            let objects = account.objects().map(|(o, _)| o).filter(move |o| keep(&o.object_type));
            let mut objects: Vec<ObjectRef> = objects.cloned().collect();
            objects.sort();
            objects
        };
        Self {
            engine: SandboxEngine::of_account(account.clone()),
            relations: known(ObjectType::is_relation),
            schemas: known(|t| *t == ObjectType::SCHEMA),
            account,
            asked: 0,
            allowed: 0,
        }
    }

    fn principals(&self, kind: PrincipalKind) -> Vec<(Principal, PrincipalInfo)> {
        let all = self.account.principals().filter(|(p, _)| p.kind == kind);
        all.map(|(p, info)| (p.clone(), info.clone())).collect()
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(Snapshot::freeze(&self.account, 0))
    }

    fn log_in<'a>(&self, runtime: &'a Runtime, info: &PrincipalInfo) -> Result<Session<'a>, String> {
        let login_name = info.properties.get(Property::LoginName).unwrap().to_owned();
        let request = LoginRequest { login_name, ..LoginRequest::default() };
        let session = self.engine.open(&request).map_err(|failure| failure.to_string())?;
        Ok(Session { runtime, session })
    }

    /// Every relation is readable, and every schema can be used, exactly when grantd says so.
    fn compare(
        &mut self,
        what: &str,
        session: &mut Session<'_>,
        user: &Principal,
        answers: &Answers,
    ) -> Result<(), String> {
        let relations = self.relations.iter().map(|r| (r, &answers.select, "SELECT COUNT(*) FROM"));
        let schemas = self.schemas.iter().map(|s| (s, &answers.usage, "USE SCHEMA"));
        for (object, rows, words) in relations.chain(schemas) {
            let row = rows.get(&(user.clone(), object.clone()));
            // To use a schema takes USAGE on it and on its database; to read, any privilege on either.
            let is_schema = object.object_type == ObjectType::SCHEMA;
            let expected = row.is_some_and(|(usable, missing)| if is_schema { !missing } else { *usable });
            let sql = format!("{words} {}", quoted(object));
            let found = session.runs(&sql)?;
            self.asked += 1;
            self.allowed += usize::from(found);
            if found != expected {
                return Err(format!("{what}: {user:?}: {sql}: grantd says {row:?}, the sandbox {found}"));
            }
        }
        Ok(())
    }

    /// The session that a login without further words starts, and its primary role alone.
    fn default_sessions(&mut self, runtime: &Runtime) -> Result<(), String> {
        let [default, primary] = [Lens::Default, Lens::Primary].map(|lens| Answers::of(&self.snapshot(), lens));
        for (user, info) in self.principals(PrincipalKind::User) {
            let mut session = self.log_in(runtime, &info)?;
            self.compare("default", &mut session, &user, &default)?;
            session.must_run("USE SECONDARY ROLES NONE")?;
            self.compare("primary", &mut session, &user, &primary)?;
        }
        Ok(())
    }

    /// A user can activate exactly the account roles that it has.
    fn activatable(&self, runtime: &Runtime) -> Result<BTreeMap<Principal, Vec<Principal>>, String> {
        let (snapshot, known) = (self.snapshot(), self.principals(PrincipalKind::Role));
        let mut by_user = BTreeMap::new();
        for (user, info) in self.principals(PrincipalKind::User) {
            let (had, mut session) = (roles_of(&snapshot, &user), self.log_in(runtime, &info)?);
            for (role, _) in &known {
                let found = session.runs(&format!("USE ROLE {}", role.name.quoted()))?;
                if found != had.contains(role) {
                    return Err(format!("{user:?}: USE ROLE {role:?}: the sandbox says {found}"));
                }
            }
            by_user.insert(user, had.into_iter().collect());
        }
        Ok(by_user)
    }

    /// Each role that a user has as its primary role: alone, and with all secondary roles, to which it adds nothing.
    fn each_role(&mut self, runtime: &Runtime) -> Result<(), String> {
        let roles = self.activatable(runtime)?;
        let all = Answers::of(&self.snapshot(), Lens::All);
        for nth in 0..roles.values().map(Vec::len).max().unwrap_or(0) {
            // What grantd says of a role alone is what it says of a user whose default role it is.
            let mut changed = self.account.clone();
            for (user, roles) in &roles {
                let name = roles.get(nth).map(|role| role.name.as_str().to_owned());
                changed.principal_info_mut(user).unwrap().properties.set(Property::DefaultRole, name);
            }
            let primary = Answers::of(&Arc::new(Snapshot::freeze(&changed, 0)), Lens::Primary);
            for (user, info) in self.principals(PrincipalKind::User) {
                let Some(role) = roles[&user].get(nth) else { continue };
                let mut session = self.log_in(runtime, &info)?;
                session.must_run(&format!("USE ROLE {}", role.name.quoted()))?;
                session.must_run("USE SECONDARY ROLES NONE")?;
                self.compare(&format!("{role:?} alone"), &mut session, &user, &primary)?;
                session.must_run("USE SECONDARY ROLES ALL")?;
                self.compare(&format!("{role:?} and all others"), &mut session, &user, &all)?;
            }
        }
        Ok(())
    }

    fn run(&mut self) -> Result<(), String> {
        let runtime = Builder::new_current_thread().build().unwrap();
        self.default_sessions(&runtime)?;
        self.each_role(&runtime)
    }
}

fn disagreement(account: &Account) -> Option<String> {
    Comparison::new(account).run().err()
}

#[test]
fn a_select_succeeds_in_the_sandbox_exactly_when_grantd_calls_it_usable() {
    let (count, first) = (number("GRANTD_SANDBOX_ACCOUNTS", 30), number("GRANTD_SANDBOX_SEED", 0));
    let (mut asked, mut allowed) = (0, 0);
    for seed in first..first + count {
        let mut comparison = Comparison::new(&account(seed));
        if comparison.run().is_err() {
            let few = smallest(facts(seed), |account| disagreement(account).is_some());
            let why = disagreement(&build(&few)).unwrap();
            panic!("seed {seed}:\n{}\n{why}", few.iter().map(|f| format!("{f:?}")).collect::<Vec<_>>().join("\n"));
        }
        asked += comparison.asked;
        allowed += comparison.allowed;
    }
    // One account may hold nothing to ask about; many that are all denied would prove little.
    assert!(count < 30 || (allowed * 20 > asked && allowed < asked), "{allowed} of {asked} were allowed");
}
