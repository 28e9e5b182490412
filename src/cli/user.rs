//! `grantd user`: who may ask, on a machine where no daemon runs. With one, an administrator says it by CALL.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::CliError;
use super::backup::State;
use super::output::{Format, write_batches};
use crate::config::{Secret, duration};
use crate::daemon::users::{Users, listed};
use crate::gateway::CallOutcome;
use crate::store::{Store, StoreError};

/// Add, list and disable those who may ask grantd, and give them passwords and tokens.
///
/// The daemon must not be running; an administrator of a running one says CALL create_user('ann') and the like. A secret
/// is written to standard output, once: only what it can be checked against is kept.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd user add ann --config /etc/grantd/grantd.toml
  grantd user token dbt --label ci --expires 90d
  grantd user rotate 7 --grace 48h
  grantd user list
  grantd user disable ann")]
#[expect(clippy::doc_markdown, reason = "shown as help, where backticks are noise")]
pub struct UserArgs {
    #[command(subcommand)]
    what: What,
}

#[expect(clippy::doc_markdown, reason = "shown as help, where backticks are noise")]
#[derive(Subcommand, Debug, Clone, PartialEq, Eq)]
enum What {
    /// Add a user; the new password goes to standard output
    Add {
        /// The name
        name: String,
        /// May change users, and has places of his own when the others are taken
        #[arg(long)]
        administrator: bool,
        /// A file with the verifier of a PostgreSQL role (pg_authid.rolpassword), to keep its password
        #[arg(long, value_name = "FILE")]
        verifier_file: Option<PathBuf>,
        #[command(flatten)]
        state: State,
    },
    /// Show users, and what they log in with
    List {
        /// How to print them
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        state: State,
    },
    /// Keep a user out, from the next login on
    Disable {
        /// The name
        name: String,
        #[command(flatten)]
        state: State,
    },
    /// Let a user in again
    Enable {
        /// The name
        name: String,
        #[command(flatten)]
        state: State,
    },
    /// Give a user another password; the one before ends
    Password {
        /// The name
        name: String,
        #[command(flatten)]
        state: State,
    },
    /// Make a token, which a program uses as its user's password
    Token {
        /// The user
        name: String,
        /// What it is for
        #[arg(long, default_value = "")]
        label: String,
        /// When it ends, such as 90d
        #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
        expires: Option<Duration>,
        #[command(flatten)]
        state: State,
    },
    /// Make a token in the place of another one, which goes on for a while
    Rotate {
        /// The number of the other one
        token: i64,
        /// How long that one goes on
        #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "24h")]
        grace: Duration,
        #[command(flatten)]
        state: State,
    },
    /// End a token, by its number in the list
    Revoke {
        /// The number
        token: i64,
        #[command(flatten)]
        state: State,
    },
}

fn users(state: &State) -> Result<Users, CliError> {
    match Store::open(state.dir()?) {
        Ok(store) => Ok(Users::new(Arc::new(store))),
        Err(error @ StoreError::Locked { .. }) => Err(CliError::new(error).hint(
            "ask the running daemon, as an administrator: CALL create_user('ann'), CALL list_users() and the like",
        )),
        Err(error) => Err(error.into()),
    }
}

fn print(secret: &Secret<String>) -> Result<(), CliError> {
    writeln!(std::io::stdout().lock(), "{}", secret.expose()).map_err(CliError::output)
}

fn say(text: &str) -> Result<(), CliError> {
    writeln!(std::io::stderr().lock(), "{text}").map_err(CliError::output)
}

/// Does it.
pub fn run(args: &UserArgs) -> Result<ExitCode, CliError> {
    match &args.what {
        What::Add { name, administrator, verifier_file: None, state } => {
            print(&users(state)?.add(name, *administrator)?)?;
        }
        What::Add { name, administrator, verifier_file: Some(file), state } => {
            let verifier = std::fs::read_to_string(file)
                .map_err(|error| CliError::new(format_args!("cannot read the verifier: {error}")).at(file.display()))?;
            users(state)?.import(name, *administrator, &verifier)?;
            say(&format!("added {name}, whose password is that of the verifier"))?;
        }
        What::List { format, state } => {
            let CallOutcome::Rows(schema, batches) = listed(&users(state)?)? else { return Ok(ExitCode::SUCCESS) };
            let mut out = std::io::stdout().lock();
            write_batches(*format, &schema, &batches, &mut out).map_err(CliError::new)?;
        }
        What::Disable { name, state } => users(state)?.set_disabled(name, true)?,
        What::Enable { name, state } => users(state)?.set_disabled(name, false)?,
        What::Password { name, state } => print(&users(state)?.reset_password(name)?)?,
        What::Token { name, label, expires, state } => {
            let (id, token) = users(state)?.token(name, label, *expires)?;
            say(&format!("token {id} of {name}"))?;
            print(&token)?;
        }
        What::Rotate { token, grace, state } => {
            let (user, id, token) = users(state)?.rotate(*token, *grace)?;
            say(&format!("token {id} of {user}"))?;
            print(&token)?;
        }
        What::Revoke { token, state } => users(state)?.revoke(*token)?,
    }
    Ok(ExitCode::SUCCESS)
}
