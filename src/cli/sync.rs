//! `grantd sync`: read accounts once, now.

use std::path::{Path, PathBuf};

use clap::Args;

use super::serve::connectors;
use super::{CliError, runtime};
use crate::config::{AccountConfig, Config};
use crate::daemon::Daemon;
use crate::progress::Progress;
use crate::store::{AccountSource, Store};
use crate::sync::Statement;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Read the configured accounts once and store what they say.
///
/// For a machine without a running daemon; with one, CALL sync('ACCOUNT') does the same.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd sync --config grantd.toml
  grantd sync --config grantd.toml prod staging")]
pub struct SyncArgs {
    /// Which accounts; all that are configured if none is named
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "grantd.toml")]
    pub config: PathBuf,
}

/// Syncs one account after the other; the first that fails is the error, after the others were tried.
pub fn run(args: &SyncArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(&args.config)?;
    let store = Arc::new(Store::open(&config.server.data_dir)?);
    let daemon = Daemon::open(store, connectors(&config))?;
    let mut failure = None;
    for name in chosen(&config, &args.accounts, &args.config)?.into_iter().map(|account| &account.name) {
        let shown = Shown(Progress::stderr());
        match runtime()?.block_on(daemon.sync(name, AccountSource::Sync, &shown)) {
            Ok(report) => {
                drop(shown);
                let mut out = std::io::stdout().lock();
                writeln!(
                    out,
                    "synced account {}: {} statements, {} rows, snapshot {}; {} findings in coverage",
                    report.account, report.statements, report.rows, report.snapshot, report.findings
                )
                .map_err(CliError::output)?;
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match failure {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(error.into()),
    }
}

/// The accounts that are named, in that order; all of them if none is.
pub(super) fn chosen<'c>(
    config: &'c Config,
    named: &[String],
    file: &Path,
) -> Result<Vec<&'c AccountConfig>, CliError> {
    if named.is_empty() {
        return Ok(config.accounts.iter().collect());
    }
    let find = |name: &String| {
        config.accounts.iter().find(|account| account.name == *name).ok_or_else(|| {
            let names: Vec<&str> = config.accounts.iter().map(|account| account.name.as_str()).collect();
            CliError::new(format_args!("account {name:?} is not configured"))
                .at(file.display())
                .hint(format_args!("configured are: {}", names.join(", ")))
        })
    };
    named.iter().map(find).collect()
}

/// A run's progress on the terminal.
pub(super) struct Shown(pub(super) Progress);

impl crate::sync::Progress for Shown {
    fn note(&self, statement: &Statement, detail: &str) {
        self.0.set(format!("{}: {detail}", statement.name));
    }
}
