//! `grantd sync`: read accounts once, now.

use std::path::PathBuf;

use clap::Args;

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
