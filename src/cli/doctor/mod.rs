//! `grantd doctor`: whether a login can read what a sync needs, and nothing else.

mod live;
mod probe;
mod rights;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::output::{Column, Format, Kind, RowWriter};
use super::{CliError, runtime};
use crate::config::{AccountConfig, Config};
use crate::daemon::Connector;
use crate::daemon::snowflake::ConfiguredAccount;
use crate::progress::Progress;

/// The exit code when something has to be mended.
const UNWELL: u8 = 1;

/// Check the login of the configured accounts: what is missing, what is too much, and what each costs.
///
/// Reads only. Every account is checked, whatever comes of the others. Exit code 1 when something has to be mended.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd doctor --config grantd.toml
  grantd doctor --config grantd.toml prod --format json
  grantd doctor --config grantd.toml prod --live

Status: ok; warn, which costs knowledge or is more than needed; fail, which has to be mended.")]
pub struct DoctorArgs {
    /// Which accounts; all that are configured if none is named
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// The configuration
    #[arg(long, value_name = "FILE", env = "GRANTD_CONFIG", default_value = "grantd.toml")]
    pub config: PathBuf,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Instead of checking, print facts of this account that no documentation settles: counts and types, no names
    #[arg(long)]
    pub live: bool,
}

/// How well something is; the worse, the greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Status {
    Ok,
    Warn,
    Fail,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// What kind of thing: `login`, `right`, `surplus`, `user`, `role`, `source`.
    check: &'static str,
    status: Status,
    detail: String,
    /// The statement, or the setting, that mends it.
    fix: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, status: Status::Ok, detail: detail.into(), fix: None }
    }
}

/// Looks at one account after the other and prints what was found.
pub fn run(args: &DoctorArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(&args.config)?;
    let accounts = super::sync::chosen(&config, &args.accounts, &args.config)?;
    let mut out = std::io::stdout().lock();
    let mut table = RowWriter::new(args.format, &mut out);
    let columns: &[&str] =
        if args.live { &["account", "fact", "value"] } else { &["account", "check", "status", "detail", "fix"] };
    let text = |name: &&str| Column { name: (*name).to_owned(), kind: Kind::Text };
    table.begin(columns.iter().map(text).collect()).map_err(CliError::output)?;
    let mut unwell = false;
    for account in accounts {
        let progress = Progress::stderr();
        progress.set(format!("looking at {}", account.name));
        if args.live {
            let facts = runtime()?.block_on(async { live::facts(open(account)?.as_ref()).await })?;
            drop(progress);
            for (fact, value) in facts {
                table.row(&[Some(&account.name), Some(fact), Some(&value)]).map_err(CliError::output)?;
            }
            continue;
        }
        let findings = runtime()?.block_on(look(account));
        drop(progress);
        for finding in findings {
            unwell |= finding.status == Status::Fail;
            let cells = [&account.name, finding.check, finding.status.as_str(), &finding.detail].map(Some).into_iter();
            let cells: Vec<_> = cells.chain([finding.fix.as_deref()]).collect();
            table.row(&cells).map_err(CliError::output)?;
        }
    }
    table.end().map_err(CliError::output)?;
    Ok(if unwell { ExitCode::from(UNWELL) } else { ExitCode::SUCCESS })
}

fn open(account: &AccountConfig) -> Result<Box<dyn crate::sync::Source>, CliError> {
    ConfiguredAccount(account.clone()).open().map_err(|error| CliError::new(error).at(&account.name))
}

/// Everything about one account; a login that does not work is a finding as well.
async fn look(account: &AccountConfig) -> Vec<Finding> {
    match ConfiguredAccount(account.clone()).open() {
        Ok(source) => {
            let findings = probe::findings(source.as_ref(), account).await;
            source.close().await;
            findings
        }
        Err(error) => vec![Finding { check: "login", status: Status::Fail, detail: error.to_string(), fix: None }],
    }
}
