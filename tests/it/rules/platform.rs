//! A platform in this process: an account made by a script, and sessions of its users.

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use grantd::sandbox::engine::SandboxEngine;
use grantd::sandbox::protocol::engine::{Answer, Engine, EngineSession, LoginRequest};
use serde_json::Map;

/// An account that a script has made, as ACCOUNTADMIN.
pub(super) struct Platform(SandboxEngine);

/// Runs a script on a new account. DB.S.T is there, owned by OWNER; ALICE has A and B, and A alone is active when she
/// logs in; BOB has OWNER.
pub(super) fn platform(script: &str) -> Platform {
    let platform = Platform(SandboxEngine::new("RULES"));
    platform.run(
        "CREATE ROLE A; CREATE ROLE B; CREATE ROLE OWNER;
         CREATE USER ALICE DEFAULT_ROLE = A DEFAULT_SECONDARY_ROLES = ();
         CREATE USER BOB DEFAULT_ROLE = OWNER DEFAULT_SECONDARY_ROLES = ();
         GRANT ROLE A TO USER ALICE; GRANT ROLE B TO USER ALICE; GRANT ROLE OWNER TO USER BOB;
         CREATE DATABASE DB; CREATE SCHEMA DB.S; CREATE TABLE DB.S.T (ID NUMBER);
         GRANT USAGE ON DATABASE DB TO ROLE OWNER; GRANT USAGE ON SCHEMA DB.S TO ROLE OWNER;
         GRANT OWNERSHIP ON TABLE DB.S.T TO ROLE OWNER;",
    );
    platform.run(script);
    platform
}

impl Platform {
    /// Runs statements as ACCOUNTADMIN; all must work.
    pub(super) fn run(&self, script: &str) {
        self.0.run_script(script).unwrap_or_else(|failure| panic!("{script}: {failure}"));
    }

    /// Runs one statement as ACCOUNTADMIN that must be refused: code and message.
    pub(super) fn refuses(&self, sql: &str) -> String {
        self.0.run_script(sql).expect_err(sql).failure.to_string()
    }

    /// A session of a user, with what is active by default.
    pub(super) fn session(&self, user: &str) -> Session {
        let request = LoginRequest { login_name: user.to_owned(), ..LoginRequest::default() };
        Session(self.0.open(&request).unwrap())
    }

    /// Cells of a SHOW as a user with ACCOUNTADMIN sees it.
    pub(super) async fn show(&self, sql: &str, columns: &[&str]) -> Vec<String> {
        self.run("CREATE USER IF NOT EXISTS ROOT DEFAULT_ROLE = ACCOUNTADMIN; GRANT ROLE ACCOUNTADMIN TO USER ROOT;");
        self.session("ROOT").rows(sql, columns).await
    }
}

/// What the platform says to who may not.
const DENIED: [&str; 3] = ["nsufficient privileges", "not authorized", "operation cannot be performed"];

/// A session of one user.
pub(super) struct Session(Box<dyn EngineSession>);

impl Session {
    /// Runs one statement; `Err` is code and message.
    pub(super) async fn run(&mut self, sql: &str) -> Result<Answer, String> {
        self.0.execute(sql, false, &Map::new()).await.map_err(|failure| failure.to_string())
    }

    /// Whether a statement runs; a refusal must be for lack of rights.
    pub(super) async fn may(&mut self, sql: &str) -> bool {
        match self.run(sql).await {
            Ok(_) => true,
            Err(why) if DENIED.iter().any(|denied| why.contains(denied)) => false,
            Err(why) => panic!("{sql}: {why}"),
        }
    }

    /// The rows of an answer, in order: the named columns with a space between, NULL as `-`.
    pub(super) async fn rows(&mut self, sql: &str, columns: &[&str]) -> Vec<String> {
        let answer = self.run(sql).await.unwrap_or_else(|why| panic!("{sql}: {why}"));
        let at = |name: &&str| answer.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name)).unwrap();
        let wanted: Vec<usize> = columns.iter().map(at).collect();
        let options = FormatOptions::new().with_null("-");
        let mut rows = Vec::new();
        for batch in &answer.batches {
            let cells: Vec<_> =
                wanted.iter().map(|i| ArrayFormatter::try_new(batch.column(*i), &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                rows.push(cells.iter().map(|cell| cell.value(row).to_string()).collect::<Vec<_>>().join(" "));
            }
        }
        rows.sort();
        rows
    }
}
