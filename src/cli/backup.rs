//! `grantd backup` and `grantd restore`: the whole state, also while a daemon runs.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::CliError;
use crate::config::Config;
use crate::store::{Copied, backup, restore};

/// Where the state is.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The configuration that names the data directory
    #[arg(long, value_name = "FILE", env = "GRANTD_CONFIG", default_value = "grantd.toml")]
    pub config: PathBuf,
    /// The data directory, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl State {
    pub(super) fn dir(&self) -> Result<PathBuf, CliError> {
        match &self.data_dir {
            Some(dir) => Ok(dir.clone()),
            None => Ok(Config::load(&self.config)?.server.data_dir),
        }
    }
}

/// Copy the whole state to a new directory. The daemon may run meanwhile: the copy is the state of one moment.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd backup --config /etc/grantd/grantd.toml /backup/grantd-2026-10-01
  grantd backup --data-dir /var/lib/grantd /backup/today")]
pub struct BackupArgs {
    /// A directory that does not exist yet, or an empty one
    #[arg(value_name = "DEST")]
    pub destination: PathBuf,
    /// Where the state is
    #[command(flatten)]
    pub state: State,
}

/// Make a data directory of a backup. It must not exist yet, or be empty.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd restore --config /etc/grantd/grantd.toml /backup/grantd-2026-10-01
  grantd restore --data-dir /var/lib/grantd /backup/today")]
pub struct RestoreArgs {
    /// A directory that grantd backup made
    #[arg(value_name = "SRC")]
    pub source: PathBuf,
    /// Where the state will be
    #[command(flatten)]
    pub state: State,
}

/// Makes a backup, and says how large it is.
pub fn run(args: &BackupArgs) -> Result<ExitCode, CliError> {
    let copied = backup(&args.state.dir()?, &args.destination)?;
    say("backed up to", &args.destination, copied)
}

/// Restores a backup, and says how large it is.
pub fn run_restore(args: &RestoreArgs) -> Result<ExitCode, CliError> {
    let dir = args.state.dir()?;
    let copied = restore(&args.source, &dir)?;
    say("restored to", &dir, copied)
}

fn say(what: &str, dir: &std::path::Path, copied: Copied) -> Result<ExitCode, CliError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} {}: {} snapshots, {} bytes", dir.display(), copied.segments, copied.bytes)
        .map_err(CliError::output)?;
    Ok(ExitCode::SUCCESS)
}
