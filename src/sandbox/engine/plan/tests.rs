//! Each rule of who may do what, in a world of a few roles.

mod atomic;
mod objects;
mod ownership;
mod privileges;
mod volume;

use super::super::SandboxEngine;
use super::super::session::Session;
use crate::sandbox::protocol::engine::Failure;
use datafusion::arrow::array::AsArray;
use grantd_catalog::account::Account;
use grantd_catalog::model::{Ident, Principal};
use grantd_catalog::sql::parse_script;

/// An account with a script run by ACCOUNTADMIN.
struct World {
    engine: SandboxEngine,
}

impl World {
    fn new(sql: &str) -> Self {
        let engine = SandboxEngine::new("TEST");
        if let Err(error) = engine.run_script(sql) {
            panic!("{error}");
        }
        Self { engine }
    }

    fn session(&self, role: &str) -> Session {
        let mut session = Session::administrator(self.engine.clone());
        session.role = Principal::role(Ident::new(role).unwrap());
        session
    }

    /// Runs one statement with one role and no secondary roles.
    fn run(&self, role: &str, sql: &str) -> Result<String, Failure> {
        let statements = parse_script(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let [statement] = statements.as_slice() else { panic!("{sql}: one statement") };
        let answer = self.session(role).run(statement, sql)?;
        let batch = answer.batches.first().map(|b| b.column(0).clone());
        Ok(batch.and_then(|c| c.as_string_opt::<i32>().map(|c| c.value(0).to_owned())).unwrap_or_default())
    }

    fn ok(&self, role: &str, sql: &str) -> String {
        self.run(role, sql).unwrap_or_else(|failure| panic!("{role}: {sql}: {failure}"))
    }

    /// The number of the refusal.
    fn refused(&self, role: &str, sql: &str) -> String {
        match self.run(role, sql) {
            Ok(done) => panic!("{role}: {sql}: {done}"),
            Err(failure) => failure.code,
        }
    }

    fn account(&self) -> Account {
        self.engine.account().as_ref().clone()
    }

    /// The grants on what is not the account's and not SNOWFLAKE's, as `GRANTEE PRIVILEGE OBJECT by GRANTOR`.
    fn grants(&self) -> Vec<String> {
        let account = self.account();
        let own = |g: &grantd_catalog::account::Grant| {
            g.object.object_type.as_str() != "ACCOUNT"
                && g.object.own_database().is_none_or(|d| d.as_str() != "SNOWFLAKE")
        };
        let mut rows: Vec<String> = account
            .grants()
            .filter(own)
            .map(|g| {
                let by = g.granted_by.as_ref().map(Principal::shown).unwrap_or_default();
                let option = if g.grant_option { " with option" } else { "" };
                format!("{} {} {} by {by}{option}", g.grantee.shown(), g.privilege, g.object.shown())
            })
            .collect();
        rows.sort();
        rows
    }

    fn owner(&self, object: &str) -> String {
        let account = self.account();
        let found = account.ownerships().find(|o| o.object.shown() == object);
        found.map(|o| o.owner.shown()).unwrap_or_default()
    }
}

/// Roles A, B and C that SYSADMIN has; database D of A with schema S of A and table T of B; warehouse W.
const SMALL: &str = "
    CREATE ROLE A; CREATE ROLE B; CREATE ROLE C; CREATE USER U;
    GRANT ROLE A TO ROLE SYSADMIN; GRANT ROLE B TO ROLE SYSADMIN; GRANT ROLE C TO ROLE SYSADMIN;
    CREATE WAREHOUSE W; CREATE DATABASE D; CREATE SCHEMA D.S; CREATE TABLE D.S.T (X INT);
    CREATE DATABASE ROLE D.R;
    GRANT OWNERSHIP ON DATABASE D TO ROLE A COPY CURRENT GRANTS; GRANT OWNERSHIP ON SCHEMA D.S TO ROLE A;
    GRANT OWNERSHIP ON TABLE D.S.T TO ROLE B; GRANT OWNERSHIP ON DATABASE ROLE D.R TO ROLE A;
    GRANT USAGE ON DATABASE D TO ROLE B; GRANT USAGE ON SCHEMA D.S TO ROLE B;
";

fn small() -> World {
    World::new(SMALL)
}
