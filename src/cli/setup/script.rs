//! The texts of `grantd setup`: SQL for an administrator, queries that prove the result, the configuration.
//!
//! The rights are the least with which every source of a sync can be read
//! (<https://docs.snowflake.com/en/sql-reference/snowflake-db-roles>). MANAGE GRANTS is not among them: it could change
//! everything.

use super::answers::Answers;
use grantd_catalog::model::Ident;
use grantd_catalog::sql::text_literal;
use std::fmt::Write as _;

pub(super) const KEY_FILE: &str = "grantd.p8";
pub(super) const SETUP_FILE: &str = "setup.sql";
pub(super) const PROOF_FILE: &str = "proof.sql";
pub(super) const CONFIG_FILE: &str = "grantd.toml";

/// The answers, and the public half of the key in base64.
pub(super) struct Script<'a> {
    answers: &'a Answers,
    public_key: &'a str,
}

impl<'a> Script<'a> {
    pub(super) fn new(answers: &'a Answers, public_key: &'a str) -> Self {
        Self { answers, public_key }
    }

    /// What an administrator runs, once.
    pub(super) fn setup(&self) -> String {
        let Answers { account_identifier, user, role, warehouse, .. } = self.answers;
        let (user, role, warehouse) = (user.quoted(), role.quoted(), warehouse.quoted());
        let key = text_literal(self.public_key);
        let mut text = format!(
            "\
-- A login for grantd on {account_identifier}. Run as a user who may use USERADMIN and ACCOUNTADMIN.
--
-- It can read who may do what, and can change nothing: no role of it may write, own or grant anything. It cannot read
-- tables. What it can read besides grants is said at each right.

USE ROLE USERADMIN;

CREATE ROLE IF NOT EXISTS {role} COMMENT = 'Reads who may do what, for grantd';

-- Fails if the user exists already, because it then belongs to something else: choose another with --service-user.
-- SERVICE: no password and no person. The private half of the key is in {KEY_FILE} and nowhere else. Without secondary
-- roles only the role above is ever active.
CREATE USER {user}
  TYPE = SERVICE
  RSA_PUBLIC_KEY = {key}
  DEFAULT_ROLE = {role}
  DEFAULT_WAREHOUSE = {warehouse}
  DEFAULT_SECONDARY_ROLES = ()
  COMMENT = 'grantd';
GRANT ROLE {role} TO USER {user};

USE ROLE ACCOUNTADMIN;

-- A sync uses it for about a minute; it suspends itself after another.
CREATE WAREHOUSE IF NOT EXISTS {warehouse} WAREHOUSE_SIZE = 'XSMALL' AUTO_SUSPEND = 60 AUTO_RESUME = TRUE
  INITIALLY_SUSPENDED = TRUE STATEMENT_TIMEOUT_IN_SECONDS = 600 COMMENT = 'grantd';
GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role};

-- Users, roles, grants. Discloses e-mail addresses, and the addresses that people log in from.
GRANT DATABASE ROLE SNOWFLAKE.SECURITY_VIEWER TO ROLE {role};
-- Databases, schemas and objects. Discloses the text of views, functions and procedures.
GRANT DATABASE ROLE SNOWFLAKE.OBJECT_VIEWER TO ROLE {role};
-- SHOW lists every user, role and object. Discloses their names and properties.
GRANT MONITOR USER, MONITOR ROLE, RESOLVE ALL ON ACCOUNT TO ROLE {role};
"
        );
        if self.answers.usage {
            let _ = write!(
                text,
                "-- Who used what. Discloses the text and the bind values of queries, which can hold data.
GRANT DATABASE ROLE SNOWFLAKE.GOVERNANCE_VIEWER TO ROLE {role};
"
            );
        }
        if !self.answers.networks.is_empty() {
            let policy = self.policy();
            let policy = policy.quoted();
            let networks: Vec<String> = self.answers.networks.iter().map(|n| text_literal(n)).collect();
            let networks = networks.join(", ");
            let _ = write!(
                text,
                "
-- The login works from these addresses only.
CREATE NETWORK POLICY IF NOT EXISTS {policy} ALLOWED_IP_LIST = ({networks}) COMMENT = 'grantd';
ALTER USER {user} SET NETWORK_POLICY = {policy};
"
            );
        }
        text
    }

    /// The policy's name, from the user's.
    fn policy(&self) -> Ident {
        let user = &self.answers.user;
        // A name that is as long as names can be has no room for more; policies have names of their own.
        Ident::new(format!("{}_NETWORK", user.as_str())).unwrap_or_else(|_| user.clone())
    }

    /// Queries for somebody who doubts it.
    pub(super) fn proof(&self) -> String {
        let Answers { user, role, .. } = self.answers;
        let (user_name, role_name) = (text_literal(user.as_str()), text_literal(role.as_str()));
        let (user, role) = (user.quoted(), role.quoted());
        format!(
            "\
-- That the login of grantd can read and nothing else. Run as ACCOUNTADMIN, at any time.

-- All it has: USAGE of the warehouse and of database roles SNOWFLAKE.*_VIEWER, MONITOR USER, MONITOR ROLE, RESOLVE ALL.
SHOW GRANTS TO ROLE {role};
-- What everybody has, and so this login too. A grant here that writes is a finding of its own.
SHOW GRANTS TO ROLE PUBLIC;
-- One row, the role: no other role and no privilege of its own.
SHOW GRANTS TO USER {user};
-- One row, the user: nobody else has the role.
SHOW GRANTS OF ROLE {role};
-- Nothing: new objects do not come to it.
SHOW FUTURE GRANTS TO ROLE {role};

-- Nothing: it owns nothing and grants nothing.
SELECT PRIVILEGE, GRANTED_ON, NAME FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_ROLES
WHERE GRANTEE_NAME = {role_name} AND PRIVILEGE IN ('OWNERSHIP', 'MANAGE GRANTS') AND DELETED_ON IS NULL;
-- What it did: SELECT and SHOW, with the query tag grantd/VERSION.
SELECT QUERY_TYPE, QUERY_TAG, COUNT(*) AS STATEMENTS FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY
WHERE USER_NAME = {user_name} GROUP BY QUERY_TYPE, QUERY_TAG;
"
        )
    }

    /// `grantd.toml`.
    pub(super) fn config(&self) -> String {
        let Answers { account_identifier, name, user, role, warehouse, .. } = self.answers;
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        format!(
            "\
# What every key means: grantd serve --help, and docs/guide.md.

[server]
listen = \"{listen}\"
data_dir = \"state\"

[[account]]
name = {name}
account_identifier = {identifier}
user = {user}
role = {role}
warehouse = {warehouse}
private_key_file = \"{KEY_FILE}\"
",
            listen = crate::config::DEFAULT_LISTEN,
            name = text(name),
            identifier = text(account_identifier),
            user = text(user.as_str()),
            role = text(&role.shown().to_string()),
            warehouse = text(&warehouse.shown().to_string()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    fn answers(user: &str) -> Answers {
        let id = |text: &str| Ident::new(text).unwrap();
        Answers {
            account_identifier: "org-acc".into(),
            name: "prod".into(),
            user: id(user),
            role: id("R \"odd\"; DROP"),
            warehouse: id("WH"),
            networks: vec!["10.0.0.0/8".into()],
            usage: true,
            out: "prod".into(),
        }
    }

    #[test]
    fn no_name_leaves_its_quotes() {
        let answers = answers("a'b\"c");
        let script = Script::new(&answers, "MII+/=");
        for text in [script.setup(), script.proof()] {
            grantd_catalog::sql::parse_script(&text).unwrap();
        }
        assert!(script.setup().contains("CREATE USER \"a'b\"\"c\"\n"));
        assert!(script.setup().contains("TO ROLE \"R \"\"odd\"\"; DROP\""));
    }

    #[test]
    fn nothing_that_writes_is_asked_for_and_usage_only_when_wanted() {
        let mut answers = answers("U");
        let with = Script::new(&answers, "K").setup();
        assert!(with.contains("GOVERNANCE_VIEWER") && with.contains("NETWORK POLICY"));
        answers.usage = false;
        answers.networks.clear();
        let without = Script::new(&answers, "K").setup();
        for word in ["GOVERNANCE_VIEWER", "NETWORK POLICY", "MANAGE GRANTS", "IMPORTED PRIVILEGES", "PASSWORD"] {
            assert!(!without.contains(word), "{word}");
        }
    }

    #[test]
    fn the_configuration_is_one() {
        let answers = answers("a'b\"c");
        let text = Script::new(&answers, "K").config();
        let config = Config::parse(Path::new("prod/grantd.toml"), &text, []).unwrap();
        let account = &config.accounts[0];
        assert_eq!((account.user.as_str(), account.role.as_deref()), ("a'b\"c", Some("\"R \"\"odd\"\"; DROP\"")));
    }
}
