//! `grantd setup`: everything an account needs for grantd, as files to read first and to run as somebody else.
//!
//! Nothing is sent anywhere: it makes a key pair, the SQL that a Snowflake administrator runs, queries that prove the
//! result is read-only, and the configuration.

mod answers;
mod script;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::CliError;
use super::files;
use crate::sandbox::protocol::keys::{KeyPair, fingerprint};
use answers::{Answers, Asker};

/// A platform that grantd can be set up for.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SetupPlatform {
    /// Snowflake
    #[default]
    Snowflake,
}

/// Prepare a read-only login: a key pair, SQL for an administrator, queries that prove it, a configuration.
///
/// Asks what it is not told. Nothing is sent anywhere, and no file that exists is changed.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd setup
  grantd setup --platform snowflake --account-identifier myorg-prod --out ./prod --yes
  grantd setup --account-identifier myorg-prod --allowed-ip 203.0.113.10/32 --with-usage --out ./prod --yes

Then: an administrator reads and runs setup.sql, and afterwards
  grantd doctor --config ./prod/grantd.toml")]
#[expect(clippy::doc_markdown, reason = "shown as help, where backticks are noise")]
pub struct SetupArgs {
    /// Which platform
    #[arg(long, value_enum, default_value_t)]
    pub platform: SetupPlatform,
    /// The account, as in https://IDENTIFIER.snowflakecomputing.com
    #[arg(long, value_name = "IDENTIFIER")]
    pub account_identifier: Option<String>,
    /// What the account is called in grantd
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The service user that is made [default: GRANTD_SVC]
    #[arg(long, value_name = "USER")]
    pub service_user: Option<String>,
    /// The role that is made [default: GRANTD_SYNC]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// The warehouse that is made [default: GRANTD_WH]
    #[arg(long, value_name = "WAREHOUSE")]
    pub warehouse: Option<String>,
    /// An address or network from which grantd connects; may be given several times. Without one there is no network
    /// policy
    #[arg(long, value_name = "CIDR")]
    pub allowed_ip: Vec<String>,
    /// Also let grantd read who used what: discloses the text and bind values of queries, which can hold data
    #[arg(long)]
    pub with_usage: bool,
    /// Where to put the files; made if it is not there [default: a folder named as the account]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Take the defaults for what is not told, and do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Asks, makes the files, and says what comes next.
pub fn run(args: &SetupArgs) -> Result<ExitCode, CliError> {
    let stdin = std::io::stdin();
    let may_ask = !args.yes && stdin.is_terminal();
    let mut input = stdin.lock();
    let mut asker = Asker::new(&mut input, std::io::stderr(), may_ask);
    let answers = Answers::collect(args, &mut asker)?;
    let keys = KeyPair::generate().map_err(CliError::new)?;
    let public_key = keys.public_key_base64();
    let script = script::Script::new(&answers, &public_key);
    let written = files::write(
        &answers.out,
        &[
            files::File { name: script::KEY_FILE, text: &keys.private_key_pem, private: true },
            files::File { name: script::SETUP_FILE, text: &script.setup(), private: false },
            files::File { name: script::PROOF_FILE, text: &script.proof(), private: false },
            files::File { name: script::CONFIG_FILE, text: &script.config(), private: false },
        ],
    )?;
    let mut out = std::io::stdout().lock();
    let said = say(&mut out, &answers, &written, &fingerprint(&keys.public_key_der));
    said.and_then(|()| out.flush()).map_err(CliError::output)?;
    Ok(ExitCode::SUCCESS)
}

fn say(out: &mut dyn Write, answers: &Answers, written: &[PathBuf], fingerprint: &str) -> std::io::Result<()> {
    let about = [
        "the private key, readable by you alone; its fingerprint is ",
        "what an administrator reads and runs, once",
        "what shows, to anybody who doubts it, that the login is read-only",
        "the configuration",
    ];
    for (path, about) in written.iter().zip(about) {
        let fingerprint = if about.ends_with(' ') { fingerprint } else { "" };
        writeln!(out, "{}: {about}{fingerprint}", path.display())?;
    }
    let folder = answers.out.display();
    writeln!(out, "\nNext:")?;
    writeln!(out, "  1. read {folder}/{}, and run it as ACCOUNTADMIN", script::SETUP_FILE)?;
    writeln!(out, "  2. grantd doctor --config {folder}/{}", script::CONFIG_FILE)?;
    writeln!(out, "  3. grantd serve --config {folder}/{}", script::CONFIG_FILE)?;
    if !answers.usage {
        writeln!(
            out,
            "\nWho used what stays unknown to grantd; --with-usage asks for it, and says what it discloses."
        )?;
    }
    if answers.networks.is_empty() {
        writeln!(out, "No network policy: name the addresses of grantd with --allowed-ip to have one.")?;
    }
    Ok(())
}
